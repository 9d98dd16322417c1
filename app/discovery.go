package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

const (
	// discoverEvery is how often PagerDuty is asked which services there are.
	discoverEvery = 30 * time.Minute
	// discoverTimeout bounds asking one account.
	discoverTimeout = 2 * time.Minute
	// foundCursor names what discovery keeps in the store, of a source that is
	// called discoverySource and the account.
	foundCursor     = "services"
	discoverySource = "catalog/pagerduty/"
)

// found is what PagerDuty accounts had when they last answered, by account.
// What an account does not answer is not evidence: its services of before stay.
type found map[string][]catalog.PagerDutyService

// all lists the services of all accounts.
func (f found) all() []catalog.PagerDutyService {
	var list []catalog.PagerDutyService
	for _, services := range f {
		list = append(list, services...)
	}
	return list
}

// discoverers are the configured accounts that rules look in, with the tags
// they ask for.
func discoverers(w *world) map[string]*discoverer {
	accounts := w.config.SourceNames().PagerDuty
	list := map[string]*discoverer{}
	for _, rule := range w.config.Catalog().PagerDuty {
		account := rule.Account
		if account == "" && len(accounts) == 1 {
			account = accounts[0]
		}
		if list[account] == nil {
			list[account] = &discoverer{account: account}
			for _, i := range w.instances {
				if s, ok := i.source.(*pagerduty.Source); ok && s.ID() == "pagerduty/"+account {
					list[account].source = s
				}
			}
		}
		if rule.Tag != "" && !slices.Contains(list[account].tags, rule.Tag) {
			list[account].tags = append(list[account].tags, rule.Tag)
		}
	}
	return list
}

// discoverer asks one account.
type discoverer struct {
	account string
	source  *pagerduty.Source
	tags    []string
}

// discover lists the account's services. before is what it had last: a service
// whose record cannot be read now is still there. notes are what a person should
// know of a listing that is good otherwise.
func (d *discoverer) discover(ctx context.Context, before []catalog.PagerDutyService) (list []catalog.PagerDutyService, notes []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, discoverTimeout)
	defer cancel()
	survey, err := d.source.Survey(ctx)
	if err != nil {
		return nil, nil, err
	}
	tags := map[string][]string{}
	for _, tag := range d.tags {
		carriers, err := d.source.SurveyTag(ctx, survey, tag)
		if errors.Is(err, pagerduty.ErrNoTag) {
			notes = append(notes, err.Error()+": rules with it find nothing")
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for _, s := range carriers {
			tags[s.ID] = append(tags[s.ID], tag)
		}
	}
	list = []catalog.PagerDutyService{}
	there := map[string]bool{}
	for _, s := range survey.Services {
		entry := catalog.PagerDutyService{Account: d.account, ID: s.ID, Name: s.Name, Tags: tags[s.ID]}
		for _, team := range s.Teams {
			entry.Teams = append(entry.Teams, team.Name)
		}
		list, there[s.ID] = append(list, entry), true
	}
	for _, old := range before {
		if !there[old.ID] && (survey.Nameless > 0 || slices.Contains(survey.Unreadable, old.ID)) {
			list = append(list, old)
		}
	}
	slices.SortFunc(list, func(a, b catalog.PagerDutyService) int { return strings.Compare(a.ID, b.ID) })
	return list, notes, nil
}

// storedFound reads what discovery has kept, for the accounts that rules look
// in.
func storedFound(ctx context.Context, s *store.Store, w *world) (found, error) {
	f := found{}
	for account := range discoverers(w) {
		cursors, err := s.Cursors(ctx, discoverySource+account)
		if err != nil {
			return nil, err
		}
		text, ok := cursors[foundCursor]
		if !ok {
			continue
		}
		var list []catalog.PagerDutyService
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("reading what was discovered in PagerDuty account %s: %w", account, err)
		}
		f[account] = list
	}
	return f, nil
}

// keepFound stores what an account has.
func keepFound(ctx context.Context, s *store.Store, account string, list []catalog.PagerDutyService, now time.Time) error {
	text, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("keeping what was discovered in PagerDuty account %s: %w", account, err)
	}
	_, err = s.Commit(ctx, discoverySource+account, 0, now, evidence.Batch{Cursors: map[string]string{foundCursor: string(text)}})
	return err
}

// withFound is the world with what discovery has kept in the store: the same
// one when no rule asks for it.
func withFound(ctx context.Context, o Options, w *world, s *store.Store, deps sourceDeps) (*world, error) {
	if len(w.config.Catalog().PagerDuty) == 0 {
		return w, nil
	}
	kept, err := storedFound(ctx, s, w)
	if err != nil || len(kept) == 0 {
		return w, err
	}
	return buildWorld(o, w.config, kept, deps)
}

// rediscover asks every account that rules look in, and swaps the catalog when
// its services have changed. An account that does not answer keeps those of
// before. The error joins the accounts that did not answer.
func (a *App) rediscover(ctx context.Context) error {
	a.lifecycle.Lock()
	w, first := a.world, !a.discovered
	next := found{}
	for account, list := range w.found {
		next[account] = list
	}
	a.lifecycle.Unlock()
	var errs []error
	asked := discoverers(w)
	answered := 0
	for _, account := range slices.Sorted(maps.Keys(asked)) {
		list, notes, err := asked[account].discover(ctx, w.found[account])
		for _, note := range notes {
			a.log.Warn("discovery", "note", note)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("discovering the services of PagerDuty account %s: %w", account, err))
			continue
		}
		next[account] = list
		answered++
	}
	if answered > 0 {
		if err := a.adopt(ctx, w, next, first); err != nil {
			errs = append(errs, err)
		}
	}
	return a.collect.report("catalog", errors.Join(errs...))
}

// adopt makes what was found the catalog, unless it is what it was. After a
// start the first answer is taken as it is, so that a restart is the way to
// agree to a loss of many services; later ones must not lose more than a fifth.
func (a *App) adopt(ctx context.Context, w *world, next found, first bool) error {
	a.lifecycle.Lock()
	defer a.lifecycle.Unlock()
	if a.closed || a.world != w {
		return nil // stopped or reloaded meanwhile; it is asked again
	}
	if reflect.DeepEqual(w.found, next) {
		a.discovered = true
		a.refuse(nil)
		return nil
	}
	fresh, err := a.build(w.config, next)
	if err == nil && !first {
		err = catalog.Shrunk(w.catalog, fresh.catalog)
	}
	if err != nil {
		a.refuse(err)
		return err
	}
	for account, list := range next {
		if !reflect.DeepEqual(w.found[account], list) {
			if err := keepFound(ctx, a.store, account, list, a.options.Now()); err != nil {
				return storeError(err)
			}
		}
	}
	if err := a.swap(ctx, fresh); err != nil {
		return err
	}
	a.discovered = true
	a.refuse(nil)
	a.log.Info("services were discovered", "services", len(fresh.services), "before", len(w.services))
	for _, text := range fresh.skipped {
		a.log.Warn("a PagerDuty service fits a rule and cannot be in the catalog", "service", text)
	}
	return nil
}

// refuse shows a catalog that was not taken over as a reload that failed, and
// its end.
func (a *App) refuse(err error) {
	if err != nil || a.refused {
		a.metrics.Reloaded(err, a.options.Now())
	}
	a.refused = err != nil
}

// discovers reports whether a rule asks for discovery.
func (a *App) discovers() bool { return len(a.world.config.Catalog().PagerDuty) > 0 }

// discoverLoop asks again and again, until ctx ends.
func (a *App) discoverLoop(ctx context.Context) {
	ticker := time.NewTicker(discoverEvery)
	defer ticker.Stop()
	for {
		a.lifecycle.Lock()
		wanted := a.discovers()
		a.lifecycle.Unlock()
		if wanted {
			_ = a.rediscover(ctx) // it has logged it
		}
		a.lifecycle.Lock()
		if a.scheduler == nil && !a.closed {
			// The jobs have waited for something to collect about.
			a.startJobs(context.WithoutCancel(ctx))
		}
		a.lifecycle.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-a.survey:
		case <-ticker.C:
		}
	}
}

// findDiscoveries says for every account what rules find in it now.
func findDiscoveries(ctx context.Context, w *world, rules []catalog.Discovery, online bool) []Finding {
	if len(rules) == 0 {
		return nil
	}
	if !online {
		return []Finding{{Subject: "discovery", Text: fmt.Sprintf("rules: %d; --online says what they find", len(rules))}}
	}
	var findings []Finding
	asked := discoverers(w)
	for _, account := range slices.Sorted(maps.Keys(asked)) {
		f := Finding{Subject: "discovery in pagerduty/" + account}
		list, notes, err := asked[account].discover(ctx, nil)
		var made catalog.Discovered
		if err == nil {
			made, err = catalog.Discover(rules, list)
		}
		if f.Err = err; err != nil {
			f.Text = err.Error()
		} else {
			f.Text = fmt.Sprintf("%d of %d PagerDuty services make %d services%s", references(made), len(list), len(made.Services), some(made.Services))
			for i, rule := range rules {
				if alone, err := catalog.Discover([]catalog.Discovery{rule}, list); err == nil && len(alone.Services)+len(alone.Skipped) == 0 {
					notes = append(notes, fmt.Sprintf("rule %d fits no service (names are compared whole, and with their case)", i+1))
				}
			}
			for _, text := range made.Skipped {
				notes = append(notes, "skipped "+text)
			}
			for _, note := range notes {
				f.Text += "; " + note
			}
		}
		findings = append(findings, f)
	}
	return findings
}

// some names a few services, with the number of PagerDuty services that make one.
func some(services []catalog.Service) string {
	const most = 10
	var names []string
	for _, s := range services {
		name := s.Name
		if n := len(s.PagerDuty); n > 1 {
			name += fmt.Sprintf(" (of %d)", n)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return fmt.Sprintf(" (%s and %d more)", strings.Join(names[:most], ", "), len(names)-most)
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// references counts the PagerDuty services that are made use of.
func references(made catalog.Discovered) (n int) {
	for _, s := range made.Services {
		n += len(s.PagerDuty)
	}
	return n
}

// catalogEntries are the declared and the discovered entries.
func catalogEntries(c config.Catalog, services []catalog.Service, teams []catalog.Team, f found) ([]catalog.Service, []catalog.Team, []string, error) {
	if len(c.PagerDuty) == 0 || len(f) == 0 {
		return services, teams, nil, nil
	}
	made, err := catalog.Discover(c.PagerDuty, f.all())
	if err != nil {
		return nil, nil, nil, err
	}
	services, teams = catalog.Merge(services, teams, made)
	return services, teams, made.Skipped, nil
}
