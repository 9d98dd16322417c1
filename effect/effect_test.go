package effect

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fleet is a made-up one of 760 days. Every other service is treated once in the middle
// of it. What changes an event may depend on the days since the treatment began, which
// are infinite and negative for a service that is not treated; a duration of 0 leaves the
// event out.
func fleet(
	services, events int, seed uint64, change func(e *Event, since float64, random *rand.Rand),
) (list []Service, treatments []Treatment, all []Event) {
	random := rand.New(rand.NewPCG(seed, 1))
	levels, begins := make([]float64, services), make([]float64, services)
	for s := range services {
		name := strconv.Itoa(s)
		list = append(list, Service{Name: name})
		levels[s], begins[s] = random.NormFloat64()/2, math.Inf(1)
		if s%2 == 0 {
			begins[s] = 200 + 300*random.Float64()
			until := at(begins[s] + 20 + 20*random.Float64())
			treatments = append(treatments, Treatment{Service: name, From: at(begins[s]), Until: until})
		}
	}
	for range events {
		s, days := random.IntN(services), 760*random.Float64()
		log := 8 + levels[s] + 1.25*random.NormFloat64()
		e := Event{
			Service: strconv.Itoa(s), At: at(days), Counts: random.IntN(3) == 0, Severity: random.IntN(6),
			Duration: time.Duration(math.Exp(log) * float64(time.Second)),
		}
		if change != nil {
			change(&e, days-begins[s], random)
		}
		if e.Duration > 0 {
			all = append(all, e)
		}
	}
	return list, treatments, all
}

// TestLeavingOutAServiceIsAFitWithoutIt: what is taken away from a fit gives what a new
// fit gives, for services that are a small part and a large one.
func TestLeavingOutAServiceIsAFitWithoutIt(t *testing.T) {
	services, treatments, events := fleet(120, 6000, 1, func(e *Event, _ float64, random *rand.Rand) {
		if random.IntN(15) == 0 {
			e.Service = "0"
		}
	})
	for m, tolerance := range map[Measure]float64{Times: 1e-6, Rates: 1e-3, Shares: 1e-3} {
		p := newPanel(m, services, treatments, events, Options{}.withDefaults(), at(760))
		e := newEstimator(p)
		f := e.estimate(func(s int) periods { return p.afterTreatment(p.treatments[s], 0) })
		without := slices.Clone(e.without)
		worst, exact := 0.0, make([]float64, 0, len(without))
		for s := range p.names {
			less := newCells(m, len(p.names), e.cells.months)
			e.cells.keep(e.enough(s), less)
			again := newModel(m, p.options).fit(less, s)
			worst = max(worst, math.Abs(again-without[s]))
			exact = append(exact, again)
		}
		if !(worst < tolerance*f.StandardError*10) || !f.Known {
			t.Errorf("measure %d: without a service the effect differs by %g from that of a new fit, and its error is %g",
				m, worst, f.StandardError)
		}
		near(t, "the error", f.StandardError, jackknifeOf(f.Log.Value, exact), tolerance*f.StandardError)
	}
}

func jackknifeOf(estimate float64, without []float64) float64 {
	sum := 0.0
	for _, v := range without {
		sum += (v - estimate) * (v - estimate)
	}
	n := float64(len(without))
	return math.Sqrt((n - 1) / n * sum)
}

// TestEffectsAreFound: 40 % less after treatments, of each measure, and nothing of the
// others.
func TestEffectsAreFound(t *testing.T) {
	now := at(760)
	after := func(since float64) bool { return since > 20 && !math.IsInf(since, -1) }
	changes := map[Measure]func(e *Event, since float64, random *rand.Rand){
		Times: func(e *Event, since float64, _ *rand.Rand) {
			if after(since) {
				e.Duration = e.Duration * 6 / 10
			}
		},
		Rates: func(e *Event, since float64, random *rand.Rand) {
			if after(since) && random.Float64() < 0.4 {
				e.Duration = 0
			}
		},
		Shares: func(e *Event, since float64, random *rand.Rand) {
			if after(since) && random.Float64() < 0.4 {
				e.Counts = false
			}
		},
	}
	for changed, change := range changes {
		services, treatments, events := fleet(120, 6000, 7, change)
		for _, m := range []Measure{Times, Rates, Shares} {
			e := Of(m, services, treatments, events, Options{Shuffles: 40}, now)
			want := Inconclusive
			if m == changed {
				want = Improved
				if e.Ratio.Excludes(0.6) || math.Abs(e.Ratio.Value-0.6) > 0.1 {
					t.Errorf("measure %d is %+v, want 0.6", m, e.Ratio)
				}
			}
			if e.Verdict != want || e.Ratio.Excludes(1) != (m == changed) {
				t.Errorf("change of measure %d: measure %d is %s, %+v", changed, m, e.Verdict, e.Ratio)
			}
			if e.FollowsBadMonths {
				t.Errorf("change of measure %d: measure %d follows bad months: %+v %+v", changed, m, e.Fits, e.Leads)
			}
		}
	}
}

// TestTreatmentsThatFollowBadMonths: durations are threefold in the month before, and
// nothing changes afterwards.
func TestTreatmentsThatFollowBadMonths(t *testing.T) {
	services, treatments, events := fleet(120, 6000, 3, func(e *Event, since float64, _ *rand.Rand) {
		if since > -30 && since < 0 {
			e.Duration *= 3
		}
	})
	e := Of(Times, services, treatments, events, Options{Shuffles: -1}, at(760))
	if !e.FollowsBadMonths {
		t.Errorf("a bad month before each treatment is not seen: %+v", e.Leads)
	}
	if lead := e.Leads[2].Ratio(); lead.Excludes(3) || lead.Lower < 1.5 {
		t.Errorf("the 30 days before treatments are %+v of usual, want 3", lead)
	}
	for _, lead := range e.Leads[:2] {
		if !lead.Known || lead.Ratio().Excludes(1) {
			t.Errorf("the days %v to %v before are %+v, want 1", lead.From, lead.To, lead)
		}
	}
	if e.Ratio.Excludes(1) {
		t.Errorf("the effect of nothing is %+v", e.Ratio)
	}
	if e.Placebo != (Placebo{}) {
		t.Errorf("there are placebos although none were asked for: %+v", e.Placebo)
	}
}

// TestQuietServicesCount: half of the treated services fall silent. Of them there is no
// event that could say so.
func TestQuietServicesCount(t *testing.T) {
	services, treatments, events := fleet(120, 6000, 5, func(e *Event, since float64, _ *rand.Rand) {
		if number, _ := strconv.Atoi(e.Service); since > 0 && number%4 == 0 {
			e.Duration = 0
		}
	})
	e := Of(Rates, services, treatments, events, Options{Shuffles: -1}, at(760))
	if e.Verdict != Improved || e.Ratio.Excludes(0.5) || e.Fits[0].Treated != 60 {
		t.Errorf("the rate is %+v of what it was (%s, %+v), want a half", e.Ratio, e.Verdict, e.Fits[0])
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	services, treatments, events := fleet(120, 6000, 2, nil)
	e := Of(Times, services, treatments[:4], events, Options{}, at(760))
	if e.Verdict != InsufficientData || e.Missing.Treated != 6 || e.Missing.After != 0 && e.Missing.After > 50 {
		t.Errorf("4 treated services: %s, %+v", e.Verdict, e.Missing)
	}
	if e.Placebo != (Placebo{}) {
		t.Errorf("what has no verdict has placebos: %+v", e.Placebo)
	}
	for want, m := range map[string]Missing{
		"6 more reviewed services, or 5 more months":                   {Treated: 6, Months: 5},
		"1 more reviewed service, or 1 more month":                     {Treated: 1, Months: 1},
		"3 more services to compare with, not reviewed yet":            {Comparison: 3},
		"6 more reviewed services and 12 more incidents after reviews": {Treated: 6, After: 12},
		"1 more reviewed service, 1 more service to compare with, not reviewed yet and 20 more incidents before reviews": {
			Treated: 1, Comparison: 1, Before: 20,
		},
	} {
		if got := m.Words("reviewed", "reviews", "incidents"); got != want {
			t.Errorf("missing is %q, want %q", got, want)
		}
	}
	none := Of(Times, services, nil, events, Options{}, at(760))
	if none.Verdict != InsufficientData || none.Known || none.Missing.Treated != 10 || none.Missing.Months != 0 {
		t.Errorf("without treatments: %+v", none)
	}
}

// TestMonthsUntilThereIsEnough: two services are treated a month, and four lack.
func TestMonthsUntilThereIsEnough(t *testing.T) {
	services, _, events := fleet(60, 6000, 2, nil)
	var treatments []Treatment
	for i := range 12 {
		from := float64(760 - 15*i)
		treatments = append(treatments, Treatment{Service: strconv.Itoa(i), From: at(from - 40), Until: at(from)})
	}
	e := Of(Times, services, treatments, events, Options{}, at(760))
	// The last two, of 15 days ago and today, are in their washout or have had no week.
	if n := e.Fits[0].Treated; n > 10 || n < 8 {
		t.Errorf("%d services count as treated, want 10 or little less", n)
	}
	e = Of(Times, services, treatments[3:], events, Options{}, at(760))
	if m := e.Missing; m.Treated != 1 || m.Months != 2 {
		t.Errorf("9 services in half a year: missing %+v, want 1: in 20 days, and its washout, 2 months", m)
	}
}

func TestChanceThatLooksLikeAnEffectWithdrawsTheVerdict(t *testing.T) {
	for _, c := range []struct {
		placebo Placebo
		want    Verdict
	}{
		{Placebo{Shuffles: 200, Usable: 200, Improved: 9, Worsened: 7}, Improved},
		{Placebo{Shuffles: 200, Usable: 200, Improved: 9, Worsened: 8}, Inconclusive},
		{Placebo{Shuffles: 200}, Inconclusive},
		{Placebo{}, Improved},
	} {
		e := Estimate{Verdict: Improved, Placebo: c.placebo}
		if e.withdraw(); e.Verdict != c.want || e.Withdrawn != (c.want == Inconclusive) {
			t.Errorf("placebos %+v leave %s (withdrawn %v), want %s", c.placebo, e.Verdict, e.Withdrawn, c.want)
		}
	}
}

func TestManyVerdictsAreCorrected(t *testing.T) {
	list := []*Estimate{
		{Verdict: Improved, P: 0.04}, {Verdict: InsufficientData, P: 1}, {Verdict: Inconclusive, P: 0.5},
		{Verdict: Worsened, P: 0.001},
	}
	Correct(list)
	var got []Verdict
	for _, e := range list {
		got = append(got, e.Verdict)
	}
	if want := []Verdict{Inconclusive, InsufficientData, Inconclusive, Worsened}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	near(t, "adjusted p of three tests", list[3].Adjusted, 0.003, 1e-12)
}

// TestTheOrderOfWhatIsGivenDoesNotMatter, and neither does how many workers there are.
func TestTheOrderOfWhatIsGivenDoesNotMatter(t *testing.T) {
	services, treatments, events := fleet(60, 3000, 4, nil)
	want := Of(Times, services, treatments, events, Options{Shuffles: 20, Seed: 3}, at(760))
	if want.Placebo.Usable == 0 || !want.Known {
		t.Fatalf("no estimate to compare with: %+v", want)
	}
	random := rand.New(rand.NewPCG(1, 1))
	random.Shuffle(len(services), func(i, j int) { services[i], services[j] = services[j], services[i] })
	random.Shuffle(len(treatments), func(i, j int) { treatments[i], treatments[j] = treatments[j], treatments[i] })
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	got := Of(Times, services, treatments, events, Options{Shuffles: 20, Seed: 3}, at(760))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("in another order it is\n%+v, want\n%+v", got, want)
	}
}

// TestTreatmentsThatAreNotWhole: what is not completed has nothing after it, and what
// contradicts itself does not count.
func TestTreatmentsThatAreNotWhole(t *testing.T) {
	p := newPanel(Times, []Service{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}, []Treatment{
		{Service: "a", From: at(100)},
		{Service: "b", From: at(100), Until: at(90)},
		{Service: "c", From: at(300), Until: at(320)},
		{Service: "c", From: at(100)},
		{Service: "d", From: at(800), Until: at(820)},
		{Service: "unknown", From: at(100), Until: at(120)},
	}, nil, Options{}.withDefaults(), at(760))
	never := treatment{math.Inf(1), math.Inf(1)}
	want := []treatment{{100, math.Inf(1)}, never, {100, 320}, never}
	if !slices.Equal(p.treatments, want) {
		t.Errorf("treatments are %v, want %v", p.treatments, want)
	}
}

// TestOddInput: nothing panics, and what is said to be known is a number.
func TestOddInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", ""})
		when := rapid.OneOf(
			rapid.Map(rapid.Float64Range(-50, 800), at),
			rapid.SampledFrom([]time.Time{{}, at(0), at(400), at(760), time.Unix(1<<40, 0)}),
		)
		services := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Service {
			return Service{Name: names.Draw(t, "name"), Since: when.Draw(t, "since")}
		})).Draw(t, "services")
		treatments := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Treatment {
			return Treatment{names.Draw(t, "name"), when.Draw(t, "from"), when.Draw(t, "until")}
		})).Draw(t, "treatments")
		one := rapid.Bool().Draw(t, "one month")
		durations := rapid.SampledFrom([]time.Duration{-time.Hour, 0, time.Minute, time.Hour, 1000 * day, math.MaxInt64})
		equal := rapid.Bool().Draw(t, "equal durations")
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Event {
			e := Event{
				Service: names.Draw(t, "name"), At: when.Draw(t, "at"), Counts: rapid.Bool().Draw(t, "counts"),
				Severity: rapid.IntRange(-1, 9).Draw(t, "severity"), Duration: time.Hour,
			}
			if one {
				e.At = at(rapid.Float64Range(740, 760).Draw(t, "day"))
			}
			if !equal {
				e.Duration = durations.Draw(t, "duration")
			}
			return e
		}), 0, 300).Draw(t, "events")
		m := rapid.SampledFrom([]Measure{Times, Rates, Shares}).Draw(t, "measure")
		o := Options{
			Shuffles: 2, Month: rapid.SampledFrom([]time.Duration{0, 1, 30 * day}).Draw(t, "month"),
			Shrinkage: rapid.SampledFrom([]float64{0, 1e-9, 4, math.NaN(), math.Inf(1)}).Draw(t, "shrinkage"),
		}
		e := Of(m, services, treatments, events, o, at(760))
		if e.Known && !(e.Ratio.Lower >= 0 && e.Ratio.Lower <= e.Ratio.Value && e.Ratio.Value <= e.Ratio.Upper) {
			t.Fatalf("the ratio is %+v", e.Ratio)
		}
		verdicts := []Verdict{Improved, Worsened, Inconclusive, InsufficientData}
		if !slices.Contains(verdicts, e.Verdict) || !(e.P >= 0 && e.P <= 1) ||
			(e.Verdict == InsufficientData) == e.Missing.None() {
			t.Fatalf("verdict %s, p %g, missing %+v", e.Verdict, e.P, e.Missing)
		}
		for _, f := range e.Fits {
			if math.IsNaN(f.Log.Value+f.StandardError+f.DegreesOfFreedom+f.P+f.Expected) || f.DegreesOfFreedom < 2 {
				t.Fatalf("fit %+v", f)
			}
		}
	})
}

// TestCellsThatAreFilledAgain have what new ones have, whatever they had before.
func TestCellsThatAreFilledAgain(t *testing.T) {
	services, treatments, events := fleet(30, 900, 11, nil)
	for _, m := range []Measure{Times, Rates, Shares} {
		p := newPanel(m, services, treatments, events, Options{}.withDefaults(), at(760))
		again := newEstimator(p)
		random := rand.New(rand.NewPCG(1, 2))
		for range 30 {
			random.Shuffle(len(p.treatments), func(i, j int) {
				p.treatments[i], p.treatments[j] = p.treatments[j], p.treatments[i]
			})
			gap := time.Duration(random.IntN(2)*30) * day
			of := func(s int) periods { return p.afterTreatment(p.treatments[s], gap) }
			if random.IntN(3) == 0 {
				of = func(s int) periods { return leading(p.treatments[s], 30*day, 0) }
			}
			anew := newEstimator(p)
			got, want := again.count(of), anew.count(of)
			a, b := again.cells, anew.cells
			n := b.services * b.months
			if got != want || a.months != b.months || !slices.Equal(a.totals, b.totals) ||
				!slices.Equal(a.before[:n], b.before[:n]) || !slices.Equal(a.after[:n], b.after[:n]) ||
				!slices.Equal(a.beforeSum[:n], b.beforeSum[:n]) || !slices.Equal(a.afterSum[:n], b.afterSum[:n]) {
				t.Fatalf("measure %d: cells that are filled again differ: %+v, want %+v", m, got, want)
			}
			if plain := counted(p, of); got.EventsBefore != plain[0] || got.EventsAfter != plain[1] {
				t.Fatalf("measure %d: %d and %d events, want %v", m, got.EventsBefore, got.EventsAfter, plain)
			}
		}
	}
}

// counted are the events before and after treatments, counted one by one.
func counted(p *panel, of func(int) periods) (out [2]int) {
	months := len(p.months) - 1
	inMonth, events := make([]int, months), make([][2]int, months*len(p.names))
	before := make([]float64, len(p.names))
	for s, list := range p.events {
		q := of(s)
		for _, e := range list {
			n := 1
			if p.measure == Shares {
				n = int(e.value)
			}
			switch {
			case e.at < q.before:
				inMonth[e.month] += n
				events[s*months+e.month][0] += n
				before[s]++
			case e.at >= q.from && e.at < q.to:
				events[s*months+e.month][1] += n
			}
		}
	}
	for s := range p.names {
		for m, n := range inMonth {
			if n >= minMonthEvents && before[s] > 0 {
				out[0] += events[s*months+m][0]
				out[1] += events[s*months+m][1]
			}
		}
	}
	return out
}

// TestAllServicesTreated: those that are not treated yet are what the others are compared
// with, until the last are.
func TestAllServicesTreated(t *testing.T) {
	services, treatments, events := fleet(60, 6000, 6, nil)
	for s := range services {
		if s%2 == 1 {
			from := float64(200 + 5*s)
			treatments = append(treatments, Treatment{strconv.Itoa(s), at(from), at(from + 20)})
		}
	}
	e := Of(Times, services, treatments, events, Options{Shuffles: -1}, at(760))
	if !e.Known || e.Verdict != Inconclusive || e.Fits[1].Comparison < 30 {
		t.Errorf("all services are treated, at different times: %s, %+v, %+v", e.Verdict, e.Ratio, e.Fits)
	}
}

// TestThePlaceboTakesNoShortcut: the quick verdict of a shuffle is that of both fits, of
// each measure.
func TestThePlaceboTakesNoShortcut(t *testing.T) {
	for _, m := range []Measure{Times, Rates, Shares} {
		decided := 0
		for _, part := range []float64{0.7, 1} {
			services, treatments, events := fleet(60, 3000, 9, func(e *Event, since float64, random *rand.Rand) {
				if since > 20 && !math.IsInf(since, 0) && part < 1 {
					e.Duration = time.Duration(float64(e.Duration) * part)
					e.Counts = e.Counts && random.Float64() < part
					if m == Rates && random.Float64() > part {
						e.Duration = 0
					}
				}
			})
			p := newPanel(m, services, treatments, events, Options{}.withDefaults(), at(760))
			decided += quickVerdicts(t, p)
		}
		if decided == 0 {
			t.Errorf("measure %d: no shuffle had a verdict, so that nothing was compared", m)
		}
	}
}

// quickVerdicts compares the quick verdict of shuffles with that of estimates that are made
// anew, and returns how many decide.
func quickVerdicts(t *testing.T, p *panel) (decided int) {
	t.Helper()
	actual, quick := newEstimator(p), newEstimator(p)
	actual.fit(func(s int) periods { return p.afterTreatment(p.treatments[s], 0) })
	quick.model.startFrom(actual.model)
	random := rand.New(rand.NewPCG(1, 1))
	for range 40 {
		est := newEstimator(p).bracket(p.treatments)
		want := est.union()
		if !p.missing(est.Fits).None() {
			want = InsufficientData
		}
		if got := quick.verdict(p.treatments); got != want {
			t.Fatalf("measure %d: the verdict is %s, want %s", p.measure, got, want)
		}
		f := quick.fit(func(s int) periods { return p.afterTreatment(p.treatments[s], 0) })
		near(t, "the effect of the quick fit", f.Log.Value+f.Expected, est.Fits[0].Log.Value+est.Fits[0].Expected, 1e-8)
		if want == Improved || want == Worsened {
			decided++
		}
		random.Shuffle(len(p.treatments), func(i, j int) {
			p.treatments[i], p.treatments[j] = p.treatments[j], p.treatments[i]
		})
	}
	return decided
}
