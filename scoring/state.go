package scoring

import (
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
	// Flips are the checks whose verdict differs between the two badges' bases.
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

// State is what judging remembers: the badges with their clocks, and the
// attestations that were contradicted. It is a value: Advance returns a new
// one and leaves its argument as it was.
type State struct {
	Badges      map[string]BadgeState
	Invalidated InvalidatedAttestations
	// Criteria is what the last judgement judged by; zero when that is not known.
	Criteria framework.Meaning
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
}

// Defaults of Options.
const (
	DefaultObserveFor = 14 * 24 * time.Hour
	DefaultMaxStep    = 5 * time.Minute
)

// BadgeState is the badge of one service with its clocks. All durations are
// what the clocks had reached at At.
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
	Failing map[string]time.Duration `json:"failing,omitempty"`
	// HoldRestarted is when a change of the criteria last restarted the hold
	// clock.
	HoldRestarted time.Time `json:"hold_restarted,omitzero"`
	// FrameworkHash is the criteria of the last judgement, SupportHash the
	// criteria by which the badge was last proved.
	FrameworkHash string `json:"framework_hash,omitempty"`
	SupportHash   string `json:"support_hash,omitempty"`
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

// AwardClock is a badge that is being proved.
type AwardClock struct {
	Since        time.Time `json:"since"`
	Observations int       `json:"observations"`
}

// ContradictionClock is how long fresh evidence has contradicted a badge,
// counting only checks whose dwell is at most Dwell.
type ContradictionClock struct {
	Badge framework.Badge `json:"badge"`
	Dwell time.Duration   `json:"dwell"`
	Ran   time.Duration   `json:"ran"`
}

// Hold is the time in which a badge is neither proved nor contradicted.
type Hold struct {
	Since time.Time `json:"since"`
	// Reason names the first checks that are not proved.
	Reason string `json:"reason"`
	// Ran is how long the clock has run: time in which the responsible source
	// was healthy.
	Ran time.Duration `json:"ran"`
	// ProvedSince is when proof came back, zero while it is missing.
	ProvedSince time.Time `json:"proved_since,omitzero"`
	// LapseAt is when the badge lapses if nothing changes and the clock runs.
	LapseAt time.Time `json:"lapse_at"`
}
