package scoring

import (
	"maps"
	"time"

	"github.com/prodready/collector/framework"
)

// Cause says why a badge changed. The set is closed.
type Cause string

// The causes of a transition. Only CauseEvidence is news about the service.
const (
	CauseInitial   Cause = "initial"
	CauseEvidence  Cause = "evidence"
	CauseCriteria  Cause = "criteria"
	CauseExemption Cause = "exemption"
	CauseService   Cause = "service"
	CauseLapse     Cause = "lapse"
)

// Causes lists the closed set.
func Causes() []Cause {
	return []Cause{CauseInitial, CauseEvidence, CauseCriteria, CauseExemption, CauseService, CauseLapse}
}

// Transition is one change of a badge.
type Transition struct {
	Service  string
	At       time.Time
	From, To framework.Badge
	Cause    Cause
	// Contributing are the other steps that moved the badge.
	Contributing []Cause
	// Announced is false for first judgements and while the service is
	// observed: shown, but no alert and no kudos.
	Announced bool
	// Framework is the name and version of the criteria that it was judged by; empty if
	// that was not stored.
	Framework string
	// Flips are the checks whose status differs between the two badges' bases, or whose
	// verdict from fresh evidence does and has moved the badge.
	Flips []Flip
}

// Direction is "award" when the badge rose and "regress" when it fell.
func (t Transition) Direction() string {
	if t.To > t.From {
		return "award"
	}
	return "regress"
}

// Flip is one check that changed, with the evidence on both sides.
type Flip struct {
	Check       string            `json:"check"`
	Before      string            `json:"before"`
	After       string            `json:"after"`
	FactsBefore map[string]string `json:"facts_before,omitempty"`
	FactsAfter  map[string]string `json:"facts_after,omitempty"`
}

// State is what judging remembers: the badges with their clocks, and the checks to
// which a machine has said no. It is a value: Advance returns a new
// one and leaves its argument as it was.
type State struct {
	Badges      map[string]BadgeState
	Invalidated Invalidations
	// Criteria are what services were judged by last, by BadgeState.FrameworkHash. Those
	// that are not there are not known any more.
	Criteria map[string]framework.Meaning
	// Options are the delays that are not part of the framework.
	Options Options
}

// Options of the badge state machine.
type Options struct {
	// ObserveFor is how long a new service's transitions are not announced.
	// Zero announces from the second judgement on.
	ObserveFor time.Duration
	// MaxStep is the most time that one judgement adds to a clock: what lies
	// further back was not looked at, because the process was down. It should
	// be a few times the evaluation interval; zero means DefaultMaxStep.
	MaxStep time.Duration
	// KeepFor is how long the state of a service that has left the catalog is kept;
	// zero is for ever.
	KeepFor time.Duration
}

// Defaults of Options.
const (
	DefaultObserveFor = 14 * 24 * time.Hour
	DefaultMaxStep    = 5 * time.Minute
)

// BadgeState is the badge of one service with its clocks. Apart from At and what
// supports the badge, it is the same from one judgement to the next for as long as
// nothing happens.
type BadgeState struct {
	// Badge is the badge held since Since.
	Badge framework.Badge `json:"badge"`
	Since time.Time       `json:"since"`
	// FirstJudged is when the service was judged for the first time.
	FirstJudged time.Time `json:"first_judged"`
	// At is the time of the last judgement.
	At time.Time `json:"at"`
	// Settling is true while the first judgement is not complete: a source that
	// the checks need has not answered yet. It ends after the award dwell.
	Settling bool `json:"settling,omitempty"`
	// Awards are the running proofs of badges above the one held.
	Awards map[framework.Badge]AwardClock `json:"awards,omitempty"`
	// Contradictions are the running contradictions of badges held, by badge
	// and by the dwell of the checks that contradict.
	Contradictions []ContradictionClock `json:"contradictions,omitempty"`
	// Hold is set while the badge is neither proved nor contradicted.
	Hold *Hold `json:"hold,omitempty"`
	// Failing are the checks the badge needs whose last definite verdict was a
	// failure, by id, with how long the hold clock has run since. The hold is
	// shorter for them.
	Failing map[string]Stopwatch `json:"failing,omitempty"`
	// HoldRestarted is when a change of the criteria last restarted the hold
	// clock.
	HoldRestarted time.Time `json:"hold_restarted,omitzero"`
	// FrameworkHash is the criteria of the last judgement, SupportHash the
	// criteria by which the badge was last proved.
	FrameworkHash string `json:"framework_hash,omitempty"`
	SupportHash   string `json:"support_hash,omitempty"`
	// Lost are the badges above the one held that were held before, each with the time at
	// which it was lost last.
	Lost map[framework.Badge]time.Time `json:"lost,omitempty"`
	// LastTransition is nil before the first.
	LastTransition *Transition `json:"last_transition,omitempty"`
	// Support is what last proved the badge, the base of attribution. It is
	// large and changes with every judgement, so it is not part of the state's
	// JSON: it is stored beside it, less often. Without it, causes after a
	// restart are coarser.
	Support *Basis `json:"-"`
	// Before is, while a higher badge is being proved, what last proved exactly
	// the badge held and each badge between it and the one that is proved now.
	// Awards are attributed from it. It is stored as Support is.
	Before map[framework.Badge]*Basis `json:"-"`
}

// OnHold reports whether the badge is on hold and not proved right now. A hold
// does not end at once when the proof comes back.
func (b BadgeState) OnHold() bool { return b.Hold != nil && b.Hold.ProvedSince.IsZero() }

// Become replaces the badge held at a time. It keeps the maps of the state as they are, which
// other states may share.
func (b *BadgeState) Become(to framework.Badge, at time.Time) {
	lost := maps.Clone(b.Lost)
	maps.DeleteFunc(lost, func(badge framework.Badge, _ time.Time) bool { return badge <= to })
	for badge := to + 1; badge <= b.Badge; badge++ {
		if lost == nil {
			lost = map[framework.Badge]time.Time{}
		}
		lost[badge] = at
	}
	if len(lost) == 0 {
		lost = nil // as it is read back
	}
	b.Badge, b.Since, b.Lost = to, at, lost
}

// BelowSince is since when the service has not held a badge or a higher one, and whether it
// ever did: the time at which it was lost, or that of the first judgement. It is zero if the
// badge is held, or the service was never judged.
func (b *BadgeState) BelowSince(badge framework.Badge) (since time.Time, held bool) {
	if b.Badge >= badge {
		return time.Time{}, true
	}
	if at, ok := b.Lost[badge]; ok {
		return at, true
	}
	// A state that was stored before Lost was.
	if t := b.LastTransition; t != nil && t.From >= badge && t.To < badge {
		return t.At, true
	}
	return b.FirstJudged, false
}

// LapseAt is when a badge on hold lapses if nothing changes and the hold clock runs
// from the last judgement on; zero for one that is not on hold.
func (b BadgeState) LapseAt() time.Time {
	if b.Hold == nil {
		return time.Time{}
	}
	return b.At.Add(b.Hold.Left.At(b.At))
}

// AwardClock is a badge that is being proved.
type AwardClock struct {
	Since time.Time `json:"since"`
	// Observations are the judgements that have proved it, counted up to the two
	// that an award needs.
	Observations int `json:"observations"`
	// Given is the badge that was proved in the judgement before the clock began, if
	// announced changes alone have proved this one since: with that badge this one is
	// awarded, too. nil if evidence came in between, which has its dwell.
	Given *framework.Badge `json:"given,omitempty"`
}

// ContradictionClock is how long fresh evidence has contradicted a badge,
// counting only checks whose dwell is at most Dwell.
type ContradictionClock struct {
	Badge framework.Badge `json:"badge"`
	Dwell time.Duration   `json:"dwell"`
	Ran   Stopwatch       `json:"ran"`
}

// Hold is the time in which a badge is neither proved nor contradicted.
type Hold struct {
	Since time.Time `json:"since"`
	// Reason names the first checks that are not proved.
	Reason string `json:"reason"`
	// Ran is how long the clock has run: time in which the responsible source
	// was healthy.
	Ran Stopwatch `json:"ran"`
	// ProvedSince is when proof came back, zero while it is missing.
	ProvedSince time.Time `json:"proved_since,omitzero"`
	// Left is how much longer the clock may run until the badge lapses.
	Left Stopwatch `json:"left"`
}
