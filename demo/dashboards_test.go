package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/dashboardtest"
	"github.com/prodready/collector/demo/project"
	"github.com/prodready/collector/grafana"
	"github.com/prodready/collector/rules"
)

// maxSeriesPerService bounds the series of a service on a compact page of the demo. About
// 20 of them are of checks that fail or are unknown: more with the organisation that lags.
const maxSeriesPerService = 70

// findNothing are the queries of the dashboards that rightly find nothing in the
// demo while all is well, by file and place, with the reason. One that begins to
// find something has to be taken off the list.
func findNothing() map[string]string {
	const (
		held   = "nothing is on hold while every source answers"
		drift  = "no machine contradicts what a review of the demo has attested"
		well   = "nothing of the kind goes wrong in the demo"
		still  = "counters stand still between the scrapes of the test"
		limits = "the vendors of the demo say nothing of limits"
	)
	return map[string]string{
		"service.json: Lapses in A":                           held,
		"fleet.json: Badges on hold A":                        held,
		"fleet.json: Badges on hold B":                        held,
		"service.json: Ceiling A":                             "every service of the demo can reach Diamond",
		"service.json: Drifted checks A":                      drift,
		"team.json: Reviews overdue or due C":                 drift,
		"collector.json: Objects that could not be decoded A": well,
		"collector.json: Errors of expressions A":             well,
		"collector.json: Requests a minute by reason A":       still,
		"fleet.json: Awards a day (all services) A":           still,
		"fleet.json: Regressions a day (all services) A":      still,
		"collector.json: Budget left A":                       limits,
	}
}

// TestTheDashboardsShowTheDemo asks every query of the dashboards of what the
// collector serves about the demo's company. One that finds nothing is a panel
// that nobody would see anything on.
func TestTheDashboardsShowTheDemo(t *testing.T) {
	d := collected(t, options{seed: 1, services: company.DefaultServices, listen: "127.0.0.1:0"}, storyDay)
	if err := d.collector.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	if err := os.CopyFS(files, rules.Files); err != nil {
		t.Fatal(err)
	}
	// The effects of the month are estimated after the start.
	page := []byte(until(t, "http://"+d.collector.Addr()+"/metrics", "readiness_review_effect_verdict{"))
	if perService := bytes.Count(page, []byte("{service_name=")) / len(d.company.Services); perService > maxSeriesPerService {
		t.Errorf("%d series a service, want at most %d", perService, maxSeriesPerService)
	}
	past, err := project.Recorded(d.company)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := dashboardtest.New(t.Context(), dashboardtest.Options{
		Folder: t.TempDir(), Exposition: twinned(page, d.company.Services[0].Name),
		Rules: []string{filepath.Join(files, "readiness.rules.yaml")},
		Now:   storyDay(), Past: past,
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
	for _, file := range boards(t) {
		queries, err := dashboardtest.Queries(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range queries {
			place := file + ": " + q.Place
			places[place] = true
			if q.Panel == "table" && !q.Only {
				tellsSomething(t, d, engine, place, q)
			}
			if q.OfService() {
				findsTheTwin(t, d, engine, place, q)
			}
			if q.Panel == "state-timeline" {
				showsEveryService(t, d, engine, place, q)
			}
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

// twin is the name of a service that is as odd as names can be.
const twin = `zähler "1".a\b'$1{}`

// twinned is an exposition with a second service that has all that one has.
func twinned(page []byte, name string) []byte {
	var out strings.Builder
	label := `service_name="` + name + `"`
	odd := "service_name=" + strconv.Quote(twin)
	for line := range strings.Lines(string(page)) {
		out.WriteString(line)
		if !strings.HasPrefix(line, "#") && strings.Contains(line, label) {
			out.WriteString(strings.Replace(line, label, odd, 1))
		}
	}
	return []byte(out.String())
}

// findsTheTwin fails where the oddness of a name changes what is found.
func findsTheTwin(t *testing.T, d *demo, engine *dashboardtest.Engine, place string, q dashboardtest.Query) {
	t.Helper()
	var series [2]int
	for i, name := range []string{d.company.Services[0].Name, twin} {
		expr, err := q.Fill(name)
		if err != nil {
			t.Fatal(err)
		}
		if series[i], err = engine.Series(t.Context(), expr); err != nil {
			t.Fatalf("%s: %v\n%s", place, err, expr)
		}
	}
	if series[0] != series[1] {
		t.Errorf("%s has %d series of a service and %d of its twin with an odd name", place, series[0], series[1])
	}
}

// boards are the files of the dashboards.
func boards(t *testing.T) []string {
	t.Helper()
	names, err := grafana.Names()
	if err != nil || len(names) != 5 {
		t.Fatalf("%q, %v: want five dashboards", names, err)
	}
	return names
}

// tellsSomething fails for a column of a table that is 1 in every one of many rows: of that
// the labels are what matters, and the column only takes their room.
func tellsSomething(t *testing.T, d *demo, engine *dashboardtest.Engine, place string, q dashboardtest.Query) {
	t.Helper()
	expr, err := q.Fill(d.company.Services[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	values, err := engine.Values(t.Context(), expr)
	if err != nil {
		t.Fatalf("%s: %v\n%s", place, err, expr)
	}
	if len(values) > 5 && !slices.ContainsFunc(values, func(v float64) bool { return v != 1 }) {
		t.Errorf("%s is 1 in each of %d rows", place, len(values))
	}
}

// showsEveryService fails where a panel over time has nothing at all to show of a service:
// Grafana complains of a missing time then.
func showsEveryService(t *testing.T, d *demo, engine *dashboardtest.Engine, place string, q dashboardtest.Query) {
	t.Helper()
	for _, s := range d.company.Services {
		expr, err := q.Fill(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		if series, err := engine.SeriesOverTime(t.Context(), expr); err != nil || series == 0 {
			t.Errorf("%s has %d series of %s: %v", place, series, s.Name, err)
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
	if !q.OfService() {
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
