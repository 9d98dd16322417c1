package app

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/store"
	"github.com/prodready/collector/tasks"
)

// TestAProcessWithAnotherClockStandsBy: a process whose clock is an hour ahead of the
// database's collects nothing, judges nothing and is not ready, and does when its clock
// is set.
func TestAProcessWithAnotherClockStandsBy(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("facts.yaml", "- {service: shop, observed_at: 2026-03-02T09:00:00Z, facts: {test.coverage: 0.9}}\n")
	write("collector.yaml", `store: {url_file: store-url}
server: {listen_address: "127.0.0.1:0"}
catalog: {teams: [{name: a, org: b}], services: [{name: shop, team: a, org: b, tier: 1}]}
sources:
  file: [{name: ci, files: [facts.yaml], schedule: "@every 1h", facts: [{name: test.coverage, type: double, help: Coverage.}]}]
`)
	write("store-url", storetest.StartPostgres(t).Database(t))
	var ahead atomic.Int64
	ahead.Store(int64(time.Hour))
	a, err := New(t.Context(), Options{
		ConfigPath: filepath.Join(folder, "collector.yaml"), Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready := func() int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addr()+"/-/ready", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("it is ready: %d", got)
	}
	r := a.reloader
	if err := a.evaluator.Evaluate(t.Context(), &r.config().Config); err != nil {
		t.Fatal(err) // a snapshot alone does not make it ready
	}
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("with a snapshot it is ready: %d", got)
	}
	list := &recorder{}
	shared := r.runner
	r.runner = list
	if err := r.startAgain(t.Context()); err != nil || len(list.started) > 0 {
		t.Errorf("it starts %+v, %v", list.started, err)
	}
	r.runner = shared

	ahead.Store(0)
	if err := r.clock.compareDatabase(t.Context(), r.store); err != nil {
		t.Fatal(err)
	}
	if err := r.startAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var runs []store.LastRun
	for late := time.After(time.Minute); len(runs) == 0; {
		select {
		case <-late:
			t.Fatal("it collects nothing after its clock was set")
		case <-time.After(50 * time.Millisecond):
		}
		if runs, err = r.store.LastRuns(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := ready(); got != http.StatusOK {
		t.Errorf("after its clock was set it is not ready: %d", got)
	}

	// The clock is wrong again. The process sees that before it judges, and not only when
	// the clocks are compared the next time.
	ahead.Store(int64(time.Hour))
	a.evaluator.Request()
	for late := time.After(time.Minute); !r.clock.standsBy(); {
		select {
		case <-late:
			t.Fatal("it judges by a wrong clock")
		case <-time.After(50 * time.Millisecond):
		}
	}
	if judged := a.evaluator.JudgedAt(); judged.After(time.Now()) {
		t.Errorf("it has judged by a wrong clock: %s", judged)
	}
}

// recorder is a runner that does nothing.
type recorder struct{ started []tasks.Task }

func (*recorder) Keep(context.Context, []tasks.Task) error { return nil }

func (r *recorder) Start(_ context.Context, list []tasks.Task) error {
	r.started = append(r.started, list...)
	return nil
}
