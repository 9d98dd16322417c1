package evaluation

import (
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// workspace is what one goroutine uses again for each service that it judges.
type workspace struct {
	ledger  *evidence.Ledger
	judgers map[judgedBy]*scoring.Judger
}

// judgedBy is a replay and one of its configurations.
type judgedBy struct {
	replay *Replay
	config *Config
}

func newWorkspace() *workspace {
	return &workspace{ledger: evidence.NewLedger(), judgers: map[judgedBy]*scoring.Judger{}}
}

func (w *workspace) judger(by judgedBy) *scoring.Judger {
	j := w.judgers[by]
	if j == nil {
		j = scoring.NewJudger(by.config.Framework)
		w.judgers[by] = j
	}
	return j
}

// timeline is what was known of one service as time went on. Lanes that judge it by
// several configurations share it, so that its records are read once: they move it on, and
// each has to look whenever something of the service changes.
type timeline struct {
	*workspace
	replay *Replay
	past   *store.PastService
	// groups are those of the replay, as the ledger knows them; the last is the catalog's.
	groups []evidence.Group
	// changes are the judgements at which something of the service changes.
	changes []time.Time
	// records counts what was taken of past.Records.
	records  int
	excepted map[groupOfFacts]exception
	// exceptedAt is when the exceptions last changed, covered the time of which the ledger
	// has the coverage.
	exceptedAt, covered time.Time
}

// exception is a time in which a source has no answer for the service.
type exception struct {
	store.ExceptionSpan
	coverage *evidence.Coverage
}

// timeline begins the past of another service, and ends that of the one before.
func (w *workspace) timeline(r *Replay, past *store.PastService) *timeline {
	w.ledger.Reset()
	t := &timeline{workspace: w, replay: r, past: past, excepted: map[groupOfFacts]exception{}}
	for _, g := range r.groups {
		t.groups = append(t.groups, w.ledger.Group(g.source, g.group))
	}
	t.groups = append(t.groups, w.ledger.Group(catalog.SourceID, r.catalogued.Group))
	add := func(at time.Time) {
		if !at.IsZero() && !at.After(r.to) {
			t.changes = append(t.changes, r.tick(at))
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
	slices.SortFunc(t.changes, time.Time.Compare)
	t.changes = slices.CompactFunc(t.changes, time.Time.Equal)
	return t
}

// advance takes over what has changed up to a time.
func (t *timeline) advance(at time.Time) {
	for ; t.records < len(t.past.Records) && !t.past.Records[t.records].From.After(at); t.records++ {
		t.put(&t.past.Records[t.records])
	}
	for _, e := range t.past.Exceptions {
		group := groupOfFacts{e.Source, e.Group}
		inForce := !e.From.IsZero() && !e.From.After(at) && (e.Until.IsZero() || e.Until.After(at))
		now, excepted := t.excepted[group]
		switch {
		case inForce && (!excepted || now.ExceptionSpan != e):
			t.except(group, e)
			t.hold(group, &e)
		case !inForce && excepted && now.ExceptionSpan == e:
			delete(t.excepted, group)
			t.hold(group, nil)
		default:
			continue
		}
		t.exceptedAt, t.covered = at, time.Time{}
	}
}

func (t *timeline) except(group groupOfFacts, e store.ExceptionSpan) {
	var coverage evidence.Coverage
	if g := t.replay.byName[group]; g != nil {
		coverage = g.coverage
	}
	coverage.Except = map[string]evidence.Missing{t.past.Service: e.Reason}
	t.excepted[group] = exception{e, &coverage}
}

func (t *timeline) put(r *store.PastRecord) {
	if r.Withdrawn != "" {
		t.ledger.Withdraw(t.past.Service, r.Fact, r.Source, r.Withdrawn)
		return
	}
	var held time.Time
	for group, e := range t.excepted {
		if group.source == r.Source && slices.Contains(e.coverage.Facts, r.Fact) {
			held = r.From
		}
	}
	t.ledger.Put(evidence.Record{
		Service: t.past.Service, Fact: r.Fact, Source: r.Source, Value: r.Value, Since: r.Since, ObservedAt: r.From,
	}, held)
}

// hold fixes when the records of a group were observed, or with nil ends that.
func (t *timeline) hold(group groupOfFacts, by *store.ExceptionSpan) {
	g := t.replay.byName[group]
	if g == nil {
		return
	}
	for _, fact := range g.coverage.Facts {
		r, known := t.ledger.Newest(t.past.Service, fact, group.source)
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
		t.ledger.Put(r, held)
	}
}

// known is what a configuration knows of what was taken over, at a time.
func (t *timeline) known(c *Config, at time.Time) *evidence.Set {
	if !t.covered.Equal(at) {
		t.cover(at)
	}
	return t.ledger.Assemble(c.Facts, c.Providers, at)
}

// cover tells the ledger which groups were answered at a time.
func (t *timeline) cover(at time.Time) {
	for i, g := range t.replay.groups {
		answered := g.answeredAt(at)
		if answered.IsZero() {
			continue
		}
		coverage := &g.coverage
		if len(t.excepted) > 0 {
			if e, excepted := t.excepted[g.groupOfFacts]; excepted {
				coverage = e.coverage
			}
		}
		t.ledger.CoverGroup(t.groups[i], coverage, answered)
	}
	t.ledger.CoverGroup(t.groups[len(t.replay.groups)], &t.replay.catalogued, at)
	t.covered = at
}
