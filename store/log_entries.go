package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/prodready/collector/evidence"
)

// logEntryRow is a log entry of an incident, which need not be stored.
type logEntryRow struct {
	source int64
	evidence.LogEntry
}

func (r *logEntryRow) table() table {
	return table{
		name: "log_entries",
		key:  columns{{"source_id", &r.source}, {"id", &r.ID}},
		fixed: columns{
			{"incident_id", &r.Incident}, {"kind", &r.Kind}, {"at", timeOf(&r.At)}, {"agent_kind", &r.AgentKind},
			{"person", &r.Person}, {"channel", &r.Channel}, {"assignees", asJSON(&r.Assignees)}, {"summary", asJSON(&r.Summary)},
		},
	}
}

// logEntries stores the log entries of a batch. What is stored already stays,
// unless it could not be decoded then.
func (c *commit) logEntries(ctx context.Context, entries []evidence.LogEntry) error {
	rows := map[string]logEntryRow{}
	var decoded []string
	for _, e := range entries {
		if e.ID == "" || e.Incident == "" || e.At.IsZero() {
			return fmt.Errorf("log entry %q of incident %q lacks its id, its incident or its time", e.ID, e.Incident)
		}
		e.ID = text(e.ID)
		rows[e.ID] = logEntryRow{c.source, e}
		if e.Kind != evidence.LogUndecodable {
			decoded = append(decoded, e.ID)
		}
	}
	statement := `DELETE FROM log_entries WHERE source_id = $1 AND kind = $2 AND id IN`
	if err := execIn(ctx, c.tx, statement, []any{c.source, string(evidence.LogUndecodable)}, decoded); err != nil {
		return err
	}
	return put(ctx, c.tx, slices.Collect(maps.Values(rows))...)
}

// EachLogEntry calls each with the stored log entries of the source's incidents,
// incident by incident and by time. Memory holds the entries of keysPerQuery
// incidents at once. No transaction is open while each runs, so each may write.
// An error of each ends it and is returned as it is.
func (s *Store) EachLogEntry(
	ctx context.Context, source string, incidents []string, each func(evidence.LogEntry) error,
) error {
	return chunks(incidents, func(part []string) error {
		page, err := s.logEntriesOf(ctx, source, part)
		if err != nil {
			return err
		}
		for _, row := range page {
			if err := each(row.LogEntry); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) logEntriesOf(ctx context.Context, source string, incidents []string) ([]logEntryRow, error) {
	var page []logEntryRow
	err := s.view(ctx, "reading log entries of "+source, func(t *sql.Tx) error {
		id, ok := s.names.id(sourceNames, text(source))
		if !ok {
			return nil
		}
		rest := `WHERE source_id = $1 AND incident_id IN (` + placeholders(2, len(incidents)) +
			`) ORDER BY incident_id, at, id`
		return read(ctx, t, rest, with([]any{id}, incidents), func(row logEntryRow) error {
			page = append(page, row)
			return nil
		})
	})
	return page, err
}
