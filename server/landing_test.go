package server

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

func landingPage(t *testing.T, s *snapshot.Snapshot) answer {
	t.Helper()
	a := ask(t, newServer(t, options(s)).Handler(), "GET", "/")
	a.expect(t, "landing page", 200)
	if got := a.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	return a
}

func TestLandingPage(t *testing.T) {
	s := fleet("checkout", "search")
	s.Services[1].Badge.Hold = &scoring.Hold{}
	s.Services = append(s.Services, snapshot.Service{Entry: &catalog.Service{Name: "new", Title: "Brand new"}})
	landingPage(t, s).expect(t, "landing page", 200,
		"3 services judged at 2026-03-01 12:00:00 UTC by the framework default 1.2.0",
		`<a href="api/v1/services/checkout">checkout</a>`, "50–75 %", "100 %", "gold</span> on hold",
		"Brand new", "not judged yet", "no score", `gold</span> 2`, `none</span> 0`,
		"pagerduty/main", "never", "Readiness collector 1.0.0",
		`<html lang="en">`, "<caption>", `scope="col"`, "prefers-color-scheme: dark")
}

// TestLandingPageSaysThatAReloadFailed, and when, as long as the old configuration is in
// force for that reason.
func TestLandingPageSaysThatAReloadFailed(t *testing.T) {
	for _, s := range []*snapshot.Snapshot{nil, fleet("checkout")} {
		failed := now
		o := options(s)
		o.ReloadFailed = func() time.Time { return failed }
		h := newServer(t, o).Handler()
		const said = "The configuration was not reloaded at 2026-03-01 12:00:00 UTC"
		ask(t, h, "GET", "/").expect(t, "after a failed reload", 200, said, "the old one stays in force")
		failed = time.Time{}
		if page := ask(t, h, "GET", "/"); strings.Contains(page.body, "not reloaded") {
			t.Error("after a reload that worked the page says that it failed")
		}
	}
}

// TestLandingPageSaysWhatIsMissing: what stands between a service and its next badge is on
// the page, and what of it is unknown.
func TestLandingPageSaysWhatIsMissing(t *testing.T) {
	criteria, facts := twoCheckCriteria(t)
	entry := &catalog.Service{Name: "cart", Tier: 1}
	cards := scoring.Judge(scoring.Inputs{
		Framework: criteria, Evidence: evidencetest.Rows(nil).Row,
		Subjects: []scoring.Subject{scoring.NewSubject(entry, facts, nil)},
	}, now)
	s := &snapshot.Snapshot{At: now, Framework: criteria, Services: []snapshot.Service{{
		Entry: entry, Card: &cards[0], Badge: scoring.BadgeState{At: now},
	}}}
	landingPage(t, s).expect(t, "landing page", 200, `<th scope="col">To the next badge</th>`,
		"<td>1 to Bronze, 1 unknown <small>m.one</small></td>")
}

// TestLandingPageEscapes puts markup wherever text from outside is shown.
func TestLandingPageEscapes(t *testing.T) {
	s := fleet(hostile, "javascript:alert(3)", `../../-/reload`)
	entry := s.Services[0].Entry
	entry.Title, entry.Team = hostile, hostile
	s.Framework.Name, s.Framework.Version = hostile, hostile
	s.Sources[0].ID = hostile
	page := landingPage(t, s)
	for _, bad := range []string{"<script", "<img", `href="javascript:`, `href="../`} {
		if strings.Contains(page.body, bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
	if n := strings.Count(page.body, "&lt;script&gt;"); n < 6 {
		t.Errorf("the text is shown %d times, want it shown and not dropped", n)
	}
	link := regexp.MustCompile(`href="(api/v1/services/[^"]*)"`).FindAllStringSubmatch(page.body, -1)
	if len(link) != len(s.Services) {
		t.Fatalf("%d links to %d services", len(link), len(s.Services))
	}
	h := newServer(t, options(s)).Handler()
	for i, l := range link {
		a := ask(t, h, "GET", "/"+l[1])
		a.expect(t, "link of "+s.Services[i].Entry.Name, 200)
	}
}

// TestLandingPolicy: the browser shows the style only if its hash is the one
// in the policy.
func TestLandingPolicy(t *testing.T) {
	page := landingPage(t, fleet("checkout"))
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page.body)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	policy := page.header.Get("Content-Security-Policy")
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
		t.Errorf("policy %q lacks %q", policy, want)
	}
	if external := regexp.MustCompile(
		`(<[^>]+\s(src|style)=|url\(|@import|https?://)`,
	).FindString(page.body); external != "" {
		t.Errorf("the page refers to something outside, or has a style the policy blocks: %s", external)
	}
}

func TestLandingPageOfManyServices(t *testing.T) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("service-%04d", i)
	}
	page := landingPage(t, fleet(names...))
	if n := strings.Count(page.body, `<th scope="row"><a`); n != len(names) {
		t.Errorf("%d rows, want %d", n, len(names))
	}
	checkBalanced(t, page.body)
}

// checkBalanced reads the page as XML, without the void elements of the head.
func checkBalanced(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(regexp.MustCompile(`<meta[^>]*>`).ReplaceAllString(page, "")))
	d.Entity = xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
	}
}
