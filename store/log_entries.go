package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/prodready/collector/evidence"
)

const logEntryColumns = `id, incident_id, kind, at, agent_kind, person, channel, assignees, summary`

// logEntries stores the log entries of a batch. What is stored already stays,
// unless it could not be decoded then.
func (c *commit) logEntries(ctx context.Context, entries []evidence.LogEntry) error {
	position := map[string]int{}
	var rows [][]any
	for _, e := range entries {
		if e.ID == "" || e.Incident == "" || e.At.IsZero() {
			return fmt.Errorf("log entry %q of incident %q lacks its id, its incident or its time", e.ID, e.Incident)
		}
		row, err := logEntryRow(e)
		if err != nil {
			return fmt.Errorf("log entry %s: %w", e.ID, err)
		}
		row = append([]any{c.source}, row...)
		if at, twice := position[text(e.ID)]; twice {
			rows[at] = row
			continue
		}
		position[text(e.ID)] = len(rows)
		rows = append(rows, row)
	}
	return c.insert(ctx, `INSERT INTO log_entries (source_id, `+logEntryColumns+`)`,
		`ON CONFLICT (source_id, id) DO UPDATE SET incident_id = excluded.incident_id, kind = excluded.kind, at = excluded.at,
		agent_kind = excluded.agent_kind, person = excluded.person, channel = excluded.channel,
		assignees = excluded.assignees, summary = excluded.summary
		WHERE log_entries.kind = '`+string(evidence.LogUndecodable)+`' AND excluded.kind <> log_entries.kind`, rows)
}

func logEntryRow(e evidence.LogEntry) ([]any, error) {
	assignees, summary := "", ""
	if len(e.Assignees) > 0 {
		raw, err := json.Marshal(e.Assignees)
		if err != nil {
			return nil, err
		}
		assignees = string(raw)
	}
	if e.Summary != nil {
		raw, err := json.Marshal(e.Summary)
		if err != nil {
			return nil, err
		}
		summary = string(raw)
	}
	return []any{text(e.ID), text(e.Incident), text(string(e.Kind)), micros(e.At), text(e.AgentKind), text(e.Person),
		text(e.Channel), text(assignees), text(summary)}, nil
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
		for _, e := range page {
			if err := each(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) logEntriesOf(ctx context.Context, source string, incidents []string) ([]evidence.LogEntry, error) {
	var page []evidence.LogEntry
	err := s.view(ctx, "reading log entries of "+source, func(t *sql.Tx) error {
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		id, ok := s.names.id(sourceNames, text(source))
		if !ok {
			return nil
		}
		ids := make([]string, len(incidents))
		for i, incident := range incidents {
			ids[i] = text(incident)
		}
		query := `SELECT ` + logEntryColumns + ` FROM log_entries WHERE source_id = $1
			AND incident_id IN (` + placeholders(2, len(ids)) + `) ORDER BY incident_id, at, id`
		return each(ctx, t, query, with([]any{id}, ids), func(rows *sql.Rows) error {
			e, err := scanLogEntry(rows)
			page = append(page, e)
			return err
		})
	})
	return page, err
}

func scanLogEntry(rows *sql.Rows) (e evidence.LogEntry, err error) {
	var at int64
	var assignees, summary string
	err = rows.Scan(&e.ID, &e.Incident, &e.Kind, &at, &e.AgentKind, &e.Person, &e.Channel, &assignees, &summary)
	if err != nil {
		return e, err
	}
	e.At = instant(at)
	if assignees != "" {
		err = json.Unmarshal([]byte(assignees), &e.Assignees)
	}
	if err == nil && summary != "" {
		err = json.Unmarshal([]byte(summary), &e.Summary)
	}
	if err != nil {
		return e, fmt.Errorf("log entry %s: %w", e.ID, err)
	}
	return e, nil
}
