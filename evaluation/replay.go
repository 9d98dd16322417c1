package evaluation

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// Replay judges the past of services by a configuration again, as the evaluator would
// have: with the same judge and the same clocks, at the times at which something can
// change. A time is rounded up to the next judgement, of which there is one each
// Config.Interval, on whole multiples of it. It is safe for concurrent use.
type Replay struct {
	config *Config
	// pinned are by the index of a pin of the configuration that with its criteria.
	pinned []*Config
	past   store.Past
	to     time.Time
	// groups are in the order in which a ledger learns of them.
	groups []*pastGroup
	byName map[groupOfFacts]*pastGroup
	// ticks are the judgements at which something changes for all services.
	ticks []time.Time
	// dated are the facts of which records have the time of their observation.
	dated map[sourceFact]bool
	// catalogued is the coverage of the catalog, which answers at each judgement.
	catalogued evidence.Coverage
}

// pastGroup is a group of facts with the times in which it was answered.
type pastGroup struct {
	groupOfFacts
	// coverage has no service that is excepted.
	coverage evidence.Coverage
	spans    []evidence.Span
}

type groupOfFacts struct{ source, group string }

type sourceFact struct{ source, fact string }

// NewReplay makes the replay of what was up to a time.
func NewReplay(c *Config, past store.Past, to time.Time) *Replay {
	r := &Replay{
		config: c, past: past, to: to, byName: map[groupOfFacts]*pastGroup{}, dated: map[sourceFact]bool{},
		catalogued: catalogCoverage(to),
	}
	for _, g := range past.Groups {
		group := &pastGroup{
			groupOfFacts: groupOfFacts{g.Source, g.Group},
			coverage:     evidence.Coverage{Group: g.Group, Facts: g.Facts, Dated: g.Dated},
		}
		r.groups, r.byName[group.groupOfFacts] = append(r.groups, group), group
		for _, fact := range g.Facts {
			if g.Dated {
				r.dated[sourceFact{g.Source, fact}] = true
			}
		}
		for _, run := range past.Runs {
			if run.Source == g.Source {
				group.answered(evidence.Span{From: run.At, Until: run.At})
			}
		}
	}
	for _, s := range past.Coverage {
		if group := r.byName[groupOfFacts{s.Source, s.Group}]; group != nil {
			group.answered(evidence.Span{From: s.From, Until: s.Until})
		}
	}
	r.ticks = r.sharedTicks()
	for i := range c.Pins {
		pinned := *c
		pinned.Framework, pinned.NotMeasurable, pinned.Pins = c.Pins[i].Framework, c.Pins[i].NotMeasurable, nil
		r.pinned = append(r.pinned, &pinned)
	}
	return r
}

// configFor is the configuration with the criteria that a service has at the end of the
// replay. It is judged by these throughout, as the fleet is by those of the configuration.
func (r *Replay) configFor(entry *catalog.Service) *Config {
	pin := r.config.PinOf(entry, r.to)
	for i := range r.pinned {
		if pin == &r.config.Pins[i] {
			return r.pinned[i]
		}
	}
	return r.config
}

// answered adds a span to those of the group, or to the last one if that is near.
func (g *pastGroup) answered(span evidence.Span) {
	if n := len(g.spans); n > 0 && span.From.Sub(g.spans[n-1].Until) <= store.CoverageGap {
		g.spans[n-1].Until = span.Until
		return
	}
	g.spans = append(g.spans, span)
}

// sharedTicks are the judgements at which a group becomes stale, missing or fresh, judging
// begins anew, or the exemptions change.
func (r *Replay) sharedTicks() []time.Time {
	var ticks []time.Time
	add := func(at time.Time) {
		if !at.IsZero() && !at.After(r.to) {
			ticks = append(ticks, r.tick(at))
		}
	}
	for _, group := range r.groups {
		ages := r.ages(group)
		for i, span := range group.spans {
			until := r.to.Add(time.Hour)
			if i+1 < len(group.spans) {
				until = group.spans[i+1].From
			}
			if i == 0 {
				add(span.From)
			}
			aged := false
			for _, age := range ages {
				if at := span.Until.Add(age + time.Microsecond); at.Before(until) {
					aged = true
					add(at)
				}
			}
			if aged {
				add(until)
			}
		}
	}
	for _, span := range r.past.Judging {
		add(span.From)
	}
	for _, e := range r.past.Exemptions {
		add(e.From)
	}
	slices.SortFunc(ticks, time.Time.Compare)
	return slices.CompactFunc(ticks, time.Time.Equal)
}

// ages are for how long what is known of a group stays fresh and valid.
func (r *Replay) ages(group *pastGroup) []time.Duration {
	var ages []time.Duration
	for _, p := range r.config.Providers {
		if p.ID != group.source {
			continue
		}
		for _, fact := range group.coverage.Facts {
			if i, ok := r.config.Facts.Index(fact); ok && slices.Contains(p.Facts, fact) {
				fresh, valid := r.config.Facts.At(i).Ageing(p.FreshFor)
				ages = append(ages, fresh, valid)
			}
		}
	}
	slices.Sort(ages)
	return slices.Compact(ages)
}

// tick is the first judgement that is not before a time.
func (r *Replay) tick(at time.Time) time.Time {
	at = r.resumed(at)
	down := at.Truncate(r.config.Interval)
	if down.Before(at) {
		return down.Add(r.config.Interval)
	}
	return down
}

// before is the judgement before one.
func (r *Replay) before(tick time.Time) time.Time {
	at := tick.Add(-r.config.Interval)
	if resumed := r.resumed(at); resumed.After(at) {
		for _, span := range slices.Backward(r.past.Judging) {
			if span.Until.Before(tick) && span.From.Before(resumed) {
				return span.Until.Truncate(r.config.Interval)
			}
		}
	}
	return at
}

// resumed is the time itself, or when judging ran again if it did not run then. Before
// the first span that is known it ran.
func (r *Replay) resumed(at time.Time) time.Time {
	spans := r.past.Judging
	i, _ := slices.BinarySearchFunc(spans, at, func(s evidence.Span, at time.Time) int { return s.From.Compare(at) })
	// spans[i] is the first that begins at that time or later.
	if i == 0 || i == len(spans) || !at.After(spans[i-1].Until) {
		return at
	}
	return spans[i].From
}

// answeredAt is when the group was last answered at a time, zero if it was not.
func (g *pastGroup) answeredAt(at time.Time) time.Time {
	i, _ := slices.BinarySearchFunc(g.spans, at, func(s evidence.Span, at time.Time) int {
		return cmp.Or(s.From.Compare(at), -1)
	})
	// spans[i] is the first that begins after that time.
	switch {
	case i == 0:
		return time.Time{}
	case g.spans[i-1].Until.Before(at):
		return g.spans[i-1].Until
	}
	return at
}

// end is later than everything that is judged.
func (r *Replay) end() time.Time { return r.to.Add(2 * r.config.Interval) }

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
