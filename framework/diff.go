package framework

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Step is how much a version changes.
type Step int

// The steps of a version: 1.2.3 is major 1, minor 2, patch 3.
const (
	NoStep Step = iota
	// Patch changes what people read, and no outcome.
	Patch
	// Minor adds checks that do not count yet, or asks less.
	Minor
	// Major may take badges away.
	Major
)

// String is patch, minor or major; none for NoStep.
func (s Step) String() string { return [...]string{"none", "patch", "minor", "major"}[s] }

// Diff is what changes from a framework to another one.
type Diff struct {
	Old, New *Framework
	// Changes are in the order of the new framework; checks that are dropped come after.
	Changes []Difference
}

// Difference is one change, in words.
type Difference struct {
	// Check is the id of the check, empty for what is changed of the whole framework.
	Check string
	// What is changed, Before and After; either may be empty.
	What, Before, After string
	// Step is the step of the version that the change needs, Why says why.
	Step Step
	Why  string
}

// Compare compares what two frameworks mean, and says which texts have changed.
func Compare(before, after *Framework) *Diff {
	d := &Diff{Old: before, New: after}
	for _, c := range after.Checks {
		if old := before.byID[c.ID]; old != nil {
			d.check(old, c)
		} else {
			d.added(c)
		}
	}
	for _, c := range before.Checks {
		if after.byID[c.ID] == nil {
			d.dropped(c)
		}
	}
	d.badges()
	return d
}

// Step is the step of the version that the changes need together.
func (d *Diff) Step() Step {
	step := NoStep
	for _, c := range d.Changes {
		step = max(step, c.Step)
	}
	return step
}

func (d *Diff) add(check, what, before, after string, step Step, why string) {
	d.Changes = append(d.Changes, Difference{check, what, before, after, step, why})
}

// Reasons for the steps.
const (
	asksMore   = "it may take badges away"
	asksLess   = "it asks less"
	cannotSay  = "what it means has changed, and it may take badges away"
	readsOnly  = "no outcome changes"
	movesScore = "scores change, and no badge is lost"
	notCounted = "it does not count yet"
)

// counts reports whether a check counts on the day of a version of the framework.
func (f *Framework) counts(c *Check) bool {
	return c.Lifecycle != Experimental && !c.EnforceFrom.After(f.released())
}

// released is the date of the version in the changelog; zero without one.
func (f *Framework) released() time.Time {
	for _, change := range f.Changelog {
		if change.Version == f.Version {
			return change.Date
		}
	}
	return time.Time{}
}

func (d *Diff) added(c *Check) {
	what := fmt.Sprintf("new check, level %d: %s", c.Level, c.Title)
	if d.New.counts(c) {
		d.add(c.ID, what, "", "", Major, asksMore)
		return
	}
	if c.Lifecycle != Experimental {
		what += ", counts from " + c.EnforceFrom.Format(time.DateOnly)
	}
	d.add(c.ID, what, "", "", Minor, notCounted)
}

func (d *Diff) dropped(c *Check) {
	step, why := Minor, asksLess
	if level := d.emptied(c); level != "" {
		step, why = Major, level+" has no check any more, so that a badge may be out of reach"
	}
	d.add(c.ID, "dropped: "+c.Title, "", "", step, why)
}

// emptied is the level of a module, for a tier, that has no counted check any more where a
// check was; empty if each has one.
func (d *Diff) emptied(c *Check) string {
	if !d.Old.counts(c) {
		return ""
	}
	for _, tier := range c.Tiers {
		if !slices.ContainsFunc(d.New.Checks, func(n *Check) bool {
			return n.Module.ID == c.Module.ID && n.Level == c.Level && slices.Contains(n.Tiers, tier) && d.New.counts(n)
		}) {
			return fmt.Sprintf("level %d of %s for tier %d", c.Level, c.Module.ID, tier)
		}
	}
	return ""
}

// check compares the versions of one check.
func (d *Diff) check(before, after *Check) {
	at := len(d.Changes)
	d.standing(before, after)
	compare := func(what string, old, now any, less bool) {
		if a, b := fmt.Sprint(old), fmt.Sprint(now); a != b {
			step, why := Major, asksMore
			if less {
				step, why = Minor, asksLess
			}
			d.add(after.ID, what, a, b, step, why)
		}
	}
	compare("level", before.Level, after.Level, after.Level > before.Level && d.emptied(before) == "")
	compare("module", before.Module.ID, after.Module.ID, false)
	compare("tiers", sorted(before.Tiers), sorted(after.Tiers), isSubset(after.Tiers, before.Tiers) && d.emptied(before) == "")
	compare("scope", before.scope(), after.scope(), before.When == nil && d.emptied(before) == "")
	compare("dwell", before.Dwell, after.Dwell, after.Dwell > before.Dwell)
	compare("how long an attestation is good", before.GoodFor(), after.GoodFor(), after.GoodFor() > before.GoodFor())
	d.proofs(before, after)
	if a, b := before.ScoreWeight(), after.ScoreWeight(); a != b {
		d.add(after.ID, "weight", fmt.Sprint(a), fmt.Sprint(b), Minor, movesScore)
	}
	d.facts(after)
	d.texts(before, after)
	if !d.Old.counts(before) && !d.New.counts(after) {
		// It counts for nothing, neither before nor after.
		for i := at; i < len(d.Changes); i++ {
			if d.Changes[i].Step == Major {
				d.Changes[i].Step, d.Changes[i].Why = Minor, notCounted
			}
		}
	}
}

// facts compares the definitions of the facts that a check reads.
func (d *Diff) facts(c *Check) {
	for _, i := range c.Facts {
		name := d.New.facts.Name(i)
		if old, known := d.Old.Meaning.Facts[name]; known && old != d.New.Meaning.Facts[name] {
			d.add(c.ID, name+" is defined otherwise", "", "", Major, cannotSay)
		}
	}
}

// standing compares from when and whether the check counts.
func (d *Diff) standing(before, after *Check) {
	if before.Lifecycle != after.Lifecycle {
		step, why := Patch, readsOnly
		switch {
		case before.Lifecycle == Experimental && d.New.counts(after):
			step, why = Major, asksMore
		case before.Lifecycle == Experimental:
			step, why = Minor, notCounted
		case after.Lifecycle == Experimental:
			step, why = Minor, asksLess
			if level := d.emptied(before); level != "" {
				step, why = Major, level+" has no check any more, so that a badge may be out of reach"
			}
		}
		d.add(after.ID, "lifecycle", string(before.Lifecycle), string(after.Lifecycle), step, why)
	}
	if before.EnforceFrom.Equal(after.EnforceFrom) {
		return
	}
	step, why := Major, asksMore
	now := d.New.released()
	switch {
	case after.EnforceFrom.After(before.EnforceFrom):
		step, why = Minor, asksLess
	case !now.IsZero() && !before.EnforceFrom.After(now):
		step, why = Patch, "it counts already"
	}
	d.add(after.ID, "counts from", dateOrAlways(before.EnforceFrom), dateOrAlways(after.EnforceFrom), step, why)
}

func dateOrAlways(at time.Time) string {
	if at.IsZero() {
		return "the first day"
	}
	return at.Format(time.DateOnly)
}

func (c *Check) scope() string {
	if c.When == nil {
		return "all services"
	}
	return c.When.normalised
}

func sorted(tiers []int) []int { return slices.Sorted(slices.Values(tiers)) }

func isSubset(a, b []int) bool {
	return !slices.ContainsFunc(a, func(n int) bool { return !slices.Contains(b, n) })
}

// proofs compares the chains of proofs. One that is added at the end is another way to
// pass.
func (d *Diff) proofs(before, after *Check) {
	for i := range min(len(before.Proofs), len(after.Proofs)) {
		old, now := before.Proofs[i], after.Proofs[i]
		what := fmt.Sprintf("proof %d", i+1)
		if old.By != now.By || old.Suffices != now.Suffices {
			d.add(after.ID, what, old.words(), now.words(), Major, cannotSay)
			continue
		}
		if old.Pass.normalised == now.Pass.normalised {
			continue
		}
		step, why := Major, cannotSay
		switch thresholdsAsk(old.Pass.normalised, now.Pass.normalised) {
		case less:
			step, why = Minor, asksLess
		case more:
			why = asksMore
		}
		d.add(after.ID, what, old.Pass.normalised, now.Pass.normalised, step, why)
	}
	for _, p := range after.Proofs[min(len(before.Proofs), len(after.Proofs)):] {
		d.add(after.ID, "another way to prove it", "", p.words(), Minor, asksLess)
	}
	for _, p := range before.Proofs[min(len(before.Proofs), len(after.Proofs)):] {
		d.add(after.ID, "a way to prove it is gone", p.words(), "", Major, asksMore)
	}
}

func (p Proof) words() string {
	mode := "decides"
	if p.Suffices {
		mode = "suffices"
	}
	return fmt.Sprintf("%s %s: %s", p.By, mode, p.Pass.normalised)
}

// texts says which texts have changed.
func (d *Diff) texts(before, after *Check) {
	var changed []string
	for _, t := range []struct{ what, old, now string }{
		{"title", before.Title, after.Title}, {"objective", before.Objective, after.Objective},
		{"why", before.Why, after.Why}, {"judged", before.Judged, after.Judged}, {"attest", before.Attest, after.Attest},
		{"ground", before.Ground, after.Ground}, {"note", before.Note, after.Note}, {"effort", before.Effort, after.Effort},
		{"remediation", strings.Join(before.Remediation, "\n"), strings.Join(after.Remediation, "\n")},
		{"example", fmt.Sprint(before.Example), fmt.Sprint(after.Example)},
		{"links", fmt.Sprint(before.Links), fmt.Sprint(after.Links)},
		{"remedies", fmt.Sprint(before.Remedies), fmt.Sprint(after.Remedies)},
		{"replaced_by", before.ReplacedBy, after.ReplacedBy},
	} {
		if t.old != t.now {
			changed = append(changed, t.what)
		}
	}
	if len(changed) > 0 {
		d.add(after.ID, "text of "+strings.Join(changed, ", "), "", "", Patch, readsOnly)
	}
}

// badges compares what is asked beyond checks.
func (d *Diff) badges() {
	for _, badge := range Badges()[1:] {
		before, after := d.Old.Requirements[badge], d.New.Requirements[badge]
		_, had := d.Old.Requirements[badge]
		_, has := d.New.Requirements[badge]
		if had == has && before == after {
			continue
		}
		step, why := Major, asksMore
		if !has || had && !before.lessThan(after) {
			step, why = Minor, asksLess
		}
		d.add("", "what "+badge.String()+" asks beyond checks", requirementWords(before, had), requirementWords(after, has),
			step, why)
	}
	d.delays()
	d.scales()
}

// delays compares how long badges are proved and held.
func (d *Diff) delays() {
	for _, badge := range Badges()[1:] {
		before, after := d.Old.LapseAfter[badge], d.New.LapseAfter[badge]
		switch {
		case after < before:
			d.add("", "how long "+badge.String()+" is on hold", before.String(), after.String(), Major, asksMore)
		case after > before:
			d.add("", "how long "+badge.String()+" is on hold", before.String(), after.String(), Minor, asksLess)
		}
	}
	if before, after := d.Old.AwardDwell, d.New.AwardDwell; before != after {
		d.add("", "how long a badge is proved before it is given", before.String(), after.String(), Minor,
			"no badge is lost")
	}
}

// scales compares how modules are judged.
func (d *Diff) scales() {
	modules := map[string]*Module{}
	for _, m := range d.Old.Modules {
		modules[m.ID] = m
	}
	for _, m := range d.New.Modules {
		old := modules[m.ID]
		if old == nil {
			continue
		}
		if old.Scale != m.Scale || old.RequiredFrom != m.RequiredFrom {
			step, why := Major, asksMore
			if old.Scale == m.Scale && m.RequiredFrom > old.RequiredFrom {
				step, why = Minor, asksLess
			}
			d.add("", "module "+m.ID, old.asks(), m.asks(), step, why)
		}
	}
}

func (m *Module) asks() string {
	if m.Scale == PassFail {
		return "pass or fail, required from " + m.RequiredFrom.String()
	}
	return string(m.Scale)
}

// lessThan reports whether r allows something more than o, which is then the stricter one.
func (r Requirement) lessThan(o Requirement) bool {
	stricter := func(before, after int) bool { return after >= 0 && (before < 0 || after < before) }
	return stricter(r.MaxExempt, o.MaxExempt) || stricter(r.MaxAttested, o.MaxAttested) ||
		stricter(r.MaxAttestedPerModule, o.MaxAttestedPerModule) || o.ExemptFromLevel < r.ExemptFromLevel
}

func requirementWords(r Requirement, asked bool) string {
	var parts []string
	for what, n := range map[string]int{
		"exempt": r.MaxExempt, "attested": r.MaxAttested, "attested in a module": r.MaxAttestedPerModule,
	} {
		if n >= 0 {
			parts = append(parts, fmt.Sprintf("at most %d %s", n, what))
		}
	}
	if !asked || len(parts) == 0 {
		return "nothing"
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// Versions is an error for each change that the version of the new framework does not
// allow, each with what to do: a meaning that has changed needs the right step of the
// version and an entry in the changelog, and an id of a check is never used again.
func (d *Diff) Versions() []error {
	var faults []error
	fail := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	step, taken := d.Step(), stepOf(d.Old.Version, d.New.Version)
	if step > Patch && taken < step {
		for _, c := range d.Changes {
			if c.Step > Patch && c.Step > taken {
				is := fmt.Sprintf("a %s step after", taken)
				if taken == NoStep {
					is = "not later than"
				}
				fail("%s: %s needs a %s version, because %s; %s is %s %s: set version: %s or more", c.subject(), c.words(),
					c.Step, c.Why, d.New.Version, is, d.Old.Version, nextVersion(d.Old.Version, c.Step))
			}
		}
	}
	if step > Patch && !slices.ContainsFunc(d.New.Changelog, func(c Change) bool { return c.Version == d.New.Version }) {
		fail("changelog: version %s has no entry, and what it judges has changed: add one with version, date and notes",
			d.New.Version)
	}
	return append(faults, d.ids()...)
}

// ids is an error for each id that is used again, or could be.
func (d *Diff) ids() []error {
	var faults []error
	fail := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, c := range d.New.Checks {
		if slices.Contains(d.Old.Retired, c.ID) {
			fail("check %s: the id was retired, and what is stored of it is about another check: give the check another id",
				c.ID)
		}
	}
	for _, c := range d.Old.Checks {
		if d.New.byID[c.ID] == nil && !slices.Contains(d.New.Retired, c.ID) {
			fail("check %s is dropped: add its id to retired, so that it is not used again", c.ID)
		}
	}
	for _, id := range d.Old.Retired {
		if !slices.Contains(d.New.Retired, id) {
			fail("retired: %s is missing, which %s has: the id is never used again", id, d.Old.Title())
		}
	}
	return faults
}

func (c Difference) subject() string {
	if c.Check == "" {
		return "framework"
	}
	return "check " + c.Check
}

// words say what has changed.
func (c Difference) words() string {
	switch {
	case c.Before == "" && c.After == "":
		return c.What
	case c.Before == "":
		return c.What + ": " + c.After
	case c.After == "":
		return c.What + ": " + c.Before
	}
	return fmt.Sprintf("%s: %s → %s", c.What, c.Before, c.After)
}

// Words say what has changed.
func (c Difference) Words() string { return c.words() }

// Facts are the facts that only one of the frameworks reads: new ones, and those that are
// not read any more.
func (d *Diff) Facts() (added, gone []string) {
	for _, name := range slices.Sorted(maps.Keys(d.New.Meaning.Facts)) {
		if _, known := d.Old.Meaning.Facts[name]; !known {
			added = append(added, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Old.Meaning.Facts)) {
		if _, known := d.New.Meaning.Facts[name]; !known {
			gone = append(gone, name)
		}
	}
	return added, gone
}
