package correlation

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// markFlapping marks incidents that follow soon on the resolution of the same problem,
// and replaces those of which that has changed.
func (r *relinking) markFlapping() {
	affected := map[problem]bool{}
	for _, in := range r.gone {
		for _, p := range r.problemsOf(in) {
			affected[p] = true
			drop(r.problems, p, in.leader)
		}
	}
	fresh := make(map[place]bool, len(r.added))
	for _, in := range r.added {
		fresh[in.leader] = true
		for _, p := range r.problemsOf(in) {
			affected[p] = true
			add(r.problems, p, in.leader)
		}
	}
	for p := range affected {
		slices.SortFunc(r.problems[p], func(a, b place) int {
			return compareIncidents(r.whole(a).Incident, r.whole(b).Incident)
		})
	}
	changed := map[place]bool{}
	for p := range affected {
		list := r.problems[p]
		for i, flaps := range r.flapping(list) {
			changed[list[i]] = changed[list[i]] || flaps
		}
	}
	for leader, flaps := range changed {
		in := r.whole(leader)
		// What it is in the problems of its other services is as it was.
		for _, p := range r.problemsOf(in) {
			if !flaps && !affected[p] {
				i := slices.Index(r.problems[p], leader)
				flaps = r.flapping(r.problems[p][:i+1])[i]
			}
		}
		switch {
		case flaps == in.Flapping:
		case fresh[leader]:
			in.Flapping, r.records.at(leader).flapping = flaps, flaps
		default:
			r.replace(in, flaps)
		}
	}
}

// flapping reports which of the incidents of a problem flap.
func (r *relinking) flapping(leaders []place) []bool {
	list := make([]*Incident, len(leaders))
	for i, leader := range leaders {
		list[i] = r.whole(leader).Incident
	}
	return flapping(list)
}

// replace puts a copy in the place of an incident.
func (r *relinking) replace(in whole, flaps bool) {
	replacement := *in.Incident
	replacement.Flapping, r.records.at(in.leader).flapping = flaps, flaps
	r.incidents[in.leader] = &replacement
	r.gone, r.added = append(r.gone, in), append(r.added, whole{in.leader, &replacement})
}

// problemsOf are those that an incident may be another occurrence of.
func (r *relinking) problemsOf(in whole) []problem {
	if in.Template == "" {
		return nil
	}
	list := make([]problem, len(in.Services))
	for i, service := range in.Services {
		list[i] = problem{r.packing.numberOf(service), r.packing.numberOf(in.Template)}
	}
	return list
}

// compareIncidents orders incidents by start.
func compareIncidents(a, b *Incident) int {
	return cmp.Or(a.StartedAt.Compare(b.StartedAt), compareReferences(a.Records[0], b.Records[0]))
}

// flapping reports which of the incidents of a problem, which are in order of their
// start, follow soon on the resolution of another.
func flapping(incidents []*Incident) []bool {
	flaps := make([]bool, len(incidents))
	var recent []time.Time
	for i, in := range incidents {
		// Those that are too old stay so, because starts only grow.
		recent = slices.DeleteFunc(recent, func(end time.Time) bool { return in.StartedAt.Sub(end) > FlappingWithin })
		for _, end := range recent {
			flaps[i] = flaps[i] || !end.After(in.StartedAt)
		}
		if !in.ResolvedAt.IsZero() && in.Resolver != evidence.ResolverTimeout {
			recent = append(recent, in.ResolvedAt)
		}
	}
	return flaps
}
