package evaluation

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// outcomes holds the incidents, reviews and badge changes of the period of the figures.
// It reads from the store what has changed since it read last. Once a day it reads all,
// because a row that the store has deleted by age is not among the changed ones.
type outcomes struct {
	store      *store.Store
	firings    alertMemory
	correlated correlated
	// read is when everything was read, zero if it has to be.
	read     time.Time
	links    *correlation.Links
	measured *correlation.Meter
	reviews  map[reviewKey]evidence.Review
	changes  []scoring.Transition
	// sequence is that of the last reading of incidents and reviews, judged that of badge
	// changes.
	sequence, judged int64
}

// newOutcomes has read nothing yet.
func newOutcomes(s *store.Store, log *slog.Logger) *outcomes {
	return &outcomes{store: s, firings: alertMemory{store: s}, correlated: correlated{store: s, log: log}}
}

// reviewKey identifies a review of any source.
type reviewKey struct{ source, id, service string }

// rereadAfter is the longest time for which rows that the store has deleted stay in memory.
const rereadAfter = 24 * time.Hour

// measure adds the figures of incidents and reviews, and what people say about
// checks, to a snapshot.
func (o *outcomes) measure(ctx context.Context, c *Config, s *snapshot.Snapshot) error {
	options := correlation.Options{Windows: c.IncidentWindows}
	since := options.Since(s.At)
	if s.At.Before(o.read) || s.At.Sub(o.read) > rereadAfter {
		o.read = time.Time{}
	}
	history, err := o.refresh(ctx, s.At, since)
	if err != nil {
		// What is in memory may be a part of what has changed.
		o.read = time.Time{}
		return err
	}
	if history.Alerts, err = o.alerts(ctx, c, s, options.AlertsSince(s.At)); err != nil {
		return err
	}
	if options.Doubts, err = o.store.IncidentDoubts(ctx, c.SourceIDs()); err != nil {
		return err
	}
	s.Measure(history, options)
	reviewsDue(c, s)
	if s.Feedback, err = o.store.Feedback(ctx); err != nil {
		return fmt.Errorf("reading feedback: %w", err)
	}
	s.Correlated, err = o.correlated.at(ctx, c.Version.Hash, s.At)
	return err
}

// refresh reads what has changed in the store. Nothing before since is of interest.
func (o *outcomes) refresh(ctx context.Context, now, since time.Time) (snapshot.History, error) {
	filter := store.IncidentFilter{After: o.sequence, Gone: true}
	if o.read.IsZero() {
		o.links, o.measured = correlation.NewLinks(), correlation.NewMeter()
		o.reviews, o.changes, o.sequence, o.judged = map[reviewKey]evidence.Review{}, nil, 0, 0
		filter = store.IncidentFilter{Since: since}
	}
	// What changes while it is read is read again the next time.
	sequence, err := o.store.HistorySequence(ctx)
	if err != nil {
		return snapshot.History{}, err
	}
	var incidents []evidence.Incident
	if sequence != o.sequence {
		if incidents, err = o.store.Incidents(ctx, filter); err != nil {
			return snapshot.History{}, fmt.Errorf("reading incidents: %w", err)
		}
		if err := o.refreshReviews(ctx); err != nil {
			return snapshot.History{}, err
		}
		if err := o.see(ctx, incidents); err != nil {
			return snapshot.History{}, err
		}
	}
	o.measured.Change(o.links.Update(incidents, since))
	changes, judged, err := o.store.LoadTransitions(ctx, o.judged, since)
	if err != nil {
		return snapshot.History{}, fmt.Errorf("reading transitions: %w", err)
	}
	for _, t := range changes {
		// The figures do not say why a badge changed.
		t.Flips, t.Contributing = nil, nil
		o.changes = append(o.changes, t)
	}
	o.changes = slices.DeleteFunc(o.changes, func(t scoring.Transition) bool { return t.At.Before(since) })
	o.sequence, o.judged = sequence, judged
	if o.read.IsZero() {
		o.read = now
	}
	return snapshot.History{
		Incidents: o.measured, Reviews: slices.Collect(maps.Values(o.reviews)), Transitions: o.changes,
	}, nil
}

// see marks the severities of incidents that have changed; at first those of all that
// are stored.
func (o *outcomes) see(ctx context.Context, changed []evidence.Incident) error {
	if o.read.IsZero() {
		seen, err := o.store.SeenSeverities(ctx)
		for _, s := range seen {
			o.measured.See(s.Service, s.Severity)
		}
		return err
	}
	for i := range changed {
		in := &changed[i]
		if in.Gone || in.Maintenance {
			continue
		}
		for _, service := range in.Services {
			o.measured.See(service, in.Severity)
		}
	}
	return nil
}

func (o *outcomes) refreshReviews(ctx context.Context) error {
	reviews, err := o.store.ReviewsAfter(ctx, o.sequence)
	if err != nil {
		return fmt.Errorf("reading reviews: %w", err)
	}
	for _, r := range reviews {
		key := reviewKey{r.Source, r.ID, r.Service}
		if r.Gone {
			delete(o.reviews, key)
		} else {
			o.reviews[key] = r
		}
	}
	return nil
}
