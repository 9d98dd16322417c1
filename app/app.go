package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/server"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// App is the program: a store, a world made from the configuration, and what
// runs between them. Its methods are safe for concurrent use.
type App struct {
	options Options
	log     *slog.Logger
	metrics *exporter.ProcessMetrics
	gather  prometheus.Gatherer
	store   *store.Store
	collect *collection

	current atomic.Pointer[published]
	// dirty holds a token while there is evidence that was not judged.
	dirty chan struct{}
	// survey holds a token while the rules of discovery have changed.
	survey chan struct{}

	// lifecycle guards what follows: only one start, reload or stop at a time.
	lifecycle sync.Mutex
	world     *world
	judging   sync.Mutex
	evaluator *evaluation
	scheduler *scheduler
	server    *server.Server
	cleanup   []func(context.Context) error
	closed    bool
	// discovered says that PagerDuty has told its services since the start.
	discovered bool
	// refused says that what was discovered last was not taken over.
	refused bool
	// background is what runs beside the scheduler.
	background sync.WaitGroup
}

// New checks the configuration, opens the store and reads the last judgement
// from it. Nothing is collected and nothing is served yet. An *InvalidError
// says what a person has to mend.
func New(ctx context.Context, o Options) (*App, error) {
	o = o.withDefaults()
	valid, err := o.load()
	if err != nil {
		return nil, err
	}
	o.Logger = newLogger(o, valid.Log())
	registry := prometheus.NewRegistry()
	metrics, err := exporter.NewProcessMetrics(registry, exporter.BuildInfo{Version: o.Version})
	if err != nil {
		return nil, err
	}
	a := &App{options: o, log: o.Logger, metrics: metrics, gather: registry, dirty: make(chan struct{}, 1), survey: make(chan struct{}, 1)}
	w, err := a.build(valid, nil)
	if err != nil {
		return nil, err
	}
	if _, err := w.only(o.Only); err != nil {
		return nil, err
	}
	progress := o.Progress
	if progress == nil {
		progress = newProgressLog(a.log, o.Now).tell
	}
	a.store, err = store.Open(ctx, store.Options{URL: valid.Store().URL.Reveal(), Now: o.Now, Facts: w.facts})
	if err != nil {
		return nil, storeError(err)
	}
	a.onClose(func(context.Context) error { return a.store.Close() })
	person, err := hashPeople(ctx, a.store)
	if err != nil {
		return nil, errors.Join(storeError(err), a.Close())
	}
	a.collect = &collection{
		store: a.store, metrics: metrics, log: a.log, now: o.Now, person: person, progress: progress, done: a.touch,
		running: map[string]bool{}, failed: map[string]string{},
	}
	if w, err = withFound(ctx, a.options, w, a.store, a.deps()); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if a.evaluator, err = loadEvaluation(ctx, a.store, w, a.log); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.evaluator.failed = metrics.ExpressionFailed
	a.enter(w)
	metrics.Reloaded(nil, o.Now())
	return a, nil
}

// build makes a world whose requests are measured.
func (a *App) build(c *config.Valid, f found) (*world, error) {
	return buildWorld(a.options, c, f, a.deps())
}

func (a *App) deps() sourceDeps {
	return sourceDeps{options: a.options, circuit: a.circuit, observe: func(o transport.Observation) {
		a.metrics.Request(o.Source, o.Call, o.Outcome, o.Duration)
		a.metrics.RateLimit(o.Source, int(o.RateLimit), int(o.RateRemaining))
	}}
}

// circuit records that the circuit of a source has opened or closed.
func (a *App) circuit(source string, open bool) {
	a.metrics.CircuitOpen(source, open)
	if open {
		a.log.Warn("the source fails too often in a row; it is left alone for a while", "source", source)
	} else {
		a.log.Info("the source is asked again", "source", source)
	}
}

// enter makes a world the one that is worked with.
func (a *App) enter(w *world) {
	told := a.world != nil && maps.Equal(a.world.blind, w.blind)
	a.world = w
	a.metrics.Expect(w.sourceIDs(), w.checkIDs())
	a.metrics.TokensExpire(w.expiries())
	for id := range w.blind {
		a.log.Debug("no configured source can decide the check; it does not count", "check", id)
	}
	if n := len(w.blind); n > 0 && !told {
		a.log.Warn("checks are blind: no configured source can decide them, so they do not count; `collector framework coverage` says what they want", "checks", n)
	}
}

// onClose registers a clean-up. They run in reverse.
func (a *App) onClose(f func(context.Context) error) { a.cleanup = append(a.cleanup, f) }

// touch asks for a judgement soon.
func (a *App) touch() {
	select {
	case a.dirty <- struct{}{}:
	default:
	}
}

// Snapshot is what was found last, nil before the first evaluation.
func (a *App) Snapshot() *snapshot.Snapshot {
	if p := a.current.Load(); p != nil {
		return p.snapshot
	}
	return nil
}

func (a *App) page() *exporter.Page {
	if p := a.current.Load(); p != nil {
		return p.page
	}
	return nil
}

// evaluate judges once and swaps the snapshot.
func (a *App) evaluate(ctx context.Context, w *world) error {
	a.judging.Lock()
	defer a.judging.Unlock()
	started := time.Now()
	found, err := a.evaluator.run(ctx, w, a.options.Now())
	if err == nil {
		var page *exporter.Page
		if page, err = exporter.Render(found, exporter.Options{
			CheckStatusPass: w.config.Exposition().CheckStatusPass, EvaluationInterval: time.Duration(w.config.Evaluation().Interval),
		}); err == nil {
			a.current.Store(&published{snapshot: found, page: page})
		}
	}
	a.metrics.Evaluated(err, time.Since(started))
	if err != nil {
		return fmt.Errorf("evaluation: %w", err)
	}
	return nil
}

// Start binds the listeners, judges what is stored, so that a restart answers
// at once, and starts the jobs. It returns when the server listens.
func (a *App) Start(ctx context.Context) error {
	a.lifecycle.Lock()
	defer a.lifecycle.Unlock()
	if a.server != nil || a.closed {
		return errors.New("starting: the program was started before")
	}
	c := a.world.config
	s, err := server.New(server.Options{
		Current: a.Snapshot,
		Metrics: exporter.Handler(a.page, a.gather, exporter.HandlerOptions{
			Now: a.options.Now, Logger: a.log,
		}),
		Reports: reports{}, Reload: a.Reload, Logger: a.log, Version: a.options.Version,
		ListenAddresses: []string{c.Server().ListenAddress}, WebConfigFile: c.Server().WebConfigFile,
		ShutdownTimeout: time.Duration(c.Server().ShutdownTimeout),
	})
	if err != nil {
		return &InvalidError{err}
	}
	if err := s.Listen(); err != nil {
		return &InvalidError{fmt.Errorf("server.listen_address: %w", err)}
	}
	a.server = s
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(serving) }()
	a.onClose(func(ctx context.Context) error {
		stopServing()
		select {
		case err := <-ended:
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return err
		case <-ctx.Done():
			return fmt.Errorf("stopping the server: %w", ctx.Err())
		}
	})
	// With nothing stored there is nothing to say yet: not ready until the
	// first round.
	if a.evaluator.seen() {
		if err := a.evaluate(ctx, a.world); err != nil {
			return err
		}
	}
	if !a.discovers() || len(a.world.found) > 0 {
		a.startJobs(context.WithoutCancel(ctx))
	}
	discovering, stopDiscovering := context.WithCancel(context.WithoutCancel(ctx))
	a.background.Go(func() { a.discoverLoop(discovering) })
	a.onClose(func(context.Context) error {
		stopDiscovering()
		return nil
	})
	for _, address := range s.Addrs() {
		a.log.Info("serving", "address", address.String(), "services", len(a.world.services), "sources", a.world.sourceIDs(), "framework", a.world.framework.Name+" "+a.world.framework.Version)
	}
	return nil
}

// Addr is the address the server listens on, empty before Start.
func (a *App) Addr() string {
	a.lifecycle.Lock()
	defer a.lifecycle.Unlock()
	if a.server == nil || len(a.server.Addrs()) == 0 {
		return ""
	}
	return a.server.Addrs()[0].String()
}

// Run starts the program, waits until ctx ends, and stops gracefully within
// the configured bound.
func (a *App) Run(ctx context.Context) error {
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, a.Close())
	}
	<-ctx.Done()
	a.log.Info("stopping")
	return a.Close()
}

// Close stops everything in reverse order, within server.shutdown_timeout. It
// is safe to repeat.
func (a *App) Close() error {
	// Waited for without the lock, which it may be waiting for itself.
	defer a.background.Wait()
	a.lifecycle.Lock()
	defer a.lifecycle.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	bound := 10 * time.Second
	if a.world != nil {
		bound = time.Duration(a.world.config.Server().ShutdownTimeout)
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	var errs []error
	if a.scheduler != nil {
		if err := a.scheduler.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping the jobs: %w", err))
		}
	}
	for i := len(a.cleanup) - 1; i >= 0; i-- {
		errs = append(errs, a.cleanup[i](ctx))
	}
	return errors.Join(errs...)
}

// CollectOnce runs one full round of all sources, or of those that Options.Only
// names, one after the other, and one evaluation. It is for a program that was
// not started. The error joins what failed; what did not is stored and judged.
func (a *App) CollectOnce(ctx context.Context) error {
	var errs []error
	if a.discovers() && wanted(a.world, a.options.Only) {
		a.log.Info("discovering services")
		errs = append(errs, a.rediscover(ctx))
	}
	selected, err := a.world.only(a.options.Only)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, i := range selected {
		a.log.Info("collecting", "source", i.source.ID())
		bounded, cancel := context.WithTimeout(ctx, i.timeout)
		errs = append(errs, a.collect.round(bounded, a.world, i.source))
		cancel()
	}
	errs = append(errs, a.evaluate(ctx, a.world))
	return errors.Join(errs...)
}

// reports makes the payloads of the API.
type reports struct{}

func (reports) Services(s *snapshot.Snapshot) any { return report.NewFleet(s) }

func (reports) Service(s *snapshot.Snapshot, name string) (any, bool) {
	return report.NewScorecard(s, name)
}
