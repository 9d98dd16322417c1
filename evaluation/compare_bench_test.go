package evaluation

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// madeUp is the past of a fleet: each fact has a first record, and what has changed since.
// It is a PastReader that reads the records from a store, where they are after keep.
type madeUp struct {
	store  *store.Store
	config *Config
	from   time.Time
	days   int
	// changes is how many records of a service change a day.
	changes int
	records int
}

func (m *madeUp) EachPast(
	ctx context.Context, service string, until time.Time, begin func(store.Past) error, each func(store.PastService) error,
) error {
	return m.store.EachPast(ctx, service, until, func(store.Past) error { return begin(m.past(until)) },
		func(s store.PastService) error {
			entry, _ := m.config.Catalog.Service(s.Service)
			subject := store.JudgedSubject{Subject: scoring.NewSubject(entry, m.config.Facts, nil)}
			s.FirstJudged, s.Subjects = m.from, []store.PastSubject{{From: m.from, JudgedSubject: subject}}
			m.records += len(s.Records)
			return each(s)
		})
}

// past is what services share.
func (m *madeUp) past(until time.Time) store.Past {
	past := store.Past{
		Since: m.from, JudgedAt: until, CoverageSince: m.from, Judging: []evidence.Span{{From: m.from, Until: until}},
	}
	provider := m.config.Providers[1]
	for names := range slices.Chunk(provider.Facts, benchGroup) {
		group := evidence.Coverage{Group: names[0], Facts: names, At: until}
		past.Groups = append(past.Groups, store.Coverage{Source: provider.ID, Coverage: group})
		// The source does not answer for three hours every ten days.
		for day := 0; day < m.days; day += 10 {
			from := m.from.AddDate(0, 0, day)
			past.Coverage = append(past.Coverage, store.CoverageSpan{
				Source: provider.ID, Group: names[0], From: from, Until: from.AddDate(0, 0, 10).Add(-3 * time.Hour),
			})
		}
	}
	return past
}

// keep stores the records.
func (m *madeUp) keep(b *testing.B) {
	b.Helper()
	var err error
	url := filepath.Join(b.TempDir(), "bench.db")
	m.store, err = store.Open(b.Context(), store.Options{URL: url, Facts: m.config.Facts})
	must(b, err)
	b.Cleanup(func() { must(b, m.store.Close()) })
	provider := m.config.Providers[1]
	var services []store.PastService
	random := rand.New(rand.NewPCG(1, 2))
	for _, entry := range m.config.Catalog.Services() {
		s := store.PastService{Service: entry.Name}
		put := func(fact string, at time.Time) {
			index, _ := m.config.Facts.Index(fact)
			d := m.config.Facts.At(index)
			value := evidence.Int(1)
			switch {
			case d.Clock != evidence.NoClock:
				value = evidence.Instant(at.Add(-time.Duration(random.IntN(100*24)) * time.Hour))
			case d.Kind == evidence.KindDouble:
				value, _ = evidence.Double(float64(random.IntN(91)) / 100)
				if random.IntN(400) == 0 {
					value, _ = evidence.Double(0.95)
				}
			case random.IntN(100) == 0:
				value = evidence.Int(0)
			}
			s.Records = append(s.Records, store.PastRecord{Fact: fact, Source: provider.ID, From: at, Since: at, Value: value})
		}
		for _, fact := range provider.Facts {
			put(fact, m.from)
		}
		for day := range m.days {
			var at []time.Duration
			for range m.changes {
				at = append(at, time.Duration(random.IntN(24*60))*time.Minute)
			}
			slices.Sort(at)
			for _, offset := range at {
				put(provider.Facts[random.IntN(len(provider.Facts))], m.from.AddDate(0, 0, day).Add(offset))
			}
		}
		if services = append(services, s); len(services) == 250 {
			must(b, m.store.AddPast(b.Context(), m.from, services))
			services = nil
		}
	}
	must(b, m.store.AddPast(b.Context(), m.from, services))
}

// BenchmarkPreview measures what it costs to judge 10,000 services by two frameworks over
// 90 days of history, which are read from SQLite.
func BenchmarkPreview(b *testing.B) {
	const services, days = 10_000, 90
	present, other := benchConfig(b, services, "0.9"), benchConfig(b, services, "0.8")
	var took time.Duration
	var peak uint64
	records := 0
	m := &madeUp{config: present, from: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), days: days, changes: 2}
	m.keep(b)
	for b.Loop() {
		m.records = 0
		// What other benchmarks have used is not counted.
		debug.FreeOSMemory()
		to := m.from.AddDate(0, 0, days)
		start := time.Now()
		c, err := Compare(b.Context(), m, present, other, m.from, to, func(_ float64, n int) {
			if n%500 == 0 {
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				peak = max(peak, memory.Sys-memory.HeapReleased)
			}
		})
		must(b, err)
		took, records = time.Since(start), m.records
		differing := 0
		for i := range c.Services {
			if len(c.Services[i].Differences) > 0 {
				differing++
			}
		}
		if len(c.Services) != services || differing == 0 {
			b.Fatalf("%d services, %d of them differ", len(c.Services), differing)
		}
	}
	figure("preview_time", took.Seconds(), "s", 60)
	figure("preview_memory", float64(peak)/(1<<20), "MiB", 1024)
	b.ReportMetric(float64(records), "records")
}
