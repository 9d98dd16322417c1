package exporter

import (
	"time"

	"github.com/prodready/collector/snapshot"
)

// frameworkGroup is what was judged by, and when.
func frameworkGroup() Group {
	labels := []string{"name", "version", "hash"}
	return Group{
		Title: "Framework and snapshot",
		Intro: "A process whose snapshot is older than three evaluation intervals serves none of the families above and here, " +
			"so that stuck figures are absent and not wrong.",
		Families: []Family{
			{
				Name: "framework_info", Labels: labels,
				Help: "The criteria that were judged by, those of pins too; hash identifies their meaning, not their wording. " +
					"Always 1.",
				Collect: ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
					for _, f := range s.Frameworks() {
						emit(1, f.Name, f.Version, f.Hash)
					}
				}),
			},
			{
				Name: "framework_services", Labels: labels,
				Help: "Number of services that were judged by these criteria.",
				Collect: ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
					counts := map[string]int{}
					for i := range s.Services {
						if f := s.CriteriaOf(&s.Services[i]); f != nil {
							counts[f.Hash]++
						}
					}
					for _, f := range s.Frameworks() {
						emit(float64(counts[f.Hash]), f.Name, f.Version, f.Hash)
					}
				}),
			},
			{
				Name: "framework_pin_end_timestamp_seconds", Labels: labels,
				Help:     "When the first services that are pinned to these criteria are judged by those of the fleet, as a Unix time.",
				Presence: "a pin of `framework.pins` to these criteria is in force for a service",
				Collect:  ofSnapshot(collectPinEnds),
			},
			{
				Name: "framework_activated_timestamp_seconds", Labels: labels,
				Help: "Since when the criteria of the fleet have been judged by, as a Unix time.",
				Collect: ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
					if f := s.Framework; f != nil {
						emitTime(emit, s.ActivatedAt, f.Name, f.Version, f.Hash)
					}
				}),
			},
			{
				Name: "snapshot_timestamp_seconds",
				Help: "When the served figures were evaluated, as a Unix time.",
				Collect: ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
					emitTime(emit, s.At)
				}),
			},
		},
	}
}

// collectPinEnds writes the first end of the pins to each criteria that have a service.
func collectPinEnds(s *snapshot.Snapshot, _ Options, emit Emit) {
	ends := map[string]time.Time{}
	for i := range s.Services {
		pin := s.PinOf(&s.Services[i])
		if pin == nil {
			continue
		}
		if end, known := ends[pin.Framework.Hash]; !known || pin.Until.Before(end) {
			ends[pin.Framework.Hash] = pin.Until
		}
	}
	for _, f := range s.Frameworks() {
		if end, known := ends[f.Hash]; known {
			emitTime(emit, end, f.Name, f.Version, f.Hash)
		}
	}
}
