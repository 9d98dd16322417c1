package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/browsertest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// all are pages of every kind.
func all(t *testing.T, s *Site) map[string]Answer {
	t.Helper()
	ctx := t.Context()
	return map[string]Answer{
		"the fleet":             s.Fleet(ctx, nil),
		"a filtered fleet":      s.Fleet(ctx, url.Values{"q": {hostile}, "team": {hostile}}),
		"a wrong filter":        s.Fleet(ctx, url.Values{hostile: {hostile}}),
		"a service":             s.Service(ctx, "cart"),
		"a service that fails":  s.Service(ctx, "lab"),
		"an unjudged service":   s.Service(ctx, "quiet"),
		"no service":            s.Service(ctx, hostile),
		"a team":                s.Team(ctx, "payments"),
		"a hostile team":        s.Team(ctx, hostile),
		"no team":               s.Team(ctx, "paiments"),
		"an org":                s.Org(ctx, "shop"),
		"a check":               s.Check("inc.on-call"),
		"no check":              s.Check("inc.oncall"),
		"the framework":         s.FrameworkPage(""),
		"a page of a module":    s.FrameworkPage("inc/index"),
		"a page of a check":     s.FrameworkPage("inc/on-call"),
		"no page of the book":   s.FrameworkPage("../../etc/passwd"),
		"a long name":           s.Service(ctx, strings.Repeat("a", 100_000)),
		"a name that is no UTF": s.Service(ctx, "\xff\x00"),
	}
}

func links(o *Options) {
	o.Links = func() Links {
		return Links{Tickets: map[string]string{"jira/main": "https://jira.example.com/browse/{key}"},
			Dashboard: "https://grafana.example.com/d/x?var-service={service}&var-team={team}",
			Feedback:  "https://jira.example.com/create?labels={check}&summary={service}"}
	}
}

// TestEveryPageIsWellFormed: whatever a source says, a page is whole, has one heading of
// the first level and no script, and asks no other site for anything.
func TestEveryPageIsWellFormed(t *testing.T) {
	t.Parallel()
	for what, a := range all(t, planted(t).site(links)) {
		found, err := elements(a.Body)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		count := map[string]int{}
		ids := map[string]bool{}
		for _, e := range found {
			count[e.name]++
			if id := e.attributes["id"]; id != "" && ids[id] {
				t.Errorf("%s has two elements with the id %s", what, id)
			} else if id != "" {
				ids[id] = true
			}
			for name, value := range e.attributes {
				if strings.HasPrefix(name, "on") || name == "style" {
					t.Errorf("%s: %s has %s=%q", what, e.name, name, value)
				}
			}
			if e.name == "a" && strings.HasPrefix(e.attributes["href"], "javascript:") {
				t.Errorf("%s has the link %s", what, e.attributes["href"])
			}
			if src := e.attributes["src"]; strings.Contains(src, "//") {
				t.Errorf("%s loads %s", what, src)
			}
		}
		if count["h1"] != 1 || count["main"] != 1 || count["title"] < 1 || count["script"]+count["iframe"] > 0 {
			t.Errorf("%s: %v", what, count)
		}
	}
}

// TestFieldsAreNamed: an input or a list that has no label tells nothing to those who hear it.
func TestFieldsAreNamed(t *testing.T) {
	t.Parallel()
	page := string(planted(t).site().Fleet(t.Context(), nil).Body)
	fields := regexp.MustCompile(`<(input|select)`).FindAllStringIndex(page, -1)
	if len(fields) < 8 {
		t.Errorf("%d fields", len(fields))
	}
	for _, at := range fields {
		before := page[:at[0]]
		if strings.LastIndex(before, "<label") < strings.LastIndex(before, "</label") {
			t.Errorf("no label: %.80s", page[at[0]:])
		}
	}
}

// TestThePolicyAllowsTheStyle: a browser shows the style only if its hash is the one of the
// policy, and nothing else than it.
func TestThePolicyAllowsTheStyle(t *testing.T) {
	t.Parallel()
	page := planted(t).site().Fleet(t.Context(), nil)
	shown := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(string(page.Body), -1)
	if len(shown) != 1 {
		t.Fatalf("%d styles", len(shown))
	}
	sum := sha256.Sum256([]byte(shown[0][1]))
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(Policy(), want) {
		t.Errorf("the policy %q lacks %q", Policy(), want)
	}
	if external := regexp.MustCompile(`url\(|@import|https?://`).FindString(shown[0][1]); external != "" {
		t.Errorf("the style loads something: %s", external)
	}
}

// TestReviewsAreNamedIfTheyAreMade: a link to pages that are not there helps nobody.
func TestReviewsAreNamedIfTheyAreMade(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		page := planted(t).site(func(o *Options) { o.ReviewsKept = func() bool { return kept } }).Fleet(t.Context(), nil)
		if got := strings.Contains(string(page.Body), `href="./reviews/"`); got != kept {
			t.Errorf("reviews are made: %v; named: %v", kept, got)
		}
	}
}

func TestTheFleet(t *testing.T) {
	t.Parallel()
	c := planted(t)
	s := c.site()
	ctx := t.Context()
	page := s.Fleet(ctx, nil)
	page.has(t, "the fleet", 200, "<b>0 of 3</b> on target", "<b>2</b> late", "<b>1</b> not judged",
		`href="./services/cart"`, `href="./teams/payments"`, `href="./orgs/shop"`, "1–4 of 4 services",
		"Bronze → Silver, because of evidence: inc.rehearsed fail → pass", "jira/main", "never", "1 minute ago",
		"&lt;script&gt;", `framework <a href="./framework/">small 1.0.0</a>`)
	if strings.Contains(main(page), "first judgement") {
		t.Error("a first judgement is shown as a change")
	}
	order := regexp.MustCompile(`href="./services/([a-z]+)">[a-z]+</a>( <small>|</th>)`).FindAllStringSubmatch(main(page), -1)
	var names []string
	for _, m := range order {
		names = append(names, m[1])
	}
	if got := strings.Join(names, " "); got != "checkout cart lab quiet" {
		t.Errorf("the worst first: %s", got)
	}
	s.Fleet(ctx, url.Values{"team": {"payments"}, "sort": {"-name"}}).has(t, "a filter", 200, "1–2 of 2 services that the",
		"<option selected>payments</option>", `aria-sort="descending"`, `href="?sort=name&amp;team=payments#services"`)
	s.Fleet(ctx, url.Values{"q": {"nothing like it"}}).has(t, "an empty filter", 200, "No service is selected by the")
	s.Fleet(ctx, url.Values{"teem": {"payments"}}).has(t, "a wrong filter", 400, "did you mean &#34;team&#34;?",
		"1–4 of 4 services")
}

// TestAllThatMovedIsThere: the first changes at once, the others behind a fold, and all are
// counted.
func TestAllThatMovedIsThere(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.add("cart", "payments", "shop", 1, framework.Silver, 2, true)
	for i := range maxMoves + maxMoreMoves + 3 {
		from, to := framework.Silver, framework.Bronze
		if i%3 == 0 {
			from, to = to, from
		}
		c.moves = append(c.moves, scoring.Transition{Service: "cart", At: now().Add(-time.Duration(1000-i) * time.Minute),
			From: from, To: to, Cause: scoring.CauseEvidence})
	}
	page := c.site().Fleet(t.Context(), nil)
	page.has(t, "the fleet", 200, "71 rose, 140 fell.", "<summary>200 more</summary>",
		"and 3 more: <code>collector review")
	if n := strings.Count(main(page), `<small class="date">`); n != maxMoves+maxMoreMoves {
		t.Errorf("%d changes are shown", n)
	}
}

func TestPagesOfTheFleet(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for i := range 120 {
		c.add(fmt.Sprintf("service-%03d", i), "payments", "shop", 1, framework.Silver, 2, true)
	}
	s := c.site()
	for page, want := range map[string]string{
		"": "1–50 of 120", "1": "1–50 of 120", "2": "51–100 of 120", "3": "101–120 of 120", "99": "101–120 of 120",
		"0": "1–50 of 120", "-1": "1–50 of 120", "many": "1–50 of 120",
	} {
		s.Fleet(t.Context(), url.Values{"page": {page}, "sort": {"name"}}).has(t, "page "+page, 200, want)
	}
	s.Fleet(t.Context(), url.Values{"page": {"2"}, "sort": {"name"}, "q": {"service"}}).has(t, "the second page", 200,
		`href="?page=1&amp;q=service&amp;sort=name#services">previous`, `href="?page=3&amp;q=service&amp;sort=name#services">next`)
}

func TestAService(t *testing.T) {
	t.Parallel()
	s := planted(t).site(links)
	ctx := t.Context()
	s.Service(ctx, "cart").has(t, "cart", 200,
		`Team <a href="../teams/payments">payments</a>`, `<span class="badge silver">Silver</span>`, "since 2026-10-24",
		"Gold by 2026-11-01: late since 2026-11-02 (21 days); 1 check to go", "The shortest way to Gold", "No gap in the next two weeks",
		"pagerduty.next_gap_hours", "72 hours", "observed 5 minutes ago by pagerduty/main",
		"Nobody is on call from 2026-11-26 06:00 UTC on.", `href="https://example.pagerduty.com/incidents/Q1"`,
		`src="../badge/cart.svg"`, "https://grafana.example.com/d/x?var-service=cart&amp;var-team=payments",
		"https://jira.example.com/create?labels=inc.no-gap&amp;summary=cart", "Bronze → Silver, because of evidence",
		`aria-label="The badge over the last 90 days"`)
	s.Service(ctx, "lab").has(t, "lab", 200, "The shortest way to Bronze", "<code>terraform apply</code>",
		"&lt;b&gt;tell&lt;/b&gt;", "S: hours")
	s.Service(ctx, "quiet").has(t, "quiet", 200, "not judged", "Unknown: evidence is missing",
		"pagerduty.oncall_now: the source has not answered yet")
	s.Service(ctx, "checkot").has(t, "a wrong name", 404, `There is no service &#34;checkot&#34;`, `href="../services/checkout"`)
	if a := s.Service(ctx, "old-checkout"); a.Status != 302 || a.Redirect != "checkout" {
		t.Errorf("a former name: %d %q", a.Status, a.Redirect)
	}
}

func TestTeamsAndOrgs(t *testing.T) {
	t.Parallel()
	s := planted(t).site(links)
	ctx := t.Context()
	s.Team(ctx, "payments").has(t, "a team", 200, `<th scope="row">all services</th><td class="number">4</td>`,
		"Kudos", "What brings most", "In the way of the next badge of 1 service, the only thing for 1",
		`src="../badge/team/payments.svg"`, `href="../reviews/2026-W47.html"`, "Silver → Bronze",
		"https://grafana.example.com/d/x?var-service=&amp;var-team=payments")
	s.Org(ctx, "shop").has(t, "an org", 200, "Targets by team", `href="../teams/payments"`)
	s.Team(ctx, "paiments").has(t, "a wrong team", 404, `href="../teams/payments"`)
	s.Org(ctx, "").has(t, "no org", 404)
	s.Team(ctx, hostile).has(t, "a hostile team", 200, "&lt;script&gt;")
}

// TestReviewsAndDrift: who was reviewed, by which ticket, when the next is due, and what is
// no longer as it was attested.
func TestReviewsAndDrift(t *testing.T) {
	t.Parallel()
	s := planted(t).site(links)
	ctx := t.Context()
	s.Service(ctx, "cart").has(t, "a reviewed service", 200,
		`<a href="https://jira.example.com/browse/PRR-7">PRR-7</a>, completed 2026-11-20, 3 days ago`,
		"<dt>next</dt><dd>2027-11-20, in 362 days</dd>", "<dt>open</dt><dd>1 review</dd>",
		"Drifted: no longer as it was attested", `href="../checks/inc.runbook"`, "a machine contradicts")
	s.Service(ctx, "quiet").has(t, "a service without a review", 200, "none is known to be completed")
	s.Service(ctx, "lab").has(t, "an overdue service", 200, "overdue by 135 days, since 2026-07-11", "&lt;script&gt;",
		"runbook.share: the source answered and has nothing for this service; needs data of the exporter of runbooks")
	if page := string(s.Service(ctx, "checkout").Body); strings.Contains(page, "Drifted") {
		t.Error("a service that has not drifted is said to have")
	}
	s.Team(ctx, "payments").has(t, "a team", 200, "Completed in the last 30 days", `href="../services/cart#reviews"`,
		"Incidents of 30 days, compared with all services",
		`<th scope="row">payments</th><td class="number">7</td><td class="number">3.5</td><td class="number">1 h</td>`,
		`<th scope="row">all services</th><td class="number">10</td><td class="number">2.5</td>`, "25%",
		`<a href="../services/cart#reviews">cart</a>: <a href="../checks/inc.runbook">inc.runbook</a>`)
	s.Team(ctx, hostile).has(t, "a team that is overdue", 200, "None was completed", "<h3>Overdue</h3>",
		`>lab</a>: overdue by 135 days, since 2026-07-11; `)
	s.Fleet(ctx, nil).has(t, "the fleet", 200, "in force since 2026-05-07", "What this version changed",
		"The first &lt;b&gt;version&lt;/b&gt;, with <code>inc.on-call</code>.")
}

func TestAPageOfACheck(t *testing.T) {
	t.Parallel()
	s := planted(t).site(links)
	s.Check("inc.on-call").has(t, "a check", 200, "2 services passing, 1 service failing, 1 service unknown",
		`href="../services/lab"`, `href="../services/quiet"`, "At least one person is on call now.",
		`href="../framework/inc/index"`, "https://jira.example.com/create?labels=inc.on-call&amp;summary=")
	s.Check("inc.oncall").has(t, "a wrong check", 404, `href="../checks/inc.on-call"`)
	s.FrameworkPage("").has(t, "the index", 200, `href="./inc/index"`)
	s.FrameworkPage("inc/on-call").has(t, "a page of the framework", 200, `href="../levels"`, `href="../inc/index"`)
	s.FrameworkPage("inc/on-cal").has(t, "a wrong page", 404, `href="../../framework/inc/on-call"`)
}

func TestBeforeTheFirstJudgementAndWithoutAStore(t *testing.T) {
	t.Parallel()
	c := planted(t)
	s := c.site(func(o *Options) {
		o.Current = func() *snapshot.Snapshot { return nil }
		o.Waiting = func() string { return "no source is configured" }
		o.ReloadFailed = func() time.Time { return now() }
	})
	s.Fleet(t.Context(), nil).has(t, "the fleet", 200, "Nothing to show yet: no source is configured.",
		"The configuration was not reloaded at 2026-11-23 06:00 UTC")
	s.Service(t.Context(), "cart").has(t, "a service", 503)
	s.Team(t.Context(), "payments").has(t, "a team", 503)
	s.Check("inc.on-call").has(t, "a check", 503)
	s.FrameworkPage("").has(t, "the framework", 503)

	c.err = errors.New("the disk is full")
	s = c.site()
	s.Fleet(t.Context(), nil).has(t, "the fleet", 500, "The store did not answer")
	s.Service(t.Context(), "cart").has(t, "a service", 500, "The store did not answer")
	s.Team(t.Context(), "payments").has(t, "a team", 500)
	if page := string(s.Service(t.Context(), "cart").Body); strings.Contains(page, "the disk is full") {
		t.Error("a page shows the error of the store, which may have an address")
	}
}

// phone is the width of a small one, in pixels.
const phone = 360

// TestPagesFitAPhone: nothing may be wider, but what scrolls on its own.
func TestPagesFitAPhone(t *testing.T) {
	t.Parallel()
	pages := all(t, planted(t).site(links))
	names := slices.Sorted(maps.Keys(pages))
	var bodies []string
	for _, name := range names {
		bodies = append(bodies, string(pages[name].Body))
	}
	for i, width := range browsertest.Widths(t, phone, bodies) {
		if width > phone {
			t.Errorf("%s is %d pixels wide", names[i], width)
		}
	}
}

// TestPagesAreAccessible: axe-core finds nothing that keeps people from reading a page, by
// day and by night, on a phone and on a desk.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	for name, a := range all(t, planted(t).site(links)) {
		pages[name] = string(a.Body)
	}
	browsertest.Accessible(t, pages)
}
