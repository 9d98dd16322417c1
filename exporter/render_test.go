package exporter

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden pages and docs/metrics.md")

// golden compares with a file, which -update rewrites.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf(
			"%s differs from what the code makes; look at the change and run go test ./exporter -update\n%s", path,
			firstDifference(want, got),
		)
	}
}

func firstDifference(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return "want " + w[i] + "\ngot  " + g[i]
		}
	}
	return "one of them ends early"
}

func mustRender(t testing.TB, s *snapshot.Snapshot, o Options) *Page {
	t.Helper()
	page, err := new(Renderer).Render(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// parseText reads a page with Prometheus's common parser.
func parseText(t testing.TB, page []byte) map[string][]map[string]string {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		t.Fatalf("the text page does not parse: %v", err)
	}
	series := map[string][]map[string]string{}
	for name, family := range families {
		series[name] = []map[string]string{}
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			series[name] = append(series[name], labels)
		}
	}
	return series
}

func TestGoldenPages(t *testing.T) {
	golden(t, "testdata/small.compact.txt", mustRender(t, smallSnapshot(), Options{}).Bytes(Text))
	page := mustRender(t, smallSnapshot(), Options{Detail: Full})
	golden(t, "testdata/small.txt", page.Bytes(Text))
	golden(t, "testdata/small.openmetrics.txt", page.Bytes(OpenMetrics))
	if lines := bytes.Count(page.Bytes(Text), []byte("\n")) - bytes.Count(
		page.Bytes(Text), []byte("\n#"),
	) - 1; lines != page.Series() {
		t.Errorf("Series() = %d, but the page has %d", page.Series(), lines)
	}
}

func TestRenderIsDeterministic(t *testing.T) {
	s := smallSnapshot()
	s.Transitions = append(s.Transitions,
		snapshot.TransitionCount{Direction: "regress", Cause: "later", Count: 3},
		snapshot.TransitionCount{Direction: "award", Cause: "later", Count: 4})
	first := mustRender(t, s, Options{})
	if want := `badge_transitions_total{direction="regress",cause="later"} 3`; !bytes.Contains(
		first.Bytes(Text), []byte(want),
	) {
		t.Errorf("the page lacks %s, a cause of a newer version", want)
	}
	for range 20 {
		again := mustRender(t, s, Options{})
		if !bytes.Equal(first.formats[Text].deflated(), again.formats[Text].deflated()) {
			t.Fatal("the same snapshot gave two different pages")
		}
	}
}

func TestPromlint(t *testing.T) {
	page := mustRender(t, largeSnapshot(3), Options{Detail: Full, CheckStatusPass: true})
	small := mustRender(t, smallSnapshot(), Options{})
	for name, text := range map[string][]byte{"large": page.Bytes(Text), "small": small.Bytes(Text)} {
		problems, err := promlint.New(bytes.NewReader(text)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", name, p.Metric, p.Text)
		}
	}
}

func TestHostileNames(t *testing.T) {
	s := smallSnapshot()
	s.Services = append(s.Services, snapshot.Service{Entry: &catalog.Service{Name: "broken \xff\x00 name"}})
	found := map[string]bool{}
	for _, labels := range parseText(t, mustRender(t, s, Options{}).Bytes(Text))["readiness_service_info"] {
		found[labels[ServiceLabel]] = true
	}
	for _, want := range []string{hostileName, "checkout", "broken \uFFFD\uFFFD name"} {
		if !found[want] {
			t.Errorf("no service_info of %q: %v", want, found)
		}
	}
}

func TestPassesAreRenderedOnRequest(t *testing.T) {
	count := func(o Options) map[string]int {
		statuses := map[string]int{}
		for _, labels := range parseText(t, mustRender(t, smallSnapshot(), o).Bytes(Text))["readiness_check_status"] {
			statuses[labels["status"]]++
		}
		return statuses
	}
	if n := count(Options{})["pass"]; n != 0 {
		t.Errorf("%d passing checks without being asked for", n)
	}
	if n := count(Options{CheckStatusPass: true})["pass"]; n != 1 {
		t.Errorf("%d passing checks, want 1", n)
	}
	if n := count(Options{})["unknown"]; n != 1 {
		t.Errorf("%d unknown checks, want 1", n)
	}
	for _, tc := range []struct {
		options Options
		want    string
	}{
		{Options{Detail: Compact}, "map[unknown:1]"},
		{Options{Detail: Compact, CheckStatusPass: true}, "map[pass:1 unknown:1]"},
		{Options{Detail: Full}, "map[exempt:1 not_applicable:2 scheduled:1 unknown:1]"},
	} {
		if got := fmt.Sprint(count(tc.options)); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.options, got, tc.want)
		}
	}
}

// TestBirth holds the families to the rule that no data is no series, while
// marks and counters begin at zero.
func TestBirth(t *testing.T) {
	empty := parseText(t, mustRender(t, &snapshot.Snapshot{At: now}, Options{Detail: Full}).Bytes(Text))
	if len(empty) != 2 || len(empty["readiness_snapshot_timestamp_seconds"]) != 1 {
		t.Errorf("an empty snapshot has the families %v, want its time and the counter alone", empty)
	}
	seen := map[string]bool{}
	for _, labels := range empty["readiness_badge_transitions_total"] {
		seen[labels["direction"]+"/"+labels["cause"]] = true
	}
	for _, direction := range Directions() {
		for _, cause := range scoring.Causes() {
			if !seen[direction+"/"+string(cause)] {
				t.Errorf("badge_transitions_total{direction=%q,cause=%q} is not born", direction, cause)
			}
		}
	}

	series := parseText(t, mustRender(t, smallSnapshot(), Options{Detail: Full}).Bytes(Text))
	has := func(family, service string) bool {
		for _, labels := range series[Prefix+family] {
			if labels[ServiceLabel] == service {
				return true
			}
		}
		return false
	}
	for family, want := range map[string][3]bool{ // judged, nothing counts, not judged
		"score_ratio":                   {true, false, false},
		"evidence_coverage_ratio":       {true, false, false},
		"module_level":                  {true, false, false},
		"module_checks":                 {true, true, false},
		"badge_on_hold":                 {true, true, false},
		"badge":                         {true, true, false},
		"badge_lapse_timestamp_seconds": {true, false, false},
		"badge_last_transition_timestamp_seconds": {true, false, false},
		"grace_end_timestamp_seconds":             {false, true, false},
		"target_badge_level":                      {true, false, true},
		"target_due_timestamp_seconds":            {true, false, false},
		"service_info":                            {true, true, true},
		"incidents":                               {true, true, false}, // acknowledged, open and unknown, never any
		"incidents_open":                          {true, true, false},
		"incident_resolution_p50_seconds":         {true, false, false},
		"incident_acknowledgement_p50_seconds":    {true, false, false},
		"incident_acknowledged_within_ratio":      {true, false, false},
		"incident_noise":                          {true, false, false},
		"review_completed_timestamp_seconds":      {true, false, false}, // completed, none, open
		"review_drift_checks":                     {true, false, false},
	} {
		for i, service := range []string{"checkout", hostileName, "new"} {
			if has(family, service) != want[i] {
				t.Errorf("%s{service_name=%q} present: %v, want %v", family, service, !want[i], want[i])
			}
		}
	}
	if n := len(series["readiness_exemption_expiry_timestamp_seconds"]); n != 1 {
		t.Errorf("%d exemptions, want the one in force, once", n)
	}
}

// TestNoSeriesTwice: a duplicate would cost Prometheus the sample, and in
// OpenMetrics the scrape.
func TestNoSeriesTwice(t *testing.T) {
	page := mustRender(t, largeSnapshot(20), Options{CheckStatusPass: true}).Bytes(Text)
	seen := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		series := line[:strings.LastIndexByte(line, ' ')]
		if seen[series] {
			t.Errorf("twice on the page: %s", series)
		}
		seen[series] = true
	}
}

func TestRenderRefuses(t *testing.T) {
	if _, err := new(Renderer).Render(nil, Options{}); err == nil {
		t.Error("no snapshot was rendered")
	}
	s := smallSnapshot()
	s.Services = append(s.Services, s.Services[0])
	if _, err := new(Renderer).Render(s, Options{}); err == nil || !strings.Contains(err.Error(), `"checkout"`) {
		t.Errorf("two services of one name: %v", err)
	}
	wrong := Family{
		Name: "wrong", Labels: []string{"one"},
		Collect: ofSnapshot(func(_ *snapshot.Snapshot, _ Options, emit Emit) { emit(1, "a", "b") }),
	}
	var r Renderer
	if err := r.begin([]Family{wrong}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Render(smallSnapshot(), Options{}); err == nil ||
		!strings.Contains(err.Error(), "readiness_wrong") {
		t.Errorf("more values than labels: %v", err)
	}
}

func TestNumbers(t *testing.T) {
	inf := math.Inf(1)
	for value, want := range map[float64]string{
		0: "0", 1: "1", -2: "-2", 0.25: "0.25", 1772366400: "1772366400", 1772366400.125: "1772366400.125",
		1e-9: "1e-09", 1e20: "1e+20", inf: "+Inf", -inf: "-Inf",
	} {
		if got := string(appendNumber(nil, value)); got != want {
			t.Errorf("%g is written %s, want %s", value, got, want)
		}
	}
}
