package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// linkedIncidents reads incidents, those of several sources as one, by their start.
func linkedIncidents(ctx context.Context, s *store.Store, f store.IncidentFilter) ([]*correlation.Incident, error) {
	records, err := s.Incidents(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	_, all := correlation.NewLinks().Update(records, f.Since)
	slices.SortFunc(all, compareIncidents)
	return all, nil
}

func compareIncidents(a, b *correlation.Incident) int {
	if c := a.StartedAt.Compare(b.StartedAt); c != 0 {
		return c
	}
	return strings.Compare(a.Records[0].Source+" "+a.Records[0].ID, b.Records[0].Source+" "+b.Records[0].ID)
}

// incidentsKnown is the time of which all incidents are known: that of which every source
// of incidents has read them, and which the store still has. none says in words why there
// is no such time, empty if there is.
type incidentsKnown struct {
	since, until time.Time
	none         string
	// reading is the id of a source that has not read all of its history yet; empty if
	// every source has.
	reading string
}

func knownIncidents(
	ctx context.Context, s *store.Store, rc *runtimeConfig, published *snapshot.Snapshot,
) (incidentsKnown, error) {
	last := map[string]time.Time{}
	for _, source := range published.Sources {
		last[source.ID] = source.LastSuccess
	}
	known := incidentsKnown{none: "Incidents are not known: no configured source reads them."}
	kept := published.At.Add(-time.Duration(rc.config.Store().Retention.Incidents))
	for _, i := range rc.instances {
		source, ok := i.source.(collectors.IncidentSource)
		if !ok {
			continue
		}
		id := i.source.ID()
		cursors, err := s.Cursors(ctx, id)
		if err != nil {
			return known, fmt.Errorf("reading how far %s has read: %w", id, err)
		}
		since, reads := source.IncidentsSince(cursors, published.At)
		if resumer, ok := i.source.(collectors.Resumer); ok && reads && resumer.Left(cursors) != "" {
			known.reading = id
		}
		switch until := last[id]; {
		case !reads:
		case since.IsZero() || until.IsZero():
			return incidentsKnown{none: "Incidents are not known: " + id + " has not read them yet.", reading: id}, nil
		default:
			known.none = ""
			for _, bound := range []time.Time{since, kept} {
				if bound.After(known.since) {
					known.since = bound
				}
			}
			if known.until.IsZero() || until.Before(known.until) {
				known.until = until
			}
		}
	}
	return known, nil
}

// effectInput is what the effect of treatments is estimated from.
func effectInput(
	rc *runtimeConfig, known incidentsKnown, incidents []*correlation.Incident, treatments []effect.Treatment,
) correlation.EffectInput {
	return correlation.EffectInput{
		Services: rc.Catalog.Services(), Incidents: incidents, KnownSince: known.since, Treatments: treatments,
	}
}
