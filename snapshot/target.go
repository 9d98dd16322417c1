package snapshot

import (
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// TargetStatus is how a service stands to its target. The set is closed.
type TargetStatus string

// The statuses. A service that is below its target is due until the target's day is over,
// and late from then on.
const (
	OnTarget TargetStatus = "on_target"
	Due      TargetStatus = "due"
	Late     TargetStatus = "late"
	NoTarget TargetStatus = "none"
)

// Target is the badge that a service should hold, and how it stands to that.
type Target struct {
	scoring.Target
	Status TargetStatus
	// BelowSince is since when the service is below its target: when it lost the badge, if
	// Lost is true, else when it was first judged. Zero if it is on target or not judged.
	BelowSince time.Time
	Lost       bool
	// LateFrom is when a service that stays below becomes late, zero for never. Grace is true
	// if that is the end of the grace period of a new service, later than the target says.
	LateFrom time.Time
	Grace    bool
	// LateSince is since when it is late, else zero.
	LateSince time.Time
	// Missing is how many checks do not pass that the target badge needs; 0 on target.
	Missing int
	// Blocked says what besides checks is in the way, empty if nothing is.
	Blocked TargetBlock
}

// TargetBlock is what keeps a badge out of reach although no check that it needs fails. The
// set is closed.
type TargetBlock string

// BlockedByCeiling is that too few modules have checks for the service, BlockedByLimits that
// more checks are exempt or attested than the badge allows.
const (
	BlockedByCeiling TargetBlock = "ceiling"
	BlockedByLimits  TargetBlock = "limits"
)

// TargetOf is how a service stands to its target: that of the configuration, or else that
// of its criteria for its tier. It is false without a target.
func (s *Snapshot) TargetOf(service *Service) (Target, bool) {
	t, ok := s.StatusOfTarget(service)
	if ok && t.Status != OnTarget {
		t.Count(service.Card)
	}
	return t, ok
}

// StatusOfTarget is TargetOf without Missing and Blocked. Those need a walk through all checks
// of the service.
func (s *Snapshot) StatusOfTarget(service *Service) (Target, bool) {
	found, _ := scoring.TargetOf(s.Targets, service.Entry, s.At)
	if found == nil {
		found = scoring.AimOf(s.CriteriaOf(service), service.Entry)
	}
	if found == nil || found.Badge == framework.NoBadge {
		return Target{Status: NoTarget}, false
	}
	t := Target{Target: *found, Status: OnTarget}
	if service.Badge.Badge >= t.Badge {
		return t, true
	}
	t.Status = Due
	t.BelowSince, t.Lost = service.Badge.BelowSince(t.Badge)
	if t.NeverLate {
		return t, true
	}
	t.LateFrom = later(t.Since, t.Ends())
	// Nothing is announced of a service that is new, so that it is not late.
	if end := s.graceEnd(service); end.After(t.LateFrom) {
		t.LateFrom, t.Grace = end, s.ObserveFor > 0
	}
	if !t.LateFrom.IsZero() && !s.At.Before(t.LateFrom) {
		t.Status, t.LateSince = Late, t.LateFrom
		if t.Lost {
			t.LateSince = later(t.LateFrom, t.BelowSince)
		}
	}
	return t, true
}

// graceEnd is when the grace period of a service ends or has ended, zero if it was not judged.
func (s *Snapshot) graceEnd(service *Service) time.Time {
	if service.Badge.FirstJudged.IsZero() {
		return time.Time{}
	}
	return service.Badge.FirstJudged.Add(s.ObserveFor)
}

// GraceEnd is when the grace period of a service ends, zero if it is over or has not begun.
func (s *Snapshot) GraceEnd(service *Service) time.Time {
	if end := s.graceEnd(service); s.At.Before(end) {
		return end
	}
	return time.Time{}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Count fills in Missing and Blocked of a service that is below its target; they stay empty
// without a scorecard.
func (t *Target) Count(card *scoring.Scorecard) {
	t.Missing, t.Blocked = 0, ""
	if card == nil {
		return
	}
	for i := range card.Checks {
		if card.Checks[i].InTheWayOf(t.Badge) {
			t.Missing++
		}
	}
	switch {
	case card.Ceiling < t.Badge:
		t.Blocked = BlockedByCeiling
	case t.Missing == 0 && card.Badge.Lower < t.Badge:
		t.Blocked = BlockedByLimits
	}
}
