package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/store"
)

func TestFailuresAreToldOnceEach(t *testing.T) {
	call := func(call string, reason evidence.Reason, text string) error {
		return &collectors.CallError{Call: call, Reason: reason, Err: errors.New(text)}
	}
	err := fmt.Errorf("pagerduty/main: %w", errors.Join(
		call("GET /incidents", evidence.ReasonForbidden, "no"),
		fmt.Errorf("open ones: %w", call("GET /incidents", evidence.ReasonForbidden, "no")),
		call("GET /services", evidence.ReasonTimeout, "after 3 s"),
		errors.New("something else"),
	))
	calls, text := failures(err)
	if want := "GET /incidents forbidden; GET /services timeout; something else"; calls != want {
		t.Errorf("calls %q, want %q", calls, want)
	}
	if want := "GET /incidents: forbidden: no; give the credential the scope or permission that docs/sources.md lists; " +
		"GET /services: timeout: after 3 s; raise the timeout or look at the server's load; something else"; text != want {
		t.Errorf("text\n%s\nwant\n%s", text, want)
	}
	if calls, text := failures(nil); calls != "" || text != "" {
		t.Errorf("no failure is %q, %q", calls, text)
	}
}

func TestARoundNeverRunsBesideItself(t *testing.T) {
	c := &collection{running: map[string]bool{}}
	if !c.begin("a") || c.begin("a") {
		t.Error("two rounds of one source run at once")
	}
	if !c.begin("b") {
		t.Error("rounds of two sources exclude each other")
	}
	c.end("a")
	if !c.begin("a") {
		t.Error("a round that has ended keeps the next one out")
	}
}

// scripted is a source that does what a test says.
type scripted struct {
	collectors.Source

	collect func(emit func(evidence.Batch) error) error
}

func (scripted) ID() string { return "test/main" }

func (s scripted) Collect(_ context.Context, _ collectors.Request, emit func(evidence.Batch) error) error {
	return s.collect(emit)
}

// newTestCollection collects into a store of its own and logs into the buffer.
func newTestCollection(t *testing.T, log *bytes.Buffer) *collection {
	t.Helper()
	metrics, err := exporter.NewProcessMetrics(prometheus.NewRegistry(), exporter.BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	o := Options{Logger: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now}
	return newCollection(o, s, metrics, func(id string) string { return id }, func() {})
}

// TestAFaultOfTheStoreIsNotTheSources, wherever in a round the store fails.
func TestAFaultOfTheStoreIsNotTheSources(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(c *collection) func(func(evidence.Batch) error) error{
		"at the start": func(c *collection) func(func(evidence.Batch) error) error {
			_ = c.store.Close()
			return nil
		},
		"with a batch": func(c *collection) func(func(evidence.Batch) error) error {
			return func(emit func(evidence.Batch) error) error {
				_ = c.store.Close()
				return fmt.Errorf("facts: %w", emit(evidence.Batch{}))
			}
		},
		"at the end": func(c *collection) func(func(evidence.Batch) error) error {
			return func(func(evidence.Batch) error) error { return c.store.Close() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			c := newTestCollection(t, &log)
			err := c.round(t.Context(), nil, scripted{collect: fails(c)}, "")
			if got := collectors.ReasonOf(t.Context(), err); got != evidence.ReasonStore ||
				!strings.Contains(log.String(), "the store failed") || !strings.Contains(log.String(), "reason=store") ||
				strings.Contains(log.String(), "did not answer") {
				t.Errorf("reason %s, %v\n%s", got, err, log.String())
			}
		})
	}
}

// TestManyUndecodableObjectsAreOneLine, and none while their number stays.
func TestManyUndecodableObjectsAreOneLine(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := newTestCollection(t, &log)
	for _, n := range []int{10000, 10000, 9999} {
		source := scripted{collect: func(emit func(evidence.Batch) error) error {
			err := emit(evidence.Batch{Skipped: map[string]int{"incident": n - 1}})
			return errors.Join(err, emit(evidence.Batch{Skipped: map[string]int{"incident": 1, "entry": 2}}))
		}}
		if err := c.round(t.Context(), nil, source, ""); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 ||
		!strings.Contains(log.String(), `objects="entry: 2, incident: 10000"`) ||
		!strings.Contains(log.String(), `objects="entry: 2, incident: 9999"`) {
		t.Errorf("%d lines, want 2:\n%s", lines, log.String())
	}
}

// TestOneRoundAsksAllSourcesAtOnce: each vendor answers only once both were asked.
func TestOneRoundAsksAllSourcesAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var asked sync.WaitGroup
	asked.Add(2)
	both := make(chan struct{})
	go func() { asked.Wait(); close(both) }()
	vendor := func() string {
		var once sync.Once
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			once.Do(asked.Done)
			select {
			case <-both:
				w.WriteHeader(http.StatusUnauthorized)
			case <-ctx.Done():
			}
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	folder := t.TempDir()
	o := Options{
		ConfigPath: filepath.Join(folder, "collector.yaml"), Environ: []string{"TOKEN=x"}, Now: time.Now,
		Logger: slog.New(slog.DiscardHandler),
	}
	err := os.WriteFile(o.ConfigPath, []byte(`store: {url: `+filepath.Join(folder, "s.db")+`}
catalog: {services: [{name: checkout, tier: 1, pagerduty: [{service_id: PCHECK}], jira: [{project: SHOP, component: checkout}]}]}
sources:
  pagerduty: [{name: main, endpoint: "`+vendor()+`", token_env: TOKEN}]
  jira: [{name: main, url: "`+vendor()+`", email: a@example.com, token_env: TOKEN, incidents: {jql: 'issuetype = "Incident"'}}]
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	daemon, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := daemon.Close(); err != nil {
			t.Error(err)
		}
	}()
	err = daemon.CollectOnce(ctx)
	if ctx.Err() != nil {
		t.Fatal("a source was asked only after the round of the other")
	}
	for _, source := range []string{"pagerduty/main", "jira/main"} {
		if err == nil || !strings.Contains(err.Error(), source) {
			t.Errorf("%v does not name %s", err, source)
		}
	}
}
