package server

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// linked is a snapshot with a service of each kind of name, judged by two checks.
func linked(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	criteria, facts := twoCheckCriteria(t)
	s := &snapshot.Snapshot{At: now, Framework: criteria}
	in := scoring.Inputs{Framework: criteria, Evidence: evidencetest.Rows(nil).Row}
	for _, entry := range []*catalog.Service{
		{Name: "cart", Team: "payments", Org: "shop", Tier: 1}, {Name: "a.b_c-D", Team: "R&D / labs", Org: "50%", Tier: 4},
		{Name: "lonely", Tier: 3}, {Name: hostile, Team: hostile, Org: "..", Tier: 2},
	} {
		in.Subjects = append(in.Subjects, scoring.NewSubject(entry, facts, nil))
		s.Services = append(s.Services, snapshot.Service{Entry: entry,
			Badge: scoring.BadgeState{Badge: framework.Gold, At: now}})
	}
	cards := scoring.Judge(in, now)
	for i := range cards {
		s.Services[i].Card = &cards[i]
	}
	return s
}

// TestEveryLinkLeadsSomewhere follows all links of all pages.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	o := options(linked(t))
	h := newServer(t, o).Handler()
	href := regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	unescape := strings.NewReplacer("&amp;", "&", "&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">")
	seen := map[string]bool{"/": true}
	for todo := []string{"/"}; len(todo) > 0; todo = todo[1:] {
		at, err := url.Parse(todo[0])
		if err != nil {
			t.Fatal(err)
		}
		a := ask(t, h, "GET", at.RequestURI())
		if a.status != 200 {
			t.Errorf("%s: status %d", at, a.status)
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, m := range href.FindAllStringSubmatch(a.body, -1) {
			to, err := at.Parse(unescape.Replace(m[1]))
			if err != nil || to.Host != "" {
				t.Errorf("%s leads to %s: %v", at, m[1], err)
				continue
			}
			fragment := to.Fragment
			to.Fragment = ""
			if fragment != "" && to.Path == at.Path && !strings.Contains(a.body, `id="`+fragment+`"`) {
				t.Errorf("%s has no %s", at, fragment)
			}
			if path := to.RequestURI(); !seen[path] {
				seen[path] = true
				todo = append(todo, path)
			}
		}
	}
	for _, want := range []string{
		"/services/cart", "/services/a.b_c-D", "/teams/R&D%20%2F%20labs", "/orgs/50%25", "/checks/m.one", "/framework/",
		"/framework/m/one", "/framework/glossary", "/badge/cart.svg", "/favicon.svg", "/api/openapi.yaml", "/metrics",
		"/?sort=name",
	} {
		if !seen[want] {
			t.Errorf("no page leads to %s, but to %v", want, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// TestPagesMayBeKept, and are asked for again.
func TestPagesMayBeKept(t *testing.T) {
	t.Parallel()
	s := linked(t)
	s.Services[0].Entry.Aliases = []string{"basket"}
	h := newServer(t, options(s)).Handler()
	a := ask(t, h, "GET", "/services/cart")
	a.expect(t, "a service", 200)
	again := ask(t, h, "GET", "/services/cart", "If-None-Match", a.header.Get("ETag"))
	if again.status != 304 || again.body != "" {
		t.Errorf("known: %d %q", again.status, again.body)
	}
	policy := a.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "img-src 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %s", policy, want)
		}
	}
	if moved := ask(t, h, "GET", "/services/basket"); moved.status != 302 || moved.header.Get("Location") != "cart" {
		t.Errorf("a former name: %d to %q", moved.status, moved.header.Get("Location"))
	}
	ask(t, h, "GET", "/services/kart").expect(t, "a wrong name", 404, `href="../services/cart"`)
	ask(t, h, "GET", "/?tier=9").expect(t, "a wrong filter", 400, "want a tier from 1 to 4")
	ask(t, h, "POST", "/services/cart").expect(t, "POST", 405, "use GET")
}
