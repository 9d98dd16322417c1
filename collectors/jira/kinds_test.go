package jira_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/sourcetest"
)

// kindsOf fills the table for one deployment.
type kindsOf struct{ dataCenter bool }

func TestKinds(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		k := kindsOf{dataCenter}
		subject := contract(t, dataCenter, 100)
		_, subject.Services = shop()
		facts, err := jira.DefaultFacts()
		if err != nil {
			t.Fatal(err)
		}
		subject.Source = k.source(facts, jira.Incidents{})
		sourcetest.RunKinds(t, sourcetest.Kinds{
			Subject: subject, NoService: k.ofNoService(), EndBeforeStart: k.contradictions(facts),
			NotAnInstant: k.days(facts), InFuture: k.future(facts), NotDone: k.closedAsNotDone(), SameID: k.movedIssues(),
			Agents: k.agents(facts), SeenTwice: k.duplicates(), Unreadable: k.unreadable(),
		})
	})
}

// source makes sources that take the times of incidents as the mapping says.
func (k kindsOf) source(facts []jira.Fact, mapping jira.Incidents) sourcetest.NewSource {
	mapping.JQL = incidentsJQL
	deployment := jira.Cloud
	var automation []string
	if k.dataCenter {
		deployment, automation = jira.DataCenter, []string{"app:rules", "APP:Portal"}
	}
	return func(address string, client *http.Client, now func() time.Time) (collectors.Source, error) {
		return jira.New(jira.Options{
			Name: "main", Deployment: deployment, OnlySite: true, URL: address, HTTPClient: client, Now: now,
			BrowseURL: "https://jira.example.com", Facts: facts, Incidents: mapping, Attestations: attestations(),
			AutomationUsers: automation,
			Reviews: jira.Reviews{
				JQL: `issuetype = "Review"`, Services: jira.ServiceLink{By: "label", Prefix: "service-"},
			},
		})
	}
}

// played serves a site with the issues of each data set.
func (k kindsOf) played(issues map[sourcetest.Data][]jiratest.Issue, change ...func(sourcetest.Data, *jiratest.Server),
) sourcetest.Upstream {
	return func(data sourcetest.Data, now func() time.Time, fail func(string)) http.Handler {
		site, _ := shop(issues[data]...)
		fake := jiratest.New(jiratest.Options{
			Site: site, DataCenter: k.dataCenter, Now: now, Email: "us@example.com", Token: "of-the-file", Fail: fail,
		})
		for _, c := range change {
			c(data, fake)
		}
		return fake
	}
}

var majorIncidents = []string{"jira.major_incidents_180d", "jira.postmortem_ratio_180d"}

func (k kindsOf) ofNoService() sourcetest.Kind {
	scenario := func(name, counted string, reason evidence.UncountedReason, facts []string, own, stray jiratest.Issue,
	) sourcetest.Scenario {
		return sourcetest.Scenario{
			Name: name,
			Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{
				sourcetest.Right: {own}, sourcetest.Wrong: {own, stray},
			}),
			Counted: []evidence.UncountedGroup{{Name: counted, Reason: reason, Count: 1}},
			Unknown: map[string][]string{"cart": facts, "checkout": facts},
			Same:    map[string][]string{"reports": facts},
		}
	}
	stray, nameless := incident(2, "Checkout Service", noon.Add(-50*day)), incident(3, "", noon.Add(-50*day))
	nameless.Components = nil
	security := jiratest.Issue{Key: "SHOP-4", Components: []string{"till"}, Labels: []string{"security"},
		Created: noon.Add(-40 * day), Due: noon.Add(-9 * day)}
	own := incident(1, "cart", noon.Add(-60*day))
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
		scenario("an incident of a component that no service has", "component Checkout Service (project SHOP)",
			evidence.UncountedUnknownService, majorIncidents, own, stray),
		scenario("an incident without a component", "no component (project SHOP)", evidence.UncountedNoReference,
			majorIncidents, own, nameless),
		scenario("an issue of a JQL fact", "component till (project SHOP)", evidence.UncountedUnknownService,
			[]string{"jira.overdue_security_issues"}, own, security),
	}}
}

// fields are the custom fields that hold the start, the end and the acknowledgement of
// an incident.
func fields() jira.Incidents {
	return jira.Incidents{Started: jira.Moment{Field: "customfield_1"}, Resolved: jira.Moment{Field: "customfield_2"},
		Acknowledged: jira.Moment{Field: "customfield_3"}}
}

// times are the scenarios of an incident of which the fields hold the words. It began
// at 2:00, was acknowledged at 2:10 and ended at 3:00 by the right ones.
func (k kindsOf) times(facts []jira.Fact, reason evidence.UncountedReason, words map[string]map[string]string,
) sourcetest.Kind {
	right := map[string]string{"customfield_1": "2026-03-04T02:00:00.000+0000",
		"customfield_2": "2026-03-04T03:00:00.000+0000", "customfield_3": "2026-03-04T02:10:00.000+0000"}
	with := func(changed map[string]string) []jiratest.Issue {
		i := incident(1, "cart", noon.Add(-10*time.Hour))
		i.Done, i.DoneBy, i.Fields = noon.Add(-8*time.Hour), "ann", map[string]any{}
		for name, text := range right {
			i.Fields[name] = text
		}
		for name, text := range changed {
			i.Fields[name] = text
		}
		return []jiratest.Issue{i}
	}
	var kind sourcetest.Kind
	for name, changed := range words {
		kind.Scenarios = append(kind.Scenarios, sourcetest.Scenario{
			Name: name, Source: k.source(facts, fields()),
			Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{
				sourcetest.Right: with(nil), sourcetest.Wrong: with(changed),
			}),
			Counted: []evidence.UncountedGroup{{Name: "incident tickets (project SHOP)", Reason: reason, Count: 1}},
			// It happened, whenever that was.
			Same: map[string][]string{"cart": majorIncidents, "reports": majorIncidents},
		})
	}
	return kind
}

func (k kindsOf) contradictions(facts []jira.Fact) sourcetest.Kind {
	return k.times(facts, evidence.UncountedEndBeforeStart, map[string]map[string]string{
		"an incident that ended before it began":  {"customfield_2": "2026-03-04T01:00:00.000+0000"},
		"an acknowledgement before the beginning": {"customfield_3": "2026-03-04T01:00:00.000+0000"},
	})
}

func (k kindsOf) days(facts []jira.Fact) sourcetest.Kind {
	return k.times(facts, evidence.UncountedNotAnInstant, map[string]map[string]string{
		"an incident that began on a day": {"customfield_1": "2026-03-04"},
		"an incident that ended on a day": {"customfield_2": "2026-03-04"},
		"an acknowledgement on a day":     {"customfield_3": "2026-03-04"},
	})
}

func (k kindsOf) future(facts []jira.Fact) sourcetest.Kind {
	return k.times(facts, evidence.UncountedInFuture, map[string]map[string]string{
		"an incident that begins in the future": {"customfield_1": "2026-03-04T21:00:00.000+0000"},
		"an incident that ends in the future":   {"customfield_2": "2026-03-04T21:00:00.000+0000"},
		"an acknowledgement in the future":      {"customfield_3": "2026-03-04T21:00:00.000+0000"},
	})
}

// closedAsNotDone is work of cart that was closed as Won't Do.
func (k kindsOf) closedAsNotDone() sourcetest.Kind {
	done := worked(func(i *jiratest.Issue) { i.Resolution = "Done" })
	notDone := worked(func(i *jiratest.Issue) { i.Resolution = "Won't Do" })
	none := worked(func(i *jiratest.Issue) { i.Done = time.Time{} })
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "a review, an attestation, a game day and a post-mortem",
		Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{
			sourcetest.Done: done, sourcetest.NotDone: notDone, sourcetest.NoWork: none,
		}),
		Changed: map[string][]string{"cart": {"attest.cicd_change_reviewed", "jira.last_gameday_age_days",
			"jira.postmortem_ratio_180d"}},
		Same: map[string][]string{"cart": {"jira.major_incidents_180d"}, "reports": majorIncidents},
	}}}
}

// movedIssues are incidents that get other keys between rounds.
func (k kindsOf) movedIssues() sourcetest.Kind {
	issues := func(key string, moved bool) []jiratest.Issue {
		var list []jiratest.Issue
		for n := range 6 {
			i := incident(n, "", noon.Add(-60*day))
			i.Key, i.ID, i.Components = fmt.Sprintf("%s-%d", key, n), 10100+n, nil
			if moved {
				i.Changes = []jiratest.Change{{At: noon.Add(5 * time.Minute), Field: "Key"}}
			}
			list = append(list, i)
		}
		return list
	}
	_, services := shop()
	services = append(services, refers("ops", "OPS"))
	var kind sourcetest.Kind
	for name, moved := range map[string]bool{"they are moved": true, "their project gets another key": false} {
		after := issues("OPS", moved)
		kind.Scenarios = append(kind.Scenarios, sourcetest.Scenario{
			Name: name, Services: services,
			Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{
				sourcetest.Before: issues("REP", false), sourcetest.After: after,
			}),
			Changed: map[string][]string{"reports": majorIncidents[:1], "ops": majorIncidents[:1]},
			Same:    map[string][]string{"cart": majorIncidents},
		})
	}
	attested := []string{"attest.rel_failover_proven"}
	reviewed := func(project string) []jiratest.Issue {
		v, a := review(7, "cart", noon.Add(-90*day)), attestation(8, project+"-7", "rel-failover-proven", noon.Add(-9*day))
		v.Key, a.Key, v.ID, a.ID = project+"-7", project+"-8", 10700, 10800
		return []jiratest.Issue{v, a}
	}
	kind.Scenarios = append(kind.Scenarios, sourcetest.Scenario{
		Name: "a review and the attestation on it get other keys", Services: services,
		Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{
			sourcetest.Before: reviewed("PRR"), sourcetest.After: reviewed("OPS"),
		}),
		Same: map[string][]string{"cart": attested, "reports": attested},
	})
	return kind
}

// agents are people and apps of the site.
func (k kindsOf) agents(facts []jira.Fact) sourcetest.Kind {
	scenario := func(name string, deed sourcetest.Deed, does func(i *jiratest.Issue, who string)) sourcetest.Scenario {
		by := func(who, kind string) []jiratest.Issue {
			i := incident(1, "cart", noon.Add(-10*time.Hour))
			i.Reporter, i.Labels = "ann", []string{kind}
			does(&i, who)
			return []jiratest.Issue{i}
		}
		return sourcetest.Scenario{
			Name: name, Deed: deed,
			Source: k.source(facts, jira.Incidents{Acknowledged: jira.Moment{Statuses: []string{"In Progress"}}}),
			Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{
				sourcetest.ByPerson: by("ann", "email"), sourcetest.ByMachine: by("app:rules", "email"),
				sourcetest.ByMachineElsewhere: by("app:portal", "web"),
			}),
		}
	}
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
		scenario("who opens an incident", sourcetest.Opens, func(i *jiratest.Issue, who string) { i.Creator = who }),
		scenario("who acknowledges it", sourcetest.Acknowledges, func(i *jiratest.Issue, who string) {
			i.Changes = []jiratest.Change{moved(-9*time.Hour, who, "In Progress")}
		}),
		scenario("who resolves it", sourcetest.Resolves, func(i *jiratest.Issue, who string) {
			i.Changes = []jiratest.Change{moved(-9*time.Hour, who, "Done")}
		}),
	}}
}

// duplicates are tickets of one incident, and an issue that several searches find.
func (k kindsOf) duplicates() sourcetest.Kind {
	outage, again := incident(1, "cart", noon.Add(-60*day)), incident(2, "cart", noon.Add(-60*day))
	outage.Done, again.Done, again.Resolution = noon.Add(-59*day), noon.Add(-59*day), "Duplicate"
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "a ticket that is closed as a duplicate",
		Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{
			sourcetest.Once: {outage}, sourcetest.Twice: {outage, again},
		}),
		Same: map[string][]string{"cart": majorIncidents},
	}, {
		Name: "a ticket that is closed as a duplicate of one of another service",
		Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{
			sourcetest.Once: {outage}, sourcetest.Twice: {outage, duplicate(2, "checkout", "SHOP-1")},
		}),
		Same: map[string][]string{"cart": majorIncidents},
	}}}
}

// unreadable are issues that cannot be decoded.
func (k kindsOf) unreadable() sourcetest.Kind {
	scenario := func(name, jql, issue string, unknown, same map[string][]string) sourcetest.Scenario {
		issues := []jiratest.Issue{incident(1, "cart", noon.Add(-60*day)), review(1, "reports", noon.Add(-day))}
		issues[1].ID = 10100
		return sourcetest.Scenario{
			Name: name, Unknown: unknown, Same: same,
			Upstream: k.played(map[sourcetest.Data][]jiratest.Issue{sourcetest.Right: issues, sourcetest.Wrong: issues},
				func(data sourcetest.Data, fake *jiratest.Server) {
					if data == sourcetest.Wrong {
						fake.Inject(jiratest.Fault{Search: true, JQL: jql, Issues: []string{issue}})
					}
				}),
		}
	}
	const gameDays, reviewed = "jira.last_gameday_age_days", "attest.cicd_change_reviewed"
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{
		scenario("an issue of a project without fields", "game-day", `{"id":"1","key":"REP-9"}`,
			map[string][]string{"reports": {gameDays}},
			map[string][]string{"cart": {gameDays}, "reports": majorIncidents}),
		scenario("an issue that may be of any project", "game-day", `null`,
			map[string][]string{"reports": {gameDays}, "cart": {gameDays}}, map[string][]string{"cart": majorIncidents}),
		scenario("an incident that began at no time", "Incident", `{"id":"1","key":"SHOP-9","fields":{`+
			`"project":{"key":"SHOP"},"components":[{"name":"cart"}],"status":{"id":"6","statusCategory":{"key":"done"}},`+
			`"created":"yesterday"}}`,
			map[string][]string{"cart": majorIncidents}, map[string][]string{"cart": {gameDays}, "reports": majorIncidents}),
		scenario("an attestation on a review", "attest-", `{"id":"1","key":"PRR-9","fields":{"labels":7,`+
			`"parent":{"id":"10100","key":"PRR-1"}}}`,
			map[string][]string{"reports": {reviewed}}, map[string][]string{"cart": {reviewed}}),
	}}
}
