package jira_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

// review is a review of a service.
func review(n int, service string, created time.Time) jiratest.Issue {
	return jiratest.Issue{
		Key: fmt.Sprintf("PRR-%d", n), Type: "Review", Labels: []string{"service-" + service}, Created: created,
	}
}

// attestation is a good attestation on a review.
func attestation(n int, parent, check string, made time.Time) jiratest.Issue {
	return jiratest.Issue{
		Key: fmt.Sprintf("PRR-%d", n), Parent: parent, Labels: []string{"attest-" + check}, Created: made.Add(-day),
		Done: made, DoneBy: "bob", Assignee: "ann", Description: "See [the wiki|https://wiki.example.com/evidence] please.",
	}
}

// Only a complete listing can say that a review is gone.
func TestReviewsThatDidNotChangeAreStillThere(t *testing.T) {
	site, services := shop(review(1, "cart", noon.Add(-90*day)), review(2, "nobody", noon.Add(time.Minute)))
	w := start(t, false, site, services)
	w.mustCollect()
	w.reviews["PRR-9 cart"] = evidence.Review{
		Source: "jira/main", Key: "PRR-9", Service: "cart", CreatedAt: noon.Add(-90 * day),
	}
	w.pass(30 * time.Minute)
	if r := w.mustCollect(); len(r.reviews) != 0 {
		t.Errorf("%v", r.reviews)
	}
}

func TestReviews(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		open, busy, done := review(1, "cart", noon.Add(-9*day)), review(
			2, "checkout", noon.Add(-9*day),
		), review(3, "reports", noon.Add(-90*day))
		busy.Status = "In Progress"
		done.Labels = append(done.Labels, "service-cart", "service-unheard-of")
		done.Done = noon.Add(-80 * day)
		done.Changes = []jiratest.Change{{At: noon.Add(-2 * day), Field: "comment"}}
		nobody := review(4, "unheard-of", noon.Add(-9*day))
		site, services := shop(open, busy, done, nobody)
		w := start(t, dataCenter, site, services)
		r := w.mustCollect()
		var got []string
		for _, key := range []string{"PRR-1 cart", "PRR-2 checkout", "PRR-3 cart", "PRR-3 reports"} {
			v := r.reviews[key]
			got = append(
				got,
				fmt.Sprint(
					v.Status, v.CreatedAt.Equal(noon.Add(-9*day)), !v.CompletedAt.IsZero() && v.CompletedAt.Equal(done.Done),
				),
			)
		}
		if want := "opentrue false, in_progresstrue false, donefalse true, donefalse true"; strings.Join(got, ", ") != want ||
			len(r.reviews) != 4 {
			t.Errorf("%s of %d", got, len(r.reviews))
		}

		// Changes are seen at once, deletion by the next complete listing, after a restart too.
		open.Done, done.Labels = noon.Add(5*time.Minute), []string{"service-reports"}
		busy.Labels, busy.Changes = nil, []jiratest.Change{{At: noon.Add(5 * time.Minute), Field: "summary"}}
		next, _ := shop(open, busy, done)
		w.fake.SetSite(next)
		w.pass(10 * time.Minute)
		r = w.mustCollect()
		if r.reviews["PRR-1 cart"].Status != evidence.ReviewDone || !r.reviews["PRR-2 checkout"].Gone || len(r.reviews) != 2 {
			t.Errorf("%v", r.reviews)
		}
		next, _ = shop(open, busy)
		w.fake.SetSite(next)
		w.restart()
		if r = w.mustCollect(); !r.reviews["PRR-3 reports"].Gone || r.reviews["PRR-1 cart"].Gone {
			t.Errorf("%v", r.reviews)
		}
	})
}

func TestAttestations(t *testing.T) {
	reviewed := func(change func(review, attestation *jiratest.Issue)) []jiratest.Issue {
		v, c := review(1, "cart", noon.Add(-400*day)), attestation(2, "PRR-1", "cicd-change-reviewed", noon.Add(-100*day))
		c.Labels = []string{"attest-cicd-change-reviewed", "attest-data-access-reviewed", "attest-rel-failover-proven"}
		change(&v, &c)
		return []jiratest.Issue{v, c}
	}
	for name, tc := range map[string]struct {
		issues []jiratest.Issue
		// silver, gold and platinum are the attestations of levels 2, 3 and 4.
		silver, gold, platinum string
		detail                 string
	}{
		"a good one": {
			reviewed(func(_, c *jiratest.Issue) {}), "true", "true", "true",
			"attestation PRR-2 on PRR-1, made 2025-11-24 12:00 UTC",
		},
		"not done": {
			reviewed(func(_, c *jiratest.Issue) { c.Done = time.Time{} }), "false", "false", "false", "it is not done",
		},
		"done again later": {reviewed(func(_, c *jiratest.Issue) {
			c.Changes = []jiratest.Change{
				{At: noon.Add(-5 * day), Field: "comment"}, {At: noon.Add(-4 * day), By: "bob", Field: "status", To: "Closed"},
			}
		}), "true", "true", "true", "made 2025-11-24"},
		"reopened": {reviewed(func(_, c *jiratest.Issue) {
			c.Changes = []jiratest.Change{{At: noon.Add(-5 * day), Field: "status", To: "In Progress"}}
		}), "false", "false", "false", "it is not done"},
		"without a link": {
			reviewed(func(_, c *jiratest.Issue) { c.Description = "Trust us." }), "true", "false", "false",
			"it has no link to evidence, which level 4 needs",
		},
		"a web link": {reviewed(func(_, c *jiratest.Issue) {
			c.Description, c.RemoteLinks = "", []string{"https://wiki.example.com/evidence"}
		}), "true", "true", "true", ""},
		"accepted by its assignee": {
			reviewed(func(_, c *jiratest.Issue) { c.DoneBy = "ann" }), "true", "true", "false", "only its assignee",
		},
		"accepted by its reporter": {
			reviewed(func(_, c *jiratest.Issue) { c.Assignee, c.Reporter = "", "bob" }), "true", "true", "false",
			"only its assignee",
		},
		"accepted by another than its reporter": {
			reviewed(func(_, c *jiratest.Issue) { c.Assignee, c.Reporter = "", "ann" }), "true", "true", "true", "",
		},
		"accepted by nobody known": {reviewed(func(_, c *jiratest.Issue) { c.DoneBy = "" }), "true", "true", "false", ""},
		"closed by automation": {
			reviewed(func(_, c *jiratest.Issue) { c.DoneBy = "app:rules" }), "true", "true", "false",
			"automation has closed it, and level 4 needs a second person",
		},
		"200 days old": {
			reviewed(func(_, c *jiratest.Issue) { c.Created, c.Done = noon.Add(-201*day), noon.Add(-200*day) }), "true", "true",
			"false", "it is older than 180 days",
		},
		"400 days old": {
			reviewed(func(_, c *jiratest.Issue) { c.Created, c.Done = noon.Add(-401*day), noon.Add(-400*day) }), "false",
			"false", "false", "it is older than 180 days",
		},
		"on another issue": {
			reviewed(func(_, c *jiratest.Issue) { c.Parent = "SHOP-9" }), "false", "false", "false", "no issue with the label",
		},
		"of a review of nobody": {
			reviewed(func(v, _ *jiratest.Issue) { v.Labels = nil }), "false", "false", "false", "no issue with the label",
		},
		"on a sub-task of no review": {
			reviewed(func(v, _ *jiratest.Issue) { v.Type = "Task" }), "false", "false", "false", "no issue with the label",
		},
		"on the review itself": {reviewed(func(v, c *jiratest.Issue) {
			v.Labels = append(v.Labels, c.Labels...)
			v.Done, v.DoneBy, v.Assignee, v.Description = noon.Add(-300*day), "bob", "ann", "https://wiki.example.com"
			// The label came after the review was done: then the attestation was made.
			v.Changes = []jiratest.Change{{
				At: noon.Add(-20 * day), By: "ann", Field: "labels", From: "service-cart", To: strings.Join(v.Labels, " "),
			}}
			c.Labels = nil
		}), "true", "true", "true", "attestation PRR-1, made 2026-02-12 12:00 UTC"},
		"an old one and a new one": {append(reviewed(
			func(_, c *jiratest.Issue) { c.Created, c.Done = noon.Add(-401*day), noon.Add(-400*day) },
		),
			attestation(3, "PRR-1", "rel-failover-proven", noon.Add(-day))), "false", "false", "true",
			"attestation PRR-3 on PRR-1"},
		"two that are not good": {append(reviewed(func(_, c *jiratest.Issue) { c.Done = time.Time{} }),
			func() jiratest.Issue {
				c := attestation(3, "PRR-1", "rel-failover-proven", noon.Add(-day))
				c.DoneBy = "ann"
				return c
			}()), "false", "false", "false", "attestation PRR-3 on PRR-1: only its assignee"},
		"a good one and a newer that is not": {append(reviewed(func(_, c *jiratest.Issue) {}),
			func() jiratest.Issue {
				c := attestation(3, "PRR-1", "rel-failover-proven", noon.Add(-day))
				c.DoneBy = "ann"
				return c
			}()), "true", "true", "true", "attestation PRR-2 on PRR-1"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				site, services := shop(tc.issues...)
				w := start(t, dataCenter, site, services, func(s setup) {
					s.fake.ADF, s.jira.AutomationUsers = !dataCenter, []string{"APP:rules"}
				})
				r := w.mustCollect()
				r.want(t, "cart", map[string]string{
					"attest.cicd_change_reviewed": tc.silver, "attest.data_access_reviewed": tc.gold,
					"attest.rel_failover_proven": tc.platinum,
				})
				r.want(
					t, "checkout", map[string]string{"attest.cicd_change_reviewed": "false", "attest.rel_failover_proven": "false"},
				)
				if got := r.records["cart attest.rel_failover_proven"].Detail; !strings.Contains(got, tc.detail) {
					t.Errorf("detail %q, want %q in it", got, tc.detail)
				}
			})
		})
	}
}

func TestAnAttestationAgesAndIsWithdrawn(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		v, c := review(1, "cart", noon.Add(-200*day)), attestation(2, "PRR-1", "rel-failover-proven", noon.Add(-179*day))
		site, services := shop(v, c)
		w := start(t, dataCenter, site, services)
		const fact = "attest.rel_failover_proven"
		r := w.mustCollect()
		if got := r.records["cart "+fact]; !got.Value.Truth() || !got.Since.Equal(c.Done) {
			t.Fatalf("%+v", got)
		}
		w.pass(25 * time.Hour)
		w.mustCollect().want(t, "cart", map[string]string{fact: "false"})

		// Made again, then reopened: seen at the next round.
		at := w.clock()
		c.Changes = []jiratest.Change{
			{At: at.Add(time.Minute), By: "ann", Field: "status", To: "To Do"},
			{At: at.Add(2 * time.Minute), By: "bob", Field: "status", To: "Done"},
			{At: at.Add(15 * time.Minute), By: "bob", Field: "status", To: "To Do"},
		}
		next, _ := shop(v, c)
		w.fake.SetSite(next)
		w.pass(10 * time.Minute)
		w.mustCollect().want(t, "cart", map[string]string{fact: "true"})
		w.pass(10 * time.Minute)
		w.mustCollect().want(t, "cart", map[string]string{fact: "false"})

		// Deleted: seen by the next complete listing.
		c.Changes = c.Changes[:2]
		next, _ = shop(v, c)
		w.fake.SetSite(next)
		w.restart()
		w.mustCollect().want(t, "cart", map[string]string{fact: "true"})
		next, _ = shop(v)
		w.fake.SetSite(next)
		w.pass(time.Hour)
		w.mustCollect().want(t, "cart", map[string]string{fact: "true"})
		w.pass(jira.DefaultReconcileEvery)
		w.mustCollect().want(t, "cart", map[string]string{fact: "false"})
	})
}

func TestAnAttestationSaysWhenItExpires(t *testing.T) {
	for _, tc := range []struct {
		check   string
		age     int // days
		goodFor time.Duration
		want    string
	}{
		{"rel-failover-proven", 149, 0, "true made 2025-10-06 12:00 UTC"},
		{"rel-failover-proven", 150, 0, "true made 2025-10-05 12:00 UTC, expires 2026-04-03 12:00 UTC: make it again"},
		{"cicd-change-reviewed", 334, 0, "true made 2025-04-04 12:00 UTC"},
		{"cicd-change-reviewed", 335, 0, "true made 2025-04-03 12:00 UTC, expires 2026-04-03 12:00 UTC: make it again"},
		// A check may ask for less.
		{"cicd-change-reviewed", 91, 90 * day, "false it is older than 90 days"},
		{"cicd-change-reviewed", 89, 90 * day, "true made 2025-12-05 12:00 UTC, expires 2026-03-05 12:00 UTC: make it again"},
		{"rel-failover-proven", 181, 0, "false it is older than 180 days"},
	} {
		site, services := shop(
			review(1, "cart", noon.Add(-400*day)), attestation(2, "PRR-1", tc.check, noon.Add(-time.Duration(tc.age)*day)),
		)
		w := start(t, false, site, services, func(s setup) {
			for n := range s.jira.Attestations {
				if tc.goodFor > 0 {
					s.jira.Attestations[n].ValidFor = tc.goodFor
				}
			}
		})
		name := "attest." + strings.ReplaceAll(strings.Replace(tc.check, "-", "_", 1), "-", "_")
		record := w.mustCollect().records["cart "+name]
		_, detail, _ := strings.Cut(record.Detail, "PRR-1")
		if got := record.Value.String() + " " + strings.TrimLeft(detail, ",: "); got != tc.want {
			t.Errorf("%s after %d days: %s, want %s", tc.check, tc.age, got, tc.want)
		}
	}
}

func TestManyChangesToAnAttestationDoNotHideItsDate(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		v, c := review(1, "cart", noon.Add(-400*day)), attestation(2, "PRR-1", "cicd-change-reviewed", noon.Add(-370*day))
		for n := range 45 {
			c.Changes = append(c.Changes, jiratest.Change{At: noon.Add(-time.Duration(n) * day), Field: "comment"})
		}
		site, services := shop(v, c)
		w := start(t, dataCenter, site, services)
		w.mustCollect().want(t, "cart", map[string]string{"attest.cicd_change_reviewed": "false"})
	})
}

func TestAWebLinkIsRemembered(t *testing.T) {
	v, with, without := review(1, "cart", noon.Add(-90*day)), attestation(
		2, "PRR-1", "data-access-reviewed", noon.Add(-9*day),
	), attestation(3, "PRR-1", "rel-failover-proven", noon.Add(-9*day))
	with.Description, with.RemoteLinks, without.Description = "", []string{"https://wiki.example.com"}, ""
	site, services := shop(v, with, without)
	w := start(t, false, site, services)
	const call = "GET /rest/api/2/issue/{key}/remotelink"
	w.mustCollect()
	w.pass(jira.DefaultReconcileEvery)
	w.mustCollect().want(
		t, "cart", map[string]string{"attest.data_access_reviewed": "true", "attest.rel_failover_proven": "false"},
	)
	// What was found stays; what was not may have come.
	if n := w.fake.Count(call); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

// An issue can reach the index after a round that looked for it.
func TestLateReviewsAndAttestationsAreNotLost(t *testing.T) {
	v, c := review(1, "cart", noon.Add(-2*time.Minute)),
		attestation(2, "PRR-1", "rel-failover-proven", noon.Add(-time.Minute))
	c.Created = noon.Add(-2 * time.Minute)
	site, services := shop(v, c)
	w := start(t, false, site, services, func(s setup) { s.fake.IndexLag = 9 * time.Minute })
	for range 9 {
		w.mustCollect()
		w.pass(90 * time.Second)
	}
	r := w.mustCollect()
	r.want(t, "cart", map[string]string{"attest.rel_failover_proven": "true"})
	if len(w.reviews) != 1 {
		t.Errorf("%v", w.reviews)
	}
}

func TestANewServiceGetsItsReviewAtOnce(t *testing.T) {
	v, c := review(1, "till", noon.Add(-90*day)), attestation(2, "PRR-1", "cicd-change-reviewed", noon.Add(-9*day))
	site, services := shop(v, c)
	w := start(t, false, site, services)
	if r := w.mustCollect(); len(r.reviews) != 0 {
		t.Errorf("%v", r.reviews)
	}
	w.services = append(w.services, refers("till", "REP"))
	w.pass(30 * time.Minute)
	r := w.mustCollect()
	r.want(t, "till", map[string]string{"attest.cicd_change_reviewed": "true"})
	if r.reviews["PRR-1 till"].Key == "" {
		t.Errorf("%v", r.reviews)
	}
}

func TestWebLinksAreAskedForSeldom(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		const call = "GET /rest/api/2/issue/{key}/remotelink"
		v := review(1, "cart", noon.Add(-300*day))
		v2 := review(2, "reports", noon.Add(-300*day))
		issues := []jiratest.Issue{v, v2}
		for n := range 210 {
			parent := "PRR-1"
			if n > 100 {
				parent = "PRR-2"
			}
			c := attestation(100+n, parent, "data-access-reviewed", noon.Add(-100*day))
			c.Description = ""
			if n == 0 || n == 209 {
				c.RemoteLinks = []string{"https://wiki.example.com"}
			}
			issues = append(issues, c)
		}
		// These need none: it would not help, or is not wanted.
		old, silver := attestation(
			900, "PRR-1", "data-access-reviewed", noon.Add(-370*day),
		), attestation(901, "PRR-1", "cicd-change-reviewed", noon.Add(-day))
		old.Description, silver.Description = "", ""
		site, services := shop(append(issues, old, silver)...)
		w := start(t, dataCenter, site, services)
		r := w.mustCollect()
		r.want(t, "cart", map[string]string{"attest.data_access_reviewed": "true"})
		r.want(t, "reports", map[string]string{"attest.data_access_reviewed": "except not_collected"})
		if n := w.fake.Count(call); n != 200 {
			t.Errorf("%d calls", n)
		}
		w.pass(10 * time.Minute)
		r = w.mustCollect()
		r.want(t, "reports", map[string]string{"attest.data_access_reviewed": "true"})
		if n := w.fake.Count(call); n != 210 {
			t.Errorf("%d calls", n)
		}
		w.pass(10 * time.Minute)
		w.mustCollect()
		if n := w.fake.Count(call); n != 210 {
			t.Errorf("%d calls", n)
		}
	})
}

// An attestation whose web links cannot be had is unknown, and not false; the attestations of
// other services are known all the same.
func TestAWebLinkThatIsRefusedCostsItsServiceAlone(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		const call = "GET /rest/api/2/issue/{key}/remotelink"
		var issues []jiratest.Issue
		for n, service := range []string{"cart", "checkout", "reports"} {
			c := attestation(10+n, fmt.Sprintf("PRR-%d", n), "data-access-reviewed", noon.Add(-9*day))
			c.Description, c.RemoteLinks = "", []string{"https://wiki.example.com"}
			issues = append(issues, review(n, service, noon.Add(-90*day)), c)
		}
		site, services := shop(issues...)
		w := start(t, dataCenter, site, services)
		const fact = "attest.data_access_reviewed"
		w.fake.Inject(jiratest.Fault{Call: call, Status: 403, Times: 1})
		r := w.collect()
		if got := calls(r.err); got != "GET /rest/api/2/issue/{id}/remotelink forbidden" ||
			!strings.Contains(fmt.Sprint(r.err), "PRR-10") {
			t.Errorf("error %q: %v", got, r.err)
		}
		r.want(t, "cart", map[string]string{fact: "except not_collected"})
		for _, service := range []string{"checkout", "reports"} {
			r.want(t, service, map[string]string{fact: "true"})
		}
		// The attestation is asked for again, and the others are not.
		w.fake.Heal()
		w.pass(10 * time.Minute)
		w.mustCollect().want(t, "cart", map[string]string{fact: "true"})
		if n := w.fake.Count(call); n != 4 {
			t.Errorf("%d calls, want 4", n)
		}
	})
}
