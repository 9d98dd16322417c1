package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/store"
)

// Trial makes real rounds of sources into a temporary copy of the store, and
// shows what they stored there. Where the configured store exists, a round
// starts where the next real one would; else as the first one does. It may run
// beside a daemon. Its methods are for one goroutine.
type Trial struct {
	options    Options
	config     *runtimeConfig
	copy       *store.Store
	folder     string // of the copy
	collection *collection
	sources    []instance
	// fromStore is false when there was no store to copy.
	fromStore bool

	// mu keeps counts of requests whole that a source makes at the same time.
	mu       sync.Mutex
	requests map[string]map[report.Request]int
	// skipped and uncounted are what the last round could not read or use.
	skipped   map[string]int
	uncounted []evidence.Uncounted
}

// NewTrial checks the configuration and copies what the rounds read from the
// store, if there is one. Options.Only selects the sources. No request is made
// yet. An *InvalidError says what a person has to correct.
func NewTrial(ctx context.Context, o Options) (*Trial, error) {
	o = o.withDefaults()
	valid, err := o.load()
	if err != nil {
		return nil, err
	}
	o.Logger = newLogger(o, valid.Log())
	t := &Trial{options: o, requests: map[string]map[report.Request]int{}}
	if t.config, err = build(valid, nil, t.deps()); err != nil {
		return nil, err
	}
	if t.sources, err = t.config.only(o.Only); err != nil {
		return nil, err
	}
	if err := t.open(ctx); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// open makes the copy and what collects into it.
func (t *Trial) open(ctx context.Context) (err error) {
	if t.folder, err = os.MkdirTemp("", "collector-dry-run-"); err != nil {
		return fmt.Errorf("making a folder for the copy of the store: %w", err)
	}
	t.copy, err = store.Open(ctx, store.Options{URL: filepath.Join(t.folder, "copy.db"), Now: t.options.Now})
	if err != nil {
		return storeError(err)
	}
	if err := t.fill(ctx); err != nil {
		return err
	}
	if err := t.copy.SetFacts(ctx, t.config.Facts); err != nil {
		return storeError(err)
	}
	person, err := hashPeople(ctx, t.copy)
	if err != nil {
		return storeError(err)
	}
	metrics, err := exporter.NewProcessMetrics(prometheus.NewRegistry(), exporter.BuildInfo{})
	if err != nil {
		return err
	}
	t.collection = newCollection(t.options, t.copy, metrics, person, func() {})
	// What fails is in the result.
	t.collection.log = slog.New(slog.DiscardHandler)
	t.collection.committed = t.notStored
	return nil
}

// fill copies from the configured store, if there is one, what the rounds read.
func (t *Trial) fill(ctx context.Context) error {
	s, err := store.OpenReadOnly(ctx, store.Options{
		URL: t.config.config.Store().URL.Reveal(), Now: t.options.Now, Facts: t.config.Facts,
	})
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err != nil {
		return storeError(err)
	}
	defer func() { _ = s.Close() }()
	t.fromStore = true
	if t.config, err = t.config.withFound(ctx, s, t.deps()); err != nil {
		return err
	}
	if t.sources, err = t.config.only(t.options.Only); err != nil {
		return err
	}
	for _, i := range t.sources {
		if err := s.CopySource(ctx, t.copy, i.source.ID()); err != nil {
			return storeError(err)
		}
	}
	return nil
}

func (t *Trial) deps() sourceDeps { return sourceDeps{options: t.options, observe: t.observe} }

// Discover asks the PagerDuty accounts that the catalog's rules look in which
// services there are, as a round does before it begins. It does nothing when
// there are no rules, or when none of the accounts is selected. An account that
// does not answer keeps what the store has of it; the error joins those.
func (t *Trial) Discover(ctx context.Context) error {
	if !t.config.discoversFor(t.options.Only) {
		return nil
	}
	found, _, listErr := t.config.accounts.List(ctx, t.config.found, func(note string) {
		t.options.Logger.Warn("discovery", "note", note)
	})
	fresh, err := build(t.config.config, found, t.deps())
	if err == nil {
		t.config = fresh
		t.sources, err = fresh.only(t.options.Only)
	}
	return errors.Join(listErr, err)
}

func (t *Trial) observe(o transport.Observation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.requests[o.Source] == nil {
		t.requests[o.Source] = map[report.Request]int{}
	}
	t.requests[o.Source][report.Request{Call: o.Call, Outcome: o.Outcome}]++
}

// notStored keeps what a batch says of records that could not be read or used: the
// round shows its own, and not what the store has of earlier ones.
func (t *Trial) notStored(b evidence.Batch) {
	for _, u := range b.Uncounted {
		t.uncounted = slices.DeleteFunc(t.uncounted, func(old evidence.Uncounted) bool { return old.Kind == u.Kind })
		t.uncounted = append(t.uncounted, u.Clone())
	}
	for kind, n := range b.Skipped {
		if t.skipped == nil {
			t.skipped = map[string]int{}
		}
		t.skipped[kind] += n
	}
}

// Sources lists the sources of the trial.
func (t *Trial) Sources() []string {
	var ids []string
	for _, i := range t.sources {
		ids = append(ids, i.source.ID())
	}
	return ids
}

// Service returns a *InvalidError with the nearest name when the catalog does
// not have the service.
func (t *Trial) Service(name string) error {
	if _, err := t.config.Catalog.Lookup(name); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// Plan says what a round of the source would ask for. It makes no request.
func (t *Trial) Plan(ctx context.Context, source string) (*report.Round, error) {
	i, err := t.instance(source)
	if err != nil {
		return nil, err
	}
	request, err := t.collection.request(ctx, t.config.Catalog.Services(), source, t.options.Now())
	if err != nil {
		return nil, err
	}
	origin := "where the last stored round ended"
	switch {
	case !t.fromStore:
		origin = "as a first round: there is no store to read"
	case len(request.Cursors) == 0:
		origin = "as a first round: the store has no cursor of it"
	}
	r := report.NewRound(source, origin, t.config.Facts, len(request.Services), request.Now)
	if planner, ok := i.source.(collectors.Planner); ok {
		r.Plan(planner.Plan(request))
	}
	return r, nil
}

// Round makes a round of the source and shows all that it found. The error is
// that of the round: what came before it is in the result, which is nil only
// when the round could not begin.
func (t *Trial) Round(ctx context.Context, source string) (*report.Round, error) {
	i, err := t.instance(source)
	if err != nil {
		return nil, err
	}
	r, err := t.Plan(ctx, source)
	if err != nil {
		return nil, err
	}
	before, err := t.copy.LoadRecords(ctx, 0)
	if err != nil {
		return nil, storeError(err)
	}
	started := t.options.Now()
	t.skipped, t.uncounted = nil, nil
	bounded, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	roundErr := t.collection.round(bounded, t.config.Catalog.Services(), i.source, i.version)
	if roundErr != nil {
		_, text := failures(roundErr)
		r.Error = evidence.Clean(text, 4096)
	}
	t.mu.Lock()
	r.Asked(t.requests[source])
	delete(t.requests, source)
	t.mu.Unlock()
	r.Skipped, r.Uncounted = t.skipped, t.uncounted
	if noter, ok := i.source.(collectors.Noter); ok {
		r.Notes = noter.Notes()
	}
	// A round that was ended early is shown, too.
	if err := t.read(context.WithoutCancel(ctx), r, before); err != nil {
		return nil, errors.Join(roundErr, err)
	}
	r.Finish(t.options.Now().Sub(started))
	return r, roundErr
}

// read adds to r what its round has stored in the copy since before.
func (t *Trial) read(ctx context.Context, r *report.Round, before store.Evidence) error {
	if err := t.readRecords(ctx, r, before); err != nil {
		return storeError(err)
	}
	incidents, err := t.copy.Incidents(ctx, store.IncidentFilter{Source: r.Source, After: before.Seq, Gone: true})
	if err != nil {
		return storeError(err)
	}
	for _, in := range incidents {
		r.Incidents = append(r.Incidents, report.RoundIncident{Incident: in})
	}
	reviews, err := t.copy.ReviewsAfter(ctx, before.Seq)
	if err != nil {
		return storeError(err)
	}
	r.Reviews = append(r.Reviews, reviews...)
	err = t.copy.EachAlert(ctx, store.AlertFilter{After: before.Seq}, func(a evidence.AlertFiring) error {
		r.Alerts = append(r.Alerts, a)
		return nil
	})
	if err != nil {
		return storeError(err)
	}
	if r.Feedback, err = t.copy.FeedbackOf(ctx, r.Source); err != nil {
		return storeError(err)
	}
	return nil
}

// readRecords adds the values that the round observed, the tombstones, and the
// groups that it covered.
func (t *Trial) readRecords(ctx context.Context, r *report.Round, before store.Evidence) error {
	after, err := t.copy.LoadRecords(ctx, 0)
	if err != nil {
		return err
	}
	changed, err := t.copy.LoadRecords(ctx, before.Seq)
	if err != nil {
		return err
	}
	written := factsIn(changed.Rows, func(store.Row) bool { return true })
	had := factsIn(before.Rows, func(row store.Row) bool { return row.Source == r.Source && row.Withdrawn == "" })
	for _, c := range after.Coverage {
		if c.Source == r.Source && !c.At.Before(r.At) {
			r.Covered = append(r.Covered, c.Coverage)
		}
	}
	for _, row := range after.Rows {
		if _, err := t.config.Catalog.Lookup(row.Service); err != nil || row.Source != r.Source {
			continue
		}
		switch k := (serviceFact{row.Service, row.Fact}); {
		case row.Withdrawn != "":
			r.Withdrawals = append(r.Withdrawals, report.RoundWithdrawal{
				Service: row.Service, Fact: row.Fact, Reason: string(row.Withdrawn), Unstored: !had[k],
			})
		case written[k] || !row.ObservedAt.Before(r.At):
			r.Record(row.Record)
		}
	}
	return nil
}

// serviceFact is a fact of a service.
type serviceFact struct{ service, fact string }

// factsIn are the facts of the rows that are of interest.
func factsIn(rows []store.Row, interest func(store.Row) bool) map[serviceFact]bool {
	facts := map[serviceFact]bool{}
	for _, row := range rows {
		if interest(row) {
			facts[serviceFact{row.Service, row.Fact}] = true
		}
	}
	return facts
}

func (t *Trial) instance(source string) (instance, error) {
	at := slices.IndexFunc(t.sources, func(i instance) bool { return i.source.ID() == source })
	if at < 0 {
		return instance{}, &InvalidError{unknownSource(source, t.Sources())}
	}
	return t.sources[at], nil
}

// Close removes the copy.
func (t *Trial) Close() error {
	var err error
	if t.copy != nil {
		err = t.copy.Close()
	}
	if t.folder != "" {
		err = errors.Join(err, os.RemoveAll(t.folder))
	}
	if err != nil {
		return fmt.Errorf("removing the copy of the store: %w", err)
	}
	return nil
}
