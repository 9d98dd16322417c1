package evaluation

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// outcomes holds the incidents and reviews of the period of the figures. It reads
// them from the store again only when something has changed there.
type outcomes struct {
	store   *store.Store
	firings alertMemory
	history snapshot.History
	// sequence and since are those of the last reading.
	sequence int64
	since    time.Time
}

// rereadAfter is how far the window may move on before older incidents are
// dropped from memory.
const rereadAfter = 24 * time.Hour

// measure adds the figures of incidents and reviews, and what people say about
// checks, to a snapshot.
func (o *outcomes) measure(ctx context.Context, c *Config, s *snapshot.Snapshot) error {
	options := correlation.Options{}
	sequence, err := o.store.HistorySequence(ctx)
	if err != nil {
		return err
	}
	since := options.Since(s.At)
	if sequence != o.sequence || o.since.IsZero() || since.Sub(o.since) > rereadAfter {
		incidents, err := o.store.Incidents(ctx, store.IncidentFilter{Since: since})
		if err != nil {
			return fmt.Errorf("reading incidents: %w", err)
		}
		reviews, err := o.store.Reviews(ctx)
		if err != nil {
			return fmt.Errorf("reading reviews: %w", err)
		}
		seen, err := o.store.SeenSeverities(ctx, o.sequence)
		if err != nil {
			return err
		}
		if o.history.Seen == nil {
			o.history.Seen = correlation.Seen{}
		}
		for _, s := range seen {
			o.history.Seen.Add(s.Service, s.Severity)
		}
		o.history.Incidents, o.history.Reviews = correlation.Link(incidents), reviews
		o.sequence, o.since = sequence, since
	}
	if o.history.Transitions, err = o.store.LoadTransitions(ctx, since); err != nil {
		return fmt.Errorf("reading transitions: %w", err)
	}
	if o.history.Alerts, err = o.alerts(ctx, c, s, options.AlertsSince(s.At)); err != nil {
		return err
	}
	if options.Doubts, err = o.store.IncidentDoubts(ctx, c.SourceIDs()); err != nil {
		return err
	}
	s.Measure(o.history, options)
	if s.Feedback, err = o.store.Feedback(ctx); err != nil {
		return fmt.Errorf("reading feedback: %w", err)
	}
	return nil
}
