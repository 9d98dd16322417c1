package evaluation

import (
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

const (
	benchChecks = 60
	// benchGroup is how many facts one group of the source has.
	benchGroup = 10
)

// benchFleet is a judge of a fleet of which everything was observed. What it judges is
// in memory; the store has what it has judged.
type benchFleet struct {
	b      *testing.B
	config *Config
	judge  *judge
	store  *store.Store
	at     time.Time
	groups []evidence.Coverage
	last   *snapshot.Snapshot
	// changed counts the records that have changed.
	changed int
}

// newBenchFleet makes a fleet with the configuration of benchConfig.
func newBenchFleet(b *testing.B, services int) *benchFleet {
	b.Helper()
	f := &benchFleet{b: b, at: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), config: benchConfig(b, services, "0.9")}
	var err error
	url := filepath.Join(b.TempDir(), "bench.db")
	f.store, err = store.Open(b.Context(), store.Options{URL: url, Facts: f.config.Facts})
	must(b, err)
	b.Cleanup(func() { must(b, f.store.Close()) })
	f.judge, err = newJudge(b.Context(), f.store, f.config, slog.New(slog.DiscardHandler))
	must(b, err)
	facts := f.config.Providers[1].Facts
	for names := range slices.Chunk(facts, benchGroup) {
		f.groups = append(f.groups, evidence.Coverage{Group: names[0], Facts: names})
	}
	f.observe(facts)
	return f
}

// benchConfig is a configuration with 60 checks and 140 facts a service, a fifth of which
// are times. The most that a ratio may be is given.
func benchConfig(b *testing.B, services int, most string) *Config {
	b.Helper()
	definitions := catalog.Facts()
	provider := evidence.Provider{ID: "x/1", FreshFor: 15 * time.Minute}
	add := func(name string, kind evidence.Kind, clock evidence.Clock) {
		d := evidence.Definition{Name: name, Kind: kind, Clock: clock, Help: "x"}
		if clock != evidence.NoClock {
			d.Unit = "days"
		}
		definitions, provider.Facts = append(definitions, d), append(provider.Facts, name)
	}
	text := "apiVersion: readiness/v1\nkind: Framework\nname: bench\nversion: 1.0.0\nmodules:\n"
	for i := range benchChecks {
		if i%12 == 0 {
			text += fmt.Sprintf("  - id: m%d\n    name: M\n    checks:\n", i/12)
		}
		source := fmt.Sprintf("f.count_%d >= 1 && (f.ratio_%d <= %s || service.tier == 4)", i, i, most)
		add(fmt.Sprintf("f.count_%d", i), evidence.KindInt, evidence.NoClock)
		add(fmt.Sprintf("f.ratio_%d", i), evidence.KindDouble, evidence.NoClock)
		if i%3 == 0 {
			add(fmt.Sprintf("f.age_%d", i), evidence.KindDouble, evidence.Elapsed)
			source += fmt.Sprintf(" && f.age_%d <= 90.0", i)
		}
		text += fmt.Sprintf(
			"      - {id: m%d.c%d, level: %d, title: x, proofs: [{by: machine, pass: %q}]}\n", i/12, i, 1+i%5, source,
		)
	}
	facts, err := evidence.NewFacts(definitions)
	must(b, err)
	c := &Config{Facts: facts, Interval: time.Minute, Providers: []evidence.Provider{
		{ID: catalog.SourceID, Facts: []string{catalog.FactSourceDeclared}}, provider,
	}}
	c.Document, err = framework.Parse([]framework.File{{Name: "bench.yaml", Data: []byte(text)}})
	must(b, err)
	c.Framework, err = framework.Compile(c.Document, facts)
	must(b, err)
	var entries catalog.Entries
	for i := range services {
		entries.Services = append(entries.Services, catalog.Service{Name: fmt.Sprintf("service-%05d", i), Tier: 1 + i%4})
	}
	c.Catalog, err = (catalog.Rules{}).Build(entries)
	must(b, err)
	return c
}

// observe gives every service a value of most facts.
func (f *benchFleet) observe(facts []string) {
	for s, service := range f.config.Catalog.Services() {
		for i, fact := range facts {
			if (s+i)%20 == 0 {
				continue
			}
			index, _ := f.config.Facts.Index(fact)
			d := f.config.Facts.At(index)
			number := 0.5
			if s%10 == 0 {
				number = float64((s + i) % 3)
			}
			value := evidence.Int(1)
			switch {
			case d.Clock != evidence.NoClock:
				value = evidence.Instant(f.at.Add(-time.Duration(s%100) * 24 * time.Hour))
			case d.Kind == evidence.KindDouble:
				value, _ = evidence.Double(number)
			}
			f.judge.ledger.Put(evidence.Record{
				Service: service.Name, Fact: fact, Source: "x/1", Value: value, Since: f.at, ObservedAt: f.at,
				Detail: "sum by (service) (" + fact + ")",
			}, time.Time{})
		}
	}
}

// evaluate judges a minute later, after a round that has changed nothing. The time is
// without that of the figures of incidents and alerts.
func (f *benchFleet) evaluate() time.Duration {
	f.b.Helper()
	f.at = f.at.Add(time.Minute)
	for _, g := range f.groups {
		g.At = f.at
		f.judge.ledger.Cover("x/1", g)
	}
	start := time.Now()
	var err error
	f.last, err = f.judge.run(f.b.Context(), f.config, f.at)
	must(f.b, err)
	took := time.Since(start)
	// The figures of incidents and alerts are those of the fleet at any time.
	start = time.Now()
	again := *f.last
	must(f.b, f.judge.outcomes.measure(f.b.Context(), f.config, &again))
	return took - time.Since(start)
}

// settle judges until the clocks of the badges have begun.
func (f *benchFleet) settle() {
	for range 3 {
		f.evaluate()
	}
}

// fastest is the shortest of some times: what else the machine does only adds to one.
func fastest(n int, measure func() time.Duration) time.Duration {
	best := measure()
	for range n - 1 {
		best = min(best, measure())
	}
	return best
}

// sample adds times to others. Those of a short evaluation are the difference of two that
// are as long, so that the shortest says nothing, and the median does.
func sample(times []time.Duration, n int, measure func() time.Duration) []time.Duration {
	for range n {
		times = append(times, measure())
	}
	return times
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// full is the time of an evaluation that takes over nothing of the one before.
func (f *benchFleet) full() time.Duration {
	whole := *f.config
	f.config = &whole
	return f.evaluate()
}

// oneRecord is the time of an evaluation after the value of one fact of one service has
// changed.
func (f *benchFleet) oneRecord() time.Duration {
	f.changed++
	f.judge.ledger.Put(evidence.Record{
		Service: fmt.Sprintf("service-%05d", f.changed%1000), Fact: "f.count_1", Source: "x/1",
		Value: evidence.Int(int64(f.changed % 2)), Since: f.at, ObservedAt: f.at,
	}, time.Time{})
	return f.evaluate()
}

// judging is the part of the last evaluation of one changed record that judges.
func (f *benchFleet) judging() time.Duration {
	set := f.judge.kept.set
	entry := f.config.Catalog.Services()[f.changed%1000]
	start := time.Now()
	cards := f.judge.cards(f.config, set, []*catalog.Service{entry})
	scoring.Advance(f.judge.part(f.config, cards), cards, f.at.Add(time.Minute))
	return time.Since(start)
}

// BenchmarkEvaluation measures what an evaluation of 10,000 services costs, of which
// nothing or one record has changed, against a full one.
func BenchmarkEvaluation(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const services = 10_000
	f := newBenchFleet(b, services)
	f.settle()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	figure("heap_per_service", float64(after.HeapAlloc-before.HeapAlloc)/services/1e3, "KB", 60)
	small := newBenchFleet(b, services/10)
	small.settle()
	const forever = time.Duration(math.MaxInt64)
	full, fullSmall, judging := forever, forever, forever
	var steadyTimes, oneTimes []time.Duration
	for b.Loop() {
		full, fullSmall = min(full, fastest(2, f.full)), min(fullSmall, fastest(5, small.full))
		f.settle()
		steadyTimes, oneTimes = sample(steadyTimes, 15, f.evaluate), sample(oneTimes, 15, f.oneRecord)
		judging = min(judging, fastest(5, f.judging))
	}
	steady, one := median(steadyTimes), median(oneTimes)
	figure("judge_growth", math.Log10(full.Seconds()/fullSmall.Seconds()), "exponent", 1.05)
	figure("judge_steady", steady.Seconds()/full.Seconds(), "of-full", 1./20)
	figure("judge_one_record", one.Seconds()/full.Seconds(), "of-full", 1./200)
	figure("judge_one_service", 1e3*judging.Seconds(), "ms", 1)
	b.ReportMetric(full.Seconds(), "full-s")
	b.ReportMetric(1e3*steady.Seconds(), "steady-ms")
	b.ReportMetric(1e3*one.Seconds(), "one-record-ms")
	runtime.KeepAlive(f)
}

// figure prints a figure of `make bench`.
func figure(name string, value float64, unit string, bound float64) {
	verdict := "ok"
	if value > bound {
		verdict = "short"
	}
	fmt.Printf("\nfigure: %s %.3g %s <=%.3g %s\n", name, value, unit, bound, verdict)
}
