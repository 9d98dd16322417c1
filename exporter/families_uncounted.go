package exporter

import (
	"maps"
	"slices"
	"strings"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
)

// uncountedGroup declares the families about records that could not be used.
func uncountedGroup() Group {
	labels := []string{"source", "kind", "reason"}
	return Group{
		Title: "Records that could not be used",
		Intro: "What the last complete round of a source has found and could not use, or only in part: " +
			"mostly gaps in the catalog and faults in the data of the source. " +
			"The source catalog has the entities of Backstage files and of discovery that are refused. " +
			"Facts of PagerDuty, Jira and alerting rules that would have counted such a record are unknown for the services that it " +
			"may belong to. So are those of series whose join is a name by convention, such as disruption budgets, in their namespace; " +
			"any other series of no service changes no fact. " +
			"Kinds: " + words(evidence.UncountedKinds()) + ". Reasons: " + words(evidence.UncountedReasons()) + ".",
		Families: []Family{
			{
				Name: "uncounted_records", Labels: labels,
				Help:     "Number of records of the kind that the source could not use for the reason.",
				Presence: "there is such a record",
				Collect: perUncounted(func(source string, u *evidence.Uncounted, emit Emit) {
					for _, reason := range slices.Sorted(maps.Keys(u.Reasons)) {
						emit(float64(u.Reasons[reason]), source, string(u.Kind), string(reason))
					}
				}),
			},
			{
				Name: "uncounted_largest_records", Labels: append(slices.Clip(labels), "name"),
				Help:     "Number of these records in each of the ten largest groups of a source and kind, by the name of the group.",
				Presence: "there is such a record",
				Collect: perUncounted(func(source string, u *evidence.Uncounted, emit Emit) {
					for _, g := range u.Largest {
						emit(float64(g.Count), source, string(u.Kind), string(g.Reason), g.Name)
					}
				}),
			},
		},
	}
}

func perUncounted(collect func(source string, u *evidence.Uncounted, emit Emit)) Collect {
	return ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
		s.EachUncounted(func(source string, u *evidence.Uncounted) { collect(source, u, emit) })
	})
}

// words lists a closed set for the reference.
func words[T ~string](set []T) string {
	quoted := make([]string, len(set))
	for i, word := range set {
		quoted[i] = "`" + string(word) + "`"
	}
	return strings.Join(quoted, ", ")
}
