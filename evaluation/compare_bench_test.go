package evaluation

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// madeUp is the past of a fleet that is made while it is read, as a store has it: each
// fact has a first record, and what has changed since. It is a PastReader.
type madeUp struct {
	config   *Config
	from     time.Time
	days     int
	services int
	// changes is how many records of a service change a day.
	changes int
	records int
}

func (m *madeUp) EachPast(
	_ context.Context, _ string, until time.Time, begin func(store.Past) error, each func(store.PastService) error,
) error {
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
	if err := begin(past); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, entry := range m.config.Catalog.Services() {
		subject := store.JudgedSubject{Subject: scoring.NewSubject(entry, m.config.Facts, nil)}
		s := store.PastService{
			Service: entry.Name, FirstJudged: m.from, Subjects: []store.PastSubject{{From: m.from, JudgedSubject: subject}},
		}
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
		m.records += len(s.Records)
		if err := each(s); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkPreview measures what it costs to judge 10,000 services by two frameworks over
// 90 days of history.
func BenchmarkPreview(b *testing.B) {
	const services, days = 10_000, 90
	present, other := benchConfig(b, services, "0.9"), benchConfig(b, services, "0.8")
	var took time.Duration
	var peak uint64
	records := 0
	for b.Loop() {
		m := &madeUp{
			config: present, from: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), days: days, services: services, changes: 2,
		}
		to := m.from.AddDate(0, 0, days)
		start := time.Now()
		c, err := Compare(b.Context(), m, present, other, m.from, to, func(_ float64, n int) {
			if n%500 == 0 {
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				peak = max(peak, memory.Sys)
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
