package store

import (
	"context"
	"fmt"
	"time"
)

// Retention says how long the past is kept. A zero span keeps it for ever.
// Current values, reviews, the counters of transitions and the badges of services
// in the catalog are always kept.
type Retention struct {
	// History is for the history of facts and of check statuses, for the badges of services
	// that have left the catalog, and for the effects of reviews as they were estimated.
	History time.Duration
	// Incidents is counted from their resolution; open ones stay. Their log entries
	// are deleted with them. It also holds for entries of incidents that are not
	// stored.
	Incidents time.Duration
	// Alerts is for firings of alerts, counted from their end, and for when they
	// were watched for; open ones stay.
	Alerts time.Duration
	// Runs is counted from their start; the newest run and the newest success
	// of every source stay.
	Runs time.Duration
	// Transitions is for the badge changes themselves, and the holds of badges.
	Transitions time.Duration
}

// pruneBatch bounds the rows of one deleting transaction, so that collecting
// and judging are never kept waiting for long.
const pruneBatch = 2000

// gone selects the services that were not judged since a time, though others were.
const gone = ` (SELECT service_id FROM badges WHERE judged_at < ? ORDER BY judged_at, service_id LIMIT ?)`

// Prune deletes what is older than its retention, batch by batch, and returns
// how many rows that were. When ctx ends it stops between two batches. A SQLite file
// becomes smaller afterwards; see giveSpaceBack.
func (s *Store) Prune(ctx context.Context, now time.Time, r Retention) (deleted int64, err error) {
	for _, p := range []struct {
		what string
		keep time.Duration
		// statements delete at most ? rows older than ?. The last one
		// counts.
		statements []string
	}{
		{"history of facts", r.History, []string{
			`DELETE FROM fact_history WHERE (fact_id, service_id, source_id, from_at) IN
			(SELECT fact_id, service_id, source_id, from_at FROM fact_history WHERE from_at < ? ORDER BY from_at LIMIT ?)`}},
		{"history of checks", r.History, []string{
			`DELETE FROM check_status_history WHERE (service_id, check_id, since) IN
			(SELECT service_id, check_id, since FROM check_status_history WHERE until < ? ORDER BY until LIMIT ?)`}},
		{"badges of services that have left", r.History, []string{
			`DELETE FROM voids WHERE service_id IN` + gone, `DELETE FROM check_statuses WHERE service_id IN` + gone,
			`DELETE FROM badge_support WHERE service_id IN` + gone, `DELETE FROM badges WHERE service_id IN` + gone}},
		{"spans of answers", r.History, []string{
			`DELETE FROM coverage_spans WHERE (source_id, fact_group, from_at) IN
			(SELECT source_id, fact_group, from_at FROM coverage_spans WHERE until_at < ? ORDER BY until_at LIMIT ?)`}},
		{"spans without an answer", r.History, []string{
			`DELETE FROM exception_spans WHERE (source_id, fact_group, service_id, from_at) IN
			(SELECT source_id, fact_group, service_id, from_at FROM exception_spans WHERE until_at < ? ORDER BY until_at LIMIT ?)`}},
		{"spans of judging", r.History, []string{
			`DELETE FROM judging_spans WHERE from_at IN
			(SELECT from_at FROM judging_spans WHERE until_at < ? ORDER BY until_at LIMIT ?)`}},
		{"attributes of services", r.History, []string{
			`DELETE FROM subject_history WHERE (service_id, from_at) IN (SELECT h.service_id, h.from_at
			FROM subject_history h JOIN subject_history n ON n.service_id = h.service_id AND n.from_at > h.from_at
			WHERE n.from_at < ? LIMIT ?)`}},
		{"exemptions", r.History, []string{
			`DELETE FROM exemption_history WHERE from_at IN (SELECT h.from_at
			FROM exemption_history h JOIN exemption_history n ON n.from_at > h.from_at WHERE n.from_at < ? LIMIT ?)`}},
		{"incidents", r.Incidents, []string{
			`DELETE FROM incident_services WHERE incident_num IN
			(SELECT num FROM incidents WHERE resolved_at < ? ORDER BY resolved_at, num LIMIT ?)`,
			`DELETE FROM log_entries WHERE (source_id, incident_id) IN
			(SELECT source_id, id FROM incidents WHERE resolved_at < ? ORDER BY resolved_at, num LIMIT ?)`,
			`DELETE FROM incidents WHERE num IN
			(SELECT num FROM incidents WHERE resolved_at < ? ORDER BY resolved_at, num LIMIT ?)`}},
		{"log entries without an incident", r.Incidents, []string{
			`DELETE FROM log_entries WHERE (source_id, id) IN
			(SELECT e.source_id, e.id FROM log_entries e WHERE e.at < ? AND NOT EXISTS
			(SELECT 1 FROM incidents i WHERE i.source_id = e.source_id AND i.id = e.incident_id) LIMIT ?)`}},
		{"alerts", r.Alerts, []string{
			`DELETE FROM alert_firing_services WHERE firing_num IN
			(SELECT num FROM alert_firings WHERE ended_at < ? ORDER BY ended_at, num LIMIT ?)`,
			`DELETE FROM alert_firings WHERE num IN
			(SELECT num FROM alert_firings WHERE ended_at < ? ORDER BY ended_at, num LIMIT ?)`}},
		{"watching for alerts", r.Alerts, []string{
			`DELETE FROM alert_spans WHERE (source_id, from_at) IN
			(SELECT source_id, from_at FROM alert_spans WHERE until_at < ? ORDER BY until_at LIMIT ?)`}},
		{"runs", r.Runs, []string{
			`DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE started_at < ? AND finished_at IS NOT NULL
			AND id NOT IN (SELECT MAX(id) FROM runs WHERE finished_at IS NOT NULL GROUP BY source_id)
			AND id NOT IN (SELECT MAX(id) FROM runs WHERE finished_at IS NOT NULL AND reason = '' GROUP BY source_id)
			ORDER BY started_at LIMIT ?)`}},
		{"effects of reviews", r.History, []string{
			`DELETE FROM correlations WHERE (month, configuration) IN
			(SELECT month, configuration FROM correlations WHERE made_at < ? ORDER BY made_at LIMIT ?)`}},
		{"transitions", r.Transitions, []string{
			`DELETE FROM transitions WHERE (seq, ord) IN
			(SELECT seq, ord FROM transitions WHERE at < ? ORDER BY at LIMIT ?)`}},
		{"holds of badges", r.Transitions, []string{
			`DELETE FROM badge_holds WHERE (service_id, since) IN
			(SELECT service_id, since FROM badge_holds WHERE until < ? ORDER BY until LIMIT ?)`}},
	} {
		if p.keep <= 0 {
			continue
		}
		n, err := s.pruneOne(ctx, p.what, micros(now.Add(-p.keep)), p.statements)
		deleted += n
		if err != nil {
			return deleted, err
		}
	}
	return deleted, s.giveSpaceBack(ctx)
}

func (s *Store) pruneOne(
	ctx context.Context, what string, before int64, statements []string,
) (deleted int64, err error) {
	for {
		var last int64
		err := s.inTx(ctx, "deleting old "+what, func(t *tx) error {
			for _, statement := range statements {
				had := t.written
				if err := t.exec(ctx, statement, before, int64(pruneBatch)); err != nil {
					return fmt.Errorf("older than %s: %w", instant(before).Format(time.RFC3339), err)
				}
				last = t.written - had
			}
			return nil
		})
		if err != nil {
			return deleted, err
		}
		deleted += last
		if last < pruneBatch {
			return deleted, nil
		}
	}
}
