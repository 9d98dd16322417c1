package exporter

import (
	"math"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
)

// nextGapFact is the time until no person is on call. PagerDuty gives it.
const nextGapFact = "pagerduty.next_gap_hours"

// onCallGroup is who is on call for services.
func onCallGroup() Group {
	return Group{
		Title: "On-call",
		Intro: "Who is on call is asked now and then, and a gap is looked for in the coming 30 days.",
		Families: []Family{{
			Name: "oncall_gap_start_timestamp_seconds", Labels: []string{ServiceLabel},
			Help: "When nobody is on any level of the service's on-call next, as a Unix time; " +
				"while nobody is, when that was first seen, which is in the past.",
			Presence: "there is a gap in the coming 30 days, as far as is known",
			Collect:  collectOnCallGap,
		}},
	}
}

func collectOnCallGap(s *snapshot.Snapshot, _ Options, emit Emit) {
	if s.Framework == nil || s.Framework.Facts() == nil {
		return
	}
	index, known := s.Framework.Facts().Index(nextGapFact)
	if !known {
		return
	}
	for i := range s.Services {
		service := &s.Services[i]
		if index >= len(service.Evidence) {
			continue
		}
		if start, ok := gapStart(service.Evidence[index], s.At); ok {
			emitTime(emit, start, service.Entry.Name)
		}
	}
}

// gapStart is the start of the next or present gap; ok is false if there is none
// or it is not known.
func gapStart(o *evidence.Observation, now time.Time) (start time.Time, ok bool) {
	if o.State(now) == evidence.StateMissing || math.IsInf(o.Value.Number(), 0) {
		return time.Time{}, false
	}
	if o.Value.IsInstant() {
		return time.UnixMilli(int64(o.Value.Number() * 1000)).UTC(), true
	}
	if o.Since.IsZero() {
		return o.ObservedAt, true
	}
	return o.Since, true
}
