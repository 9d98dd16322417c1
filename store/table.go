package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
)

// table declares the columns of a table once, bound to the fields of one Go
// value: reading and writing derive their SQL from it. The pointers must stay
// valid when the value is overwritten.
type table struct {
	name string
	// On a key conflict the data columns are overwritten and the fixed ones are kept.
	key, fixed, data columns
	// services, if not nil, are the services of a row with a number.
	services *serviceList
}

// rowOf is a Go value that declares its table.
type rowOf[T any] interface {
	*T
	table() table
}

func (t table) written() columns { return slices.Concat(t.key, t.fixed, t.data) }

func (t table) onConflict() string {
	clause := `ON CONFLICT (` + strings.Join(t.key.names(), ", ") + `) DO `
	if len(t.data) == 0 {
		return clause + `NOTHING`
	}
	set := t.data.names()
	for i, name := range set {
		set[i] = name + ` = excluded.` + name
	}
	return clause + `UPDATE SET ` + strings.Join(set, ", ")
}

// read calls fn with every row of T's table that a condition selects.
func read[T any, P rowOf[T]](ctx context.Context, r reader, c condition, fn func(T) error) error {
	var row T
	table, view := P(&row).table(), r.reading()
	all := table.written()
	if table.services != nil {
		all = append(all, table.services.column(table.name, view))
	}
	fields := make([]any, len(all))
	for i := range all {
		fields[i] = all[i].field
		if name, ok := fields[i].(nameColumn); ok {
			fields[i] = name.scanner(view)
		}
	}
	query := `SELECT ` + strings.Join(all.names(), ", ") + ` FROM ` + table.name
	for where, args := range c.statements() {
		err := each(ctx, r, query+where, args, func(rows *sql.Rows) error {
			row = *new(T)
			if err := rows.Scan(fields...); err != nil {
				return fmt.Errorf("table %s: %w", table.name, err)
			}
			return fn(row)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// collect reads the rows that a condition selects, in a read transaction of its
// own, and returns get(row) for each.
func collect[T, V any, P rowOf[T]](
	ctx context.Context, s *Store, doing string, c condition, get func(T) V,
) ([]V, error) {
	var found []V
	err := s.view(ctx, doing, func(v *view) error {
		return read[T, P](ctx, v, c, func(row T) error {
			found = append(found, get(row))
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// pageRows is how many rows are in memory at once when many are read in pages.
const pageRows = 1000

// readPages is read for any number of rows, in the order of the given columns,
// which must be unique together. No transaction is open while fn runs, so it may
// write. An error of fn ends it and is returned as it is.
func readPages[T any, P rowOf[T]](
	ctx context.Context, s *Store, doing string, c condition, order []string, fn func(T) error,
) error {
	by := strings.Join(order, ", ")
	page := c
	for {
		limited := page.ordered(fmt.Sprintf(`%s LIMIT %d`, by, pageRows))
		rows, err := collect[T, T, P](ctx, s, doing, limited, func(row T) T { return row })
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := fn(row); err != nil {
				return err
			}
		}
		if len(rows) < pageRows {
			return nil
		}
		last := make([]any, len(order))
		for _, column := range P(&rows[len(rows)-1]).table().written() {
			if i := slices.Index(order, column.name); i >= 0 {
				if last[i], err = stored(column.field); err != nil {
					return err
				}
			}
		}
		page = c.and(`(`+by+`) > (`+placeholders(len(last))+`)`, last...)
	}
}

// stored is the present value of a field as it is stored; for a nameColumn, the
// name and not its id.
func stored(field any) (any, error) {
	if name, ok := field.(nameColumn); ok {
		return text(*name.name), nil
	}
	value, err := driver.DefaultParameterConverter.ConvertValue(field)
	if s, ok := value.(string); ok {
		value = text(s)
	}
	return value, err
}

// keyOf returns a function that makes a text of the key of a row.
func keyOf[T any, P rowOf[T]]() func(T) (string, error) {
	var bound T
	columns := P(&bound).table().key
	return func(row T) (string, error) {
		bound = row
		var b strings.Builder
		for _, column := range columns {
			value, err := stored(column.field)
			if err != nil {
				return "", fmt.Errorf("column %s: %w", column.name, err)
			}
			fmt.Fprintf(&b, "%v\x00", value)
		}
		return b.String(), nil
	}
}

// same reports whether two rows are stored with the same data and services,
// whichever transaction wrote them.
func same[T any, P rowOf[T]](a, b T) bool {
	x, y := P(&a).table(), P(&b).table()
	for i := range x.data {
		if _, ok := x.data[i].field.(*transactionNumber); ok {
			continue
		}
		v, err := stored(x.data[i].field)
		w, errOther := stored(y.data[i].field)
		if err != nil || errOther != nil || v != w { // what cannot be stored is not the same
			return false
		}
	}
	return x.services == nil || slices.Equal(*x.services.services, *y.services.services)
}

// put inserts rows, or replaces those that have the same key. No two of them may
// have one key.
func put[T any, P rowOf[T]](ctx context.Context, t *tx, rows ...T) error {
	if len(rows) == 0 {
		return nil
	}
	var row T
	table := P(&row).table()
	all := table.written()
	args := make([][]any, len(rows))
	links := linkChange{serviceList: table.services}
	for i := range rows {
		row = rows[i]
		if err := links.add(ctx, t, table.name); err != nil {
			return err
		}
		args[i] = make([]any, len(all))
		for j := range all {
			var err error
			if args[i][j], err = t.value(all[j].field); err != nil {
				return fmt.Errorf("table %s, column %s: %w", table.name, all[j].name, err)
			}
		}
	}
	if err := t.insert(ctx, table.name, all.names(), table.onConflict(), args); err != nil {
		return err
	}
	return links.write(ctx, t)
}

// value is what the database gets for a field.
func (t *tx) value(field any) (any, error) {
	switch f := field.(type) {
	case nameColumn:
		return t.intern(nameIn{f.table, *f.name}), nil
	case *transactionNumber:
		return t.seq, nil
	}
	return stored(field)
}

// linkChange collects the rows of a serviceList that some rows need.
type linkChange struct {
	*serviceList
	// last is the highest row number in use; 0 until the first new row needs one.
	last int64
	// stale are the numbers of the rows whose stored services are to be deleted.
	stale []any
	// rows are the rows to insert: row number and id of a service.
	rows [][]any
}

// add numbers the present row, if it is new, and adds its services, if they are
// not those that are stored.
func (l *linkChange) add(ctx context.Context, t *tx, table string) (err error) {
	if l.serviceList == nil || l.row.num != 0 && slices.Equal(*l.services, l.row.services) {
		return nil
	}
	if l.row.num != 0 {
		l.stale = append(l.stale, l.row.num)
	} else {
		if l.last == 0 {
			if l.last, err = number(ctx, t, `SELECT MAX(num) FROM `+table); err != nil {
				return err
			}
		}
		l.last++
		l.row.num = l.last
	}
	for _, service := range *l.services {
		l.rows = append(l.rows, []any{l.row.num, t.intern(nameIn{serviceNames, service})})
	}
	return nil
}

func (l *linkChange) write(ctx context.Context, t *tx) error {
	if l.serviceList == nil {
		return nil
	}
	if err := t.execWhere(ctx, `DELETE FROM `+l.table, nil, condition{}.in(l.parent, l.stale)); err != nil {
		return err
	}
	return t.insert(ctx, l.table, []string{l.parent, "service_id"}, ``, l.rows)
}

// remove deletes rows by their keys.
func remove[T any, P rowOf[T]](ctx context.Context, t *tx, rows ...T) error {
	for _, row := range rows {
		table := P(&row).table()
		var args []any
		for _, column := range table.key {
			value, err := t.value(column.field)
			if err != nil {
				return err
			}
			args = append(args, value)
		}
		err := t.exec(ctx, `DELETE FROM `+table.name+` WHERE `+strings.Join(table.key.names(), ` = ? AND `)+` = ?`, args...)
		if err != nil {
			return fmt.Errorf("table %s: %w", table.name, err)
		}
	}
	return nil
}

// upsert writes those of the wanted rows that are new or differ from the stored
// ones, which are among those that the condition selects. It returns what it
// wrote and the selected rows that are not wanted. merge(old, new) gives the row to
// store, where old is the stored row, or an earlier wanted one, with the same key.
// Without merge it is new, and of two wanted rows with one key the last counts.
func upsert[T any, P rowOf[T]](
	ctx context.Context, t *tx, c condition, wanted []T, merge func(old, now T) T,
) (written, others []T, err error) {
	if merge == nil {
		merge = func(_, now T) T { return now }
	}
	key, byKey, order := keyOf[T, P](), map[string]T{}, []string(nil)
	for _, row := range wanted {
		id, err := key(row)
		if err != nil {
			return nil, nil, err
		}
		if had, twice := byKey[id]; twice {
			row = merge(had, row)
		} else {
			order = append(order, id)
		}
		byKey[id] = row
	}
	err = read[T, P](ctx, t, c, func(old T) error {
		id, err := key(old)
		if err != nil {
			return err
		}
		now, ok := byKey[id]
		if !ok {
			others = append(others, old)
			return nil
		}
		now = merge(old, now)
		if same[T, P](old, now) {
			delete(byKey, id)
			return nil
		}
		if list := P(&now).table().services; list != nil {
			*list.row = *P(&old).table().services.row
		}
		byKey[id] = now
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, id := range order {
		if row, ok := byKey[id]; ok {
			written = append(written, row)
		}
	}
	return written, others, put[T, P](ctx, t, written...)
}

// replace makes the selected rows exactly the wanted ones. It returns those it
// wrote and those it deleted.
func replace[T any, P rowOf[T]](
	ctx context.Context, t *tx, c condition, wanted []T, merge func(old, now T) T,
) (written, deleted []T, err error) {
	if written, deleted, err = upsert[T, P](ctx, t, c, wanted, merge); err != nil {
		return nil, nil, err
	}
	return written, deleted, remove[T, P](ctx, t, deleted...)
}
