package prometheus

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// started runs a server for the test and a client of its API.
func started(t *testing.T, o Options) (*Server, v1.API) {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.NewClient(client.Config{Address: s.URL(), RoundTripper: transport})
	if err != nil {
		t.Fatal(err)
	}
	return s, v1.NewAPI(c)
}

func listed(all ...Series) iter.Seq[Series] { return slices.Values(all) }

// ask evaluates a query and returns its samples as text.
func ask(t *testing.T, api v1.API, query string, at time.Time) []string {
	t.Helper()
	value, warnings, infos, err := api.Query(t.Context(), query, at)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if len(warnings)+len(infos) > 0 {
		t.Errorf("%s: %q %q", query, warnings, infos)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		t.Fatalf("%s gives a %s", query, value.Type())
	}
	var got []string
	for _, s := range vector {
		got = append(got, fmt.Sprintf("%s %s", s.Metric, s.Value))
	}
	slices.Sort(got)
	return got
}

func rulesFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// waitFor asks again until the answer is right. Rules and scrapes go by the
// machine's clock, so there is nothing to inject.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	give := time.After(5 * time.Minute)
	for !done() {
		select {
		case <-ticker.C:
		case <-give:
			t.Fatalf("%s did not come", what)
		}
	}
}

// stretches are times at which a series has the value 1.
type stretches []Span

func (s stretches) holds(at time.Time) (float64, bool) {
	return 1, slices.ContainsFunc(s, func(one Span) bool { return one.Holds(at) })
}

func TestThePastAndThePresentAnswerQueries(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 34, 56, 0, time.UTC)
	// Five minutes ten days ago, and ten a week ago.
	spells := stretches{
		{From: now.Add(-10 * 24 * time.Hour), Until: now.Add(-10*24*time.Hour + 5*time.Minute)},
		{From: now.Add(-7 * 24 * time.Hour), Until: now.Add(-7*24*time.Hour + 10*time.Minute)},
	}
	_, api := started(t, Options{
		Now: func() time.Time { return now }, Every: -1,
		Series: listed(
			Series{Name: "kept", Labels: map[string]string{"of": "a", "empty": ""}, Reach: 30 * 24 * time.Hour, At: Constant(7)},
			Series{Name: "short", At: Constant(1)},
			Series{Name: "requests_total", At: func(at time.Time) (float64, bool) { return float64(at.Unix()-1.7e9) * 2, true }},
			Series{Name: "ended", At: func(at time.Time) (float64, bool) { return 1, at.Before(now.Add(-2 * time.Minute)) }},
			Series{
				Name: "spells", Reach: 20 * 24 * time.Hour, Every: time.Minute, At: spells.holds,
				During: []Span{spells[0], spells[1]},
			},
			Series{Name: "fine", Reach: 48 * time.Hour, Every: time.Minute, At: Constant(1)},
			Series{Name: "never", At: func(time.Time) (float64, bool) { return 0, false }},
		),
	})
	for _, c := range []struct{ query, want string }{
		{`kept`, `kept{of="a"} 7`},
		{`count_over_time(kept[30d:6h])`, `{of="a"} 120`},
		{`count(present_over_time(kept[1h] offset 29d))`, `{} 1`},
		{`present_over_time(short[1h] offset 2d)`, ``},
		{`round(rate(requests_total[5m]), 0.01)`, `{} 2`},
		{`round(increase(requests_total[1d]) / 86400, 0.01)`, `{} 2`},
		{`ended`, ``},
		{`ended offset 3m`, `ended 1`},
		{`never`, ``},
		{`count_over_time(spells[20d])`, `{} 15`},
		{`count_over_time(spells[9d])`, `{} 10`},
		{`count_over_time(spells[5d])`, ``},
		{`count_over_time(fine[1h] offset 1d)`, `{} 60`},
		{`count_over_time(short[1h])`, `{} 61`},
	} {
		if got := strings.Join(ask(t, api, c.query, now), "; "); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.want)
		}
	}
	matrix, _, _, err := api.QueryRange(
		t.Context(), `sum(requests_total)`, v1.Range{Start: now.Add(-time.Hour), End: now, Step: time.Minute},
	)
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := matrix.(model.Matrix); !ok || len(m) != 1 || len(m[0].Values) != 61 {
		t.Errorf("the range is %v", matrix)
	}
	for name, where := range map[string]v1.Range{"bad_data": {
		Start: now.Add(-100 * 24 * time.Hour), End: now, Step: time.Minute,
	}} {
		if _, _, _, err := api.QueryRange(t.Context(), `kept`, where); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("more than 11,000 points: %v, want %s", err, name)
		}
	}
	if _, _, _, err := api.Query(t.Context(), `sum(`, now); err == nil || !strings.Contains(err.Error(), "parse error") {
		t.Errorf("a query with an error gives %v", err)
	}
}

func TestTheApiTellsAboutTheServer(t *testing.T) {
	now := time.Now()
	s, api := started(t, Options{Retention: 20 * 24 * time.Hour, Series: listed(
		Series{Name: "up", Labels: map[string]string{"job": "checkout"}, At: Constant(1)},
		Series{Name: "up", Labels: map[string]string{"job": "cart"}, At: Constant(0)},
	)})
	build, err := api.Buildinfo(t.Context())
	if err != nil || build.Version == "" || build.GoVersion == "" {
		t.Errorf("build info %+v, %v", build, err)
	}
	runtime, err := api.Runtimeinfo(t.Context())
	if err != nil || runtime.StorageRetention != "20d" || runtime.StartTime.Before(now.Add(-time.Minute)) {
		t.Errorf("runtime info %+v, %v", runtime, err)
	}
	flags, err := api.Flags(t.Context())
	if err != nil || flags["storage.tsdb.retention.time"] != "20d" {
		t.Errorf("flags %v, %v", flags, err)
	}
	status, err := api.TSDB(t.Context())
	if err != nil || status.HeadStats.NumSeries < 0 {
		t.Errorf("storage %+v, %v", status, err)
	}
	config, err := api.Config(t.Context())
	if err != nil || !strings.Contains(config.YAML, "evaluation_interval: 15s") {
		t.Errorf("configuration %q, %v", config.YAML, err)
	}
	values, _, _, err := api.LabelValues(t.Context(), "job", []string{"up"}, now.Add(-time.Hour), now.Add(time.Minute))
	if err != nil || fmt.Sprint(values) != "[cart checkout]" {
		t.Errorf("values of job: %v, %v", values, err)
	}
	names, _, _, err := api.LabelNames(t.Context(), nil, now.Add(-time.Hour), now.Add(time.Minute))
	if err != nil || len(names) != 2 || names[1] != "job" {
		t.Errorf("label names: %v, %v", names, err)
	}
	series, _, _, err := api.Series(t.Context(), []string{`up{job=~"c.*"}`}, now.Add(-time.Hour), now.Add(time.Minute))
	if err != nil || len(series) != 2 {
		t.Errorf("series: %v, %v", series, err)
	}
	managers, err := api.AlertManagers(t.Context())
	if err != nil || len(managers.Active) != 0 {
		t.Errorf("alertmanagers: %v, %v", managers, err)
	}
	response, err := http.Get(s.URL() + "/-/ready")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("ready: %v, %v", response, err)
	}
	_ = response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}

const alerts = `
groups:
  - name: checkout
    interval: 1s
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: CheckoutDown
        expr: up{job="checkout"} == 1
        labels: {severity: critical}
        annotations: {summary: 'It is {{ $value }}', runbook_url: https://runbooks.example.com/checkout}
      - alert: CartDown
        expr: up{job="cart"} == 0
        for: 1h
  - name: broken
    rules:
      - alert: Broken
        expr: sum by (x) (up) / on (x) up
`

func TestRulesAreEvaluated(t *testing.T) {
	_, api := started(t, Options{Rules: []string{rulesFile(t, alerts)}, Series: listed(
		Series{Name: "up", Labels: map[string]string{"job": "checkout"}, At: Constant(1)},
		Series{Name: "up", Labels: map[string]string{"job": "cart"}, At: Constant(1)},
	)})
	found, err := api.Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	health := map[string]string{}
	for _, g := range found.Groups {
		for _, r := range g.Rules {
			switch r := r.(type) {
			case v1.AlertingRule:
				health[r.Name] = string(r.Health) + " " + r.State
				if r.Name == "CheckoutDown" && r.Annotations["runbook_url"] == "" {
					t.Errorf("the annotations are %v", r.Annotations)
				}
			case v1.RecordingRule:
				health[r.Name] = string(r.Health)
			}
		}
	}
	for rule, want := range map[string]string{
		"CheckoutDown": "ok firing", "CartDown": "ok inactive", "Broken": "err inactive", "job:up:sum": "ok",
	} {
		if health[rule] != want {
			t.Errorf("right after the start %s is %q, want %q", rule, health[rule], want)
		}
	}
	firing, err := api.Alerts(t.Context())
	if err != nil || len(firing.Alerts) != 1 || string(firing.Alerts[0].Annotations["summary"]) != "It is 1" {
		t.Errorf("alerts %+v, %v", firing, err)
	}
	waitFor(t, "what the rules write", func() bool {
		return strings.Join(ask(t, api, `job:up:sum{job="cart"} or ALERTS{alertstate="firing"}`, time.Now()), "; ") ==
			`ALERTS{alertname="CheckoutDown", alertstate="firing", job="checkout", severity="critical"} 1; job:up:sum{job="cart"} 1`
	})
}

func TestRulesCanComeLater(t *testing.T) {
	s, api := started(t, Options{Rules: []string{rulesFile(t, alerts)}, RuleInterval: time.Second})
	if err := s.LoadRules(
		t.Context(), rulesFile(t, "groups:\n  - name: x\n    rules:\n      - alert: [no\n"),
	); err == nil {
		t.Error("a rule file with an error is taken")
	}
	if err := s.LoadRules(
		t.Context(), rulesFile(t, "groups:\n  - name: x\n    rules:\n      - {record: one, expr: vector(1)}\n"),
	); err != nil {
		t.Fatal(err)
	}
	found, err := api.Rules(t.Context(), nil)
	if err != nil || len(found.Groups) != 3 {
		t.Fatalf("%d groups, %v", len(found.Groups), err)
	}
	if got := ask(t, api, `one`, time.Now()); len(got) != 1 {
		t.Errorf("one is %v", got)
	}
}

func TestTargetsAreScraped(t *testing.T) {
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(
			w,
			"# HELP readiness_score_ratio The score.\n# TYPE readiness_score_ratio gauge\nreadiness_score_ratio{service_name=\"cart\"} 0.5\n",
		)
	}))
	defer exporter.Close()
	s, api := started(t, Options{})
	if err := s.ScrapeAlso(t.Context(), Target{Job: "prometheus", Address: s.Address(), Every: time.Second}); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(exporter.URL, "http://")
	if err := s.ScrapeAlso(t.Context(), Target{Job: "readiness", Address: address, Every: time.Second}); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`readiness_score_ratio{instance=%q, job="readiness", service_name="cart"} 0.5`, address)
	waitFor(t, "the exporter's series", func() bool {
		return strings.Join(ask(t, api, `readiness_score_ratio`, time.Now()), "") == want
	})
	waitFor(t, "the server's own series", func() bool {
		return len(ask(t, api, `prometheus_tsdb_head_series{job="prometheus"} > 0`, time.Now())) == 1
	})
	targets, err := api.Targets(t.Context())
	if err != nil || len(targets.Active) != 2 {
		t.Fatalf("targets %+v, %v", targets, err)
	}
	waitFor(t, "the health of the targets", func() bool {
		targets, err = api.Targets(t.Context())
		return err == nil && targets.Active[0].Health == v1.HealthGood && targets.Active[1].Health == v1.HealthGood
	})
	metadata, err := api.Metadata(t.Context(), "readiness_score_ratio", "")
	if err != nil || len(metadata["readiness_score_ratio"]) != 1 ||
		metadata["readiness_score_ratio"][0].Help != "The score." {
		t.Errorf("metadata %v, %v", metadata, err)
	}
	if err := s.ScrapeAlso(t.Context(), Target{Job: "bad", Address: "no address"}); err == nil ||
		!strings.Contains(err.Error(), "host:port") {
		t.Errorf("a target without a port gives %v", err)
	}
}

func TestThePresentGoesOn(t *testing.T) {
	start := time.Now()
	_, api := started(t, Options{Every: 20 * time.Millisecond, Series: listed(
		Series{Name: "alive_total", At: func(at time.Time) (float64, bool) { return at.Sub(start).Seconds(), true }},
		Series{Name: "ends", At: func(at time.Time) (float64, bool) { return 1, at.Before(start.Add(2 * time.Second)) }},
	)})
	if got := ask(t, api, `ends`, start.Add(time.Second)); len(got) != 1 {
		t.Fatalf("ends is %v", got)
	}
	waitFor(t, "a sample after the start", func() bool {
		return len(ask(t, api, `alive_total > 2.5`, time.Now())) == 1
	})
	waitFor(t, "the end of a series", func() bool { return len(ask(t, api, `ends`, time.Now())) == 0 })
}

func TestWhatCannotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	one := Series{Name: "up", At: Constant(1)}
	for name, c := range map[string]struct {
		options Options
		say     string
	}{
		"no folder":      {Options{}, "set Dir"},
		"a taken port":   {Options{Dir: t.TempDir(), Address: taken.Addr().String()}, "listening on"},
		"a series twice": {Options{Dir: t.TempDir(), Series: listed(one, one)}, "given twice"},
		"no name":        {Options{Dir: t.TempDir(), Series: listed(Series{At: Constant(1)})}, "has no name"},
		"no values":      {Options{Dir: t.TempDir(), Series: listed(Series{Name: "up"})}, "set At"},
		"a missing file": {Options{Dir: t.TempDir(), Rules: []string{"/nowhere/rules.yaml"}}, "/nowhere/rules.yaml"},
		"endless sampling": {
			Options{Dir: t.TempDir(), Series: listed(one), Resolutions: []Resolution{{time.Hour, 0}}}, "resolution 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Start(t.Context(), c.options)
			if s != nil || err == nil || !strings.Contains(err.Error(), c.say) {
				t.Errorf("%v, want %s", err, c.say)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Options{Dir: t.TempDir(), Series: listed(one)}); err == nil {
		t.Error("it starts though it is to stop")
	}
}

func TestItCanBeClosedTwice(t *testing.T) {
	s, err := Start(t.Context(), Options{Dir: t.TempDir(), Series: listed(Series{Name: "up", At: Constant(1)})})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := http.Get(s.URL() + "/-/ready"); err == nil {
		t.Error("it still answers")
	}
}

// TestItLivesThroughADay lets a day and a half go by in samples: blocks are cut
// from the present and joined to the past, and nothing is lost or doubled.
func TestItLivesThroughADay(t *testing.T) {
	start := time.Now()
	s, api := started(t, Options{Every: -1, Now: func() time.Time { return start }, Series: listed(
		Series{Name: "begins", At: func(at time.Time) (float64, bool) { return 3, at.After(start) }},
		Series{Name: "seconds_total", At: func(at time.Time) (float64, bool) { return at.Sub(start).Seconds() + 1e6, true }},
	)})
	const step, span = 5 * time.Minute, 36 * time.Hour
	for at := step; at <= span; at += step {
		if err := s.sample(t.Context(), start.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.db.Blocks()); n < 2 {
		t.Errorf("%d blocks: nothing was cut from the present", n)
	}
	end := start.Add(span)
	for query, want := range map[string]string{
		`count_over_time(begins[60h])`:                    `{} 432`,
		`count_over_time(seconds_total[36h])`:             `{} 432`,
		`round(increase(seconds_total[36h]) / 60)`:        `{} 2160`,
		`round(seconds_total - seconds_total offset 36h)`: `{} 129600`,
	} {
		if got := strings.Join(ask(t, api, query, end), "; "); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}

// TestAPastSeriesEndsBeforeTheStart: what others write from now on has no sample of the
// present, and its past is as dense as it says.
func TestAPastSeriesEndsBeforeTheStart(t *testing.T) {
	start := time.Date(2026, 3, 4, 12, 0, 30, 0, time.UTC)
	s, api := started(t, Options{Every: -1, Now: func() time.Time { return start }, Series: listed(
		Series{
			Name: "past", Past: true, Reach: 10 * time.Hour, At: Constant(1),
			Resolutions: []Resolution{{time.Hour, 10 * time.Minute}, {10 * time.Hour, time.Hour}},
		},
		Series{Name: "present", At: Constant(2)},
	)})
	if err := s.sample(t.Context(), start.Add(15*time.Second)); err != nil {
		t.Fatal(err)
	}
	end := start.Add(time.Minute)
	for query, want := range map[string]string{
		`count_over_time(past[61m])`:    `{} 6`,
		`count_over_time(past[11h])`:    `{} 15`,
		`timestamp(past)`:               `{} 1772625600`,
		`count_over_time(present[61s])`: `{} 2`,
	} {
		if got := strings.Join(ask(t, api, query, end), "; "); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}
