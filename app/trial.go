package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/store"
)

// Trial makes rounds of sources for looking and stores nothing. Where the
// configured store exists it is read, so that a round starts where the next
// real one would; else a round starts as the first one does. It may run beside
// a daemon. Its methods are for one goroutine.
type Trial struct {
	options  Options
	config   *runtimeConfig
	store    *store.Store // nil without a store to read
	origin   string
	sources  []instance
	person   func(id string) string
	progress func(source string, p collectors.Progress)

	mu       sync.Mutex
	requests map[string]map[report.Request]int
}

// NewTrial checks the configuration and opens the store for reading, if there
// is one. Options.Only selects the sources. Nothing is contacted yet. An
// *InvalidError says what a person has to mend.
func NewTrial(ctx context.Context, o Options) (*Trial, error) {
	o = o.withDefaults()
	valid, err := o.load()
	if err != nil {
		return nil, err
	}
	o.Logger = newLogger(o, valid.Log())
	t := &Trial{options: o, requests: map[string]map[report.Request]int{}, progress: o.Progress}
	if t.progress == nil {
		t.progress = newProgressLog(o.Logger, o.Now).tell
	}
	if t.config, err = build(valid, nil, t.deps()); err != nil {
		return nil, err
	}
	if _, err = t.config.only(o.Only); err != nil {
		return nil, err
	}
	t.store, err = store.OpenReadOnly(ctx, store.Options{URL: valid.Store().URL.Reveal(), Now: o.Now, Facts: t.config.Facts})
	switch {
	case errors.Is(err, store.ErrAbsent):
		t.store, t.origin = nil, "as a first round: there is no store to read"
	case err != nil:
		return nil, storeError(err)
	default:
		t.origin = "where the last stored round ended"
		if t.config, err = t.config.withFound(ctx, t.store, t.deps()); err != nil {
			return nil, errors.Join(err, t.Close())
		}
	}
	if t.sources, err = t.config.only(o.Only); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	if t.person, err = t.hashPeople(ctx); err != nil {
		return nil, errors.Join(storeError(err), t.Close())
	}
	return t, nil
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
	next, _, listErr := t.config.accounts.List(ctx, t.config.found, func(note string) { t.options.Logger.Warn("discovery", "note", note) })
	fresh, err := build(t.config.config, next, t.deps())
	if err == nil {
		t.config = fresh
		t.sources, err = fresh.only(t.options.Only)
	}
	return errors.Join(listErr, err)
}

// hashPeople hashes with the store's key. A store without one has seen nobody
// yet: then a key for the trial alone does.
func (t *Trial) hashPeople(ctx context.Context) (func(string) string, error) {
	if t.store != nil {
		person, err := hashPeople(ctx, t.store)
		if err == nil || !errors.Is(err, store.ErrUnwritable) {
			return person, err
		}
	}
	key := make([]byte, personKeyBytes)
	_, _ = rand.Read(key) // it never fails
	return personHash(key), nil
}

func (t *Trial) observe(o transport.Observation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.requests[o.Source] == nil {
		t.requests[o.Source] = map[report.Request]int{}
	}
	t.requests[o.Source][report.Request{Call: o.Call, Outcome: o.Outcome}]++
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

// Plan tells what a round of the source would ask for. It contacts nobody.
func (t *Trial) Plan(ctx context.Context, source string) (*report.Round, error) {
	i, err := t.instance(source)
	if err != nil {
		return nil, err
	}
	l, err := readLedger(ctx, t.store, source)
	if err != nil {
		return nil, err
	}
	r := t.newRound(source, t.options.Now(), l)
	if planner, ok := i.source.(collectors.Planner); ok {
		r.Plan(planner.Plan(l.request(t.config, r.At)))
	}
	return r, nil
}

// Round makes a round of the source and tells all that it found. The error is
// that of the round: what came before it is in the result, which is nil only
// when the round could not begin.
func (t *Trial) Round(ctx context.Context, source string) (*report.Round, error) {
	i, err := t.instance(source)
	if err != nil {
		return nil, err
	}
	l, err := readLedger(ctx, t.store, source)
	if err != nil {
		return nil, err
	}
	started := t.options.Now()
	r := t.newRound(source, started, l)
	request := l.request(t.config, started)
	if planner, ok := i.source.(collectors.Planner); ok {
		r.Plan(planner.Plan(request))
	}
	request.Person = t.person
	request.Progress = func(p collectors.Progress) { t.progress(source, p) }
	bounded, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	err = i.source.Collect(bounded, request, func(b evidence.Batch) error {
		l.add(source, b)
		r.Add(b)
		return nil
	})
	t.progress(source, collectors.Progress{})
	t.mu.Lock()
	r.Asked(t.requests[source])
	delete(t.requests, source)
	t.mu.Unlock()
	if err != nil {
		_, text := failures(err)
		err = fmt.Errorf("%s: %w", source, err)
		r.Fail(evidence.Clean(text, 4096))
	}
	r.Finish(t.options.Now().Sub(started))
	stored, storeErr := t.stored(ctx, source)
	r.Against(len(t.config.Catalog.Services()), func(service, fact string) bool { return stored[[2]string{service, fact}] })
	return r, errors.Join(err, storeErr)
}

// stored are the services and facts that the store has a value of the source
// for.
func (t *Trial) stored(ctx context.Context, source string) (map[[2]string]bool, error) {
	if t.store == nil {
		return nil, nil
	}
	held, err := t.store.LoadRecords(ctx, 0)
	if err != nil {
		return nil, storeError(err)
	}
	keys := map[[2]string]bool{}
	for _, row := range held.Rows {
		if row.Source == source && row.Withdrawn == "" {
			keys[[2]string{row.Service, row.Fact}] = true
		}
	}
	return keys, nil
}

func (t *Trial) newRound(source string, now time.Time, l *ledger) *report.Round {
	origin := t.origin
	if t.store != nil && len(l.cursors) == 0 {
		origin = "as a first round: the store has no cursor of it"
	}
	return report.NewRound(source, origin, t.config.Facts, now)
}

func (t *Trial) instance(source string) (instance, error) {
	at := slices.IndexFunc(t.sources, func(i instance) bool { return i.source.ID() == source })
	if at < 0 {
		return instance{}, &InvalidError{unknownSource(source, t.Sources())}
	}
	return t.sources[at], nil
}

// Close gives the store free.
func (t *Trial) Close() error {
	if t.store == nil {
		return nil
	}
	return t.store.Close()
}
