package evaluation

import (
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

// Lane is the past of one service as it is judged again. It is not safe for concurrent use.
type Lane struct {
	replay *Replay
	// config has the criteria of the service.
	config   *Config
	judge    *judge
	entry    *catalog.Service
	timeline *timeline
	// records, shared and owned count what was looked at of the records, of the ticks of the
	// replay and of the changes of the service.
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
	return r.begin(newWorkspace(), entry, past, from, seen)
}

// begin is Lane in a workspace, which has no other lane then but those that fork from it.
func (r *Replay) begin(
	w *workspace, entry *catalog.Service, past *store.PastService, from time.Time,
	seen func(time.Time, *scoring.Scorecard),
) *Lane {
	if past.FirstJudged.After(from) {
		from = past.FirstJudged
	}
	l := r.lane(entry, w.timeline(r, past), r.tick(from), seen)
	if past.FirstJudged.IsZero() || !past.FirstJudged.Before(from) {
		return l
	}
	l.judge.at = r.before(l.due)
	badge := scoring.BadgeState{
		FirstJudged: past.FirstJudged, Since: past.FirstJudged, At: l.judge.at, FrameworkHash: l.config.Framework.Hash,
	}
	for _, b := range past.Badges {
		if b.At.Before(l.due) {
			badge.Become(b.Badge, b.At)
		}
	}
	for _, h := range past.Holds {
		if h.From.Before(l.due) && (h.Until.IsZero() || !h.Until.Before(l.due)) {
			badge.Hold = heldSince(h.From, l.judge.at, badge.Badge, l.config.Framework)
		}
	}
	l.judge.loaded(scoring.State{
		Badges: map[string]scoring.BadgeState{entry.Name: badge}, Invalidated: scoring.Invalidations{},
		Criteria: map[string]framework.Meaning{l.config.Framework.Hash: l.config.Framework.Meaning},
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
	entry *catalog.Service, t *timeline, first time.Time, seen func(time.Time, *scoring.Scorecard),
) *Lane {
	c := r.configFor(entry)
	return &Lane{
		replay: r, config: c, entry: entry, timeline: t, due: first, seen: seen, judger: t.judger(judgedBy{r, c}),
		judge: &judge{
			log: slog.New(slog.DiscardHandler), last: notLoaded, statuses: map[string]map[string]store.StatusSpan{},
			state: scoring.State{
				Badges: map[string]scoring.BadgeState{}, Invalidated: scoring.Invalidations{},
				Options: scoring.Options{ObserveFor: c.ObserveFor, KeepFor: c.KeepFor, MaxStep: maxStep(c)},
			},
		},
	}
}

// Fork makes a lane that judges the same past by another configuration. It begins with the state
// of this lane, at the first judgement that is not before from. This lane must not have judged
// at that time yet. Advance both lanes together, because they share a timeline.
func (l *Lane) Fork(r *Replay, from time.Time, seen func(time.Time, *scoring.Scorecard)) *Lane {
	next := r.tick(from)
	if l.card == nil {
		next = l.due
	}
	out := r.lane(l.entry, l.timeline, next, seen)
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
	changes := l.timeline.changes
	for l.owned < len(changes) && !changes[l.owned].After(l.at) {
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
	if l.owned < len(changes) && changes[l.owned].Before(next) {
		next = changes[l.owned]
	}
	if l.shared < len(ticks) && ticks[l.shared].Before(next) {
		next = ticks[l.shared]
	}
	return next
}

// advance judges lanes of one service up to a time, which is not included. They take turns,
// in the order of time.
func advance(until time.Time, lanes ...*Lane) {
	for {
		var now *Lane
		next := until
		for _, l := range lanes {
			if at := l.next(); at.Before(next) {
				now, next = l, at
			}
		}
		if now == nil {
			return
		}
		now.step(next, false)
	}
}

// finish judges lanes of one service up to the end of the replay, and there.
func finish(lanes ...*Lane) {
	r := lanes[0].replay
	end := r.to.Truncate(r.config.Interval)
	advance(end, lanes...)
	for _, l := range lanes {
		if l.card != nil || !l.due.After(end) {
			l.step(end, true)
		}
	}
}

// Finish judges up to the end of the replay, and there. It returns the last card and the
// badge; the card is nil if the service was not judged by then.
func (l *Lane) Finish() (*scoring.Scorecard, scoring.BadgeState) {
	finish(l)
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
	set := l.timeline.known(l.config, before)
	j.kept.set, j.kept.at, j.at = set.WithRows(known), before, before
}

// step judges at a time. Unless it must, it leaves that when nothing could come of it.
func (l *Lane) step(at time.Time, must bool) {
	shared := l.shared < len(l.replay.ticks) && l.replay.ticks[l.shared].Equal(at)
	changed, whole := l.observe(at)
	l.at = at
	j, c, name := l.judge, l.config, l.entry.Name
	before, set := l.set, l.timeline.known(c, at)
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
	j, c, at := l.judge, l.config, card.At
	l.card = &card
	cards := []scoring.Scorecard{card}
	before := j.part(c, cards)
	state, transitions := l.judger.Advance(before, cards, at)
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
	return badge.Until(l.config.Framework)
}

// erroneousEvery is how often a service is judged again of which an expression fails.
const erroneousEvery = time.Hour

// observe says of which facts something has changed up to a time, by index. whole is set if
// more than the facts has changed, or they age otherwise than their group.
func (l *Lane) observe(at time.Time) (changed []int, whole bool) {
	t := l.timeline
	t.advance(at)
	for ; l.records < t.records; l.records++ {
		r := &t.past.Records[l.records]
		if i, known := l.config.Facts.Index(r.Fact); known && !slices.Contains(changed, i) {
			changed = append(changed, i)
		}
		whole = whole || l.replay.dated[sourceFact{r.Source, r.Fact}]
	}
	return changed, whole || t.exceptedAt.Equal(at) || len(t.excepted) > 0
}

// subject is what the service was; what it is now where that is not stored.
func (l *Lane) subject(set *evidence.Set, at time.Time) scoring.Subject {
	for _, s := range slices.Backward(l.timeline.past.Subjects) {
		if !s.From.After(at) {
			return s.Subject
		}
	}
	return scoring.NewSubject(l.entry, l.config.Facts, set.Row(l.entry.Name))
}

// exemptions are those that there were; those of now where that is not stored.
func (l *Lane) exemptions(at time.Time) []scoring.Exemption {
	all := l.config.Exemptions
	for _, e := range slices.Backward(l.replay.past.Exemptions) {
		if !e.From.After(at) {
			all = e.Exemptions
			break
		}
	}
	return all
}
