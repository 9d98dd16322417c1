package pagerduty

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/prodready/collector/evidence"
)

// Facts about all levels of an escalation policy: their coverage and people, the
// length of shifts, and escalations that end without a person.

const (
	onCallsMonth = onCallsFrom + "30 days"
	// maxLevels bounds the levels that a detail lists.
	maxLevels = 20
)

// rules are the levels of the service's policy from the record of the service;
// nil when the record is without them.
func (s *serviceRecord) rules() []escalationRule {
	if s.Policy == nil || s.Policy.Rules == nil {
		return nil
	}
	return *s.Policy.Rules
}

// hasTarget reports whether the level notifies a person or a schedule.
func (e *escalationRule) hasTarget() bool {
	for _, target := range e.Targets {
		if target != nil && target.ID != "" {
			return true
		}
	}
	return false
}

// levelText describes all levels of a policy, also those without shifts.
func (d duty) levelText(rules []escalationRule, describe func(level levelDuty) string) string {
	var words []string
	for i := range rules {
		words = append(words, fmt.Sprintf("level %d %s", i+1, describe(d.levels[i+1])))
	}
	if len(words) > maxLevels {
		words = append(words[:maxLevels], "…")
	}
	return strings.Join(words, ", ")
}

func level2Coverage30d(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.level2_coverage_ratio_30d", evidence.KindDouble, "Share of time with somebody "+
		"on the second level "+onCallsMonth+"; of several services, the least.")
	d.Unit = "ratio"
	d.Absent = "0 when the policy has no second level or nobody is on it"
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		level, there := listed.of(s).month.levels[2]
		detail := "level 2 of escalation policy " + s.policyID()
		if !there {
			detail += ": nobody"
		}
		return double(d, level.covered, detail)
	}}
}

func leastLevelCoverage30d(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.least_level_coverage_ratio_30d", evidence.KindDouble, "Share of time with "+
		"somebody on that level of the policy where it is least, "+onCallsMonth+"; the levels are those of the "+
		"policy in GET /services; of several services, the least.")
	d.Unit = "ratio"
	d.Absent = "0 when nobody is on some level; unknown where the levels are not told"
	return fact{Definition: d, readsServices: true, part: func(_ *round, s *serviceRecord) answer {
		rules, month := s.rules(), listed.of(s).month
		if rules == nil {
			return answer{missing: evidence.MissingNoData}
		}
		least := 1.0
		for i := range rules {
			least = min(least, month.levels[i+1].covered)
		}
		if len(rules) == 0 {
			least = 0
		}
		return double(d, least, "escalation policy "+s.policyID()+": "+month.levelText(rules, func(l levelDuty) string {
			return fmt.Sprintf("%.0f %%", math.Floor(100*l.covered))
		}))
	}}
}

func minPeoplePerLevel(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.min_people_per_level", evidence.KindInt, "Distinct people on that level of the "+
		"policy that has the fewest, "+onCallsMonth+"; the levels are those of the policy in GET /services; of "+
		"several services, the least.")
	d.Merge = evidence.MergeMin
	d.Absent = "0 when nobody is on some level; unknown where the levels are not told"
	return fact{Definition: d, readsServices: true, part: func(_ *round, s *serviceRecord) answer {
		rules, month := s.rules(), listed.of(s).month
		if rules == nil {
			return answer{missing: evidence.MissingNoData}
		}
		least := 0
		for i := range rules {
			if people := month.levels[i+1].people; i == 0 || people < least {
				least = people
			}
		}
		return count(least, "people of escalation "+
			"policy "+s.policyID()+": "+month.levelText(rules, func(l levelDuty) string {
			return strconv.Itoa(l.people)
		}))
	}}
}

// nextGap is stored as the instant at which the gap begins. It is infinite without
// a gap, and 0 during one, because the listing does not say when that began.
func nextGap(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.next_gap_hours", evidence.KindDouble, "Time until nobody is on the first "+
		"level "+onCallsMonth+": 0 while nobody is, and infinite when there is no gap; of several services, the least.")
	d.Unit, d.Clock = "hours", evidence.Remaining
	d.Merge = evidence.MergeMin
	d.Absent = "infinite (never) when a complete listing leaves no gap in the coming 30 days"
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		month, detail := listed.of(s).month, "level 1 of escalation policy "+s.policyID()
		if month.gaps == 0 {
			return answer{value: evidence.Never(), detail: detail + ": no gap in the coming 30 days"}
		}
		first := month.firstGaps[0]
		detail += ": nobody from " + first.text("30 days")
		if first.fromBegin {
			return double(evidence.Definition{Kind: evidence.KindDouble}, 0, detail)
		}
		return answer{value: evidence.Instant(first.start), detail: detail}
	}}
}

func coverageGaps30d(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.coverage_gaps_30d", evidence.KindInt, "Times without anybody on the first "+
		"level "+onCallsMonth+", of which the provenance names the first 5; of several services, the most.")
	d.Merge = evidence.MergeMax
	d.Absent = "1, from now on, when a complete listing has no entry of the policy"
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		month := listed.of(s).month
		return count(month.gaps, "level 1 of escalation policy "+s.policyID()+": "+month.gapList("30 days"))
	}}
}

func longestGap30d(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.longest_gap_hours_30d", evidence.KindDouble, "Length of the longest time "+
		"without anybody on the first level "+onCallsMonth+", as far as it is in them; of several services, the "+
		"longest.")
	d.Unit, d.Round = "hours", 0.1
	d.Merge = evidence.MergeMax
	d.Absent = "0 when there is no gap"
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		return double(d, listed.of(s).month.longest.Hours(), "level 1 of escalation policy "+s.policyID())
	}}
}

func longestShiftDays(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.longest_shift_days", evidence.KindDouble, "Longest time that one person is on "+
		"the first level without a break, of shifts that are running or begin "+onCallsFrom+"90 days; 90 means 90 or "+
		"more; of several services, the longest.")
	d.Unit, d.Round = "days", 0.1
	d.Merge = evidence.MergeMax
	d.Absent = "0 when nobody is on the first level"
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		return double(d, float64(listed.of(s).longestShift)/float64(day), "level 1 of escalation policy "+s.policyID())
	}}
}

func endsWithoutHuman(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.ends_without_human", evidence.KindBool, "The last level of the policy, by its "+
		"levels in GET /services, pages nobody or has nobody on call "+onCallsMonth+", or no level has; the "+
		"provenance says which; of several services, of any.")
	d.Absent = "true when a complete listing has no entry of the policy; unknown where its levels are not told"
	return fact{Definition: d, readsServices: true, part: func(_ *round, s *serviceRecord) answer {
		rules, month, detail := s.rules(), listed.of(s).month, "escalation policy "+s.policyID()
		last := len(rules)
		switch {
		case len(month.levels) == 0:
			return yes(true, detail+": nobody is on any level in the coming 30 days")
		case rules == nil:
			return answer{missing: evidence.MissingNoData}
		case last == 0:
			return yes(true, detail+": it has no levels")
		case !rules[last-1].hasTarget():
			return yes(true, fmt.Sprintf("%s: level %d, the last, has no target", detail, last))
		case month.levels[last].people == 0:
			return yes(true, fmt.Sprintf("%s: nobody is on level %d, the last, in the coming 30 days", detail, last))
		}
		return yes(false, fmt.Sprintf("%s: somebody is on level %d, the last", detail, last))
	}}
}

func permanentOnCall(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.permanent_oncall", evidence.KindBool, "Somebody is on the first level for ever "+
		"and without a schedule, schedule, start and end null, by the service's escalation policy in GET /oncalls; "+
		"of several services, of any.")
	d.Absent = "false when a complete listing has no such entry"
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		levels := listed.of(s).permanent
		detail := "escalation policy " + s.policyID() + ": "
		if len(levels) == 0 {
			return yes(false, detail+"nobody without a schedule")
		}
		return yes(levels[0] == 1, detail+"somebody without a schedule on "+
			"levels "+strings.Trim(fmt.Sprint(levels), "[]"))
	}}
}
