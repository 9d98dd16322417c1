package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// table declares the columns of a table once, bound to the fields of one Go
// value: put and read derive their SQL from it. The pointers must stay valid when
// the value is overwritten.
type table struct {
	name string
	// A row whose key is there already replaces the data of that row, and leaves
	// its fixed columns as they are.
	key, fixed, data columns
}

// columns are names with pointers, which database/sql reads from and writes to.
type columns []struct {
	name  string
	field any
}

func (c columns) names() []string {
	names := make([]string, len(c))
	for i := range c {
		names[i] = c[i].name
	}
	return names
}

func (t table) all() columns { return slices.Concat(t.key, t.fixed, t.data) }

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

// values are the present values of the fields as they are stored.
func (c columns) values() ([]any, error) {
	values := make([]any, len(c))
	for i := range c {
		value, err := driver.DefaultParameterConverter.ConvertValue(c[i].field)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c[i].name, err)
		}
		if s, ok := value.(string); ok {
			value = text(s)
		}
		values[i] = value
	}
	return values, nil
}

// rowOf is a Go value that declares its table.
type rowOf[T any] interface {
	*T
	table() table
}

// put inserts rows, or replaces those that have the same key. No two of them may
// have one key.
func put[T any, P rowOf[T]](ctx context.Context, t *tx, rows ...T) error {
	if len(rows) == 0 {
		return nil
	}
	var row T
	table := P(&row).table()
	all := table.all()
	args := make([][]any, len(rows))
	for i := range rows {
		row = rows[i]
		var err error
		if args[i], err = all.values(); err != nil {
			return fmt.Errorf("table %s: %w", table.name, err)
		}
	}
	return t.insert(ctx, `INSERT INTO `+table.name+` (`+strings.Join(all.names(), ", ")+`)`, table.onConflict(), args)
}

// same reports whether two rows are stored with the same data, whichever
// transaction wrote them.
func same[T any, P rowOf[T]](a, b T) bool {
	x, y := P(&a).table().data, P(&b).table().data
	for i := range x {
		if x[i].name == "seq" {
			continue
		}
		v, _ := x[i : i+1].values() // what cannot be stored is not the same
		w, _ := y[i : i+1].values()
		if len(v) == 0 || !slices.Equal(v, w) {
			return false
		}
	}
	return true
}

// read calls fn with every row of T's table that the rest of the statement
// selects: what follows the name of the table.
func read[T any, P rowOf[T]](ctx context.Context, q queryer, rest string, args []any, fn func(T) error) error {
	var row T
	table := P(&row).table()
	all := table.all()
	fields := make([]any, len(all))
	for i := range all {
		fields[i] = all[i].field
	}
	query := `SELECT ` + strings.Join(all.names(), ", ") + ` FROM ` + table.name + ` ` + rest
	return each(ctx, q, query, args, func(rows *sql.Rows) error {
		row = *new(T)
		if err := rows.Scan(fields...); err != nil {
			return fmt.Errorf("table %s: %w", table.name, err)
		}
		return fn(row)
	})
}

// readIn is read for a statement that ends with IN: it is repeated for parts of
// the keys.
func readIn[T any, P rowOf[T], K any](ctx context.Context, q queryer, rest string, args []any, keys []K,
	fn func(T) error) error {
	return chunks(keys, func(part []K) error {
		return read[T, P](ctx, q, rest+` (`+placeholders(len(args)+1, len(part))+`)`, with(args, part), fn)
	})
}

// execIn runs a statement that ends with IN for parts of the keys.
func execIn[K any](ctx context.Context, t *tx, statement string, args []any, keys []K) error {
	return chunks(keys, func(part []K) error {
		return t.exec(ctx, statement+` (`+placeholders(len(args)+1, len(part))+`)`, with(args, part)...)
	})
}

// greatest is the greatest number in a column, 0 in an empty table.
func greatest(ctx context.Context, q queryer, column, table string) (n int64, err error) {
	err = each(ctx, q, `SELECT COALESCE(MAX(`+column+`), 0) FROM `+table, nil,
		func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// required is a column that is never NULL: microseconds since the Unix epoch.
type required time.Time

// timeOf binds a required time.
func timeOf(t *time.Time) *required { return (*required)(t) }

// Scan implements sql.Scanner.
func (r *required) Scan(from any) error {
	us, ok := from.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", from)
	}
	*r = required(instant(us))
	return nil
}

// Value implements driver.Valuer.
func (r required) Value() (driver.Value, error) { return micros(time.Time(r)), nil }

// nullable is a time column that is NULL for the zero time.
type nullable time.Time

// timeOrNull binds a time that may be zero.
func timeOrNull(t *time.Time) *nullable { return (*nullable)(t) }

// Scan implements sql.Scanner.
func (n *nullable) Scan(from any) error {
	if from == nil {
		*n = nullable{}
		return nil
	}
	return (*required)(n).Scan(from)
}

// Value implements driver.Valuer.
func (n nullable) Value() (driver.Value, error) { return optional(time.Time(n)), nil }

// encoded is a text column with the JSON of a field.
type encoded struct{ field any }

// asJSON binds what field points to.
func asJSON(field any) encoded { return encoded{field} }

// Scan implements sql.Scanner.
func (e encoded) Scan(from any) error {
	body, ok := from.(string)
	if !ok {
		return fmt.Errorf("JSON is stored as %T", from)
	}
	return json.Unmarshal([]byte(body), e.field)
}

// Value implements driver.Valuer.
func (e encoded) Value() (driver.Value, error) {
	body, err := json.Marshal(e.field)
	return string(body), err
}

// scalar is an evidence.Value in three columns.
type scalar struct {
	kind    int64
	instant bool
	num     float64
}

func scalarOf(v evidence.Value) scalar {
	return scalar{kind: int64(v.Kind()), instant: v.IsInstant(), num: v.Number()}
}

// columns are those of the value, in every table that has one.
func (s *scalar) columns() columns {
	return columns{{"kind", &s.kind}, {"instant", &s.instant}, {"num", &s.num}}
}

// value is the zero value for one without a kind.
func (s *scalar) value() (evidence.Value, error) {
	if s.kind == int64(evidence.KindInvalid) {
		return evidence.Value{}, nil
	}
	return evidence.Stored(evidence.Kind(s.kind), s.instant, s.num)
}
