package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// onCallSpan is how far on-calls are looked ahead: as far as PagerDuty
	// computes shifts. The other spans are parts of it.
	onCallSpan  = 90 * day
	nearSpan    = 14 * day
	monthSpan   = 30 * day
	mostSlices  = 128
	onCallsFrom = "of the service's escalation policy in GET /oncalls for the coming "
	onCallsNear = onCallsFrom + "14 days"
	// Evidence about the coming days is worth little after a day.
	onCallsValid = day
)

// listedDuties is who is on call in the coming time, by escalation policy.
type listedDuties struct {
	shifts map[string][]shift
	// bad are policies of which an entry could not be decoded: a gap may be
	// no gap. nameless counts those that may be of any policy.
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
	// stint is the longest time of one person on level 1, at most that span.
	stint time.Duration
	// permanent are the levels that somebody is on without a schedule.
	permanent []int
}

// of sums up the duties of a service's policy. A policy that a complete
// listing does not name has nobody on call.
func (l *listedDuties) of(s *serviceRecord) duties {
	id := s.policyID()
	d, ok := l.summary[id]
	if !ok {
		shifts := l.shifts[id]
		d = duties{
			near:      sweep(shifts, l.from, l.from.Add(nearSpan)),
			month:     sweep(shifts, l.from, l.from.Add(monthSpan)),
			rotation:  rotation(shifts, l.from, l.from.Add(onCallSpan)),
			stint:     stint(shifts, l.from, l.from.Add(onCallSpan)),
			permanent: permanent(shifts),
		}
		l.summary[id] = d
	}
	return d
}

// listDuties lists the on-calls and observes the facts of the oncall group.
// When there are more entries than the vendor lists for one window, the window
// is cut into more and smaller ones, and the number is kept for later rounds.
func (r *round) listDuties(ctx context.Context) error {
	if r.services == nil || !r.due(listingOnCalls, slowEvery) {
		return nil
	}
	from := r.now.Truncate(time.Second)
	for {
		listed, tooFar, err := r.listSlices(ctx, from, r.slices)
		if err != nil {
			return err
		}
		if !tooFar {
			r.duties = listed
			break
		}
		if r.slices *= 2; r.slices > mostSlices {
			r.slices = mostSlices
			return incomplete("GET /oncalls", fmt.Errorf("more than %d entries in %s: use a credential that sees fewer escalation policies", maxRecords, onCallSpan/mostSlices))
		}
	}
	return r.done(listingOnCalls, r.observe(groupOnCall, func(s *serviceRecord) evidence.Missing {
		switch {
		case s.policyID() == "":
			return evidence.MissingNoData
		case r.duties.bad[s.policyID()], r.duties.nameless > 0 && r.duties.of(s).month.gaps > 0:
			return evidence.MissingUndecodable
		}
		return ""
	}))
}

// onCallWindows cuts the time that is looked ahead.
func onCallWindows(from time.Time, slices int) []window {
	var list []window
	width := onCallSpan / time.Duration(slices)
	for n := range slices {
		since := from.Add(time.Duration(n) * width)
		list = append(list, window{since, since.Add(width)})
	}
	return list
}

func (r *round) listSlices(ctx context.Context, from time.Time, slices int) (listed *listedDuties, tooFar bool, err error) {
	listed = &listedDuties{shifts: map[string][]shift{}, bad: map[string]bool{}, summary: map[string]duties{}, from: from}
	for _, w := range onCallWindows(from, slices) {
		tooFar, err = r.api.all(ctx, "oncalls", w.query(), func(records []json.RawMessage) error {
			for _, raw := range records {
				o, err := decode[onCallRecord](raw)
				if err != nil {
					id := idOf(raw, "escalation_policy", "id")
					r.skip("oncall", id, err)
					if id == "" && !ofNobody(raw) {
						listed.nameless++
					}
					listed.bad[id] = true
					continue
				}
				listed.shifts[o.Policy.ID] = append(listed.shifts[o.Policy.ID], o.shift())
			}
			return nil
		})
		if err != nil || tooFar {
			return nil, tooFar, err
		}
	}
	return listed, false, nil
}

// ofNobody reports whether an entry says that it has no policy.
func ofNobody(raw json.RawMessage) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(raw, &fields) == nil && fields != nil && string(orNull(fields["escalation_policy"])) == "null"
}

func onCallDefinition(name string, kind evidence.Kind, help string) evidence.Definition {
	return evidence.Definition{
		Name: name, Kind: kind, Pack: "pagerduty", Help: help,
		Permissions:  []string{"services.read", "oncalls.read"},
		FreshAtLeast: slowFresh,
		ValidFor:     onCallsValid,
		Absent:       "nobody, when a complete listing has no entry of the policy",
	}
}

func onCallNow() fact {
	d := onCallDefinition("pagerduty.oncall_now", evidence.KindInt, "Distinct people on call now on the first level "+onCallsNear+"; of several services, the least.")
	d.Merge = evidence.MergeMin
	return fact{Definition: d, group: groupOnCall, part: func(r *round, s *serviceRecord) answer {
		return count(r.duties.of(s).near.now, "level 1 of escalation policy "+s.policyID())
	}}
}

func escalationPeople() fact {
	d := onCallDefinition("pagerduty.escalation_people", evidence.KindInt, "Distinct people over all levels "+onCallsNear+"; of several services, the least.")
	d.Merge = evidence.MergeMin
	return fact{Definition: d, group: groupOnCall, part: func(r *round, s *serviceRecord) answer {
		return count(r.duties.of(s).near.people, "escalation policy "+s.policyID())
	}}
}

func loneLevels() fact {
	d := onCallDefinition("pagerduty.lone_levels", evidence.KindBool, "At some moment the same person is alone on two or more levels "+onCallsNear+".")
	return fact{Definition: d, group: groupOnCall, part: func(r *round, s *serviceRecord) answer {
		sum, detail := r.duties.of(s).near, "escalation policy "+s.policyID()
		if sum.lone {
			detail += fmt.Sprintf(": levels %d and %d fall to one person", sum.loneLevels[0], sum.loneLevels[1])
		}
		return yes(sum.lone, detail)
	}}
}

func coverageRatio14d() fact {
	d := onCallDefinition("pagerduty.coverage_ratio_14d", evidence.KindDouble, "Share of time with somebody on the first level "+onCallsNear+"; of several services, the least.")
	d.Unit = "ratio"
	return fact{Definition: d, group: groupOnCall, part: func(r *round, s *serviceRecord) answer {
		sum := r.duties.of(s).near
		return double(d, sum.covered, fmt.Sprintf("level 1 of escalation policy %s: %s", s.policyID(), sum.gapText("14 days")))
	}}
}

func coverageRatio30d() fact {
	d := onCallDefinition("pagerduty.coverage_ratio_30d", evidence.KindDouble, "Share of time with somebody on the first level "+onCallsFrom+"30 days; of several services, the least.")
	d.Unit = "ratio"
	return fact{Definition: d, group: groupOnCall, part: func(r *round, s *serviceRecord) answer {
		sum := r.duties.of(s).month
		return double(d, sum.covered, fmt.Sprintf("level 1 of escalation policy %s: %s", s.policyID(), sum.gapText("30 days")))
	}}
}

func rotationPeople() fact {
	d := onCallDefinition("pagerduty.rotation_people", evidence.KindInt, "Distinct people on the first level "+onCallsFrom+"90 days; of several services, the least.")
	d.Merge = evidence.MergeMin
	return fact{Definition: d, group: groupOnCall, part: func(r *round, s *serviceRecord) answer {
		return count(r.duties.of(s).rotation, "level 1 of escalation policy "+s.policyID())
	}}
}
