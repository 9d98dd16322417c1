package exporter

import "github.com/prodready/collector/snapshot"

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
			Collect:  ofSnapshot(collectOnCallGap),
		}},
	}
}

func collectOnCallGap(s *snapshot.Snapshot, _ Options, emit Emit) {
	s.OnCallGaps(func(service *snapshot.Service, gap snapshot.OnCallGap) {
		if !gap.Start.IsZero() {
			emitTime(emit, gap.Start, service.Entry.Name)
		}
	})
}
