package evaluation

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

const (
	// changedBound is how many times cheaper it has to be to measure after one incident has
	// changed than to measure all of them.
	changedBound = 100
	// changesMeasured are enough that the first ones, which find nothing in caches, do not
	// decide the median.
	changesMeasured = 45
	// changedAtMost bounds the time of that measure of 100,000 incidents of 2,000 services,
	// with the figures of all services and groups, and allAtMost that of the first one.
	changedAtMost = 100 * time.Millisecond
	allAtMost     = 10 * time.Second
)

// BenchmarkOutcomes compares a measure after one incident has changed with the first one,
// which reads and links them all.
func BenchmarkOutcomes(b *testing.B) {
	b.Run("100000", func(b *testing.B) {
		all, changed := measured(b, 2000, 100_000)
		bounded(b, "changed_incident", changed, changedAtMost)
		bounded(b, "all_incidents", all, allAtMost)
	})
	b.Run("250000", func(b *testing.B) {
		all, changed := measured(b, 10_000, 250_000)
		ratio := float64(all) / float64(changed)
		verdict := "ok"
		if ratio < changedBound {
			verdict = "short"
			b.Errorf("a measure after one change is %.0f times cheaper than a full one, want %d", ratio, changedBound)
		}
		_, _ = fmt.Fprintf(os.Stdout, "\nfigure: changed_incident_ratio %.0f x >=%d %s\n", ratio, changedBound, verdict)
	})
}

// measured are the times of the first measure of all incidents, and of one after one of
// them has changed.
func measured(b *testing.B, services, incidents int) (all, changed time.Duration) {
	b.Helper()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	facts, err := evidence.NewFacts(nil)
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(b.Context(), store.Options{
		URL: filepath.Join(b.TempDir(), "bench.db"), Facts: facts, Now: func() time.Time { return now },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	service := func(i int) string { return fmt.Sprintf("service-%05d", i%services) }
	incident := func(i int) evidence.Incident {
		at := now.Add(-time.Duration(i) * (96 * 24 * time.Hour / time.Duration(incidents)))
		return evidence.Incident{
			ID: fmt.Sprintf("Q%d", i), Services: []string{service(i * 7)}, StartedAt: at, AcknowledgedAt: at.Add(time.Minute),
			AcksKnown: true, ResolvedAt: at.Add(time.Duration(i%977) * time.Minute), Resolver: evidence.ResolverPerson,
			Urgent: true, Severity: i % 6, Template: fmt.Sprintf("problem %d", i%40),
			Links: []string{fmt.Sprintf("https://pages.example.com/incidents/Q%d", i)},
		}
	}
	commit := func(batch []evidence.Incident) {
		if _, err := s.Commit(b.Context(), "pagerduty/main", 0, now, evidence.Batch{Incidents: batch}); err != nil {
			b.Fatal(err)
		}
	}
	const page = 5000
	for i := 0; i < incidents; i += page {
		var batch []evidence.Incident
		for k := range page {
			batch = append(batch, incident(i+k))
		}
		commit(batch)
	}
	current := &snapshot.Snapshot{At: now}
	for i := range services {
		current.Services = append(current.Services, snapshot.Service{
			Entry: &catalog.Service{
				Name: service(i), Team: fmt.Sprintf("team-%d", i%500), Org: fmt.Sprintf("org-%d", i%10), Tier: 1 + i%4,
			},
			Badge: scoring.BadgeState{Badge: framework.Badge(i % 4), FirstJudged: now.AddDate(0, 0, -200)},
		})
	}
	const day = correlation.Window(24 * time.Hour)
	c := &Config{Facts: facts, IncidentWindows: []correlation.Window{30 * day, 7 * day, 90 * day}}
	measure := func(o *outcomes) time.Duration {
		started := time.Now()
		if err := o.measure(b.Context(), c, current); err != nil {
			b.Fatal(err)
		}
		return time.Since(started)
	}
	o := newOutcomes(s, slog.New(slog.DiscardHandler))
	all = measure(o)
	var times []time.Duration
	change := func() {
		in := incident((len(times) + 1) * 1009)
		in.ResolvedAt = in.ResolvedAt.Add(time.Hour)
		commit([]evidence.Incident{in})
		current.At = current.At.Add(time.Minute)
		times = append(times, measure(o))
	}
	for b.Loop() {
		change()
	}
	for len(times) < changesMeasured {
		change()
	}
	changed = median(times)
	b.ReportMetric(float64(changed.Microseconds()), "changed-us/op")
	b.ReportMetric(float64(all.Microseconds()), "all-us/op")
	return all, changed
}

// bounded prints a time with its bound.
func bounded(b *testing.B, name string, took, most time.Duration) {
	b.Helper()
	verdict := "ok"
	if took > most {
		verdict = "short"
		b.Errorf("%s: %s, want at most %s", name, took, most)
	}
	_, _ = fmt.Fprintf(os.Stdout, "\nfigure: %s %d ms <=%d %s\n", name, took.Milliseconds(), most.Milliseconds(), verdict)
}
