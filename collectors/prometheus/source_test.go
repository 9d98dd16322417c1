package prometheus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.uber.org/goleak"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

// noon is when every test takes place.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// server answers the queries of a test in the wire format. Any other request fails
// the test, and so does an expected query that was not sent.
type server struct {
	t  testing.TB
	mu sync.Mutex
	// vectors are answers by query, as lines `{job="a"} 1`; replies are whole
	// answers by query or path.
	vectors map[string]string
	replies map[string]reply
	// oldest is the oldest data, for the question how far it goes back; zero
	// means a year. noUp is a server that scrapes nothing.
	oldest time.Duration
	noUp   bool
	// intercept may answer a query or path before anything else does.
	intercept func(key string) *reply
	seen      map[string]int
	times     map[string]bool
}

type reply struct {
	status int
	body   string
}

func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	key := req.URL.Path
	if req.URL.Path == "/prefix/api/v1/query" && req.Method == http.MethodPost {
		if req.PostFormValue("timeout") == "" {
			s.t.Error("a query without a time-out")
		}
		key = req.PostFormValue("query")
		s.times[req.PostFormValue("time")] = true
	}
	s.seen[key]++
	if s.intercept != nil {
		if r := s.intercept(key); r != nil {
			w.WriteHeader(r.status)
			_, _ = w.Write([]byte(r.body))
			return
		}
	}
	if r, ok := s.replies[key]; ok {
		w.WriteHeader(r.status)
		_, _ = w.Write([]byte(r.body))
		return
	}
	vector, ok := s.vectors[key]
	if !ok && strings.Contains(key, "readiness_window") {
		vector, ok = s.windows(key), true
	}
	if !ok {
		s.t.Errorf("unexpected request %s %s", req.Method, key)
		http.Error(w, "{}", http.StatusTeapot)
		return
	}
	_, _ = w.Write([]byte(success(s.t, vector)))
}

// windows answers which windows the data covers.
func (s *server) windows(query string) string {
	if s.noUp {
		return ""
	}
	lines := []string{`{readiness_window="0s"} 1`}
	for word := range strings.SplitSeq(query, `"`) {
		d, err := model.ParseDuration(word)
		if err != nil || d == 0 {
			continue
		}
		if s.oldest == 0 || s.oldest >= time.Duration(d) {
			lines = append(lines, fmt.Sprintf(`{readiness_window=%q} 1`, word))
		}
	}
	return strings.Join(lines, "\n")
}

// success is the answer with a vector of lines such as `{job="a"} 1`.
func success(t testing.TB, lines string) string {
	type sample struct {
		Metric map[string]string `json:"metric"`
		Value  [2]any            `json:"value"`
	}
	samples := []sample{}
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		ls, err := parser.NewParser(parser.Options{}).ParseMetric(line[:cut])
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		samples = append(samples, sample{Metric: ls.Map(), Value: [2]any{float64(noon.Unix()), line[cut+1:]}})
	}
	body, err := json.Marshal(map[string]any{"status": "success",
		"data": map[string]any{"resultType": "vector", "result": samples}})
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

// world is a server and the source that looks at it.
type world struct {
	t        testing.TB
	server   *server
	source   *prometheus.Source
	services []*catalog.Service
	cursors  map[string]string
	log      *strings.Builder
}

type setting func(*prometheus.Options, *server)

func start(t testing.TB, facts *prometheus.Facts, services []*catalog.Service, settings ...setting) *world {
	t.Helper()
	w := &world{t: t, services: services, log: &strings.Builder{}}
	w.server = &server{t: t, vectors: map[string]string{}, replies: map[string]reply{}, seen: map[string]int{},
		times: map[string]bool{}}
	options := prometheus.Options{
		Name: "main", Facts: facts, Now: func() time.Time { return noon },
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, set := range settings {
		set(&options, w.server)
	}
	listener := httptest.NewServer(w.server)
	t.Cleanup(listener.Close)
	client, err := transport.New(transport.Config{
		Source: "prometheus/main", RatePerMinute: transport.Unlimited,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	options.HTTPClient, options.URL = client, listener.URL+"/prefix/"
	if w.source, err = prometheus.New(options); err != nil {
		t.Fatal(err)
	}
	return w
}

// load parses facts given as the body of a file.
func load(t *testing.T, text string) *prometheus.Facts {
	t.Helper()
	facts, err := prometheus.Load(nil, []prometheus.File{{Name: "test.yaml", Data: []byte("preset: test\n" + text)}})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// round is what one round emitted.
type round struct {
	err     error
	records map[string]evidence.Record // by service and fact
	covered map[string]evidence.Coverage
	skipped map[string]int
	// withdrawn are the reasons of withdrawals, by service and fact.
	withdrawn map[string]evidence.Missing
	// unmatched is nil when nothing was said.
	unmatched *evidence.Uncounted
	// rules are the rules that could not be used; nil when nothing was said.
	rules *evidence.Uncounted
}

func (w *world) collect() *round {
	w.t.Helper()
	return w.collectWith(w.t.Context(), func(evidence.Batch) error { return nil })
}

func (w *world) collectWith(ctx context.Context, store func(evidence.Batch) error) *round {
	w.t.Helper()
	r := &round{records: map[string]evidence.Record{}, withdrawn: map[string]evidence.Missing{},
		covered: map[string]evidence.Coverage{}, skipped: map[string]int{}}
	definitions, err := evidence.NewFacts(w.source.Facts())
	if err != nil {
		w.t.Fatal(err)
	}
	r.err = w.source.Collect(ctx, collectors.Request{Services: w.services, Now: noon, Cursors: w.cursors},
		func(b evidence.Batch) error {
			if err := store(b); err != nil {
				return err
			}
			w.keep(r, definitions, b)
			return nil
		})
	for service := range r.records {
		_, fact, _ := strings.Cut(service, " ")
		if !slices.ContainsFunc(slices.Collect(maps.Values(r.covered)),
			func(c evidence.Coverage) bool { return slices.Contains(c.Facts, fact) }) {
			w.t.Errorf("%s is recorded and not covered", fact)
		}
	}
	return r
}

// keep checks a batch and adds it to the round.
func (w *world) keep(r *round, definitions *evidence.Facts, b evidence.Batch) {
	w.t.Helper()
	for _, v := range b.Records {
		d, err := definitions.Lookup(v.Fact)
		if err != nil {
			w.t.Error(err)
		}
		if v.Value.Kind() != d.Kind || v.Source != "prometheus/main" || !v.ObservedAt.Equal(noon) || v.Detail == "" {
			w.t.Errorf("bad record %+v", v)
		}
		r.records[v.Service+" "+v.Fact] = v
	}
	for _, withdrawal := range b.Withdrawals {
		r.withdrawn[withdrawal.Service+" "+withdrawal.Fact] = withdrawal.Reason
	}
	for _, c := range b.Covered {
		for _, service := range w.services {
			w.checkCoverage(r, c, service)
		}
		r.covered[c.Group] = c
	}
	for _, u := range b.Uncounted {
		switch u.Kind {
		case evidence.UncountedSeries:
			r.unmatched = &u
		case evidence.UncountedRule:
			r.rules = &u
		}
	}
	for what, n := range b.Skipped {
		r.skipped[what] += n
	}
}

// checkCoverage checks the exceptions of a service against its records and Answers.
func (w *world) checkCoverage(r *round, c evidence.Coverage, service *catalog.Service) {
	w.t.Helper()
	why, excepted := c.Except[service.Name]
	for _, fact := range c.Facts {
		if _, recorded := r.records[service.Name+" "+fact]; recorded && excepted {
			w.t.Errorf("%s of %s is recorded and excepted", fact, service.Name)
		}
		if answers := w.source.Answers(service, fact); answers == (why == evidence.MissingNoReference) {
			w.t.Errorf("%s of %s: Answers says %t, the round says %q", fact, service.Name, answers, why)
		}
	}
}

// value is the value of a fact, or why there is none.
func (r *round) value(service, fact string) string {
	if v, ok := r.records[service+" "+fact]; ok {
		return v.Value.String()
	}
	if reason, ok := r.withdrawn[service+" "+fact]; ok {
		return string(reason)
	}
	for _, c := range r.covered {
		if !slices.Contains(c.Facts, fact) {
			continue
		}
		if why, ok := c.Except[service]; ok {
			return string(why)
		}
		return "nothing said"
	}
	return "not covered"
}

func (r *round) want(t *testing.T, service string, facts map[string]string) {
	t.Helper()
	for fact, want := range facts {
		if got := r.value(service, fact); got != want {
			t.Errorf("%s of %s is %q, want %q (%s)", fact, service, got, want, r.records[service+" "+fact].Detail)
		}
	}
}

// calls describes the CallErrors of a round.
func calls(err error) string {
	if err == nil {
		return ""
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	var words []string
	for _, err := range list {
		var failed *collectors.CallError
		if !errors.As(err, &failed) {
			return fmt.Sprintf("%v is no CallError", err)
		}
		words = append(words, failed.Call+" "+string(failed.Reason))
	}
	return strings.Join(words, ", ")
}

// matched is a service that is found by the label job.
func matched(name, job string) *catalog.Service {
	return &catalog.Service{Name: name, Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{"job": job}}}}
}
