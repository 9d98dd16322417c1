package pagerduty_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/sourcetest"
)

// scene is an account, with records that are added to the listing of incidents as they
// are.
type scene struct {
	account pagerdutytest.Account
	records []string
}

// played serves the scene of each data set.
func played(scenes map[sourcetest.Data]scene) sourcetest.Upstream {
	return func(data sourcetest.Data, now func() time.Time, fail func(string)) http.Handler {
		s, found := scenes[data]
		if !found {
			fail("no scene for the data " + string(data))
		}
		fake := pagerdutytest.New(pagerdutytest.Options{Account: s.account, Now: now, Token: "of-the-file", Fail: fail})
		if len(s.records) > 0 {
			fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Records: s.records})
		}
		return fake
	}
}

// with is the account of shop with incidents.
func with(incidents ...pagerdutytest.Incident) scene {
	account, _ := shop()
	account.Incidents = incidents
	return scene{account: account}
}

// six are incidents of checkout, as many as shares need, each changed.
func six(change func(*pagerdutytest.Incident)) scene {
	var list []pagerdutytest.Incident
	for i := range 6 {
		in := happening(fmt.Sprint("Q", i), time.Duration(i+1)*day, time.Minute, time.Hour, "user_reference")
		change(&in)
		list = append(list, in)
	}
	return with(list...)
}

func TestKinds(t *testing.T) {
	subject := contract(100)
	_, subject.Services = shop()
	subject.Source = func(address string, client *http.Client, now func() time.Time) (collectors.Source, error) {
		return pagerduty.New(pagerduty.Options{
			Name: "main", OnlyAccount: true, Endpoint: address, HTTPClient: client, Now: now, History: pagerduty.LeastHistory,
		})
	}
	sourcetest.RunKinds(t, sourcetest.Kinds{
		Subject: subject, NoService: ofNoService(), EndBeforeStart: timesThatContradict(evidence.UncountedEndBeforeStart),
		NotAnInstant: timesThatContradict(evidence.UncountedUnreadable),
		InFuture:     timesThatContradict(evidence.UncountedInFuture), NotDone: closedByNobody(), SameID: sameIDs(),
		Agents: agents(), SeenTwice: mergedIncidents(), Unreadable: unreadableIncidents(),
	})
}

func facts(names ...string) []string {
	for i := range names {
		names[i] = "pagerduty." + names[i]
	}
	return names
}

func ofNoService() sourcetest.Kind {
	stray, own := happening("Q1", day, time.Minute, time.Hour, "user_reference"), happening("Q2", 2*day, 0, time.Hour,
		"user_reference")
	right := with(own)
	stray.Service = "PELSE"
	wrong := with(stray, own)
	wrong.account.Services = append(wrong.account.Services, pagerdutytest.Service{ID: "PELSE", Name: "Till"})
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name:     "an incident of a PagerDuty service that no catalog entry names",
		Upstream: played(map[sourcetest.Data]scene{sourcetest.Right: right, sourcetest.Wrong: wrong}),
		Counted:  []evidence.UncountedGroup{{Name: "Till (PELSE)", Reason: evidence.UncountedUnknownService, Count: 1}},
		Decided:  "an incident names its PagerDuty service, and catalog entries name theirs by the same ids",
		Same:     map[string][]string{"checkout": facts("high_urgency_90d"), "reports": facts("high_urgency_90d")},
	}}}
}

// resolvedRecord is the record of an incident of checkout with these times.
func resolvedRecord(created, resolved string) []string {
	return []string{fmt.Sprintf(`{"id":"Q9","status":"resolved","urgency":"high","created_at":%q,"resolved_at":%q,`+
		`"last_status_change_at":%q,"service":{"id":"PGOOD"},"last_status_change_by":{"type":"user_reference"}}`,
		created, resolved, resolved)}
}

// timesThatContradict are the times of one incident that cannot be, for the reason.
func timesThatContradict(reason evidence.UncountedReason) sourcetest.Kind {
	const start, end = "2026-03-04T11:00:00Z", "2026-03-04T11:30:00Z"
	count := facts("high_urgency_90d")
	scenario := func(name, start2, end2 string, unknown, same map[string][]string) sourcetest.Scenario {
		right, wrong := with(crowd("PGOOD", 1, 0)...), with(crowd("PGOOD", 1, 0)...)
		right.records, wrong.records = resolvedRecord(start, end), resolvedRecord(start2, end2)
		return sourcetest.Scenario{
			Name: name, Unknown: unknown, Same: same,
			Upstream: played(map[sourcetest.Data]scene{sourcetest.Right: right, sourcetest.Wrong: wrong}),
			Counted:  []evidence.UncountedGroup{{Name: "Q9", Reason: reason, Count: 1}},
		}
	}
	// It happened, however long it took.
	both := map[string][]string{"checkout": count, "reports": count}
	mine, others := map[string][]string{"checkout": count}, map[string][]string{"reports": count}
	switch reason {
	case evidence.UncountedEndBeforeStart:
		return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
			scenario("an incident", start, "2026-03-04T10:00:00Z", nil, both),
		}}
	case evidence.UncountedInFuture:
		return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
			scenario("the end of an incident", start, "2026-03-04T14:06:00Z", nil, both),
			scenario("the start of an incident", "2026-03-04T15:00:00Z", "2026-03-04T15:30:00Z", mine, others),
		}}
	}
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
		scenario("the end of an incident", start, "2026-03-04", mine, others),
		scenario("the start of an incident", "2026-03-04", end, mine, others),
	}}
}

// closedByNobody are incidents that ended without work. Nothing else in PagerDuty can be
// closed as not done.
func closedByNobody() sourcetest.Kind {
	ended := func(closed func(*pagerdutytest.Incident)) scene {
		s := six(func(in *pagerdutytest.Incident) {
			in.AcknowledgedAt, in.ResolvedAt, in.ResolvedBy = time.Time{}, time.Time{}, ""
			closed(in)
		})
		s.account.Services[0].AutoResolve = 4 * time.Minute
		return s
	}
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "the time-out of a service ended it",
		Upstream: played(map[sourcetest.Data]scene{
			sourcetest.Done: ended(func(in *pagerdutytest.Incident) {
				in.ResolvedAt, in.ResolvedBy = in.CreatedAt.Add(2*time.Minute), "service_reference"
			}),
			sourcetest.NotDone: ended(func(in *pagerdutytest.Incident) {
				in.ResolvedAt, in.ResolvedBy = in.CreatedAt.Add(4*time.Minute), "service_reference"
			}),
			sourcetest.NoWork: ended(func(*pagerdutytest.Incident) {}),
		}),
		Changed: map[string][]string{"checkout": facts("noise_ratio_30d")},
		Same:    map[string][]string{"checkout": facts("high_urgency_90d")},
	}}}
}

// sameIDs are an incident and its service, which get other names, and an incident that
// is moved.
func sameIDs() sourcetest.Kind {
	in := happening("Q1", day, time.Minute, time.Hour, "user_reference")
	before := with(in)
	in.Number, in.Title = 77, "Another title"
	renamed := with(in)
	renamed.account.Services[0].Name = "Till"
	in.Service = "PBAD"
	elsewhere := with(in)
	scenario := func(name string, after scene) sourcetest.Scenario {
		return sourcetest.Scenario{
			Name:     name,
			Upstream: played(map[sourcetest.Data]scene{sourcetest.Before: before, sourcetest.After: after}),
			Same:     map[string][]string{"checkout": facts("service_exists", "integrations", "oncall_now")},
		}
	}
	moved := scenario("an incident is moved to another service", elsewhere)
	moved.Changed = map[string][]string{"checkout": facts("high_urgency_90d"), "reports": facts("high_urgency_90d")}
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
		scenario("an incident and its service are renamed", renamed), moved,
	}}
}

func agents() sourcetest.Kind {
	const person, machine = "user_reference", "events_api_v2_inbound_integration_reference"
	scenario := func(name string, deed sourcetest.Deed, changed []string, does func(agent, channel string) scene,
	) sourcetest.Scenario {
		return sourcetest.Scenario{
			Name: name, Deed: deed, Changed: map[string][]string{"checkout": changed},
			Upstream: played(map[sourcetest.Data]scene{
				sourcetest.ByPerson: does(person, "email"), sourcetest.ByMachine: does(machine, "email"),
				sourcetest.ByMachineElsewhere: does(machine, "sms"),
			}),
		}
	}
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
		scenario("who opens an incident", sourcetest.Opens, facts("machine_detected_ratio_90d"),
			func(agent, channel string) scene {
				return six(func(in *pagerdutytest.Incident) { in.OpenedBy, in.Channel = agent, channel })
			}),
		scenario("who acknowledges it", sourcetest.Acknowledges,
			facts("unacknowledged_ratio_90d", "machine_acknowledged_ratio_90d"),
			func(agent, channel string) scene {
				return six(func(in *pagerdutytest.Incident) {
					in.Channel = channel
					if agent == machine {
						in.MachineAcknowledgedAt, in.AcknowledgedAt = in.AcknowledgedAt, time.Time{}
					}
				})
			}),
		scenario("who resolves it", sourcetest.Resolves, nil, func(agent, channel string) scene {
			return six(func(in *pagerdutytest.Incident) { in.Channel, in.ResolvedBy = channel, agent })
		}),
	}}
}

// mergedIncidents are one outage, of which six incidents were merged into the seventh.
func mergedIncidents() sourcetest.Kind {
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "incidents that were merged into one",
		Upstream: played(map[sourcetest.Data]scene{
			sourcetest.Once:  with(append(outage("PGOOD")[:1], answered()...)...),
			sourcetest.Twice: with(append(outage("PGOOD"), answered()...)...),
		}),
		Same: map[string][]string{"checkout": facts("high_urgency_90d", "unacknowledged_ratio_90d", "noise_ratio_30d",
			"repeat_manual_templates_90d", "mtta_p90_seconds_90d")},
	}}}
}

func unreadableIncidents() sourcetest.Kind {
	scenario := func(name, record, counted string, unknown, same map[string][]string) sourcetest.Scenario {
		right, wrong := with(crowd("PGOOD", 1, 0)...), with(crowd("PGOOD", 1, 0)...)
		wrong.records = []string{record}
		return sourcetest.Scenario{
			Name: name, Unknown: unknown, Same: same,
			Upstream: played(map[sourcetest.Data]scene{sourcetest.Right: right, sourcetest.Wrong: wrong}),
			Counted:  []evidence.UncountedGroup{{Name: counted, Reason: evidence.UncountedUnreadable, Count: 1}},
		}
	}
	count := facts("high_urgency_90d", "page_load_per_week")
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
		scenario("an incident without a status", `{"id":"Q9","urgency":"high","created_at":"2026-03-04T11:00:00Z",`+
			`"service":{"id":"PGOOD"}}`, "Q9",
			map[string][]string{"checkout": count}, map[string][]string{"checkout": facts("oncall_now"), "reports": count}),
		scenario("an incident that may be of any service", `"Q9"`, "an incident without an id",
			map[string][]string{"checkout": count, "reports": count}, map[string][]string{"checkout": facts("oncall_now")}),
	}}
}
