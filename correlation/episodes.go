package correlation

import (
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// episode is one problem of one service: flapping incidents together, from the start of
// the first to the end of the last.
type episode struct {
	service   string
	incidents []*Incident
}

// episodesOf are those of all services, in any order. Incidents that have not begun are
// left out.
func episodesOf(incidents []*Incident, now time.Time) []episode {
	var out []episode
	type problem struct{ service, template string }
	byProblem := map[problem][]*Incident{}
	for _, in := range incidents {
		if in.StartedAt.After(now) {
			continue
		}
		for _, service := range in.Services {
			if in.Template == "" {
				out = append(out, episode{service, []*Incident{in}})
				continue
			}
			p := problem{service, in.Template}
			byProblem[p] = append(byProblem[p], in)
		}
	}
	for p, list := range byProblem {
		slices.SortFunc(list, func(a, b *Incident) int { return a.StartedAt.Compare(b.StartedAt) })
		first := 0
		for i, flaps := range flapping(list) {
			if i > 0 && !flaps {
				out = append(out, episode{p.service, list[first:i]})
				first = i
			}
		}
		out = append(out, episode{p.service, list[first:]})
	}
	return out
}

// start is that of the first incident.
func (e *episode) start() time.Time { return e.incidents[0].StartedAt }

// severity is that of the worst incident, 0 if it is not known of any.
func (e *episode) severity() int {
	worst := 0
	for _, in := range e.incidents {
		if s := severityOf(in); s != 0 && (worst == 0 || s < worst) {
			worst = s
		}
	}
	return worst
}

// maintenance reports whether one of the incidents was within maintenance.
func (e *episode) maintenance() bool {
	return slices.ContainsFunc(e.incidents, func(in *Incident) bool { return in.Maintenance })
}

// handled says whether a person acknowledged or resolved one of the incidents, as known
// at a time. An acknowledgement of what its integration then resolved within NoisyWithin,
// without anything else that was done, does not count: whoever takes such alerts away
// would seem to make the others longer.
func (e *episode) handled(at time.Time) evidence.Answer {
	answer := evidence.No
	for _, in := range e.incidents {
		one := evidence.AnswerOf(in.acknowledged(at) || !in.Open(at) && in.Resolver == evidence.ResolverPerson)
		if one == evidence.No && (!in.AcksKnown || !in.Open(at) && in.Resolver == evidence.ResolverUnknown) {
			one = evidence.Unknown
		}
		if one == evidence.Yes && !in.Open(at) && !in.EndUnknown && in.ResolvedAt.Sub(in.StartedAt) <= NoisyWithin {
			one = in.noise(at)[Suspected].Not()
		}
		answer = answer.Or(one)
	}
	return answer
}

// duration is from the start to the last end, or to a time at which one of the incidents
// was open. It is not known if an end is not, and timedOut is true if a time-out was the
// last end.
func (e *episode) duration(at time.Time) (d time.Duration, known, timedOut bool) {
	last := e.incidents[0]
	for _, in := range e.incidents {
		switch {
		case in.EndUnknown:
			return 0, false, false
		case in.Open(at):
			return at.Sub(e.start()), true, false
		case in.ResolvedAt.After(last.ResolvedAt):
			last = in
		}
	}
	return last.ResolvedAt.Sub(e.start()), true, last.Resolver == evidence.ResolverTimeout
}

// acknowledgement is how long it took a person to acknowledge the first of the incidents
// that paged and that a person acknowledged.
func (e *episode) acknowledgement(at time.Time) (d time.Duration, known bool) {
	for _, in := range e.incidents {
		if in.Urgent && in.AcksKnown && in.acknowledged(at) {
			return in.AcknowledgedAt.Sub(in.StartedAt), true
		}
	}
	return 0, false
}

// falseAlarm reports whether a person said of one of the incidents that nothing was wrong.
func (e *episode) falseAlarm() bool {
	return slices.ContainsFunc(e.incidents, func(in *Incident) bool { return in.FalseAlarm == evidence.Yes })
}
