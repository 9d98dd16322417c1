package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

// TestServicesAreSelectedAPartAtATime: all parts together are the selection, each service
// once, in its order.
func TestServicesAreSelectedAPartAtATime(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 25 {
		names = append(names, fmt.Sprintf("service-%02d", i))
	}
	h := newServer(t, options(fleet(append(names, "other")...))).Handler()
	var got []string
	cursor, parts := "", 0
	for {
		a := ask(t, h, "GET", "/api/v1/services?q=service&sort=-name&limit=10&cursor="+url.QueryEscape(cursor))
		var page report.ServicesPage
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 || page.Total != 25 {
			t.Fatalf("%d, %v: %s", a.status, err, a.body)
		}
		for _, row := range page.Services {
			got = append(got, row.Service)
		}
		parts++
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if parts != 3 || len(got) != 25 || got[0] != "service-24" || got[24] != "service-00" {
		t.Errorf("%d parts: %v", parts, got)
	}
	for query, want := range map[string]string{
		"teem=payments":      `did you mean \"team\"?`,
		"sort=nam":           `did you mean \"name\"?`,
		"limit=0":            "want a number from 1 to 1000",
		"limit=many":         "want a number from 1 to 1000",
		"cursor=nothing":     "begin again without it",
		"cursor=%2B%2B":      "begin again without it",
		"tier=9":             "want a tier from 1 to 4",
		"below_target=maybe": "want true or false",
	} {
		ask(t, h, "GET", "/api/v1/services?"+query).expect(t, query, 400, want, `"title":"Bad Request"`)
	}
}

// TestWhatTheAPIRefuses: a parameter or name that is not known is an error that names the
// nearest, and a store that does not answer is no fault of who asks.
func TestWhatTheAPIRefuses(t *testing.T) {
	t.Parallel()
	o := options(linked(t))
	h := newServer(t, o).Handler()
	for path, want := range map[string]string{
		"/api/v1/services/cart?all=1":                     `unknown parameter \"all\"`,
		"/api/v1/services/cart/history?sinc=1d":           `did you mean \"since\"?`,
		"/api/v1/services/cart/history?since=yesterday":   "want a duration such as 30d",
		"/api/v1/services/cart/gate?bage=gold":            `did you mean \"badge\"?`,
		"/api/v1/services/cart/gate":                      "nothing is asked",
		"/api/v1/services/cart/gate?badge=golden":         `did you mean \"gold\"?`,
		"/api/v1/services/cart/gate?badge=gold&max_age=x": "want a duration",
		"/api/v1/incidents?service=cart&team=payments":    "give one of them",
		"/api/v1/incidents?window=x":                      "want a duration",
		"/api/v1/incidents?class=noise":                   "the classes are",
		"/api/v1/teams?q=x":                               `unknown parameter \"q\"`,
	} {
		ask(t, h, "GET", path).expect(t, path, 400, want)
	}
	for path, want := range map[string]string{
		"/api/v1/services/kart/history":           `did you mean \"cart\"?`,
		"/api/v1/services/kart/gate?badge=gold":   `did you mean \"cart\"?`,
		"/api/v1/incidents?service=kart":          `did you mean \"cart\"?`,
		"/api/v1/service/cart":                    "GET /api/v1/services/{name}",
		"/api/v1/services/" + url.PathEscape("?"): "unknown service",
	} {
		ask(t, h, "GET", path).expect(t, path, 404, want)
	}
	o.Past, o.Pages = brokenPast{}, nil
	h = newServer(t, o).Handler()
	for _, path := range []string{"/api/v1/services/cart/history", "/api/v1/incidents"} {
		a := ask(t, h, "GET", path)
		a.expect(t, path, 500, "the store did not answer")
		if strings.Contains(a.body, "the disk is full") {
			t.Errorf("%s shows the error of the store", path)
		}
	}
}

// brokenPast is a store that does not answer.
type brokenPast struct{ noPast }

func (brokenPast) History(
	context.Context, *snapshot.Snapshot, string, time.Time,
) (report.History, error) {
	return report.History{}, errors.New("the disk is full")
}

func (brokenPast) Incidents(context.Context, *snapshot.Snapshot, report.IncidentQuery) (report.Incidents, error) {
	return report.Incidents{}, errors.New("the disk is full")
}
