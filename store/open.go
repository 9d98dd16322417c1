// Package store keeps what was observed and judged in an SQL database: SQLite
// by default, PostgreSQL by URL. One SQL text serves both.
//
// The store is change-only. A value that is observed again without having
// changed writes no row: the one coverage row of its group has the time of the
// observation. A steady round therefore writes a number of rows that depends
// on the sources and not on the services.
//
// Every writing transaction takes the next number of one sequence before it
// does anything else and marks the rows it changes with it, so a reader loads
// what changed after the number it has seen, and never misses a row.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/prodready/collector/evidence"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable is where goose keeps the schema's version. It is not goose's default
// name, because another program in a shared PostgreSQL may use that one.
const versionTable = "readiness_schema_version"

// The reasons why a store cannot be opened that a person has to remove. Every
// error of Open that wraps one names the place and the remedy.
var (
	// ErrAddress is an address that is not understood.
	ErrAddress = errors.New("not an address of a store")
	// ErrForeign is a database of another program.
	ErrForeign = errors.New("not a database of the readiness collector")
	// ErrLocked is a SQLite file that another process works on.
	ErrLocked = errors.New("in use by another process")
	// ErrUnwritable is a folder or file that cannot be written.
	ErrUnwritable = errors.New("not writable")
	// ErrDamaged is a SQLite file that was cut off or overwritten.
	ErrDamaged = errors.New("damaged")
	// ErrUnreachable is a PostgreSQL server that does not answer, or not yet.
	ErrUnreachable = errors.New("not reachable")
	// ErrAbsent is a database that OpenReadOnly does not find, or finds empty
	// or of an older release.
	ErrAbsent = errors.New("no database to read")
)

// DefaultReaders is the number of connections for reading.
const DefaultReaders = 4

// DefaultMemory is the longest span that a check reads of a remembered fact.
const DefaultMemory = 180 * 24 * time.Hour

// Options of a store. Only URL is required.
type Options struct {
	// URL is a path, sqlite:///path, or postgres://user:password@host/database.
	URL string
	// Now is the clock, for what the store itself dates; nil means time.Now.
	Now func() time.Time
	// Facts are the present definitions. Records of a fact whose definition
	// has changed are withdrawn when the store is opened. Nil leaves them.
	Facts *evidence.Facts
	// Readers is the number of connections for reading; 0 means DefaultReaders.
	Readers int
	// Memory is how long a remembering fact (evidence.RememberLastTrue) must
	// have been asked before "not seen" means never and not unknown; 0 means
	// DefaultMemory.
	Memory time.Duration
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	write, read *sql.DB
	// readTx makes a reading transaction see one state throughout.
	readTx *sql.TxOptions
	// numbersPlaceholders says that the database has $1 and not ? in statements.
	numbersPlaceholders bool
	// copies says that many rows are written by COPY.
	copies bool

	now      func() time.Time
	memory   time.Duration
	facts    atomic.Pointer[evidence.Facts]
	names    names
	judged   storedJudgement
	release  func() error
	closing  sync.Once
	closeErr error
}

// Open opens the database, creates it if there is none, brings its schema up
// to date and withdraws the records of facts that mean something else now.
func Open(ctx context.Context, o Options) (*Store, error) {
	kind, place, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	s := newStore(o)
	if kind == "postgres" {
		err = s.openPostgres(ctx, place, o, false)
	} else {
		err = s.openSQLite(ctx, place, o)
	}
	if err == nil && o.Facts != nil {
		err = s.SetFacts(ctx, o.Facts)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// OpenReadOnly opens the database for reading, while another process may write
// it. It takes no lock, migrates nothing, and every method that writes
// fails with ErrUnwritable.
func OpenReadOnly(ctx context.Context, o Options) (*Store, error) {
	kind, place, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	s := newStore(o)
	if kind == "postgres" {
		err = s.openPostgres(ctx, place, o, true)
	} else {
		err = s.openSQLiteReadOnly(ctx, place, o)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.facts.Store(o.Facts)
	return s, nil
}

func newStore(o Options) *Store {
	s := &Store{now: o.Now, memory: o.Memory, release: func() error { return nil }}
	if s.now == nil {
		s.now = time.Now
	}
	if s.memory <= 0 {
		s.memory = DefaultMemory
	}
	return s
}

// Close ends all connections and releases the file. It is safe to repeat.
func (s *Store) Close() error {
	s.closing.Do(func() {
		var errs []error
		for _, db := range []*sql.DB{s.read, s.write} {
			if db != nil {
				errs = append(errs, db.Close())
			}
		}
		s.closeErr = errors.Join(append(errs, s.release())...)
	})
	return s.closeErr
}

// parseURL returns the kind of database and where it is. It never quotes an
// address, which may hold a password.
func parseURL(url string) (kind, place string, err error) {
	scheme, rest, found := strings.Cut(url, "://")
	switch {
	case url == "":
		return "", "", fmt.Errorf("%w: the store's url is empty: give a file path or "+
			"postgres://user:password@host/database", ErrAddress)
	case !found:
		return "sqlite", strings.TrimPrefix(url, "sqlite:"), nil
	case scheme == "postgres" || scheme == "postgresql":
		return "postgres", url, nil
	case scheme == "sqlite" && rest != "":
		return "sqlite", rest, nil
	}
	return "", "", fmt.Errorf("%w: the store's url begins with %q: want a file path, sqlite:///path or "+
		"postgres://user:password@host/database", ErrAddress, scheme+"://")
}

func (o Options) readers() int {
	if o.Readers > 0 {
		return o.Readers
	}
	return DefaultReaders
}

// migrate brings the schema up to date. A database of a newer release is left
// as it is: its schema is readable by this one.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("reading the embedded migrations: %w", err)
	}
	options = append(options, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	provider, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return fmt.Errorf("preparing the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bringing the schema up to date: %w", err)
	}
	return nil
}

// ownSchema checks that the schema is the present one, or a newer one.
func ownSchema(ctx context.Context, db *sql.DB) error {
	var have sql.NullInt64
	if err := db.QueryRowContext(ctx, `SELECT MAX(version_id) FROM `+versionTable+`
		WHERE is_applied`).Scan(&have); err != nil {
		return fmt.Errorf("%w: reading its version: %w", ErrAbsent, err)
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("reading the embedded migrations: %w", err)
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return fmt.Errorf("reading the embedded migrations: %w", err)
		}
		if version > have.Int64 {
			return fmt.Errorf("%w: it was written by an older release: start the collector on it once, which brings it up to "+
				"date", ErrAbsent)
		}
	}
	return nil
}
