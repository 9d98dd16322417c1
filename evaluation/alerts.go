package evaluation

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// alertMemory holds the alerts that fired in the period of the figures. It reads
// from the store only what has changed since it read last.
type alertMemory struct {
	store *store.Store
	kept  map[alertKey]evidence.AlertFiring
	// sequence is that of the last reading.
	sequence int64
}

// alertKey identifies a firing of any source.
type alertKey struct {
	source, fingerprint string
	started             int64
}

// since are the firings that had not ended before a time. It must not go back
// from one call to the next.
func (f *alertMemory) since(ctx context.Context, since time.Time) ([]evidence.AlertFiring, error) {
	// What changes while it is read is read again the next time.
	sequence, err := f.store.AlertSequence(ctx)
	if err != nil {
		return nil, err
	}
	if f.kept == nil {
		f.kept = map[alertKey]evidence.AlertFiring{}
	}
	if sequence != f.sequence {
		err := f.store.EachAlert(ctx, store.AlertFilter{Since: since, After: f.sequence}, func(a evidence.AlertFiring) error {
			f.kept[alertKey{a.Source, a.Fingerprint, a.StartedAt.UnixMicro()}] = a
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading alerts: %w", err)
		}
		f.sequence = sequence
	}
	list := make([]evidence.AlertFiring, 0, len(f.kept))
	for key, a := range f.kept {
		if !a.EndedAt.IsZero() && a.EndedAt.Before(since) {
			delete(f.kept, key)
			continue
		}
		list = append(list, a)
	}
	return list, nil
}

// alerts are the firings, the sources that watched for them, and the services
// whose incidents they can be compared with.
func (o *outcomes) alerts(
	ctx context.Context, c *Config, s *snapshot.Snapshot, since time.Time,
) (correlation.Alerts, error) {
	out := correlation.Alerts{
		Sights: map[string]correlation.AlertSight{}, Watchers: watchers(c), Paged: paged(c, s),
		ReplicaOf: map[string]string{},
	}
	for _, source := range c.Sources {
		if group := collectors.ReplicaOf(source); group != "" {
			out.ReplicaOf[source.ID()] = group
		}
	}
	if len(out.Watchers) == 0 {
		return out, nil
	}
	var err error
	if out.Firings, err = o.firings.since(ctx, since); err != nil {
		return out, err
	}
	if out.Doubts, err = o.store.AlertDoubts(ctx, c.SourceIDs()); err != nil {
		return out, err
	}
	sights, err := o.store.AlertSights(ctx, since)
	if err != nil {
		return out, err
	}
	for source, sight := range sights {
		out.Sights[source] = correlation.AlertSight{Spans: sight.Spans, Services: sight.Services}
	}
	return out, nil
}

// watchers are the configured sources that watch for the alerts of each service.
func watchers(c *Config) map[string][]string {
	out := map[string][]string{}
	for _, source := range c.Sources {
		watcher, ok := source.(collectors.AlertWatcher)
		if !ok {
			continue
		}
		for _, service := range c.Catalog.Services() {
			if watcher.WatchesAlerts(service) {
				out[service.Name] = append(out[service.Name], source.ID())
			}
		}
	}
	return out
}

// factPages is known of a service when a pager has listed its incidents of a
// window that is longer than the figures'.
const factPages = "pagerduty.high_urgency_90d"

// paged are the services whose incidents are known.
func paged(c *Config, s *snapshot.Snapshot) map[string]bool {
	out := map[string]bool{}
	fact, ok := c.Facts.Index(factPages)
	if !ok {
		return out
	}
	for i := range s.Services {
		service := &s.Services[i]
		if service.Evidence != nil {
			out[service.Entry.Name] = service.Evidence.At(fact).Value.Kind() != evidence.KindInvalid
		}
	}
	return out
}
