package evaluation

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// Replay judges the past of services by a configuration again, as the evaluator would
// have: with the same judge and the same clocks, at the times at which something can
// change. A time is rounded up to the next judgement, of which there is one each
// Config.Interval, on whole multiples of it. It is safe for concurrent use.
type Replay struct {
	config *Config
	past   store.Past
	to     time.Time
	// spans are the times in which groups were answered.
	spans map[groupOfFacts][]evidence.Span
	// groups are the groups in the order in which the ledger learns of them.
	groups []groupOfFacts
	facts  map[groupOfFacts]store.Coverage
	// ticks are the judgements at which something changes for all services.
	ticks []time.Time
	// dated are the facts of which records have the time of their observation.
	dated map[sourceFact]bool
	// catalogued is the coverage of the catalog, which answers at each judgement.
	catalogued evidence.Coverage
}

type groupOfFacts struct{ source, group string }

type sourceFact struct{ source, fact string }

// NewReplay makes the replay of what was up to a time.
func NewReplay(c *Config, past store.Past, to time.Time) *Replay {
	r := &Replay{
		config: c, past: past, to: to,
		spans: map[groupOfFacts][]evidence.Span{}, facts: map[groupOfFacts]store.Coverage{},
		dated: map[sourceFact]bool{}, catalogued: catalogCoverage(to),
	}
	for _, g := range past.Groups {
		key := groupOfFacts{g.Source, g.Group}
		r.groups, r.facts[key] = append(r.groups, key), g
		for _, fact := range g.Facts {
			if g.Dated {
				r.dated[sourceFact{g.Source, fact}] = true
			}
		}
		for _, run := range past.Runs {
			if run.Source == g.Source {
				r.answered(key, evidence.Span{From: run.At, Until: run.At})
			}
		}
	}
	for _, s := range past.Coverage {
		r.answered(groupOfFacts{s.Source, s.Group}, evidence.Span{From: s.From, Until: s.Until})
	}
	r.ticks = r.sharedTicks()
	return r
}

// answered adds a span to those of a group, or to the last one if that is near.
func (r *Replay) answered(group groupOfFacts, span evidence.Span) {
	spans := r.spans[group]
	if n := len(spans); n > 0 && span.From.Sub(spans[n-1].Until) <= store.CoverageGap {
		spans[n-1].Until = span.Until
		return
	}
	r.spans[group] = append(spans, span)
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
	for group, spans := range r.spans {
		ages := r.ages(group)
		for i, span := range spans {
			until := r.to.Add(time.Hour)
			if i+1 < len(spans) {
				until = spans[i+1].From
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
func (r *Replay) ages(group groupOfFacts) []time.Duration {
	var ages []time.Duration
	for _, p := range r.config.Providers {
		if p.ID != group.source {
			continue
		}
		for _, fact := range r.facts[group].Facts {
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

// answeredAt is when a group was last answered at a time, zero if it was not.
func (r *Replay) answeredAt(group groupOfFacts, at time.Time) time.Time {
	spans := r.spans[group]
	i, _ := slices.BinarySearchFunc(spans, at, func(s evidence.Span, at time.Time) int {
		return cmp.Or(s.From.Compare(at), -1)
	})
	// spans[i] is the first that begins after that time.
	switch {
	case i == 0:
		return time.Time{}
	case spans[i-1].Until.Before(at):
		return spans[i-1].Until
	}
	return at
}

// Lane is the past of one service as it is judged again. It is not safe for concurrent use.
type Lane struct {
	replay *Replay
	judge  *judge
	entry  *catalog.Service
	past   *store.PastService
	// own are the judgements at which something of the service changes.
	own []time.Time
	// records, shared and owned count what was taken of past.Records, of the ticks of the
	// replay and of own.
	records, shared, owned int
	// at is the last time that was looked at; there was a judgement then, unless nothing
	// could have come of it.
	at     time.Time
	judger *scoring.Judger
	// set is what was known at that time.
	set *evidence.Set
	// card is the last one; nil before the first.
	card    *scoring.Scorecard
	cardDue scoring.Due
	// badgeDue is the next judgement at which the clocks of the badge have to move.
	badgeDue time.Time
	excepted map[groupOfFacts]store.ExceptionSpan
	// due is the next judgement at which time alone can change something.
	due time.Time
	// seen is called after each judgement; it may be nil.
	seen func(at time.Time, card *scoring.Scorecard)

	// Transitions are the changes of the badge so far.
	Transitions []scoring.Transition
}

// Lane begins to judge a service again, from the first judgement that is not before a
// time. Its badge is the one that is stored for that time, and none before the service was
// judged for the first time. Of its clocks that of a hold goes on; the others begin.
func (r *Replay) Lane(
	entry *catalog.Service, past *store.PastService, from time.Time, seen func(time.Time, *scoring.Scorecard),
) *Lane {
	if past.FirstJudged.After(from) {
		from = past.FirstJudged
	}
	l := r.lane(entry, past, r.tick(from), seen)
	if past.FirstJudged.IsZero() || !past.FirstJudged.Before(from) {
		return l
	}
	l.judge.at = r.before(l.due)
	badge := scoring.BadgeState{
		FirstJudged: past.FirstJudged, Since: past.FirstJudged, At: l.judge.at, FrameworkHash: r.config.Framework.Hash,
	}
	for _, b := range past.Badges {
		if b.At.Before(l.due) {
			badge.Badge, badge.Since = b.Badge, b.At
		}
	}
	for _, h := range past.Holds {
		if h.From.Before(l.due) && (h.Until.IsZero() || !h.Until.Before(l.due)) {
			badge.Hold = heldSince(h.From, l.judge.at, badge.Badge, r.config.Framework)
		}
	}
	l.judge.loaded(scoring.State{
		Badges: map[string]scoring.BadgeState{entry.Name: badge}, Invalidated: scoring.Invalidations{},
		Criteria: map[string]framework.Meaning{r.config.Framework.Hash: r.config.Framework.Meaning},
		Options:  l.judge.state.Options,
	})
	return l
}

// heldSince is a hold whose clock has run since it began.
func heldSince(since, at time.Time, badge framework.Badge, f *framework.Framework) *scoring.Hold {
	ran := at.Sub(since)
	return &scoring.Hold{
		Since: since, Ran: scoring.Stopped(ran), Left: scoring.Stopped(max(0, f.LapseAfter[badge]-ran)),
	}
}

func (r *Replay) lane(
	entry *catalog.Service, past *store.PastService, first time.Time, seen func(time.Time, *scoring.Scorecard),
) *Lane {
	c := r.config
	l := &Lane{
		replay: r, entry: entry, past: past, due: first, seen: seen, excepted: map[groupOfFacts]store.ExceptionSpan{},
		judger: scoring.NewJudger(c.Framework),
		judge: &judge{
			ledger: evidence.NewLedger(), log: slog.New(slog.DiscardHandler), last: notLoaded,
			statuses: map[string]map[string]store.StatusSpan{},
			state: scoring.State{
				Badges: map[string]scoring.BadgeState{}, Invalidated: scoring.Invalidations{},
				Options: scoring.Options{ObserveFor: c.ObserveFor, KeepFor: c.KeepFor, MaxStep: maxStep(c)},
			},
		},
	}
	add := func(at time.Time) {
		if at.After(first) && !at.After(r.to) {
			l.own = append(l.own, r.tick(at))
		}
	}
	for i := range past.Records {
		add(past.Records[i].From)
	}
	for _, e := range past.Exceptions {
		add(e.From)
		add(e.Until)
	}
	for _, s := range past.Subjects {
		add(s.From)
	}
	slices.SortFunc(l.own, time.Time.Compare)
	l.own = slices.CompactFunc(l.own, time.Time.Equal)
	return l
}

// Fork goes on with the past of the service by another configuration, from the first
// judgement on that is not before a time. This lane has not reached it.
func (l *Lane) Fork(r *Replay, from time.Time, seen func(time.Time, *scoring.Scorecard)) *Lane {
	next := r.tick(from)
	if l.card == nil {
		next = l.due
	}
	out := r.lane(l.entry, l.past, next, seen)
	l.pass(next, l.set)
	out.at = l.at
	out.judge.at = l.judge.at
	state := scoring.State{
		Badges: l.judge.exact(), Invalidated: scoring.Invalidations{}, Criteria: l.judge.state.Criteria,
		Options: out.judge.state.Options,
	}
	if invalidated := l.judge.invalidatedOf(l.entry.Name); len(invalidated) > 0 {
		state.Invalidated[l.entry.Name] = invalidated
	}
	out.judge.loaded(state)
	return out
}

// next is the next judgement.
func (l *Lane) next() time.Time {
	for l.owned < len(l.own) && !l.own[l.owned].After(l.at) {
		l.owned++
	}
	ticks := l.replay.ticks
	for l.shared < len(ticks) && !ticks[l.shared].After(l.at) {
		l.shared++
	}
	next := l.due
	if l.card == nil {
		return next // the first one
	}
	if l.owned < len(l.own) && l.own[l.owned].Before(next) {
		next = l.own[l.owned]
	}
	if l.shared < len(ticks) && ticks[l.shared].Before(next) {
		next = ticks[l.shared]
	}
	return next
}

// Advance judges up to a time, which is not included.
func (l *Lane) Advance(until time.Time) {
	for next := l.next(); next.Before(until); next = l.next() {
		l.step(next, false)
	}
}

// Finish judges up to the end of the replay, and there. It returns the last card and the
// badge; the card is nil if the service was not judged by then.
func (l *Lane) Finish() (*scoring.Scorecard, scoring.BadgeState) {
	end := l.replay.to.Truncate(l.replay.config.Interval)
	l.Advance(end)
	if l.due.After(end) && l.card == nil {
		return nil, scoring.BadgeState{}
	}
	l.step(end, true)
	badge, _ := l.judge.badgeOf(l.entry.Name)
	return l.card, badge
}

// Row is what was known of the service at the last judgement.
func (l *Lane) Row() evidence.Row { return l.set.Row(l.entry.Name) }

// pass makes the judgements before a time the last ones: they have changed nothing. known
// is what was known until then.
func (l *Lane) pass(next time.Time, known *evidence.Set) {
	j, before := l.judge, l.replay.before(next)
	if j.kept == nil || !before.After(j.at) {
		return
	}
	j.kept.prior = l.replay.before(before)
	if j.kept.prior.Before(j.at) {
		j.kept.prior = j.at
	}
	l.cover(before)
	set := j.ledger.Assemble(l.replay.config.Facts, l.replay.config.Providers, before)
	j.kept.set, j.kept.at, j.at = set.WithRows(known), before, before
}

// step judges at a time. Unless it must, it leaves that when nothing could come of it.
func (l *Lane) step(at time.Time, must bool) {
	shared := l.shared < len(l.replay.ticks) && l.replay.ticks[l.shared].Equal(at)
	changed, whole := l.observe(at)
	l.at = at
	l.cover(at)
	j, c, name := l.judge, l.replay.config, l.entry.Name
	before, set := l.set, j.ledger.Assemble(c.Facts, c.Providers, at)
	l.set = set
	subject := l.subject(set, at)
	var card scoring.Scorecard
	stays, ok := false, false
	if !shared && !whole && l.card != nil && subject == l.card.Basis.Subject &&
		maps.EqualFunc(j.kept.services[name].invalidated, j.state.Invalidated[name], time.Time.Equal) {
		card, stays, ok = l.judger.Again(l.card, &l.cardDue, scoring.Change{
			Row: set.Row(name), Facts: changed, Invalidated: dated(j.state.Invalidated[name], l.lastBefore(at)),
		}, at)
	}
	if stays && at.Before(l.badgeDue) && !must {
		l.card.Until = card.Until
		if l.due = earliest(l.badgeDue, l.replay.tick(earliest(card.Until, l.replay.end()))); !l.due.After(at) {
			l.due = l.replay.tick(at.Add(c.Interval))
		}
		return
	}
	l.pass(at, before)
	if !ok {
		card = l.judger.Judge(scoring.Inputs{
			Framework: c.Framework, Subjects: []scoring.Subject{subject}, Exemptions: l.exemptions(at),
			Evidence: set.Row, NotMeasurable: c.NotMeasurable,
			Invalidated: scoring.Invalidations{name: j.invalidatedOf(name)},
		}, at)[0]
		l.cardDue = l.judger.Due(&card)
	}
	l.advance(set, card)
}

// lastBefore is the last judgement before a time.
func (l *Lane) lastBefore(at time.Time) time.Time {
	if before := l.replay.before(at); before.After(l.judge.at) {
		return before
	}
	return l.judge.at
}

// advance moves the badge on by a card.
func (l *Lane) advance(set *evidence.Set, card scoring.Scorecard) {
	j, c, at := l.judge, l.replay.config, card.At
	l.card = &card
	cards := []scoring.Scorecard{card}
	before := j.part(c, cards)
	state, transitions := scoring.Advance(before, cards, at)
	j.take(c, set, cards, before, state, nil)
	l.Transitions = append(l.Transitions, transitions...)
	if l.seen != nil {
		l.seen(at, &card)
	}
	l.badgeDue = l.replay.tick(earliest(l.badgeUntil(&card), l.replay.end()))
	l.due = l.replay.tick(earliest(j.kept.services[l.entry.Name].until, l.replay.end()))
	if again := at.Add(c.Interval); l.due.Before(again) {
		l.due = l.replay.tick(again)
		if slices.ContainsFunc(card.Checks, func(r scoring.CheckResult) bool { return r.Err != nil }) {
			// The evaluator judges it each time, to count the errors.
			l.due = l.replay.tick(at.Add(erroneousEvery))
		}
	}
}

// badgeUntil is when the badge has to be moved on although the card stays: its clocks run
// out, or the last judgement has changed something.
func (l *Lane) badgeUntil(card *scoring.Scorecard) time.Time {
	k := l.judge.kept.services[l.entry.Name]
	if k.until.Before(card.Until) {
		return k.until
	}
	badge := l.judge.state.Badges[l.entry.Name]
	return badge.Until(l.replay.config.Framework)
}

// end is later than everything that is judged.
func (r *Replay) end() time.Time { return r.to.Add(2 * r.config.Interval) }

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// erroneousEvery is how often a service is judged again of which an expression fails.
const erroneousEvery = time.Hour

// observe takes over what has changed up to a time, and says of which facts, by index.
// whole is set if more than the facts has changed, or they age otherwise than their group.
func (l *Lane) observe(at time.Time) (changed []int, whole bool) {
	for ; l.records < len(l.past.Records) && !l.past.Records[l.records].From.After(at); l.records++ {
		r := &l.past.Records[l.records]
		l.put(r)
		if i, known := l.replay.config.Facts.Index(r.Fact); known && !slices.Contains(changed, i) {
			changed = append(changed, i)
		}
		whole = whole || l.replay.dated[sourceFact{r.Source, r.Fact}]
	}
	whole = l.except(at) || whole || len(l.excepted) > 0
	return changed, whole
}

// except takes over which sources have no answer for the service, and reports whether that
// has changed.
func (l *Lane) except(at time.Time) (changed bool) {
	for _, e := range l.past.Exceptions {
		group := groupOfFacts{e.Source, e.Group}
		inForce := !e.From.IsZero() && !e.From.After(at) && (e.Until.IsZero() || e.Until.After(at))
		now, excepted := l.excepted[group]
		switch {
		case inForce && (!excepted || now != e):
			l.excepted[group], changed = e, true
			l.hold(group, &e)
		case !inForce && excepted && now == e:
			delete(l.excepted, group)
			l.hold(group, nil)
			changed = true
		}
	}
	return changed
}

func (l *Lane) put(r *store.PastRecord) {
	if r.Withdrawn != "" {
		l.judge.ledger.Withdraw(l.past.Service, r.Fact, r.Source, r.Withdrawn)
		return
	}
	var held time.Time
	for group := range l.excepted {
		if group.source == r.Source && slices.Contains(l.replay.facts[group].Facts, r.Fact) {
			held = r.From
		}
	}
	l.judge.ledger.Put(evidence.Record{
		Service: l.past.Service, Fact: r.Fact, Source: r.Source, Value: r.Value, Since: r.Since, ObservedAt: r.From,
	}, held)
}

// hold fixes when the records of a group were observed, or with nil ends that.
func (l *Lane) hold(group groupOfFacts, by *store.ExceptionSpan) {
	for _, fact := range l.replay.facts[group].Facts {
		r, known := l.judge.ledger.Newest(l.past.Service, fact, group.source)
		if !known {
			continue
		}
		var held time.Time
		if by != nil {
			held = r.ObservedAt
			if by.Held.After(held) {
				held = by.Held
			}
		}
		l.judge.ledger.Put(r, held)
	}
}

// cover tells the ledger which groups were answered at a time.
func (l *Lane) cover(at time.Time) {
	for _, group := range l.replay.groups {
		answered := l.replay.answeredAt(group, at)
		if answered.IsZero() {
			continue
		}
		g := l.replay.facts[group]
		c := evidence.Coverage{Group: g.Group, Facts: g.Facts, At: answered, Dated: g.Dated}
		if e, excepted := l.excepted[group]; excepted {
			c.Except = map[string]evidence.Missing{l.past.Service: e.Reason}
		}
		l.judge.ledger.Cover(group.source, c)
	}
	catalogued := l.replay.catalogued
	catalogued.At = at
	l.judge.ledger.Cover(catalog.SourceID, catalogued)
}

// subject is what the service was; what it is now where that is not stored.
func (l *Lane) subject(set *evidence.Set, at time.Time) scoring.Subject {
	for _, s := range slices.Backward(l.past.Subjects) {
		if !s.From.After(at) {
			return s.Subject
		}
	}
	return scoring.NewSubject(l.entry, l.replay.config.Facts, set.Row(l.entry.Name))
}

// exemptions are those that there were; those of now where that is not stored.
func (l *Lane) exemptions(at time.Time) []scoring.Exemption {
	all := l.replay.config.Exemptions
	for _, e := range slices.Backward(l.replay.past.Exemptions) {
		if !e.From.After(at) {
			all = e.Exemptions
			break
		}
	}
	return all
}
