package report

import (
	"time"

	"github.com/prodready/collector/framework"
)

// Scorecard is one service with every check: the answer of
// /api/v1/services/{name} and of `collector score SERVICE`.
type Scorecard struct {
	// At is the time of the evaluation.
	At        time.Time `json:"at"`
	Framework Framework `json:"framework"`
	// Pin keeps the service on that framework; absent from one that is judged by the framework
	// of the fleet.
	Pin *Pin `json:"pin,omitempty"`
	// Summary is the service's line in the fleet.
	Summary FleetRow `json:"summary"`
	// Badge is the badge with its clocks.
	Badge BadgeDetail `json:"badge"`
	// Modules are in framework order.
	Modules []ModuleDetail `json:"modules"`
	// Checks are in framework order.
	Checks []Check `json:"checks"`
}

// BadgeDetail is the badge of a service with its clocks. Badges are words as
// in FleetRow.
type BadgeDetail struct {
	// Held is the badge, held since Since.
	Held  string    `json:"held"`
	Since time.Time `json:"since,omitzero"`
	// OnHold is true while the badge is neither proved nor contradicted.
	OnHold     bool      `json:"on_hold"`
	HoldReason string    `json:"hold_reason,omitempty"`
	HoldSince  time.Time `json:"hold_since,omitzero"`
	// LapseAt is when the badge lapses if nothing changes.
	LapseAt time.Time `json:"lapse_at,omitzero"`
	// Lower and Upper are the badges that all valid evidence supports, with
	// unknown taken as fail and as pass.
	Lower string `json:"lower"`
	Upper string `json:"upper"`
	// Ceiling is the highest badge that can be reached at all.
	Ceiling string `json:"ceiling"`
	// Awarding are the running proofs of badges above the one held, lowest
	// first.
	Awarding []Awarding `json:"awarding"`
	// Contradicted are the running contradictions of the badge held or lower
	// ones.
	Contradicted []Contradicted `json:"contradicted"`
	// LastTransition is absent before the first change.
	LastTransition *Transition `json:"last_transition,omitempty"`
}

// end is when the badge is awarded.
func (a Awarding) end() time.Time { return a.Since.Add(time.Duration(a.DwellSeconds) * time.Second) }

// Awarding is a badge that is proved, but not yet for long enough.
type Awarding struct {
	Badge string    `json:"badge"`
	Since time.Time `json:"since"`
	// DwellSeconds is how long the proof must last.
	DwellSeconds int64 `json:"dwell_seconds"`
}

// Contradicted is a badge that fresh evidence contradicts, but not yet for long
// enough.
type Contradicted struct {
	Badge        string `json:"badge"`
	RanSeconds   int64  `json:"ran_seconds"`
	DwellSeconds int64  `json:"dwell_seconds"`
}

// Pin keeps a service on other criteria than the fleet.
type Pin struct {
	// Until is when it ends; Then is what the service is judged by from then on.
	Until time.Time `json:"until"`
	Then  Framework `json:"then"`
	// Reason is what the configuration says; empty if it says nothing.
	Reason string `json:"reason"`
}

// String says until when, and what comes then.
func (p Pin) String() string {
	text := "pinned until " + minute(p.Until) + ", then " + p.Then.Name + " " + p.Then.Version
	if p.Reason != "" {
		text += " (" + p.Reason + ")"
	}
	return text
}

// Transition is one change of a badge.
type Transition struct {
	At   time.Time `json:"at"`
	From string    `json:"from"`
	To   string    `json:"to"`
	// Cause is initial, evidence, criteria, exemption, service or lapse.
	Cause string `json:"cause"`
	// Contributing are the other causes that moved the badge.
	Contributing []string `json:"contributing"`
	// Announced is false for what is shown without alert.
	Announced bool `json:"announced"`
	// Framework is the name and version of the criteria; empty where it was not stored.
	Framework string `json:"framework,omitempty"`
	// Flips are the checks that changed, with the evidence on both sides.
	Flips []Flip `json:"flips"`
}

// Flip is one check that changed; facts are values by name, as text.
type Flip struct {
	Check       string            `json:"check"`
	Before      string            `json:"before"`
	After       string            `json:"after"`
	FactsBefore map[string]string `json:"facts_before,omitempty"`
	FactsAfter  map[string]string `json:"facts_after,omitempty"`
}

// ModuleDetail is one module of a service.
type ModuleDetail struct {
	ModuleLevel
	Name string `json:"name"`
	// Scale is maturity or pass_fail.
	Scale string `json:"scale"`
	// ScoreUpper is the score with unknown taken as pass; null when nothing
	// counts.
	ScoreUpper *float64 `json:"score_upper"`
	// Counts are the number of checks by status.
	Counts map[string]int `json:"counts"`
	// Gap is the number of checks missing to Summary.NextBadge, and GapOf how
	// many count on the way there.
	Gap   int `json:"gap"`
	GapOf int `json:"gap_of"`
}

// Check is one requirement as it was judged for the service.
type Check struct {
	ID     string `json:"id"`
	Module string `json:"module"`
	// Level is 1 to 5.
	Level  int     `json:"level"`
	Weight float64 `json:"weight"`
	// NeededFor is the first badge that needs the check.
	NeededFor string `json:"needed_for"`
	Title     string `json:"title"`
	Objective string `json:"objective"`
	Why       string `json:"why,omitempty"`
	Note      string `json:"note,omitempty"`
	// When is the condition on the service under which the check applies; empty where it
	// applies to every service.
	When string `json:"when,omitempty"`
	// Status is pass, fail, unknown, exempt, not_applicable or scheduled.
	Status string `json:"status"`
	// Verdict is what the status would be if the check counted: pass, fail or
	// unknown; empty when it does not apply.
	Verdict string `json:"verdict,omitempty"`
	// Proof is the kind of proof that decided: machine, ticket, catalog or
	// attested; empty when none did.
	Proof string `json:"proof,omitempty"`
	// Open is true when stronger evidence is missing that could still decide
	// otherwise.
	Open bool `json:"open"`
	// SourceDown is true when the doubt is an outage of a source.
	SourceDown bool `json:"source_down"`
	// Contradicted is true when a machine says no where an attestation says
	// yes; it does not count until it is made again.
	Contradicted bool `json:"contradicted"`
	// RefusedAt is when a machine last said no, if a ticket, the catalog or an
	// attestation says yes and does not count because it is older.
	RefusedAt time.Time `json:"refused_at,omitzero"`
	// Error is why an expression could not be evaluated.
	Error string `json:"error,omitempty"`
	// Since is when the check got its status.
	Since time.Time `json:"since,omitzero"`
	// Observed are the facts behind the check, those of the strongest proof
	// first.
	Observed []Fact `json:"observed"`
	// Wanted is the proof that decided, or the strongest when none did.
	Wanted Wanted `json:"wanted"`
	// Proofs are all ways to prove the check, strongest first.
	Proofs []Proof `json:"proofs"`
	// Unmet are the parts of Wanted that do not hold, where it has several and the check
	// fails. All have to be met.
	Unmet []Unmet `json:"unmet,omitempty"`
	// AttestationLabel is the label of a sub-task of the service's review that attests
	// the check; empty where it cannot be attested, or a machine says no.
	AttestationLabel string `json:"attestation_label,omitempty"`
	// InTheWay is true when the check is not proved and the next badge, or the
	// badge held, needs it.
	InTheWay bool `json:"in_the_way"`
	// Due says what the target makes of a check that is not proved: nothing
	// (the target does not need it), at_risk (the target is reached and may be
	// lost), due or late. Empty for checks that do not fail.
	Due string `json:"due,omitempty"`
	// Next is the step that makes the check pass.
	Next NextStep `json:"next"`
	// Feedback is what issues say about the check, whichever service they are
	// of, by kind; empty for nothing.
	Feedback []Feedback `json:"feedback"`
	// DwellSeconds is how long a contradiction must last before it costs a
	// badge.
	DwellSeconds int64 `json:"dwell_seconds"`
	// EnforcedFrom is when a scheduled check begins to count, absent when it
	// has no date.
	EnforcedFrom time.Time `json:"enforced_from,omitzero"`
	// Lifecycle is experimental for a check that is shown and does not count, deprecated
	// for one that ReplacedBy replaces, and absent for all others.
	Lifecycle  string `json:"lifecycle,omitempty"`
	ReplacedBy string `json:"replaced_by,omitempty"`
	// Exemption is what exempts the check.
	Exemption *Exemption `json:"exemption,omitempty"`
	// Blind is true when no configured source can decide the check.
	Blind bool     `json:"blind"`
	Links []string `json:"links"`
}

// Wanted is a proof: its kind and its CEL expression.
type Wanted struct {
	Proof      string `json:"proof"`
	Expression string `json:"expression"`
}

// Proof is one way to prove a check.
type Proof struct {
	Wanted
	// Suffices marks evidence that is enough but not necessary.
	Suffices bool `json:"suffices"`
	// Asked is true when the verdict rests on this proof.
	Asked bool `json:"asked"`
}

// NextStep is what to do.
type NextStep struct {
	// Fix are the steps that make the check pass, in the words of the kind of entry that
	// the service comes from. Of a check with several parts they are those of the parts
	// that do not hold, where these have their own.
	Fix []string `json:"fix"`
	// Kind is what it takes: catalog (a key of the entry), attestation or work. Empty for
	// a check that does not fail.
	Kind string `json:"kind,omitempty"`
	// Effort is S (hours), M (days) or L (weeks).
	Effort  string `json:"effort"`
	Example string `json:"example,omitempty"`
}

// Exemption waives a check until it expires.
type Exemption struct {
	Reason string `json:"reason"`
	// RequestedBy is empty where it was not stored.
	RequestedBy string `json:"requested_by,omitempty"`
	Approver    string `json:"approver"`
	// Ticket is the one that it was asked for and approved with, by two people whose
	// names are not kept; empty for one of the configuration.
	Ticket  string    `json:"ticket,omitempty"`
	Expires time.Time `json:"expires"`
}

// agreed says who asked for an exemption, and who approved it.
func agreed(requestedBy, approver, ticket string) string {
	if ticket != "" {
		return "approved in " + ticket
	}
	if requestedBy == "" {
		return "approved by " + approver
	}
	return "requested by " + requestedBy + ", approved by " + approver
}

// The words of Check.Due.
const (
	dueNothing = "nothing"
	dueAtRisk  = "at_risk"
	dueYes     = "due"
	dueLate    = "late"
)

// sighting sums up the observations behind a verdict.
type sighting struct {
	// at and age are those of the oldest observation the verdict rests on: a
	// verdict is as old as its oldest part.
	at  time.Time
	age int64
	// sources are joined by a comma, in the order of the facts.
	sources string
}

// seen sums up the observed facts that the verdict rests on.
func (c Check) seen() sighting {
	var s sighting
	known := map[string]bool{}
	for _, fact := range c.Observed {
		if !fact.Asked || !fact.observed() || fact.ObservedAt.IsZero() {
			continue
		}
		if s.at.IsZero() || fact.ObservedAt.Before(s.at) {
			s.at, s.age = fact.ObservedAt, fact.AgeSeconds
		}
		if fact.Source != "" && !known[fact.Source] {
			known[fact.Source] = true
			if s.sources != "" {
				s.sources += ", "
			}
			s.sources += fact.Source
		}
	}
	return s
}

// badgeNamed is the badge with the name; none for a word that is not a badge,
// as a newer daemon may send.
func badgeNamed(name string) framework.Badge {
	badge, err := framework.ParseBadge(name)
	if err != nil {
		return framework.NoBadge
	}
	return badge
}

// nextBadge is the badge the service is on the way to.
func (c Scorecard) nextBadge() framework.Badge { return badgeNamed(c.Summary.NextBadge) }
