package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// table declares the columns of a table once, bound to the fields of one Go
// value: put and read derive their SQL from it.
type table struct {
	name    string
	columns []column
}

// column is a column with a pointer to its field, which database/sql reads from
// and writes to.
type column struct {
	name  string
	field any
	role  role
}

// role is what a conflict does with a column.
type role int

const (
	// replaced takes the value of the new row.
	replaced role = iota
	// key is part of the key whose conflict means that the row is there.
	key
	// fixed keeps the value of the row that is there.
	fixed
)

// rowOf is a Go value that declares its table. The pointers of the columns must
// stay valid when the value is overwritten.
type rowOf[T any] interface {
	*T
	table() table
}

// listed are the names of the columns that have one of the roles.
func (t table) listed(roles ...role) []string {
	var names []string
	for _, c := range t.columns {
		for _, r := range roles {
			if c.role == r {
				names = append(names, c.name)
			}
		}
	}
	return names
}

// onConflict replaces what is there under the key.
func (t table) onConflict() string {
	keys, set := t.listed(key), t.listed(replaced)
	if len(keys) == 0 {
		return ""
	}
	clause := `ON CONFLICT (` + strings.Join(keys, ", ") + `) DO `
	if len(set) == 0 {
		return clause + `NOTHING`
	}
	for i, name := range set {
		set[i] = name + ` = excluded.` + name
	}
	return clause + `UPDATE SET ` + strings.Join(set, ", ")
}

// put inserts rows, or replaces those that have the same key. No two of them may
// have one key.
func put[T any, P rowOf[T]](ctx context.Context, t *tx, rows ...T) error {
	if len(rows) == 0 {
		return nil
	}
	var row T
	table := P(&row).table()
	args := make([][]any, len(rows))
	for i := range rows {
		row = rows[i]
		args[i] = make([]any, len(table.columns))
		for k, c := range table.columns {
			var err error
			if args[i][k], err = driver.DefaultParameterConverter.ConvertValue(c.field); err != nil {
				return fmt.Errorf("table %s, column %s: %w", table.name, c.name, err)
			}
		}
	}
	names := strings.Join(table.listed(key, fixed, replaced), ", ")
	return t.insert(ctx, `INSERT INTO `+table.name+` (`+names+`)`, table.onConflict(), args)
}

// read calls fn with every row of T's table that the rest of the statement
// selects: what follows the name of the table.
func read[T any, P rowOf[T]](ctx context.Context, q queryer, rest string, args []any, fn func(T) error) error {
	var row T
	table := P(&row).table()
	fields := make([]any, len(table.columns))
	for i, c := range table.columns {
		fields[i] = c.field
	}
	query := `SELECT ` + strings.Join(table.listed(key, fixed, replaced), ", ") + ` FROM ` + table.name + ` ` + rest
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
func readIn[T any, P rowOf[T], K any](ctx context.Context, q queryer, rest string, args []any, keys []K, fn func(T) error) error {
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
func (s *scalar) columns() []column {
	return []column{{"kind", &s.kind, replaced}, {"instant", &s.instant, replaced}, {"num", &s.num, replaced}}
}

// value is the zero value for one without a kind.
func (s *scalar) value() (evidence.Value, error) {
	if s.kind == int64(evidence.KindInvalid) {
		return evidence.Value{}, nil
	}
	return evidence.Stored(evidence.Kind(s.kind), s.instant, s.num)
}
