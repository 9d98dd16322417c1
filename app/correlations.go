package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

const (
	// correlationEvery is how often it is looked whether the effects of reviews are to be
	// estimated: what has failed is tried again then.
	correlationEvery   = time.Minute
	correlationTimeout = 10 * time.Minute
	// correlationsKept is how many results are kept in the store.
	correlationsKept = 24
)

// correlationTask estimates the effects of reviews, and what goes together with readiness,
// on the first of a month, and at once if the month has no result of the configuration in
// force. It does so only once: who estimates an effect every day will find one some day.
func (r *reloader) correlationTask(ctx context.Context) {
	rc := r.config()
	if !r.clock.believed() {
		return
	}
	if err := r.makeCorrelation(ctx, rc); err != nil && ctx.Err() == nil {
		r.log.Error("the effects of reviews could not be estimated; it is tried again in a minute", "err", err)
	}
}

func (r *reloader) makeCorrelation(ctx context.Context, rc *runtimeConfig) error {
	published := r.judgement()
	if published == nil || published.Framework != rc.Framework {
		return nil // nothing was judged by this configuration yet
	}
	key := store.CorrelationKey{
		Month: store.MonthOf(published.At), Configuration: rc.Version.Hash, MadeAt: r.options.Now(),
	}
	stored, err := r.store.Correlations(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(stored, func(k store.CorrelationKey) bool {
		return k.Month == key.Month && k.Configuration == key.Configuration
	}) {
		return nil
	}
	missing, err := unread(ctx, r.store, rc, published)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		r.log.Debug("the effects of reviews are not estimated yet: the past is being read", "source", missing[0].id)
		return nil
	}
	result, err := correlate(ctx, r.store, rc, published)
	if err != nil {
		return fmt.Errorf("reading the store: %w", err)
	}
	body, err := result.Encode()
	if err != nil {
		return err
	}
	if err := r.store.SaveCorrelation(ctx, key, body, correlationsKept); err != nil {
		return err
	}
	verdict := ""
	if len(result.Effects.Verdicts) > 0 {
		verdict = string(result.Effects.Verdicts[0].Verdict)
	}
	r.log.Info("the effects of reviews were estimated", "month", key.Month, "resolution_time", verdict)
	r.evaluator.Request() // so that it is shown
	return nil
}

// storedCorrelation is what was estimated and stored in the month of a time, nil if nothing
// was: that of the configuration in force, or else the last one.
func storedCorrelation(
	ctx context.Context, s *store.Store, rc *runtimeConfig, at time.Time,
) (*correlation.Result, error) {
	keys, err := s.Correlations(ctx)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(k store.CorrelationKey) bool { return k.Month != store.MonthOf(at) })
	if len(keys) == 0 {
		return nil, nil
	}
	key, _ := store.CurrentCorrelation(keys, rc.Version.Hash, keys[0].MadeAt)
	body, err := s.CorrelationBody(ctx, key)
	if err != nil {
		return nil, err
	}
	result, err := correlation.DecodeResult(body)
	if err == nil && len(result.Effects.Verdicts) > 0 && result.Effects.Verdicts[0].Primary() {
		return result, nil
	}
	return nil, nil // what cannot be used is estimated anew
}

// judgement is what was judged last, nil if there is nothing or if it is too old to speak
// for the present.
func (r *reloader) judgement() *snapshot.Snapshot {
	if page := r.evaluator.Page(); page == nil || !page.Served(r.options.Now()) {
		return nil
	}
	return r.evaluator.Snapshot()
}

// unreadSource has not read all incidents or reviews of the past yet; what says so.
type unreadSource struct{ id, what string }

// unread are the sources that have not read all incidents or reviews of the past yet. The
// daemon waits for them, because an estimate from a part of the past would be shown for a
// month.
func unread(
	ctx context.Context, s *store.Store, rc *runtimeConfig, published *snapshot.Snapshot,
) ([]unreadSource, error) {
	var list []unreadSource
	for _, source := range published.Sources {
		i, _ := rc.instance(source.ID)
		reader, ok := i.source.(collectors.ReviewSource)
		if ok && reader.ReadsReviews() && source.LastSuccess.IsZero() {
			list = append(list, unreadSource{source.ID, "Reviews are not known: " + source.ID + " has not read them yet."})
		}
	}
	known, err := knownIncidents(ctx, s, rc, published)
	switch {
	case known.reading != "" && known.none != "":
		list = append(list, unreadSource{known.reading, known.none})
	case known.reading != "":
		list = append(list, unreadSource{
			known.reading, known.reading + " has not read all of its history of incidents yet.",
		})
	}
	return list, err
}
