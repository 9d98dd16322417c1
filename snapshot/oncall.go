package snapshot

import (
	"math"
	"time"

	"github.com/prodready/collector/evidence"
)

// nextGapFact is the time until no person is on call. PagerDuty gives it.
const nextGapFact = "pagerduty.next_gap_hours"

// OnCallGap is the next time without anyone on call, within the 30 days that PagerDuty
// is asked for.
type OnCallGap struct {
	// Known is false if there may be a gap or not.
	Known bool
	// Start is when it begins, or when the present one was first seen; zero if there is
	// none.
	Start time.Time
}

// OnCallGaps calls emit for each service, in their order, with its next gap.
func (s *Snapshot) OnCallGaps(emit func(*Service, OnCallGap)) {
	index, known := 0, false
	if s.Framework != nil && s.Framework.Facts() != nil {
		index, known = s.Framework.Facts().Index(nextGapFact)
	}
	for i := range s.Services {
		service := &s.Services[i]
		gap := OnCallGap{}
		if known && service.Evidence != nil {
			gap = gapOf(service.Evidence.At(index), s.At)
		}
		emit(service, gap)
	}
}

func gapOf(o evidence.Observation, now time.Time) OnCallGap {
	switch {
	case o.State(now) == evidence.StateMissing:
		return OnCallGap{}
	case math.IsInf(o.Value.Number(), 0):
		return OnCallGap{Known: true}
	case o.Value.IsInstant():
		return OnCallGap{Known: true, Start: time.UnixMilli(int64(o.Value.Number() * 1000)).UTC()}
	case o.Since.IsZero():
		return OnCallGap{Known: true, Start: o.ObservedAt}
	}
	return OnCallGap{Known: true, Start: o.Since}
}
