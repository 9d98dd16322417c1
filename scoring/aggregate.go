package scoring

import "github.com/prodready/collector/framework"

// aggregate fills in everything of a card that follows from its checks.
func aggregate(card *Scorecard, f *framework.Framework) {
	ceiling(card, f)
	card.Badge.Lower = badgeOf(card, f, lower, CheckResult.valid)
	card.Badge.Upper = badgeOf(card, f, upper, CheckResult.valid)
	card.FreshBadge = card.Badge
	for i := range card.Checks {
		if r := &card.Checks[i]; r.Fresh != r.Verdict || r.FreshBy != r.By {
			card.FreshBadge.Lower = badgeOf(card, f, lower, CheckResult.fresh)
			card.FreshBadge.Upper = badgeOf(card, f, upper, CheckResult.fresh)
			break
		}
	}
	next := min(card.Badge.Lower+1, card.Ceiling)
	var passing, open, total, covered, counted float64
	for _, m := range f.Modules {
		result := ModuleResult{Module: m}
		var modulePassing, moduleOpen, moduleTotal float64
		for _, c := range m.Checks {
			r := &card.Checks[c.Index]
			result.Count[r.Status]++
			result.Applies = result.Applies || r.Status != NotApplicable
			if !r.Status.Counted() {
				continue
			}
			result.Counted++
			counted++
			moduleTotal += c.ScoreWeight()
			switch r.Status {
			case Pass:
				modulePassing += c.ScoreWeight()
			case Unknown:
				moduleOpen += c.ScoreWeight()
			}
			if r.Fresh != Unknown {
				covered++
			}
			if r.Status != Pass && needed(c, next) {
				result.Gap++
			}
		}
		if result.Counted > 0 {
			result.Score = Bounds[float64]{Lower: modulePassing / moduleTotal, Upper: (modulePassing + moduleOpen) / moduleTotal}
		}
		result.Level = Bounds[int]{Lower: shownLevel(card, m, lower), Upper: shownLevel(card, m, upper)}
		card.Modules = append(card.Modules, result)
		passing, open, total = passing+modulePassing, open+moduleOpen, total+moduleTotal
	}
	if counted > 0 {
		card.HasScore = true
		card.Score = Bounds[float64]{Lower: passing / total, Upper: (passing + open) / total}
		card.Coverage = covered / counted
	}
}

// needed reports whether a badge asks for the check.
func needed(c *framework.Check, badge framework.Badge) bool {
	return c.NeededFor() <= badge
}

// reading is how missing evidence is read.
type reading bool

const (
	lower reading = false // unknown is fail
	upper reading = true  // unknown is pass
)

// outcome is the status of a check and the kind of proof that decided it.
type outcome struct {
	Status
	by framework.ProofKind
}

// valid is the outcome by all valid evidence.
func (r CheckResult) valid() outcome { return outcome{r.Status, r.By} }

// fresh is the outcome by fresh evidence alone.
func (r CheckResult) fresh() outcome {
	if r.Status.Counted() {
		return outcome{r.Fresh, r.FreshBy}
	}
	return outcome{r.Status, r.By}
}

// evidenceUsed selects the outcome of a check: CheckResult.valid or
// CheckResult.fresh.
type evidenceUsed func(CheckResult) outcome

func passes(s Status, how reading) bool {
	return s == Pass || s == Unknown && how == upper
}

// reach is the highest badge that the module allows. A module without checks at
// a level does not block it; the ceiling prevents a badge for having nothing to
// prove.
func reach(card *Scorecard, m *framework.Module, how reading, by evidenceUsed) framework.Badge {
	reached := framework.Diamond
	for _, c := range m.Checks {
		s := by(card.Checks[c.Index]).Status
		if !s.Counted() || passes(s, how) {
			continue
		}
		reached = min(reached, c.NeededFor()-1)
	}
	return reached
}

// shownLevel is the level of a module: never above the highest level that has a
// counted check. A pass/fail module is at 1 when it passes, else 0.
func shownLevel(card *Scorecard, m *framework.Module, how reading) int {
	highest, all := 0, true
	for _, c := range m.Checks {
		if s := card.Checks[c.Index].Status; s.Counted() {
			highest = max(highest, c.Level)
			all = all && passes(s, how)
		}
	}
	if m.Scale == framework.PassFail {
		if highest > 0 && all {
			return 1
		}
		return 0
	}
	return min(highest, int(reach(card, m, how, CheckResult.valid)))
}

// ceiling is the highest level at which at least half of the applicable modules
// have a check that counts.
func ceiling(card *Scorecard, f *framework.Framework) {
	applicable := 0
	var withCheck [framework.Diamond + 1]int
	for _, m := range f.Modules {
		var has [framework.Diamond + 1]bool
		applies := false
		for _, c := range m.Checks {
			s := card.Checks[c.Index].Status
			applies = applies || s != NotApplicable
			if s.Counted() {
				has[c.Level] = true
			}
		}
		// A pass/fail module asks one thing, whatever the badge.
		if !applies || m.Scale == framework.PassFail {
			continue
		}
		applicable++
		for level := range has {
			if has[level] {
				withCheck[level]++
			}
		}
	}
	for badge := framework.Diamond; badge >= framework.Bronze; badge-- {
		if applicable > 0 && 2*withCheck[badge] >= applicable {
			card.Ceiling = badge
			return
		}
	}
}

// badgeOf is the highest badge that every applicable module supports, under
// the ceiling, and whose own requirements hold.
func badgeOf(card *Scorecard, f *framework.Framework, how reading, by evidenceUsed) framework.Badge {
	badge := card.Ceiling
	for _, m := range f.Modules {
		badge = min(badge, reach(card, m, how, by))
	}
	for badge > framework.NoBadge && !meets(card, f, badge, how, by) {
		badge--
	}
	return badge
}

// meets reports whether the badge's limits on exemptions and attestations are
// kept. A check that passes by attestation while a stronger proof is unknown
// counts against the badge only in the lower reading.
func meets(
	card *Scorecard, f *framework.Framework, badge framework.Badge, how reading, by evidenceUsed,
) bool {
	asks := f.Requirements[badge]
	exempt, attested := 0, 0
	for _, m := range f.Modules {
		inModule := 0
		for _, c := range m.Checks {
			r := card.Checks[c.Index]
			if r.Status == Exempt && c.Level <= int(badge) && c.Level >= asks.ExemptFromLevel {
				exempt++
			}
			if c.Level == int(badge) && r.attestedOnly(by(r), how) {
				inModule++
			}
		}
		if asks.MaxAttestedPerModule >= 0 && inModule > asks.MaxAttestedPerModule {
			return false
		}
		attested += inModule
	}
	return (asks.MaxExempt < 0 || exempt <= asks.MaxExempt) && (asks.MaxAttested < 0 || attested <= asks.MaxAttested)
}

// attestedOnly reports whether the check passes by attestation alone.
func (r CheckResult) attestedOnly(o outcome, how reading) bool {
	return o.Status == Pass && o.by == framework.ByAttested && (how == lower || !r.Open)
}
