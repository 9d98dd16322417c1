package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/store"
)

// collection runs rounds of sources into the store.
type collection struct {
	store   *store.Store
	metrics *exporter.ProcessMetrics
	log     *slog.Logger
	now     func() time.Time
	// person turns a person's id into a keyed hash.
	person func(id string) string
	// progress gets how far long steps have come, and an empty step when a round
	// is over.
	progress func(source string, p collectors.Progress)
	// done is called after every round that stored something.
	done func()
	// committed is called with every batch that was stored; it may be nil.
	committed func(evidence.Batch)

	mu sync.Mutex
	// running are the sources whose round is under way. A reload whose jobs did
	// not end in time starts new ones beside them.
	running map[string]bool
	// failed are the calls that failed in each source's last round, so that a
	// lasting failure is logged once.
	failed map[string]string
	// skipped are the objects of each source's last round that could not be decoded.
	skipped map[string]string
}

func newCollection(
	o Options, s *store.Store, metrics *exporter.ProcessMetrics, person func(id string) string, done func(),
) *collection {
	progress := o.Progress
	if progress == nil {
		progress = newProgressLog(o.Logger, o.Now).observe
	}
	return &collection{
		store: s, metrics: metrics, log: o.Logger, now: o.Now, person: person, progress: progress, done: done,
		running: map[string]bool{}, failed: map[string]string{}, skipped: map[string]string{},
	}
}

// round collects one round of one source for the services. What was stored before a failure
// stays stored. version is that of the instance.
func (c *collection) round(
	ctx context.Context, services []*catalog.Service, source collectors.Source, version string,
) error {
	id := source.ID()
	if !c.begin(id) {
		c.metrics.Run(id, exporter.RunSkipped, 0)
		return fmt.Errorf("%s: the last round is still running; this one is skipped", id)
	}
	defer c.end(id)
	started := c.now()
	run, err := c.store.StartRun(ctx, id, version, started)
	if err != nil {
		c.metrics.Run(id, exporter.RunFailure, 0)
		return c.report(id, fmt.Errorf("%s: %w", id, storeFailed("start a run", err)))
	}
	request, err := c.request(ctx, services, id, started)
	if err != nil {
		return c.finish(id, run, started, counts{}, err)
	}
	var n counts
	err = source.Collect(ctx, request, func(b evidence.Batch) error {
		// A batch that is complete is worth keeping even when the round has
		// just run out of time.
		commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
		defer cancel()
		changes, err := c.store.Commit(commit, id, run, started, b)
		if err != nil {
			return storeFailed("commit", err)
		}
		n.add(b, changes)
		if c.committed != nil {
			c.committed(b)
		}
		for what, skipped := range b.Skipped {
			c.metrics.Skipped(id, what, skipped)
		}
		return nil
	})
	c.progress(id, collectors.Progress{})
	if err != nil {
		err = fmt.Errorf("%s: %w", id, err)
	}
	return c.finish(id, run, started, n, err)
}

// storeFailed is a fault of the store, which is not one of the source.
func storeFailed(doing string, err error) *collectors.CallError {
	return collectors.Failed(evidence.ReasonStore, doing, "%w", err)
}

// request is what a round of the source starts from.
func (c *collection) request(
	ctx context.Context, services []*catalog.Service, id string, now time.Time,
) (collectors.Request, error) {
	cursors, err := c.store.Cursors(ctx, id)
	if err != nil {
		return collectors.Request{}, fmt.Errorf("%s: %w", id, storeFailed("read cursors", err))
	}
	return collectors.Request{
		Services: services, Now: now, Cursors: cursors,
		LogEntries: func(ctx context.Context, incidents []string, each func(evidence.LogEntry) error) error {
			return c.store.EachLogEntry(ctx, id, incidents, each)
		},
		Incidents: func(ctx context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error) error {
			return c.store.EachIncident(ctx, id, span, each)
		},
		OpenAlerts: func(ctx context.Context) ([]evidence.AlertFiring, error) { return c.store.OpenAlerts(ctx, id) },
		Reviews:    c.store.Reviews,
		Exemptions: c.store.Exemptions,
		Person:     c.person,
		Progress:   func(p collectors.Progress) { c.progress(id, p) },
	}, nil
}

// begin reports whether a round of the source may start: never twice at once.
func (c *collection) begin(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[id] {
		return false
	}
	c.running[id] = true
	return true
}

func (c *collection) end(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, id)
}

// commitTimeout bounds one transaction.
const commitTimeout = time.Minute

// counts are the figures of one round, kept with its run.
type counts struct {
	batches, records, changed, rows, covered, skipped, uncounted int64
	// skippedKinds are the skipped objects by kind.
	skippedKinds map[string]int
}

func (n *counts) add(b evidence.Batch, changes store.Changes) {
	n.batches++
	n.records += int64(len(b.Records))
	n.changed += int64(changes.Records + changes.Withdrawals + changes.Incidents + changes.Reviews + changes.Alerts)
	n.rows += changes.Rows
	n.covered += int64(len(b.Covered))
	for kind, s := range b.Skipped {
		n.skipped += int64(s)
		if n.skippedKinds == nil {
			n.skippedKinds = map[string]int{}
		}
		n.skippedKinds[kind] += s
	}
	for _, u := range b.Uncounted {
		n.uncounted += int64(u.Total)
	}
}

func (c *collection) finish(id string, run store.RunID, started time.Time, n counts, err error) error {
	finished := c.now()
	result := store.RunResult{Finished: finished, Counts: map[string]int64{
		"batches": n.batches, "records": n.records, "changed": n.changed, "rows": n.rows, "covered": n.covered,
		"skipped": n.skipped, "uncounted": n.uncounted,
	}}
	outcome := exporter.RunSuccess
	if err != nil {
		outcome = exporter.RunFailure
		if n.covered > 0 {
			outcome = exporter.RunPartial
		}
		_, text := failures(err)
		result.Error = evidence.Clean(text, 4096)
		result.Reason = collectors.ReasonOf(context.Background(), err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if storeErr := c.store.FinishRun(ctx, run, result); storeErr != nil && !errors.Is(storeErr, store.ErrRunEnded) {
		err = errors.Join(err, fmt.Errorf("%s: %w", id, storeFailed("finish a run", storeErr)))
		outcome = exporter.RunFailure
	}
	took := finished.Sub(started)
	c.metrics.Run(id, outcome, took)
	if outcome == exporter.RunSuccess {
		c.metrics.Succeeded(id, finished)
	}
	c.log.Debug("round", "source", id, "outcome", outcome, "took", took, "records", n.records, "changed", n.changed,
		"skipped", n.skipped)
	c.reportSkipped(id, n)
	if n.batches > 0 {
		c.done()
	}
	return c.report(id, err)
}

// reportSkipped logs how many objects of a round could not be decoded, in one line and
// only when that has changed.
func (c *collection) reportSkipped(id string, n counts) {
	text := ""
	for _, kind := range slices.Sorted(maps.Keys(n.skippedKinds)) {
		text += fmt.Sprintf("%s%s: %d", strings.Repeat(", ", min(len(text), 1)), kind, n.skippedKinds[kind])
	}
	c.mu.Lock()
	before := c.skipped[id]
	c.skipped[id] = text
	c.mu.Unlock()
	if text != "" && text != before {
		c.log.Warn("objects of the source cannot be decoded and are left out", "source", id, "objects", text)
	}
}

// report logs a failure when it is new and its end when it is over. A failure
// is the same as long as the same calls fail for the same reasons, whatever
// else their texts say. It returns err.
func (c *collection) report(id string, err error) error {
	calls, text := failures(err)
	if err != nil && collectors.ReasonOf(context.Background(), err) == evidence.ReasonCanceled {
		c.log.Debug("the round was ended early", "source", id)
		return err
	}
	c.mu.Lock()
	before, failed := c.failed[id]
	if err != nil {
		c.failed[id] = calls
	} else {
		delete(c.failed, id)
	}
	c.mu.Unlock()
	switch {
	case err != nil && (!failed || calls != before):
		reason, what := collectors.ReasonOf(context.Background(), err), "the source did not answer completely"
		if reason == evidence.ReasonStore {
			what = "the store failed, so that nothing more of the source was stored"
		}
		c.log.Error(what+"; earlier evidence is kept and ages", "source", id, "reason", reason, "err", text)
	case err == nil && failed:
		c.log.Info("the source answers again", "source", id)
	}
	return err
}

// failures is an error as the calls that failed with their reasons, for comparing,
// and as text for people; each fault once.
func failures(err error) (calls, text string) {
	var known, lines []string
	var walk func(error)
	walk = func(err error) {
		var call *collectors.CallError
		switch e := err.(type) { //nolint:errorlint // the tree itself is walked
		case nil:
			return
		case interface{ Unwrap() []error }:
			for _, part := range e.Unwrap() {
				walk(part)
			}
			return
		case *collectors.CallError:
			call = e
		default:
			if inner := errors.Unwrap(err); inner != nil && errors.As(err, &call) {
				walk(inner)
				return
			}
		}
		line := err.Error()
		if call != nil {
			known = append(known, call.Call+" "+string(call.Reason))
		} else {
			known = append(known, line)
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	walk(err)
	slices.Sort(known)
	return strings.Join(slices.Compact(known), "; "), strings.Join(lines, "; ")
}
