// Package discovery finds the services of the catalog in PagerDuty: it lists
// those of the accounts that the catalog's rules name, and keeps the lists in
// the store, so that a restart has a catalog before PagerDuty has answered.
package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/store"
)

const (
	// listTimeout bounds listing one account.
	listTimeout = 2 * time.Minute
	// servicesCursor and sourcePrefix name where a listing is in the store: it is
	// a cursor of a source that is called sourcePrefix and the account.
	servicesCursor = "services"
	sourcePrefix   = "catalog/pagerduty/"
)

// Found is what each PagerDuty account had when it last answered. An account
// that does not answer keeps its services: no answer is no evidence of a loss.
type Found map[string][]catalog.PagerDutyService

// Merge adds what the discovery rules make of the found services to the declared
// entries.
func (f Found) Merge(discovery []catalog.Discovery, rules catalog.Rules, declared catalog.Entries) (
	catalog.Entries, error,
) {
	if len(discovery) == 0 || len(f) == 0 {
		return declared, nil
	}
	var list []catalog.PagerDutyService
	for _, of := range f {
		list = append(list, of...)
	}
	made, err := catalog.Discover(discovery, list)
	if err != nil {
		return declared, err
	}
	return rules.Merge(declared, made), nil
}

// Accounts are the PagerDuty accounts that the catalog's rules name.
type Accounts struct {
	rules []catalog.Discovery
	// names are sorted.
	names   []string
	sources map[string]*pagerduty.Source
	// tags are those that rules ask for, by account.
	tags map[string][]string
	// keyed are the services of the catalog that name PagerDuty services by integration
	// keys alone.
	keyed []string
}

// New selects from the configured sources the accounts that the rules name. A
// rule may leave out the account where there is only one. declared are the services of
// the catalog.
func New(rules []catalog.Discovery, sources []collectors.Source, declared []*catalog.Service) *Accounts {
	a := &Accounts{rules: rules, sources: map[string]*pagerduty.Source{}, tags: map[string][]string{}}
	for _, s := range declared {
		isKeyed := func(ref catalog.PagerDutyRef) bool { return ref.ServiceID == "" && !ref.IntegrationKey.IsZero() }
		if slices.ContainsFunc(s.PagerDuty, isKeyed) {
			a.keyed = append(a.keyed, s.Name)
		}
	}
	configured := map[string]*pagerduty.Source{}
	only := ""
	for _, s := range sources {
		if source, ok := s.(*pagerduty.Source); ok {
			only = strings.TrimPrefix(source.ID(), "pagerduty/")
			configured[only] = source
		}
	}
	for _, rule := range rules {
		account := rule.Account
		if account == "" && len(configured) == 1 {
			account = only
		}
		a.sources[account] = configured[account]
		if rule.Tag != "" && !slices.Contains(a.tags[account], rule.Tag) {
			a.tags[account] = append(a.tags[account], rule.Tag)
		}
	}
	a.names = slices.Sorted(maps.Keys(a.sources))
	return a
}

// Wanted reports whether there is a rule at all.
func (a *Accounts) Wanted() bool { return len(a.rules) > 0 }

// Among reports whether one of the accounts is among the sources; no sources
// stand for all.
func (a *Accounts) Among(sources []string) bool {
	return slices.ContainsFunc(a.names, func(account string) bool {
		return len(sources) == 0 || slices.Contains(sources, "pagerduty/"+account)
	})
}

// List asks every account for its services. before is what was found last, and
// stays for an account that does not answer. warn gets what a person should know
// of a listing that is good otherwise. answered counts the accounts that
// answered; the error joins the others.
func (a *Accounts) List(
	ctx context.Context, before Found, warn func(note string),
) (now Found, answered int, err error) {
	now = Found{}
	maps.Copy(now, before)
	var errs []error
	for _, account := range a.names {
		list, notes, err := a.list(ctx, account, before[account])
		for _, note := range notes {
			warn(note)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("discovering the services of PagerDuty account %s: %w", account, err))
			continue
		}
		now[account] = list
		answered++
	}
	return now, answered, errors.Join(errs...)
}

// list asks one account. A service of before whose record cannot be read now is
// still there.
func (a *Accounts) list(ctx context.Context, account string, before []catalog.PagerDutyService) (
	list []catalog.PagerDutyService, notes []string, err error,
) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	source := a.sources[account]
	look := source.Survey
	if len(a.keyed) > 0 {
		look = source.SurveyWithKeys
	}
	survey, err := look(ctx)
	if err != nil {
		return nil, nil, err
	}
	if survey.KeysHidden() {
		notes = append(notes, fmt.Sprintf("the credential sees no integration keys, so that services with such a key in the "+
			"catalog may be found once more (%s): name their PagerDuty services by service_id", strings.Join(a.keyed, ", ")))
	}
	tags := map[string][]string{}
	for _, tag := range a.tags[account] {
		carriers, err := source.SurveyTag(ctx, survey, tag)
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
	listed := map[string]bool{}
	for _, s := range survey.Services {
		entry := catalog.PagerDutyService{Account: account, ID: s.ID, Name: s.Name, Tags: tags[s.ID]}
		for _, team := range s.Teams {
			entry.Teams = append(entry.Teams, team.Name)
		}
		for _, key := range s.Keys {
			entry.Keys = append(entry.Keys, key.Digest())
		}
		list, listed[s.ID] = append(list, entry), true
	}
	for _, old := range before {
		if !listed[old.ID] && (survey.Nameless > 0 || slices.Contains(survey.Unreadable, old.ID)) {
			list = append(list, old)
		}
	}
	slices.SortFunc(list, func(a, b catalog.PagerDutyService) int { return strings.Compare(a.ID, b.ID) })
	return list, notes, nil
}

// Load reads what was found of the accounts from the store.
func (a *Accounts) Load(ctx context.Context, s *store.Store) (Found, error) {
	f := Found{}
	for _, account := range a.names {
		cursors, err := s.Cursors(ctx, sourcePrefix+account)
		if err != nil {
			return nil, err
		}
		text, ok := cursors[servicesCursor]
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

// Save stores what an account has.
func Save(ctx context.Context, s *store.Store, account string, list []catalog.PagerDutyService, now time.Time) error {
	text, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("storing what was discovered in PagerDuty account %s: %w", account, err)
	}
	_, err = s.Commit(ctx, sourcePrefix+account, 0, now,
		evidence.Batch{Cursors: map[string]string{servicesCursor: string(text)}})
	return err
}

// Finding says what the rules make of one account now.
type Finding struct {
	// Account is its name.
	Account string
	// Text counts and names the services that the rules make of the account, and Services
	// is their number.
	Text     string
	Services int
	// Err is set when it did not answer, or a rule is wrong.
	Err error
}

// Try says for every account what the rules find in it now.
func (a *Accounts) Try(ctx context.Context) []Finding {
	var findings []Finding
	for _, account := range a.names {
		text, services, err := a.try(ctx, account)
		findings = append(findings, Finding{Account: account, Text: text, Services: services, Err: err})
	}
	return findings
}

func (a *Accounts) try(ctx context.Context, account string) (text string, services int, err error) {
	list, notes, err := a.list(ctx, account, nil)
	if err != nil {
		return "", 0, err
	}
	made, err := catalog.Discover(a.rules, list)
	if err != nil {
		return "", 0, err
	}
	for i, rule := range a.rules {
		alone, err := catalog.Discover([]catalog.Discovery{rule}, list)
		if err == nil && len(alone.Services)+len(alone.Refused) == 0 {
			notes = append(notes, fmt.Sprintf("rule %d fits no service (names are compared whole, and with their case)", i+1))
		}
	}
	for _, refused := range made.Refused {
		notes = append(notes, refused.Lines()...)
	}
	used := 0
	for _, s := range made.Services {
		used += len(s.PagerDuty)
	}
	text = fmt.Sprintf("%d of %s make %s%s", used, report.Plural(len(list), "PagerDuty service"),
		report.Plural(len(made.Services), "service"), examples(made.Services))
	return strings.Join(append([]string{text}, notes...), "; "), len(made.Services), nil
}

// examples names the first services, each with the number of PagerDuty services
// that make it.
func examples(services []catalog.Service) string {
	const maxNames = 10
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
	case len(names) > maxNames:
		return fmt.Sprintf(" (%s and %d more)", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
	}
	return " (" + strings.Join(names, ", ") + ")"
}
