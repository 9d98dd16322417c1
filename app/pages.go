package app

import (
	"context"
	"slices"
	"time"

	"github.com/prodready/collector/pages"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// newSite makes the pages that the server shows.
func (a *App) newSite() (*pages.Site, error) {
	return pages.New(pages.Options{
		Current: a.evaluator.Snapshot, Past: past{a.reloader}, Waiting: a.waiting, ReloadFailed: a.reloader.reloadFailed,
		ReviewsKept: func() bool { return a.reloader.config().config.Reviews().Wanted() },
		Links: func() pages.Links {
			valid := a.reloader.config().config
			tickets := map[string]string{}
			for _, site := range valid.Sources().Jira {
				tickets["jira/"+site.Name] = site.BrowseURL + "/browse/{key}"
			}
			return pages.Links{Dashboard: valid.Server().DashboardURL, Feedback: valid.Server().FeedbackURL, Tickets: tickets}
		},
		Logger: a.log, Version: a.options.Version,
	})
}

// past is what the store knows, as pages show it.
type past struct{ *reloader }

// Moves are the badge changes of all services since a time, the oldest first.
func (p past) Moves(ctx context.Context, since time.Time) ([]scoring.Transition, error) {
	moves, _, err := p.store.LoadTransitions(ctx, 0, since)
	return moves, err
}

// History is how the badge of a service came to be, since a time.
func (p past) History(
	ctx context.Context, s *snapshot.Snapshot, service string, since time.Time,
) (report.History, error) {
	found, _ := s.Find(service)
	in, err := historyInput(ctx, p.store, s, found.Entry, since)
	if err != nil {
		return report.History{}, err
	}
	rc := p.config()
	in.Exemptions = s.Exemptions
	in.KeptSince = s.At.Add(-time.Duration(rc.config.Store().Retention.History))
	return report.NewHistory(in), nil
}

// Incidents are those that a query selects, within a window that ends now. Those of a
// service are read alone.
func (p past) Incidents(ctx context.Context, s *snapshot.Snapshot, q report.IncidentQuery) (report.Incidents, error) {
	return incidentsOf(ctx, p.store, p.config(), q, store.IncidentFilter{Service: q.Service}, s.At)
}

// Reviews are the names of the operational reviews that are kept, the newest first.
func (p past) Reviews(ctx context.Context) ([]string, error) {
	if !p.config().config.Reviews().Wanted() {
		return nil, nil
	}
	stored, err := p.store.OperationalReviews(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(stored, func(a, b store.OperationalReview) int { return b.From.Compare(a.From) })
	var names []string
	for _, r := range stored {
		names = append(names, r.Name)
	}
	return names, nil
}
