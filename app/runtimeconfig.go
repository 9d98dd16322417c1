package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/discovery"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// runtimeConfig is everything that follows from one configuration. It is built,
// checked and swapped as a whole; nothing in it changes.
type runtimeConfig struct {
	evaluation.Config
	config    *config.Valid
	instances []instance
	// accounts are asked for services, found is what they had when this was
	// built, and skipped what of it cannot be in the catalog.
	accounts *discovery.Accounts
	found    discovery.Found
	skipped  []string
}

// Configure makes of a configuration what an evaluation depends on, without a
// program around it. It reads the files that the configuration names and makes
// no request. Its errors are InvalidErrors.
func Configure(o Options, c *config.Valid) (*evaluation.Config, error) {
	o = o.withDefaults()
	built, err := build(c, nil, sourceDeps{options: o})
	if err != nil {
		return nil, err
	}
	return &built.Config, nil
}

// build checks everything the configuration names. It reads files and makes no
// request. Its errors are InvalidErrors.
func build(c *config.Valid, found discovery.Found, deps sourceDeps) (*runtimeConfig, error) {
	w := &runtimeConfig{config: c, found: found, Config: evaluation.Config{
		Interval:        time.Duration(c.Evaluation().Interval),
		ObserveFor:      time.Duration(c.Evaluation().ObserveFor),
		CheckStatusPass: c.Exposition().CheckStatusPass,
	}}
	var errs []error
	if err := w.buildCatalog(c); err != nil {
		return nil, &InvalidError{err}
	}
	if err := w.buildFramework(c); err != nil {
		return nil, &InvalidError{err}
	}
	deps.attestations = w.Document.Attestations()
	deps.checks = w.Document.Checks()
	for _, k := range kinds() {
		instances, err := k.instances(c, deps)
		if err != nil {
			errs = append(errs, err)
		}
		w.instances = append(w.instances, instances...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &InvalidError{fmt.Errorf("sources: %w", err)}
	}
	for _, i := range w.instances {
		w.Sources = append(w.Sources, i.source)
	}
	w.accounts = discovery.New(c.Catalog().PagerDuty, w.Sources)
	w.buildProviders(deps.options.Now())
	w.findNotMeasurable()
	for _, e := range c.Exemptions() {
		if _, err := w.Framework.Check(e.Check); err != nil {
			errs = append(errs, fmt.Errorf("%s: exemptions: %w", e.Origin, err))
		}
		// An alias covers the service that has it.
		services := slices.Clone(e.Services)
		for i, name := range services {
			entry, err := w.Catalog.Lookup(name)
			switch {
			case err == nil:
				services[i] = entry.Name
			case len(c.Catalog().PagerDuty) == 0:
				// With discovery, an unknown service may be discovered later.
				errs = append(errs, fmt.Errorf("%s: exemptions: %s: %w", e.Origin, e.Check, err))
			}
		}
		w.Exemptions = append(w.Exemptions, scoring.Exemption{
			Check: e.Check, Services: services, Tiers: e.Tiers, Reason: e.Reason, Approver: e.Approver, Expires: e.Until(),
		})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &InvalidError{err}
	}
	return w, nil
}

// buildCatalog merges the inline entries with those of the Backstage files. A
// pattern that matches no file is a fault: a catalog that silently lost its
// files would lose its services.
func (w *runtimeConfig) buildCatalog(c *config.Valid) error {
	inline := c.Catalog()
	services, teams := inline.Services, inline.Teams
	var errs []error
	for _, pattern := range inline.Backstage {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			errs = append(errs, fmt.Errorf("catalog.backstage: %q matches no file", pattern))
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				errs = append(errs, fmt.Errorf("catalog.backstage: %w", err))
				continue
			}
			more, owners, err := catalog.ParseBackstage(name, text)
			if err != nil {
				errs = append(errs, err)
			}
			services, teams = append(services, more...), append(teams, owners...)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var err error
	if services, teams, w.skipped, err = w.found.Merge(inline.PagerDuty, services, teams); err != nil {
		return err
	}
	w.Catalog, err = catalog.Build(services, teams, c.SourceNames())
	return err
}

func (w *runtimeConfig) buildFramework(c *config.Valid) error {
	files, err := framework.Default()
	if name := c.Framework().File; name != "" {
		var text []byte
		text, err = os.ReadFile(name)
		files = []framework.File{{Name: filepath.Base(name), Data: text}}
	}
	if err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	w.Document, err = framework.Parse(files)
	if err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	all := declarations{}
	if err := all.add(catalog.SourceID, catalog.Facts()); err != nil {
		return err
	}
	for _, k := range kinds() {
		if err := k.declare(c, all); err != nil {
			return err
		}
	}
	for _, a := range w.Document.Attestations() {
		if err := all.add("the framework's attestations", []evidence.Definition{a.Fact}); err != nil {
			return err
		}
	}
	var definitions []evidence.Definition
	for _, d := range all {
		definitions = append(definitions, d.Definition)
	}
	if w.Facts, err = evidence.NewFacts(definitions); err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	if w.Framework, err = framework.Compile(w.Document, w.Facts); err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	return nil
}

// freshGaps is how many gaps of its schedule a source may miss before what it
// said is stale.
const freshGaps = 3

func (w *runtimeConfig) buildProviders(now time.Time) {
	names := func(definitions []evidence.Definition) []string {
		var out []string
		for _, d := range definitions {
			out = append(out, d.Name)
		}
		return out
	}
	w.Providers = append(w.Providers, evidence.Provider{ID: catalog.SourceID, Facts: names(catalog.Facts())})
	for _, i := range w.instances {
		locator, locates := i.source.(collectors.Locator)
		w.Providers = append(w.Providers, evidence.Provider{
			ID: i.source.ID(), Facts: names(i.source.Facts()),
			FreshFor: freshGaps * config.LongestGap(i.schedule, now),
			Answers: func(service, fact string) bool {
				entry, ok := w.Catalog.Service(service)
				return ok && i.source.Answers(entry, fact)
			},
			Lacks: func(service, fact string) string {
				if entry, ok := w.Catalog.Service(service); ok && locates {
					return locator.CatalogKey(entry, fact)
				}
				return ""
			},
		})
	}
}

// findNotMeasurable finds the checks that no configured source can decide. They start
// as scheduled.
func (w *runtimeConfig) findNotMeasurable() {
	given := make([]bool, w.Facts.Len())
	for _, p := range w.Providers {
		for _, name := range p.Facts {
			if i, ok := w.Facts.Index(name); ok {
				given[i] = true
			}
		}
	}
	w.NotMeasurable = map[string]bool{}
	for _, c := range w.Framework.Checks {
		if !c.Measurable(func(fact int) bool { return given[fact] }) {
			w.NotMeasurable[c.ID] = true
		}
	}
}

// only selects instances by name; no names select all. An *InvalidError has
// the nearest name.
func (w *runtimeConfig) only(names []string) ([]instance, error) {
	if len(names) == 0 {
		return w.instances, nil
	}
	var selected []instance
	var errs []error
	for _, i := range w.instances {
		if slices.Contains(names, i.source.ID()) {
			selected = append(selected, i)
		}
	}
	for _, name := range names {
		if !slices.Contains(w.SourceIDs(), name) {
			errs = append(errs, unknownSource(name, w.SourceIDs()))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &InvalidError{err}
	}
	return selected, nil
}

// unknownSource says that a source is not configured, and which key would
// configure it.
func unknownSource(name string, known []string) error {
	if hint := nearest.Suggest(name, known); hint != "" {
		return fmt.Errorf("no source %q is configured%s", name, hint)
	}
	kind, entry, _ := strings.Cut(name, "/")
	entry = cmp.Or(entry, "NAME")
	for _, k := range kinds() {
		if k.name == kind {
			return fmt.Errorf("no source %q is configured: add an entry with name: %s to sources.%s", name, entry, kind)
		}
	}
	if len(known) == 0 {
		return fmt.Errorf("no source %q is configured: %s", name, AddSource())
	}
	return fmt.Errorf("no source %q is configured; there is %s", name, strings.Join(known, ", "))
}

// AddSource says which keys of the configuration add a source.
func AddSource() string {
	var keys []string
	for _, k := range kinds() {
		keys = append(keys, "sources."+k.name)
	}
	slices.Sort(keys)
	return "add one of " + strings.Join(keys, ", ") + ", or let `collector init` write a configuration"
}

// withFound is the configuration with the services that discovery has stored:
// the same one when no rule asks for discovery.
func (w *runtimeConfig) withFound(ctx context.Context, s *store.Store, deps sourceDeps) (*runtimeConfig, error) {
	if !w.accounts.Wanted() {
		return w, nil
	}
	found, err := w.accounts.Load(ctx, s)
	if err != nil || len(found) == 0 {
		return w, err
	}
	return build(w.config, found, deps)
}

// discoversFor reports whether discovery belongs to a round of the named
// sources: when an account of it is among them, and when nothing was found yet,
// since then there are no services to collect for.
func (w *runtimeConfig) discoversFor(sources []string) bool {
	return w.accounts.Wanted() && (len(w.found) == 0 || w.accounts.Among(sources))
}
