package jira_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/transport"
)

// The calls of metrics are those of plans, whatever stands before their paths.
func TestCallsBehindAPrefixAreThePlanned(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		v, c := review(1, "cart", noon.Add(-90*day)), attestation(2, "PRR-1", "rel-failover-proven", noon.Add(-9*day))
		c.Description = ""
		site, services := shop(v, c)
		calls := map[string]bool{}
		w := start(t, dataCenter, site, services, func(s setup) {
			s.out.Template = jira.Template
			s.out.Observe = func(o transport.Observation) { calls[o.Call] = true }
		})
		planned := map[string]bool{}
		for _, call := range w.source.Plan(collectors.Request{Services: w.services, Now: w.clock()}) {
			planned[call.Call] = true
		}
		w.pass(time.Minute)
		w.mustCollect()
		if len(calls) != len(planned) {
			t.Errorf("observed %v, planned %v", calls, planned)
		}
		for call := range calls {
			if !planned[call] {
				t.Errorf("%s is observed and not planned", call)
			}
		}
	})
}

func TestTemplate(t *testing.T) {
	for _, prefix := range []string{"", "/jira", "/ex/jira/11223344-a1b2-c3d4-e5f6-112233445566", "/v2/jira"} {
		for path, want := range map[string]string{
			"/rest/api/2/search/jql":              "GET /rest/api/2/search/jql",
			"/rest/api/2/search":                  "GET /rest/api/2/search",
			"/rest/api/2/status":                  "GET /rest/api/2/status",
			"/rest/api/2/issue/SHOP-1/remotelink": "GET /rest/api/2/issue/{id}/remotelink",
			"/rest/api/2/issue/odd/remotelink":    "GET /rest/api/2/issue/{id}/remotelink",
		} {
			if got := jira.Template(httptest.NewRequest(http.MethodGet, prefix+path, nil)); got != want {
				t.Errorf("%s%s is %q, want %q", prefix, path, got, want)
			}
		}
	}
	parts := strings.Split(jira.Template(httptest.NewRequest(http.MethodPost, "/other/12345", nil)), " ")
	if !slices.Equal(parts, []string{"POST", "/other/{id}"}) {
		t.Errorf("%q", parts)
	}
}
