package app

import (
	"context"
	"errors"
	"reflect"
	"sync"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/discovery"
)

// discoveryState is what this process knows of discovery. It is safe for concurrent
// use.
type discoveryState struct {
	mu sync.Mutex
	// asked says that accounts were asked since the start, answered that one has
	// answered, refused that its last answer was not stored.
	asked, answered, refused bool
}

// wasAsked reports whether accounts were asked since the start, with or without success.
func (d *discoveryState) wasAsked() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

// discoverTask asks for services and has what was found adopted.
func (r *reloader) discoverTask(ctx context.Context) {
	_ = r.discover(ctx) // it has logged it
	r.adoptSoon()
}

// discover asks every account that rules name and stores which services it has. The
// error joins the accounts that did not answer.
func (r *reloader) discover(ctx context.Context) error {
	rc := r.config()
	found, answered, err := rc.accounts.List(ctx, rc.found, func(note string) { r.log.Warn("discovery", "note", note) })
	r.discovery.mu.Lock()
	defer r.discovery.mu.Unlock()
	r.discovery.asked = r.discovery.asked || ctx.Err() == nil
	if answered > 0 && ctx.Err() == nil {
		err = errors.Join(err, r.storeFound(ctx, rc, found))
	}
	return r.collection.report("catalog", err)
}

// storeFound stores what was found, unless more than a fifth of the services would be
// lost. Options.AcceptCatalogLoss accepts the first answer after a start as it is.
func (r *reloader) storeFound(ctx context.Context, rc *runtimeConfig, found discovery.Found) error {
	err := r.tryStoreFound(ctx, rc, found)
	if err == nil {
		r.discovery.answered = true
	}
	if err != nil || r.discovery.refused {
		r.metrics.Reloaded(err, r.options.Now())
	}
	r.discovery.refused = err != nil
	return err
}

func (r *reloader) tryStoreFound(ctx context.Context, rc *runtimeConfig, found discovery.Found) error {
	if reflect.DeepEqual(rc.found, found) {
		return nil
	}
	next, err := r.build(rc.config, found)
	if accepted := !r.discovery.answered && r.options.AcceptCatalogLoss; err == nil && !accepted {
		err = catalog.Shrunk(rc.Catalog.Names(), next.Catalog)
	}
	if err != nil {
		return err
	}
	for account, list := range found {
		if !reflect.DeepEqual(rc.found[account], list) {
			if err := discovery.Save(ctx, r.store, account, list, r.options.Now()); err != nil {
				return storeError(err)
			}
		}
	}
	return nil
}

// adoptSoon has the discovered services in the store adopted. It does not wait.
func (r *reloader) adoptSoon() { signal(r.adoptNow) }

// signal puts a token into a channel unless it has one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// adoptLoop makes the discovered services in the store the catalog when this process or
// another one may have stored others, until ctx ends. After a reload it asks for them.
func (r *reloader) adoptLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.reloaded:
			if r.config().accounts.Wanted() {
				_ = r.discover(ctx) // it has logged it
			}
		case <-r.adoptNow:
		}
		if err := r.adopt(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("the discovered services did not become the catalog; the old one stays in force", "err", err)
		}
	}
}

// adopt makes the discovered services in the store the catalog, unless they are that
// already, and starts the rounds if they have waited for them. What is stored was
// checked before.
func (r *reloader) adopt(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.config()
	if r.stopped || !old.accounts.Wanted() {
		return nil
	}
	found, err := old.accounts.Load(ctx, r.store)
	if err != nil {
		return err
	}
	if len(found) == 0 || reflect.DeepEqual(old.found, found) {
		if r.started {
			return r.startJobs(ctx)
		}
		return nil
	}
	next, err := r.build(old.config, found)
	if err == nil {
		err = r.swap(ctx, next)
	}
	if err != nil {
		return err
	}
	r.log.Info("services were discovered", "services", len(next.Catalog.Services()), "before", len(old.Catalog.Services()))
	return nil
}
