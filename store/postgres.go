package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// migrationLock is the advisory lock that replicas starting together take in
// turn.
const migrationLock = 0x52444e53

// endIdleAfter is how long a writing transaction may wait for its process.
const endIdleAfter = 10 * time.Second

// openPostgres opens a database by URL. Replicas may share it: the sequence row
// that every writing transaction takes first puts them in line.
func (s *Store) openPostgres(ctx context.Context, address string, o Options, readOnly bool) error {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		// The parser quotes what it could not read, and that may be a password.
		return fmt.Errorf("%w: the store's postgres:// url cannot be read: want "+
			"postgres://user:password@host:5432/database, special characters percent-encoded", ErrAddress)
	}
	place := fmt.Sprintf("store postgres://%s:%d/%s", config.Host, config.Port, config.Database)

	s.numbersPlaceholders = true
	reading := config.Copy()
	reading.RuntimeParams["default_transaction_read_only"] = "on"
	s.read = stdlib.OpenDB(*reading)
	s.read.SetMaxOpenConns(o.readers())
	s.read.SetMaxIdleConns(o.readers())
	s.readTx = &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if err := s.read.PingContext(ctx); err != nil {
		if unreachable(err) {
			return fmt.Errorf("%s: connecting: %w: %w", place, ErrUnreachable, withoutConfig(err))
		}
		return fmt.Errorf("%s: connecting: %w", place, withoutConfig(err))
	}
	if err := foreignPostgres(ctx, s.read); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	if readOnly {
		if err := ownSchema(ctx, s.read); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		return nil
	}

	// The next writer waits for the last one. One that was frozen or lost in the middle of
	// a transaction must not keep all others waiting until its connection is given up.
	config.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(endIdleAfter.Milliseconds(), 10)
	s.write = stdlib.OpenDB(*config)
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock))
	if err != nil {
		return fmt.Errorf("%s: preparing the migration lock: %w", place, err)
	}
	if err := migrate(ctx, s.write, goose.DialectPostgres, goose.WithSessionLocker(locker)); err != nil {
		var coded *pgconn.PgError
		if errors.As(err, &coded) && (coded.Code == "42501" || coded.Code == "25006") {
			return fmt.Errorf("%s: %w: %w: let this user create tables in the schema", place, ErrUnwritable, err)
		}
		return fmt.Errorf("%s: %w", place, err)
	}
	if s.copies, err = mayCopy(ctx, s.write); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	// One more than writes at once, so that a waiting writer is not in the way
	// of the next; they take turns at the sequence row.
	s.write.SetMaxOpenConns(2)
	return nil
}

// mayCopy reports whether the user may make the temporary table that COPY needs. Where
// it may not, all rows are written by INSERT.
func mayCopy(ctx context.Context, db *sql.DB) (may bool, err error) {
	const question = `SELECT has_database_privilege(current_database(), 'TEMPORARY')`
	if err := db.QueryRowContext(ctx, question).Scan(&may); err != nil {
		return false, fmt.Errorf("asking whether temporary tables may be made: %w", err)
	}
	return may, nil
}

// insertCopied is insert for many rows on PostgreSQL. COPY has no conflict clause, so it
// writes the rows to a temporary table with the columns and types of the table, and one
// statement inserts them from there. The temporary table exists as long as the
// connection and is empty between transactions.
func (t *tx) insertCopied(
	ctx context.Context, head, table string, columns []string, tail string, rows [][]any,
) error {
	list := strings.Join(columns, ", ")
	incoming := "incoming_" + table
	_, err := t.ExecContext(ctx, `CREATE TEMPORARY TABLE IF NOT EXISTS `+incoming+` ON COMMIT DELETE ROWS AS
		SELECT `+list+` FROM `+table+` WITH NO DATA`)
	if err != nil {
		return fmt.Errorf("making a temporary table: %w", err)
	}
	err = t.conn.Raw(func(driverConn any) error {
		conn, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the driver's connection %T has no COPY", driverConn)
		}
		_, err := conn.Conn().CopyFrom(ctx, pgx.Identifier{"pg_temp", incoming}, columns, pgx.CopyFromRows(rows))
		return err
	})
	if err != nil {
		return fmt.Errorf("copying %d rows: %w", len(rows), err)
	}
	if err := t.count(t.ExecContext(ctx, head+` SELECT `+list+` FROM pg_temp.`+incoming+` `+tail)); err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `TRUNCATE pg_temp.`+incoming)
	return err
}

// foreignPostgres refuses a schema with tables of another program. It is one
// query: between two, a replica that starts at the same moment might make the
// tables.
func foreignPostgres(ctx context.Context, db *sql.DB) error {
	var table string
	err := db.QueryRowContext(ctx, `SELECT table_name FROM information_schema.tables
		WHERE table_schema = current_schema() ORDER BY CASE WHEN table_name = $1 THEN 0 ELSE 1 END
		LIMIT 1`, versionTable).Scan(&table)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && table == versionTable:
		return nil
	case err != nil:
		return fmt.Errorf("looking at its tables: %w", err)
	}
	return fmt.Errorf("%w: its schema holds the table %q of another program: give the collector a database, or a schema "+
		"by ?search_path=, of its own", ErrForeign, table)
}

// withoutConfig keeps what the server or network said and leaves out pgx's
// description of the configuration.
func withoutConfig(err error) error {
	if connecting, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		if cause := connecting.Unwrap(); cause != nil {
			return cause
		}
	}
	return err
}

// unreachable reports whether a server may answer later: it is not there, or it starts,
// stops or has no connection left. What a server has refused is not.
func unreachable(err error) bool {
	if coded, ok := errors.AsType[*pgconn.PgError](err); ok {
		return coded.Code == "53300" || strings.HasPrefix(coded.Code, "57P")
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	return connecting
}
