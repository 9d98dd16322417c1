package store

import (
	"iter"
	"slices"
)

// keysPerQuery bounds the placeholders of one IN list.
const keysPerQuery = 200

// condition selects rows of a table. Its zero value selects all.
type condition struct {
	// sql is the text after WHERE, with a question mark for each of args.
	sql  string
	args []any
	// column, if not empty, must have one of the keys as its value.
	column string
	keys   []any
	// order is what follows, with ORDER BY.
	order string
}

func where(sql string, args ...any) condition { return condition{sql: sql, args: args} }

// and adds a condition.
func (c condition) and(sql string, args ...any) condition {
	if c.sql != "" {
		sql = c.sql + ` AND ` + sql
	}
	c.sql, c.args = sql, slices.Concat(c.args, args)
	return c
}

// in selects the rows whose column has one of the keys; none without keys.
func (c condition) in(column string, keys []any) condition {
	c.column, c.keys = column, keys
	return c
}

func (c condition) ordered(by string) condition {
	c.order = ` ORDER BY ` + by
	return c
}

// statements are what follows the name of the table, with the arguments: once
// for each keysPerQuery keys.
func (c condition) statements() iter.Seq2[string, []any] {
	return func(yield func(string, []any) bool) {
		if c.column == "" {
			sql := c.sql
			if sql != "" {
				sql = ` WHERE ` + sql
			}
			yield(sql+c.order, c.args)
			return
		}
		for keys := range slices.Chunk(c.keys, keysPerQuery) {
			keys = padded(keys)
			part := c.and(c.column+` IN (`+placeholders(len(keys))+`)`, keys...)
			if !yield(` WHERE `+part.sql+c.order, part.args) {
				return
			}
		}
	}
}

// padded is at most keysPerQuery keys, of which the last may be repeated, so that
// few different statements are parsed.
func padded[T any](keys []T) []T {
	for _, size := range []int{0, 1, 8, 40, keysPerQuery} {
		if len(keys) <= size {
			all := slices.Clone(keys)
			for len(all) < size {
				all = append(all, keys[len(keys)-1])
			}
			return all
		}
	}
	return keys
}

// anys are the members of a list as arguments.
func anys[T any](list []T) []any {
	all := make([]any, len(list))
	for i := range list {
		all[i] = list[i]
	}
	return all
}
