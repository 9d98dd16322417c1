package scoring

import (
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// Judger judges one service again and again, as Judge does, and can judge again only the
// checks that a change may have changed. It is not safe for concurrent use.
type Judger struct {
	judge *judge
	// readers are the indexes of the checks that read a fact, by its index.
	readers [][]int
}

// NewJudger makes a Judger for services that are judged by a framework.
func NewJudger(f *framework.Framework) *Judger {
	j := &Judger{judge: newJudge(f), readers: make([][]int, f.Facts().Len())}
	j.judge.memories = newMemories(f)
	for _, c := range f.Checks {
		for _, fact := range c.Facts {
			j.readers[fact] = append(j.readers[fact], c.Index)
		}
	}
	return j
}

// Judge is the function Judge for services that are judged by the framework of the Judger:
// Framework and Pins of the inputs are not read.
func (j *Judger) Judge(in Inputs, now time.Time) []Scorecard {
	scheduled := scheduledChecks(j.judge.framework, in.NotMeasurable, now)
	cards := make([]Scorecard, len(in.Subjects))
	for i := range in.Subjects {
		cards[i] = j.judge.subject(&in, &in.Subjects[i], scheduled, now)
	}
	return cards
}

// Advance is the function Advance for cards of the Judger.
func (j *Judger) Advance(state State, cards []Scorecard, now time.Time) (State, []Transition) {
	return advance(state, cards, now, func(b *Basis) Scorecard {
		if b.Framework != j.judge.framework {
			return Rejudge(b)
		}
		j.judge.load(b)
		return j.judge.card(b)
	})
}

// Due says when a card may be another one.
type Due struct {
	// unread is for everything but the facts that are read as ages or as the time left;
	// watched is for these, by the watches of the framework.
	unread  time.Time
	watched []time.Time
}

// Until is the first time.
func (d *Due) Until() time.Time {
	until := d.unread
	for _, at := range d.watched {
		until = earlier(until, at)
	}
	return until
}

// Due is when the card that was made last may be another one.
func (j *Judger) Due(card *Scorecard) Due {
	due := Due{unread: j.judge.untilUnread(card), watched: make([]time.Time, len(j.judge.framework.Watches()))}
	for i, w := range j.judge.framework.Watches() {
		due.watched[i] = card.Basis.watched(w)
	}
	return due
}

// Change is what has changed since a card was made.
type Change struct {
	// Row is what is known now, Facts are the indexes of the facts that have changed.
	Row         evidence.Row
	Facts       []int
	Invalidated map[string]time.Time
}

// Again is the card if the service is judged again now, when nothing but some facts and
// the time has changed. Only the checks that this may change are judged. stays reports
// whether none has changed. ok is false if more than that has changed; due is then not
// brought up to date.
func (j *Judger) Again(card *Scorecard, due *Due, change Change, now time.Time) (again Scorecard, stays, ok bool) {
	if !now.Before(due.unread) {
		return Scorecard{}, false, false
	}
	watches, changed := j.judge.framework.Watches(), change.Facts
	for i, w := range watches {
		if !now.Before(due.watched[i]) && !slices.Contains(changed, w.Fact) {
			changed = append(changed, w.Fact)
		}
	}
	again = *card
	again.At, again.Basis = now, card.Basis.Seen(change.Row, change.Invalidated, now)
	if stays, ok = j.judgeAgain(&again, changed); !ok {
		return Scorecard{}, false, false
	}
	for i, w := range watches {
		if slices.Contains(changed, w.Fact) {
			due.watched[i] = again.Basis.watched(w)
		}
	}
	again.Until = due.Until()
	if !stays {
		again.Modules, again.Score, again.HasScore, again.Coverage = nil, Bounds[float64]{}, false, 0
		again.Badge, again.FreshBadge, again.Ceiling = Bounds[framework.Badge]{}, Bounds[framework.Badge]{}, 0
		aggregate(&again, j.judge.framework)
	}
	return again, stays, true
}

// judgeAgain judges the checks that read some facts. Those that change are replaced in a
// copy of the card's checks. ok is false if an expression fails, or a machine's no begins
// or ends, which has effects beyond the check.
func (j *Judger) judgeAgain(card *Scorecard, facts []int) (stays, ok bool) {
	basis, checks := card.Basis, card.Checks
	j.judge.begin(basis)
	stays = true
	for _, fact := range facts {
		for _, index := range j.readers[fact] {
			before := &checks[index]
			if before.Status == NotApplicable {
				continue
			}
			for _, f := range before.Check.Facts {
				j.judge.loadFact(basis, f)
			}
			now := CheckResult{Check: before.Check}
			j.judge.result(basis, &now)
			if now.Err != nil || before.Err != nil || now.MachineNo != before.MachineNo {
				return false, false
			}
			if now.equal(before) {
				continue
			}
			if stays {
				card.Checks, stays = slices.Clone(checks), false
			}
			card.Checks[index] = now
		}
	}
	return stays, true
}

// equal reports whether two results of one check say the same.
func (r *CheckResult) equal(o *CheckResult) bool {
	return r.Status == o.Status && r.Verdict == o.Verdict && r.By == o.By && r.Fresh == o.Fresh &&
		r.FreshBy == o.FreshBy && r.Open == o.Open && r.SourceDown == o.SourceDown &&
		r.MachineNo == o.MachineNo && r.Contradicts == o.Contradicts &&
		r.RefusedAt.Equal(o.RefusedAt) && slices.Equal(r.Missing, o.Missing)
}
