package evaluation

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// shown are the services of the last snapshot, in the order of the catalog. Those that were
// not judged since are the same in the next one, but for the time.
type shown struct {
	// services is nil if all are to be made anew.
	services []snapshot.Service
	at       time.Time
	// places are the indexes of services by name, judged those that were judged since.
	places map[string]int
	judged []int
}

// judgedAnew notes services that were judged.
func (s *shown) judgedAnew(cards []scoring.Scorecard) {
	if len(cards) > len(s.services)/2 {
		s.services = nil
	}
	for i := range cards {
		if s.services == nil {
			return
		}
		s.judged = append(s.judged, s.places[cards[i].Service])
	}
}

// services are those of a snapshot. What is kept of a service is shared by snapshots.
func (j *judge) services(c *Config, set *evidence.Set) []snapshot.Service {
	entries, last := c.Catalog.Services(), &j.kept.shown
	out := make([]snapshot.Service, len(entries))
	if last.services == nil {
		last.places = make(map[string]int, len(entries))
		for i, entry := range entries {
			last.places[entry.Name], out[i] = i, j.service(entry, set)
		}
	} else {
		row := set.Again(len(entries))
		for i := range last.services {
			s := &last.services[i]
			out[i] = snapshot.Service{
				Entry: s.Entry, Card: s.Card, Badge: s.Badge, Evidence: row(s.Evidence), FlippedAt: s.FlippedAt,
			}
			if s.Badge.At.Equal(last.at) {
				out[i].Badge.At = j.at
			}
		}
		for _, i := range last.judged {
			out[i] = j.service(entries[i], set)
		}
	}
	last.services, last.at, last.judged = out, j.at, last.judged[:0]
	return out
}

// service is that of a snapshot.
func (j *judge) service(entry *catalog.Service, set *evidence.Set) snapshot.Service {
	k := j.kept.services[entry.Name]
	if k.flipped == nil {
		k.flipped = make(map[string]time.Time, len(k.card.Checks))
		for check, s := range j.statuses[entry.Name] {
			k.flipped[check] = s.Since
		}
	}
	badge, _ := j.badgeOf(entry.Name)
	return snapshot.Service{
		Entry: entry, Card: k.card, Badge: badge, Evidence: set.Row(entry.Name), FlippedAt: k.flipped,
	}
}

// snapshot is that of the cards that are kept, at the time of their evidence.
func (j *judge) snapshot(ctx context.Context, c *Config, set *evidence.Set) (*snapshot.Snapshot, error) {
	out := &snapshot.Snapshot{
		At: set.At(), Framework: c.Framework, Pins: c.Pins, ActivatedAt: j.activated, NotMeasurable: c.NotMeasurable,
		Services: j.services(c, set), Exemptions: j.exemptionsOf(c), Targets: c.Targets,
		ObserveFor: c.ObserveFor,
	}
	totals, err := j.store.TransitionCounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting transitions: %w", err)
	}
	for _, t := range totals {
		out.Transitions = append(
			out.Transitions, snapshot.TransitionCount{Direction: t.Direction, Cause: t.Cause, Count: t.Count},
		)
	}
	runs, err := j.store.LastRuns(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the last runs: %w", err)
	}
	last := map[string]store.LastRun{}
	for _, r := range runs {
		last[r.Source] = r
	}
	uncounted, err := j.store.Uncounted(ctx)
	if err != nil {
		return nil, err
	}
	out.Catalog = c.Catalog.Uncounted()
	for _, id := range c.SourceIDs() {
		r := last[id]
		out.Sources = append(out.Sources, snapshot.SourceStatus{
			ID: id, LastRun: r.Finished, LastSuccess: r.LastSuccess, Error: r.Error, Uncounted: uncounted[id],
		})
	}
	if err := j.outcomes.measure(ctx, c, out); err != nil {
		return nil, err
	}
	return out, nil
}
