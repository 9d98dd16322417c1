package pagerduty_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
)

// outage is an incident of two hours that a person acknowledged after 4 minutes, and
// six that were merged into it within 9 minutes by the person who resolved them.
func outage(service string) []pagerdutytest.Incident {
	whole := happening("QOUTAGE", 10*day, 4*time.Minute, 2*time.Hour, "user_reference")
	whole.Priority, whole.Service = "P1", service
	list := []pagerdutytest.Incident{whole}
	for i := range 6 {
		part := happening(
			fmt.Sprint("QPART", i), 10*day-time.Duration(i+1)*time.Minute, 0, time.Duration(8-i)*time.Minute, "user_reference",
		)
		part.Title, part.MergedInto = "Disk full", "QOUTAGE"
		list = append(list, part)
	}
	return list
}

// answered are four incidents that people answered, so that shares are made.
func answered() []pagerdutytest.Incident {
	var list []pagerdutytest.Incident
	for i := range 4 {
		list = append(list, happening(
			fmt.Sprint("QOTHER", i), time.Duration(20+i)*day, time.Minute, time.Hour, "events_api_v2_inbound_integration_reference"))
	}
	return list
}

// uncounted is what a round has sent of a reason.
func (r *result) reasons() map[evidence.UncountedReason]int {
	for _, u := range r.uncounted {
		if u.Kind == evidence.UncountedIncident {
			return u.Reasons
		}
	}
	return nil
}

// TestMergedIncidentsArePartsOfOne, by their records in the listing and by those that
// come with the log after the triggers were stored.
func TestMergedIncidentsArePartsOfOne(t *testing.T) {
	want := map[string]string{
		"high_urgency_90d": "5", "unacknowledged_ratio_90d": "0", "noise_ratio_30d": "0",
		"repeat_manual_templates_90d": "0",
		// Each has paged somebody: 11 of 8 weeks.
		"page_load_per_week": "1.375",
	}
	for name, late := range map[string]bool{"listed": false, "the reason comes after the trigger": true} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = append(outage("PGOOD"), answered()...)
			before := account
			if late {
				// The outage began an hour before the first round.
				for i := range account.Incidents[:7] {
					in := &account.Incidents[i]
					for _, at := range []*time.Time{&in.CreatedAt, &in.AcknowledgedAt, &in.ResolvedAt} {
						if !at.IsZero() {
							*at = at.Add(10*day - 9*time.Minute)
						}
					}
				}
				before.Incidents = slices.Clone(account.Incidents)
				for i := range before.Incidents[:7] {
					before.Incidents[i].AcknowledgedAt, before.Incidents[i].ResolvedAt = time.Time{}, time.Time{}
				}
			}
			w := start(t, before, services)
			w.keep()
			if late {
				w.later(-2 * time.Minute)
			}
			r := w.collect()
			if late {
				w.fake.SetAccount(account)
				w.later(3 * time.Hour)
				w.collect()
				w.later(time.Minute)
				r = w.collect()
			}
			if r.err != nil {
				t.Fatal(r.err)
			}
			r.want(t, "checkout", want)
			for id, in := range w.store.incidents {
				if part := id[:5] == "QPART"; part != (in.MergedInto == "QOUTAGE") || part && in.Resolver != evidence.ResolverUnknown {
					t.Errorf("%s: merged into %q, resolved by %q", id, in.MergedInto, in.Resolver)
				}
			}
		})
	}
}

// TestTheServicesOfAMerge: an outage of a PagerDuty service that no catalog entry names
// happened to the service whose incidents were merged into it.
func TestTheServicesOfAMerge(t *testing.T) {
	account, services := shop()
	account.Incidents = outage("PELSE")
	account.Incidents[3].Service = "PBAD"
	account.Incidents[4].MergedInto = "QPART1" // a chain
	w := start(t, account, services)
	w.keep()
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{"high_urgency_90d": "1"})
	r.want(t, "reports", map[string]string{"high_urgency_90d": "1"})
	if got := w.store.incidents["QOUTAGE"]; !slices.Equal(got.Services, []string{"checkout", "reports"}) {
		t.Errorf("the services of the outage: %v", got.Services)
	}
	if got := r.reasons()[evidence.UncountedUnknownService]; got != 1 {
		t.Errorf("%d incidents of unknown services, want the outage", got)
	}
	w.services = append(services, refers("both", "PGOOD", "PBAD"))
	w.collect().want(t, "both", map[string]string{"high_urgency_90d": "1"})
}

func TestMergedIntoSomethingUnknown(t *testing.T) {
	account, services := shop()
	account.Incidents = append(outage("PGOOD")[1:], answered()...)
	account.Incidents[0].MergedInto = "QPART0" // into itself
	old := happening("QOLD", 120*day, time.Minute, 60*day, "user_reference")
	old.Service = "PBAD"
	account.Incidents[1].MergedInto, account.Incidents[1].CreatedAt = "QOLD", noon.Add(-61*day)
	account.Incidents[1].ResolvedAt = noon.Add(-61 * day).Add(time.Minute)
	account.Incidents = append(account.Incidents, old)
	w := start(t, account, services, history(200*day))
	w.keep()
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	// The outage may be in what the credential cannot see, and is then one of checkout's.
	unknown := map[string]string{
		"high_urgency_90d": "except partial", "machine_detected_ratio_90d": "except partial",
		"unacknowledged_ratio_90d": "except partial", "noise_ratio_30d": "except partial",
		// Each part has paged: 9 of 8 weeks. One of them was older.
		"page_load_per_week": "1.125",
	}
	r.want(t, "checkout", unknown)
	r.want(t, "reports", map[string]string{"high_urgency_90d": "0"})
	if got := fmt.Sprint(r.doubts); got != "[{checkout 2026-02-22 12:06:00 +0000 UTC true}]" {
		t.Errorf("incidents that figures may lack: %s", got)
	}
	if got := r.reasons()[evidence.UncountedUnknownTarget]; got != 6 {
		t.Errorf("%d with an unknown target, want 6: the history is not read yet: %v", got, r.uncounted)
	}
	w.later(2 * time.Hour)
	r = w.collect()
	if got := r.reasons()[evidence.UncountedUnknownTarget]; got != 5 {
		t.Errorf("%d with an unknown target, want 5: the history has the other: %v", got, r.uncounted)
	}
	r.want(t, "checkout", unknown)
}

// TestWhatAPartWasMergedIntoIsOld: it is stored, and began before facts look back, so that
// they lack nothing. A part that began before that does not count either.
func TestWhatAPartWasMergedIntoIsOld(t *testing.T) {
	account, services := shop()
	whole := happening("QOLD", 95*day, time.Minute, 94*day, "user_reference")
	part := happening("QPART", 85*day, 0, time.Hour, "user_reference")
	part.MergedInto = "QOLD"
	before := happening("QBEFORE", 91*day, 0, time.Hour, "user_reference")
	before.MergedInto = "QNOWHERE"
	account.Incidents = []pagerdutytest.Incident{whole, part, before}
	w := start(t, account, services, history(200*day))
	w.keep()
	w.collect().want(t, "checkout", map[string]string{"high_urgency_90d": "except partial"})
	w.later(2 * time.Hour)
	if r := w.collect(); r.doubts == nil || len(r.doubts) > 0 {
		t.Errorf("figures may still lack incidents: %v", r.doubts)
	}
	w.later(25 * time.Hour) // it is in the store alone
	r := w.collect()
	r.want(t, "checkout", map[string]string{"high_urgency_90d": "0"})
	if len(r.doubts) > 0 {
		t.Errorf("figures may lack incidents again: %v", r.doubts)
	}
}

// TestTheAgentDecides who opened an incident, whatever the channel.
func TestTheAgentDecides(t *testing.T) {
	for agent, want := range map[string]map[string]string{
		"service_reference":                           {"email": "1", "sms": "1", "website": "1"},
		"events_api_v2_inbound_integration_reference": {"email": "1", "sms": "1", "website": "1"},
		"user_reference":                              {"email": "0", "sms": "0", "api": "0"},
		// Without an agent only a channel that people or machines alone have says so.
		"none": {"email": "too_few", "sms": "too_few", "api": "1", "website": "0", "": "too_few"},
	} {
		for channel, share := range want {
			account, services := shop()
			for i := range 6 {
				in := happening(fmt.Sprint("Q", i), time.Duration(i+1)*day, time.Minute, time.Hour, "user_reference")
				in.Channel, in.OpenedBy = channel, agent
				account.Incidents = append(account.Incidents, in)
			}
			r := start(t, account, services).collect()
			if got := r.value("checkout", "machine_detected_ratio_90d"); got != share {
				t.Errorf("channel %q, agent %s: %s, want %s", channel, agent, got, share)
			}
		}
	}
}

// TestAutomaticAssignmentsAreNone: each of two delegations by people is followed by an
// assignment that PagerDuty makes, and so is a late acknowledgement.
func TestAutomaticAssignmentsAreNone(t *testing.T) {
	account, services := shop()
	in := happening("Q1", 5*time.Hour, 20*time.Minute, time.Hour, "user_reference")
	at := func(minutes int) time.Time { return in.CreatedAt.Add(time.Duration(minutes) * time.Minute) }
	in.Moves = []pagerdutytest.Move{
		{At: at(5), Kind: "delegate", By: "U1", To: []string{"U2"}}, {At: at(5), To: []string{"U2"}},
		{At: at(10), Kind: "delegate", By: "U2", To: []string{"U3"}}, {At: at(10), To: []string{"U3"}},
		{At: at(20), To: []string{"PUSER"}},
	}
	account.Incidents = []pagerdutytest.Incident{in}
	r := start(t, account, services).collect()
	if got := r.incidents["Q1"].Reassignments; r.err != nil || got != 2 {
		t.Errorf("%d reassignments, want 2; error %v", got, r.err)
	}
}

// TestMachinesAcknowledge 2 seconds after each trigger, and no person before the end.
func TestMachinesAcknowledge(t *testing.T) {
	account, services := shop()
	for i := range 6 {
		in := happening(fmt.Sprint("Q", i), time.Duration(i+1)*day, 0, time.Hour, "user_reference")
		in.MachineAcknowledgedAt = in.CreatedAt.Add(2 * time.Second)
		account.Incidents = append(account.Incidents, in)
	}
	account.Incidents[0].AcknowledgedAt = account.Incidents[0].CreatedAt.Add(10 * time.Minute)
	account.Incidents[1].MachineAcknowledgedAt = time.Time{}
	r := start(t, account, services).collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{
		"mtta_p90_seconds_90d": "too_few", "unacknowledged_ratio_90d": "0.8333", "machine_acknowledged_ratio_90d": "0.8333",
	})
	in := r.incidents["Q2"]
	if !in.AcksKnown || !in.AcknowledgedAt.IsZero() || in.MachineAcknowledgedAt.Sub(in.StartedAt) != 2*time.Second {
		t.Errorf("%+v", in)
	}
}

// TestEndsThatAreMissingOrAhead: an end that is missing is unknown and counted, and a
// clock may be ahead. TestKinds plays times that cannot be.
func TestEndsThatAreMissingOrAhead(t *testing.T) {
	for name, tc := range map[string]struct {
		resolved string
		want     map[evidence.UncountedReason]int
	}{
		"an end by a clock that is ahead": {"2026-03-04T13:04:00Z", map[evidence.UncountedReason]int{}},
		"an end that is missing":          {"", map[evidence.UncountedReason]int{evidence.UncountedEndUnknown: 1}},
		"an end before the start": {"2026-03-04T10:00:00Z",
			map[evidence.UncountedReason]int{evidence.UncountedEndBeforeStart: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = crowd("PGOOD", 1, 0)
			w := start(t, account, services)
			w.fake.Inject(pagerdutytest.Fault{
				Call: "GET /incidents", Records: resolvedRecord("2026-03-04T11:00:00Z", tc.resolved),
			})
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			r.want(t, "checkout", map[string]string{"high_urgency_90d": "2"})
			if got := r.reasons(); !maps.Equal(got, tc.want) {
				t.Errorf("counted %v, want %v", got, tc.want)
			}
			if in := r.incidents["Q9"]; in.EndUnknown != (len(tc.want) > 0) || in.ResolvedAt.IsZero() != in.EndUnknown {
				t.Errorf("ended at %s, unknown: %t", in.ResolvedAt, in.EndUnknown)
			}
			if again := w.collect().reasons(); again != nil && !maps.Equal(again, tc.want) {
				t.Errorf("in the next round %v, want %v", again, tc.want)
			}
		})
	}
}
