package pagerduty_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
)

// happening makes an incident of the good service, some time ago.
func happening(id string, ago, acknowledged, lasted time.Duration, by string) pagerdutytest.Incident {
	created := noon.Add(-ago)
	in := pagerdutytest.Incident{
		ID: id, Title: "Problem " + strings.Repeat("x", len(id)) + id, Service: "PGOOD", Channel: "api", CreatedAt: created,
	}
	if acknowledged > 0 {
		in.AcknowledgedAt = created.Add(acknowledged)
	}
	if lasted > 0 {
		in.ResolvedAt, in.ResolvedBy = created.Add(lasted), by
	}
	return in
}

func TestResponse(t *testing.T) {
	const person, service = "user_reference", "service_reference"
	for name, tc := range map[string]struct {
		incidents []pagerdutytest.Incident
		want      map[string]string
	}{
		"nine of ten": {
			func() (list []pagerdutytest.Incident) {
				for i := range 10 {
					list = append(
						list, happening(fmt.Sprint("Q", i), time.Duration(i+1)*day, time.Duration(i+1)*time.Minute, time.Hour, person),
					)
				}
				return list
			}(),
			map[string]string{"mtta_p90_seconds_90d": "540", "unacknowledged_ratio_90d": "0", "noise_ratio_30d": "0"},
		},
		"four are too few": {
			[]pagerdutytest.Incident{
				happening("QA", 4*day, time.Minute, time.Hour, person), happening("QB", 3*day, time.Minute, time.Hour, person),
				happening("QC", 2*day, time.Minute, time.Hour, person), happening("QD", 1*day, 0, time.Minute, service),
			},
			map[string]string{"mtta_p90_seconds_90d": "too_few", "unacknowledged_ratio_90d": "too_few", "noise_ratio_30d": "0"},
		},
		// One short and noisy, one long, one still open and one open just now; a
		// resolution by a person is no acknowledgement.
		"silence": {
			[]pagerdutytest.Incident{
				happening("QA", 5*day, 0, 4*time.Minute, service), happening("QB", 4*day, 0, time.Hour, service),
				happening("QC", 3*day, 0, 0, ""),
				happening("QD", 3*time.Minute, 0, 0, ""), happening("QE", 2*day, 0, 10*time.Minute, person),
			},
			map[string]string{"mtta_p90_seconds_90d": "too_few", "unacknowledged_ratio_90d": "0.6", "noise_ratio_30d": "0.2"},
		},
		"noise": {
			[]pagerdutytest.Incident{
				happening("QA", 5*day, 0, 5*time.Minute, service),                    // noisy
				happening("QB", 4*day, time.Minute, 5*time.Minute, service),          // acknowledged
				happening("QC", 3*day, 0, 5*time.Minute, person),                     // a person
				happening("QD", 2*day, 0, 5*time.Minute+time.Second, service),        // longer
				happening("QE", day, 0, 4*time.Minute, "nagios_inbound_integration"), // noisy
				happening("QF", 31*day, 0, time.Minute, service),                     // too old
				func() pagerdutytest.Incident {
					in := happening("QG", day, 0, time.Minute, service)
					in.Urgency = "low"
					return in
				}(),
			},
			map[string]string{"noise_ratio_30d": "0.4"},
		},
		// The first is not flapping, the second is within 30 minutes of its end
		// and the third of the second's; the fourth comes later.
		"flapping": {
			func() (list []pagerdutytest.Incident) {
				for i, at := range []time.Duration{0, time.Hour, 2 * time.Hour, 4 * time.Hour, 5*time.Hour + time.Second} {
					in := happening(fmt.Sprint("Q", i), 5*day-at, time.Minute, 30*time.Minute, person)
					in.Title = fmt.Sprintf("Disk %d full", i)
					list = append(list, in)
				}
				return list
			}(),
			map[string]string{"noise_ratio_30d": "0.4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = tc.incidents
			r := start(t, account, services).collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			r.want(t, "checkout", tc.want)
		})
	}
}

func TestFlappingIsOfOneServiceAlone(t *testing.T) {
	account, services := shop()
	for i := range 6 {
		in := happening(
			fmt.Sprint("Q", i), day-time.Duration(i)*20*time.Minute, time.Minute, 15*time.Minute, "user_reference",
		)
		in.Title, in.Service = "Disk full", []string{"PGOOD", "PBAD"}[i%2]
		account.Incidents = append(account.Incidents, in)
	}
	r := start(t, account, append(services, refers("both", "PGOOD", "PBAD"))).collect()
	// Each comes back 25 minutes after its own end, the first two do not.
	r.want(t, "both", map[string]string{"noise_ratio_30d": "0.6667"})
}

func TestTimeoutsOfTheLog(t *testing.T) {
	account, services := shop()
	// The service has no time-out any more, and the log still knows.
	account.Services[0].AutoResolve = 0
	account.Incidents = crowd("PGOOD", 1, 0)
	w := start(t, account, services)
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /log_entries", Body: fmt.Sprintf(
		`{"log_entries":[{"id":"L1","type":"resolve_log_entry","created_at":%q,"agent":{"id":"PGOOD","type":"service_reference"},"channel":{"type":"timeout"},"incident":{"id":%q,"type":"incident_reference"}}],"more":false}`,
		account.Incidents[0].ResolvedAt.Format(time.RFC3339), account.Incidents[0].ID)})
	w.keep()
	w.collect()
	if got := w.store.incidents[account.Incidents[0].ID].Resolver; got != evidence.ResolverTimeout {
		t.Errorf("resolved by %q", got)
	}
	// What the log said stays when the incident is listed again, by a new
	// process too.
	for range 2 {
		w.later(day)
		w.collect()
		if got := w.store.incidents[account.Incidents[0].ID].Resolver; got != evidence.ResolverTimeout {
			t.Errorf("listed again, resolved by %q", got)
		}
		w.restart()
	}
}

func TestOnlyTheBadLogEntryIsLost(t *testing.T) {
	at := noon.Add(-50 * time.Minute).Format(time.RFC3339)
	for name, tc := range map[string]struct {
		entry          string
		skipped, known bool
	}{
		"channel without a type": {
			`{"id":"L","type":"acknowledge_log_entry","created_at":"` + at +
				`","channel":{"type":null},"incident":{"id":"QNEW"}}`,
			false, true,
		},
		"no channel": {
			`{"id":"L","type":"acknowledge_log_entry","created_at":"` + at +
				`","channel":null,"agent":null,"incident":{"id":"QNEW"}}`,
			false, true,
		},
		"details of every kind": {
			`{"id":"L","type":"acknowledge_log_entry","created_at":"` + at +
				`","event_details":{"a":1,"b":[]},"incident":{"id":"QNEW"}}`,
			false, true,
		},
		"an unknown incident": {
			`{"id":"L","type":"acknowledge_log_entry","created_at":"` + at + `","incident":{"id":"QELSE"}}`, false, true,
		},
		"an unknown type": {
			`{"id":"L","type":"dance_log_entry","created_at":"` + at + `","incident":{"id":"QNEW"}}`, false, true,
		},
		"null": {`null`, true, true},
		"no incident": {
			`{"id":"L","type":"acknowledge_log_entry","created_at":"` + at + `","incident":null}`, true, true,
		},
		"a channel that is text": {
			`{"id":"L","type":"acknowledge_log_entry","created_at":"` + at + `","channel":"web","incident":{"id":"QNEW"}}`, true,
			false,
		},
		"at no time": {`{"id":"L","type":"acknowledge_log_entry","created_at":null,"incident":{"id":"QNEW"}}`, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = append(crowd("PGOOD", 6, day), happening("QNEW", time.Hour, 0, 20*time.Minute, "user_reference"))
			w := start(t, account, services)
			w.fake.Inject(pagerdutytest.Fault{Call: "GET /log_entries", Records: []string{tc.entry}})
			r := w.collect()
			if r.err != nil || r.groups() != every() {
				t.Fatalf("covered %q, error %v", r.groups(), r.err)
			}
			if (r.skipped["log_entry"] > 0) != tc.skipped {
				t.Errorf("skipped %v", r.skipped)
			}
			if got := r.incidents["QNEW"]; got.AcksKnown != tc.known {
				t.Errorf("acknowledgements known: %t, want %t", got.AcksKnown, tc.known)
			}
			if got := r.incidents["QPGOOD000003"]; !got.AcksKnown {
				t.Error("another incident pays for it")
			}
		})
	}
}

func TestInterruptionsOfSleep(t *testing.T) {
	account, services := shop()
	account.Users = []pagerdutytest.User{
		{ID: "UTOKYO", TimeZone: "Asia/Tokyo"}, {ID: "UBERLIN", TimeZone: "Europe/Berlin"},
		{ID: "UODD", TimeZone: "Middle/Earth"}, {ID: "ULOCAL", TimeZone: "Local"},
	}
	// at is a time of a day in February, in UTC.
	at := func(d, hour, minute int) time.Time { return time.Date(2026, 2, d, hour, minute, 0, 0, time.UTC) }
	n := 0
	add := func(service, urgency string, notices ...pagerdutytest.Notification) {
		n++
		account.Incidents = append(account.Incidents, pagerdutytest.Incident{
			ID: fmt.Sprint("Q", n), Title: "x", Service: service, Urgency: urgency, CreatedAt: notices[0].At,
			AcknowledgedAt: notices[0].At.Add(time.Minute),
			ResolvedAt:     notices[0].At.Add(12 * time.Hour), ResolvedBy: "user_reference", Notifications: notices,
		})
	}
	notify := func(user string, at time.Time) pagerdutytest.Notification {
		return pagerdutytest.Notification{User: user, At: at}
	}
	add("PGOOD", "", notify("UBERLIN", at(20, 21, 0)))                                    // 22:00
	add("PGOOD", "", notify("UBERLIN", at(21, 20, 59)))                                   // 21:59
	add("PGOOD", "", notify("UBERLIN", at(22, 6, 59)))                                    // 7:59
	add("PGOOD", "", notify("UBERLIN", at(23, 7, 0)))                                     // 8:00
	add("PGOOD", "", notify("UTOKYO", at(20, 14, 0)))                                     // 23:00
	add("PGOOD", "", notify("UTOKYO", at(21, 3, 0)))                                      // noon
	add("PGOOD", "low", notify("UBERLIN", at(20, 23, 0)))                                 // waits
	add("PBAD", "", notify("UBERLIN", at(20, 23, 0)))                                     // another policy
	add("PGOOD", "", notify("UBERLIN", noon.Add(-31*day).Add(-12*time.Hour)))             // too old
	add("PGOOD", "", notify("UBERLIN", at(25, 22, 50)), notify("UBERLIN", at(25, 23, 5))) // one night
	add("PGOOD", "", notify("UBERLIN", at(24, 1, 0)), notify("UTOKYO", at(24, 17, 0)))    // two people
	w := start(t, account, services)
	w.keep()
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{"sleep_interruptions_30d": "6"})
	r.want(t, "reports", map[string]string{"sleep_interruptions_30d": "1"})
	// The same notifications, read again, are the same.
	w.later(31 * time.Minute)
	r = w.collect()
	r.want(t, "checkout", map[string]string{"sleep_interruptions_30d": "6"})

	for _, user := range []string{"UODD", "ULOCAL", "UGONE"} {
		account.Incidents[1].Notifications = []pagerdutytest.Notification{notify(user, at(21, 20, 59))}
		r = start(t, account, services).collect()
		r.want(t, "checkout", map[string]string{"sleep_interruptions_30d": "except partial"})
		r.want(t, "reports", map[string]string{"sleep_interruptions_30d": "1"})
		if strings.Contains(fmt.Sprintf("%+v", r.records), user) {
			t.Errorf("a person in the records")
		}
	}
}

func TestTheFirstAcknowledgementCounts(t *testing.T) {
	account, services := shop()
	account.Incidents = []pagerdutytest.Incident{happening(
		"QNEW", time.Hour, 10*time.Minute, 50*time.Minute, "user_reference",
	)}
	for _, minutes := range [][]int{{5, 20}, {20, 5}} {
		w := start(t, account, services)
		var records []string
		for _, m := range minutes {
			records = append(
				records,
				fmt.Sprintf(
					`{"id":"L%d","type":"acknowledge_log_entry","created_at":%q,"incident":{"id":"QNEW"}}`, m,
					noon.Add(time.Duration(m-60)*time.Minute).Format(time.RFC3339),
				),
			)
		}
		w.fake.Inject(pagerdutytest.Fault{Call: "GET /log_entries", Records: records})
		r := w.collect()
		if got := r.incidents["QNEW"].AcknowledgedAt; !got.Equal(noon.Add(-55 * time.Minute)) {
			t.Errorf("entries after %v minutes: acknowledged at %s", minutes, got)
		}
	}
}
