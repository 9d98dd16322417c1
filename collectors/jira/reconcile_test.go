package jira_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
)

// gone counts what a round has withdrawn.
func (r *result) gone() (n int) {
	for _, in := range r.incidents {
		if in.Gone {
			n++
		}
	}
	for _, v := range r.reviews {
		if v.Gone {
			n++
		}
	}
	return n
}

// When many incidents are missing from a complete listing, one answer is not
// enough.
func TestAMassDisappearanceNeedsASecondListing(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		issues := crowd(60, time.Hour)
		site, services := shop(issues...)
		less, _ := shop(issues[20:]...)
		w := start(t, dataCenter, site, services)
		w.mustCollect()
		w.fake.SetSite(less)
		for _, wait := range []time.Duration{jira.DefaultReconcileEvery, time.Minute, time.Minute} {
			w.pass(wait)
			if r := w.mustCollect(); r.gone() != 0 {
				t.Errorf("%d are withdrawn after one answer", r.gone())
			}
		}
		if log := w.log.String(); !strings.Contains(log, "missing=20 of=60") {
			t.Errorf("logged %s", log)
		}
		w.restart() // what was seen outlives the program
		w.pass(10 * time.Minute)
		if r := w.mustCollect(); r.gone() != 20 {
			t.Errorf("%d are withdrawn, want 20", r.gone())
		}

		// An index that is whole again costs nothing.
		w = start(t, dataCenter, site, services)
		w.mustCollect()
		w.fake.SetSite(less)
		w.pass(jira.DefaultReconcileEvery)
		w.mustCollect()
		w.fake.SetSite(site)
		w.pass(10 * time.Minute)
		w.mustCollect()
		w.fake.SetSite(less)
		w.pass(jira.DefaultReconcileEvery)
		if r := w.mustCollect(); r.gone() != 0 {
			t.Errorf("%d are withdrawn though the doubt was over", r.gone())
		}
		// Nor does one that loses more and more.
		least, _ := shop(issues[40:]...)
		w.fake.SetSite(least)
		w.pass(10 * time.Minute)
		if r := w.mustCollect(); r.gone() != 0 {
			t.Errorf("%d are withdrawn though another listing missed others", r.gone())
		}
	})
}

// A first listing after a change of the configuration is a complete one, too.
func TestAMassDisappearanceFromAFirstListing(t *testing.T) {
	issues := crowd(60, time.Hour)
	site, services := shop(issues...)
	w := start(t, false, site, services)
	w.mustCollect()
	for n := range issues[:30] {
		issues[n].Labels = []string{"drill"}
	}
	w.options.Incidents.JQL = incidentsJQL + ` AND labels != "drill"`
	marked, _ := shop(issues...)
	w.fake.SetSite(marked)
	w.restart()
	w.pass(10 * time.Minute)
	if r := w.mustCollect(); r.gone() != 0 {
		t.Errorf("%d are withdrawn after one answer", r.gone())
	}
	w.pass(10 * time.Minute)
	if r := w.mustCollect(); r.gone() != 30 {
		t.Errorf("%d are withdrawn, want 30", r.gone())
	}
	w.pass(10 * time.Minute)
	w.fake.Forget()
	w.mustCollect()
	for _, q := range w.fake.Requests() {
		if strings.Contains(q.JQL, "drill") && !strings.Contains(q.JQL, "updated >= \"-20m\"") {
			t.Errorf("listed again: %s", q.JQL)
		}
	}
}

func TestAFewMayDisappearAtOnce(t *testing.T) {
	for missing, want := range map[int]int{10: 10, 11: 0} {
		issues := crowd(20, time.Hour)
		site, services := shop(issues...)
		less, _ := shop(issues[missing:]...)
		w := start(t, false, site, services)
		w.mustCollect()
		w.fake.SetSite(less)
		w.pass(jira.DefaultReconcileEvery)
		if r := w.mustCollect(); r.gone() != want {
			t.Errorf("of %d missing %d are withdrawn", missing, r.gone())
		}
	}
}

// A project that the account may not browse any more withholds its issues, and
// says nothing about them.
func TestAHiddenProjectWithdrawsNothing(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		v, c := review(1, "cart", noon.Add(-90*day)), attestation(2, "PRR-1", "cicd-change-reviewed", noon.Add(-9*day))
		site, services := shop(append(crowd(30, time.Hour), v, c)...)
		w := start(t, dataCenter, site, services, func(s setup) { s.jira.Reviews.JQL = `issuetype = "Review"` })
		w.mustCollect().want(t, "cart", map[string]string{"attest.cicd_change_reviewed": "true"})
		w.fake.SetSite(jiratest.Site{Projects: []string{"REP", "INC"}})
		for range 4 {
			w.pass(jira.DefaultReconcileEvery)
			r := w.mustCollect()
			r.want(t, "cart", map[string]string{"attest.cicd_change_reviewed": "except not_found",
				"overdue_security_issues": "except not_found"})
			r.want(t, "reports", map[string]string{"attest.cicd_change_reviewed": "false", "overdue_security_issues": "0"})
			if r.gone() != 0 {
				t.Fatalf("%d are withdrawn", r.gone())
			}
		}
		w.fake.SetSite(site)
		w.pass(jira.DefaultReconcileEvery)
		w.mustCollect().want(t, "cart", map[string]string{"attest.cicd_change_reviewed": "true",
			"overdue_security_issues": "0"})
	})
}

func TestReviewsAndAttestationsDisappear(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		var reviews, attestations []jiratest.Issue
		for n := range 20 {
			reviews = append(reviews, review(n, "cart", noon.Add(-90*day)))
			attestations = append(attestations, attestation(100+n, fmt.Sprintf("PRR-%d", n), "cicd-change-reviewed",
				noon.Add(-9*day)))
		}
		const fact = "attest.cicd_change_reviewed"
		whole := append(reviews, attestations...)
		for name, tc := range map[string]struct {
			left []jiratest.Issue
			gone int
			line string
		}{
			"reviews":      {append(append([]jiratest.Issue{}, reviews[:1]...), attestations...), 19, "missing=19 of=20"},
			"attestations": {reviews, 0, "missing=20 of=20"},
		} {
			site, services := shop(whole...)
			w := start(t, dataCenter, site, services)
			w.mustCollect().want(t, "cart", map[string]string{fact: "true"})
			left, _ := shop(tc.left...)
			w.fake.SetSite(left)
			w.restart()
			w.pass(jira.DefaultReconcileEvery)
			r := w.mustCollect()
			r.want(t, "cart", map[string]string{fact: "not covered"})
			if r.gone() != 0 || !strings.Contains(w.log.String(), tc.line) {
				t.Errorf("%s: %d are withdrawn after one answer, logged %s", name, r.gone(), w.log)
			}
			w.pass(10 * time.Minute)
			r = w.mustCollect()
			if r.gone() != tc.gone {
				t.Errorf("%s: %d are withdrawn, want %d", name, r.gone(), tc.gone)
			}
			want := "true"
			if name == "attestations" {
				want = "false"
			}
			r.want(t, "cart", map[string]string{fact: want})
			// Believed once, it is not doubted again.
			w.pass(jira.DefaultReconcileEvery)
			w.mustCollect().want(t, "cart", map[string]string{fact: want})
		}
	})
}

func TestAWithdrawnReviewAndAttestationAreLogged(t *testing.T) {
	v, c := review(1, "cart", noon.Add(-90*day)), attestation(2, "PRR-1", "cicd-change-reviewed", noon.Add(-9*day))
	site, services := shop(v, c, review(3, "cart", noon.Add(-9*day)))
	w := start(t, false, site, services)
	w.mustCollect()
	less, _ := shop(v)
	w.fake.SetSite(less)
	w.pass(jira.DefaultReconcileEvery)
	w.mustCollect()
	for _, want := range []string{
		`msg="reviews are withdrawn that are not listed any more, or name no service" source=jira/main count=1 among_them=[PRR-3]`,
		`msg="attestations are withdrawn that are not listed any more" source=jira/main count=1 among_them=[PRR-2]`,
	} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("%s is not in the log:\n%s", want, w.log)
		}
	}
}
