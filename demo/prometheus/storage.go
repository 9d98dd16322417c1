package prometheus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// batch is how many samples of one series are written in a transaction, and batches how
// many series. The storage keeps room for the samples of a series' largest transaction for
// as long as it is open.
const (
	batch   = 120
	batches = 256
)

// track is a series that is being written.
type track struct {
	labels labels.Labels
	reach  time.Duration
	every  time.Duration
	during []Span
	steps  []Resolution
	past   bool
	at     func(time.Time) (float64, bool)
	// ref is the storage's number for it, present whether it has a sample now.
	ref     storage.SeriesRef
	present bool
}

// append writes one sample. Where a series has ended since its last sample it
// writes the mark by which queries know that.
func (t *track) append(to storage.AppenderV2, ms int64) error {
	v, ok := t.at(time.UnixMilli(ms).UTC())
	if !ok {
		if !t.present {
			return nil
		}
		v = math.Float64frombits(value.StaleNaN)
	}
	t.present = ok
	ref, err := to.Append(t.ref, t.labels, 0, ms, v, nil, nil, storage.AOptions{})
	if err != nil {
		return fmt.Errorf("writing %s at %s: %w", t.labels, time.UnixMilli(ms).UTC().Format(time.RFC3339), err)
	}
	t.ref = ref
	return nil
}

// tracks reads the options' series.
func (o *Options) tracks() ([]*track, error) {
	var all []*track
	if o.Series == nil {
		return nil, nil
	}
	seen := map[uint64]bool{}
	for s := range o.Series {
		ls, err := s.labels()
		if err != nil {
			return nil, err
		}
		if seen[ls.Hash()] {
			return nil, fmt.Errorf("the series %s is given twice", ls)
		}
		seen[ls.Hash()] = true
		reach := s.Reach
		if reach <= 0 {
			reach = DefaultReach
		}
		if err := checkResolutions(s.Resolutions); err != nil {
			return nil, fmt.Errorf("the series %s: %w", ls, err)
		}
		all = append(all, &track{
			labels: ls, reach: min(reach, o.Retention), every: s.Every, during: s.During, steps: s.Resolutions, past: s.Past,
			at: s.At,
		})
	}
	return all, nil
}

// rhythm is what the times of most series follow from.
type rhythm struct {
	reach, every time.Duration
	// steps is the first of the series' own resolutions, nil without any.
	steps *Resolution
}

// times are when the past of a series is sampled.
func (t *track) times(now time.Time, steps []Resolution, cache map[rhythm][]int64) []int64 {
	if t.during != nil {
		return within(now, t.reach, t.every, t.during)
	}
	key := rhythm{t.reach, t.every, nil}
	if len(t.steps) > 0 {
		steps, key.steps = t.steps, &t.steps[0]
	}
	times, ok := cache[key]
	if !ok {
		if t.every > 0 {
			steps = []Resolution{{t.reach, t.every}}
		}
		times = instants(now, t.reach, steps)
		cache[key] = times
	}
	if t.past {
		return times[:len(times)-1] // the last one is now
	}
	return times
}

// writePast writes the past up to now as one block of the folder. A block of
// its own is many times faster than to feed the storage as if time passed.
func writePast(
	ctx context.Context, dir string, all []*track, now time.Time, steps []Resolution, log *slog.Logger,
) (err error) {
	if len(all) == 0 {
		return nil
	}
	longest := time.Duration(0)
	for _, t := range all {
		longest = max(longest, t.reach)
	}
	// The writer refuses what is older than half a block before its newest
	// sample, and series come one after another here.
	writer, err := tsdb.NewBlockWriter(log, dir, 3*longest.Milliseconds())
	if err != nil {
		return fmt.Errorf("writing the past: %w", err)
	}
	defer func() { err = errors.Join(err, writer.Close()) }()
	cache := map[rhythm][]int64{}
	for first := 0; first < len(all); first += batches {
		some := all[first:min(first+batches, len(all))]
		for from, more := 0, true; more; from += batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			more = false
			appender := writer.AppenderV2(ctx)
			for _, t := range some {
				times := t.times(now, steps, cache)
				more = more || from+batch < len(times)
				for _, ms := range times[min(from, len(times)):min(from+batch, len(times))] {
					if err := t.append(appender, ms); err != nil {
						return errors.Join(err, appender.Rollback())
					}
				}
			}
			if err := appender.Commit(); err != nil {
				return fmt.Errorf("writing the past: %w", err)
			}
		}
	}
	if _, err := writer.Flush(ctx); err != nil {
		return fmt.Errorf("writing the past: %w", err)
	}
	return nil
}

// openStorage opens the folder with the past in it.
func (s *Server) openStorage(ctx context.Context) error {
	o := s.options
	all, err := o.tracks()
	if err != nil {
		return err
	}
	if err := checkResolutions(o.Resolutions); err != nil {
		return err
	}
	if err := writePast(ctx, o.Dir, all, o.Now(), o.Resolutions, o.Logger); err != nil {
		return err
	}
	settings := tsdb.DefaultOptions()
	settings.RetentionDuration = o.Retention.Milliseconds()
	// Nothing outlives the program, so nothing has to be written ahead; and
	// no other process uses the folder.
	settings.WALSegmentSize = -1
	settings.NoLockfile = true
	if s.db, err = tsdb.Open(o.Dir, o.Logger, s.registry, settings, s.stats); err != nil {
		return fmt.Errorf("opening the storage in %s: %w", o.Dir, err)
	}
	s.tracks = slices.DeleteFunc(all, func(t *track) bool { return t.past })
	// The storage numbers the series anew.
	for _, t := range s.tracks {
		t.ref = 0
	}
	return nil
}

// sample writes what every series is at a moment. Series that cannot be
// written are reported and do not keep the others from it.
func (s *Server) sample(ctx context.Context, now time.Time) error {
	appender := s.db.AppenderV2(ctx)
	var errs []error
	for _, t := range s.tracks {
		if err := t.append(appender, now.UnixMilli()); err != nil && len(errs) < 3 {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, appender.Commit())...)
}

// live samples the series until ctx ends.
func (s *Server) live(ctx context.Context) {
	ticker := time.NewTicker(s.options.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.sample(ctx, s.options.Now()); err != nil && ctx.Err() == nil {
				s.options.Logger.Error("a sample of the simulated series failed", "error", err)
			}
		}
	}
}
