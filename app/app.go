package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/server"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
	"github.com/prodready/collector/tasks"
)

// App is the program: a store, the configuration in force with its jobs, the
// evaluator between them, and the server. Its methods are safe for concurrent
// use.
type App struct {
	options   Options
	log       *slog.Logger
	gather    prometheus.Gatherer
	evaluator *evaluation.Evaluator
	reloader  *reloader

	// mu lets one start or stop run at a time: a stop in the middle of a start
	// would leave the server or the jobs running.
	mu       sync.Mutex
	server   *server.Server
	cleanups []cleanup
	closed   bool
}

// cleanup is a part of the program that is stopped with it.
type cleanup struct {
	name string
	stop func(context.Context) error
}

// New checks the configuration, opens the store and reads the last judgement
// from it. Nothing is collected and nothing is served yet. An *InvalidError
// says what a person has to correct.
func New(ctx context.Context, o Options) (*App, error) {
	o = o.withDefaults()
	valid, err := o.load()
	if err != nil {
		return nil, err
	}
	o.Logger = newLogger(o, valid.Log())
	registry := prometheus.NewRegistry()
	metrics, err := exporter.NewProcessMetrics(registry, exporter.BuildInfo{Version: o.Version, Revision: o.Revision})
	if err != nil {
		return nil, err
	}
	r := newReloader(o, metrics)
	rc, err := r.build(valid, nil)
	if err != nil {
		return nil, err
	}
	if _, err := rc.only(o.Only); err != nil {
		return nil, err
	}
	r.store, err = openStore(ctx, o, store.Options{URL: valid.Store().URL.Reveal(), Now: o.Now, Facts: rc.Facts})
	if err != nil {
		return nil, storeError(err)
	}
	a := &App{options: o, log: o.Logger, gather: registry, reloader: r}
	a.onClose("the store", func(context.Context) error { return r.store.Close() })
	person, err := hashPeople(ctx, r.store)
	if err != nil {
		return nil, errors.Join(storeError(err), a.Close())
	}
	if rc, err = rc.withFound(ctx, r.store, r.deps()); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.evaluator, err = evaluation.New(ctx, evaluation.Options{
		Store: r.store, Logger: o.Logger, Now: o.Now, Metrics: metrics, Diverged: r.adoptSoon, StandsBy: r.standsBy,
	}, &rc.Config)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err := catalog.Shrunk(a.evaluator.Judged(), rc.Catalog); err != nil && !o.AcceptCatalogLoss {
		return nil, errors.Join(&InvalidError{err}, a.Close())
	}
	r.clock.start(a.evaluator.JudgedAt())
	r.evaluator = a.evaluator
	r.collection = newCollection(o, r.store, metrics, person, a.evaluator.Request)
	r.activate(ctx, rc)
	metrics.Reloaded(nil, o.Now())
	return a, nil
}

// openStore opens the store. With Options.WaitForStore it waits for one that is not
// reachable: after a power cut the database may start last.
func openStore(ctx context.Context, o Options, wanted store.Options) (*store.Store, error) {
	const longest = 30 * time.Second
	for wait := time.Second; ; wait = min(2*wait, longest) {
		opened, err := store.Open(ctx, wanted)
		if err == nil || !o.WaitForStore || ctx.Err() != nil || !errors.Is(err, store.ErrUnreachable) {
			return opened, err //nolint:wrapcheck // storeError does
		}
		o.Logger.Warn("the store cannot be reached; nothing is collected or served until it is", "try_again_in", wait,
			"err", err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// onClose registers what is stopped with the program, in reverse order.
func (a *App) onClose(name string, stop func(context.Context) error) {
	a.cleanups = append(a.cleanups, cleanup{name: name, stop: stop})
}

// Snapshot is what was published last, nil before the first evaluation.
func (a *App) Snapshot() *snapshot.Snapshot { return a.evaluator.Snapshot() }

// Reload reads the configuration again. It is checked as a whole first; then
// the jobs that it changes are stopped, everything is swapped and they start again.
// The rounds of a source whose configuration is the same go on. On any error the old
// configuration stays in force.
func (a *App) Reload(ctx context.Context) error { return a.reloader.reload(ctx) }

// Start binds the listeners, judges what is stored, so that a restart answers
// at once, and starts the jobs. It returns when the server listens.
func (a *App) Start(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil || a.closed {
		return errors.New("starting: the program was started before")
	}
	rc := a.reloader.config()
	if err := a.startServer(ctx, rc.config.Server()); err != nil {
		return err
	}
	if err := a.startJobs(ctx, rc); err != nil {
		return err
	}
	for _, address := range a.server.Addrs() {
		a.log.Info("serving", "address", address.String(), "services", len(rc.Catalog.Services()),
			"sources", rc.SourceIDs(), "framework", rc.Framework.Name+" "+rc.Framework.Version)
	}
	return nil
}

// startJobs judges what is stored and starts what is done in the background.
func (a *App) startJobs(ctx context.Context, rc *runtimeConfig) error {
	r := a.reloader
	if err := r.clock.compareDatabase(ctx, r.store); err != nil {
		return storeError(err)
	}
	runner, err := a.newRunner(ctx, rc)
	if err != nil {
		return err
	}
	r.runner = runner
	a.onClose("the jobs", r.stop)
	if err := r.start(ctx); err != nil {
		return err
	}
	a.onClose("the adoption of discovered services", begin(r.adoptLoop).stop)
	r.measureStore(ctx)
	a.onClose("the comparison of clocks", begin(r.clockLoop).stop)
	return nil
}

// newRunner makes what does the tasks: this process, or all that share the database.
func (a *App) newRunner(ctx context.Context, rc *runtimeConfig) (tasks.Runner, error) {
	if !a.reloader.store.Shared() {
		return tasks.NewInProcess(a.options.Now, a.log), nil
	}
	shared, err := tasks.OpenShared(ctx, tasks.SharedOptions{
		URL: rc.config.Store().URL.Reveal(), Now: a.options.Now, Log: a.log,
		SoftStop: time.Duration(rc.config.Server().ShutdownTimeout) / 2, StandsBy: a.reloader.standsBy,
	})
	if err != nil {
		return nil, storeError(err)
	}
	a.onClose("the sharing out of work", func(context.Context) error {
		shared.Close()
		return nil
	})
	return shared, nil
}

// startServer listens and serves until the program is closed.
func (a *App) startServer(ctx context.Context, c config.Server) error {
	var reload func(context.Context) error
	if c.EnableLifecycle {
		reload = a.Reload
	}
	site, err := a.newSite()
	if err != nil {
		return err
	}
	s, err := server.New(server.Options{
		Pages:   site,
		Current: a.evaluator.Snapshot, Waiting: a.waiting,
		Overdue: func() bool { return a.reloader.clock.standsBy() || !a.evaluator.Page().Served(a.options.Now()) },
		Metrics: exporter.Handler(a.evaluator.Page, a.gather, exporter.HandlerOptions{Now: a.options.Now, Logger: a.log}),
		Past:    past{a.reloader}, Reviews: shownReviews{a.reloader}, Reload: reload,
		AllowedHosts: c.AllowedHosts,
		Now:          a.options.Now, Logger: a.log,
		ListenAddresses: []string{c.ListenAddress}, WebConfigFile: c.WebConfigFile,
		ShutdownTimeout: time.Duration(c.ShutdownTimeout),
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
	a.onClose("the server", func(ctx context.Context) error {
		stopServing()
		if err := waitFor(ctx, ended); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return nil
}

// waiting says why nothing is judged, where it is not that the first round is under
// way.
func (a *App) waiting() string {
	if a.reloader.sourceless.Load() {
		return noSource()
	}
	return ""
}

// waitFor returns the value from the channel, or ctx's error if ctx ends first.
func waitFor(ctx context.Context, ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Addr is the address the server listens on, empty before Start.
func (a *App) Addr() string {
	a.mu.Lock()
	defer a.mu.Unlock()
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

// Close stops everything in reverse order, within server.shutdown_timeout. The
// error names each part that did not stop as it should. It is safe to repeat.
func (a *App) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	bound := 10 * time.Second
	if rc := a.reloader.config(); rc != nil {
		bound = time.Duration(rc.config.Server().ShutdownTimeout)
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	var errs []error
	for _, v := range slices.Backward(a.cleanups) {
		if err := v.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", v.name, err))
		}
	}
	return errors.Join(errs...)
}

// CollectOnce runs one full round of all sources, or of those that Options.Only
// names, at the same time, and one evaluation. It is for a program that was
// not started. Failures are joined; results of the other sources are stored and
// judged.
func (a *App) CollectOnce(ctx context.Context) error {
	var errs []error
	if a.reloader.config().discoversFor(a.options.Only) {
		a.log.Info("discovering services")
		errs = append(errs, a.reloader.discover(ctx), a.reloader.adopt(ctx))
	}
	rc := a.reloader.config()
	selected, err := rc.only(a.options.Only)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	failed := make([]error, len(selected))
	var rounds sync.WaitGroup
	for k, i := range selected {
		a.log.Info("collecting", "source", i.source.ID())
		rounds.Go(func() {
			bounded, cancel := context.WithTimeout(ctx, i.timeout)
			defer cancel()
			failed[k] = a.reloader.collection.round(bounded, rc.Catalog.Services(), i.source, rc.roundVersion(i))
		})
	}
	rounds.Wait()
	errs = append(append(errs, failed...), a.evaluator.Evaluate(ctx, &rc.Config))
	return errors.Join(errs...)
}

// Left says how far each source that CollectOnce asks has read, if a part is left for
// its next round: pagerduty/main: history read back to 2026-01-31.
func (a *App) Left(ctx context.Context) ([]string, error) {
	selected, err := a.reloader.config().only(a.options.Only)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, i := range selected {
		resumer, ok := i.source.(collectors.Resumer)
		if !ok {
			continue
		}
		id := i.source.ID()
		cursors, err := a.reloader.collection.store.Cursors(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("%s: reading its cursors: %w", id, err)
		}
		if left := resumer.Left(cursors); left != "" {
			lines = append(lines, id+": "+left)
		}
	}
	return lines, nil
}
