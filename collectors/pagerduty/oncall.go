package pagerduty

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// onCallSpan is the coming time whose shifts are listed: as far ahead as
	// PagerDuty computes them. The other spans are parts of it.
	onCallSpan = 90 * day
	nearSpan   = 14 * day
	monthSpan  = 30 * day
	// maxSlices is into how many windows the span is cut at most.
	maxSlices = 128
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
	// near and month are about the first level. anyNear and anyMonth are about the
	// whole policy: PagerDuty passes a level without anybody at once, so that somebody
	// is paged as long as one level has somebody.
	near, month       duty
	anyNear, anyMonth duty
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
		level1 := onLevel1(shifts)
		d = duties{
			anyNear:      scanShifts(level1, l.from, l.from.Add(nearSpan)),
			anyMonth:     scanShifts(level1, l.from, l.from.Add(monthSpan)),
			near:         scanShifts(shifts, l.from, l.from.Add(nearSpan)),
			month:        scanShifts(shifts, l.from, l.from.Add(monthSpan)),
			rotation:     scanShifts(shifts, l.from, l.from.Add(onCallSpan)).levels[1].people,
			longestShift: longestShift(shifts, l.from, l.from.Add(onCallSpan)),
			permanent:    permanent(shifts),
		}
		l.summary[id] = d
	}
	return d
}

// onCallsListing declares the list of on-calls of the coming time. Where a window
// has more entries than the vendor lists, the time is cut into more and smaller
// windows, and their number is kept for later rounds.
func onCallsListing() listing {
	listed := &listedDuties{}
	return listing{
		path: "oncalls", scope: "oncalls.read", records: "shifts", every: slowEvery,
		queries: func(r *round) []url.Values {
			*listed = listedDuties{
				shifts: map[string][]shift{}, bad: map[string]bool{}, summary: map[string]duties{},
				from: r.now.Truncate(time.Second),
			}
			var queries []url.Values
			span := window{listed.from, listed.from.Add(onCallSpan)}
			for _, w := range windows(span, onCallSpan/time.Duration(r.slices)) {
				queries = append(queries, w.query())
			}
			return queries
		},
		read: listed.read,
		tooFar: func(r *round) error {
			if r.slices *= 2; r.slices <= maxSlices {
				return nil
			}
			r.slices = maxSlices
			return fmt.Errorf("more than %d entries in %s: use a credential that sees fewer escalation policies",
				maxRecords, onCallSpan/maxSlices)
		},
		groups: []group{{
			name: "oncall", common: aboutOnCalls(), facts: onCallFacts(listed),
			unknown: func(_ *round, s *serviceRecord) evidence.Missing { return listed.unknown(s) },
		}},
	}
}

// unknown says why facts about the on-calls of a service are not known, or "".
func (l *listedDuties) unknown(s *serviceRecord) evidence.Missing {
	switch {
	case s.policyID() == "":
		return evidence.MissingNoData
	case l.bad[s.policyID()], l.nameless > 0 && l.of(s).month.gaps > 0:
		return evidence.MissingUndecodable
	}
	return ""
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
