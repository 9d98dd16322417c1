package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/discovery"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/store"
)

// runtimeConfig is everything that follows from one configuration. It is built,
// checked and swapped as a whole; nothing in it changes.
type runtimeConfig struct {
	evaluation.Config
	config    *config.Valid
	instances []instance
	// pinned are the documents of the frameworks of Pins.
	pinned []*framework.Document
	// accounts are asked for services, and found is what they had when this was
	// built.
	accounts *discovery.Accounts
	// exemptionEntries are by the index of Exemptions which entry of the configuration it is of.
	exemptionEntries []int
	found            discovery.Found
	// rules identifies what discovery depends on, catalogVersion the services and what is
	// asked about them beside the configuration of the sources.
	rules, catalogVersion string
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
	rc := &runtimeConfig{config: c, found: found, Config: evaluation.Config{
		Interval:        time.Duration(c.Evaluation().Interval),
		ObserveFor:      time.Duration(c.Evaluation().ObserveFor),
		KeepFor:         time.Duration(c.Store().Retention.History),
		Detail:          exporter.Detail(c.Exposition().Detail),
		CheckStatusPass: c.Exposition().CheckStatusPass,
	}}
	if len(c.Reviews().DueAfter) > 0 {
		rc.ReviewDueIn = c.Reviews().DueIn
	}
	for n, w := range c.Incidents().Windows {
		if n > 0 && w > c.Store().Retention.Incidents {
			continue // a part of its incidents is deleted
		}
		rc.IncidentWindows = append(rc.IncidentWindows, correlation.Window(w))
	}
	// All faults are said at once. What would only follow from a framework that cannot
	// be used is left out.
	errs := []error{rc.buildCatalog(c), rc.buildFramework(c, deps.options.framework)}
	if rc.Framework != nil {
		errs = append(errs, rc.buildPins(c), rc.buildSources(c, deps),
			rc.buildExemptions(c, deps.options.framework), rc.buildTargets(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &InvalidError{err}
	}
	rc.accounts = discovery.New(c.Catalog().PagerDuty, rc.Sources, rc.Catalog.Services())
	rc.buildProviders(deps.options.Now())
	rc.findNotMeasurable()
	return rc, rc.buildVersions(deps.options)
}

// buildVersions identifies the configuration and its parts.
func (rc *runtimeConfig) buildVersions(o Options) error {
	services := make([]catalog.Service, 0, len(rc.Catalog.Services()))
	for _, s := range rc.Catalog.Services() {
		service := *s
		service.Origin = catalog.Origin{} // a file that is moved says the same
		services = append(services, service)
	}
	var err error
	rc.catalogVersion, err = hashOf(o.Version, o.Revision, services, rc.attestations(), rc.CheckIDs())
	if err != nil {
		return err
	}
	if rc.rules, err = hashOf(rc.config.Catalog().PagerDuty, rc.config.Sources().PagerDuty); err != nil {
		return err
	}
	var rounds []string
	for _, i := range rc.instances {
		rounds = append(rounds, i.source.ID(), rc.roundVersion(i))
	}
	targets := slices.Clone(rc.Targets)
	for i := range targets {
		targets[i].From = "" // as above
	}
	rc.Version.LoadedAt = o.Now()
	rc.Version.Hash, err = hashOf(rounds, rc.catalogVersion, rc.Framework.Hash, rc.pinHashes(), rc.Exemptions, targets,
		rc.Interval, rc.ObserveFor, rc.KeepFor, rc.Detail, rc.CheckStatusPass, rc.config.Store().Retention, rc.rules,
		rc.config.Reviews().DueAfter)
	return err
}

// pinHashes identify the pins.
func (rc *runtimeConfig) pinHashes() []any {
	var hashes []any
	for i := range rc.Pins {
		hashes = append(hashes, rc.Pins[i].Selector, rc.Pins[i].Framework.Hash, rc.Pins[i].Until)
	}
	return hashes
}

// roundVersion identifies what a round of a source asks, and for which services.
func (rc *runtimeConfig) roundVersion(i instance) string { return i.version + "/" + rc.catalogVersion }

// instance finds the source with the id.
func (rc *runtimeConfig) instance(id string) (found instance, ok bool) {
	for _, i := range rc.instances {
		if i.source.ID() == id {
			return i, true
		}
	}
	return instance{}, false
}

// hashOf is a hash of the JSON of some values.
func hashOf(values ...any) (string, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("a fault of this program: the configuration cannot be identified: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}

func (rc *runtimeConfig) buildSources(c *config.Valid, deps sourceDeps) error {
	deps.attestations = rc.attestations()
	deps.checks, deps.maxExemption = rc.CheckIDs(), rc.Framework.MaxExemption
	var errs []error
	for _, k := range kinds() {
		instances, err := k.instances(c, deps)
		if err != nil {
			errs = append(errs, err)
		}
		for _, i := range instances {
			rc.instances = append(rc.instances, deps.reused(i))
		}
	}
	for _, i := range rc.instances {
		rc.Sources = append(rc.Sources, i.source)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	return nil
}

// buildCatalog merges the inline entries with those of the Backstage files and
// with what discovery has found. A pattern that matches no file is a fault: a
// catalog that silently lost its files would lose its services.
func (rc *runtimeConfig) buildCatalog(c *config.Valid) error {
	declared, rules := c.Catalog(), c.CatalogRules()
	files := newCatalogFiles(rules.Entities)
	var errs []error
	for i, pattern := range declared.Backstage {
		if err := files.readPattern(pattern); err != nil {
			key := fmt.Sprintf("catalog.backstage[%d]", i)
			errs = append(errs, fmt.Errorf("%s: %s: %w", c.Place(key), key, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	entries := catalog.Entries{Services: declared.Services, Teams: declared.Teams}
	entries.Add(files.entries)
	entries, err := rc.found.Merge(declared.PagerDuty, rules, entries)
	if err != nil {
		return err
	}
	rc.Catalog, err = rules.Build(entries)
	return err
}

func (rc *runtimeConfig) buildFramework(c *config.Valid, instead string) error {
	var err error
	name := cmp.Or(instead, c.Framework().File, framework.DefaultName)
	rc.Document, err = framework.Load(name, c.Framework().Installed...)
	if err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	if err := rc.loadPinned(c); err != nil {
		return err
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
	for _, a := range rc.attestations() {
		if err := all.add("the framework's attestations", []evidence.Definition{a.Fact}); err != nil {
			return err
		}
	}
	var definitions []evidence.Definition
	for _, d := range all {
		definitions = append(definitions, d.Definition)
	}
	if rc.Facts, err = evidence.NewFacts(definitions); err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	if rc.Framework, err = framework.Compile(rc.Document, rc.Facts); err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	return nil
}

// freshGaps is how many gaps of its schedule a source may miss before what it
// said is stale.
const freshGaps = 3

func (rc *runtimeConfig) buildProviders(now time.Time) {
	names := func(definitions []evidence.Definition) []string {
		var out []string
		for _, d := range definitions {
			out = append(out, d.Name)
		}
		return out
	}
	rc.Providers = append(rc.Providers, evidence.Provider{ID: catalog.SourceID, Facts: names(catalog.Facts())})
	for _, i := range rc.instances {
		locator, locates := i.source.(collectors.Locator)
		rc.Providers = append(rc.Providers, evidence.Provider{
			ID: i.source.ID(), ReplicaOf: collectors.ReplicaOf(i.source), Facts: names(i.source.Facts()),
			FreshFor: freshGaps * config.LongestGap(i.schedule, now),
			Answers: func(service, fact string) bool {
				entry, ok := rc.Catalog.Service(service)
				return ok && i.source.Answers(entry, fact)
			},
			Lacks: func(service, fact string) string {
				if entry, ok := rc.Catalog.Service(service); ok && locates {
					return locator.CatalogKey(entry, fact)
				}
				return ""
			},
		})
	}
}

// findNotMeasurable finds the checks that no configured source can decide. They start
// as scheduled.
func (rc *runtimeConfig) findNotMeasurable() {
	given := make([]bool, rc.Facts.Len())
	for _, p := range rc.Providers {
		for _, name := range p.Facts {
			if i, ok := rc.Facts.Index(name); ok {
				given[i] = true
			}
		}
	}
	of := func(f *framework.Framework) map[string]bool {
		found := map[string]bool{}
		for _, c := range f.Checks {
			if !c.Measurable(func(fact int) bool { return given[fact] }) {
				found[c.ID] = true
			}
		}
		return found
	}
	rc.NotMeasurable = of(rc.Framework)
	for i := range rc.Pins {
		rc.Pins[i].NotMeasurable = of(rc.Pins[i].Framework)
	}
}

// only selects instances by name; no names select all. An *InvalidError has
// the nearest name.
func (rc *runtimeConfig) only(names []string) ([]instance, error) {
	if len(names) == 0 {
		return rc.instances, nil
	}
	var selected []instance
	var errs []error
	for _, i := range rc.instances {
		if slices.Contains(names, i.source.ID()) {
			selected = append(selected, i)
		}
	}
	for _, name := range names {
		if !slices.Contains(rc.SourceIDs(), name) {
			errs = append(errs, unknownSource(name, rc.SourceIDs()))
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
	kind, entry, whole := strings.Cut(name, "/")
	var same []string
	for _, id := range known {
		if !whole && strings.HasPrefix(id, kind+"/") {
			same = append(same, strconv.Quote(id))
		}
	}
	if len(same) > 0 {
		return fmt.Errorf("no source %q is configured, did you mean %s?", name, strings.Join(same, " or "))
	}
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

// noSource says what follows from a configuration without sources.
func noSource() string {
	return "no source is configured, so that nothing is collected or judged: " + AddSource()
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
func (rc *runtimeConfig) withFound(ctx context.Context, s *store.Store, deps sourceDeps) (*runtimeConfig, error) {
	if !rc.accounts.Wanted() {
		return rc, nil
	}
	found, err := rc.accounts.Load(ctx, s)
	if err != nil || len(found) == 0 {
		return rc, err
	}
	return build(rc.config, found, deps)
}

// discoversFor reports whether discovery belongs to a round of the named
// sources: when an account of it is among them, and when nothing was found yet,
// since then there are no services to collect for.
func (rc *runtimeConfig) discoversFor(sources []string) bool {
	return rc.accounts.Wanted() && (len(rc.found) == 0 || rc.accounts.Among(sources))
}
