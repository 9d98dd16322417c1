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

// maxRows is how many rows one statement inserts at most.
const maxRows = 50

// copyRowsFrom is the number of rows from which PostgreSQL gets them by COPY: with fewer
// the table in between costs more than it saves.
const copyRowsFrom = 500

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

// view is a reading transaction, which sees one state throughout.
type view struct {
	*sql.Tx
	store *Store
	// made are the names that a writing transaction has added so far.
	made [nameTables]nameSet
}

// reader is a transaction in which rows are read.
type reader interface{ reading() *view }

func (v *view) reading() *view { return v }

// tx is a writing transaction.
type tx struct {
	view
	// conn is the connection of the transaction.
	conn *sql.Conn
	// seq numbers the transaction and marks the rows it changes.
	seq int64
	// written counts the rows changed, the sequence row not included.
	written int64
}

// view runs fn in one reading transaction.
func (s *Store) view(ctx context.Context, doing string, fn func(*view) error) error {
	begun, err := s.read.BeginTx(ctx, s.readTx)
	if err != nil {
		return fmt.Errorf("%s: beginning to read: %w", doing, err)
	}
	v := &view{Tx: begun, store: s}
	if err = v.loadNames(ctx); err == nil {
		err = fn(v)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", doing, damaged(err))
	}
	// Rolled back, since there is nothing to commit.
	return errors.Join(err, rollback(begun))
}

// inTx runs fn in one writing transaction: all of it is committed, or nothing.
func (s *Store) inTx(ctx context.Context, doing string, fn func(*tx) error) (err error) {
	if s.write == nil {
		return fmt.Errorf("%s: the store was opened for reading: %w", doing, ErrUnwritable)
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("%s: connecting: %w", doing, err)
	}
	defer func() { err = errors.Join(err, giveBack(conn)) }()
	begun, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: beginning a transaction: %w", doing, err)
	}
	t := &tx{view: view{Tx: begun, store: s}, conn: conn}
	// This comes first: the lock on the row makes writers wait for each other, so
	// that a sequence number is never visible before a smaller one.
	err = t.QueryRowContext(ctx, `UPDATE readiness_owner SET seq = seq + 1 WHERE id = 1 RETURNING seq`).Scan(&t.seq)
	if err == nil {
		err = t.loadNames(ctx)
	}
	if err == nil {
		err = fn(t)
	}
	if err == nil {
		err = t.insertNames(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", doing, damaged(err)), rollback(begun))
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("%s: committing: %w", doing, err)
	}
	s.names.add(t.made)
	return nil
}

// giveBack returns a connection to those that wait for one.
func giveBack(conn *sql.Conn) error {
	if err := conn.Close(); !errors.Is(err, sql.ErrConnDone) { // a broken one is gone already
		return err
	}
	return nil
}

func rollback(t *sql.Tx) error {
	if err := t.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// statement adapts a statement to the database: strings are
// cleaned, times are microseconds, names are ids, and PostgreSQL numbers its
// placeholders, which are question marks here.
func (v *view) statement(query string, args []any) (string, []any) {
	args = slices.Clone(args)
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = text(arg)
		case time.Time:
			args[i] = micros(arg)
		case nameIn:
			args[i] = v.id(arg)
		}
	}
	return v.numbered(query), args
}

// numbered replaces question marks by $1, $2 for PostgreSQL. SQLite accepts them,
// too, but searches a list of all of the statement for each.
func (v *view) numbered(query string) string {
	if !v.store.numbersPlaceholders {
		return query
	}
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

// placeholders is ?,? for n values; NULL, which nothing equals, for none.
func placeholders(n int) string {
	if n == 0 {
		return "NULL"
	}
	return strings.Repeat("?,", n-1) + "?"
}

// exec runs a statement and counts the rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) error {
	query, args = t.statement(query, args)
	return t.count(t.ExecContext(ctx, query, args...))
}

// execWhere runs a statement that ends with a condition.
func (t *tx) execWhere(ctx context.Context, statement string, args []any, c condition) error {
	for where, more := range c.statements() {
		if err := t.exec(ctx, statement+where, slices.Concat(args, more)...); err != nil {
			return err
		}
	}
	return nil
}

// count adds the rows that a statement has changed.
func (t *tx) count(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	t.written += n
	return err
}

// insert writes rows to columns of a table. tail is the conflict clause. No two rows may
// have one key.
func (t *tx) insert(ctx context.Context, table string, columns []string, tail string, rows [][]any) error {
	head := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `)`
	if t.store.copies && len(rows) >= copyRowsFrom {
		return t.insertCopied(ctx, head, table, columns, tail, rows)
	}
	for len(rows) > 0 {
		n := rowsPerStatement(len(rows))
		tuple := "(" + placeholders(len(rows[0])) + ")"
		statement := head + " VALUES " + strings.Repeat(tuple+",", n-1) + tuple + " " + tail
		if err := t.count(t.ExecContext(ctx, t.numbered(statement), slices.Concat(rows[:n]...)...)); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// each runs a query and calls scan for every row. The rows are closed before
// it returns, so that nothing is executed inside them.
func each(ctx context.Context, r reader, query string, args []any, scan func(*sql.Rows) error) (err error) {
	v := r.reading()
	query, args = v.statement(query, args)
	rows, err := v.QueryContext(ctx, query, args...)
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

// number is the result of a query for one number; 0 for NULL.
func number(ctx context.Context, r reader, query string, args ...any) (int64, error) {
	var n sql.NullInt64
	err := each(ctx, r, query, args, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n.Int64, err
}

// queryNumber runs number in a new view.
func (s *Store) queryNumber(ctx context.Context, doing, query string, args ...any) (n int64, err error) {
	err = s.view(ctx, doing, func(v *view) (err error) {
		n, err = number(ctx, v, query, args...)
		return err
	})
	return n, err
}

const newestSequence = `SELECT seq FROM readiness_owner WHERE id = 1`

// Sequence is the number of the newest committed transaction.
func (s *Store) Sequence(ctx context.Context) (int64, error) {
	return s.queryNumber(ctx, "reading the store's sequence", newestSequence)
}

// HistorySequence numbers the transaction that last changed an incident or a
// review, so that a reader knows when to read them again. It is 0 when there
// are none.
func (s *Store) HistorySequence(ctx context.Context) (int64, error) {
	return s.queryNumber(ctx, "reading when incidents and reviews last changed",
		`SELECT MAX(seq) FROM (SELECT MAX(seq) AS seq FROM incidents UNION ALL SELECT MAX(seq) FROM reviews) AS newest`)
}

// micros is a time as the database keeps it. The zero time has its own number,
// for columns that are never NULL.
func micros(t time.Time) int64 { return t.UnixMicro() }

// instant is the inverse of micros.
func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

// storedTime is a time as it is read back from the database.
func storedTime(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return instant(micros(t))
}

// text makes any string storable. Sources clean their strings; one that does not
// must not make a transaction fail.
func text(s string) string { return evidence.Clean(s, math.MaxInt) }
