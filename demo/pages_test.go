package main

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/internal/browsertest"
)

// pagesAreWhole follows every link of every page of the company, and shows one page of each
// kind to Chromium at the width of a small phone, and to axe-core.
func pagesAreWhole(t *testing.T, d *demo) {
	if err := d.collector.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	root := &url.URL{Scheme: "http", Host: d.collector.Addr(), Path: "/"}
	href := regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	pages := map[string]string{}
	kinds := map[string]string{}
	seen := map[string]bool{root.String(): true}
	for todo := []*url.URL{root}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		response, err := http.Get(at.String())
		if err != nil {
			t.Fatal(err)
		}
		isPage := strings.HasPrefix(response.Header.Get("Content-Type"), "text/html")
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", at, response.Status)
			continue
		}
		if !isPage {
			continue
		}
		body := page(t, at.String())
		pages[at.Path] = body
		kind, _, _ := strings.Cut(strings.TrimPrefix(at.Path, "/"), "/")
		if kinds[kind] < at.Path {
			kinds[kind] = at.Path
		}
		for _, m := range href.FindAllStringSubmatch(body, -1) {
			to, err := at.Parse(html.UnescapeString(m[1]))
			if err != nil {
				t.Errorf("%s leads to %s: %v", at, m[1], err)
				continue
			}
			to.Fragment = ""
			// The filters of the fleet are without end.
			if to.Host == root.Host && !seen[to.String()] && (to.RawQuery == "" || at == root) {
				seen[to.String()] = true
				todo = append(todo, to)
			}
		}
	}
	for _, s := range d.collector.Snapshot().Services {
		text := html.UnescapeString(pages["/services/"+s.Entry.Name])
		dashboard := "http://127.0.0.1:3000/d/readiness-service?var-service=" + s.Entry.Name
		const form = "https://jira.example.com/secure/CreateIssueDetails!init.jspa?"
		if !strings.Contains(text, `"`+dashboard+`"`) || !strings.Contains(text, form) {
			t.Errorf("the page of %s links to no dashboard, or to no form for feedback", s.Entry.Name)
		}
		for _, path := range []string{"/services/" + s.Entry.Name, "/teams/" + s.Entry.Team, "/orgs/" + s.Entry.Org} {
			if pages[path] == "" && !strings.HasSuffix(path, "/") {
				t.Errorf("no page leads to %s", path)
			}
		}
	}
	const phone = 360
	paths := slices.Sorted(maps.Values(kinds))
	var bodies []string
	one := map[string]string{}
	for _, path := range paths {
		bodies = append(bodies, pages[path])
		one[path] = pages[path]
	}
	browsertest.Accessible(t, one)
	for i, width := range browsertest.Widths(t, phone, bodies) {
		if width > phone {
			t.Errorf("%s is %d pixels wide", paths[i], width)
		}
	}
}
