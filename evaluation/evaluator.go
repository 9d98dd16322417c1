// Package evaluation turns the evidence in the store into what is published: it
// judges every service, advances the badges, stores what has changed and makes
// the snapshot with its page of metrics.
package evaluation

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
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
	// Document is what Framework was compiled from.
	Document *framework.Document
	// NotMeasurable are the ids of checks that no configured source can decide.
	NotMeasurable map[string]bool
	Exemptions    []scoring.Exemption
	// Sources are the configured ones, Providers what they and the catalog give.
	Sources   []collectors.Source
	Providers []evidence.Provider
	// Interval is the longest time between two evaluations.
	Interval time.Duration
	// ObserveFor is how long the badges of a new service are shown and not
	// announced.
	ObserveFor time.Duration
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

// CheckIDs lists the ids of the framework's checks.
func (c *Config) CheckIDs() []string {
	var ids []string
	for _, check := range c.Framework.Checks {
		ids = append(ids, check.ID)
	}
	return ids
}

// serviceNames lists the names of the catalog's services in order.
func (c *Config) serviceNames() []string {
	var names []string
	for _, s := range c.Catalog.Services() {
		names = append(names, s.Name)
	}
	return names
}

// Options are what an Evaluator works with. All are required.
type Options struct {
	Store   *store.Store
	Logger  *slog.Logger
	Now     func() time.Time
	Metrics *exporter.ProcessMetrics
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
	mu    sync.Mutex
	judge *judge
}

// published is a snapshot with its rendered page. Both are swapped together: a
// scrape and a request to the API never disagree.
type published struct {
	snapshot *snapshot.Snapshot
	page     *exporter.Page
}

// New makes an Evaluator that continues from the last stored judgement.
func New(ctx context.Context, o Options, c *Config) (*Evaluator, error) {
	j, err := newJudge(ctx, o.Store, c, o.Logger)
	if err != nil {
		return nil, err
	}
	j.expressionFailed = o.Metrics.ExpressionFailed
	return &Evaluator{options: o, judge: j, requested: make(chan struct{}, 1)}, nil
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
	if err := j.refresh(ctx, c, now); err != nil {
		return nil, err
	}
	cards, set := j.cards(c, now)
	return j.snapshot(ctx, c, cards, set, now)
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

// Evaluate judges once and publishes the result.
func (e *Evaluator) Evaluate(ctx context.Context, c *Config) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	started := time.Now()
	err := e.evaluate(ctx, c)
	e.options.Metrics.Evaluated(err, time.Since(started))
	if err != nil {
		return fmt.Errorf("evaluation: %w", err)
	}
	return nil
}

func (e *Evaluator) evaluate(ctx context.Context, c *Config) error {
	s, err := e.judge.run(ctx, c, e.options.Now())
	if err != nil {
		return err
	}
	page, err := exporter.Render(s, exporter.Options{CheckStatusPass: c.CheckStatusPass, EvaluationInterval: c.Interval})
	if err != nil {
		return err
	}
	e.published.Store(&published{snapshot: s, page: page})
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

// Run evaluates on request and at least every interval, since badges also change
// as time passes. It returns when ctx ends.
func (e *Evaluator) Run(ctx context.Context, c *Config) {
	ticker := time.NewTicker(c.Interval)
	defer ticker.Stop()
	log, failing := e.options.Logger, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.requested:
		case <-ticker.C:
			if e.Snapshot() == nil && !e.Started() {
				// Nothing was ever collected: there is nothing to judge.
				continue
			}
		}
		err := e.Evaluate(ctx, c)
		switch {
		case err != nil && ctx.Err() == nil && err.Error() != failing:
			log.Error("judging failed; the last snapshot is served until it is too old", "err", err)
			failing = err.Error()
		case err == nil && failing != "":
			log.Info("judging works again")
			failing = ""
		}
	}
}
