package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prodready/collector/catalog"
)

// Reload reads the configuration again. It is checked as a whole first; then
// the jobs are stopped, everything is swapped and the jobs start again. On any
// error the old configuration stays in force.
func (a *App) Reload(ctx context.Context) error {
	a.lifecycle.Lock()
	defer a.lifecycle.Unlock()
	err := a.reload(ctx)
	a.metrics.Reloaded(err, a.options.Now())
	if err != nil {
		a.log.Error("the configuration was not reloaded; the old one stays in force", "err", err)
		return err
	}
	a.log.Info("the configuration was reloaded", "services", len(a.world.services), "sources", a.world.sourceIDs(), "framework", a.world.framework.Name+" "+a.world.framework.Version)
	return nil
}

func (a *App) reload(ctx context.Context) error {
	if a.closed || a.server == nil {
		return errors.New("reloading: the program is not running")
	}
	valid, err := a.options.load()
	if err != nil {
		return err
	}
	old := a.world
	if valid.Store().URL.Reveal() != old.config.Store().URL.Reveal() {
		return &InvalidError{errors.New("store.url: the store cannot change while the program runs; restart it")}
	}
	if valid.Server().ListenAddress != old.config.Server().ListenAddress || valid.Server().WebConfigFile != old.config.Server().WebConfigFile {
		return &InvalidError{errors.New("server: the listener cannot change while the program runs; restart it")}
	}
	next, err := a.build(valid, old.found)
	if err != nil {
		return err
	}
	if err := catalog.Shrunk(old.catalog, next.catalog); err != nil {
		return &InvalidError{err}
	}
	if err := a.swap(ctx, next); err != nil {
		return err
	}
	a.surveySoon()
	return nil
}

// swap makes a world the one that is worked with. The jobs, if they run, are
// stopped and start again; on an error the old world goes on.
func (a *App) swap(ctx context.Context, next *world) error {
	running := a.scheduler != nil
	if running {
		stopping, cancel := context.WithTimeout(ctx, time.Duration(next.config.Server().ShutdownTimeout))
		defer cancel()
		if err := a.scheduler.stop(stopping); err != nil {
			// The old jobs have been told to end and will; the old world goes on
			// with fresh ones.
			a.startJobs(context.WithoutCancel(ctx))
			return fmt.Errorf("reloading: the running jobs did not end in time: %w", err)
		}
	}
	if err := a.store.SetFacts(ctx, next.facts); err != nil {
		if running {
			a.startJobs(context.WithoutCancel(ctx))
		}
		return storeError(err)
	}
	a.enter(next)
	a.touch()
	if running {
		a.startJobs(context.WithoutCancel(ctx))
	}
	return nil
}

// surveySoon asks for a discovery soon.
func (a *App) surveySoon() {
	select {
	case a.survey <- struct{}{}:
	default:
	}
}
