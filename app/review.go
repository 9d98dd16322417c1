package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/review"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// ReviewOf says what an operational review is about.
type ReviewOf struct {
	// Period is as review.ParsePeriod reads it.
	Period string
	// Team and Org select services; empty selects all.
	Team, Org string
}

// Review makes an operational review of what is in the store right now. It collects
// nothing and writes nothing, so it may run beside a daemon.
func Review(ctx context.Context, o Options, of ReviewOf) (*review.Review, error) {
	period, err := review.ParsePeriod(of.Period, o.withDefaults().Now())
	if err != nil {
		return nil, &InvalidError{err}
	}
	r, err := openForReading(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.knowsGroups(of); err != nil {
		return nil, &InvalidError{err}
	}
	published, err := r.judged(ctx)
	if err != nil {
		return nil, err
	}
	in, err := reviewInput(ctx, r.store, r.runtimeConfig, published, period)
	if err != nil {
		return nil, fmt.Errorf("reading the store for the review: %w", err)
	}
	in.Team, in.Org = of.Team, of.Org
	return review.New(in), nil
}

// knowsGroups refuses a team or an org that no service has.
func (rc *runtimeConfig) knowsGroups(of ReviewOf) error {
	teams, orgs := map[string]bool{}, map[string]bool{}
	for _, s := range rc.Catalog.Services() {
		teams[s.Team], orgs[s.Org] = true, true
	}
	for _, wanted := range []struct {
		what, name string
		known      map[string]bool
	}{{"team", of.Team, teams}, {"org", of.Org, orgs}} {
		if wanted.name == "" || wanted.known[wanted.name] {
			continue
		}
		var names []string
		for name := range wanted.known {
			names = append(names, name)
		}
		slices.Sort(names)
		return fmt.Errorf("no service of the catalog has the %s %q%s", wanted.what, wanted.name,
			nearest.Suggest(wanted.name, names))
	}
	return nil
}

// quietSpan is how far back incidents are read at least, to say for how long a team was
// not paged.
const quietSpan = 97 * 24 * time.Hour

// reviewInput reads what the store has about a period.
func reviewInput(
	ctx context.Context, s *store.Store, rc *runtimeConfig, published *snapshot.Snapshot, period review.Period,
) (review.Input, error) {
	in := review.Input{Period: period, Snapshot: published, Exemptions: published.Exemptions,
		KeptSince: published.At.Add(-time.Duration(rc.config.Store().Retention.History))}
	if rc.ReviewDueIn != nil {
		in.Due = map[string]time.Time{}
		for i := range published.Services {
			if s := &published.Services[i]; !s.ReviewDue.IsZero() {
				in.Due[s.Entry.Name] = s.ReviewDue
			}
		}
	}
	var err error
	if in.Transitions, _, err = s.LoadTransitions(ctx, 0, in.KeptSince); err != nil {
		return in, err
	}
	predictSince := periodEnd(&in).Add(-review.PredictOver)
	if period.From.Before(predictSince) {
		predictSince = period.From
	}
	spans, err := s.StatusesSince(ctx, predictSince)
	if err != nil {
		return in, err
	}
	for _, span := range spans {
		in.Statuses = append(in.Statuses, review.StatusSpan{Service: span.Service, Check: span.Check, Status: span.Status,
			Since: span.Since, Until: span.Until})
	}
	if in.Reviews, err = s.Reviews(ctx); err != nil {
		return in, err
	}
	if in.Doubts, err = s.IncidentDoubts(ctx, rc.SourceIDs()); err != nil {
		return in, err
	}
	return in, readIncidents(ctx, s, rc, &in, predictSince)
}

// periodEnd is the end of what has passed of the period.
func periodEnd(in *review.Input) time.Time {
	if in.Period.To.After(in.Snapshot.At) {
		return in.Snapshot.At
	}
	return in.Period.To
}

// readIncidents reads the incidents of the period and the one before it. The effect of
// reviews, and what checks predict, are those that were stored in the month in which the
// period ends; without these, they are made of the incidents of two years.
func readIncidents(
	ctx context.Context, s *store.Store, rc *runtimeConfig, in *review.Input, predictSince time.Time,
) error {
	since := in.Period.PreviousFrom()
	if from := in.Period.To.Add(-quietSpan); from.Before(since) {
		since = from
	}
	end := periodEnd(in)
	stored, err := storedCorrelation(ctx, s, rc, end)
	if err != nil {
		return err
	}
	oldest := end.Add(-correlation.EffectHistory - correlation.LinkWithin)
	if stored != nil || since.Before(oldest) {
		oldest = since
	}
	all, err := linkedIncidents(ctx, s, store.IncidentFilter{Since: oldest, Until: in.Period.To})
	if err != nil {
		return err
	}
	known, err := knownIncidents(ctx, s, rc, in.Snapshot)
	if err != nil {
		return err
	}
	in.NoIncidents, in.IncidentsSince, in.IncidentsUntil = known.none, known.since, known.until
	switch {
	case in.NoIncidents != "":
	case stored != nil:
		in.Effect = review.NewEffect(&stored.Effects.Verdicts[0])
		in.Predicts = review.PredictionsOf(stored.Compared.Checks)
	default:
		estimate(rc, in, known, all, predictSince)
	}
	for _, incident := range all {
		if incident.Open(since) || !incident.StartedAt.Before(since) {
			in.Incidents = append(in.Incidents, incident)
		}
	}
	if read := since.Add(correlation.LinkWithin); !in.IncidentsSince.IsZero() && in.IncidentsSince.Before(read) {
		in.IncidentsSince = read
	}
	return nil
}

// estimate makes of the incidents of two years the effect of reviews, and what checks
// predict.
func estimate(
	rc *runtimeConfig, in *review.Input, known incidentsKnown, all []*correlation.Incident, predictSince time.Time,
) {
	end := periodEnd(in)
	effects := effectInput(rc, known, all, correlation.ReviewTreatments(in.Reviews))
	primary := correlation.EstimatePrimary(effects, end)
	in.Effect = review.NewEffect(&primary)
	if in.IncidentsSince.After(predictSince) {
		predictSince = in.IncidentsSince
	}
	in.Predicts = review.Predictions(in.Snapshot, in.Statuses, all, predictSince, end)
}
