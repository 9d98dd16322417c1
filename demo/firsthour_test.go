package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scaffold"
)

// entries are the catalog entries of a configuration, by name.
func entries(t *testing.T, file map[string]any) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, e := range file["catalog"].(map[string]any)["services"].([]any) {
		entry := e.(map[string]any)
		out[entry["name"].(string)] = entry
	}
	return out
}

// fillIn copies from one entry to another what the closing table asks for: one key,
// or several joined by "and" or "or".
func fillIn(entry, from map[string]any, key string) bool {
	filled := false
	for _, part := range strings.FieldsFunc(strings.ReplaceAll(strings.ReplaceAll(key, " and ", ","), " or ", ","),
		func(c rune) bool { return c == ',' }) {
		parent, child, nested := strings.Cut(part, ".")
		value, known := from[parent]
		if !known {
			continue
		}
		inner, isMap := value.(map[string]any)
		if !nested || !isMap {
			filled = filled || entry[parent] == nil
			entry[parent] = value
			continue
		}
		if inner[child] == nil {
			continue
		}
		if entry[parent] == nil {
			entry[parent] = map[string]any{}
		}
		filled = filled || entry[parent].(map[string]any)[child] == nil
		entry[parent].(map[string]any)[child] = inner[child]
	}
	return filled
}

// badges is what one round from an empty store gives.
func badges(t *testing.T, path string) map[string]framework.Badge {
	t.Helper()
	a, err := app.New(t.Context(), app.Options{ConfigPath: path, Logger: logger(io.Discard, false), Version: version})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := a.CollectOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := map[string]framework.Badge{}
	for _, s := range a.Snapshot().Services {
		out[s.Entry.Name] = s.Badge.Badge
	}
	return out
}

// TestTheFirstHour is what a new user does: init, choose the tiers, fill in what the
// closing table asks for, one round. The badges are those of the company's own
// configuration, for all but a few services.
func TestTheFirstHour(t *testing.T) {
	race.Skip(t, "TestItServesUntilItIsStopped starts the same goroutines")
	emptyTemp(t)
	d := &demo{options: options{seed: 1, services: company.DefaultServices, listen: "127.0.0.1:0"},
		terminal: terminal{out: io.Discard, err: io.Discard, now: time.Now}, log: logger(io.Discard, false)}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	own := readYAML(t, filepath.Join(d.folder, "config.yaml"))
	own["store"] = map[string]any{"url": filepath.Join(d.folder, "own.db")}
	want := badges(t, writeYAML(t, filepath.Join(d.folder, "own.yaml"), own))

	path := filepath.Join(d.folder, "collector.yaml")
	starter, err := scaffold.New(t.Context(), d.starter(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := starter.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	file, known := readYAML(t, path), entries(t, own)
	mine := entries(t, file)
	for name, entry := range mine {
		entry["tier"] = known[name]["tier"]
	}
	file["catalog"].(map[string]any)["teams"] = own["catalog"].(map[string]any)["teams"]
	unlimit(file)
	file["store"] = map[string]any{"url": filepath.Join(d.folder, "firsthour.db")}
	// What was filled in may make more checks apply, which may need more.
	gaps, filled := starter.Gaps, 0
	for range 3 {
		for _, gap := range gaps {
			for _, name := range gap.Services {
				if fillIn(mine[name], known[name], gap.CatalogKey) {
					filled++
				}
			}
		}
		gaps = gapsOf(t, writeYAML(t, path, file))
	}
	got := badges(t, path)
	same := 0
	for name, badge := range want {
		reached, has := got[name]
		if has && reached >= badge {
			same++
			continue
		}
		t.Logf("%s: %v, in its own configuration %v (in the file: %t)", name, reached, badge, has)
	}
	if same < 40 {
		t.Errorf("%d of %d services have the badge of the own configuration, want at least 40; %d keys were filled in", same,
			len(want), filled)
	}
}

// starter are the options of init.
func (d *demo) starter(path string) scaffold.Options {
	pagerDuty, jira, prometheus := config.DefaultPagerDuty(), config.DefaultJira(), config.DefaultPrometheus()
	pagerDuty.Name, pagerDuty.Endpoint, pagerDuty.TokenFile = "main", d.pagerDuty.url, "pagerduty.token"
	jira.Name, jira.URL, jira.Email, jira.TokenFile = "main", d.jira.url, jiraEmail, "jira.token"
	prometheus.Name, prometheus.URL = "main", d.prometheus.URL()
	return scaffold.Options{Path: path, Tier: 3, PagerDuty: &pagerDuty, Jira: &jira, Prometheus: &prometheus}
}

// unlimit lets the collector ask the simulated servers quickly.
func unlimit(file map[string]any) {
	for _, kind := range file["sources"].(map[string]any) {
		for _, source := range kind.([]any) {
			source.(map[string]any)["rate"] = map[string]any{"per_minute": 60000, "share": 1}
		}
	}
}

// gapsOf is the closing table of a configuration.
func gapsOf(t *testing.T, path string) []report.Gap {
	t.Helper()
	valid, err := config.Load(config.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	w, err := app.Configure(app.Options{ConfigPath: path}, valid)
	if err != nil {
		t.Fatal(err)
	}
	gaps := report.NewGaps(evaluation.Blank(w, time.Now()))
	return slices.DeleteFunc(gaps, func(g report.Gap) bool { return g.CatalogKey == "" })
}

func readYAML(t *testing.T, path string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func writeYAML(t *testing.T, path string, file map[string]any) string {
	t.Helper()
	text, err := yaml.Marshal(file)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
