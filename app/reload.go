package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/discovery"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/store"
	"github.com/prodready/collector/tasks"
)

// reloader holds the configuration in force and the jobs that work by it, and
// swaps both together: after a reload, and when discovery finds other services.
// It is safe for concurrent use.
type reloader struct {
	options    Options
	log        *slog.Logger
	metrics    *exporter.ProcessMetrics
	store      *store.Store
	evaluator  *evaluation.Evaluator
	collection *collection
	clock      *clock
	// runner does the tasks; nil before the start.
	runner tasks.Runner
	// current is the configuration in force.
	current atomic.Pointer[runtimeConfig]
	// adoptNow holds a token when the store may have services that were discovered
	// since.
	adoptNow chan struct{}
	// reloaded holds a token after a reload: the services are discovered anew.
	reloaded  chan struct{}
	discovery discoveryState
	// failed is when the last reload failed, in nanoseconds of Unix time; 0 if it did not.
	failed atomic.Int64
	// sourceless says that the configuration in force has no source. It can be read
	// while a swap runs.
	sourceless atomic.Bool

	// mu lets one swap run at a time: a reload and a discovery at once would
	// each build on the configuration that the other replaces, so that one of
	// them would be lost and the jobs of both would run.
	mu sync.Mutex
	// judging is the judging by the configuration in force; nil while it does not run.
	judging          *loop
	started, stopped bool
}

func newReloader(o Options, metrics *exporter.ProcessMetrics) *reloader {
	return &reloader{
		options: o, log: o.Logger, metrics: metrics, adoptNow: make(chan struct{}, 1), reloaded: make(chan struct{}, 1),
		clock: newClock(o.Now, o.Logger, metrics),
	}
}

// config is the configuration in force, nil before the first one.
func (r *reloader) config() *runtimeConfig { return r.current.Load() }

// build makes a configuration whose requests are measured.
func (r *reloader) build(c *config.Valid, found discovery.Found) (*runtimeConfig, error) {
	return build(c, found, r.deps())
}

func (r *reloader) deps() sourceDeps {
	var previous []instance
	if rc := r.config(); rc != nil {
		previous = rc.instances
	}
	return sourceDeps{options: r.options, previous: previous, circuit: r.circuit, observe: func(o transport.Observation) {
		r.metrics.Request(o.Source, o.Call, o.Outcome, o.Duration)
		r.metrics.RateLimit(o.Source, int(o.RateLimit), int(o.RateRemaining))
		if o.Dated {
			r.clock.compared(o.Source, o.ClockOffset)
		}
	}}
}

// circuit records that the circuit breaker of a source has opened or closed.
func (r *reloader) circuit(source string, open bool) {
	r.metrics.CircuitOpen(source, open)
	if open {
		r.log.Warn("circuit breaker open: the source fails too often in a row and is not asked for a while", "source", source)
	} else {
		r.log.Info("circuit breaker closed: the source is asked again", "source", source)
	}
}

// activate puts a configuration in force.
func (r *reloader) activate(ctx context.Context, rc *runtimeConfig) {
	old := r.current.Swap(rc)
	if old != nil {
		logLost(r.log, old.Catalog, rc.Catalog)
	}
	logged := old != nil && maps.Equal(old.NotMeasurable, rc.NotMeasurable)
	r.metrics.Expect(rc.SourceIDs(), rc.CheckIDs())
	r.metrics.TokensExpire(rc.expiries())
	r.restoreLastSuccess(ctx, rc)
	for id := range rc.NotMeasurable {
		r.log.Debug("no configured source can decide the check; it does not count", "check", id)
	}
	r.sourceless.Store(len(rc.instances) == 0)
	if len(rc.instances) == 0 {
		r.log.Warn(noSource())
	}
	rc.logCatalog(r.log)
	if n := len(rc.NotMeasurable); n > 0 && !logged {
		r.log.Warn("checks are not measurable: no configured source can decide them, so they do not count; "+
			"`collector framework coverage` says what they want", "checks", n)
	}
}

// logCatalog warns of an empty catalog, and of what was read and is not in it.
func (rc *runtimeConfig) logCatalog(log *slog.Logger) {
	switch {
	case len(rc.Catalog.Services()) > 0:
	case rc.accounts.Wanted() && len(rc.found) == 0:
		log.Info("the services of the catalog come from discovery, which has not answered yet")
	default:
		log.Warn("the catalog has no services, so that nothing is judged")
	}
	for _, refused := range rc.Catalog.Refused() {
		log.Warn("an entity is not in the catalog", "reason", refused.Reason, "entity", strings.Join(refused.Lines(), "; "))
	}
}

// logLost names the services that a new catalog does not have any more: a file
// that someone has broken costs its service.
func logLost(log *slog.Logger, old, next *catalog.Catalog) {
	for _, s := range old.Services() {
		if _, ok := next.Resolve(s.Name); !ok {
			log.Warn("a service has left the catalog; what is stored of it stays until its retention ends",
				"service", s.Name, "entry", s.Origin.String())
		}
	}
}

// restoreLastSuccess sets from the store when each source last succeeded, so that
// the metric does not begin anew with a restart, or with a source that returns.
func (r *reloader) restoreLastSuccess(ctx context.Context, rc *runtimeConfig) {
	runs, err := r.store.LastRuns(ctx)
	if err != nil {
		r.log.Warn("the metric of the last success is absent until a round succeeds", "err", err)
		return
	}
	for _, run := range runs {
		if slices.Contains(rc.SourceIDs(), run.Source) {
			r.metrics.Succeeded(run.Source, run.LastSuccess)
		}
	}
}

// start judges what is stored and starts the jobs.
func (r *reloader) start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	// With nothing stored the program is not ready until the first round.
	if r.evaluator.Started() && !r.clock.standsBy() {
		if err := r.evaluator.Evaluate(ctx, &r.config().Config); err != nil {
			return err
		}
	}
	r.started = true
	return r.startJobs(ctx)
}

// stop ends the jobs for good and waits for them, at most until ctx ends.
func (r *reloader) stop(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	return errors.Join(r.runner.Keep(ctx, nil), r.stopJudging(ctx))
}

func (r *reloader) reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.tryReload(ctx)
	now := r.options.Now()
	r.metrics.Reloaded(err, now)
	var failed int64
	if err != nil {
		failed = now.UnixNano()
	}
	r.failed.Store(failed)
	if err != nil {
		r.log.Error("the configuration was not reloaded; the old one stays in force", "err", err)
		return err
	}
	rc := r.config()
	r.log.Info("the configuration was reloaded", "services", len(rc.Catalog.Services()), "sources", rc.SourceIDs(),
		"framework", rc.Framework.Name+" "+rc.Framework.Version)
	return nil
}

// reloadFailed is when the last reload failed; zero if it did not.
func (r *reloader) reloadFailed() time.Time {
	if at := r.failed.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

func (r *reloader) tryReload(ctx context.Context) error {
	if r.stopped || !r.started {
		return errors.New("reloading: the program is not running")
	}
	valid, err := r.options.load()
	if err != nil {
		return err
	}
	old := r.config()
	if valid.Store().URL.Reveal() != old.config.Store().URL.Reveal() {
		return &InvalidError{errors.New("store.url: the store cannot change while the program runs; restart it")}
	}
	if !sameListener(valid.Server(), old.config.Server()) {
		return &InvalidError{errors.New("server: only shutdown_timeout can change while the program runs; restart it")}
	}
	next, err := r.build(valid, old.found)
	if err != nil {
		return err
	}
	if err := catalog.Shrunk(old.Catalog.Names(), next.Catalog); err != nil {
		return &InvalidError{err}
	}
	if err := r.swap(ctx, next); err != nil {
		return err
	}
	signal(r.reloaded)
	return nil
}

// sameListener reports whether what is served, and where, is the same.
func sameListener(a, b config.Server) bool {
	a.ShutdownTimeout = b.ShutdownTimeout
	return reflect.DeepEqual(a, b)
}

// swap puts a configuration in force. Judging and the tasks that change are stopped
// and start again; on an error the old configuration stays in force.
func (r *reloader) swap(ctx context.Context, next *runtimeConfig) (err error) {
	if r.started {
		// Whatever happens, jobs run again afterwards.
		defer func() { err = errors.Join(err, r.startJobs(ctx)) }()
		stopping, cancel := context.WithTimeout(ctx, time.Duration(next.config.Server().ShutdownTimeout))
		defer cancel()
		if err := errors.Join(r.runner.Keep(stopping, r.tasks(next)), r.stopJudging(stopping)); err != nil {
			return fmt.Errorf("reloading: the running jobs did not end in time: %w", err)
		}
	}
	if err := r.store.SetFacts(ctx, next.Facts); err != nil {
		return storeError(err)
	}
	r.activate(ctx, next)
	r.evaluator.Request()
	return nil
}
