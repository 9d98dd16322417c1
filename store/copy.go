package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// notRead are the tables of a source that its rounds write and never read.
var notRead = map[string]bool{"runs": true, "fact_history": true, "coverage_spans": true, "exception_spans": true}

// sourceRows selects the rows of tables that a round reads and that have no
// source_id: names and keys as a whole, children by their parent.
var sourceRows = map[string]string{
	"services": "", "facts": "", "sources": "", "checks": "", "keys": "",
	"incident_services":     `incident_num IN (SELECT num FROM incidents WHERE source_id = ?)`,
	"alert_firing_services": `firing_num IN (SELECT num FROM alert_firings WHERE source_id = ?)`,
}

// CopySource copies to another store, a SQLite file in which no facts are set
// yet, everything that a round of the source reads, so that the round runs there
// as it would run here. It may be called for several sources. It only reads this
// store, as of one moment.
func (s *Store) CopySource(ctx context.Context, to *Store, source string) error {
	tables, err := to.columns(ctx)
	if err != nil {
		return err
	}
	return s.view(ctx, "copying "+source, func(from *view) error {
		seq, err := number(ctx, from, newestSequence)
		if err != nil {
			return err
		}
		// A source that was never stored has id 0, and no rows.
		id := from.id(nameIn{sourceNames, source})
		return to.inTx(ctx, "copying "+source, func(t *tx) error {
			for table, columns := range tables {
				where, known := sourceRows[table]
				if !known {
					where = `source_id = ?`
				}
				if err := t.copyRows(ctx, from, table, columns, where, id); err != nil {
					return fmt.Errorf("table %s: %w", table, err)
				}
			}
			// What is written from now on is newer than what was copied.
			return t.exec(ctx, `UPDATE readiness_owner SET seq = ? WHERE id = 1 AND seq < ?`, seq, seq)
		})
	})
}

// columns are the columns, by table, of what rounds read.
func (s *Store) columns(ctx context.Context) (map[string][]string, error) {
	tables := map[string][]string{}
	err := s.view(ctx, "reading the columns of the store", func(v *view) error {
		return each(ctx, v, `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' ORDER BY m.name, c.cid`, nil, func(rows *sql.Rows) error {
			var table, column string
			err := rows.Scan(&table, &column)
			tables[table] = append(tables[table], column)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	for table, columns := range tables {
		_, named := sourceRows[table]
		if notRead[table] || !named && !slices.Contains(columns, "source_id") {
			delete(tables, table)
		}
	}
	return tables, nil
}

// copyRows copies the rows of a table that are not there yet.
func (t *tx) copyRows(
	ctx context.Context, from *view, table string, columns []string, where string, source int64,
) error {
	list := strings.Join(columns, ", ")
	query, args := `SELECT `+list+` FROM `+table, []any(nil)
	if where != "" {
		query, args = query+` WHERE `+where, []any{source}
	}
	var page [][]any
	write := func() error {
		err := t.insert(ctx, table, columns, `ON CONFLICT DO NOTHING`, page)
		page = page[:0]
		return err
	}
	err := each(ctx, from, query, args, func(rows *sql.Rows) error {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if page = append(page, row); len(page) < copyPage {
			return nil
		}
		return write()
	})
	if err != nil {
		return err
	}
	return write()
}

// copyPage is how many rows are in memory at once.
const copyPage = 10 * maxRows
