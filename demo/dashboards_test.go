package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/dashboardtest"
	"github.com/prodready/collector/rules"
)

// maxSeriesPerService bounds the series of a service on a compact page of the demo. About
// 20 of them are of checks that fail or are unknown: more with the organisation that lags.
const maxSeriesPerService = 68

// findNothing are the queries of the dashboards that rightly find nothing in the
// demo while all is well, by file and place, with the reason. One that begins to
// find something has to be taken off the list.
func findNothing() map[string]string {
	return map[string]string{
		"service.json: Lapses A":           "nothing is on hold while every source answers",
		"fleet.json: Below their target C": "the targets of the default framework have no dates",
		"service.json: Target due A":       "as above",
	}
}

// TestTheDashboardsShowTheDemo asks every query of the dashboards of what the
// collector serves about the demo's company. One that finds nothing is a panel
// that nobody would see anything on.
func TestTheDashboardsShowTheDemo(t *testing.T) {
	today := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	d := collected(t, options{seed: 1, services: 24, listen: "127.0.0.1:0"}, func() time.Time { return today })
	if err := d.collector.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	if err := os.CopyFS(files, rules.Files); err != nil {
		t.Fatal(err)
	}
	page := served(t, d)
	if perService := bytes.Count(page, []byte("{service_name=")) / len(d.company.Services); perService > maxSeriesPerService {
		t.Errorf("%d series a service, want at most %d", perService, maxSeriesPerService)
	}
	engine, err := dashboardtest.New(t.Context(), dashboardtest.Options{
		Folder: t.TempDir(), Exposition: page, Rules: []string{filepath.Join(files, "readiness.rules.yaml")},
		Now: today,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	excused, places := findNothing(), map[string]bool{}
	for _, file := range []string{"fleet.json", "service.json"} {
		queries, err := dashboardtest.Queries(filepath.Join("..", "dashboards", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range queries {
			place := file + ": " + q.Place
			places[place] = true
			switch some, reason := found(t, d, engine, q), excused[place]; {
			case !some && reason == "":
				t.Errorf("%s finds nothing:\n%s", place, q.Expr)
			case some && reason != "":
				t.Errorf("%s finds something: take it off the list of those that do not (%s)", place, reason)
			}
		}
	}
	for place := range excused {
		if !places[place] {
			t.Errorf("%s is on the list of those that find nothing and does not exist", place)
		}
	}
}

// found asks for one service after another until one has something to show.
func found(t *testing.T, d *demo, engine *dashboardtest.Engine, q dashboardtest.Query) bool {
	t.Helper()
	ask := engine.Series
	if q.OverTime {
		ask = engine.SeriesOverTime
	}
	services := d.company.Services
	if !strings.Contains(q.Expr, "$service") {
		services = services[:1]
	}
	return slices.ContainsFunc(services, func(s *company.Service) bool {
		expr, err := q.Fill(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		series, err := ask(t.Context(), expr)
		if err != nil {
			t.Fatalf("%s: %v\n%s", q.Place, err, expr)
		}
		return series > 0
	})
}

// served is the collector's exposition.
func served(t *testing.T, d *demo) []byte {
	t.Helper()
	response, err := http.Get("http://" + d.collector.Addr() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Contains(body, []byte("\nreadiness_score_ratio{")) {
		t.Fatalf("%s, %v: no readiness families in %d bytes", response.Status, err, len(body))
	}
	return body
}
