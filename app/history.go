package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// History is how the badge of a service came to be, since a span ago. It collects nothing
// and writes nothing, so it may run beside a daemon. The error of an unknown service is an
// *UnknownNameError.
func History(ctx context.Context, o Options, service string, span time.Duration) (report.History, error) {
	none := report.History{}
	r, err := openForReading(ctx, o)
	if err != nil {
		return none, err
	}
	defer r.close()
	entry, err := r.Catalog.Lookup(service)
	if err != nil {
		return none, &UnknownNameError{err.Error()}
	}
	published, err := r.judged(ctx)
	if err != nil {
		return none, err
	}
	in, err := historyInput(ctx, r.store, published, entry, published.At.Add(-span))
	if err != nil {
		return none, fmt.Errorf("reading the history of %s: %w", entry.Name, err)
	}
	in.Exemptions = published.Exemptions
	in.KeptSince = published.At.Add(-time.Duration(r.config.Store().Retention.History))
	return report.NewHistory(in), nil
}

func historyInput(
	ctx context.Context, s *store.Store, published *snapshot.Snapshot, entry *catalog.Service, since time.Time,
) (report.HistoryInput, error) {
	in := report.HistoryInput{Snapshot: published, Service: entry.Name, Since: since,
		Facts: map[string][]report.FactChange{}}
	var err error
	if in.Transitions, err = s.TransitionsOf(ctx, entry.Name, since); err != nil {
		return in, err
	}
	holds, err := s.BadgeHolds(ctx, entry.Name, since)
	if err != nil {
		return in, err
	}
	for _, h := range holds {
		in.Holds = append(in.Holds, report.Held{Since: h.Since, Until: h.Until, Reason: h.Reason})
	}
	changes, err := s.CriteriaOf(ctx, entry.Name, since)
	if err != nil {
		return in, err
	}
	for _, c := range changes {
		in.Frameworks = append(in.Frameworks, report.FrameworkChange{At: c.At, Framework: c.Name + " " + c.Version})
	}
	statuses, err := s.StatusesOf(ctx, entry.Name, since)
	if err != nil {
		return in, err
	}
	for _, span := range statuses {
		in.Statuses = append(in.Statuses, snapshot.StatusSpan{
			Check: span.Check, Status: span.Status, Since: span.Since, Until: span.Until,
		})
	}
	if err := readFactChanges(ctx, s, &in); err != nil {
		return in, err
	}
	reviews, err := s.Reviews(ctx)
	if err != nil {
		return in, err
	}
	in.Reviews = slices.DeleteFunc(reviews, func(r evidence.Review) bool { return r.Service != entry.Name })
	records, err := s.Incidents(ctx, store.IncidentFilter{Service: entry.Name, Since: since})
	if err != nil {
		return in, err
	}
	links := correlation.NewLinks()
	links.Update(records, since)
	in.Incidents, _ = links.Listing([]*catalog.Service{entry}, correlation.Window(published.At.Sub(since)), published.At)
	return in, nil
}

// readFactChanges reads how the facts behind the checks that have changed their status did.
func readFactChanges(ctx context.Context, s *store.Store, in *report.HistoryInput) error {
	for _, span := range in.Statuses {
		check, _, err := in.Snapshot.Check(span.Check)
		if err != nil {
			continue // it is of earlier criteria
		}
		for _, index := range check.Facts {
			name := in.Snapshot.Framework.Facts().At(index).Name
			if _, done := in.Facts[name]; done {
				continue
			}
			rows, err := s.History(ctx, in.Service, name, in.Since)
			if err != nil {
				return err
			}
			in.Facts[name] = []report.FactChange{}
			for _, row := range rows {
				in.Facts[name] = append(in.Facts[name], report.FactChange{
					At: row.From, Source: row.Source, Value: row.Value, Withdrawn: row.Withdrawn,
				})
			}
		}
	}
	return nil
}
