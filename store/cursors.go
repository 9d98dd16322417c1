package store

import (
	"context"
	"maps"
	"slices"
)

// cursorRow is a position that a source stores with its batches.
type cursorRow struct{ source, name, value string }

func (r *cursorRow) table() table {
	return table{
		name: "cursors",
		key:  columns{{"source_id", sourceID(&r.source)}, {"name", &r.name}},
		data: columns{{"value", &r.value}},
	}
}

// Cursors are what a source stored with its batches, by name. A source that
// stored none has an empty map.
func (s *Store) Cursors(ctx context.Context, source string) (map[string]string, error) {
	found := map[string]string{}
	return found, s.view(ctx, "reading the cursors of "+source, func(v *view) error {
		return read(ctx, v, ofSource(source), func(r cursorRow) error {
			found[r.name] = r.value
			return nil
		})
	})
}

// cursors stores the cursors of a batch that have changed. An empty value deletes
// one.
func (c *commit) cursors(ctx context.Context, cursors map[string]string) error {
	var wanted []cursorRow
	for name, value := range cursors {
		if value != "" {
			wanted = append(wanted, cursorRow{c.source, name, value})
		}
	}
	named := c.ofSource().in("name", anys(slices.Collect(maps.Keys(cursors))))
	_, _, err := replace(ctx, c.tx, named, wanted, nil)
	return err
}
