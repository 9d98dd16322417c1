package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// ledger is what a source would find stored in the middle of a round that
// stores nothing: what the store holds, and over it what the round has passed
// on so far. It lies in memory.
type ledger struct {
	incidents map[string]evidence.Incident
	reviews   map[[2]string]evidence.Review
	alerts    map[firing]evidence.AlertFiring
	cursors   map[string]string
}

// firing identifies a firing of the source.
type firing struct {
	fingerprint string
	started     int64 // in microseconds, as the store has it
}

func firingOf(f evidence.AlertFiring) firing { return firing{f.Fingerprint, f.StartedAt.UnixMicro()} }

// readLedger reads what the store holds of a source; s may be nil.
func readLedger(ctx context.Context, s *store.Store, source string) (*ledger, error) {
	l := &ledger{
		incidents: map[string]evidence.Incident{}, reviews: map[[2]string]evidence.Review{},
		alerts: map[firing]evidence.AlertFiring{}, cursors: map[string]string{},
	}
	if s == nil {
		return l, nil
	}
	var err error
	if l.cursors, err = s.Cursors(ctx, source); err != nil {
		return nil, fmt.Errorf("%s: reading its cursors: %w", source, err)
	}
	err = s.EachIncident(ctx, source, evidence.IncidentSpan{}, func(in evidence.Incident) error {
		l.incidents[in.ID] = in
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: reading its incidents: %w", source, err)
	}
	reviews, err := s.Reviews(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: reading reviews: %w", source, err)
	}
	for _, r := range reviews {
		l.reviews[[2]string{r.Source, r.Key}] = r
	}
	alerts, err := s.OpenAlerts(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("%s: reading its open alerts: %w", source, err)
	}
	for _, f := range alerts {
		l.alerts[firingOf(f)] = f
	}
	return l, nil
}

// add takes a batch of the source as the store would.
func (l *ledger) add(source string, b evidence.Batch) {
	for _, in := range b.Incidents {
		in.Source = source
		if old, there := l.incidents[in.ID]; there {
			in = store.Supersede(in, old)
		}
		l.incidents[in.ID] = in
	}
	for _, r := range b.Reviews {
		r.Source = source
		l.reviews[[2]string{source, r.Key}] = r
	}
	for _, f := range b.Alerts {
		f.Source = source
		l.alerts[firingOf(f)] = f
	}
}

// each hands on the incidents that the span selects, by start.
func (l *ledger) each(ctx context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error) error {
	var selected []evidence.Incident
	for _, in := range l.incidents {
		if !in.Gone && within(in, span) {
			selected = append(selected, in)
		}
	}
	slices.SortFunc(selected, func(a, b evidence.Incident) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, in := range selected {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(in); err != nil {
			return err
		}
	}
	return nil
}

func within(in evidence.Incident, span evidence.IncidentSpan) bool {
	if !span.Until.IsZero() && !in.StartedAt.Before(span.Until) {
		return false
	}
	return !in.StartedAt.Before(span.Since) || span.Lasting && (in.ResolvedAt.IsZero() || !in.ResolvedAt.Before(span.Since))
}

// listed are the reviews that are still listed.
func (l *ledger) listed(context.Context) ([]evidence.Review, error) {
	var out []evidence.Review
	for _, r := range l.reviews {
		if !r.Gone {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b evidence.Review) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Key, b.Key))
	})
	return out, nil
}

// openAlerts are the firings that have not ended, by start.
func (l *ledger) openAlerts(context.Context) ([]evidence.AlertFiring, error) {
	var out []evidence.AlertFiring
	for _, f := range l.alerts {
		if f.EndedAt.IsZero() {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b evidence.AlertFiring) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return out, nil
}

// request is what a round over the ledger starts from.
func (l *ledger) request(w *runtimeConfig, now time.Time) collectors.Request {
	return collectors.Request{
		Services: w.Catalog.Services(), Now: now, Cursors: maps.Clone(l.cursors),
		Incidents: l.each, Reviews: l.listed, OpenAlerts: l.openAlerts,
	}
}
