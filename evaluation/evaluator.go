// Package evaluation turns the evidence in the store into what is published: it
// judges every service, advances the badges, stores what has changed and makes
// the snapshot with its page of metrics.
package evaluation

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// Config is all of one configuration that an evaluation depends on. It does not
// change after it was made.
type Config struct {
	Catalog   *catalog.Catalog
	Facts     *evidence.Facts
	Framework *framework.Framework
	// Pins keep services on other criteria than Framework until a day.
	Pins []scoring.Pin
	// Document is what Framework was compiled from.
	Document *framework.Document
	// NotMeasurable are the ids of checks that no configured source can decide.
	NotMeasurable map[string]bool
	Exemptions    []scoring.Exemption
	// Targets are those of the configuration; services without one have that of the framework.
	Targets []scoring.Target
	// Sources are the configured ones, Providers what they and the catalog give.
	Sources   []collectors.Source
	Providers []evidence.Provider
	// Interval is the longest time between two evaluations.
	Interval time.Duration
	// ObserveFor is how long the badges of a new service are shown and not
	// announced.
	ObserveFor time.Duration
	// KeepFor is how long the badge of a service that has left the catalog is kept;
	// zero is for ever.
	KeepFor time.Duration
	// Version identifies the configuration: processes with the same hash judge alike.
	Version store.Configuration
	// IncidentWindows are those that incidents are measured in; nil means a default one.
	IncidentWindows []correlation.Window
	// ReviewDueIn is how long after its last readiness review a service of a tier needs
	// another one; nil means that none does.
	ReviewDueIn func(tier int) (after time.Duration, known bool)
	// Detail is how much of each service is on the page of metrics.
	Detail exporter.Detail
	// CheckStatusPass adds passing checks to the page of metrics.
	CheckStatusPass bool
}

// SourceIDs lists the ids of the sources.
func (c *Config) SourceIDs() []string {
	var ids []string
	for _, s := range c.Sources {
		ids = append(ids, s.ID())
	}
	return ids
}

// CheckIDs lists the ids of the checks of the framework and of those that pins name.
func (c *Config) CheckIDs() []string {
	var ids []string
	seen := map[string]bool{}
	for _, f := range c.frameworks() {
		for _, check := range f.Checks {
			if !seen[check.ID] {
				ids, seen[check.ID] = append(ids, check.ID), true
			}
		}
	}
	return ids
}

// Options are what an Evaluator works with. Diverged and StandsBy may be nil.
type Options struct {
	Store   *store.Store
	Logger  *slog.Logger
	Now     func() time.Time
	Metrics *exporter.ProcessMetrics
	// Diverged is called when another process has judged by another configuration. It
	// must not wait for an evaluation.
	Diverged func()
	// StandsBy reports whether this process must not judge now. It then publishes what
	// others have judged.
	StandsBy func(ctx context.Context) bool
}

// Evaluator evaluates and holds what was published last. It is safe for
// concurrent use.
type Evaluator struct {
	options Options
	// requested holds a token while an evaluation is wanted.
	requested chan struct{}
	published atomic.Pointer[published]

	// mu lets one evaluation run at a time: two at once would store each badge
	// change twice.
	mu       sync.Mutex
	judge    *judge
	renderer exporter.Renderer
}

// published is a snapshot with its rendered page. Both are swapped together: a
// scrape and a request to the API never disagree.
type published struct {
	snapshot *snapshot.Snapshot
	page     *exporter.Page
	// seq is the number of the judgement.
	seq int64
}

// New makes an Evaluator that continues from the last stored judgement.
func New(ctx context.Context, o Options, c *Config) (*Evaluator, error) {
	e := &Evaluator{options: o, requested: make(chan struct{}, 1)}
	e.judge = e.emptyJudge()
	return e, e.judge.load(ctx, c)
}

// emptyJudge has nothing in memory. It loads the last stored judgement when it judges.
func (e *Evaluator) emptyJudge() *judge {
	j := emptyJudge(e.options.Store, e.options.Logger)
	j.expressionFailed = e.options.Metrics.ExpressionFailed
	return j
}

// Inspect judges what is in the store and returns the snapshot. It stores
// nothing: badges are those that were stored last.
func Inspect(
	ctx context.Context, s *store.Store, c *Config, log *slog.Logger, now time.Time,
) (*snapshot.Snapshot, error) {
	j, err := newJudge(ctx, s, c, log)
	if err != nil {
		return nil, err
	}
	if err := j.refresh(ctx); err != nil {
		return nil, err
	}
	j.observeCatalog(c, now)
	return j.snapshot(ctx, c, j.look(c, now))
}

// Snapshot is what was published last, nil before the first evaluation.
func (e *Evaluator) Snapshot() *snapshot.Snapshot {
	if p := e.published.Load(); p != nil {
		return p.snapshot
	}
	return nil
}

// Page is the page of metrics of the snapshot, nil before the first evaluation.
func (e *Evaluator) Page() *exporter.Page {
	if p := e.published.Load(); p != nil {
		return p.page
	}
	return nil
}

// Started reports whether a judgement was ever stored, or evidence was read.
func (e *Evaluator) Started() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.judge.started()
}

// Judged lists the services of the last stored judgement in order.
func (e *Evaluator) Judged() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for name, badge := range e.judge.state.Badges {
		if badge.At.IsZero() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// JudgedAt is when the last stored judgement was, zero without one.
func (e *Evaluator) JudgedAt() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.judge.at
}

// Evaluate judges once and publishes the result.
func (e *Evaluator) Evaluate(ctx context.Context, c *Config) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.evaluate(ctx, c, e.options.Now())
}

func (e *Evaluator) evaluate(ctx context.Context, c *Config, now time.Time) error {
	return e.publish(c, func() (*snapshot.Snapshot, error) { return e.judge.run(ctx, c, now) })
}

// follow publishes the last judgement if this process has not published it, and reports
// whether there was one: another process has judged.
func (e *Evaluator) follow(ctx context.Context, c *Config) (newer bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.judge.load(ctx, c); err != nil {
		return false, err
	}
	if p := e.published.Load(); e.judge.last <= 0 || p != nil && p.seq == e.judge.last {
		return false, nil
	}
	return true, e.publish(c, func() (*snapshot.Snapshot, error) { return e.judge.follow(ctx, c) })
}

// publish makes a snapshot and its page, publishes them, and measures how long that
// takes. A panic, which is a fault of this program, ends one evaluation. The next one
// loads everything again, because the state in memory may be incomplete.
func (e *Evaluator) publish(c *Config, produce func() (*snapshot.Snapshot, error)) (err error) {
	started := time.Now()
	defer func() {
		if p := recover(); p != nil {
			e.options.Logger.Error("a fault of this program: judging panicked", "panic", p, "stack", string(debug.Stack()))
			e.judge = e.emptyJudge()
			err = fmt.Errorf("a fault of this program, please report it: %v", p)
		}
		e.options.Metrics.Evaluated(err, time.Since(started))
		if err != nil {
			err = fmt.Errorf("evaluation: %w", err)
		}
	}()
	s, err := produce()
	if err != nil {
		return err
	}
	if e.judge.by.Hash != c.Version.Hash && e.options.Diverged != nil {
		e.options.Diverged()
	}
	page, err := e.renderer.Render(s, exporter.Options{
		Detail: c.Detail, CheckStatusPass: c.CheckStatusPass, EvaluationInterval: c.Interval,
	})
	if err != nil {
		return err
	}
	e.published.Store(&published{snapshot: s, page: page, seq: e.judge.last})
	return nil
}

// Request asks for an evaluation soon. Requests that come before it begins are
// answered by one.
func (e *Evaluator) Request() {
	select {
	case e.requested <- struct{}{}:
	default:
	}
}

// followEvery is how often a process looks for a judgement of another one.
const followEvery = time.Second

// othersFirst is how much longer than the interval a process waits that did not make the
// last judgement. So the process that made it judges first, and they do not all judge at
// once. If that process has ended, another one judges this much later.
const othersFirst = 2 * time.Second

// Run judges on request and at least every interval, since badges also change as time
// passes. Processes that share a store do this all alike: each publishes what another
// one has judged, and judges itself when no other process has judged in time. It returns
// when ctx ends.
func (e *Evaluator) Run(ctx context.Context, c *Config) {
	look := time.NewTicker(followEvery)
	defer look.Stop()
	due := time.NewTimer(c.Interval)
	defer due.Stop()
	log, failing := e.options.Logger, ""
	for {
		var did bool
		var err error
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			if did, err = e.follow(ctx, c); did {
				due.Reset(c.Interval + othersFirst)
			}
		case <-e.requested:
			due.Reset(c.Interval)
			did, err = e.judgeIfAllowed(ctx, c)
		case <-due.C:
			due.Reset(c.Interval)
			// While nothing was ever collected there is nothing to judge.
			if e.Snapshot() != nil || e.Started() {
				did, err = e.judgeIfAllowed(ctx, c)
			}
		}
		switch {
		case err != nil && ctx.Err() == nil && err.Error() != failing:
			log.Error("judging failed; the last snapshot is served until it is too old", "err", err)
			failing = err.Error()
		case err == nil && did && failing != "":
			log.Info("judging works again")
			failing = ""
		}
	}
}

// judgeIfAllowed judges unless this process stands by, and reports whether it did.
func (e *Evaluator) judgeIfAllowed(ctx context.Context, c *Config) (did bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// The time is taken before the clock is looked at: one that is set in between is noticed.
	now := e.options.Now()
	if e.options.StandsBy != nil && e.options.StandsBy(ctx) {
		return false, nil
	}
	return true, e.evaluate(ctx, c, now)
}
