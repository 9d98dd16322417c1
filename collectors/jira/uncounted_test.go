package jira_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

// tickets describes the report about tickets: each group with its number and reason.
func (r *result) tickets() string {
	var words []string
	for _, u := range r.uncounted {
		if u.Kind != evidence.UncountedTicket {
			return "kind " + string(u.Kind)
		}
		sum := 0
		for _, n := range u.Reasons {
			sum += n
		}
		if sum != u.Total {
			return fmt.Sprint(u)
		}
		for _, g := range u.Largest {
			words = append(words, fmt.Sprintf("%s: %d %s", g.Name, g.Count, g.Reason))
		}
	}
	return strings.Join(words, "; ")
}

// Tickets of the highest severity that no service of the catalog has are counted and
// named, and facts that would have counted them are unknown for the services of the
// project.
func TestIncidentTicketsOfNoService(t *testing.T) {
	const unknown = "except uncounted"
	for name, tc := range map[string]struct {
		change func(*jiratest.Issue)
		link   jira.ServiceLink
		want   string
		// cart and reports are what the facts of major incidents say of these services.
		cart, reports string
	}{
		"a component that no service has": {func(i *jiratest.Issue) { i.Components = []string{"Checkout Service"} },
			jira.ServiceLink{}, "component Checkout Service (project SHOP): 6 unknown_service", unknown, "0"},
		"no component": {func(i *jiratest.Issue) { i.Components = nil }, jira.ServiceLink{},
			"no component (project SHOP): 6 no_reference", unknown, "0"},
		"another project": {func(i *jiratest.Issue) { i.Key = strings.Replace(i.Key, "SHOP", "INC", 1) },
			jira.ServiceLink{}, "project INC: 6 unknown_service", "0", "0"},
		"another project, by project": {func(i *jiratest.Issue) { i.Key = strings.Replace(i.Key, "SHOP", "INC", 1) },
			jira.ServiceLink{By: "project"}, "project INC: 6 unknown_service", "0", "0"},
		"a label that no service has": {func(i *jiratest.Issue) { i.Labels = []string{"svc-till"} },
			jira.ServiceLink{By: "label", Prefix: "svc-"}, "label svc-till (project SHOP): 6 unknown_service", unknown, "0"},
		"no label in a project of all": {func(i *jiratest.Issue) { i.Key = strings.Replace(i.Key, "SHOP", "INC", 1) },
			jira.ServiceLink{By: "label", Prefix: "svc-"}, "no label svc- (project INC): 6 no_reference", unknown, unknown},
		"a field that no service has": {func(i *jiratest.Issue) { i.Fields = map[string]any{"customfield_1": "The till"} },
			jira.ServiceLink{By: "field", Field: "customfield_1"}, "customfield_1 The till (project SHOP): 6 unknown_service",
			unknown, "0"},
		"one of no importance": {func(i *jiratest.Issue) {
			i.Components, i.Priority = []string{"Checkout Service"}, "Low"
		}, jira.ServiceLink{}, "component Checkout Service (project SHOP): 6 unknown_service", "0", "0"},
		"one of long ago": {func(i *jiratest.Issue) {
			i.Components, i.Created, i.Done = []string{"Checkout Service"}, noon.Add(-400*day), noon.Add(-399*day)
		}, jira.ServiceLink{}, "component Checkout Service (project SHOP): 6 unknown_service", "0", "0"},
		"a duplicate": {func(i *jiratest.Issue) {
			i.Components, i.Resolution = []string{"Checkout Service"}, "Duplicate"
		}, jira.ServiceLink{}, "", "0", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				var issues []jiratest.Issue
				for n := range 6 {
					i := incident(n, "cart", noon.Add(-60*day))
					i.Done = noon.Add(-59 * day)
					tc.change(&i)
					issues = append(issues, i)
				}
				site, services := shop(issues...)
				w := start(t, dataCenter, site, services, func(s setup) { s.jira.Incidents.Services = tc.link })
				want := func(r *result) {
					t.Helper()
					share := map[string]string{"0": "1", unknown: unknown}
					r.want(t, "cart", map[string]string{"major_incidents_180d": tc.cart, "postmortem_ratio_180d": share[tc.cart]})
					r.want(t, "reports", map[string]string{"major_incidents_180d": tc.reports,
						"postmortem_ratio_180d": share[tc.reports]})
				}
				r := w.mustCollect()
				want(r)
				if got := r.tickets(); got != tc.want || len(r.incidents) != 0 {
					t.Errorf("counted %q, want %q", got, tc.want)
				}
				// What is unknown stays so in a process that lists only changes.
				w.restart()
				w.pass(10 * time.Minute)
				w.services = append(w.services, refers("plain2"))
				want(w.mustCollect())
			})
		})
	}
}

// With by: project a label of the catalog narrows, too: a ticket without it is counted,
// and may be of any service of the project.
func TestTicketsWithoutTheLabelOfAProject(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		rates, none := incident(1, "", noon.Add(-60*day)), incident(2, "cart", noon.Add(-60*day))
		rates.Labels = []string{"rates"}
		site, _ := shop(rates, none)
		services := []*catalog.Service{
			{Name: "fees", Jira: []catalog.JiraRef{{Project: "SHOP", Component: "Fees", Label: "fees"}}},
			refers("reports", "REP")}
		w := start(t, dataCenter, site, services,
			func(s setup) { s.jira.Incidents.Services = jira.ServiceLink{By: "project"} })
		r := w.mustCollect()
		r.want(t, "fees", map[string]string{"major_incidents_180d": "except uncounted"})
		r.want(t, "reports", map[string]string{"major_incidents_180d": "0"})
		want := "label rates (project SHOP): 1 unknown_service; no label (project SHOP): 1 no_reference"
		if got := r.tickets(); got != want || len(r.incidents) != 0 {
			t.Errorf("counted %q, want %q; %d incidents", got, want, len(r.incidents))
		}
	})
}

// A ticket is counted until it names a service, and the facts are known again.
func TestATicketThatIsGivenItsService(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		i := incident(1, "Checkout Service", noon.Add(-60*day))
		site, services := shop(i)
		w := start(t, dataCenter, site, services)
		w.mustCollect().want(t, "checkout", map[string]string{"major_incidents_180d": "except uncounted"})
		i.Components, i.Changes = []string{"checkout"}, []jiratest.Change{{At: noon.Add(5 * time.Minute), Field: "component"}}
		next, _ := shop(i)
		w.fake.SetSite(next)
		w.pass(10 * time.Minute)
		r := w.mustCollect()
		r.want(t, "checkout", map[string]string{"major_incidents_180d": "1"})
		if len(r.uncounted) != 1 || r.uncounted[0].Total != 0 {
			t.Errorf("still counted: %v", r.uncounted)
		}
		w.pass(10 * time.Minute)
		if r := w.mustCollect(); r.uncounted != nil {
			t.Errorf("reported again without a change: %v", r.uncounted)
		}
	})
}

// Issues of JQL facts and reviews that no service has make unknown what they could
// change, and nothing else. An issue of several listings is counted once.
func TestIssuesOfNoService(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		issue := func(n int, component, label string, done time.Duration) jiratest.Issue {
			i := jiratest.Issue{Key: fmt.Sprintf("SHOP-%d", n), Components: []string{component}, Labels: []string{label},
				Created: noon.Add(-90 * day), Due: noon.Add(-80 * day)}
			if done > 0 {
				i.Done = noon.Add(-done)
			}
			return i
		}
		declined := issue(9, "till", "restore-test", 5*day)
		declined.Resolution = "Won't Do"
		late := issue(1, "till", "security", 0)
		late.Labels = []string{"security", "privacy"}
		owned := review(6, "cart", noon.Add(-90*day))
		unowned := review(7, "till", noon.Add(-90*day))
		site, services := shop(late, issue(2, "till", "game-day", 30*day), issue(3, "cart", "game-day", 20*day),
			issue(4, "checkout", "game-day", 40*day), declined, owned, unowned,
			attestation(8, "PRR-7", "cicd-change-reviewed", noon.Add(-20*day)))
		w := start(t, dataCenter, site, services)
		r := w.mustCollect()
		r.want(t, "cart", map[string]string{
			"overdue_security_issues": "except uncounted", "overdue_privacy_issues": "except uncounted",
			"last_gameday_age_days":      noon.Add(-20 * day).Format(time.RFC3339), // the other is older
			"last_restore_test_age_days": "never", "attest.cicd_change_reviewed": "false",
		})
		r.want(t, "checkout", map[string]string{"last_gameday_age_days": "except uncounted"}) // the other is newer
		r.want(t, "reports", map[string]string{"overdue_security_issues": "0", "last_gameday_age_days": "never"})
		const want = "component till (project SHOP): 2 unknown_service; label service-till (project PRR): 1 unknown_service"
		if got := r.tickets(); got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
		// A listing that failed leaves the report as it was.
		w.restart()
		w.fake.Inject(jiratest.Fault{Search: true, JQL: "game-day", Status: 400})
		w.pass(jira.DefaultReconcileEvery)
		if r := w.collect(); r.uncounted != nil {
			t.Errorf("reported without the game days: %v", r.uncounted)
		}
	})
}

// A review that no service has may be of those that refer to its project, and the
// attestation on it, too: what is attested elsewhere stays known.
func TestAttestationsOnReviewsOfNoService(t *testing.T) {
	v := review(1, "", noon.Add(-90*day))
	v.Components, v.Labels = []string{"Checkout Service"}, nil
	mine := review(3, "", noon.Add(-90*day))
	mine.Components, mine.Labels = []string{"checkout"}, nil
	site, services := shop(v, mine, attestation(2, "PRR-1", "cicd-change-reviewed", noon.Add(-20*day)),
		attestation(4, "PRR-3", "cicd-change-reviewed", noon.Add(-20*day)))
	services = append(services, refers("payment", "PRR/checkout"), refers("ledger", "PRR/ledger"))
	w := start(t, false, site, services, func(s setup) { s.jira.Reviews.Services = jira.ServiceLink{} })
	r := w.mustCollect()
	r.want(t, "payment", map[string]string{"attest.cicd_change_reviewed": "true"})
	r.want(t, "ledger", map[string]string{"attest.cicd_change_reviewed": "except ",
		"attest.data_access_reviewed": "false"})
	r.want(t, "reports", map[string]string{"attest.cicd_change_reviewed": "false"})
}

// A ticket of a service that also names a component which no service has is counted, and
// changes nothing: a component is often a part of a service. Where a service has the whole
// project, it has that component, too.
func TestAComponentThatNoServiceHasBesideOneOfAService(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		i, v := incident(1, "cart", noon.Add(-60*day)), review(2, "", noon.Add(-90*day))
		i.Components = []string{"cart", "Checkout Service"}
		v.Components = []string{"Ledger", "Vault"}
		late := jiratest.Issue{Key: "SHOP-3", Components: []string{"cart", "till"}, Labels: []string{"security"},
			Created: noon.Add(-90 * day), Due: noon.Add(-80 * day)}
		game := late
		game.Key, game.Components, game.Labels = "SHOP-4", []string{"cart", "door"}, []string{"game-day"}
		game.Done = noon.Add(-20 * day)
		site, services := shop(i, v, late, game)
		services = append(services, refers("ledger", "PRR/ledger"))
		byComponent := func(s setup) { s.jira.Reviews.Services = jira.ServiceLink{} }
		w := start(t, dataCenter, site, services, byComponent)
		r := w.mustCollect()
		r.want(t, "cart", map[string]string{"major_incidents_180d": "1", "overdue_security_issues": "1",
			"last_gameday_age_days": noon.Add(-20 * day).Format(time.RFC3339)})
		r.want(t, "checkout", map[string]string{"major_incidents_180d": "0", "overdue_security_issues": "0",
			"last_gameday_age_days": "never"})
		const want = "component Checkout Service (project SHOP): 1 unknown_service; " +
			"component Vault (project PRR): 1 unknown_service; component door (project SHOP): 1 unknown_service; " +
			"component till (project SHOP): 1 unknown_service"
		if got := r.tickets(); got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
		w = start(t, dataCenter, site, append(services, refers("store", "SHOP", "PRR")), byComponent)
		if got := w.mustCollect().tickets(); got != "" {
			t.Errorf("a service has the projects, and %q is counted", got)
		}
	})
}

// A severity that is not known may be the highest.
func TestASeverityThatNothingMaps(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		word, none, known := incident(1, "cart", noon.Add(-60*day)), incident(2, "checkout", noon.Add(-60*day)),
			incident(3, "cart", noon.Add(-60*day))
		word.Priority, none.Priority, known.Priority = "P0", "", "Low"
		known.Key = "REP-3"
		site, services := shop(word, none, known)
		w := start(t, dataCenter, site, services)
		r := w.mustCollect()
		r.want(t, "cart", map[string]string{"major_incidents_180d": "except uncounted"})
		r.want(t, "checkout", map[string]string{"major_incidents_180d": "except uncounted"})
		r.want(t, "reports", map[string]string{"major_incidents_180d": "0"})
		const want = "no severity (project SHOP): 1 unmapped_severity; severity P0 (project SHOP): 1 unmapped_severity"
		if got := r.tickets(); got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
		if r.incidents["SHOP-1"].ID == "" {
			t.Error("the incident is not counted")
		}
		// Severities of one's own map both, an empty word what has none.
		w = start(t, dataCenter, site, services, func(s setup) {
			s.jira.Incidents.Severities = map[string]int{"P0": 1, "": 4, "Low": 4}
		})
		r = w.mustCollect()
		r.want(t, "cart", map[string]string{"major_incidents_180d": "1"})
		r.want(t, "checkout", map[string]string{"major_incidents_180d": "0"})
		if got := r.tickets(); got != "" {
			t.Errorf("counted %q", got)
		}
	})
}

// A ticket that names a service that is not known beside one that is counts for that one.
// The other name is counted, and unless it is a component it may be of any other service
// of the project.
func TestATicketOfAnUnknownServiceBesideAKnownOne(t *testing.T) {
	for name, tc := range map[string]struct {
		link jira.ServiceLink
		want string
		// inDoubt says that the ticket may be of other services of the project, too.
		inDoubt bool
	}{
		"by label": {jira.ServiceLink{By: "label", Prefix: "svc-"}, "label svc-till (project SHOP): 1 unknown_service", true},
		"by field": {jira.ServiceLink{By: "field", Field: "customfield_1"},
			"customfield_1 till (project SHOP): 1 unknown_service", true},
		// Most labels without a prefix name no service.
		"by any label": {jira.ServiceLink{By: "label"}, "", false},
		// Many components are parts of a service, so that one is counted alone.
		"by component": {jira.ServiceLink{}, "component till (project SHOP): 1 unknown_service", false},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				i, v := incident(1, "cart", noon.Add(-60*day)), review(1, "cart", noon.Add(-90*day))
				i.Labels, i.Fields = []string{"cart", "svc-cart", "svc-till"}, map[string]any{"customfield_1": "cart, till"}
				i.Components = append(i.Components, "till")
				v.Labels = append(v.Labels, "service-till")
				site, services := shop(i, v)
				w := start(t, dataCenter, site, services, func(s setup) { s.jira.Incidents.Services = tc.link })
				r := w.mustCollect()
				others, want := "0", "label service-till (project PRR): 1 unknown_service"
				if tc.want != "" {
					want = strings.Join(slices.Sorted(slices.Values([]string{tc.want, want})), "; ")
				}
				if tc.inDoubt {
					others = "except uncounted"
				}
				r.want(t, "cart", map[string]string{"major_incidents_180d": "1"})
				r.want(t, "checkout", map[string]string{"major_incidents_180d": others})
				r.want(t, "reports", map[string]string{"major_incidents_180d": "0"})
				if got := r.tickets(); got != want {
					t.Errorf("counted %q, want %q", got, want)
				}
			})
		})
	}
}

// Figures of incidents may lack a ticket of no service, whatever its severity: the source
// says of which services, until the ticket has one.
func TestTicketsThatFiguresMayLack(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		stray := func(n int, age time.Duration, change func(*jiratest.Issue)) jiratest.Issue {
			i := incident(n, "Checkout Service", noon.Add(-age))
			i.Priority, i.Done = "Low", noon.Add(-age+time.Hour)
			if change != nil {
				change(&i)
			}
			return i
		}
		noDoubt := "[]"
		for name, tc := range map[string]struct {
			issue jiratest.Issue
			want  string
		}{
			"a closed one": {stray(1, 2*day, nil), "[cart -48 false checkout -48 false]"},
			"an open one": {stray(1, 2*day, func(i *jiratest.Issue) { i.Done = time.Time{} }),
				"[cart -48 true checkout -48 true]"},
			"an old one that is open": {stray(1, 400*day, func(i *jiratest.Issue) { i.Done = time.Time{} }),
				"[cart -9600 true checkout -9600 true]"},
			"an old one": {stray(1, 98*day, nil), noDoubt},
			"an old one, of the highest severity": {stray(1, 98*day, func(i *jiratest.Issue) { i.Priority = "Highest" }),
				noDoubt},
			"of another project": {stray(1, 2*day, func(i *jiratest.Issue) { i.Key = "INC-1" }), noDoubt},
			"a duplicate":        {stray(1, 2*day, func(i *jiratest.Issue) { i.Resolution = "Duplicate" }), noDoubt},
			"of a service":       {stray(1, 2*day, func(i *jiratest.Issue) { i.Components = []string{"Cart"} }), noDoubt},
			"of a service, of no known severity": {stray(1, 2*day, func(i *jiratest.Issue) {
				i.Components, i.Priority = []string{"Cart"}, "Meltdown"
			}), noDoubt},
			"one that cannot be read": {stray(1, 2*day, func(i *jiratest.Issue) { i.Raw = map[string]string{"status": "7"} }),
				"[cart -12 true checkout -12 true]"},
		} {
			site, services := shop(tc.issue)
			w := start(t, dataCenter, site, services)
			show := func(r *result) string {
				var words []string
				for _, d := range r.doubts {
					words = append(words, d.Service, hour(d.Newest), strconv.FormatBool(d.Open))
				}
				return "[" + strings.Join(words, " ") + "]"
			}
			r := w.mustCollect()
			if got := show(r); got != tc.want || r.doubts == nil {
				t.Errorf("%s: %s, want %s", name, got, tc.want)
			}
			if r.value("reports", "jira.major_incidents_180d") != "0" {
				t.Errorf("%s: reports %s", name, r.value("reports", "jira.major_incidents_180d"))
			}
			// Nothing has changed, and a new process knows it, too.
			w.pass(10 * time.Minute)
			if r := w.mustCollect(); r.doubts != nil {
				t.Errorf("%s: emitted again: %s", name, show(r))
			}
			w.restart()
			w.pass(10 * time.Minute)
			if got := show(w.mustCollect()); got != tc.want {
				t.Errorf("%s: a new process: %s, want %s", name, got, tc.want)
			}
			tc.issue.Components, tc.issue.Raw = []string{"cart"}, nil
			tc.issue.Changes = []jiratest.Change{{At: noon.Add(25 * time.Minute), Field: "component"}}
			next, _ := shop(tc.issue)
			w.fake.SetSite(next)
			w.pass(10 * time.Minute)
			if r := w.mustCollect(); tc.want != noDoubt && (r.doubts == nil || len(r.doubts) != 0) {
				t.Errorf("%s: it has a service now: %s", name, show(r))
			}
		}
	})
}
