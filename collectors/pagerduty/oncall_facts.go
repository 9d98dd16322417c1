package pagerduty

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/prodready/collector/evidence"
)

const (
	onCallsFrom  = "of the service's escalation policy in GET /oncalls for the coming "
	onCallsNear  = onCallsFrom + "14 days"
	onCallsMonth = onCallsFrom + "30 days"
	// maxLevels bounds the levels that a detail lists.
	maxLevels = 20
)

// aboutOnCalls is what the definitions of facts about on-calls have in common. They
// are valid for a short time, because the coming days change with each day.
func aboutOnCalls() evidence.Definition {
	return evidence.Definition{ValidFor: day, Absent: "nobody, when a complete listing has no entry of the policy"}
}

// onCallFacts are made of the shifts of the coming time. Those of all levels read
// the levels in the record of the service, too.
func onCallFacts(listed *listedDuties) []fact {
	// policy observes the escalation policy of a service, and level1 its first level.
	observe := func(of string, d evidence.Definition, read func(duties) answer) fact {
		return perService(d, func(_ *round, s *serviceRecord) answer {
			a := read(listed.of(s))
			a.detail = of + "escalation policy " + s.policyID() + a.detail
			return a
		})
	}
	policy := func(d evidence.Definition, read func(duties) answer) fact { return observe("", d, read) }
	level1 := func(d evidence.Definition, read func(duties) answer) fact { return observe("level 1 of ", d, read) }
	// gaps observes gaps and names the schedules that leave them.
	gaps := func(of string, levels int, d evidence.Definition, read func(duties) (a answer, gap bool)) fact {
		return perService(d, func(_ *round, s *serviceRecord) answer {
			a, gap := read(listed.of(s))
			a.detail = of + "escalation policy " + s.policyID() + a.detail
			rules := s.Policy.Rules
			if names := schedules(rules[:min(levels, len(rules))]); gap && len(names) > 0 {
				a.detail += " on " + strings.Join(names, ", ")
			}
			return a
		})
	}
	// levels observes the levels of the policy, which are unknown in a record without.
	levels := func(of string, d evidence.Definition, read func([]escalationRule, duty) answer) fact {
		return withServices(perService(d, func(_ *round, s *serviceRecord) answer {
			rules := s.Policy.Rules
			if rules == nil {
				return unknown(evidence.MissingNoData)
			}
			a := read(rules, listed.of(s).month)
			a.detail = of + "escalation policy " + s.policyID() + ": " + a.detail
			return a
		}))
	}
	return []fact{
		policy(evidence.Definition{
			Name: "pagerduty.oncall_now", Kind: evidence.KindInt, Merge: evidence.MergeMin,
			Help: "Distinct people on call now on any level " + onCallsNear + "; of several services, the least.",
		}, func(d duties) answer { return count(d.anyNear.now, "") }),
		policy(evidence.Definition{
			Name: "pagerduty.escalation_people", Kind: evidence.KindInt, Merge: evidence.MergeMin,
			Help: "Distinct people over all levels " + onCallsNear + "; of several services, the least.",
		}, func(d duties) answer { return count(d.near.people, "") }),
		policy(evidence.Definition{
			Name: "pagerduty.lone_levels", Kind: evidence.KindBool,
			Help: "At some moment the same person is alone on two or more levels " + onCallsNear + ".",
		}, func(d duties) answer {
			if !d.near.lone {
				return yes(false, "")
			}
			return yes(true, fmt.Sprintf(": levels %d and %d fall to one person", d.near.loneLevels[0], d.near.loneLevels[1]))
		}),
		gaps("", maxLevels, evidence.Definition{
			Name: "pagerduty.coverage_ratio_14d", Kind: evidence.KindDouble, Unit: "ratio",
			Help: "Share of time with somebody on any level " + onCallsNear + "; of several services, the least.",
		}, func(d duties) (answer, bool) { return d.anyNear.coverage("14 days") }),
		gaps("", maxLevels, evidence.Definition{
			Name: "pagerduty.coverage_ratio_30d", Kind: evidence.KindDouble, Unit: "ratio",
			Help: "Share of time with somebody on any level " + onCallsMonth + "; of several services, the least.",
		}, func(d duties) (answer, bool) { return d.anyMonth.coverage("30 days") }),
		gaps("level 1 of ", 1, evidence.Definition{
			Name: "pagerduty.level1_coverage_ratio_14d", Kind: evidence.KindDouble, Unit: "ratio",
			Help: "Share of time with somebody on the first level " + onCallsNear +
				"; while nobody is, PagerDuty pages the next level at once; of several services, the least.",
		}, func(d duties) (answer, bool) { return d.near.coverage("14 days") }),
		gaps("level 1 of ", 1, evidence.Definition{
			Name: "pagerduty.level1_coverage_gaps_30d", Kind: evidence.KindInt, Merge: evidence.MergeMax,
			Help: "Times without anybody on the first level " + onCallsMonth +
				", of which the provenance names the first 5; of several services, the most.",
			Absent: "1, from now on, when a complete listing has no entry of the policy",
		}, func(d duties) (answer, bool) {
			return count(d.month.gaps, ": "+d.month.gapList("30 days")), d.month.gaps > 0
		}),
		level1(evidence.Definition{
			Name: "pagerduty.rotation_people", Kind: evidence.KindInt, Merge: evidence.MergeMin,
			Help: "Distinct people on the first level " + onCallsFrom + "90 days; of several services, the least.",
		}, func(d duties) answer { return count(d.rotation, "") }),
		observe("level 2 of ", evidence.Definition{
			Name: "pagerduty.level2_coverage_ratio_30d", Kind: evidence.KindDouble, Unit: "ratio",
			Help: "Share of time with somebody on the second level " + onCallsMonth +
				"; of several services, the least.",
			Absent: "0 when the policy has no second level or nobody is on it",
		}, func(d duties) answer {
			if d.month.levels[2].people == 0 {
				return number(0, ": nobody")
			}
			return number(d.month.levels[2].covered, "")
		}),
		levels("", evidence.Definition{
			Name: "pagerduty.least_level_coverage_ratio_30d", Kind: evidence.KindDouble, Unit: "ratio",
			Help: "Share of time with somebody on that level of the policy where it is least, " + onCallsMonth +
				"; the levels are those of the policy in GET /services; of several services, the least.",
			Absent: "0 when nobody is on some level; unknown where the levels are not known",
		}, func(rules []escalationRule, month duty) answer {
			least, text := month.leastOf(rules, func(l levelDuty) float64 { return l.covered }, percent)
			return number(least, text)
		}),
		levels("people of ", evidence.Definition{
			Name: "pagerduty.min_people_per_level", Kind: evidence.KindInt, Merge: evidence.MergeMin,
			Help: "Distinct people on that level of the policy that has the fewest, " + onCallsMonth +
				"; the levels are those of the policy in GET /services; of several services, the least.",
			Absent: "0 when nobody is on some level; unknown where the levels are not known",
		}, func(rules []escalationRule, month duty) answer {
			people := func(l levelDuty) float64 { return float64(l.people) }
			least, text := month.leastOf(rules, people, func(n float64) string { return strconv.Itoa(int(n)) })
			return count(int(least), text)
		}),
		// A gap is stored as the instant at which it begins. It is infinite without a
		// gap, and 0 during one, because the listing does not say when that began.
		gaps("", maxLevels, evidence.Definition{
			Name: "pagerduty.next_gap_hours", Kind: evidence.KindDouble, Unit: "hours",
			Clock: evidence.Remaining, Merge: evidence.MergeMin,
			Help: "Time until nobody is on any level " + onCallsMonth +
				": 0 while nobody is, and infinite when there is no gap; of several services, the least.",
			Absent: "infinite (never) when a complete listing leaves no gap in the coming 30 days",
		}, func(d duties) (answer, bool) {
			if d.anyMonth.gaps == 0 {
				return answer{value: evidence.Never(), detail: ": no gap in the coming 30 days"}, false
			}
			first := d.anyMonth.firstGaps[0]
			detail := ": nobody from " + first.text("30 days")
			if first.fromBegin {
				return number(0, detail), true
			}
			return answer{value: evidence.Instant(first.start), detail: detail}, true
		}),
		gaps("", maxLevels, evidence.Definition{
			Name: "pagerduty.coverage_gaps_30d", Kind: evidence.KindInt, Merge: evidence.MergeMax,
			Help: "Times without anybody on any level " + onCallsMonth +
				", of which the provenance names the first 5; of several services, the most.",
			Absent: "1, from now on, when a complete listing has no entry of the policy",
		}, func(d duties) (answer, bool) {
			return count(d.anyMonth.gaps, ": "+d.anyMonth.gapList("30 days")), d.anyMonth.gaps > 0
		}),
		policy(evidence.Definition{
			Name: "pagerduty.longest_gap_hours_30d", Kind: evidence.KindDouble,
			Unit: "hours", Round: 0.1, Merge: evidence.MergeMax,
			Help: "Length of the longest time without anybody on any level " + onCallsMonth +
				", as far as it is in them; of several services, the longest.",
			Absent: "0 when there is no gap",
		}, func(d duties) answer { return number(d.anyMonth.longest.Hours(), "") }),
		level1(evidence.Definition{
			Name: "pagerduty.longest_shift_days", Kind: evidence.KindDouble,
			Unit: "days", Round: 0.1, Merge: evidence.MergeMax,
			Help: "Longest time that one person is on the first level without a break, of shifts that are running or " +
				"begin " + onCallsFrom + "90 days; 90 means 90 or more; of several services, the longest.",
			Absent: "0 when nobody is on the first level",
		}, func(d duties) answer { return number(float64(d.longestShift)/float64(day), "") }),
		withServices(perService(evidence.Definition{
			Name: "pagerduty.ends_without_human", Kind: evidence.KindBool,
			Help: "The last level of the policy, by its levels in GET /services, pages nobody or has nobody on call " +
				onCallsMonth + ", or no level has; the provenance says which; of several services, of any.",
			Absent: "true when a complete listing has no entry of the policy; unknown where its levels are not known",
		}, func(_ *round, s *serviceRecord) answer {
			a := endsWithoutHuman(s.Policy.Rules, listed.of(s).month)
			a.detail = "escalation policy " + s.policyID() + ": " + a.detail
			return a
		})),
		policy(evidence.Definition{
			Name: "pagerduty.permanent_oncall", Kind: evidence.KindBool,
			Help: "Somebody is on the first level for ever and without a schedule, schedule, start and end null, by the " +
				"service's escalation policy in GET /oncalls; of several services, of any.",
			Absent: "false when a complete listing has no such entry",
		}, func(d duties) answer {
			if len(d.permanent) == 0 {
				return yes(false, ": nobody without a schedule")
			}
			levels := strings.Trim(fmt.Sprint(d.permanent), "[]")
			return yes(d.permanent[0] == 1, ": somebody without a schedule on levels "+levels)
		}),
	}
}

// coverage is the answer with the share of time with somebody; gap says that there is
// some without.
func (d duty) coverage(span string) (a answer, gap bool) {
	return number(d.covered, ": "+d.gapText(span)), d.gaps > 0
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", math.Floor(100*share)) }

// leastOf is the least of a number of all levels of a policy, those without shifts
// among them, and the numbers of all levels in words.
func (d duty) leastOf(
	rules []escalationRule, number func(levelDuty) float64, format func(float64) string,
) (least float64, text string) {
	var words []string
	for i := range rules {
		n := number(d.levels[i+1])
		if i == 0 || n < least {
			least = n
		}
		words = append(words, fmt.Sprintf("level %d %s", i+1, format(n)))
	}
	if len(words) > maxLevels {
		words = append(words[:maxLevels], "…")
	}
	return least, strings.Join(words, ", ")
}

// endsWithoutHuman is the answer whether the last level of a policy with the rules
// pages nobody. rules are nil when they are not known.
func endsWithoutHuman(rules []escalationRule, month duty) answer {
	last := len(rules)
	switch {
	case len(month.levels) == 0:
		return yes(true, "nobody is on any level in the coming 30 days")
	case rules == nil:
		return unknown(evidence.MissingNoData)
	case last == 0:
		return yes(true, "it has no levels")
	case !rules[last-1].hasTarget():
		return yes(true, fmt.Sprintf("level %d, the last, has no target", last))
	case month.levels[last].people == 0:
		return yes(true, fmt.Sprintf("nobody is on level %d, the last, in the coming 30 days", last))
	}
	return yes(false, fmt.Sprintf("somebody is on level %d, the last", last))
}
