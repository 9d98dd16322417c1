package app

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/discovery"
)

// discoverEvery is how often PagerDuty is asked which services there are.
const discoverEvery = 30 * time.Minute

// discoverLoop asks for services at the start, every discoverEvery and after
// each reload, until ctx ends.
func (r *reloader) discoverLoop(ctx context.Context) {
	ticker := time.NewTicker(discoverEvery)
	defer ticker.Stop()
	for {
		if r.config().accounts.Wanted() {
			_ = r.discover(ctx) // it has logged it
		}
		r.startWaitingJobs(ctx)
		select {
		case <-ctx.Done():
			return
		case <-r.discoverNow:
		case <-ticker.C:
		}
	}
}

// startWaitingJobs starts the jobs that have waited for discovery.
func (r *reloader) startWaitingJobs(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs == nil && !r.stopped {
		r.startJobs(ctx)
	}
}

// discover asks every account that rules name, and swaps the catalog when its
// services have changed. The error joins the accounts that did not answer.
func (r *reloader) discover(ctx context.Context) error {
	r.mu.Lock()
	rc, first := r.active, !r.discovered
	r.mu.Unlock()
	found, answered, err := rc.accounts.List(ctx, rc.found, func(note string) { r.log.Warn("discovery", "note", note) })
	if answered > 0 {
		err = errors.Join(err, r.adopt(ctx, rc, found, first))
	}
	return r.collection.report("catalog", err)
}

// adopt makes what was found the catalog, unless it is what it was. The first
// answer after a start is accepted as it is, so that a restart is the way to
// agree to a loss of many services; later ones must not lose more than a fifth.
func (r *reloader) adopt(ctx context.Context, rc *runtimeConfig, found discovery.Found, first bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || r.active != rc {
		return nil // stopped or reloaded meanwhile; it is asked again
	}
	err := r.tryAdopt(ctx, found, first)
	if err == nil {
		r.discovered = true
	}
	if err != nil || r.refused {
		r.metrics.Reloaded(err, r.options.Now())
	}
	r.refused = err != nil
	return err
}

func (r *reloader) tryAdopt(ctx context.Context, found discovery.Found, first bool) error {
	old := r.active
	if reflect.DeepEqual(old.found, found) {
		return nil
	}
	next, err := r.build(old.config, found)
	if err == nil && !first {
		err = catalog.Shrunk(old.Catalog, next.Catalog)
	}
	if err != nil {
		return err
	}
	for account, list := range found {
		if !reflect.DeepEqual(old.found[account], list) {
			if err := discovery.Save(ctx, r.store, account, list, r.options.Now()); err != nil {
				return storeError(err)
			}
		}
	}
	if err := r.swap(ctx, next); err != nil {
		return err
	}
	r.log.Info("services were discovered", "services", len(next.Catalog.Services()), "before", len(old.Catalog.Services()))
	return nil
}
