package evaluation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// freshIntervals is for how many intervals after a judgement the store refuses
// judgements by an older configuration.
const freshIntervals = 3

// notLoaded is the Seq of a judge that has loaded nothing. Seq 0 means that it has loaded
// a store without a judgement.
const notLoaded = -1

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
	// observed is the catalog that the ledger has, nil if the store may have said
	// otherwise since.
	observed *catalog.Catalog
	kept     *kept

	// last is the Seq of the stored judgement that the fields below come from,
	// notLoaded before the first load.
	last int64
	// at is the time of that judgement, zero without one.
	at        time.Time
	state     scoring.State
	statuses  map[string]map[string]store.StatusSpan
	activated time.Time
	// framework is what was judged by last, as it is stored, hash the hash of what it
	// means.
	framework store.Framework
	hash      string
	// stored are the hashes of criteria of pins that this judge has stored.
	stored map[string]bool
	// by is the configuration of the last judgement that load has seen.
	by store.Configuration
	// older is set while a configuration that was loaded later judges.
	older bool
	// faulty are the checks whose expression failed, with the error, so that a
	// lasting failure is logged once.
	faulty   map[string]string
	outcomes outcomes
	// ticketed are the exemptions that tickets ask for, as they are stored. exemptions
	// are those with the ones of the configuration, made of both when first needed.
	ticketed   []evidence.TicketExemption
	exemptions []scoring.Exemption
	exemptBy   *Config
}

// emptyJudge makes a judge with nothing in memory.
func emptyJudge(s *store.Store, log *slog.Logger) *judge {
	return &judge{
		store: s, log: log, ledger: evidence.NewLedger(), last: notLoaded, stored: map[string]bool{},
		outcomes: *newOutcomes(s, log),
	}
}

// newJudge makes a judge that continues from the last stored judgement.
func newJudge(ctx context.Context, s *store.Store, c *Config, log *slog.Logger) (*judge, error) {
	j := emptyJudge(s, log)
	return j, j.load(ctx, c)
}

// load reads what judgements have left in the store that this judge has neither stored
// nor loaded.
func (j *judge) load(ctx context.Context, c *Config) error {
	last, err := j.store.LastJudgement(ctx)
	if err != nil {
		return fmt.Errorf("looking for a newer judgement: %w", err)
	}
	j.by = last.Configuration
	if last.Seq == j.last {
		return nil
	}
	from := store.State{State: j.state, At: j.at, Framework: j.framework, Statuses: j.statuses}
	from.Badges = j.exact()
	if j.last != notLoaded {
		from.Seq = j.last
	}
	loaded, err := j.store.LoadState(ctx, from, func(f store.Framework) (*framework.Framework, error) {
		criteria, _ := restore(f, c, j.log)
		return criteria, nil
	})
	if err != nil {
		return fmt.Errorf("loading the last judgement: %w", err)
	}
	j.last, j.at = loaded.Seq, loaded.At
	criteria, err := j.criteria(ctx, c, loaded)
	if err != nil {
		return err
	}
	j.loaded(loaded.State)
	j.state.Criteria = criteria
	j.statuses, j.activated, j.hash = loaded.Statuses, loaded.Framework.ActivatedAt, loaded.Framework.Hash
	j.framework = loaded.Framework
	if meaning := criteria[j.hash]; meaning.Checks != nil {
		j.hash = meaning.Hash()
	}
	return nil
}

// started reports whether a judgement was ever stored, or evidence was read.
func (j *judge) started() bool { return j.hash != "" || j.sequence > 0 }

// refresh loads the evidence that has changed, row by row into the ledger.
func (j *judge) refresh(ctx context.Context) error {
	loaded, err := j.store.EachRecord(ctx, j.sequence, func(row store.Row) {
		if row.Source == catalog.SourceID {
			j.observed = nil
		}
		if row.Withdrawn != "" {
			j.ledger.Withdraw(row.Service, row.Fact, row.Source, row.Withdrawn)
			return
		}
		record := row.Record
		record.ObservedAt = row.SeenAt
		j.ledger.Put(record, row.HeldAt)
	})
	if err != nil {
		return fmt.Errorf("loading evidence: %w", err)
	}
	for _, covered := range loaded.Coverage {
		j.ledger.Cover(covered.Source, covered.Coverage)
	}
	j.sequence = loaded.Seq
	if !slices.Equal(loaded.Exemptions, j.ticketed) {
		j.ticketed, j.exemptBy = loaded.Exemptions, nil
	}
	return nil
}

// observeCatalog makes records of the catalog and returns those that differ from the
// ones before. An unchanged value keeps the time at which it began, because reading the
// same catalog again is no new proof.
func (j *judge) observeCatalog(c *Config, now time.Time) (changed []evidence.Record) {
	if j.observed != c.Catalog {
		for _, r := range catalog.Observe(c.Catalog, now) {
			before, known := j.ledger.Newest(r.Service, r.Fact, r.Source)
			if known && before.Value == r.Value {
				if r.Since = before.Since; before.Detail == r.Detail {
					continue
				}
			}
			changed = append(changed, r)
			j.ledger.Put(r, time.Time{})
		}
		j.observed = c.Catalog
	}
	j.ledger.Cover(catalog.SourceID, catalogCoverage(now))
	return changed
}

// catalogCoverage says that the catalog has answered.
func catalogCoverage(at time.Time) evidence.Coverage {
	var names []string
	for _, d := range catalog.Facts() {
		names = append(names, d.Name)
	}
	return evidence.Coverage{Group: catalog.SourceID, Facts: names, At: at}
}

// storeCatalog stores what the catalog says, so that another process knows since
// when it says so.
func (j *judge) storeCatalog(ctx context.Context, records []evidence.Record, now time.Time) error {
	if len(records) == 0 {
		return nil
	}
	if _, err := j.store.Commit(ctx, catalog.SourceID, 0, now, evidence.Batch{Records: records}); err != nil {
		return fmt.Errorf("storing what the catalog says: %w", err)
	}
	return nil
}

// cards judges some services.
func (j *judge) cards(c *Config, set *evidence.Set, services []*catalog.Service) []scoring.Scorecard {
	subjects := make([]scoring.Subject, 0, len(services))
	invalidated := make(scoring.Invalidations, len(services))
	for _, entry := range services {
		subjects = append(subjects, scoring.NewSubject(entry, c.Facts, set.Row(entry.Name)))
		invalidated[entry.Name] = j.invalidatedOf(entry.Name)
	}
	return scoring.Judge(scoring.Inputs{
		Framework: c.Framework, Pins: c.Pins, Subjects: subjects, Exemptions: j.exemptionsOf(c),
		Evidence: set.Row, NotMeasurable: c.NotMeasurable, Invalidated: invalidated,
	}, set.At())
}

// look judges the services whose cards may have changed, keeps the new cards, and returns
// the evidence.
func (j *judge) look(c *Config, now time.Time) *evidence.Set {
	set := j.ledger.Assemble(c.Facts, c.Providers, now)
	j.keep(c, set, j.cards(c, set, j.due(c, set, now)))
	return set
}

// run judges, advances the badges, stores what has changed and returns the
// snapshot. If another process has stored a judgement in the meantime, nothing is
// stored and the snapshot shows that judgement.
func (j *judge) run(ctx context.Context, c *Config, now time.Time) (*snapshot.Snapshot, error) {
	if err := j.load(ctx, c); err != nil {
		return nil, err
	}
	if err := j.refresh(ctx); err != nil {
		return nil, err
	}
	// The store keeps microseconds. What is in memory must be what is read back.
	now = now.Truncate(time.Microsecond)
	if err := j.storeCatalog(ctx, j.observeCatalog(c, now), now); err != nil {
		return nil, err
	}
	set := j.ledger.Assemble(c.Facts, c.Providers, now)
	if j.exemptBy != c {
		j.reportOverlaps(c, now)
	}
	services := c.Catalog.Services()
	if j.continues(c, now) {
		services = j.due(c, set, now)
	}
	cards := j.cards(c, set, services)
	j.reportErrors(cards)
	j.state.Options.ObserveFor, j.state.Options.KeepFor = c.ObserveFor, c.KeepFor
	j.state.Options.MaxStep = maxStep(c)
	before := j.part(c, cards)
	state, transitions := scoring.Advance(before, cards, now)
	for service := range before.Badges {
		if _, kept := state.Badges[service]; !kept {
			state.Invalidated[service] = nil // it ends in the store, too
		}
	}
	activated := j.activated
	if j.hash != c.Framework.Hash {
		activated = now
	}
	judgement := store.Judgement{
		After: j.last, At: now, Badges: state.Badges, Transitions: transitions, Invalidated: state.Invalidated,
		Framework: toStore(c.Framework, activated), Pinned: j.unstored(c), Subjects: subjectsOf(c, cards),
		Configuration: c.Version, FreshFor: freshIntervals * c.Interval,
		Holds: endedHolds(before, state, now), Exemptions: j.exemptionsOf(c),
	}
	statuses := j.statusChanges(c, cards, set, now, &judgement)
	seq, err := j.store.SaveJudgement(ctx, judgement)
	if j.refused(err) {
		if err := j.load(ctx, c); err != nil {
			return nil, err
		}
		return j.follow(ctx, c)
	}
	if err != nil {
		// It may have been stored all the same: a commit can succeed and its answer
		// be lost. The next run then finds a newer judgement and loads it.
		return nil, fmt.Errorf("storing the judgement: %w", err)
	}
	j.last = seq
	j.take(c, set, cards, before, state, statuses)
	j.hash, j.activated, j.framework, j.by = c.Framework.Hash, activated, judgement.Framework, c.Version
	j.areStored(judgement.Pinned)
	for _, t := range transitions {
		if t.Announced {
			j.log.Info("badge changed", "service", t.Service, "from", t.From, "to", t.To, "cause", t.Cause)
		}
	}
	return j.snapshot(ctx, c, set)
}

// refused reports whether a judgement was not stored because another process judges,
// and logs when that is one with a newer configuration.
func (j *judge) refused(err error) bool {
	older := errors.Is(err, store.ErrOlderConfiguration)
	if older && !j.older {
		j.log.Warn("another process judges by a configuration that was loaded later: this one shows its badges and moves "+
			"none; end it, or load the newer configuration", "err", err)
	}
	j.older = older
	return older || errors.Is(err, store.ErrStaleJudgement)
}

// follow returns the snapshot of the judgement that was loaded last, which another
// process made: the one that this process has published, if it judges by the same
// configuration and no evidence has been stored since.
func (j *judge) follow(ctx context.Context, c *Config) (*snapshot.Snapshot, error) {
	if err := j.refresh(ctx); err != nil {
		return nil, err
	}
	j.log.Debug("another process has judged; its judgement is published", "at", j.at)
	j.observeCatalog(c, j.at)
	return j.snapshot(ctx, c, j.look(c, j.at))
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

// endedHolds are the times on hold of the state before that are over in the next one: the
// badge was proved again for its dwell, has changed, or its service has left.
func endedHolds(before, state scoring.State, now time.Time) []store.BadgeHold {
	var ended []store.BadgeHold
	for service, badge := range before.Badges {
		if badge.Hold == nil {
			continue
		}
		if next := state.Badges[service].Hold; next == nil || !next.Since.Equal(badge.Hold.Since) {
			until := now
			if proved := badge.Hold.ProvedSince; !proved.IsZero() {
				until = proved
			}
			ended = append(ended, store.BadgeHold{
				Service: service, Since: badge.Hold.Since, Until: until, Reason: badge.Hold.Reason,
			})
		}
	}
	return ended
}

// statusChanges adds the checks whose status has changed and the records behind
// them to the judgement, and returns all statuses of the services that were judged.
func (j *judge) statusChanges(
	c *Config, cards []scoring.Scorecard, set *evidence.Set, now time.Time, out *store.Judgement,
) map[string]map[string]store.StatusSpan {
	statuses := make(map[string]map[string]store.StatusSpan, len(cards))
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
				out.DecidedBy = append(out.DecidedBy, evidenceOf(c, set, card.Service, r.Check)...)
			}
		}
		for check, old := range before {
			if _, judged := after[check]; judged {
				continue
			}
			// The criteria of the service have the check no longer.
			if old.Status != scoring.NotApplicable {
				old = store.StatusSpan{Status: scoring.NotApplicable, Since: now}
				out.Statuses = append(out.Statuses,
					store.CheckStatus{Service: card.Service, Check: check, Status: old.Status, Since: now})
			}
			after[check] = old
		}
		statuses[card.Service] = after
	}
	return statuses
}

// evidenceOf names the records that a check's verdict rests on.
func evidenceOf(c *Config, set *evidence.Set, service string, check *framework.Check) []store.Key {
	var keys []store.Key
	row := set.Row(service)
	for _, fact := range check.Facts {
		name := c.Facts.At(fact).Name
		if o := row.At(fact); o.Value.Kind() != evidence.KindInvalid && evidence.Pack(name) != catalog.SourceID {
			for _, p := range c.Providers {
				if p.ID == o.Source {
					keys = append(keys, store.Key{Service: service, Fact: name, Source: p.ID})
				}
			}
		}
	}
	return keys
}
