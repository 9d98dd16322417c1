package framework

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
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
		facts: facts, byID: map[string]*Check{},
	}
	var errs []error
	fail := func(where string, format string, args ...any) {
		errs = append(errs, fmt.Errorf(where+": "+format, args...))
	}
	f.compileHeader(doc.header, fail)
	modules := map[string]bool{}
	for _, m := range doc.modules {
		if !moduleID.MatchString(m.ID) || modules[m.ID] {
			fail(m.file, "module id %q is missing, malformed or used twice", m.ID)
			continue
		}
		modules[m.ID] = true
		module := &Module{ID: m.ID, Name: m.Name, Objective: m.Objective, Docs: m.Docs, Scale: Maturity}
		if module.Name == "" {
			module.Name = m.ID
		}
		switch Scale(m.Scale) {
		case "", Maturity:
		case PassFail:
			module.Scale = PassFail
			if module.RequiredFrom, err = ParseBadge(m.RequiredFrom); err != nil || module.RequiredFrom == NoBadge {
				fail(m.file, "module %s: a pass/fail module needs required_from: bronze … diamond", m.ID)
			}
		default:
			fail(
				m.file, "module %s: scale %q%s: want maturity or pass_fail", m.ID, m.Scale,
				nearest.Suggest(m.Scale, []string{string(Maturity), string(PassFail)}),
			)
		}
		f.Modules = append(f.Modules, module)
		for _, c := range m.Checks {
			where := fmt.Sprintf("%s:%d: check %s", m.file, c.Line, c.ID)
			if _, dup := f.byID[c.ID]; dup {
				fail(where, "the id is used twice")
				continue
			}
			check, problems := compileCheck(c, module, proofs, scopes, facts)
			for _, p := range problems {
				fail(where, "%w", p)
			}
			check.Index = len(f.Checks)
			f.Checks = append(f.Checks, check)
			f.byID[c.ID] = check
			module.Checks = append(module.Checks, check)
		}
	}
	if len(f.Checks) == 0 && len(errs) == 0 {
		fail(doc.header.Name, "the framework has no checks")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := f.identify(doc); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Framework) compileHeader(h header, fail func(string, string, ...any)) {
	if h.AwardDwell > 0 {
		f.AwardDwell = time.Duration(h.AwardDwell)
	}
	for b := Bronze; b <= Diamond; b++ {
		f.LapseAfter[b] = DefaultLapseAfter
		f.Requirements[b] = Requirement{MaxExempt: -1, MaxAttestedPerModule: -1, MaxAttested: -1}
	}
	for name, d := range h.LapseAfter {
		b, err := ParseBadge(name)
		if err != nil || b == NoBadge {
			fail("lapse_after", "%q is not a badge that can lapse", name)
			continue
		}
		f.LapseAfter[b] = time.Duration(d)
	}
	for name, r := range h.Requirements {
		b, err := ParseBadge(name)
		if err != nil || b == NoBadge {
			fail("requirements", "%q is not a badge that can be given", name)
			continue
		}
		f.Requirements[b] = Requirement{
			MaxExempt: orNone(r.MaxExempt), ExemptFromLevel: r.ExemptFromLevel,
			MaxAttestedPerModule: orNone(r.MaxAttestedPerModule), MaxAttested: orNone(r.MaxAttested),
		}
	}
	for i, t := range h.Targets {
		where := fmt.Sprintf("targets[%d]", i)
		b, err := ParseBadge(t.Badge)
		if err != nil {
			fail(where, "%w", err)
		}
		due, err := parseDate(t.Due)
		if err != nil {
			fail(where, "due %q: want a date such as 2026-12-31", t.Due)
		}
		f.Targets = append(f.Targets, Target{Tiers: t.Tiers, Badge: b, Due: due})
	}
	for i, c := range h.Changelog {
		date, err := parseDate(c.Date)
		if err != nil {
			fail(fmt.Sprintf("changelog[%d]", i), "date %q: want a date such as 2026-12-31", c.Date)
		}
		f.Changelog = append(f.Changelog, Change{Version: c.Version, Date: date, Notes: c.Notes})
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

func compileCheck(c checkDoc, module *Module, proofs, scopes *Compiler, facts *evidence.Facts) (*Check, []error) {
	var errs []error
	check := &Check{
		ID: c.ID, Module: module, Level: c.Level, Weight: c.Weight, Tiers: c.Scope.Tiers,
		Dwell: time.Duration(c.Dwell), Title: c.Title, Objective: c.Objective, Why: c.Why,
		Remediation: c.Remediation, Effort: c.Effort, Ground: c.Ground, Note: c.Note,
		Example: c.Example, Links: c.Links, Since: c.Since, goodFor: time.Duration(c.ClaimsFor),
	}
	if !checkID.MatchString(c.ID) {
		errs = append(errs, errors.New("an id is lower case words joined by dots and dashes, such as cicd.no-drift"))
	}
	if c.Level < 1 || c.Level > 5 {
		errs = append(errs, fmt.Errorf("level %d: want 1 to 5", c.Level))
	}
	if c.Title == "" {
		errs = append(errs, errors.New("title is missing"))
	}
	if c.Weight < 0 {
		errs = append(errs, fmt.Errorf("weight %g: want more than 0", c.Weight))
	}
	if c.Weight == 0 {
		check.Weight = defaultWeight(c.Level)
	}
	if check.Dwell == 0 {
		check.Dwell = DefaultDwell
	}
	if len(check.Tiers) == 0 {
		check.Tiers = []int{1, 2, 3, 4}
	}
	for _, t := range check.Tiers {
		if t < 1 || t > 4 {
			errs = append(errs, fmt.Errorf("tier %d: want 1 to 4", t))
		}
	}
	var err error
	if check.EnforceFrom, err = parseDate(c.EnforceFrom); err != nil {
		errs = append(errs, fmt.Errorf("enforce_from %q: want a date such as 2026-12-31", c.EnforceFrom))
	}
	if c.Scope.When != "" {
		if check.When, err = scopes.Compile(c.Scope.When); err != nil {
			errs = append(errs, err)
		}
	}
	if len(c.Proofs) == 0 {
		errs = append(errs, errors.New("a check needs at least one proof"))
	}
	seen := map[int]bool{}
	rank := -1
	for i, p := range c.Proofs {
		kind := strength(ProofKind(p.By))
		if kind < 0 {
			errs = append(
				errs,
				fmt.Errorf(
					"proof %d: by %q%s: want machine, ticket, catalog or attested", i+1, p.By, nearest.Suggest(p.By, proofKinds()),
				),
			)
		}
		if kind < rank {
			errs = append(
				errs, fmt.Errorf("proof %d: by %s comes after a weaker kind: list proofs from strongest to weakest", i+1, p.By),
			)
		}
		rank = max(rank, kind)
		if p.Mode != "" && p.Mode != "decides" && p.Mode != "suffices" {
			errs = append(
				errs,
				fmt.Errorf(
					"proof %d: mode %q%s: want decides or suffices", i+1, p.Mode,
					nearest.Suggest(p.Mode, []string{"decides", "suffices"}),
				),
			)
		}
		expression, err := proofs.Compile(p.Pass)
		if err != nil {
			errs = append(errs, fmt.Errorf("proof %d: %w", i+1, err))
			continue
		}
		check.Proofs = append(check.Proofs, Proof{By: ProofKind(p.By), Suffices: p.Mode == "suffices", Pass: expression})
		for _, fact := range expression.Facts {
			if !seen[fact] {
				seen[fact] = true
				check.Facts = append(check.Facts, fact)
				check.Outcome = check.Outcome || facts.At(fact).Outcome
			}
		}
	}
	if good := time.Duration(c.ClaimsFor); good > 0 {
		if rank != strength(ByAttested) {
			errs = append(errs, errors.New("claims_good_for is given and no proof is attested"))
		}
		if most := MaxAttestationAge(c.Level); good > most {
			errs = append(
				errs, fmt.Errorf("claims_good_for: an attestation at level %d is good for %dd at most", c.Level, most/(24*time.Hour)),
			)
		}
	}
	sort.Ints(check.Facts)
	return check, errs
}

func proofKinds() []string {
	return []string{string(ByMachine), string(ByTicket), string(ByCatalog), string(ByAttested)}
}

// strength orders the kinds of proof, 0 the strongest; -1 for an unknown kind.
func strength(kind ProofKind) int {
	for i, k := range proofKinds() {
		if k == string(kind) {
			return i
		}
	}
	return -1
}
