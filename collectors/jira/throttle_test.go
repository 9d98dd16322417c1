package jira_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
)

// searchedFor are the facts that are searched for, each in a separate group.
const searchedFor = "jira.last_access_review_age_days jira.last_failover_test_age_days jira.last_gameday_age_days jira.last_privacy_review_age_days " +
	"jira.last_restore_test_age_days jira.last_threat_model_age_days jira.overdue_postmortem_actions jira.overdue_privacy_issues " +
	"jira.overdue_security_issues jira.postmortem_ratio_180d jira.undated_security_issues"

// searched are the covered groups that were searched for.
func (r *result) searched() string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(r.groups(), "incidents ", ""), "incidents "),
		" reviews")
}

func TestFactsAreSearchedForOnceAnHour(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop()
		w := start(t, dataCenter, site, services)
		expect := func(what string, wait time.Duration, want string) {
			t.Helper()
			w.pass(wait)
			if got := strings.TrimPrefix(w.mustCollect().searched(), "reviews"); got != want {
				t.Errorf("%s: searched for %q, want %q", what, got, want)
			}
		}
		expect("the first round", 0, searchedFor)
		expect("soon after", 59*time.Minute, "")
		expect("after an hour", time.Minute, searchedFor)
		expect("soon after that", 5*time.Minute, "")
		w.services = append(w.services, refers("new", "REP"))
		expect("another catalog", 5*time.Minute, searchedFor)
		w.restart()
		expect("a new process", 5*time.Minute, searchedFor)
		w.pass(-2 * time.Hour)
		expect("a clock that was put back", 0, searchedFor)
		// What counts from the beginning of a day counts anew when one begins.
		expect("late in the day", w.clock().Truncate(day).Add(day-10*time.Minute).Sub(w.clock()), searchedFor)
		expect("before midnight", 9*time.Minute, "")
		expect("after midnight", 2*time.Minute,
			"jira.overdue_postmortem_actions jira.overdue_privacy_issues jira.overdue_security_issues")
		expect("soon after midnight", 5*time.Minute, "")
	})
}

func TestASearchThatFailedIsMadeAgainInTheNextRound(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop()
		w := start(t, dataCenter, site, services)
		w.fake.Inject(jiratest.Fault{Search: true, JQL: "game-day", Status: 400})
		if r := w.collect(); r.err == nil || strings.Contains(r.groups(), "gameday") {
			t.Fatalf("covered %q, error %v", r.groups(), r.err)
		}
		w.fake.Heal()
		w.pass(5 * time.Minute)
		if got := w.mustCollect().searched(); got != "jira.last_gameday_age_days" {
			t.Errorf("searched for %q", got)
		}
	})
}

func TestWhatIsSearchedForSeldomIsFreshForLonger(t *testing.T) {
	facts, err := jira.DefaultFacts()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		want := 3 * time.Hour
		if f.Mode == jira.ModeMajorIncidents {
			want = 0 // it is observed in every round
		}
		if f.FreshAtLeast != want || f.FreshFor != 0 {
			t.Errorf("%s is fresh for %s at least, want %s", f.Name, f.FreshAtLeast, want)
		}
	}
}

func TestAProjectThatIsNotThereIsLoggedOnce(t *testing.T) {
	site, services := shop()
	w := start(t, false, site, append(services, refers("lost", "GONE")))
	for range 20 {
		w.mustCollect()
		w.pass(10 * time.Minute)
	}
	if n := strings.Count(w.log.String(), "no such project"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// The quota of an app is one for all calls to the site: a search that is refused is
// the last request until the quota is full again, and then a round answers again.
func TestOneRefusalPausesAllCallsToTheSite(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop()
		w := start(t, dataCenter, site, services, func(s setup) { s.out.OneQuota = true })
		w.fake.Inject(jiratest.Fault{Search: true, Status: 429, Header: http.Header{"Retry-After": {"1800"}}})
		if r := w.collect(); r.err == nil || strings.Contains(r.groups(), "incidents") {
			t.Fatalf("covered %q, error %v", r.groups(), r.err)
		}
		if n := w.fake.Count(searchCall(dataCenter)); n != 1 {
			t.Errorf("%d searches were sent, want 1", n)
		}
		w.fake.Heal()
		w.fake.Forget()
		w.pass(10 * time.Minute)
		if r := w.collect(); r.err == nil || len(w.fake.Requests()) != 0 {
			t.Errorf("%d requests within the pause, error %v", len(w.fake.Requests()), r.err)
		}
		w.pass(time.Hour)
		w.mustCollect()
	})
}
