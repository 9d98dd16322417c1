package jira_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

// twoAttempts makes a call that fails end soon. An attempt may take long, since a
// busy machine takes its time for a good answer, too.
func twoAttempts(s setup) { s.out.Timeout, s.out.MaxAttempts = 30*time.Second, 2 }

func TestSearchesFail(t *testing.T) {
	for reason, fault := range map[evidence.Reason]jiratest.Fault{
		evidence.ReasonForbidden:   {Status: 403},
		evidence.ReasonNotFound:    {Status: 404},
		evidence.ReasonGone:        {Status: 410},
		evidence.ReasonRateLimited: {Status: 429},
		evidence.ReasonServerError: {Status: 503},
		evidence.ReasonRejected:    {Status: 400},
		evidence.ReasonUnreachable: {Reset: true},
	} {
		t.Run(string(reason), func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) { failing(t, dataCenter, reason, fault, twoAttempts) })
		})
	}
	for name, fault := range map[string]jiratest.Fault{
		"truncated":     {Truncate: true},
		"a login page":  {Body: "<html>", ContentType: "text/html"},
		"an empty JSON": {Body: "{}"},
		"a null list":   {Body: `{"issues":null,"total":0,"isLast":true}`},
		"not an object": {Body: `[]`},
		"an error":      {Body: `{"errorMessages":["No"],"errors":{}}`},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				failing(t, dataCenter, evidence.ReasonUndecodable, fault, twoAttempts)
			})
		})
	}
}

// Every search that hangs takes the time of an attempt, so these wait beside others.
func TestSearchesHang(t *testing.T) {
	t.Parallel()
	race.Skip(t, "the contract has answers that hang")
	once := func(s setup) { s.out.Timeout, s.out.MaxAttempts = 3*time.Second, 1 }
	both(t, func(t *testing.T, dataCenter bool) {
		t.Parallel()
		failing(t, dataCenter, evidence.ReasonTimeout, jiratest.Fault{Hang: true}, once)
	})
}

// failing lets every search fail.
func failing(
	t *testing.T, dataCenter bool, reason evidence.Reason, fault jiratest.Fault, attempts func(setup),
) {
	t.Helper()
	site, services := shop()
	w := start(t, dataCenter, site, services, attempts)
	fault.Search = true
	w.fake.Inject(fault)
	r := w.collect()
	for i, call := range strings.Split(calls(r.err), ", ") {
		// After some that failed the rest is not asked any more.
		if given := i > 0 && call == searchCall(dataCenter)+" "+string(evidence.ReasonCircuitOpen); !given &&
			call != searchCall(dataCenter)+" "+string(reason) {
			t.Errorf("error %q, want %s", call, reason)
		}
	}
	if r.err == nil || len(r.covered) != 0 || len(r.records) != 0 {
		t.Errorf("covered %q, error %v", r.groups(), r.err)
	}
	if text := fmt.Sprint(r.err); strings.Contains(text, "of-the-file") || strings.Contains(text, "127.0.0.1:") &&
		reason != evidence.ReasonUnreachable {
		t.Errorf("error tells too much: %s", text)
	}
	w.fake.Heal()
	w.pass(3 * time.Minute)
	if r := w.collect(); r.err != nil || r.groups() != allGroups {
		t.Errorf("after healing: covered %q, error %v", r.groups(), r.err)
	}
}

func TestACredentialThatIsRefusedEndsTheRound(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop()
		w := start(t, dataCenter, site, services, func(s setup) { s.fake.Token = "another" })
		r := w.collect()
		if !strings.HasSuffix(calls(r.err), " unauthorized") || strings.Contains(calls(r.err), ",") || r.batches != 0 {
			t.Errorf("error %q, %d batches", calls(r.err), r.batches)
		}
		if n := len(w.fake.Requests()); n != 1 {
			t.Errorf("%d requests after the credential was refused, want 1", n)
		}
		var failed *collectors.CallError
		if err := w.source.Check(t.Context()); !errors.As(err, &failed) || failed.Reason != evidence.ReasonUnauthorized {
			t.Errorf("check: %v", err)
		}
	})
}

// Cloud answers the search of a visitor without an account with 200 and no issues. Were that evidence,
// every overdue issue would be gone.
func TestAStrangersAnswerIsNoEvidence(t *testing.T) {
	site, services := shop(jiratest.Issue{Key: "REP-1", Labels: []string{"security"}, Created: noon.Add(-30 * day),
		Due: noon.Add(-3 * day)})
	w := start(t, false, site, services)
	w.fake.Inject(jiratest.Fault{Call: "GET /rest/api/2/myself", Status: 404})
	if r := w.collect(); len(r.covered) != 0 || r.err == nil {
		t.Errorf("covered %q without knowing who we are", r.groups())
	}
	w = start(t, false, site, services, func(s setup) { s.fake.Token = "another" })
	w.fake.Inject(jiratest.Fault{Call: "GET /rest/api/2/myself", Status: 200, Body: `{"accountId":"somebody"}`})
	if r := w.collect(); len(r.covered) != 0 || calls(r.err) != "GET /rest/api/2/status unauthorized" {
		t.Errorf("covered %q, error %v", r.groups(), r.err)
	}
}

func TestStatusesFail(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop()
		w := start(t, dataCenter, site, services)
		w.fake.Inject(jiratest.Fault{Call: "GET /rest/api/2/status", Status: 403})
		r := w.collect()
		if got := r.groups(); got != "jira.overdue_postmortem_actions jira.overdue_privacy_issues jira.overdue_security_issues jira.undated_security_issues" {
			t.Errorf("covered %q", got)
		}
		w.fake.Heal()
		w.mustCollect()
		w.pass(time.Hour)
		w.fake.Inject(jiratest.Fault{Call: "GET /rest/api/2/status", Body: `[]`})
		if r := w.collect(); r.groups() != allGroups || calls(r.err) != "GET /rest/api/2/status undecodable" {
			t.Errorf("covered %q with the statuses of before, error %v", r.groups(), r.err)
		}
	})
}

func TestBulkFetchFails(t *testing.T) {
	game := jiratest.Issue{Key: "REP-1", Labels: []string{"game-day"}, Created: noon.Add(-90 * day),
		Done: noon.Add(-80 * day)}
	for n := range 50 {
		game.Changes = append(game.Changes, jiratest.Change{At: noon.Add(-70*day + time.Duration(n)*time.Hour),
			Field: "comment"})
	}
	site, services := shop(game)
	for _, fault := range []jiratest.Fault{{Status: 403}, {Body: "{}"},
		{Body: `{"issueChangeLogs":[],"nextPageToken":"x"}`}} {
		w := start(t, false, site, services)
		fault.Call = "POST /rest/api/2/changelog/bulkfetch"
		w.fake.Inject(fault)
		r := w.collect()
		if r.err == nil || r.value("reports", "jira.last_gameday_age_days") != "not covered" ||
			r.value("reports", "jira.last_threat_model_age_days") != "never" {
			t.Errorf("%v: %v", fault, r.err)
		}
	}
	// A passing failure of a call that is no GET is repeated too: it only reads.
	w := start(t, false, site, services)
	w.fake.Inject(jiratest.Fault{Call: "POST /rest/api/2/changelog/bulkfetch", Status: 503, Times: 1})
	w.mustCollect()
}

func TestSmallerPagesThanAsked(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		for _, limit := range []int{1, 2, 7} {
			site, services := shop(crowd(23, time.Hour)...)
			w := start(t, dataCenter, site, services)
			w.fake.Inject(jiratest.Fault{Search: true, PageLimit: limit})
			if r := w.mustCollect(); len(r.incidents) != 23 {
				t.Errorf("pages of %d: %d incidents", limit, len(r.incidents))
			}
		}
	})
}

func TestListingsWithoutEndAreLeft(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		for _, fault := range []jiratest.Fault{{AlwaysMore: true}, {AlwaysMore: true, NoResults: true}} {
			site, services := shop(crowd(3, time.Hour)...)
			w := start(t, dataCenter, site, services)
			fault.Search, fault.JQL = true, "Incident"
			w.fake.Inject(fault)
			r := w.collect()
			if got := calls(r.err); got != searchCall(dataCenter)+" incomplete" || r.covered["incidents"].Group != "" {
				t.Errorf("error %q", got)
			}
			if n := w.fake.Count(searchCall(dataCenter)); n > 30 {
				t.Errorf("%d requests", n)
			}
		}
	})
}

// Pages by offset lose issues when those before them leave the listing.
func TestIssuesThatLeaveBetweenPages(t *testing.T) {
	for _, leave := range []int{1, 3, 60} {
		var issues []jiratest.Issue
		for n := range 250 {
			issues = append(issues, jiratest.Issue{Key: fmt.Sprintf("REP-%d", n), Labels: []string{"security"},
				Created: noon.Add(-30*day + time.Duration(n)*time.Minute), Due: noon.Add(-9 * day)})
		}
		site, services := shop(issues...)
		w := start(t, true, site, services)
		next, _ := shop(issues[leave:]...)
		w.fake.Inject(jiratest.Fault{Search: true, JQL: "due <", Times: 2, Skip: 1, Then: func() { w.fake.SetSite(next) }})
		r := w.mustCollect()
		// Those that left had been seen; none of the others may be missed.
		r.want(t, "reports", map[string]string{"overdue_security_issues": "250"})
	}
}

func TestARateLimitIsWaitedFor(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(crowd(900, time.Hour)...)
		w := start(t, dataCenter, site, services, func(s setup) { s.fake.RateLimit, s.out.BudgetShare = 6, 1 })
		if r := w.mustCollect(); len(r.incidents) != 900 {
			t.Errorf("%d incidents", len(r.incidents))
		}
		for _, q := range w.fake.Requests() {
			if q.Status == http.StatusTooManyRequests {
				t.Errorf("the budget was overdrawn by %s", q.Call)
			}
		}
	})
}

func TestCallerGoes(t *testing.T) {
	site, services := shop(crowd(250, time.Hour)...)
	w := start(t, false, site, services)
	ctx, cancel := context.WithCancel(t.Context())
	r := w.collectWith(ctx, func(evidence.Batch) error { cancel(); return nil })
	if got := calls(r.err); got != "GET /rest/api/2/search/jql canceled" || r.batches != 1 {
		t.Errorf("error %q after %d batches", got, r.batches)
	}
}

// Issues on which the client library's own types fail a page, or lose what was
// said.
func TestIssuesThatCannotBeDecodedCostThemselves(t *testing.T) {
	const known = `"project":{"key":"REP"},"components":[],"resolution":null`
	for name, tc := range map[string]struct {
		jql, issue string
		kind       string
		wants      map[string]map[string]string
	}{
		"no fields": {"game-day", `{"id":"1","key":"REP-9"}`, "issue",
			map[string]map[string]string{"reports": {"last_gameday_age_days": "except undecodable"},
				"cart": {"last_gameday_age_days": "never"}}},
		"no key": {"game-day", `{"id":"1","fields":{}}`, "issue",
			map[string]map[string]string{"reports": {"last_gameday_age_days": "except undecodable"},
				"cart": {"last_gameday_age_days": "except undecodable"}}},
		"null": {"game-day", `null`, "issue",
			map[string]map[string]string{"cart": {"last_gameday_age_days": "except undecodable",
				"last_threat_model_age_days": "never"}}},
		"a number": {"due <", `7`, "issue",
			map[string]map[string]string{"cart": {"overdue_security_issues": "except undecodable"}}},
		"time in Z": {"game-day", `{"id":"1","key":"REP-9","fields":{` + known +
			`,"status":{"id":"6","statusCategory":{"key":"done"}},"created":"2026-01-01T00:00:00Z","resolutiondate":"2026-02-01T00:00:00+00:00"}}`, "", map[string]map[string]string{"reports": {"last_gameday_age_days": "2026-02-01T00:00:00Z"}}},
		"empty dates": {"game-day", `{"id":1,"key":"REP-9","fields":{` + known +
			`,"status":{"id":"6","statusCategory":{"key":"done"}},"created":"2026-01-01T00:00:00.000+0000","resolutiondate":""},"changelog":{"total":1,"histories":[{"created":1767268800,"author":null,"items":[{"field":"status","from":"1","to":"6"}]}]}}`, "", map[string]map[string]string{"reports": {"last_gameday_age_days": "2026-01-01T12:00:00Z"}}},
		"no such date": {"game-day", `{"id":"1","key":"REP-9","fields":{` + known +
			`,"status":{"id":"6","statusCategory":{"key":"done"}},"created":"2026-01-01T00:00:00.000+0000","resolutiondate":"soon"}}`, "issue", map[string]map[string]string{"reports": {"last_gameday_age_days": "except undecodable"}}},
		"no status category": {"game-day", `{"id":"1","key":"REP-9","fields":{` + known +
			`,"status":{"id":"6"},"created":"2026-01-01T00:00:00.000+0000"}}`, "issue",
			map[string]map[string]string{"reports": {"last_gameday_age_days": "except undecodable"}}},
		"a bad history": {"game-day", `{"id":"1","key":"REP-9","fields":{` + known +
			`,"status":{"id":"6","statusCategory":{"key":"done"}},"created":"2026-01-01T00:00:00.000+0000"},"changelog":{"histories":[{"created":null,"items":[{"field":"status"}]}]}}`, "issue", map[string]map[string]string{"reports": {"last_gameday_age_days": "except undecodable"}}},
		"null components": {"due <", `{"id":"1","key":"REP-9","fields":{"project":null,"components":null}}`, "",
			map[string]map[string]string{"reports": {"overdue_security_issues": "1"}}},
		"float and sprint": {"due <", `{"id":"1","key":"REP-9","fields":{` + known +
			`,"timeestimate":1.5,"sprint":[{}],"description":{"type":"doc"}}}`, "",
			map[string]map[string]string{"reports": {"overdue_security_issues": "1"}}},
		"a component is text": {"due <", `{"id":"1","key":"SHOP-9","fields":{"components":"cart"}}`, "issue",
			map[string]map[string]string{"cart": {"overdue_security_issues": "except undecodable"},
				"checkout": {"overdue_security_issues": "except undecodable"}, "reports": {"overdue_security_issues": "0"}}},
		"a bad incident": {
			"Incident",
			`{"id":"1","key":"SHOP-9","fields":{"project":{"key":"SHOP"},"components":[{"name":"cart"}],"status":{"id":"6","statusCategory":{"key":"done"}},"created":"yesterday"}}`,
			"incident",
			map[string]map[string]string{
				"cart": {
					"major_incidents_180d": "except undecodable", "postmortem_ratio_180d": "except undecodable",
					"overdue_security_issues": "0",
				},
				"reports": {"major_incidents_180d": "0"},
			},
		},
		"a bad review": {"Review", `{"id":"1","key":"PRR-9","fields":{"labels":["service-cart"],"status":{"id":"6"}}}`,
			"review", map[string]map[string]string{"cart": {"attest.cicd_change_reviewed": "except undecodable"},
				"checkout": {"attest.cicd_change_reviewed": "false"}}},
		"a bad attestation": {"attest-", `{"id":"1","key":"PRR-9","fields":{"labels":7,"parent":{"id":"10100","key":"PRR-1"}}}`,
			"attestation",
			map[string]map[string]string{"reports": {"attest.cicd_change_reviewed": "except undecodable"},
				"cart": {"attest.cicd_change_reviewed": "false"}}},
		"a bad attestation, of a review without an id": {"attest-",
			`{"id":"1","key":"PRR-9","fields":{"labels":7,"parent":{"key":"PRR-1"}}}`,
			"attestation",
			map[string]map[string]string{"reports": {"attest.cicd_change_reviewed": "except undecodable"},
				"cart": {"attest.cicd_change_reviewed": "false"}}},
		"an attestation of whatever": {"attest-", `{"id":"1","key":"PRR-9","fields":{"labels":7}}`, "attestation",
			map[string]map[string]string{"cart": {"attest.cicd_change_reviewed": "except undecodable"}}},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				v := review(1, "reports", noon.Add(-day))
				v.ID = 10100
				site, services := shop(v)
				w := start(t, dataCenter, site, services)
				w.fake.Inject(jiratest.Fault{Search: true, JQL: tc.jql, Issues: []string{tc.issue}})
				r := w.mustCollect()
				if r.groups() != allGroups {
					t.Fatalf("covered %q", r.groups())
				}
				for service, facts := range tc.wants {
					r.want(t, service, facts)
				}
				lines := strings.Count(w.log.String(), "\n")
				if tc.kind != "" && (r.skipped[tc.kind] == 0 || lines != 1) || tc.kind == "" && lines != 0 {
					t.Errorf("skipped %v, logged %d lines:\n%s", r.skipped, lines, w.log)
				}
				if w.mustCollect(); strings.Count(w.log.String(), "\n") != lines {
					t.Errorf("logged again without a change:\n%s", w.log)
				}
				// What could not be read is doubted until it can be, or is gone.
				w.fake.Heal()
				w.pass(jira.DefaultReconcileEvery)
				w.mustCollect()
				r = w.mustCollect()
				for service, facts := range tc.wants {
					for fact := range facts {
						if !strings.Contains(fact, ".") {
							fact = "jira." + fact
						}
						if got := r.value(service, fact); strings.HasPrefix(got, "except") {
							t.Errorf("%s %s is still %q", service, fact, got)
						}
					}
				}
			})
		})
	}
}
