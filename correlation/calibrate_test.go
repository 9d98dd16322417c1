package correlation

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/term"

	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

var (
	fleets = flag.Int("fleets", 24, "simulated fleets for each cell of the calibration; 2000 or more to publish them")
	only   = flag.String("cells", "", "calibrate only the cells whose names have this in them, or the one that has this name")
	write  = flag.Bool("write", false, "write the calibration into docs/statistics.md")
)

// days of a simulated fleet, and its months.
const (
	simulatedDays   = 760
	simulatedMonths = simulatedDays/30 + 1
)

// trigger is what leads to reviews.
type trigger int

const (
	atRandom trigger = iota
	worstMonth
	longIncident
	manyIncidents
)

// cell is one kind of fleet, and what has to hold for it.
type cell struct {
	name string
	// reviewed and others are the numbers of services.
	reviewed, others int
	trigger          trigger
	// worstFirst is true if each month those services are reviewed that had most of the
	// trigger in it, and false if each of some services is after its own worst.
	worstFirst bool
	// part is what resolution takes after reviews, as a part of what it took, and rate the
	// number of episodes; 0 means 1.
	part, rate float64
	// noise has noisy alerts, too, of which reviews remove that share.
	noise   float64
	measure effect.Measure
	// placebos are made if it is true. They take long: few fleets are fewer still.
	placebos bool
	bounds   bounds
}

// bounds of the shares of fleets. A bound of 0 does not hold for covered and improved.
type bounds struct {
	// falseAtMost bounds the verdicts that are false taken together, and eachAtMost those of
	// each kind.
	falseAtMost, eachAtMost float64
	improvedAtMost          float64
	worsenedAtMost          float64
	coveredAtLeast          float64
	improvedAtLeast         float64
	withdrawnAtMost         float64
}

func cells() []cell {
	random := bounds{falseAtMost: 0.06, coveredAtLeast: 0.95}
	triggered := bounds{eachAtMost: 0.02, coveredAtLeast: 0.95}
	return []cell{
		{name: "no effect, reviews at random times", reviewed: 60, others: 60, bounds: random},
		{name: "40 % less time", reviewed: 60, others: 60, part: 0.6, bounds: bounds{improvedAtLeast: 0.8, coveredAtLeast: 0.95}},
		{
			name: "40 % less time, 30 reviewed services and 30 others", reviewed: 30, others: 30, part: 0.6,
			bounds: bounds{improvedAtLeast: 0.8, coveredAtLeast: 0.95},
		},
		{name: "no effect, reviews after the worst month", reviewed: 60, others: 60, trigger: worstMonth, bounds: triggered},
		{name: "no effect, reviews after a long incident", reviewed: 60, others: 60, trigger: longIncident, bounds: triggered},
		{name: "no effect, reviews after many incidents", reviewed: 60, others: 60, trigger: manyIncidents, bounds: triggered},
		{
			name: "reviews remove 60 % of noisy alerts, and no time", reviewed: 60, others: 60, noise: 0.6,
			bounds: bounds{worsenedAtMost: 0.06},
		},
		{name: "no effect, 12 reviewed services and 12 others", reviewed: 12, others: 12, bounds: random},
		{name: "no effect, 6 reviewed services and 6 others", reviewed: 6, others: 6, bounds: bounds{falseAtMost: 1e-9, coveredAtLeast: 0.95}},
		{name: "incident rate: no effect", reviewed: 60, others: 60, measure: effect.Rates, bounds: random},
		{
			name: "incident rate: 40 % less", reviewed: 60, others: 60, measure: effect.Rates, rate: 0.6,
			bounds: bounds{improvedAtLeast: 0.8, coveredAtLeast: 0.95},
		},
		{
			name: "incident rate: no effect, reviews after many incidents", reviewed: 60, others: 60, measure: effect.Rates,
			trigger: manyIncidents, bounds: bounds{improvedAtMost: 0.06, coveredAtLeast: 0.9},
		},
		{
			name: "harder: each month the services with the worst month", reviewed: 60, others: 60, trigger: worstMonth,
			worstFirst: true, bounds: bounds{improvedAtMost: 0.02, coveredAtLeast: 0.9},
		},
		{
			name: "harder: each month those with the longest incident", reviewed: 60, others: 60, trigger: longIncident,
			worstFirst: true, bounds: bounds{improvedAtMost: 0.02, coveredAtLeast: 0.9},
		},
		{
			name: "harder: each month those with most incidents", reviewed: 60, others: 60, trigger: manyIncidents,
			worstFirst: true, bounds: bounds{improvedAtMost: 0.04, coveredAtLeast: 0.9},
		},
		{
			name: "with placebos: no effect", reviewed: 60, others: 60, placebos: true, bounds: random,
		},
		{
			name: "with placebos: 40 % less time", reviewed: 60, others: 60, placebos: true, part: 0.6,
			bounds: bounds{improvedAtLeast: 0.8, withdrawnAtMost: 0.1},
		},
	}
}

// truth is the logarithm of the effect.
func (c *cell) truth() float64 {
	if c.measure == effect.Rates {
		return math.Log(orOne(c.rate))
	}
	return math.Log(orOne(c.part))
}

func orOne(v float64) float64 {
	if v == 0 {
		return 1
	}
	return v
}

// simulated is one service of a simulated fleet.
type simulated struct {
	name   string
	events []effect.Event
	// logs are those of the durations in seconds, without any effect.
	logs           []float64
	created, until float64
}

// simulate makes a fleet: services differ in their level and in how many episodes they
// have, at least 1.3 a month; both wander from month to month (AR(1)), and so does the
// whole fleet, which also drifts; a duration is lognormal with a standard deviation of
// 1.25.
func (c *cell) simulate(random *rand.Rand) []simulated {
	drift, shared := 0.3*random.NormFloat64(), make([]float64, simulatedMonths)
	for m := range shared {
		shared[m] = drift*float64(m)/simulatedMonths + 0.1*random.NormFloat64()
	}
	out := make([]simulated, c.reviewed+c.others)
	for s := range out {
		one := &out[s]
		one.name = fmt.Sprintf("s%03d", s)
		one.created, one.until = math.Inf(1), math.Inf(1)
		level, perMonth := 8+0.6*random.NormFloat64(), 1.3+0.2*random.ExpFloat64()
		times, counts := newWander(0.4, 0.25, random), newWander(0.4, 0.3, random)
		for m := range simulatedMonths {
			mean, n := level+shared[m]+times.next(random), perMonth*math.Exp(counts.next(random)-0.045)
			begin := float64(m) * 30
			end := min(begin+30, simulatedDays)
			for at := begin; ; {
				if at += random.ExpFloat64() / n * 30; at >= end {
					break
				}
				one.events = append(one.events, effect.Event{Service: one.name, At: simulatedAt(at)})
				one.logs = append(one.logs, mean+1.25*random.NormFloat64())
			}
		}
	}
	c.choose(out, random)
	for s := range out {
		c.change(&out[s], random)
	}
	return out
}

// change gives events their durations, and reviews their effect.
func (c *cell) change(s *simulated, random *rand.Rand) {
	kept := s.events[:0]
	for i, e := range s.events {
		after := daysOf(e.At) >= s.until
		if after && random.Float64() >= orOne(c.rate) {
			continue
		}
		log := s.logs[i]
		if after {
			log += math.Log(orOne(c.part))
		}
		e.Duration = time.Duration(math.Exp(min(log, 20)) * float64(time.Second))
		kept = append(kept, e)
	}
	s.events = kept
}

// wander is a value that goes from month to month, with what is left of it and chance.
type wander struct{ left, deviation, at float64 }

func newWander(left, deviation float64, random *rand.Rand) *wander {
	return &wander{left, deviation, deviation * random.NormFloat64()}
}

func (w *wander) next(random *rand.Rand) float64 {
	now := w.at
	w.at = w.left*w.at + math.Sqrt(1-w.left*w.left)*w.deviation*random.NormFloat64()
	return now
}

func simulatedAt(days float64) time.Time {
	return noon.Add(-time.Duration((simulatedDays - days) * float64(day)))
}

func daysOf(t time.Time) float64 { return simulatedDays - noon.Sub(t).Hours()/24 }

// choose says which services are reviewed, and when.
func (c *cell) choose(list []simulated, random *rand.Rand) {
	begin := func(s *simulated, day float64) { s.created, s.until = day, day+15+30*random.Float64() }
	if !c.worstFirst {
		for i := range c.reviewed {
			begin(&list[i], c.trigger.day(&list[i], random))
		}
		return
	}
	// In each month of a year those in which most is amiss, compared with what was usual
	// for them before: a month is known when it is over, and what is yet to come is not.
	const from, months = 7, 12
	amiss := make([][]float64, len(list))
	for i := range list {
		amiss[i] = c.trigger.amiss(&list[i])
	}
	for m := from; m < from+months; m++ {
		order := random.Perm(len(list))
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(amiss[b][m], amiss[a][m]) })
		left := c.reviewed*(m-from+1)/months - c.reviewed*(m-from)/months
		for _, i := range order {
			if left > 0 && math.IsInf(list[i].created, 1) {
				begin(&list[i], 30*float64(m+1)+lag*random.Float64())
				left--
			}
		}
	}
}

// amiss is how much is amiss with a service in each month, compared with the months
// before: how long incidents last on average, how long the longest lasts, or how many
// there are.
func (t trigger) amiss(s *simulated) []float64 {
	sums, counts, longest := [simulatedMonths]float64{}, [simulatedMonths]float64{}, [simulatedMonths]float64{}
	for i, e := range s.events {
		m := min(int(daysOf(e.At)/30), simulatedMonths-1)
		sums[m] += s.logs[i]
		counts[m]++
		longest[m] = max(longest[m], s.logs[i])
	}
	out := make([]float64, simulatedMonths)
	total, events := 0.0, 0.0
	for m := range out {
		usual, count := 8.0, 1.3
		if events > 0 {
			usual, count = total/events, events/float64(m)
		}
		switch {
		case t == manyIncidents:
			out[m] = (counts[m] - count) / math.Sqrt(count)
		case counts[m] == 0:
			out[m] = math.Inf(-1)
		case t == worstMonth:
			out[m] = sums[m]/counts[m] - usual
		default:
			out[m] = longest[m] - usual
		}
		total, events = total+sums[m], events+counts[m]
	}
	return out
}

// day is when the review of a service begins: at a random time of a year, or after the
// worst that there was up to then, whenever that was.
func (t trigger) day(s *simulated, random *rand.Rand) float64 {
	const first = 2
	last := 4 + random.IntN(6)
	from, until := 30.0*first, 30.0*float64(last+1)
	if t == atRandom {
		return 30 * (float64(last) + random.Float64())
	}
	if t == longIncident {
		longest, at := math.Inf(-1), from
		for i, e := range s.events {
			if days := daysOf(e.At); days >= from && days < until && s.logs[i] > longest {
				longest, at = s.logs[i], days
			}
		}
		return at + 1 + 6*random.Float64()
	}
	sums, counts := [simulatedMonths]float64{}, [simulatedMonths]float64{}
	for i, e := range s.events {
		m := min(int(daysOf(e.At)/30), simulatedMonths-1)
		sums[m] += s.logs[i]
		counts[m]++
	}
	worst, at := math.Inf(-1), first
	for m := first; m <= last; m++ {
		value := counts[m]
		if t == worstMonth {
			value = sums[m] / counts[m]
		}
		if counts[m] > 0 && value > worst {
			worst, at = value, m
		}
	}
	return 30*float64(at+1) + lag*random.Float64()
}

// lag is how many days after a bad month a review may begin.
const lag = 2.0

// input is what the estimator is given: the events as they are, or those that remain of
// incidents with noisy alerts among them.
func (c *cell) input(list []simulated, random *rand.Rand) (
	services []effect.Service, treatments []effect.Treatment, events []effect.Event,
) {
	var incidents []*Incident
	for i := range list {
		s := &list[i]
		services = append(services, effect.Service{Name: s.name})
		if !math.IsInf(s.created, 1) {
			treatments = append(treatments, effect.Treatment{
				Service: s.name, From: simulatedAt(s.created), Until: simulatedAt(s.until),
			})
		}
		events = append(events, s.events...)
		if c.noise > 0 {
			incidents = append(incidents, s.withNoise(c.noise, random)...)
		}
	}
	if c.noise > 0 {
		events = nil
		byOutcome, _ := eventsOf(incidents, noon)
		for _, s := range services {
			events = append(events, byOutcome[ResolutionTime][s.Name]...)
		}
	}
	return services, treatments, events
}

// withNoise makes incidents of episodes, and adds twice as many noisy alerts, of which a
// person acknowledges one in ten before it resolves; reviews remove a share.
func (s *simulated) withNoise(removed float64, random *rand.Rand) []*Incident {
	var out []*Incident
	for _, e := range s.events {
		began := e.At
		out = append(out, &Incident{
			Services: []string{s.name}, StartedAt: began, ResolvedAt: began.Add(e.Duration), Resolver: evidence.ResolverPerson,
			AcksKnown: true, AcknowledgedAt: began.Add(min(e.Duration, 3*time.Minute)), Urgent: true,
		})
		for range 2 {
			began := simulatedAt(simulatedDays * random.Float64())
			if daysOf(began) >= s.until && random.Float64() < removed {
				continue
			}
			noisy := &Incident{
				Services: []string{s.name}, StartedAt: began, Resolver: evidence.ResolverIntegration, AcksKnown: true, Urgent: true,
				ResolvedAt: began.Add(time.Duration(float64(2*time.Minute) * math.Exp(0.7*random.NormFloat64()))),
			}
			if random.IntN(10) == 0 {
				noisy.AcknowledgedAt = began.Add(time.Minute)
			}
			out = append(out, noisy)
		}
	}
	return out
}

// outcomes are the numbers of fleets of a cell.
type outcomes struct {
	fleets, improved, worsened, insufficient, withdrawn, covered, first, second int
	unknown                                                                     int
}

// toPublish is how many fleets a row of the document is made of at least. Their bounds have no
// allowance for chance.
const toPublish = 2000

// fleets is how many fleets are simulated if so many are asked for.
func (c *cell) fleets(n int) int {
	if c.placebos && n < toPublish {
		return max(2, n/20)
	}
	return n
}

// run simulates n fleets, each with another seed, and counts what is estimated of each.
func (c *cell) run(n int, done *atomic.Int64) outcomes {
	n = c.fleets(n)
	estimates := make([]effect.Estimate, n)
	var workers sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for first := range cores {
		workers.Go(func() {
			for i := first; i < n; i += cores {
				random := rand.New(rand.NewPCG(uint64(i), uint64(len(c.name))*1000+uint64(c.trigger)))
				services, treatments, events := c.input(c.simulate(random), random)
				o := effect.Options{Shuffles: -1, Seed: uint64(i)}
				if c.placebos {
					o.Shuffles = 0
				}
				estimates[i] = effect.Of(c.measure, services, treatments, events, o, noon)
				done.Add(1)
			}
		})
	}
	workers.Wait()
	out := outcomes{fleets: n}
	for i := range estimates {
		out.add(&estimates[i], c.truth())
	}
	return out
}

func (o *outcomes) add(e *effect.Estimate, truth float64) {
	switch e.Verdict {
	case effect.Improved:
		o.improved++
	case effect.Worsened:
		o.worsened++
	case effect.InsufficientData:
		o.insufficient++
	}
	if e.Withdrawn {
		o.withdrawn++
	}
	if !e.Known {
		o.unknown++
		return
	}
	for n, covers := range map[*int]bool{
		&o.covered: !e.Ratio.Excludes(math.Exp(truth)), &o.first: !e.Fits[0].Log.Excludes(truth),
		&o.second: !e.Fits[1].Log.Excludes(truth),
	} {
		if covers {
			*n++
		}
	}
}

func (o *outcomes) share(n int) float64 { return float64(n) / float64(o.fleets) }

// faults are the bounds that do not hold. Few fleets may be beyond a bound by chance.
func (o *outcomes) faults(c *cell) []string {
	chance := func(bound float64) float64 { return 3.5 * math.Sqrt(bound*(1-bound)/float64(o.fleets)) }
	if o.fleets >= toPublish {
		chance = func(float64) float64 { return 0 }
	}
	var out []string
	most := func(what string, n int, bound float64) {
		if bound > 0 && o.share(n) > bound+chance(bound) {
			out = append(out, fmt.Sprintf("%s %.3f, at most %.3g", what, o.share(n), bound))
		}
	}
	least := func(what string, n int, bound float64) {
		if bound > 0 && o.share(n) < bound-chance(bound) {
			out = append(out, fmt.Sprintf("%s %.3f, at least %.3g", what, o.share(n), bound))
		}
	}
	most("false verdicts", o.improved+o.worsened, c.bounds.falseAtMost)
	most("improved", o.improved, c.bounds.eachAtMost)
	most("worsened", o.worsened, c.bounds.eachAtMost)
	most("improved", o.improved, c.bounds.improvedAtMost)
	most("worsened", o.worsened, c.bounds.worsenedAtMost)
	most("withdrawn", o.withdrawn, c.bounds.withdrawnAtMost)
	least("covered", o.covered, c.bounds.coveredAtLeast)
	least("improved", o.improved, c.bounds.improvedAtLeast)
	if o.unknown > 0 {
		out = append(out, fmt.Sprintf("%d fleets without an estimate", o.unknown))
	}
	return out
}

// TestCalibration estimates the effect in fleets of which it is known. By default it does
// so in few of them, with bounds that are as much wider; `make calibrate` does in many.
func TestCalibration(t *testing.T) {
	race.Skip(t, "shuffles are made at once in the tests of effects, too")
	exact := slices.ContainsFunc(cells(), func(c cell) bool { return c.name == *only })
	all := slices.DeleteFunc(cells(), func(c cell) bool {
		return !strings.Contains(c.name, *only) || exact && c.name != *only
	})
	var done atomic.Int64
	total := 0
	for _, c := range all {
		total += c.fleets(*fleets)
	}
	stop := progress(&done, total)
	rows := map[string]string{}
	for _, c := range all {
		began := time.Now()
		o := c.run(*fleets, &done)
		t.Logf("%s: %+v in %s", c.name, o, time.Since(began).Round(time.Millisecond))
		for _, fault := range o.faults(&c) {
			t.Errorf("%s: %s", c.name, fault)
		}
		rows[c.name] = fmt.Sprintf("| %s | %d | %.3f | %.3f | %.3f | %.3f, %.3f | %s |", c.name, o.fleets,
			o.share(o.improved), o.share(o.worsened), o.share(o.covered), o.share(o.first), o.share(o.second), c.bounds)
	}
	stop()
	if *write {
		publish(t, rows)
	}
}

// String says the bounds in words.
func (b bounds) String() string {
	var parts []string
	add := func(what string, v float64) {
		if v > 0 {
			parts = append(parts, fmt.Sprintf(what, v))
		}
	}
	switch {
	case b.falseAtMost > 1e-6:
		add("verdicts ≤ %.2f", b.falseAtMost)
	case b.falseAtMost > 0:
		parts = append(parts, "no verdict")
	}
	add("each verdict ≤ %.2f", b.eachAtMost)
	add("improved ≤ %.2f", b.improvedAtMost)
	add("worsened ≤ %.2f", b.worsenedAtMost)
	add("improved ≥ %.2f", b.improvedAtLeast)
	add("covered ≥ %.2f", b.coveredAtLeast)
	add("withdrawn ≤ %.2f", b.withdrawnAtMost)
	return strings.Join(parts, ", ")
}

// progress shows how far the calibration is, on a terminal.
func progress(done *atomic.Int64, total int) (stop func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func() {}
	}
	finished := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-finished:
				tick.Stop()
				_, _ = fmt.Fprint(os.Stderr, "\r\x1b[K")
				return
			case <-tick.C:
				n := done.Load()
				_, _ = fmt.Fprintf(os.Stderr, "\r%d of %d fleets, %d %%", n, total, 100*n/int64(total))
			}
		}
	})
	return func() { close(finished); shown.Wait() }
}

// The calibration is between these lines of docs/statistics.md.
const (
	calibrationBegin = "<!-- calibration: written by make calibrate -->\n"
	calibrationEnd   = "<!-- end of calibration -->\n"
)

// publish writes rows by name into the table of the document; other rows stay.
func publish(t *testing.T, rows map[string]string) {
	t.Helper()
	name := filepath.Join("..", "docs", "statistics.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), calibrationBegin)
	old, after, ended := strings.Cut(rest, calibrationEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the calibration: the lines %q and %q", name, calibrationBegin, calibrationEnd)
	}
	head := "\n| fleets that are simulated | fleets | improved | worsened | covered | by each fit | bounds |\n|---|---|---|---|---|---|---|\n"
	table := head
	for _, c := range cells() {
		row := rows[c.name]
		for line := range strings.SplitSeq(old, "\n") {
			if row == "" && strings.HasPrefix(line, "| "+c.name+" |") {
				row = line
			}
		}
		if row != "" {
			table += row + "\n"
		}
	}
	table += "\n"
	if err := os.WriteFile(name, []byte(before+calibrationBegin+table+calibrationEnd+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTheDocumentHasTheCalibration of each cell, of enough fleets, and within its bounds.
func TestTheDocumentHasTheCalibration(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "statistics.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), calibrationBegin)
	table, _, _ := strings.Cut(rest, calibrationEnd)
	rows := strings.Split(table, "\n")
	for _, c := range cells() {
		i := slices.IndexFunc(rows, func(row string) bool {
			return strings.HasPrefix(row, "| "+c.name+" |") && strings.HasSuffix(row, "| "+c.bounds.String()+" |")
		})
		if i < 0 {
			t.Errorf("docs/statistics.md lacks the calibration of %q with its bounds: make calibrate", c.name)
			continue
		}
		var fleets, improved, worsened, covered float64
		values := strings.TrimPrefix(rows[i], "| "+c.name+" |")
		if _, err := fmt.Sscanf(values, "%g | %g | %g | %g |", &fleets, &improved, &worsened, &covered); err != nil {
			t.Errorf("%s: %v", rows[i], err)
			continue
		}
		count := func(share float64) int { return int(math.Round(share * fleets)) }
		o := outcomes{fleets: int(fleets), improved: count(improved), worsened: count(worsened), covered: count(covered)}
		if o.fleets < toPublish {
			t.Errorf("the calibration of %q is of %d fleets, want %d", c.name, o.fleets, toPublish)
		}
		for _, fault := range o.faults(&c) {
			t.Errorf("the calibration of %q in docs/statistics.md: %s", c.name, fault)
		}
	}
}
