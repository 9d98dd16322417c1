package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/prodready/collector/evidence"
)

// logEntryRow is a log entry of an incident, which need not be stored.
type logEntryRow struct {
	source string
	evidence.LogEntry
}

func (r *logEntryRow) table() table {
	return table{
		name: "log_entries",
		key:  columns{{"source_id", sourceID(&r.source)}, {"id", &r.ID}},
		fixed: columns{
			{"incident_id", &r.Incident}, {"kind", &r.Kind}, {"at", timeOf(&r.At)}, {"agent_kind", &r.AgentKind},
			{"person", &r.Person}, {"channel", &r.Channel}, {"assignees", asJSON(&r.Assignees)},
			{"summary", asJSON(&r.Summary)}, {"words", &r.Words}, {"false_alarm", &r.FalseAlarm},
		},
	}
}

// logEntries stores the log entries of a batch. What is stored already stays,
// unless it could not be decoded then, or is a note that was read for other words.
func (c *commit) logEntries(ctx context.Context, entries []evidence.LogEntry) error {
	rows := map[string]logEntryRow{}
	var decoded []any
	read := map[string][]any{}
	for _, e := range entries {
		if e.ID == "" || e.Incident == "" || e.At.IsZero() {
			return fmt.Errorf("log entry %q of incident %q lacks its id, its incident or its time", e.ID, e.Incident)
		}
		rows[text(e.ID)] = logEntryRow{c.source, e}
		if e.Kind != evidence.LogUndecodable {
			decoded = append(decoded, e.ID)
		}
		if e.Words != "" {
			read[e.Words] = append(read[e.Words], e.ID)
		}
	}
	undecodable := c.ofSource().and(`kind = ?`, string(evidence.LogUndecodable)).in("id", decoded)
	if err := c.execWhere(ctx, `DELETE FROM log_entries`, nil, undecodable); err != nil {
		return err
	}
	for words, ids := range read {
		others := c.ofSource().and(`words <> ?`, text(words)).in("id", ids)
		if err := c.execWhere(ctx, `DELETE FROM log_entries`, nil, others); err != nil {
			return err
		}
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
	for part := range slices.Chunk(incidents, keysPerQuery) {
		page, err := collect(ctx, s, "reading log entries of "+source,
			ofSource(source).in("incident_id", anys(part)).ordered("incident_id, at, id"),
			func(r logEntryRow) evidence.LogEntry { return r.LogEntry })
		if err != nil {
			return err
		}
		for _, entry := range page {
			if err := each(entry); err != nil {
				return err
			}
		}
	}
	return nil
}
