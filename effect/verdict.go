package effect

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/prodready/collector/statistics"
)

// Of estimates the effect of treatments on a measure of services, as known at a time.
// Events and treatments of other services do not count; those of one service may be in
// any order.
func Of(
	m Measure, services []Service, treatments []Treatment, events []Event, o Options, now time.Time,
) Estimate {
	o = o.withDefaults()
	p := newPanel(m, services, treatments, events, o, now)
	e := newEstimator(p)
	est := e.bracket(p.treatments)
	est.Missing = p.missing(est.Fits)
	for i, lead := range []struct{ from, to time.Duration }{{180 * day, 90 * day}, {90 * day, 30 * day}, {30 * day, 0}} {
		f := e.estimate(func(s int) periods { return leading(p.treatments[s], lead.from, lead.to) })
		f.Gap = 0
		f.Known = f.Known && f.EventsAfter >= LeadEvents && f.Treated >= LeadServices
		est.Leads[i] = Lead{From: lead.from, To: lead.to, Fit: f}
	}
	est.FollowsBadMonths = est.Known && est.Fits[0].verdict() != est.Fits[1].verdict() ||
		est.Leads[2].Known && est.Leads[2].Log.Lower > 0
	est.Before, est.After = p.severities()
	if !est.Missing.None() {
		est.Verdict = InsufficientData
		return est
	}
	est.Verdict = est.union()
	est.Placebo = p.placebo()
	est.withdraw()
	return est
}

// withdraw takes back a verdict that too many placebos have, too, or that none could be
// compared with.
func (e *Estimate) withdraw() {
	share, known := e.Placebo.FalseShare()
	if e.decided() && e.Placebo.Shuffles > 0 && (!known || share > MaxFalseShare) {
		e.Verdict, e.Withdrawn = Inconclusive, true
	}
}

// decided reports whether there is an effect.
func (e *Estimate) decided() bool { return e.Verdict == Improved || e.Verdict == Worsened }

// bracket makes both fits and what they say together.
func (e *estimator) bracket(treatments []treatment) Estimate {
	est := Estimate{P: 1, Adjusted: 1, Verdict: Inconclusive}
	for i, gap := range []time.Duration{0, e.options.Gap} {
		est.Fits[i] = e.estimate(func(s int) periods { return e.afterTreatment(treatments[s], gap) })
		est.Fits[i].Gap = gap
	}
	a, b := est.Fits[0], est.Fits[1]
	est.Known = a.Known && b.Known
	est.Ratio = statistics.Interval{Value: 1, Lower: 0, Upper: math.Inf(1)}
	if !est.Known {
		return est
	}
	est.Ratio = exponential(statistics.Interval{
		Value: (a.Log.Value + b.Log.Value) / 2,
		Lower: min(a.Log.Lower, b.Log.Lower), Upper: max(a.Log.Upper, b.Log.Upper),
	})
	if (a.Log.Value < 0) == (b.Log.Value < 0) {
		est.P = max(a.P, b.P)
		est.Adjusted = est.P
	}
	return est
}

// union is the verdict of both fits together.
func (e *Estimate) union() Verdict {
	if a, b := e.Fits[0].verdict(), e.Fits[1].verdict(); e.Known && a == b {
		return a
	}
	return Inconclusive
}

// severities are the numbers of events, before treatments and after, of services with
// events after their treatment.
func (p *panel) severities() (before, after [6]int) {
	for s, events := range p.events {
		q := p.afterTreatment(p.treatments[s], 0)
		var own [6]int
		treated := false
		for _, e := range events {
			switch {
			case e.at < q.before:
				own[e.severity]++
			case e.at >= q.from && e.at < q.to:
				after[e.severity]++
				treated = true
			}
		}
		for i, n := range own {
			if treated {
				before[i] += n
			}
		}
	}
	return before, after
}

// verdict is that of bracket, and missing, with no more done than that needs. Most have none,
// and the first fit says so.
func (e *estimator) verdict(treatments []treatment) Verdict {
	after := func(s int) periods { return e.afterTreatment(treatments[s], 0) }
	before := func(s int) periods { return e.afterTreatment(treatments[s], e.options.Gap) }
	count := e.fit
	if e.measure == Times {
		// What is missing is counted without a fit.
		count = e.count
	}
	second := count(before)
	first := e.fit(after)
	if !e.missing([2]Fit{first, second}).None() {
		return InsufficientData
	}
	if e.measure != Times && (first.Log.Value < 0) != (second.Log.Value < 0) {
		return Inconclusive
	}
	v := e.jackknife(first, true).verdict()
	if v == Inconclusive || e.jackknife(e.fit(before), true).verdict() != v {
		return Inconclusive
	}
	return v
}

// placebo deals the treatments to the services at random, many times. Each shuffle has a
// seed of its own, so that it does not matter which is made first.
func (p *panel) placebo() Placebo {
	shuffles := max(p.options.Shuffles, 0)
	verdicts := make([]Verdict, shuffles)
	actual := newEstimator(p)
	actual.fit(func(s int) periods { return p.afterTreatment(p.treatments[s], 0) })
	var workers sync.WaitGroup
	n := min(runtime.GOMAXPROCS(0), shuffles)
	for first := range n {
		e := newEstimator(p)
		e.model.startFrom(actual.model)
		workers.Go(func() {
			dealt := make([]treatment, len(p.treatments))
			for i := first; i < shuffles; i += n {
				copy(dealt, p.treatments)
				random := rand.New(rand.NewPCG(p.options.Seed, uint64(i)))
				random.Shuffle(len(dealt), func(a, b int) { dealt[a], dealt[b] = dealt[b], dealt[a] })
				verdicts[i] = e.verdict(dealt)
			}
		})
	}
	workers.Wait()
	out := Placebo{Shuffles: shuffles}
	for _, v := range verdicts {
		switch v {
		case InsufficientData:
			continue
		case Improved:
			out.Improved++
		case Worsened:
			out.Worsened++
		}
		out.Usable++
	}
	return out
}

// Correct corrects the verdicts of estimates that are made together for their number
// (Benjamini and Hochberg): of many tests some find an effect where there is none. What
// has not enough data is no test.
func Correct(estimates []*Estimate) {
	var tests []*Estimate
	var p []float64
	for _, e := range estimates {
		if e.Verdict != InsufficientData {
			tests, p = append(tests, e), append(p, e.P)
		}
	}
	for i, adjusted := range statistics.BenjaminiHochberg(p) {
		tests[i].Adjusted = adjusted
		if tests[i].decided() && adjusted > 1-statistics.Level {
			tests[i].Verdict = Inconclusive
		}
	}
}
