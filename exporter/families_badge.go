package exporter

import (
	"slices"
	"sort"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// badgeGroup is the badges services hold, and how they changed.
func badgeGroup() Group {
	return Group{
		Title: "Badges",
		Intro: "Levels are 0 (none), 1 (bronze), 2 (silver), 3 (gold), 4 (platinum) and 5 (diamond). " +
			"Alert on `readiness_badge_last_transition_timestamp_seconds`: `increase()` never sees a counter that is born at 1.",
		Families: []Family{
			{
				Name: "badge_level", Labels: []string{ServiceLabel},
				Help:     "Level of the badge the service holds, 0 to 5.",
				Presence: "the service has been judged",
				Collect: perBadge(func(name string, b shownBadge, _ Options, emit Emit) {
					emit(float64(b.held), name)
				}),
			},
			{
				Name: "badge", Labels: []string{ServiceLabel, "badge"}, Detail: Full,
				Help:     "The badge the service holds, none included; always 1.",
				Presence: "`exposition.detail: full`, and the service has been judged; the recording rule makes it of the level",
				Collect: perBadge(func(name string, b shownBadge, _ Options, emit Emit) {
					emit(1, name, b.name)
				}),
			},
			{
				Name: "badge_ceiling_level", Labels: []string{ServiceLabel},
				Help:     "The highest level the service can reach with the checks that apply to it, 0 to 5.",
				Presence: "the service has been judged; with `exposition.detail: compact` no 5, which the recording rule adds",
				Collect: perCard(func(name string, card *scoring.Scorecard, o Options, emit Emit) {
					if o.Detail == Full || card.Ceiling != framework.Diamond {
						emit(float64(card.Ceiling), name)
					}
				}),
			},
			{
				Name: "badge_gap_checks", Labels: []string{ServiceLabel, "module"},
				Help:     "Number of checks of one module that are missing to the next badge.",
				Presence: "the module applies to the service; with `exposition.detail: compact` no 0, which the recording rule adds",
				Collect: perModule(func(name string, m *scoring.ModuleResult, o Options, emit Emit) {
					if m.Applies && (o.Detail == Full || m.Gap > 0) {
						emit(float64(m.Gap), name, m.Module.ID)
					}
				}),
			},
			{
				Name: "badge_on_hold", Labels: []string{ServiceLabel},
				Help:     "1 while the badge is held although evidence neither proves nor contradicts it, else 0.",
				Presence: "the service has been judged",
				Collect: perBadge(func(name string, b shownBadge, _ Options, emit Emit) {
					emit(mark(b.onHold), name)
				}),
			},
			{
				Name: "badge_since_timestamp_seconds", Labels: []string{ServiceLabel},
				Help: "Since when the service has held its badge, as a Unix time.",
				Presence: "the service has been judged; with `exposition.detail: compact` if the badge has not changed since then: " +
					"otherwise it is the time of its last transition, which the recording rule takes",
				Collect: perBadge(func(name string, b shownBadge, o Options, emit Emit) {
					if t := b.lastTransition; o.Detail == Full || t == nil || !t.At.Equal(b.since) {
						emitTime(emit, b.since, name)
					}
				}),
			},
			{
				Name: "badge_lapse_timestamp_seconds", Labels: []string{ServiceLabel},
				Help:     "When a badge on hold lapses if nothing changes, as a Unix time.",
				Presence: "the badge is on hold",
				Collect: perBadge(func(name string, b shownBadge, _ Options, emit Emit) {
					emitTime(emit, b.lapse, name)
				}),
			},
			{
				Name:     "badge_last_transition_timestamp_seconds",
				Labels:   []string{ServiceLabel, "direction", "cause", "from", "to"},
				Help:     "When the badge last changed, in which direction and why, as a Unix time.",
				Presence: "the badge has changed",
				Collect: perBadge(func(name string, b shownBadge, _ Options, emit Emit) {
					if t := b.lastTransition; t != nil {
						emitTime(emit, t.At, name, t.Direction(), string(t.Cause), t.From.String(), t.To.String())
					}
				}),
			},
			{
				Name: "badge_last_transition_announced", Labels: []string{ServiceLabel},
				Help:     "1 if the last change of the badge is to be announced, 0 if it was the first judgement or the service was only observed.",
				Presence: "the badge has changed; with `exposition.detail: compact` no 0, which the recording rule adds",
				Collect: perBadge(func(name string, b shownBadge, o Options, emit Emit) {
					if t := b.lastTransition; t != nil && (o.Detail == Full || t.Announced) {
						emit(mark(t.Announced), name)
					}
				}),
			},
			{
				Name: "grace_end_timestamp_seconds", Labels: []string{ServiceLabel},
				Help:     "When the grace period of a new service ends, until which its badge changes are not announced, as a Unix time.",
				Presence: "the service was first judged less than `evaluation.observe_for` ago",
				Collect: perGrace(func(name string, end time.Time, emit Emit) {
					emitTime(emit, end, name)
				}),
			},
			{
				Name: "badge_transitions_total", Labels: []string{"direction", "cause"},
				Help:    "Badge changes of the whole fleet since the store began.",
				Collect: ofSnapshot(collectTransitions),
			},
		},
	}
}

// targetGroup is the badges that services should hold.
func targetGroup() Group {
	return Group{
		Title: "Targets",
		Intro: "A service that has no `readiness_target_gap_checks` is on target. One below its target is late if it has " +
			"`readiness_target_late_since_timestamp_seconds`, else due ([targets.md](targets.md)).",
		Families: []Family{
			{
				Name: "target_badge_level", Labels: []string{ServiceLabel},
				Help:     "Level of the badge the service should hold, 0 to 5.",
				Presence: "the configuration or the framework has a target for the service",
				Collect: perTarget(func(name string, t shownTarget, emit Emit) {
					emit(float64(t.level), name)
				}),
			},
			{
				Name: "target_due_timestamp_seconds", Labels: []string{ServiceLabel},
				Help:     "The last day on which the service may be below its target badge, as the Unix time of its beginning.",
				Presence: "the target has a date",
				Collect: perTarget(func(name string, t shownTarget, emit Emit) {
					emitTime(emit, t.by, name)
				}),
			},
			{
				Name: "target_gap_checks", Labels: []string{ServiceLabel},
				Help:     "Number of checks that are missing to the target badge.",
				Presence: "the service is below its target; 0 where a badge is awarded soon, or something else is in the way",
				Collect: perTarget(func(name string, t shownTarget, emit Emit) {
					if t.below {
						emit(float64(t.missing), name)
					}
				}),
			},
			{
				Name: "target_late_since_timestamp_seconds", Labels: []string{ServiceLabel},
				Help:     "Since when the service is late for its target badge, as a Unix time.",
				Presence: "the service is late",
				Collect: perTarget(func(name string, t shownTarget, emit Emit) {
					emitTime(emit, t.lateSince, name)
				}),
			},
		},
	}
}

// Directions lists the closed set of Transition.Direction.
func Directions() []string { return []string{"award", "regress"} }

// collectTransitions writes every direction and cause, so that the first
// change of a kind is an increase from zero.
func collectTransitions(s *snapshot.Snapshot, _ Options, emit Emit) {
	type kind struct{ direction, cause string }
	counts := map[kind]int64{}
	for _, t := range s.Transitions {
		counts[kind{t.Direction, string(t.Cause)}] += t.Count
	}
	for _, direction := range Directions() {
		for _, cause := range scoring.Causes() {
			k := kind{direction, string(cause)}
			emit(float64(counts[k]), k.direction, k.cause)
			delete(counts, k)
		}
	}
	// A store written by a newer version may know other causes.
	rest := make([]kind, 0, len(counts))
	for k := range counts {
		rest = append(rest, k)
	}
	sort.Slice(rest, func(i, j int) bool {
		return slices.Compare([]string{rest[i].direction, rest[i].cause}, []string{rest[j].direction, rest[j].cause}) < 0
	})
	for _, k := range rest {
		emit(float64(counts[k]), k.direction, k.cause)
	}
}

func mark(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// emitTime writes a Unix time; the zero time is no data.
func emitTime(emit Emit, at time.Time, labels ...string) {
	if !at.IsZero() {
		emit(unixSeconds(at), labels...)
	}
}
