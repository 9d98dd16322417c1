package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"

	"github.com/prodready/collector/evidence"
)

// incidentPage is how many incidents are in memory at once when a long history
// is walked.
const incidentPage = 1000

// EachIncident hands on the incidents of a source that the span selects and the
// source still lists, by start. It reads page by page, so that memory does not
// grow with the history, and holds no transaction open while each runs: each may
// write. An error of each ends it and is returned as it is.
func (s *Store) EachIncident(ctx context.Context, source string, span evidence.IncidentSpan, each func(evidence.Incident) error) error {
	began := `i.started_at >= $4`
	if span.Lasting {
		began = `(i.started_at >= $4 OR i.resolved_at IS NULL OR i.resolved_at >= $4)`
	}
	// Page after page begins behind the last row of the one before.
	lastStart, lastNum := int64(-1<<62), int64(0)
	for {
		var page []*storedIncident
		err := s.view(ctx, "reading incidents of "+source, func(t *sql.Tx) error {
			if err := s.names.load(ctx, t); err != nil {
				return err
			}
			id, ok := s.names.id(sourceNames, text(source))
			if !ok {
				return nil
			}
			where := `i.num IN (SELECT i.num FROM incidents i WHERE i.source_id = $1
				AND (i.started_at > $2 OR i.started_at = $2 AND i.num > $3) AND ` + began + ` AND i.gone = $5`
			args := []any{id, lastStart, lastNum, micros(span.Since), false}
			if !span.Until.IsZero() {
				args = append(args, micros(span.Until))
				where += ` AND i.started_at < $6`
			}
			where += fmt.Sprintf(` ORDER BY i.started_at, i.num LIMIT %d)`, incidentPage)
			var err error
			page, err = s.readIncidents(ctx, t, where, args)
			return err
		})
		if err != nil {
			return err
		}
		sort.Slice(page, func(i, j int) bool {
			a, b := page[i], page[j]
			if !a.StartedAt.Equal(b.StartedAt) {
				return a.StartedAt.Before(b.StartedAt)
			}
			return a.num < b.num
		})
		for _, in := range page {
			if err := each(in.Incident); err != nil {
				return err
			}
		}
		if len(page) < incidentPage {
			return nil
		}
		last := page[len(page)-1]
		lastStart, lastNum = micros(last.StartedAt), last.num
	}
}
