package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestNothingThatARepositoryNamesIsFetched: links and addresses in the catalog are text.
// Whoever writes an entity must not make the program ask a server for something, such as
// the metadata service of a cloud.
func TestNothingThatARepositoryNamesIsFetched(t *testing.T) {
	s := newSite(t)
	var asked atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		t.Errorf("%s %s was asked for", r.Method, r.URL)
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(inside.Close)
	if err := os.MkdirAll(filepath.Join(s.folder, "shop"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write(filepath.Join("shop", "catalog-info.yaml"), strings.ReplaceAll(`apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: linked
  links: [{url: HERE/link, title: Dashboard}]
  annotations:
    backstage.io/managed-by-location: url:HERE/managed
    backstage.io/source-location: url:HERE/source/
    backstage.io/techdocs-ref: url:HERE/docs
    backstage.io/view-url: HERE/view
    grafana/dashboard-selector: HERE/dashboard
    grafana/overview-dashboard: HERE/overview
    github.com/project-slug: HERE/slug
    readiness/dashboard: HERE/dashboard
    readiness/runbook: HERE/runbook
    prometheus.io/rule: HERE/rule
    pagerduty.com/service-id: ../../../HERE/service
    jira/project-key: HERE
spec: {type: service, owner: payments, lifecycle: production, definition: {$text: HERE/text}}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: more}
spec: {type: url, targets: [HERE/catalog-info.yaml, "file://HERE/x", "//HERE/y", "url:HERE/z"]}
`, "HERE", inside.URL))
	s.edit("collector.yaml", "catalog:\n", "catalog:\n  backstage: [shop/*.yaml]\n  entities: {max_refused_ratio: 1}\n")
	shown := ""
	for _, arguments := range [][]string{
		{"check"}, {"check", "--online"}, {"collect", "--once"}, {"collect", "--once", "--dry-run"},
		{"score", "linked", "--all"},
	} {
		out, errs, _ := s.run(arguments...)
		shown += out + errs
	}
	if !strings.Contains(shown, "is not a file of this machine") || !strings.Contains(shown, "linked") {
		t.Errorf("the entities were not read:\n%s", shown)
	}
	for _, request := range s.vendor.Requests() {
		if strings.Contains(request.Call+request.Query, "127.0.0.1") || strings.Contains(request.Call, "..") {
			t.Errorf("a link of the catalog is in a request: %s?%s", request.Call, request.Query)
		}
	}
}
