package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// maxRows is how many rows one statement inserts at most. It suits both
// databases: ten times as many is six times slower on SQLite.
const maxRows = 50

// rowsPerStatement is how many of n rows the next statement inserts. It has few
// values, so that few different statements are parsed.
func rowsPerStatement(n int) int {
	for _, size := range []int{maxRows, 8} {
		if n >= size {
			return size
		}
	}
	return 1
}

// keysPerQuery bounds the placeholders of one IN list.
const keysPerQuery = 200

// tx is one writing transaction.
type tx struct {
	*sql.Tx
	store *Store
	// seq numbers the transaction and marks the rows it changes.
	seq int64
	// interned are the names made in this transaction; they become known to
	// the store when it commits.
	interned [nameTables]map[string]int64
	// written counts the rows changed, the sequence row not included.
	written int64
}

// inTx runs fn in one transaction: all of it is committed, or nothing.
func (s *Store) inTx(ctx context.Context, doing string, fn func(*tx) error) error {
	if s.write == nil {
		return fmt.Errorf("%s: the store was opened for reading: %w", doing, ErrUnwritable)
	}
	begun, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: beginning a transaction: %w", doing, err)
	}
	t := &tx{Tx: begun, store: s}
	// Taken first of all: it is the lock that puts writers in line, so that a
	// sequence number is never seen before a smaller one.
	err = t.QueryRowContext(ctx, `UPDATE readiness_owner SET seq = seq + 1 WHERE id = 1 RETURNING seq`).Scan(&t.seq)
	if err == nil {
		err = fn(t)
	}
	if err != nil {
		rollback := begun.Rollback()
		if errors.Is(rollback, sql.ErrTxDone) {
			rollback = nil
		}
		return errors.Join(fmt.Errorf("%s: %w", doing, err), rollback)
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("%s: committing: %w", doing, err)
	}
	for table, made := range t.interned {
		s.names.add(nameTable(table), made)
	}
	return nil
}

// exec runs a statement and counts the rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) error {
	return t.count(t.ExecContext(ctx, query, args...))
}

// count adds the rows that a statement has changed.
func (t *tx) count(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	t.written += n
	return nil
}

// insert writes rows, some at a time. head ends before VALUES, tail is the
// conflict clause. No two rows may have one key.
func (t *tx) insert(ctx context.Context, head, tail string, rows [][]any) error {
	for len(rows) > 0 {
		n, width := rowsPerStatement(len(rows)), len(rows[0])
		statement := head + " VALUES " + tuples(n, width) + " " + tail
		if err := t.exec(ctx, statement, flatten(rows[:n], width)...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func flatten(rows [][]any, width int) []any {
	args := make([]any, 0, len(rows)*width)
	for _, row := range rows {
		args = append(args, row...)
	}
	return args
}

// tuples is ($1,$2),($3,$4) for rows of the given width.
func tuples(rows, width int) string {
	var b strings.Builder
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		b.WriteString(placeholders(i*width+1, width))
		b.WriteByte(')')
	}
	return b.String()
}

// placeholders is $from,…: n of them.
func placeholders(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	return b.String()
}

// chunks calls fn with parts of keys for an IN list. The last part is padded with
// copies of its last key, so that few different statements are parsed.
func chunks[T any](keys []T, fn func([]T) error) error {
	for len(keys) > keysPerQuery {
		if err := fn(keys[:keysPerQuery]); err != nil {
			return err
		}
		keys = keys[keysPerQuery:]
	}
	if len(keys) == 0 {
		return nil
	}
	return fn(padded(keys))
}

// padded is at most keysPerQuery keys, of which the last may be repeated.
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

// with is args followed by keys.
func with[T any](args []any, keys []T) []any {
	all := append([]any(nil), args...)
	for _, k := range keys {
		all = append(all, k)
	}
	return all
}

// queryer is what transactions and pools have in common.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each runs a query and calls scan for every row. The rows are closed before
// it returns, so that nothing is executed inside them.
func each(ctx context.Context, q queryer, query string, args []any, scan func(*sql.Rows) error) (err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// view runs fn in one reading transaction, which sees one state throughout. The
// names are loaded.
func (s *Store) view(ctx context.Context, doing string, fn func(*sql.Tx) error) error {
	begun, err := s.read.BeginTx(ctx, s.readTx)
	if err != nil {
		return fmt.Errorf("%s: beginning to read: %w", doing, err)
	}
	if err = s.names.load(ctx, begun); err == nil {
		err = fn(begun)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", doing, err)
	}
	// Rolled back, since there is nothing to commit.
	if rollback := begun.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
		err = errors.Join(err, rollback)
	}
	return err
}

// Sequence is the number of the newest committed transaction.
func (s *Store) Sequence(ctx context.Context) (int64, error) {
	seq, err := sequence(ctx, s.read)
	if err != nil {
		return 0, fmt.Errorf("reading the store's sequence: %w", err)
	}
	return seq, nil
}

func sequence(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (seq int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT seq FROM readiness_owner WHERE id = 1`).Scan(&seq)
	return seq, err
}

// micros is a time as the database keeps it. The zero time has its own number,
// for columns that are never NULL.
func micros(t time.Time) int64 { return t.UnixMicro() }

// optional is micros, and NULL for the zero time.
func optional(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// instant is the inverse of micros.
func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

// instantOf is the inverse of optional.
func instantOf(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return instant(us.Int64)
}

// text makes any string storable. Sources have cleaned theirs; a slip must not
// abort a transaction.
func text(s string) string { return evidence.Clean(s, math.MaxInt) }
