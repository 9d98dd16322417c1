package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// comparedSpan is how far back services are compared with each other.
const comparedSpan = 180 * 24 * time.Hour

// CorrelationQuery selects effects: those of a scope, or of one tier or team.
type CorrelationQuery struct {
	Scope correlation.Scope
	Tier  int
	Team  string
}

// Correlate estimates the effect of reviews, and what goes together with readiness, from
// what is in the store right now. It collects nothing and writes nothing, so it may run
// beside a daemon.
func Correlate(ctx context.Context, o Options, q CorrelationQuery) (report.Correlation, error) {
	none := report.Correlation{}
	r, err := openForReading(ctx, o)
	if err != nil {
		return none, err
	}
	defer r.close()
	_, group, _, err := servicesOf(&report.IncidentQuery{Team: q.Team, Tier: q.Tier}, r.Catalog)
	if err != nil {
		return none, err
	}
	published, err := r.judged(ctx)
	if err != nil {
		return none, err
	}
	result, err := correlate(ctx, r.store, r.runtimeConfig, published)
	if err != nil {
		return none, fmt.Errorf("reading the store: %w", err)
	}
	in := report.CorrelationInput{Result: result, Scope: q.Scope, Feedback: published.Feedback}
	missing, err := unread(ctx, r.store, r.runtimeConfig, published)
	if err != nil {
		return none, err
	}
	for _, source := range missing {
		in.Incomplete = append(in.Incomplete,
			source.what+" Run collector collect --once, or wait for the rounds of collector run.")
	}
	if q.Team != "" || q.Tier != 0 {
		in.Group = group
	}
	return report.NewCorrelation(in), nil
}

// correlate estimates all effects, and compares all services.
func correlate(
	ctx context.Context, s *store.Store, rc *runtimeConfig, published *snapshot.Snapshot,
) (correlation.Result, error) {
	out := correlation.Result{At: published.At}
	known, err := knownIncidents(ctx, s, rc, published)
	if err != nil {
		return out, err
	}
	out.IncidentsSince, out.NoIncidents = known.since, known.none
	if known.none != "" {
		return out, nil
	}
	reviews, err := s.Reviews(ctx)
	if err != nil {
		return out, err
	}
	incidents, err := linkedIncidents(ctx, s, store.IncidentFilter{
		Since: published.At.Add(-correlation.EffectHistory - correlation.LinkWithin),
	})
	if err != nil {
		return out, err
	}
	kept := published.At.Add(-time.Duration(rc.config.Store().Retention.History))
	transitions, _, err := s.LoadTransitions(ctx, 0, kept)
	if err != nil {
		return out, err
	}
	held, changes := published.Badges(transitions)
	out.Effects = correlation.EstimateEffects(
		effectInput(rc, known, incidents, correlation.ReviewTreatments(reviews)), published.At)
	out.Gold = correlation.EstimatePrimary(
		effectInput(rc, known, incidents, correlation.BadgeTreatments(framework.Gold, held, changes)), published.At)
	since := published.At.Add(-comparedSpan)
	for _, bound := range []time.Time{known.since, kept} {
		if bound.After(since) {
			since = bound
		}
	}
	standings, err := standingsOf(ctx, s, published, correlation.NewBadgeHistory(held, changes), since)
	if err != nil {
		return out, err
	}
	out.Compared = correlation.CompareServices(correlation.CrossInput{
		Services: rc.Catalog.Services(), Incidents: incidents, Standings: standings, Since: since,
	}, published.At)
	return out, nil
}

// standingsOf are those of all services from a time on, each from the end of its first
// judgement.
func standingsOf(
	ctx context.Context, s *store.Store, published *snapshot.Snapshot, badges correlation.BadgeHistory, since time.Time,
) ([]correlation.Standing, error) {
	stored, err := s.StatusesSince(ctx, since)
	if err != nil {
		return nil, err
	}
	spans := map[string][]snapshot.StatusSpan{}
	for _, span := range stored {
		spans[span.Service] = append(spans[span.Service], snapshot.StatusSpan{
			Check: span.Check, Status: span.Status, Since: span.Since, Until: span.Until,
		})
	}
	var out []correlation.Standing
	for i := range published.Services {
		service := &published.Services[i]
		begun, judged := badges.Since(service.Entry.Name)
		if service.Card == nil || !judged {
			continue
		}
		if begun.Before(since) {
			begun = since
		}
		out = append(out, snapshot.Standings(service.Card, spans[service.Entry.Name], begun)...)
	}
	return out, nil
}
