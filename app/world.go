package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// world is everything that follows from one configuration. It is built whole,
// checked whole and swapped whole; nothing in it changes.
type world struct {
	config     *config.Valid
	catalog    *catalog.Catalog
	facts      *evidence.Facts
	framework  *framework.Framework
	document   *framework.Document
	blind      map[string]bool
	exemptions []scoring.Exemption
	instances  []instance
	providers  []evidence.Provider
	// services are the catalog's names in order.
	services []string
	// found is what discovery knew when the world was built, skipped what of it
	// cannot be in the catalog.
	found   found
	skipped []string
}

// buildWorld checks everything the configuration names. It reads files and
// contacts nobody. Its errors are InvalidErrors.
func buildWorld(o Options, c *config.Valid, f found, deps sourceDeps) (*world, error) {
	w := &world{config: c, found: f}
	var errs []error
	if err := w.buildCatalog(c); err != nil {
		return nil, &InvalidError{err}
	}
	if err := w.buildFramework(c); err != nil {
		return nil, &InvalidError{err}
	}
	deps.attestations = w.document.Attestations()
	deps.checks = w.document.Checks()
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
	w.buildProviders(o.Now())
	w.findBlind()
	for _, e := range c.Exemptions() {
		if _, err := w.framework.Check(e.Check); err != nil {
			errs = append(errs, fmt.Errorf("%s: exemptions: %w", e.Origin, err))
		}
		// An alias covers the service that has it.
		services := slices.Clone(e.Services)
		for i, name := range services {
			entry, err := w.catalog.Lookup(name)
			switch {
			case err == nil:
				services[i] = entry.Name
			case len(c.Catalog().PagerDuty) == 0:
				// With discovery, an unknown service may be discovered later.
				errs = append(errs, fmt.Errorf("%s: exemptions: %s: %w", e.Origin, e.Check, err))
			}
		}
		w.exemptions = append(w.exemptions, scoring.Exemption{
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
func (w *world) buildCatalog(c *config.Valid) error {
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
	services, teams, skipped, err := catalogEntries(inline, services, teams, w.found)
	if err != nil {
		return err
	}
	w.skipped = skipped
	if w.catalog, err = catalog.Build(services, teams, c.SourceNames()); err != nil {
		return err
	}
	for _, s := range w.catalog.Services() {
		w.services = append(w.services, s.Name)
	}
	return nil
}

func (w *world) buildFramework(c *config.Valid) error {
	files, err := framework.Default()
	if name := c.Framework().File; name != "" {
		var text []byte
		text, err = os.ReadFile(name)
		files = []framework.File{{Name: filepath.Base(name), Data: text}}
	}
	if err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	w.document, err = framework.Parse(files)
	if err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	definitions := catalog.Facts()
	for _, k := range kinds() {
		more, err := k.definitions(c)
		if err != nil {
			return err
		}
		definitions = append(definitions, more...)
	}
	for _, a := range w.document.Attestations() {
		definitions = append(definitions, a.Fact)
	}
	if w.facts, err = evidence.NewFacts(definitions); err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	if w.framework, err = framework.Compile(w.document, w.facts); err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	return nil
}

// freshGaps is how many gaps of its schedule a source may miss before what it
// said is stale.
const freshGaps = 3

func (w *world) buildProviders(now time.Time) {
	names := func(definitions []evidence.Definition) []string {
		var out []string
		for _, d := range definitions {
			out = append(out, d.Name)
		}
		return out
	}
	w.providers = append(w.providers, evidence.Provider{ID: catalog.SourceID, Facts: names(catalog.Facts())})
	for _, i := range w.instances {
		w.providers = append(w.providers, evidence.Provider{
			ID: i.source.ID(), Facts: names(i.source.Facts()),
			FreshFor: freshGaps * config.LongestGap(i.schedule, now),
			Answers: func(service, fact string) bool {
				entry, ok := w.catalog.Service(service)
				return ok && i.source.Answers(entry, fact)
			},
		})
	}
}

// findBlind finds the checks that no configured source can decide. They start
// as scheduled.
func (w *world) findBlind() {
	given := make([]bool, w.facts.Len())
	for _, p := range w.providers {
		for _, name := range p.Facts {
			if i, ok := w.facts.Index(name); ok {
				given[i] = true
			}
		}
	}
	w.blind = map[string]bool{}
	for _, c := range w.framework.Checks {
		if c.Blind(func(fact int) bool { return given[fact] }) {
			w.blind[c.ID] = true
		}
	}
}

// sourceIDs lists the instances.
func (w *world) sourceIDs() []string {
	var ids []string
	for _, i := range w.instances {
		ids = append(ids, i.source.ID())
	}
	return ids
}

func (w *world) checkIDs() []string {
	var ids []string
	for _, c := range w.framework.Checks {
		ids = append(ids, c.ID)
	}
	return ids
}
