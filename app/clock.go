package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/store"
)

// maxAbsence is how much later than the last judgement a program may start without
// doubt about its clock.
const maxAbsence = 24 * time.Hour

// clock knows whether this machine's clock can be believed. What is old is deleted only
// then: a clock that is years ahead would delete everything. It is safe for concurrent
// use.
type clock struct {
	now     func() time.Time
	log     *slog.Logger
	metrics *exporter.ProcessMetrics

	mu sync.Mutex
	// last is when the last judgement before the start was, zero without one.
	last time.Time
	// begun is when the program was started, reference when a source last had the same
	// time, or else begun.
	begun, reference time.Time
	// confirmed is set when a source has had the same time since the start.
	confirmed bool
	// offsets are by how much this machine's clock is ahead of those of sources that
	// have another time.
	offsets map[string]time.Duration
	// said is the doubt that was logged last.
	said string
	// database is by how much this machine's clock is ahead of the database's, which all
	// replicas share.
	database time.Duration
}

func newClock(now func() time.Time, log *slog.Logger, metrics *exporter.ProcessMetrics) *clock {
	begun := now()
	return &clock{
		now: now, log: log, metrics: metrics, begun: begun, reference: begun, offsets: map[string]time.Duration{},
	}
}

// start says when the last judgement before the start was.
func (c *clock) start(last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = last
}

// compared records by how much this machine's clock is ahead of a source's.
func (c *clock) compared(source string, offset time.Duration) {
	c.metrics.ClockOffset(source, offset)
	c.mu.Lock()
	defer c.mu.Unlock()
	if offset.Abs() > evidence.MaxClockSkew {
		c.offsets[source] = offset
		return
	}
	delete(c.offsets, source)
	c.confirmed, c.reference = true, c.now()
}

// believed reports whether this machine's clock can be believed. It logs when that
// changes.
func (c *clock) believed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	doubt := c.doubt()
	c.metrics.ClockInDoubt(doubt != "")
	switch {
	case doubt != "" && doubt != c.said:
		c.log.Error("this machine's clock is probably wrong; nothing old is deleted until it is set", "why", doubt)
	case doubt == "" && c.said != "":
		c.log.Info("this machine's clock is believed again")
	}
	c.said = doubt
	return doubt == ""
}

// doubt is why the clock is probably wrong, empty if it is not.
func (c *clock) doubt() string {
	now := c.now()
	// The monotonic clock does not jump when the other one is set.
	jumped := now.Round(0).Sub(c.reference.Round(0)) - now.Sub(c.reference)
	ran, away := now.Sub(c.begun), c.begun.Sub(c.last)
	switch {
	case len(c.offsets) > 0:
		source := slices.Sorted(maps.Keys(c.offsets))[0]
		return fmt.Sprintf("it is ahead of that of %s by %s", source, c.offsets[source])
	case jumped.Abs() > evidence.MaxClockSkew:
		return fmt.Sprintf("it was set by %s", jumped.Round(time.Minute))
	case c.confirmed:
		return ""
	case c.last.IsZero() || ran > maxAbsence:
		return ""
	case away > maxAbsence:
		return fmt.Sprintf("the program was started %s after the last judgement, and no source has confirmed the time",
			away.Round(time.Minute))
	case away < -evidence.MaxClockSkew:
		return fmt.Sprintf("the last judgement is %s ahead of it", (-away).Round(time.Minute))
	}
	return ""
}

const (
	// maxDatabaseOffset is how far this machine's clock may be from the database's: other
	// processes judge by theirs.
	maxDatabaseOffset = 5 * time.Second
	// compareEvery is how often the clocks are compared.
	compareEvery = time.Minute
)

// compareDatabase compares this machine's clock with the database's.
func (c *clock) compareDatabase(ctx context.Context, s *store.Store) error {
	offset, err := s.ClockOffset(ctx)
	if err != nil {
		return err
	}
	c.metrics.ClockOffset("store", offset)
	c.mu.Lock()
	before, now := c.database.Abs() > maxDatabaseOffset, offset.Abs() > maxDatabaseOffset
	c.database = offset
	c.mu.Unlock()
	switch {
	case now && !before:
		c.log.Error("this machine's clock is not that of the database: this process stands by until it is, collects and "+
			"judges nothing, and is not ready; set the clock", "ahead", offset.Round(time.Millisecond))
	case before && !now:
		c.log.Info("this machine's clock is that of the database again")
	}
	return nil
}

// standsBy compares the clocks, and reports whether this process must neither collect
// nor judge now. It is called before each round and each judgement, because a clock that
// was set since the last comparison would end exemptions and make evidence stale. It is
// false if the database does not answer.
func (r *reloader) standsBy(ctx context.Context) bool {
	if err := r.clock.compareDatabase(ctx, r.store); err != nil {
		r.log.Debug("the clocks were not compared", "err", err)
	}
	return r.clock.standsBy()
}

// standsBy reports whether this process neither collects nor judges, since its clock is
// not that of the database.
func (c *clock) standsBy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.database.Abs() > maxDatabaseOffset
}

// clockLoop compares the clocks, and starts and ends the jobs by it, until ctx ends. It
// also starts jobs that could not be started, and measures the store.
func (r *reloader) clockLoop(ctx context.Context) {
	ticker := time.NewTicker(compareEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := r.clock.compareDatabase(ctx, r.store)
		if err == nil {
			err = r.startAgain(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.log.Error("the jobs were not started; it is tried again in a minute", "err", err)
		}
		r.measureStore(ctx)
	}
}

// startAgain starts the jobs if they do not run and the clock allows it, and ends them if
// the clock does not allow it.
func (r *reloader) startAgain(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return nil
	}
	return r.startJobs(ctx)
}
