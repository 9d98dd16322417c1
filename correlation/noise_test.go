package correlation

import (
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

// TestNoiseClasses: what is not known makes a class unknown only where the class depends
// on it.
func TestNoiseClasses(t *testing.T) {
	const y, n, u = evidence.Yes, evidence.No, evidence.Unknown
	// actionless is acknowledged and then resolved by an integration, and nothing else.
	actionless := func(change func(*Incident)) Incident {
		in := lasted("checkout", day, time.Hour)
		in.AcksKnown, in.AcknowledgedAt, in.Resolver = true, in.StartedAt.Add(time.Minute), evidence.ResolverIntegration
		in.HasTicket, in.FalseAlarm = n, n
		change(&in)
		return in
	}
	short := func(in *Incident) { in.AcknowledgedAt, in.ResolvedAt = time.Time{}, in.StartedAt.Add(time.Minute) }
	for name, tc := range map[string]struct {
		incident                             Incident
		noisy, suspected, flapping, cry, any evidence.Answer
	}{
		"nothing was done":       {actionless(func(*Incident) {}), n, y, n, n, y},
		"a note":                 {actionless(func(in *Incident) { in.Notes = 1 }), n, n, n, n, n},
		"a reassignment":         {actionless(func(in *Incident) { in.Reassignments = 1 }), n, n, n, n, n},
		"a ticket":               {actionless(func(in *Incident) { in.HasTicket = y }), n, n, n, n, n},
		"tickets are not known":  {actionless(func(in *Incident) { in.HasTicket = u }), n, u, n, n, u},
		"nor matter with a note": {actionless(func(in *Incident) { in.HasTicket, in.Notes = u, 1 }), n, n, n, n, n},
		"a person resolved": {
			actionless(func(in *Incident) { in.Resolver, in.HasTicket = evidence.ResolverPerson, u }), n, n, n, n, n,
		},
		"a time-out":       {actionless(func(in *Incident) { in.Resolver = evidence.ResolverTimeout }), n, n, n, n, n},
		"nobody knows who": {actionless(func(in *Incident) { in.Resolver = evidence.ResolverUnknown }), n, u, n, n, u},
		"it is open":       {actionless(func(in *Incident) { in.ResolvedAt = time.Time{} }), n, n, n, n, n},
		"a person said so": {actionless(func(in *Incident) { in.FalseAlarm, in.HasTicket = y, u }), n, u, n, y, y},
		"notes were not read": {
			actionless(func(in *Incident) { in.FalseAlarm, in.Notes = u, 1 }), n, n, n, u, u,
		},
		"short":          {actionless(short), y, n, n, n, y},
		"short, of whom": {actionless(func(in *Incident) { short(in); in.Resolver = "" }), u, n, n, n, u},
		"the end is unknown": {
			actionless(func(in *Incident) { short(in); in.ResolvedAt, in.EndUnknown = time.Time{}, true }), u, n, n, n, u,
		},
		"again": {actionless(func(in *Incident) { in.Flapping, in.Notes, in.FalseAlarm = true, 1, u }), n, n, y, u, y},
	} {
		got, classified := tc.incident.Noise(noon)
		want := [...]evidence.Answer{tc.noisy, tc.suspected, tc.flapping, tc.cry, tc.any}
		if !classified || got != want {
			t.Errorf("%s: %v, want %v of %v", name, got, want, NoiseClasses())
		}
	}
	low := actionless(func(in *Incident) { in.Urgent = false })
	if _, classified := low.Noise(noon); classified {
		t.Error("an incident that paged nobody is classified")
	}
}

// TestWhatPeopleSaidOfAnIncident of PagerDuty and its ticket: the word in either counts,
// and the ticket itself is a ticket.
func TestWhatPeopleSaidOfAnIncident(t *testing.T) {
	const y, n, u = evidence.Yes, evidence.No, evidence.Unknown
	for name, tc := range map[string]struct {
		paged, ticket, want evidence.Answer
	}{
		"neither":            {n, n, n},
		"the ticket":         {n, y, y},
		"the page":           {y, n, y},
		"the page, not read": {u, n, u},
		"but the ticket":     {u, y, y},
		"ticket of before":   {n, u, u},
	} {
		q, shop := page("Q1", ago(day), ago(day-time.Hour), "SHOP-1"), ticket("SHOP-1", ago(day), ago(day-time.Hour))
		q.FalseAlarm, q.HasTicket, shop.FalseAlarm = tc.paged, u, tc.ticket
		q.Notes, shop.Notes = 2, 7
		whole := Link([]evidence.Incident{q, shop})
		if len(whole) != 1 || whole[0].FalseAlarm != tc.want || whole[0].HasTicket != y || whole[0].Notes != 2 {
			t.Errorf("%s: %+v", name, whole)
		}
	}
}

// TestInterruptions: an incident has the interruptions of all its PagerDuty records, merged
// ones included, and they are unknown if those of one record are. A Jira ticket adds none.
func TestInterruptions(t *testing.T) {
	known := func(business, off, sleep int) evidence.Interruptions {
		return evidence.Interruptions{Known: true, Business: business, Off: off, Sleep: sleep}
	}
	one, part, other := page("Q1", ago(day), ago(day-time.Hour), "SHOP-1"), page("Q2", ago(day), ago(day-time.Hour)),
		page("Q3", ago(2*day), ago(2*day-time.Hour))
	part.MergedInto = "Q1"
	one.Interruptions, part.Interruptions = known(1, 0, 2), known(0, 3, 1)
	records := []evidence.Incident{one, part, other, ticket("SHOP-1", ago(day), ago(day-time.Hour)),
		ticket("SHOP-2", ago(day), ago(day-time.Hour))}
	for i := range records {
		records[i].Urgent, records[i].AcksKnown = true, true
	}
	week := Options{Windows: []Window{DefaultWindow, Window(36 * time.Hour)}}
	f := PerService(Link(records), nil, fleet(), week, noon)["checkout"]
	want := Interruptions{Incidents: 1, Unknown: 1, Business: 1, Off: 3, Sleep: 3}
	if got := f.Windows[0].Interruptions; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want.Unknown = 0
	if got := f.Windows[1].Interruptions; got != want {
		t.Errorf("in the shorter window %+v, want %+v", got, want)
	}
	for n := range 2 {
		changed := slices.Clone(records)
		changed[n].Interruptions.Known = false
		f = PerService(Link(changed), nil, fleet(), week, noon)["checkout"]
		if got := f.Windows[0].Interruptions; got != (Interruptions{Unknown: 2}) {
			t.Errorf("with unknown ones of record %d %+v", n, got)
		}
	}
}
