package prometheus

import (
	"context"
	"fmt"
	"strconv"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// A server keeps its alerts as long as any series: ALERTS has a sample while an
// alert fires. Its history is read part by part behind a cursor, so that a round
// that follows another asks one query about the minutes between them. That nothing
// fired is known only where something shows that the server was up, so the same
// query asks whether anything was up.

// DefaultAlertHistory is how far back the first round reads: over the window of
// 30 days that figures have, and one day before it.
const DefaultAlertHistory = 31 * 24 * time.Hour

const (
	// alertStep is how exact firings are. Instants are its multiples since 1970, so
	// that every round asks for the same ones.
	alertStep = time.Minute
	// alertGap is how long an alert may be unseen and still be the same firing,
	// because a late evaluation is no end.
	alertGap = 3 * alertStep
	// maxAlertPart is what one query looks back over: 1,441 points, where a server
	// refuses 11,000. A part that is too much for the server is halved, down to
	// minAlertPart.
	maxAlertPart = 24 * time.Hour
	minAlertPart = 15 * time.Minute
	// maxAlertDelay is how long to wait for late samples, before the server counts as
	// down at that time.
	maxAlertDelay = time.Hour
	// alertCursor names the cursor: until when the history has been read.
	alertCursor = "alerts"
	// witnessLabel marks the series that shows that the server was up.
	witnessLabel = "readiness_witness"
)

// alertQuery asks for every firing alert and for the witness.
const alertQuery = `ALERTS{alertstate="firing"} or label_replace(group(up), "` + witnessLabel + `", "up", "", "")`

// WatchesAlerts reports whether alerts can be matched to the service. It implements
// collectors.AlertWatcher.
func (s *Source) WatchesAlerts(service *catalog.Service) bool {
	return s.alertHistory > 0 && identifiable(service, s.server)
}

// alertPast is which part of the history of alerts has been read.
type alertPast struct {
	// read is until when it has been read, zero before the first time.
	read time.Time
	// from is where to continue, and latest the last instant to ask for.
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
	// A cursor that a wrong clock has left in the future says nothing.
	if read, err := time.Parse(time.RFC3339, cursor); err == nil && !read.After(now) {
		past.read = read.UTC().Truncate(alertStep)
		if past.read.After(past.from) {
			past.from = past.read
		}
	}
	return past
}

// parts is how many queries the rest of the history takes at least.
func (p alertPast) parts() int {
	if !p.latest.After(p.from) {
		return 0
	}
	return int((p.latest.Sub(p.from) + maxAlertPart - 1) / maxAlertPart)
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
	n := s.alertPast(now.UTC(), req.Cursors[alertCursor]).parts()
	if n == 0 {
		return nil
	}
	return []collectors.PlannedCall{{Call: endpointQueryRange, Query: alertQuery, Requests: strconv.Itoa(n)}}
}

// observeAlerts reads the history of alerts from where the last round ended.
func (r *round) observeAlerts(ctx context.Context) error {
	past := r.alertPast(r.now, r.request.Cursors[alertCursor])
	if past.parts() == 0 {
		return nil
	}
	var open []evidence.AlertFiring
	if r.request.OpenAlerts != nil {
		var err error
		if open, err = r.request.OpenAlerts(ctx); err != nil {
			return collectors.Failed(evidence.ReasonStore, "read open alerts of "+r.id, "%w", err)
		}
	}
	history := &alertHistory{
		round: r, past: past, firings: newOpenFirings(r.id, open, past.read), reader: newAlertReader(r),
	}
	history.strays = newStrayAlerts(history.reader, r.request.Cursors[strayCursor], r.now)
	part := maxAlertPart
	for from := past.from; past.latest.After(from); {
		until := past.latest
		if until.Sub(from) > part {
			until = from.Add(part)
		}
		span := v1.Range{Start: from.Add(-alertGap), End: until, Step: alertStep}
		answer, err := r.api.queryRange(ctx, alertQuery, span)
		if err != nil {
			if half := min(part, until.Sub(from)) / 2; isTooMuch(ctx, err) && half >= minAlertPart {
				part = half.Truncate(alertStep)
				continue
			}
			return collectors.About(err, "history of alerts")
		}
		settled, err := history.store(answer, from, until)
		if err != nil || settled.Before(until) {
			return err // the next round asks for the rest again
		}
		from = settled
	}
	return nil
}

// alertHistory stores the history of alerts, part by part.
type alertHistory struct {
	round   *round
	past    alertPast
	firings *openFirings
	reader  *alertReader
	strays  *strayAlerts
	records int
}

// store emits what an answer shows of the time from from until until. It returns
// until when the answer was complete.
func (h *alertHistory) store(answer model.Matrix, from, until time.Time) (settled time.Time, err error) {
	r, latest := h.round, h.past.latest
	seen := h.reader.read(answer, h.strays)
	trusted := r.trusted()
	if len(seen.witness) == 0 && !until.Before(latest) && !trusted {
		r.notice("alerts", "nothing was up on it in the last minutes, so that it is unknown whether alerts fired, "+
			"unless the memory is configured")
	}
	if settled = seen.settled(from, until, latest, trusted); !settled.After(from) {
		return settled, nil
	}
	firings := h.firings.advance(seen.series, settled)
	h.records += len(firings)
	h.strays.prune(settled.Add(-max(DefaultAlertHistory, r.alertHistory)))
	strays, err := h.strays.cursor()
	if err != nil {
		return from, err
	}
	if h.strays.isCut {
		r.notice("alerts of no service", fmt.Sprintf("more than %d services that the catalog does not have have alerts: "+
			"those that fired last are counted", maxStrays))
	}
	err = r.out.Send(evidence.Batch{
		Alerts: firings,
		AlertSight: &evidence.AlertSight{
			Spans: seen.spans(from, settled, trusted), Services: h.reader.known, Since: from,
		},
		AlertDoubts: h.strays.doubts(),
		Uncounted:   []evidence.Uncounted{h.strays.report()},
		Cursors:     map[string]string{alertCursor: settled.Format(time.RFC3339), strayCursor: strays},
	})
	if err == nil && r.request.Progress != nil && h.past.parts() > 1 {
		r.request.Progress(collectors.Progress{
			Step: "history of alerts", Records: h.records,
			Share: float64(settled.Sub(h.past.from)) / float64(latest.Sub(h.past.from)),
		})
	}
	return settled, err
}

// trusted reports whether the server counts as up although no series shows it: one
// that scrapes nothing, and whose memory is configured.
func (r *round) trusted() bool { return r.memory > 0 && len(r.facts) > 0 && !r.data.up }

// isTooMuch reports whether the server may answer for a shorter part.
func isTooMuch(ctx context.Context, err error) bool {
	switch collectors.ReasonOf(ctx, err) {
	case evidence.ReasonTooLarge, evidence.ReasonTimeout, evidence.ReasonRejected:
		return ctx.Err() == nil
	}
	return false
}

// alertsSeen is what one answer shows.
type alertsSeen struct {
	series []alertSeries
	// witness are the instants at which the server was up, ascending.
	witness []time.Time
}

// settled is until when the answer counts as complete. A server that is up may get
// later samples after some time, at most maxAlertDelay.
func (a alertsSeen) settled(from, until, latest time.Time, trusted bool) time.Time {
	limit := latest.Add(-maxAlertDelay)
	if trusted || until.Before(limit) {
		return until
	}
	settled := from
	if n := len(a.witness); n > 0 && a.witness[n-1].After(from) {
		settled = a.witness[n-1]
	}
	if settled.Before(limit) {
		settled = limit
	}
	return settled
}

// spans are when the server was up, after from and up to until. An instant covers
// the step before it.
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
