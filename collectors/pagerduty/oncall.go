package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// onCallSpan is the coming time whose shifts are listed: as far ahead as
	// PagerDuty computes them. The other spans are parts of it.
	onCallSpan  = 90 * day
	nearSpan    = 14 * day
	monthSpan   = 30 * day
	maxSlices   = 128
	onCallsFrom = "of the service's escalation policy in GET /oncalls for the coming "
	onCallsNear = onCallsFrom + "14 days"
	// onCallsValid is short because facts about the coming days change with each
	// day.
	onCallsValid = day
)

// listedDuties are the shifts of the coming time by escalation policy.
type listedDuties struct {
	shifts map[string][]shift
	// bad are the policies with an entry that could not be decoded and that may
	// cover a gap. nameless counts entries that may be of any policy.
	bad      map[string]bool
	nameless int
	summary  map[string]duties
	from     time.Time
}

// duties sums up the shifts of one escalation policy.
type duties struct {
	near, month duty
	// rotation is the number of distinct people on level 1 in the whole span.
	rotation int
	// longestShift is the longest time of one person on level 1, at most the span.
	longestShift time.Duration
	// permanent are the levels with a person who is on call without a schedule.
	permanent []int
}

// of sums up the shifts of a service's policy. A policy that the complete listing
// does not name has no shifts.
func (l *listedDuties) of(s *serviceRecord) duties {
	id := s.policyID()
	d, ok := l.summary[id]
	if !ok {
		shifts := l.shifts[id]
		d = duties{
			near:         scanShifts(shifts, l.from, l.from.Add(nearSpan)),
			month:        scanShifts(shifts, l.from, l.from.Add(monthSpan)),
			rotation:     rotation(shifts, l.from, l.from.Add(onCallSpan)),
			longestShift: longestShift(shifts, l.from, l.from.Add(onCallSpan)),
			permanent:    permanent(shifts),
		}
		l.summary[id] = d
	}
	return d
}

// onCallsListing declares the list of on-calls.
func onCallsListing() listing {
	listed := &listedDuties{}
	return listing{
		path: "oncalls", scope: "oncalls.read", records: "shifts", every: slowEvery,
		queries: onCallQueries,
		read:    listed.read,
		collect: []step{func(r *round, ctx context.Context) error { return r.listDuties(ctx, listed) }},
		groups: []group{{name: groupOnCall, facts: []fact{
			onCallNow(listed),
			escalationPeople(listed),
			loneLevels(listed),
			coverageRatio14d(listed),
			coverageRatio30d(listed),
			rotationPeople(listed),
			level2Coverage30d(listed),
			leastLevelCoverage30d(listed),
			minPeoplePerLevel(listed),
			nextGap(listed),
			coverageGaps30d(listed),
			longestGap30d(listed),
			longestShiftDays(listed),
			endsWithoutHuman(listed),
			permanentOnCall(listed),
		}}},
	}
}

// onCallQueries asks for the shifts of the coming time, in as many windows as
// were needed before.
func onCallQueries(r *round) []url.Values {
	from := r.now.Truncate(time.Second)
	var queries []url.Values
	for _, w := range windows(window{from, from.Add(onCallSpan)}, onCallSpan/time.Duration(r.slices)) {
		queries = append(queries, w.query())
	}
	return queries
}

// listDuties lists the on-calls and observes their facts. Where a window has more
// entries than the vendor lists, the time is cut into more and smaller windows,
// and their number is kept for later rounds.
func (r *round) listDuties(ctx context.Context, listed *listedDuties) error {
	if r.services == nil || !r.due("oncalls", slowEvery) {
		return nil
	}
	for {
		*listed = listedDuties{
			shifts: map[string][]shift{}, bad: map[string]bool{}, summary: map[string]duties{},
			from: r.now.Truncate(time.Second),
		}
		tooFar, err := r.listShifts(ctx, listed)
		if err != nil {
			return err
		}
		if !tooFar {
			break
		}
		if r.slices *= 2; r.slices > maxSlices {
			r.slices = maxSlices
			return incomplete("GET /oncalls", fmt.Errorf("more than %d entries in %s: use a credential that sees "+
				"fewer escalation policies", maxRecords, onCallSpan/maxSlices))
		}
	}
	return r.done("oncalls", r.observe(groupOnCall, func(s *serviceRecord) evidence.Missing {
		switch {
		case s.policyID() == "":
			return evidence.MissingNoData
		case listed.bad[s.policyID()], listed.nameless > 0 && listed.of(s).month.gaps > 0:
			return evidence.MissingUndecodable
		}
		return ""
	}))
}

// listShifts lists the on-calls. tooFar says that a window has more than the
// vendor lists.
func (r *round) listShifts(ctx context.Context, listed *listedDuties) (tooFar bool, err error) {
	for _, query := range onCallQueries(r) {
		tooFar, err = r.api.all(ctx, "oncalls", query, func(records []json.RawMessage) error {
			for _, raw := range records {
				listed.read(r, raw)
			}
			return nil
		})
		if err != nil || tooFar {
			return tooFar, err
		}
	}
	return false, nil
}

// read takes one entry.
func (l *listedDuties) read(r *round, raw json.RawMessage) {
	o, err := decode[onCallRecord](raw)
	if err == nil {
		l.shifts[o.Policy.ID] = append(l.shifts[o.Policy.ID], o.shift())
		return
	}
	id := idOf(raw, "escalation_policy", "id")
	r.skip("oncall", id, err)
	if id == "" && !hasNoPolicy(raw) {
		l.nameless++
	}
	l.bad[id] = true
}

// hasNoPolicy reports whether an entry says that it has no policy.
func hasNoPolicy(raw json.RawMessage) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(raw, &fields) == nil && fields != nil && string(orNull(fields["escalation_policy"])) == "null"
}

func onCallDefinition(name string, kind evidence.Kind, help string) evidence.Definition {
	return evidence.Definition{
		Name: name, Kind: kind, Pack: "pagerduty", Help: help,
		FreshAtLeast: slowFresh,
		ValidFor:     onCallsValid,
		Absent:       "nobody, when a complete listing has no entry of the policy",
	}
}

func onCallNow(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.oncall_now", evidence.KindInt, "Distinct people on call now on the first "+
		"level "+onCallsNear+"; of several services, the least.")
	d.Merge = evidence.MergeMin
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		return count(listed.of(s).near.now, "level 1 of escalation policy "+s.policyID())
	}}
}

func escalationPeople(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.escalation_people", evidence.KindInt, "Distinct people over all "+
		"levels "+onCallsNear+"; of several services, the least.")
	d.Merge = evidence.MergeMin
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		return count(listed.of(s).near.people, "escalation policy "+s.policyID())
	}}
}

func loneLevels(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.lone_levels", evidence.KindBool, "At some moment the same person is alone on "+
		"two or more levels "+onCallsNear+".")
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		sum, detail := listed.of(s).near, "escalation policy "+s.policyID()
		if sum.lone {
			detail += fmt.Sprintf(": levels %d and %d fall to one person", sum.loneLevels[0], sum.loneLevels[1])
		}
		return yes(sum.lone, detail)
	}}
}

func coverageRatio14d(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.coverage_ratio_14d", evidence.KindDouble, "Share of time with somebody on the "+
		"first level "+onCallsNear+"; of several services, the least.")
	d.Unit = "ratio"
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		sum := listed.of(s).near
		return double(d, sum.covered, fmt.Sprintf("level 1 of escalation policy %s: "+
			"%s", s.policyID(), sum.gapText("14 days")))
	}}
}

func coverageRatio30d(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.coverage_ratio_30d", evidence.KindDouble, "Share of time with somebody on the "+
		"first level "+onCallsFrom+"30 days; of several services, the least.")
	d.Unit = "ratio"
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		sum := listed.of(s).month
		return double(d, sum.covered, fmt.Sprintf("level 1 of escalation policy %s: "+
			"%s", s.policyID(), sum.gapText("30 days")))
	}}
}

func rotationPeople(listed *listedDuties) fact {
	d := onCallDefinition("pagerduty.rotation_people", evidence.KindInt, "Distinct people on the first "+
		"level "+onCallsFrom+"90 days; of several services, the least.")
	d.Merge = evidence.MergeMin
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		return count(listed.of(s).rotation, "level 1 of escalation policy "+s.policyID())
	}}
}
