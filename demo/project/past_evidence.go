package project

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	ledger "github.com/prodready/collector/store"
)

// evidenceReaches is how far the evidence of the past reaches back: a little further than
// a preview looks. No badge that was remembered has changed in the days before.
const evidenceReaches = 96 * day

// RememberEvidence adds to the store of a company, which was collected and judged just now,
// the evidence of the past: what is known now, and before each change of a badge what was
// otherwise then, so that judging it again gives the badges that Remember has left. Values
// that were otherwise are those of the fixtures of checks. Services for which no such
// evidence was found are returned: they have none.
func RememberEvidence(
	ctx context.Context, url string, c *company.Company, now *snapshot.Snapshot,
) (without []string, err error) {
	criteria, err := inForce(c)
	if err != nil {
		return nil, err
	}
	s, err := ledger.Open(ctx, ledger.Options{URL: url, Facts: now.Framework.Facts()})
	if err != nil {
		return nil, fmt.Errorf("opening the demo's store: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	changes, _, err := s.LoadTransitions(ctx, 0, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("reading how badges have changed: %w", err)
	}
	p := &pastEvidence{since: c.Now.Add(-evidenceReaches).Truncate(time.Minute), framework: now.Framework}
	if p.fixtures, err = fixturesOf(c, criteria); err != nil {
		return nil, err
	}
	p.findSources(now)
	var services []ledger.PastService
	for i := range now.Services {
		service := &now.Services[i]
		var own []scoring.Transition
		for _, t := range changes {
			if t.Service == service.Entry.Name && t.At.After(p.since) {
				own = append(own, t)
			}
		}
		slices.SortFunc(own, func(a, b scoring.Transition) int { return a.At.Compare(b.At) })
		records, ok := p.records(service, own)
		if !ok {
			without = append(without, service.Entry.Name)
			continue
		}
		services = append(services, ledger.PastService{Service: service.Entry.Name, Records: records})
	}
	if err := s.AddPast(ctx, p.since, services); err != nil {
		return nil, fmt.Errorf("writing the demo's past evidence: %w", err)
	}
	return without, nil
}

// fixturesOf are the fixtures of the checks of the demo's criteria, by check.
func fixturesOf(c *company.Company, criteria *framework.Framework) (map[string][]framework.Fixture, error) {
	file, err := Framework(c)
	if err != nil {
		return nil, err
	}
	document, err := framework.Parse([]framework.File{file})
	if err != nil {
		return nil, fmt.Errorf("reading the framework of the demo: %w", err)
	}
	all, err := document.Fixtures(criteria)
	if err != nil {
		return nil, fmt.Errorf("reading the fixtures of the demo's framework: %w", err)
	}
	out := map[string][]framework.Fixture{}
	for _, f := range all {
		out[f.Check] = append(out[f.Check], f)
	}
	return out, nil
}

// pastEvidence is the making of the evidence of the past.
type pastEvidence struct {
	since     time.Time
	framework *framework.Framework
	fixtures  map[string][]framework.Fixture
	// sources are the sources of facts, by pack.
	sources map[string]string
}

func (p *pastEvidence) findSources(now *snapshot.Snapshot) {
	p.sources = map[string]string{}
	for _, service := range now.Services {
		for i := range service.Evidence.Len() {
			if o := service.Evidence.At(i); o.Source != "" {
				p.sources[evidence.Pack(p.framework.Facts().Name(i))] = o.Source
			}
		}
	}
}

// known are values by the name of the fact.
type known map[string]evidence.Value

// records are those of a service that lead to the changes of its badge, the oldest first,
// and to the badge that it has now.
func (p *pastEvidence) records(s *snapshot.Service, changes []scoring.Transition) ([]ledger.PastRecord, bool) {
	facts, since, basis := known{}, map[string]time.Time{}, *s.Card.Basis
	for name, fact := range s.Card.Basis.Seen(s.Evidence, s.Card.Basis.Invalidated, s.Card.At).Known() {
		// An age is as it is now all the time: what it counts from has moved on with the time.
		facts[name], since[name] = fact.Value, fact.Since
	}
	basis.Exempt = nil // the past that is remembered has no exemptions
	j := &pastJudge{pastEvidence: p, basis: basis}
	if card := j.card(facts); card.FreshBadge.Lower != s.Badge.Badge {
		return nil, false
	}
	// What was known between two changes, the newest first.
	type phase struct {
		from  time.Time
		facts known
	}
	var phases []phase
	after := facts
	for _, t := range slices.Backward(changes) {
		before, ok := j.with(facts, t)
		if !ok {
			return nil, false
		}
		phases = append(phases, phase{t.At.Add(-j.dwell(after, t)), after})
		after = before
	}
	phases = append(phases, phase{p.since, after})
	var out []ledger.PastRecord
	last := known{}
	for _, phase := range slices.Backward(phases) {
		for _, name := range slices.Sorted(maps.Keys(facts.and(phase.facts).and(last))) {
			value, isKnown := phase.facts[name]
			old, wasKnown := last[name]
			if isKnown == wasKnown && value == old {
				continue
			}
			r := ledger.PastRecord{
				Fact: name, Source: p.sources[evidence.Pack(name)], From: phase.from, Since: phase.from, Value: value,
			}
			if at := since[name]; value == facts[name] && at.Before(phase.from) && !at.IsZero() && !wasKnown {
				r.Since = at
			}
			if !isKnown {
				r.Withdrawn = evidence.MissingNoData
			}
			out = append(out, r)
		}
		last = phase.facts
	}
	return out, true
}

func (k known) and(o known) known {
	out := maps.Clone(k)
	maps.Copy(out, o)
	return out
}

// pastJudge judges what was known of one service.
type pastJudge struct {
	*pastEvidence
	basis scoring.Basis
}

func (j *pastJudge) card(facts known) scoring.Scorecard {
	basis := j.basis
	basis.Facts = make(map[string]scoring.BasisFact, len(facts))
	for name, value := range facts {
		basis.Facts[name] = scoring.BasisFact{Value: value, Fresh: true, Since: j.since}
	}
	return scoring.Rejudge(&basis)
}

// dwell is how long the evidence has to be there until the badge changes.
func (j *pastJudge) dwell(after known, t scoring.Transition) time.Duration {
	if t.To > t.From {
		return j.framework.AwardDwell
	}
	card, shortest := j.card(after), time.Duration(0)
	for i := range card.Checks {
		r := &card.Checks[i]
		if r.Fresh == scoring.Fail && r.Status.Counted() && r.Check.NeededFor() <= t.From &&
			(shortest == 0 || r.Check.Dwell < shortest) {
			shortest = r.Check.Dwell
		}
	}
	return shortest
}

// with is what is known now but for what gave the service the badge before a change.
func (j *pastJudge) with(facts known, t scoring.Transition) (known, bool) {
	if card := j.card(facts); card.FreshBadge.Lower > t.From {
		return j.without(facts, &card, t)
	}
	return j.better(facts, t.From)
}

// without makes the checks that flipped fail, so that the badge is the one before the change. Of
// the fixtures with which a check fails, without takes the one that changes the fewest other
// checks, because a badge change names every check whose status changes with it.
func (j *pastJudge) without(facts known, now *scoring.Scorecard, t scoring.Transition) (known, bool) {
	flipped := make(map[string]bool, len(t.Flips))
	cases := []known{facts}
	for _, flip := range t.Flips {
		flipped[flip.Check] = true
		var longer []known
		for _, then := range cases {
			for _, fixture := range j.fixtures[flip.Check] {
				if fixture.Want == scoring.Fail.String() {
					longer = append(longer, then.and(fixture.Facts))
				}
			}
		}
		cases = longer
	}
	var best known
	fewest := len(now.Checks) + 1
	for _, then := range cases {
		card, wrong := j.card(then), 0
		if badge := card.FreshBadge; badge.Lower != t.From || badge.Upper != t.From {
			continue
		}
		for i := range card.Checks {
			was, is := &card.Checks[i], &now.Checks[i]
			if flips := was.Status != is.Status; flips != flipped[is.Check.ID] {
				wrong++
			}
		}
		if wrong < fewest {
			best, fewest = then, wrong
		}
	}
	return best, best != nil
}

// better lets all checks pass that a badge needs.
func (j *pastJudge) better(facts known, badge framework.Badge) (known, bool) {
	card := j.card(facts)
	for i := range card.Checks {
		r := &card.Checks[i]
		if !r.Status.Counted() || r.Fresh == scoring.Pass || r.Check.NeededFor() > badge {
			continue
		}
		facts = j.passing(facts, r.Check, badge)
	}
	found := j.card(facts).FreshBadge
	return facts, found.Lower == badge
}

// passing is what is known with what lets a check pass, if that costs no other check.
func (j *pastJudge) passing(facts known, check *framework.Check, badge framework.Badge) known {
	missing := func(card *scoring.Scorecard) (n int) {
		for i := range card.Checks {
			if r := &card.Checks[i]; r.Status.Counted() && r.Fresh != scoring.Pass && r.Check.NeededFor() <= badge {
				n++
			}
		}
		return n
	}
	now := j.card(facts)
	best, fewest := facts, missing(&now)
	for _, fixture := range j.fixtures[check.ID] {
		if fixture.Want != scoring.Pass.String() {
			continue
		}
		then := facts.and(fixture.Facts)
		card := j.card(then)
		if n := missing(&card); card.Checks[check.Index].Fresh == scoring.Pass && n < fewest {
			best, fewest = then, n
		}
	}
	return best
}
