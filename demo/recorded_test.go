package main

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	promapi "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/dashboardtest"
)

// beginWithTheCollector are the queries over time that find nothing of the time before the
// demo began, with the reason.
func beginWithTheCollector() map[string]string {
	const (
		alerts = "firings of alerts are read from the company's Prometheus by the collector, and have no past of their own"
		itself = "the collector of the demo has run for as long as the demo"
	)
	return map[string]string{
		"service.json: Alerts of 30 days A": alerts, "service.json: Alerts of 30 days B": alerts,
		"service.json: Alerts of 30 days C":                  alerts,
		"incidents.json: Alerts of 30 days (all services) A": alerts,
		"incidents.json: Alerts of 30 days (all services) B": alerts,
		"incidents.json: Alerts of 30 days (all services) C": alerts,
		"collector.json: Requests a minute by reason A":      itself,
		"collector.json: Judging takes (p90) A":              itself,
		"collector.json: Size of the store A":                itself,
		"collector.json: Samples of a scrape A":              itself,
	}
}

// TestTheDashboardsHaveAPast asks the demo's Prometheus, before the collector has served
// anything, what the panels that show a time ask of the last 90 days.
func TestTheDashboardsHaveAPast(t *testing.T) {
	d := collected(t, options{seed: 1, services: company.DefaultServices, listen: "127.0.0.1:0"}, storyDay)
	client, err := api.NewClient(api.Config{Address: d.prometheus.URL()})
	if err != nil {
		t.Fatal(err)
	}
	begun := beginWithTheCollector()
	for _, file := range boards(t) {
		queries, err := dashboardtest.Queries(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range queries {
			place := file + ": " + q.Place
			if !q.OverTime {
				continue
			}
			points := pointsOf(t, d, promapi.NewAPI(client), q)
			switch reason := begun[place]; {
			case points < 45 && reason == "":
				t.Errorf("%s has %d points of the last 90 days:\n%s", place, points, q.Expr)
			case points > 0 && reason != "":
				t.Errorf("%s has a past: take it off the list of those that do not (%s)", place, reason)
			}
			delete(begun, place)
		}
	}
	for place := range begun {
		t.Errorf("%s is on the list of those without a past and does not exist", place)
	}
}

// pointsOf is how many points a query has of the last 90 days, six hours apart: those of
// the service that has most.
func pointsOf(t *testing.T, d *demo, ask promapi.API, q dashboardtest.Query) int {
	t.Helper()
	services := d.company.Services
	if !q.OfService() {
		services = services[:1]
	}
	most := 0
	for _, s := range services {
		expr, err := q.Fill(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		const step = 6 * time.Hour
		end := storyDay().Truncate(step).Add(-step)
		found, _, _, err := ask.QueryRange(t.Context(), expr, promapi.Range{
			Start: end.Add(-90 * 24 * time.Hour), End: end, Step: step,
		})
		if err != nil {
			t.Fatalf("%s: %v\n%s", q.Place, err, expr)
		}
		matrix, _ := found.(model.Matrix)
		points := map[model.Time]bool{}
		for _, series := range matrix {
			for _, p := range series.Values {
				points[p.Timestamp] = true
			}
		}
		if most = max(most, len(points)); most >= 45 {
			break
		}
	}
	return most
}
