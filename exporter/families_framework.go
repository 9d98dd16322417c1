package exporter

import "github.com/prodready/collector/snapshot"

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
				Help: "The criteria that were judged by; hash identifies their meaning, not their wording. Always 1.",
				Collect: ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
					if f := s.Framework; f != nil {
						emit(1, f.Name, f.Version, f.Hash)
					}
				}),
			},
			{
				Name: "framework_activated_timestamp_seconds", Labels: labels,
				Help: "Since when these criteria have been judged by, as a Unix time.",
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
