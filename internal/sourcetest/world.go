package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// How long an attempt of a call may take. A busy machine needs time for a good
// answer, so that only calls that hang in every attempt have a short limit.
const (
	// limitAlways is for a call that hangs in every attempt.
	limitAlways = 100 * time.Millisecond
	// limitOnce is for a call that hangs once and is then answered.
	limitOnce = 2 * time.Second
	// limitHealthy is for every other call.
	limitHealthy = 2 * time.Minute
)

// world is one upstream, one store and one source, for one case.
type world struct {
	suite    *suite
	check    *check
	upstream simulated
	// client is nil for a source without HTTP.
	client *http.Client
	store  *store.Store
	source collectors.Source
	facts  *evidence.Facts

	// hanging is the call whose answers do not come; nil for none.
	hanging atomic.Pointer[hangingCall]

	mu   sync.Mutex
	time time.Time
	// skew is how far our clock is ahead of the upstream's.
	skew time.Duration
	// dated are the records for which the source gave a time of their begin.
	dated map[key]bool
}

// hangingCall is a call whose first answer, or all of them, does not come.
type hangingCall struct {
	name string
	once bool
}

// newWorld builds a world with the data. The caller closes it.
func (s *suite) newWorld(c *check, data Data, skew time.Duration) (*world, error) {
	w := &world{suite: s, check: c, time: s.Start, skew: skew, dated: map[key]bool{}}
	folder, err := os.MkdirTemp(s.folder, "case")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "store.db")
	if err := os.WriteFile(file, s.blank, 0o600); err != nil {
		return nil, err
	}
	if err := w.connect(folder, data); err != nil {
		return nil, err
	}
	if err := w.restart(); err != nil {
		w.close()
		return nil, err
	}
	if w.facts, err = evidence.NewFacts(w.source.Facts()); err == nil {
		w.store, err = store.Open(context.Background(), store.Options{URL: file, Now: w.ourClock, Facts: w.facts})
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// connect makes the upstream and the client: the chain that every source has,
// with others beside it, which have a shorter limit of time, for calls that hang.
func (w *world) connect(folder string, data Data) (err error) {
	if w.suite.Files != nil {
		w.upstream, err = newFolder(w, filepath.Join(folder, "files"), data)
		return err
	}
	chain := func(timeout time.Duration) (*http.Client, error) {
		return transport.New(transport.Config{
			Source: "contract", HTTP: w.suite.HTTP, RatePerMinute: transport.Unlimited, BudgetShare: 1,
			MaxAttempts: attempts, Timeout: timeout, Now: w.ourClock,
			Sleep: func(ctx context.Context, d time.Duration) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.time = w.time.Add(d)
				return ctx.Err()
			},
		})
	}
	healthy, err := chain(limitHealthy)
	if err != nil {
		return err
	}
	once, err := chain(limitOnce)
	if err != nil {
		return err
	}
	always, err := chain(limitAlways)
	if err != nil {
		return err
	}
	w.upstream = newServer(w, data)
	w.client = &http.Client{Transport: &choice{w, healthy.Transport, once.Transport, always.Transport}}
	return nil
}

// choice sends the requests of a call that hangs through a chain with a shorter
// timeout.
type choice struct {
	world                 *world
	healthy, once, always http.RoundTripper
}

// RoundTrip sends the request through one of the chains.
func (c *choice) RoundTrip(r *http.Request) (*http.Response, error) {
	hanging := c.world.hanging.Load()
	switch {
	case hanging == nil || c.world.suite.template(r) != hanging.name:
		return c.healthy.RoundTrip(r)
	case hanging.once:
		return c.once.RoundTrip(r)
	}
	return c.always.RoundTrip(r)
}

// CloseIdleConnections closes those of all chains.
func (c *choice) CloseIdleConnections() {
	for _, t := range []http.RoundTripper{c.healthy, c.once, c.always} {
		if closer, ok := t.(interface{ CloseIdleConnections() }); ok {
			closer.CloseIdleConnections()
		}
	}
}

// close closes the upstream, the connections and the store.
func (w *world) close() {
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
	w.upstream.Close()
	if w.store != nil {
		if err := w.store.Close(); err != nil {
			w.check.errorf("closing the store: %v", err)
		}
	}
}

// ourClock and theirClock are the clocks of the source and of its upstream.
func (w *world) ourClock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time.Add(w.skew)
}

func (w *world) theirClock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

// setSkew sets how far our clock is ahead of the upstream's.
func (w *world) setSkew(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew = d
}

// at moves the clocks on to a time after Start. They never go back.
func (w *world) at(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.suite.Start.Add(d); t.After(w.time) {
		w.time = t
	}
}

// serve gives the upstream other data.
func (w *world) serve(data Data) {
	if err := w.upstream.serve(data); err != nil {
		w.check.errorf("the data %s cannot be served: %v", data, err)
	}
}

// restart makes the source anew, as a new process would.
func (w *world) restart() error {
	source, err := w.suite.Source(w.upstream.address(), w.client, w.ourClock)
	w.source = source
	return err
}

// round is what came of one round.
type round struct {
	at      time.Time
	err     error
	batches int
	// refused says that the store has refused a batch.
	refused bool
	calls   map[string]int
	covered map[string]bool
	// shares is the last reported progress of each long step.
	shares map[string]float64
	// skipped is how many records were left out as unreadable.
	skipped int
}

// progress checks a report of progress: the share of a step never decreases.
func (r *round) progress(c *check, p collectors.Progress) {
	if p.Share < r.shares[p.Step] || p.Share > 1 || p.Records < 0 {
		c.errorf("%s has come to %g with %d records, after %g", p.Step, p.Share, p.Records, r.shares[p.Step])
	}
	r.shares[p.Step] = p.Share
}

// errRefused is a store that cannot write.
var errRefused = errors.New("the disk is full")

// collect runs one round as the program does: each batch is committed with its
// cursors before the next. refuse is the number of the batch, from 0, that the
// store refuses; -1 for none.
func (w *world) collect(ctx context.Context, refuse int) (*round, error) {
	r := &round{at: w.ourClock(), covered: map[string]bool{}, shares: map[string]float64{}}
	id := w.source.ID()
	run, err := w.store.StartRun(context.WithoutCancel(ctx), id, "", r.at)
	if err != nil {
		return nil, err
	}
	cursors, err := w.store.Cursors(context.WithoutCancel(ctx), id)
	if err != nil {
		return nil, err
	}
	var over, busy atomic.Bool
	w.upstream.Forget()
	r.err = w.source.Collect(ctx, collectors.Request{
		Services: w.suite.Services, Now: r.at, Cursors: cursors, Reviews: w.store.Reviews,
		Exemptions: w.store.Exemptions,
		Incidents: func(ctx context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error) error {
			return w.store.EachIncident(ctx, id, span, each)
		},
		LogEntries: func(ctx context.Context, incidents []string, each func(evidence.LogEntry) error) error {
			return w.store.EachLogEntry(ctx, id, incidents, each)
		},
		OpenAlerts: func(ctx context.Context) ([]evidence.AlertFiring, error) { return w.store.OpenAlerts(ctx, id) },
		Progress:   func(p collectors.Progress) { r.progress(w.check, p) },
		Person:     func(id string) string { return fmt.Sprintf("person-%x", id) },
	}, func(b evidence.Batch) error {
		if over.Load() || r.refused {
			w.check.errorf("a batch after the round was over: %s", describe(b))
		}
		if !busy.CompareAndSwap(false, true) {
			w.check.errorf("two batches at once")
		}
		defer busy.Store(false)
		if r.batches == refuse {
			r.refused = true
			return errRefused
		}
		w.inspect(r, b)
		// A batch that is complete is kept even when the round has just ended.
		if _, err := w.store.Commit(context.WithoutCancel(ctx), id, run, r.at, b); err != nil {
			return &collectors.CallError{Reason: evidence.ReasonStore, Call: "commit", Err: err}
		}
		r.batches++
		for _, n := range b.Skipped {
			r.skipped += n
		}
		return nil
	})
	over.Store(true)
	r.calls = w.upstream.Counts()
	finished := store.RunResult{Finished: w.ourClock()}
	if r.err != nil {
		finished.Reason, finished.Error = collectors.ReasonOf(context.Background(), r.err), r.err.Error()
	}
	return r, w.store.FinishRun(context.WithoutCancel(ctx), run, finished)
}

// inspect checks what every batch must keep.
func (w *world) inspect(r *round, b evidence.Batch) {
	id := w.source.ID()
	for _, v := range b.Records {
		d, err := w.facts.Lookup(v.Fact)
		switch {
		case err != nil:
			w.check.errorf("a record of a fact that the source does not declare: %s", v.Fact)
		case v.Value.Kind() != d.Kind:
			w.check.errorf("%s of %s is a %s, and the fact a %s", v.Fact, v.Service, v.Value.Kind(), d.Kind)
		case v.Source != id || v.Detail == "" || !v.ObservedAt.Equal(r.at) && !w.suite.Dated:
			w.check.errorf("a record without its source, provenance or time: %+v", v)
		case w.suite.Dated && (v.ObservedAt.IsZero() || v.ObservedAt.After(r.at)):
			w.check.errorf("%s of %s tells no time of its own, or one in the future: %s", v.Fact, v.Service, v.ObservedAt)
		case w.skew == 0 && v.Since.After(r.at):
			w.check.errorf("%s of %s begins in the future, %s", v.Fact, v.Service, v.Since)
		case w.suite.Secret != "" && strings.Contains(v.Detail, w.suite.Secret):
			w.check.errorf("the credential is in the provenance of %s", v.Fact)
		}
		w.dated[key{v.Fact, v.Service}] = !v.Since.IsZero()
	}
	for _, in := range b.Incidents {
		if in.Source != id || in.ID == "" || in.StartedAt.IsZero() || !in.ResolvedAt.IsZero() &&
			in.ResolvedAt.Before(in.StartedAt) {
			w.check.errorf("a bad incident: %+v", in)
		}
	}
	for _, v := range b.Reviews {
		if v.Source != id || v.Key == "" || v.Service == "" || v.CreatedAt.IsZero() {
			w.check.errorf("a bad review: %+v", v)
		}
	}
	for _, c := range b.Covered {
		if r.covered[c.Group] {
			w.check.errorf("group %s is covered twice in one round", c.Group)
		}
		r.covered[c.Group] = true
		if c.Dated != w.suite.Dated {
			w.check.errorf("group %s: dated is %t", c.Group, c.Dated)
		}
		if !c.At.Equal(r.at) || len(c.Facts) == 0 {
			w.check.errorf("group %s of %d facts is covered at %s, not at the round's time", c.Group, len(c.Facts), c.At)
		}
	}
}

// describe names what a batch holds.
func describe(b evidence.Batch) string {
	return fmt.Sprintf("%d records, %d withdrawals, %d incidents, %d reviews, %d groups, %d cursors",
		len(b.Records), len(b.Withdrawals), len(b.Incidents), len(b.Reviews), len(b.Covered), len(b.Cursors))
}
