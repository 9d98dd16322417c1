package store

import (
	"context"
	"fmt"
)

// cursorRow is a position that a source stores with its batches.
type cursorRow struct {
	source      int64
	name, value string
}

func (r *cursorRow) table() table {
	return table{
		name: "cursors",
		key:  columns{{"source_id", &r.source}, {"name", &r.name}},
		data: columns{{"value", &r.value}},
	}
}

// Cursors are what a source stored with its batches, by name. A source that
// stored none has an empty map.
func (s *Store) Cursors(ctx context.Context, source string) (map[string]string, error) {
	found, err := readCursors(ctx, s.read, `(SELECT id FROM sources WHERE name = $1)`, text(source))
	if err != nil {
		return nil, fmt.Errorf("reading the cursors of %s: %w", source, err)
	}
	return found, nil
}

func readCursors(ctx context.Context, q queryer, source string, args ...any) (map[string]string, error) {
	found := map[string]string{}
	return found, read(ctx, q, `WHERE source_id = `+source, args, func(r cursorRow) error {
		found[r.name] = r.value
		return nil
	})
}

// cursors stores the cursors of a batch that have changed. An empty value deletes
// one.
func (c *commit) cursors(ctx context.Context, cursors map[string]string) error {
	if len(cursors) == 0 {
		return nil
	}
	before, err := readCursors(ctx, c, `$1`, c.source)
	if err != nil {
		return err
	}
	clean := make(map[string]string, len(cursors))
	for name, value := range cursors {
		clean[text(name)] = text(value)
	}
	var rows []cursorRow
	for name, value := range clean {
		if value == before[name] {
			continue
		}
		if value != "" {
			rows = append(rows, cursorRow{c.source, name, value})
			continue
		}
		if err := c.exec(ctx, `DELETE FROM cursors WHERE source_id = $1 AND name = $2`, c.source, name); err != nil {
			return err
		}
	}
	return put(ctx, c.tx, rows...)
}
