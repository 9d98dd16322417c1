package evaluation

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// saveClocksEvery is how often running clocks are stored. A process that is
// killed loses at most this much of them.
const saveClocksEvery = 10 * time.Minute

// judge judges the evidence in the store and makes the snapshot. It keeps the
// evidence in memory and loads only what has changed. It is not safe for
// concurrent use.
type judge struct {
	store *store.Store
	log   *slog.Logger
	// expressionFailed counts the expressions that failed, by check; nil counts
	// none.
	expressionFailed func(check string, n int)

	ledger   *evidence.Ledger
	sequence int64

	state     scoring.State
	statuses  map[string]map[string]store.StatusSpan
	activated time.Time
	// hash is the framework that was judged by last.
	hash string
	// faulty are the checks whose expression failed, with the error, so that a
	// lasting failure is logged once.
	faulty   map[string]string
	outcomes outcomes
}

// newJudge makes a judge that continues from the last stored judgement.
func newJudge(ctx context.Context, s *store.Store, c *Config, log *slog.Logger) (*judge, error) {
	j := &judge{
		store: s, log: log, ledger: evidence.NewLedger(),
		outcomes: outcomes{store: s, firings: alertMemory{store: s}},
	}
	loaded, err := s.LoadState(ctx, func(f store.Framework) (*framework.Framework, error) {
		criteria, _ := restore(f, c, log)
		return criteria, nil
	})
	if err != nil {
		return nil, fmt.Errorf("loading the last judgement: %w", err)
	}
	j.state = loaded.State
	j.statuses, j.activated, j.hash = loaded.Statuses, loaded.Framework.ActivatedAt, loaded.Framework.Hash
	if j.hash != "" {
		_, j.state.Criteria = restore(loaded.Framework, c, log)
	}
	if j.state.Criteria.Checks != nil {
		j.hash = j.state.Criteria.Hash()
	}
	return j, nil
}

// restore compiles criteria that were judged by before, and returns their earlier
// Meaning. If they do not compile, because a fact they read is gone, later badge
// changes get a less exact cause, and nothing else is lost.
func restore(stored store.Framework, c *Config, log *slog.Logger) (*framework.Framework, framework.Meaning) {
	if c.Framework.Is(stored.Hash) {
		return c.Framework, c.Framework.Meaning
	}
	var meaning framework.Meaning
	document, err := framework.Restore(stored.Text)
	if err == nil {
		meaning = document.Meaning()
		var compiled *framework.Framework
		if compiled, err = framework.Compile(document, c.Facts); err == nil {
			return compiled, compiled.Meaning
		}
	}
	log.Warn("earlier criteria cannot be compiled any more; causes of the next badge changes are coarser",
		"framework", stored.Name, "version", stored.Version, "err", err)
	return nil, meaning
}

// started reports whether a judgement was ever stored, or evidence was read.
func (j *judge) started() bool { return j.hash != "" || j.sequence > 0 }

// refresh loads the evidence that has changed.
func (j *judge) refresh(ctx context.Context, c *Config, now time.Time) error {
	loaded, err := j.store.LoadRecords(ctx, j.sequence)
	if err != nil {
		return fmt.Errorf("loading evidence: %w", err)
	}
	for _, row := range loaded.Rows {
		if row.Withdrawn != "" {
			j.ledger.Withdraw(row.Service, row.Fact, row.Source, row.Withdrawn)
			continue
		}
		record := row.Record
		record.ObservedAt = row.SeenAt
		j.ledger.Put(record, row.HeldAt)
	}
	for _, covered := range loaded.Coverage {
		j.ledger.Cover(covered.Source, covered.Coverage)
	}
	j.sequence = loaded.Seq
	j.observeCatalog(c, now)
	return nil
}

// observeCatalog observes anew what the catalog says.
func (j *judge) observeCatalog(c *Config, now time.Time) {
	for _, r := range catalog.Observe(c.Catalog, now) {
		j.ledger.Put(r, time.Time{})
	}
	var names []string
	for _, d := range catalog.Facts() {
		names = append(names, d.Name)
	}
	j.ledger.Cover(catalog.SourceID, evidence.Coverage{Group: catalog.SourceID, Facts: names, At: now})
}

// cards judges the evidence.
func (j *judge) cards(c *Config, now time.Time) ([]scoring.Scorecard, *evidence.Set) {
	names := c.serviceNames()
	set := j.ledger.Assemble(c.Facts, names, c.Providers, now)
	subjects := make([]scoring.Subject, 0, len(names))
	for _, entry := range c.Catalog.Services() {
		subjects = append(subjects, scoring.NewSubject(entry, c.Facts, set.Row(entry.Name)))
	}
	return scoring.Judge(scoring.Inputs{
		Framework: c.Framework, Subjects: subjects, Exemptions: c.Exemptions,
		Evidence: set, NotMeasurable: c.NotMeasurable, Invalidated: j.state.Invalidated,
	}, now), set
}

// run judges, advances the badges, stores what has changed and returns the
// snapshot.
func (j *judge) run(ctx context.Context, c *Config, now time.Time) (*snapshot.Snapshot, error) {
	if err := j.refresh(ctx, c, now); err != nil {
		return nil, err
	}
	cards, set := j.cards(c, now)
	j.reportErrors(cards)
	j.state.Options.ObserveFor = c.ObserveFor
	j.state.Options.MaxStep = max(scoring.DefaultMaxStep, 3*c.Interval)
	state, transitions := scoring.Advance(j.state, cards, now)
	for _, t := range transitions {
		if t.Announced {
			j.log.Info("badge changed", "service", t.Service, "from", t.From, "to", t.To, "cause", t.Cause)
		}
	}
	if j.hash != c.Framework.Hash {
		j.hash, j.activated = c.Framework.Hash, now
	}
	judgement := store.Judgement{
		At: now, Badges: state.Badges, ClocksEvery: saveClocksEvery, Transitions: transitions, Invalidated: state.Invalidated,
		Framework: store.Framework{
			Name: c.Framework.Name, Version: c.Framework.Version, Hash: c.Framework.Hash, Text: c.Framework.Text,
			ActivatedAt: j.activated,
		},
	}
	statuses, pins := j.statusChanges(c, cards, set, now, &judgement)
	if err := j.store.SaveJudgement(ctx, judgement); err != nil {
		return nil, fmt.Errorf("storing the judgement: %w", err)
	}
	if err := j.store.PinHistory(ctx, pins); err != nil {
		return nil, fmt.Errorf("storing the evidence behind a changed check: %w", err)
	}
	j.state, j.statuses = state, statuses
	return j.snapshot(ctx, c, cards, set, now)
}

// reportErrors counts the expressions that failed, and logs each when it begins
// to fail or fails differently.
func (j *judge) reportErrors(cards []scoring.Scorecard) {
	faulty := map[string]string{}
	for i := range cards {
		for k := range cards[i].Checks {
			r := &cards[i].Checks[k]
			if r.Err == nil {
				continue
			}
			if j.expressionFailed != nil {
				j.expressionFailed(r.Check.ID, 1)
			}
			if _, seen := faulty[r.Check.ID]; seen {
				continue
			}
			faulty[r.Check.ID] = r.Err.Error()
			if j.faulty[r.Check.ID] != r.Err.Error() {
				j.log.Error(
					"an expression fails at run time; the check is unknown where it does", "check", r.Check.ID, "service",
					cards[i].Service, "err", r.Err,
				)
			}
		}
	}
	j.faulty = faulty
}

// statusChanges adds the checks whose status has changed to the judgement, and
// names the records behind them.
func (j *judge) statusChanges(
	c *Config, cards []scoring.Scorecard, set *evidence.Set, now time.Time, out *store.Judgement,
) (map[string]map[string]store.StatusSpan, []store.Key) {
	statuses := make(map[string]map[string]store.StatusSpan, len(cards))
	// pins are the keys of the records whose history must be kept; see PinHistory.
	var pins []store.Key
	for i := range cards {
		card := &cards[i]
		before := j.statuses[card.Service]
		after := make(map[string]store.StatusSpan, len(card.Checks))
		for k := range card.Checks {
			r := &card.Checks[k]
			old, known := before[r.Check.ID]
			if known && old.Status == r.Status {
				after[r.Check.ID] = old
				continue
			}
			after[r.Check.ID] = store.StatusSpan{Status: r.Status, Since: now}
			out.Statuses = append(
				out.Statuses, store.CheckStatus{Service: card.Service, Check: r.Check.ID, Status: r.Status, Since: now},
			)
			if known {
				pins = append(pins, evidenceOf(c, set, card.Service, r.Check)...)
			}
		}
		statuses[card.Service] = after
	}
	return statuses, pins
}

// evidenceOf names the records that a check's verdict rests on.
func evidenceOf(c *Config, set *evidence.Set, service string, check *framework.Check) []store.Key {
	var keys []store.Key
	row := set.Row(service)
	for _, fact := range check.Facts {
		name := c.Facts.At(fact).Name
		if o := row[fact]; o != nil && o.Value.Kind() != evidence.KindInvalid && evidence.Pack(name) != catalog.SourceID {
			for _, p := range c.Providers {
				if p.ID == o.Source {
					keys = append(keys, store.Key{Service: service, Fact: name, Source: p.ID})
				}
			}
		}
	}
	return keys
}

// services are those of a snapshot.
func (j *judge) services(c *Config, cards []scoring.Scorecard, set *evidence.Set) []snapshot.Service {
	var out []snapshot.Service
	for i := range cards {
		card := &cards[i]
		entry, _ := c.Catalog.Service(card.Service)
		flipped := make(map[string]time.Time, len(card.Checks))
		for check, s := range j.statuses[card.Service] {
			flipped[check] = s.Since
		}
		out = append(out, snapshot.Service{
			Entry: entry, Card: card, Badge: j.state.Badges[card.Service], Evidence: set.Row(card.Service), FlippedAt: flipped,
		})
	}
	return out
}

func (j *judge) snapshot(
	ctx context.Context, c *Config, cards []scoring.Scorecard, set *evidence.Set, now time.Time,
) (*snapshot.Snapshot, error) {
	out := &snapshot.Snapshot{At: now, Framework: c.Framework, ActivatedAt: j.activated, NotMeasurable: c.NotMeasurable}
	out.Services = j.services(c, cards, set)
	totals, err := j.store.TransitionCounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting transitions: %w", err)
	}
	for _, t := range totals {
		out.Transitions = append(
			out.Transitions, snapshot.TransitionCount{Direction: t.Direction, Cause: t.Cause, Count: t.Count},
		)
	}
	runs, err := j.store.LastRuns(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the last runs: %w", err)
	}
	last := map[string]store.LastRun{}
	for _, r := range runs {
		last[r.Source] = r
	}
	uncounted, err := j.store.Uncounted(ctx)
	if err != nil {
		return nil, err
	}
	out.Catalog = c.Catalog.Uncounted()
	for _, id := range c.SourceIDs() {
		r := last[id]
		out.Sources = append(out.Sources, snapshot.SourceStatus{
			ID: id, LastRun: r.Finished, LastSuccess: r.LastSuccess, Error: r.Error, Uncounted: uncounted[id],
		})
	}
	if err := j.outcomes.measure(ctx, c, out); err != nil {
		return nil, err
	}
	return out, nil
}
