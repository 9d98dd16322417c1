package prometheus

import (
	"context"
	"strconv"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// A server keeps of its alerts what it keeps of every series: ALERTS is there
// while an alert fires. Its history is read piece by piece behind a cursor, so
// that a round that follows another asks one query about the minutes between.
// That nothing fired is known only where something else shows that the server
// was there, so the same query asks whether anything was up.

// DefaultAlertHistory is how far back the first round looks: over the window of
// 30 days that figures are for, and what may precede its first minute.
const DefaultAlertHistory = 31 * 24 * time.Hour

const (
	// alertStep is how exact firings are. Instants lie on its multiples since
	// 1970, so that every round asks for the same ones.
	alertStep = time.Minute
	// alertGap is how long an alert may be unseen and still be the same firing: a
	// late evaluation is no end.
	alertGap = 3 * alertStep
	// alertPiece is what one query looks back over: 1,441 points, where a server
	// refuses 11,000. A piece that is too much for the server is halved down to
	// leastAlertPiece.
	alertPiece      = 24 * time.Hour
	leastAlertPiece = 15 * time.Minute
	// alertPatience is how long is waited for samples that come late, before it
	// is a hole that the server was not seen.
	alertPatience = time.Hour
	// alertCursor names the cursor: until when the history has been read.
	alertCursor = "alerts"
	// witnessLabel marks the series that shows that the server was there.
	witnessLabel = "readiness_witness"
)

// alertQuery asks for every firing alert and for the witness.
const alertQuery = `ALERTS{alertstate="firing"} or label_replace(group(up), "` + witnessLabel + `", "up", "", "")`

// WatchesAlerts reports whether alerts can be told to be about the service. It
// implements collectors.AlertWatcher.
func (s *Source) WatchesAlerts(service *catalog.Service) bool {
	return s.alertHistory > 0 && identifiable(service, s.name)
}

// alertPast is where the history of alerts was left, and where it goes on.
type alertPast struct {
	// read is until when it has been read, zero before the first time.
	read time.Time
	// from is where to go on, latest the last instant that is worth asking for.
	from, latest time.Time
}

func (s *Source) alertPast(now time.Time, cursor string) alertPast {
	history := s.alertHistory
	if s.memory > 0 {
		history = min(history, s.memory)
	}
	// The newest minute may not have been evaluated yet.
	latest := now.Add(-alertStep).Truncate(alertStep)
	past := alertPast{from: latest.Add(-history.Truncate(alertStep)), latest: latest}
	if read, err := time.Parse(time.RFC3339, cursor); err == nil {
		past.read = read.UTC().Truncate(alertStep)
		if past.read.After(past.from) {
			past.from = past.read
		}
	}
	return past
}

// pieces is how many queries the rest of the history takes at least.
func (p alertPast) pieces() int {
	if !p.latest.After(p.from) {
		return 0
	}
	return int((p.latest.Sub(p.from) + alertPiece - 1) / alertPiece)
}

// planAlerts is what a round would ask about alerts, if it does.
func (s *Source) planAlerts(req collectors.Request) []collectors.PlannedCall {
	if s.alertHistory <= 0 {
		return nil
	}
	now := req.Now
	if now.IsZero() {
		now = s.now()
	}
	n := s.alertPast(now.UTC(), req.Cursors[alertCursor]).pieces()
	if n == 0 {
		return nil
	}
	return []collectors.PlannedCall{{Call: endpointQueryRange, Query: alertQuery, Requests: strconv.Itoa(n)}}
}

// observeAlerts reads the history of alerts from where it was left.
func (r *round) observeAlerts(ctx context.Context) error {
	req := r.request
	past := r.alertPast(r.now, req.Cursors[alertCursor])
	total := past.pieces()
	if total == 0 {
		return nil
	}
	var open []evidence.AlertFiring
	if req.OpenAlerts != nil {
		var err error
		if open, err = req.OpenAlerts(ctx); err != nil {
			return &collectors.CallError{Reason: evidence.ReasonStore, Call: "read open alerts of " + r.id, Err: err}
		}
	}
	episodes := newEpisodes(r.id, open, past.read)
	reader := newAlertReader(r)
	began, records, piece := past.from, 0, alertPiece
	for from := past.from; past.latest.After(from); {
		until := past.latest
		if until.Sub(from) > piece {
			until = from.Add(piece)
		}
		answer, err := r.api.queryRange(ctx, alertQuery, v1.Range{Start: from.Add(-alertGap), End: until, Step: alertStep})
		if err != nil {
			if half := min(piece, until.Sub(from)) / 2; tooMuch(ctx, err) && half >= leastAlertPiece {
				piece = half.Truncate(alertStep)
				continue
			}
			return named(err, "history of alerts")
		}
		seen := reader.read(answer)
		if len(seen.witness) == 0 && !until.Before(past.latest) && !r.trusted() {
			r.noting["alerts"] = "nothing was up on it lately, so that no alert fired cannot be known unless the memory is configured"
		}
		asked := until
		if until = seen.settled(from, until, past.latest, r.trusted()); !until.After(from) {
			return nil
		}
		firings := episodes.advance(seen.series, until)
		records += len(firings)
		batch := evidence.Batch{
			Alerts: firings,
			AlertSight: &evidence.AlertSight{
				Spans: seen.spans(from, until, r.trusted()), Services: reader.known, Since: from,
			},
			Cursors: map[string]string{alertCursor: until.Format(time.RFC3339)},
		}
		if err := r.send(batch); err != nil {
			return err
		}
		from = until
		if req.Progress != nil && total > 1 {
			req.Progress(collectors.Progress{
				Step: "history of alerts", Records: records,
				Share: float64(from.Sub(began)) / float64(past.latest.Sub(began)),
			})
		}
		if until.Before(asked) {
			return nil // the next round asks for the rest again
		}
	}
	return nil
}

// trusted reports whether the server is believed to have been there although
// nothing shows it: one that scrapes nothing, and whose memory is configured.
func (r *round) trusted() bool { return r.memory > 0 && len(r.facts) > 0 && !r.reach.up }

// tooMuch reports whether a shorter piece may be answered.
func tooMuch(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	switch collectors.ReasonOf(ctx, err) {
	case evidence.ReasonTooLarge, evidence.ReasonTimeout, evidence.ReasonRejected:
		return true
	}
	return false
}

// alertsSeen is what one answer says.
type alertsSeen struct {
	series []alertSeries
	// witness are the instants at which the server was there, ascending.
	witness []time.Time
}

// settled is until when the answer can be believed to be whole. What a server
// that was there has not shown yet may still come; after alertPatience it is
// not waited for.
func (a alertsSeen) settled(from, until, latest time.Time, trusted bool) time.Time {
	if trusted {
		return until
	}
	least := latest.Add(-alertPatience)
	if until.Before(least) {
		return until
	}
	settled := from
	if n := len(a.witness); n > 0 && a.witness[n-1].After(from) {
		settled = a.witness[n-1]
	}
	if settled.Before(least) {
		settled = least
	}
	return settled
}

// spans are when the server was there, after from and up to until. An instant
// stands for the step before it.
func (a alertsSeen) spans(from, until time.Time, trusted bool) []evidence.Span {
	if trusted {
		return []evidence.Span{{From: from, Until: until}}
	}
	var spans []evidence.Span
	for _, at := range a.witness {
		if !at.After(from) || at.After(until) {
			continue
		}
		if n := len(spans); n > 0 && !at.Add(-alertStep).After(spans[n-1].Until) {
			spans[n-1].Until = at
			continue
		}
		spans = append(spans, evidence.Span{From: at.Add(-alertStep), Until: at})
	}
	return spans
}
