package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prodready/collector/internal/storetest"
)

// sharedLog is what several programs log.
type sharedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count is how often a message was logged.
func (l *sharedLog) count(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.text.Bytes(), []byte(fmt.Sprintf("msg=%q", message)))
}

// TestReplicasMakeOneReview of a period, and estimate the effects of reviews once in a
// month: two that start at the same time on one database, and both show the result.
func TestReplicasMakeOneReview(t *testing.T) {
	t.Parallel() // it waits more than it works
	folder := t.TempDir()
	for name, text := range map[string]string{
		"store-url": storetest.StartPostgres(t).Database(t),
		"collector.yaml": `store: {url_file: store-url}
server: {listen_address: "127.0.0.1:0"}
evaluation: {interval: 1s}
reviews: {week: "0 0 * * *"}
catalog: {teams: [{name: a, org: b}], services: [{name: shop, team: a, org: b, tier: 1}]}
`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log sharedLog
	program := func(ago time.Duration) *App {
		t.Helper()
		a, err := New(t.Context(), Options{
			ConfigPath: filepath.Join(folder, "collector.yaml"), Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Now: func() time.Time { return time.Now().Add(-ago) },
		})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	// Badges are known since last week.
	for _, ago := range []time.Duration{10 * 24 * time.Hour, time.Hour} {
		before := program(ago)
		err := before.evaluator.Evaluate(t.Context(), &before.reloader.config().Config)
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var replicas []*App
	for range 2 {
		a := program(0)
		t.Cleanup(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
		replicas = append(replicas, a)
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const reviewed, estimated = "an operational review was made", "the effects of reviews were estimated"
	shown := func() bool {
		for _, a := range replicas {
			if s := a.Snapshot(); s == nil || s.Correlated == nil {
				return false
			}
		}
		return log.count(reviewed) > 0 && log.count(estimated) > 0
	}
	for late := time.After(3 * time.Minute); !shown(); {
		select {
		case <-late:
			t.Fatalf("within 3 minutes there is no review, or no effect:\n%s", log.text.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	for _, a := range replicas { // each may have its turn the next time
		a.reloader.correlationTask(t.Context())
		a.reloader.reviewTask(t.Context())
	}
	if log.count(reviewed) != 1 || log.count(estimated) != 1 {
		t.Fatalf("%d reviews and %d estimates, want one of each", log.count(reviewed), log.count(estimated))
	}
	effects, err := replicas[0].reloader.store.Correlations(t.Context())
	if err != nil || len(effects) != 1 || effects[0].Configuration != replicas[1].reloader.config().Version.Hash {
		t.Errorf("stored effects %+v, %v", effects, err)
	}
	if reviews, err := replicas[1].reloader.store.OperationalReviews(t.Context()); err != nil || len(reviews) != 1 {
		t.Errorf("stored reviews %+v, %v", reviews, err)
	}
	first, second := replicas[0].Snapshot().Correlated, replicas[1].Snapshot().Correlated
	if !first.At.Equal(second.At) || !effects[0].MadeAt.After(first.At) {
		t.Errorf("one shows the effects of %s, the other of %s", first.At, second.At)
	}
}
