package evaluation

import (
	"cmp"
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// PastReader reads the past; see store.Store.EachPast.
type PastReader interface {
	EachPast(ctx context.Context, service string, until time.Time, begin func(store.Past) error,
		each func(store.PastService) error) error
}

// Comparison is how services would have been judged by other criteria than those of the
// present configuration.
type Comparison struct {
	// From and To are what was compared. From is later than what was asked for if the
	// history does not reach back that far; it is To if there is none.
	From, To time.Time
	// Reach is when the history begins that can be judged again; zero without any.
	Reach time.Time
	// CoverageSince is since when it is stored when facts were answered; before, that is
	// taken from the rounds of the sources. SubjectsSince is since when it is stored what
	// services were and which exemptions there were; before, those of now are used.
	CoverageSince, SubjectsSince time.Time
	// Frameworks are when other criteria came into force within the time.
	Frameworks []store.FrameworkChange
	// Services are those that were compared, in the order of their names.
	Services []Compared
}

// Compared is one service.
type Compared struct {
	Service string
	// Present and Other are the badges at the end, by the present and the other criteria.
	Present, Other Held
	// Differences are the times in which the badges differ, the oldest first.
	Differences []Difference
	// PresentChanges and OtherChanges are the changes of the badges since From, without the
	// checks that flipped: these are most of the memory.
	PresentChanges, OtherChanges []scoring.Transition
}

// Held is a badge, and whether it is on hold.
type Held struct {
	Badge  framework.Badge
	OnHold bool
}

func (l *Lane) held() Held {
	badge, _ := l.judge.badgeOf(l.entry.Name)
	return Held{badge.Badge, badge.OnHold()}
}

// Difference is a time in which a service has another badge by the other criteria. While
// it lasts, the one is always the lower one.
type Difference struct {
	From time.Time
	// Until is zero if it lasts.
	Until time.Time
	// Present and Other are the badges when it began.
	Present, Other framework.Badge
	// Checks are those that keep the lower badge from being the higher one, by the criteria
	// that give the lower one; empty if these ask something else of the badge.
	Checks []DecidingCheck
}

// Loss reports whether the badge by the other criteria is the lower one.
func (d *Difference) Loss() bool { return d.Other < d.Present }

// DecidingCheck is a check that makes a difference, with its status then.
type DecidingCheck struct {
	ID     string
	Status scoring.Status
	// Missing are the facts without fresh evidence, NeverSeen those of them of which there
	// was no record of any service by then.
	Missing, NeverSeen []string
}

// warmUp is how much earlier than the time that is compared judging begins: until then
// the clocks of badges have run as they did, by the criteria of any service.
func warmUp(c *Config) time.Duration {
	var longest time.Duration
	for _, f := range c.frameworks() {
		longest = max(longest, f.AwardDwell)
		for _, check := range f.Checks {
			longest = max(longest, check.Dwell)
		}
	}
	return longest + 24*time.Hour
}

// Compare judges the past of all services by two configurations that differ in the
// criteria alone. The badges of the other one go on from those of the present one at the
// beginning. done is called with the share that is done and the number of services; it may
// be nil. Evidence and judgements are of services of the present catalog, without those
// that both configurations judge by one framework: if the other one only lacks the pins,
// those that are not pinned.
func Compare(
	ctx context.Context, reader PastReader, present, other *Config, from, to time.Time, done func(float64, int),
) (*Comparison, error) {
	// Little is kept and much is made, so that collecting garbage seldom saves a third of the
	// time.
	if before := debug.SetGCPercent(comparingGC); before > 0 {
		defer debug.SetGCPercent(before)
	}
	if before := debug.SetMemoryLimit(-1); before > comparingMemory {
		debug.SetMemoryLimit(comparingMemory)
		defer debug.SetMemoryLimit(before)
	}
	c := &comparing{
		Comparison: &Comparison{From: from, To: to}, present: present, other: other, done: done,
		seen: map[string]time.Time{}, work: make(chan store.PastService, runtime.GOMAXPROCS(0)),
	}
	var workers sync.WaitGroup
	err := reader.EachPast(ctx, "", to, func(p store.Past) error {
		c.begin(p)
		for range runtime.GOMAXPROCS(0) {
			workers.Go(c.run)
		}
		return nil
	}, func(s store.PastService) error {
		if c.From.Equal(c.To) {
			return nil
		}
		select {
		case c.work <- s:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(c.work)
	workers.Wait()
	if err != nil {
		return nil, err
	}
	c.finish()
	return c.Comparison, nil
}

// comparingGC lets the memory grow to a few hundred MiB. Close to comparingMemory garbage is
// collected more often.
const (
	comparingGC     = 600
	comparingMemory = 640 << 20
)

// comparing is a Comparison that is being made.
type comparing struct {
	*Comparison
	present, other *Config
	done           func(float64, int)
	start          time.Time
	replays        [2]*Replay
	work           chan store.PastService

	mu sync.Mutex
	// seen is when the first record of a fact was made.
	seen     map[string]time.Time
	services int
}

func (c *comparing) begin(p store.Past) {
	c.Reach, c.CoverageSince, c.SubjectsSince = Reach(p), p.CoverageSince, subjectsSince(p)
	for n, f := range p.Frameworks {
		if n > 0 && f.At.After(c.From) && !f.At.After(c.To) {
			c.Frameworks = append(c.Frameworks, f)
		}
	}
	switch {
	case c.Reach.IsZero() || !c.Reach.Before(c.To):
		c.From = c.To
	case c.From.Before(c.Reach):
		c.From = c.Reach
	}
	c.start = c.From.Add(-warmUp(c.present))
	if c.start.Before(c.Reach) {
		c.start = c.Reach
	}
	c.replays = [2]*Replay{NewReplay(c.present, p, c.To), NewReplay(c.other, p, c.To)}
}

// Reach is when the past begins that can be judged again; zero without any.
func Reach(p store.Past) time.Time {
	reach := p.CoverageSince
	if len(p.Runs) > 0 {
		reach = p.Runs[0].At
	}
	if reach.Before(p.Since) {
		reach = p.Since
	}
	if p.Since.IsZero() {
		return time.Time{}
	}
	return reach
}

func (c *comparing) run() {
	w := newWorkspace()
	for past := range c.work {
		compared, ok := c.compare(w, &past)
		c.mu.Lock()
		for i := range past.Records {
			r := &past.Records[i]
			if first, known := c.seen[r.Fact]; r.Withdrawn == "" && (!known || r.From.Before(first)) {
				c.seen[r.Fact] = r.From
			}
		}
		c.services++
		if ok {
			c.Services = append(c.Services, compared)
		}
		if c.done != nil {
			c.done(float64(c.services)/float64(max(1, len(c.present.Catalog.Services()))), c.services)
		}
		c.mu.Unlock()
	}
}

// blocked is which checks were in the way of badges from a time on: those that count and
// that fresh evidence does not pass.
type blocked struct {
	at     time.Time
	checks []blockingCheck
}

type blockingCheck struct {
	check  *framework.Check
	status scoring.Status
	// missing are the facts without fresh evidence, by index.
	missing []int
}

// sight watches the judgements of a lane.
type sight struct {
	config *Config
	blocks []blocked
	now    []blockingCheck
}

// look notes the checks that fresh evidence does not pass.
func (s *sight) look(at time.Time, card *scoring.Scorecard) {
	s.now = s.now[:0]
	for i := range card.Checks {
		if r := &card.Checks[i]; r.Status.Counted() && r.Fresh != scoring.Pass {
			s.now = append(s.now, blockingCheck{r.Check, r.Fresh, r.Missing})
		}
	}
	same := func(a, b blockingCheck) bool {
		return a.check == b.check && a.status == b.status && slices.Equal(a.missing, b.missing)
	}
	if n := len(s.blocks); n == 0 || !slices.EqualFunc(s.blocks[n-1].checks, s.now, same) {
		s.blocks = append(s.blocks, blocked{at, slices.Clone(s.now)})
	}
}

// against are the checks that are in the way of a badge at a time.
func (s *sight) against(badge framework.Badge, at time.Time) []DecidingCheck {
	var found []DecidingCheck
	for _, b := range slices.Backward(s.blocks) {
		if b.at.After(at) {
			continue
		}
		for _, blocking := range b.checks {
			if blocking.check.NeededFor() > badge {
				continue
			}
			d := DecidingCheck{ID: blocking.check.ID, Status: blocking.status}
			for _, fact := range blocking.missing {
				d.Missing = append(d.Missing, s.config.Facts.Name(fact))
			}
			found = append(found, d)
		}
		break
	}
	return found
}

func (c *comparing) compare(w *workspace, past *store.PastService) (Compared, bool) {
	entry, known := c.present.Catalog.Service(past.Service)
	if !known || c.replays[0].configFor(entry).Framework == c.replays[1].configFor(entry).Framework {
		return Compared{}, false
	}
	presentSight, otherSight := &sight{config: c.present}, &sight{config: c.other}
	presentLane := c.replays[0].begin(w, entry, past, c.start, presentSight.look)
	advance(c.From, presentLane)
	before := len(presentLane.Transitions)
	otherLane := presentLane.Fork(c.replays[1], c.From, otherSight.look)
	began := presentLane.judge.state.Badges[entry.Name].Badge
	finish(presentLane, otherLane)
	if presentLane.card == nil {
		return Compared{}, false
	}
	out := Compared{
		Service: past.Service, Present: presentLane.held(), Other: otherLane.held(),
		PresentChanges: withoutFlips(presentLane.Transitions[before:]), OtherChanges: withoutFlips(otherLane.Transitions),
	}
	out.differ(began)
	for i := range out.Differences {
		d := &out.Differences[i]
		low, high, badge := otherSight, presentSight, d.Present
		if !d.Loss() {
			low, high, badge = presentSight, otherSight, d.Other
		}
		d.Checks = deciding(low.against(badge, d.From), high.against(badge, d.From))
	}
	return out, true
}

func withoutFlips(changes []scoring.Transition) []scoring.Transition {
	out := slices.Clone(changes)
	for i := range out {
		out[i].Flips = nil
	}
	return out
}

// deciding are those of the checks in the way that the other criteria do not have in the
// way, too; all if there are none.
func deciding(low, high []DecidingCheck) []DecidingCheck {
	var found []DecidingCheck
	for _, d := range low {
		if !slices.ContainsFunc(high, func(h DecidingCheck) bool { return h.ID == d.ID && h.Status == d.Status }) {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return low
	}
	return found
}

// differ finds the times in which the badges differ, from the badge of both at the beginning.
func (c *Compared) differ(began framework.Badge) {
	type change struct {
		at    time.Time
		other bool
		to    framework.Badge
	}
	var changes []change
	for _, t := range c.PresentChanges {
		changes = append(changes, change{t.At, false, t.To})
	}
	for _, t := range c.OtherChanges {
		changes = append(changes, change{t.At, true, t.To})
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	present, other := began, began
	var now *Difference
	for i, change := range changes {
		if change.other {
			other = change.to
		} else {
			present = change.to
		}
		if i+1 < len(changes) && changes[i+1].at.Equal(change.at) {
			continue
		}
		sign := cmp.Compare(other, present)
		if now != nil && sign != cmp.Compare(now.Other, now.Present) {
			now.Until, now = change.at, nil
		}
		if now == nil && sign != 0 {
			c.Differences = append(c.Differences, Difference{From: change.at, Present: present, Other: other})
			now = &c.Differences[len(c.Differences)-1]
		}
	}
}

// finish puts the services into order, and says which facts there were no records of.
func (c *comparing) finish() {
	slices.SortFunc(c.Services, func(a, b Compared) int { return cmp.Compare(a.Service, b.Service) })
	for i := range c.Services {
		for j := range c.Services[i].Differences {
			d := &c.Services[i].Differences[j]
			for k := range d.Checks {
				check := &d.Checks[k]
				for _, fact := range check.Missing {
					if first, seen := c.seen[fact]; evidence.Pack(fact) != framework.AttestationPack &&
						(!seen || first.After(d.From)) {
						check.NeverSeen = append(check.NeverSeen, fact)
					}
				}
			}
		}
	}
}
