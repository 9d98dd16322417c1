package prometheus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/storetest"
)

const rangePath = "/prefix/api/v1/query_range"

// past is a server with a history of alerts, and what is stored of it. Instants
// are minutes before or after noon.
type past struct {
	t *testing.T
	// fires tells the minutes at which each alert fires, by its labels; away
	// those at which the server was not there.
	fires map[string][]int
	away  func(minute int) bool
	// mostPoints is what the server answers at most.
	mostPoints int
	broken     bool

	requests []string
	source   *prometheus.Source
	services []*catalog.Service
	// store keeps what is stored, too, where it is set.
	store *storetest.Kept

	cursors map[string]string
	firings map[string]evidence.AlertFiring
	spans   []evidence.Span
	since   map[string]int
	// uncounted are the alerts of no service, as last emitted.
	uncounted evidence.Uncounted
	doubts    map[string]time.Time
	progress  []collectors.Progress
	log       *strings.Builder
}

func begin(t *testing.T, services []*catalog.Service, settings ...func(*prometheus.Options)) *past {
	t.Helper()
	p := &past{
		t: t, fires: map[string][]int{}, away: func(int) bool { return false }, mostPoints: 11000,
		services: services, cursors: map[string]string{}, firings: map[string]evidence.AlertFiring{}, since: map[string]int{},
		log: &strings.Builder{},
	}
	listener := httptest.NewServer(p)
	t.Cleanup(listener.Close)
	client, err := transport.New(transport.Config{
		Source: "prometheus/main", RatePerMinute: transport.Unlimited, MaxAttempts: 1,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	options := prometheus.Options{
		Name: "main", Facts: &prometheus.Facts{}, HTTPClient: client, URL: listener.URL + "/prefix/",
		AlertHistory: prometheus.DefaultAlertHistory, Now: func() time.Time { return noon },
	}
	for _, set := range settings {
		set(&options)
	}
	if p.source, err = prometheus.New(options); err != nil {
		t.Fatal(err)
	}
	return p
}

func minuteOf(at time.Time) int      { return int(at.Sub(noon) / time.Minute) }
func atMinute(minute int) time.Time  { return noon.Add(time.Duration(minute) * time.Minute) }
func span(from, until int) (m []int) { return slices.Collect(counting(from, until)) }

func counting(from, until int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for m := from; m < until && yield(m); m++ {
		}
	}
}

func (p *past) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if req.URL.Path != rangePath || req.Method != http.MethodPost {
		p.t.Errorf("unexpected request %s %s", req.Method, req.URL.Path)
		http.Error(w, "{}", http.StatusTeapot)
		return
	}
	read := func(name string) int {
		seconds, err := strconv.ParseFloat(req.PostFormValue(name), 64)
		if err != nil || int64(seconds)%60 != 0 {
			p.t.Errorf("%s=%q lies on no minute", name, req.PostFormValue(name))
		}
		return minuteOf(time.Unix(int64(seconds), 0))
	}
	from, until := read("start"), read("end")
	if step := req.PostFormValue("step"); step != "60" || req.PostFormValue("timeout") == "" {
		p.t.Errorf("step %s, timeout %q", step, req.PostFormValue("timeout"))
	}
	if want := `ALERTS{alertstate="firing"} or label_replace(group(up), "readiness_witness", "up", "", "")`; req.PostFormValue("query") != want {
		p.t.Errorf("query %s", req.PostFormValue("query"))
	}
	p.requests = append(p.requests, fmt.Sprintf("%d..%d", from, until))
	switch {
	case p.broken:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"error","errorType":"unavailable","error":"starting"}`))
		return
	case until-from+1 > p.mostPoints:
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`))
		return
	}
	_, _ = w.Write(p.matrix(from, until))
}

// matrix is the answer for the minutes.
func (p *past) matrix(from, until int) []byte {
	type stream struct {
		Metric map[string]string `json:"metric"`
		Values [][2]any          `json:"values"`
	}
	result := []stream{}
	add := func(labels map[string]string, minutes []int) {
		s := stream{Metric: labels}
		for _, m := range minutes {
			if m >= from && m <= until && !p.away(m) {
				s.Values = append(s.Values, [2]any{atMinute(m).Unix(), "1"})
			}
		}
		if len(s.Values) > 0 {
			result = append(result, s)
		}
	}
	for labels, minutes := range p.fires {
		ls, err := parser.NewParser(parser.Options{}).ParseMetric(labels)
		if err != nil {
			p.t.Errorf("%s: %v", labels, err)
		}
		metric := ls.Map()
		metric["__name__"], metric["alertstate"] = "ALERTS", "firing"
		add(metric, minutes)
	}
	add(map[string]string{"readiness_witness": "up"}, span(from, until+1))
	body, err := json.Marshal(map[string]any{"status": "success",
		"data": map[string]any{"resultType": "matrix", "result": result}})
	if err != nil {
		p.t.Error(err)
	}
	return body
}

// collect makes a round some minutes after noon. store may refuse a batch, which
// is then not stored.
func (p *past) collect(minute int, store func(evidence.Batch) error) error {
	p.t.Helper()
	return p.source.Collect(p.t.Context(), collectors.Request{
		Services: p.services, Now: atMinute(minute).Add(17 * time.Second), Cursors: p.cursors,
		OpenAlerts: func(context.Context) ([]evidence.AlertFiring, error) {
			if p.store != nil {
				return p.store.OpenAlerts("prometheus/main")
			}
			var open []evidence.AlertFiring
			for _, f := range p.firings {
				if f.EndedAt.IsZero() {
					open = append(open, f)
				}
			}
			return open, nil
		},
		Progress: func(progress collectors.Progress) { p.progress = append(p.progress, progress) },
	}, func(b evidence.Batch) error {
		if store != nil {
			if err := store(b); err != nil {
				return err
			}
		}
		if p.store != nil {
			if err := p.store.Commit("prometheus/main", noon, b); err != nil {
				return err
			}
		}
		p.record(b)
		return nil
	})
}

// record checks a batch and stores it.
func (p *past) record(b evidence.Batch) {
	p.t.Helper()
	for _, f := range b.Alerts {
		if f.Source != "prometheus/main" || f.Fingerprint == "" {
			p.t.Errorf("firing %+v", f)
		}
		p.firings[f.Fingerprint+f.StartedAt.String()] = f
	}
	if b.AlertSight == nil {
		p.t.Fatal("nothing is said of when the server was watching")
	}
	for _, s := range b.AlertSight.Spans {
		if n := len(p.spans); n > 0 && p.spans[n-1].Until.Equal(s.From) {
			p.spans[n-1].Until = s.Until
			continue
		}
		p.spans = append(p.spans, s)
	}
	for name := range b.AlertSight.Services {
		if _, known := p.since[name]; !known {
			p.since[name] = minuteOf(b.AlertSight.Since)
		}
	}
	p.doubts = b.AlertDoubts
	for _, u := range b.Uncounted {
		p.uncounted = u
	}
	p.cursors = b.Cursors
}

func (p *past) mustCollect(minute int) {
	p.t.Helper()
	if err := p.collect(minute, nil); err != nil {
		p.t.Fatal(err)
	}
}

// stored lists the firings as `alert from-until`, by start.
func (p *past) stored() []string {
	var words []string
	for _, f := range p.firings {
		word := fmt.Sprintf("%06d %s %d-", 1000000+minuteOf(f.StartedAt), f.Alert, minuteOf(f.StartedAt))
		if !f.EndedAt.IsZero() {
			word += strconv.Itoa(minuteOf(f.EndedAt))
		}
		words = append(words, word)
	}
	sort.Strings(words)
	for i, word := range words {
		_, words[i], _ = strings.Cut(word, " ")
	}
	return words
}

func (p *past) want(firings ...string) {
	p.t.Helper()
	if got := p.stored(); !slices.Equal(got, firings) {
		p.t.Errorf("stored %q, want %q", got, firings)
	}
}

func (p *past) wantSpans(minutes ...int) {
	p.t.Helper()
	var got []int
	for _, s := range p.spans {
		got = append(got, minuteOf(s.From), minuteOf(s.Until))
	}
	if !slices.Equal(got, minutes) {
		p.t.Errorf("watched %v, want %v", got, minutes)
	}
}

// keep keeps what is stored in a real store, too.
func (p *past) keep() {
	p.t.Helper()
	p.store = storetest.Keep(p.t)
}

// wantKept compares the real store with what was passed on.
func (p *past) wantKept() {
	p.t.Helper()
	kept := p.store.Alerts()
	for _, f := range kept {
		if want := p.firings[f.Fingerprint+f.StartedAt.String()]; !want.EndedAt.Equal(f.EndedAt) || want.Alert != f.Alert {
			p.t.Errorf("kept %+v, want %+v", f, want)
		}
	}
	if len(kept) != len(p.firings) {
		p.t.Errorf("%d firings are kept, want %d", len(kept), len(p.firings))
	}
	sight := p.store.AlertSights()["prometheus/main"]
	if !slices.Equal(sight.Spans, p.spans) || len(sight.Services) != len(p.since) {
		p.t.Errorf("watched %+v, want %v", sight, p.spans)
	}
}
