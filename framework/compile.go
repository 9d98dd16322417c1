package framework

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// Defaults of a framework file.
const (
	DefaultAwardDwell = 24 * time.Hour
	DefaultDwell      = 24 * time.Hour
	DefaultLapseAfter = 30 * 24 * time.Hour
)

var (
	checkID  = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z0-9]+(-[a-z0-9]+)*)+$`)
	moduleID = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
)

// Compile checks the document and compiles its expressions over the closed set
// of facts. All faults are reported together, each with its file and line.
func Compile(doc *Document, facts *evidence.Facts) (*Framework, error) {
	proofs, err := NewCompiler(facts)
	if err != nil {
		return nil, err
	}
	scopes, err := newScopeCompiler(facts)
	if err != nil {
		return nil, err
	}
	f := &Framework{
		Name: doc.header.Name, Version: doc.header.Version,
		AwardDwell: DefaultAwardDwell, LapseAfter: map[Badge]time.Duration{}, Requirements: map[Badge]Requirement{},
		Extends: doc.Extends, Changed: doc.Changed, Added: doc.Added, Dropped: doc.Dropped,
		facts: facts, byID: map[string]*Check{},
	}
	c := &compilation{framework: f, proofs: proofs, scopes: scopes, document: doc}
	c.header(doc.header)
	for _, m := range doc.modules {
		c.where = fmt.Sprintf("%s:%d", m.file, m.Line)
		if !moduleID.MatchString(m.ID) {
			c.fail("module id %q: want lower case letters, digits and dashes, such as data", m.ID)
			continue
		}
		c.module(m)
	}
	if len(f.Checks) == 0 && len(c.faults) == 0 {
		c.where = doc.place("modules")
		c.fail("the framework has no checks: add modules with checks to it, or name the folder if they are in files beside it")
	}
	if err := errors.Join(c.faults...); err != nil {
		return nil, err
	}
	if err := f.identify(doc); err != nil {
		return nil, err
	}
	return f, nil
}

// compilation is a framework while it is compiled, with the faults found so far.
type compilation struct {
	document       *Document
	framework      *Framework
	proofs, scopes *Compiler
	// where is what is compiled now, as faults name it.
	where  string
	faults []error
}

func (c *compilation) fail(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s: %w", c.where, fmt.Errorf(format, args...)))
}

// module compiles one module with its checks.
func (c *compilation) module(m moduleDoc) {
	module := &Module{ID: m.ID, Name: cmp.Or(m.Name, m.ID), Objective: m.Objective, Docs: m.Docs, Scale: Maturity,
		Levels: m.Levels, Links: links(m.Links)}
	if module.Weight = m.Weight; m.Weight < 0 || m.Weight > maxWeight {
		c.fail("module %s: weight %g: want more than 0 and at most %d", m.ID, m.Weight, maxWeight)
	}
	switch Scale(m.Scale) {
	case "", Maturity:
	case PassFail:
		module.Scale = PassFail
		var err error
		if module.RequiredFrom, err = ParseBadge(m.RequiredFrom); err != nil || module.RequiredFrom == NoBadge {
			c.fail("module %s: a pass/fail module needs required_from: bronze … diamond", m.ID)
		}
	default:
		c.fail("module %s: scale %q%s: want maturity or pass_fail", m.ID, m.Scale,
			nearest.Suggest(m.Scale, []string{string(Maturity), string(PassFail)}))
	}
	f := c.framework
	f.Modules = append(f.Modules, module)
	for _, doc := range m.Checks {
		c.where = doc.place()
		check := c.check(doc, module)
		check.Index = len(f.Checks)
		f.Checks = append(f.Checks, check)
		f.byID[doc.ID] = check
		module.Checks = append(module.Checks, check)
	}
}

// header compiles what concerns all modules.
func (c *compilation) header(h header) {
	f := c.framework
	if h.AwardDwell > 0 {
		f.AwardDwell = time.Duration(h.AwardDwell)
	}
	f.MaxExemption = time.Duration(h.MaxExemption)
	for b := Bronze; b <= Diamond; b++ {
		f.LapseAfter[b] = DefaultLapseAfter
		f.Requirements[b] = Requirement{MaxExempt: -1, MaxAttestedPerModule: -1, MaxAttested: -1}
	}
	for _, name := range slices.Sorted(maps.Keys(h.LapseAfter)) {
		c.where = c.document.place("lapse_after." + name)
		d := h.LapseAfter[name]
		b, err := ParseBadge(name)
		if err != nil || b == NoBadge {
			c.fail("lapse_after: %q is not a badge that can lapse: want bronze … diamond", name)
			continue
		}
		f.LapseAfter[b] = time.Duration(d)
	}
	for _, name := range slices.Sorted(maps.Keys(h.Requirements)) {
		c.where = c.document.place("requirements." + name)
		r := h.Requirements[name]
		b, err := ParseBadge(name)
		if err != nil || b == NoBadge {
			c.fail("requirements: %q is not a badge that can be given: want bronze … diamond", name)
			continue
		}
		f.Requirements[b] = Requirement{
			MaxExempt: orNone(r.MaxExempt), ExemptFromLevel: r.ExemptFromLevel,
			MaxAttestedPerModule: orNone(r.MaxAttestedPerModule), MaxAttested: orNone(r.MaxAttested),
		}
	}
	for i, t := range h.Targets {
		c.where = c.document.place(fmt.Sprintf("targets[%d]", i))
		b, err := ParseBadge(t.Badge)
		if err != nil {
			c.fail("targets[%d]: %w", i, err)
		}
		due, err := parseDate(t.Due)
		if err != nil {
			c.fail("targets[%d]: due %q: want a date such as 2026-12-31", i, t.Due)
		}
		f.Targets = append(f.Targets, Target{Tiers: t.Tiers, Badge: b, Due: due})
	}
	for _, level := range h.Levels {
		f.Levels = append(f.Levels, Level(level))
	}
	f.Retired = h.Retired
	for i, change := range h.Changelog {
		c.where = c.document.place(fmt.Sprintf("changelog[%d]", i))
		date, err := parseDate(change.Date)
		if err != nil {
			c.fail("changelog[%d]: date %q: want a date such as 2026-12-31", i, change.Date)
		}
		f.Changelog = append(f.Changelog, Change{Version: change.Version, Date: date, Notes: change.Notes})
	}
}

func orNone(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.DateOnly, text)
}

// effort is the size of a remediation, which may be written in words.
func effort(text string) string {
	if i := slices.Index(effortWords(), text); i >= 0 {
		return "SML"[i : i+1]
	}
	return text
}

// effortWords are the sizes of a remediation, the smallest first.
func effortWords() []string { return []string{"hours", "days", "weeks"} }

// lowestTier is the tier of the least critical services; 1 is that of the most critical.
const lowestTier = 4

func allTiers() []int { return []int{1, 2, 3, lowestTier} }

// maxWeight bounds the weight of a check, so that sums of weights stay exact enough
// for a score.
const maxWeight = 1000

// defaultWeight makes the score move most where the basics are missing.
func defaultWeight(level int) float64 {
	switch {
	case level <= 2:
		return 3
	case level == 3:
		return 2
	}
	return 1
}

// check compiles one check.
func (c *compilation) check(doc checkDoc, module *Module) *Check {
	check := &Check{
		ID: doc.ID, Module: module, Level: doc.Level, Weight: cmp.Or(doc.Weight, defaultWeight(doc.Level)),
		Tiers: doc.Scope.Tiers, Dwell: cmp.Or(time.Duration(doc.Dwell), DefaultDwell),
		Title: doc.Title, Objective: doc.Objective, Why: doc.Why, Judged: doc.Judged, Attest: doc.Attest,
		Remediation: doc.Remediation, Remedies: doc.Remedies, Effort: effort(doc.Effort), Ground: doc.Ground,
		Note: doc.Note, Example: Example(doc.Example), Links: links(doc.Links), Since: doc.Since,
		Lifecycle: cmp.Or(Lifecycle(doc.Lifecycle), Stable), ReplacedBy: doc.ReplacedBy,
		goodFor: time.Duration(doc.ClaimsFor), attestable: doc.attested(),
	}
	c.lifecycle(check)
	if !checkID.MatchString(doc.ID) {
		c.fail("an id is lower case words joined by dots and dashes, such as cicd.no-drift")
	}
	if doc.Level < 1 || doc.Level > 5 {
		c.fail("level %d: want 1 to 5", doc.Level)
	}
	if doc.Title == "" {
		c.fail("title is missing")
	}
	if doc.Weight < 0 || doc.Weight > maxWeight {
		c.fail("weight %g: want more than 0 and at most %d", doc.Weight, maxWeight)
	}
	if len(check.Tiers) == 0 {
		check.Tiers = allTiers()
	}
	for _, t := range check.Tiers {
		if t < 1 || t > lowestTier {
			c.fail("tier %d: want 1 to 4", t)
		}
	}
	var err error
	if check.EnforceFrom, err = parseDate(doc.EnforceFrom); err != nil {
		c.fail("enforce_from %q: want a date such as 2026-12-31", doc.EnforceFrom)
	}
	if doc.Scope.When != "" {
		if check.When, err = c.scopes.Compile(doc.Scope.When); err != nil {
			c.fail("%w", err)
		} else if check.When.isConstant {
			c.fail("scope.when %q is always %s: %s", doc.Scope.When, check.When.constant, map[Truth]string{
				True:  "it narrows nothing, leave it out",
				False: "the check is for no service, correct it",
			}[check.When.constant])
		}
	}
	c.proofChain(doc, check)
	return check
}

func (c *compilation) lifecycle(check *Check) {
	stages := []string{string(Experimental), string(Stable), string(Deprecated)}
	switch stage := string(check.Lifecycle); {
	case !slices.Contains(stages, stage):
		c.fail("lifecycle %q%s: want experimental, stable or deprecated", stage, nearest.Suggest(stage, stages))
	case check.Lifecycle == Deprecated && check.ReplacedBy == "":
		c.fail("replaced_by is missing: a deprecated check says which check replaces it, or in words what does")
	case check.Lifecycle != Deprecated && check.ReplacedBy != "":
		c.fail("replaced_by is for a check with lifecycle: deprecated")
	}
}

// proofChain compiles the proofs of a check, and collects the facts they read.
func (c *compilation) proofChain(doc checkDoc, check *Check) {
	if len(doc.Proofs) == 0 {
		c.fail("a check needs at least one proof")
	}
	facts, modes := c.framework.facts, []string{"decides", "suffices"}
	weakest := -1
	for i, p := range doc.Proofs {
		kind := slices.Index(proofKinds(), p.By)
		switch {
		case kind < 0:
			c.fail("proof %d: by %q%s: want machine, ticket, catalog or attested", i+1, p.By,
				nearest.Suggest(p.By, proofKinds()))
		case kind < weakest:
			c.fail("proof %d: by %s comes after a weaker kind: list proofs from strongest to weakest", i+1, p.By)
		}
		weakest = max(weakest, kind)
		if p.Mode != "" && !slices.Contains(modes, p.Mode) {
			c.fail("proof %d: mode %q%s: want decides or suffices", i+1, p.Mode, nearest.Suggest(p.Mode, modes))
		}
		expression, err := c.proofs.Compile(p.Pass)
		if err != nil {
			c.fail("proof %d: %w", i+1, err)
			continue
		}
		c.judges(i+1, expression)
		c.framework.watch(expression)
		check.Proofs = append(check.Proofs, Proof{By: ProofKind(p.By), Suffices: p.Mode == "suffices", Pass: expression})
		check.Facts = append(check.Facts, expression.Facts...)
	}
	slices.Sort(check.Facts)
	check.Facts = slices.Compact(check.Facts)
	for _, name := range slices.Sorted(maps.Keys(doc.Remedies)) {
		if index, ok := facts.Index(name); !ok || !slices.Contains(check.Facts, index) {
			c.fail("remedies: no proof reads the fact %q", name)
		}
	}
	check.Outcome = slices.ContainsFunc(check.Facts, func(fact int) bool { return facts.At(fact).Outcome })
	if check.goodFor == 0 {
		return
	}
	if weakest != slices.Index(proofKinds(), string(ByAttested)) {
		c.fail("claims_good_for is given and no proof is attested")
	}
	if longest := MaxAttestationAge(doc.Level); check.goodFor > longest {
		c.fail("claims_good_for: an attestation at level %d is good for %dd at most", doc.Level, longest/(24*time.Hour))
	}
}

// judges wants an expression that depends on what is observed.
func (c *compilation) judges(proof int, e *Expression) {
	switch {
	case len(e.Facts) == 0:
		c.fail("proof %d: expression %s reads no fact: a proof is about what was observed; scope says which services "+
			"a check is for", proof, quoted(e.Source))
	case e.isConstant:
		c.fail("proof %d: expression %s is always %s, whatever is observed: correct a number, or && and ||", proof,
			quoted(e.Source), e.constant)
	}
}

// proofKinds lists the kinds of proof, the strongest first.
func proofKinds() []string {
	return []string{string(ByMachine), string(ByTicket), string(ByCatalog), string(ByAttested)}
}
