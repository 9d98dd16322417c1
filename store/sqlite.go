package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/prodready/collector/textfile"
)

// applicationID marks SQLite files of this program: "RDNS".
const applicationID = 0x52444e53

// Offsets in the header of a SQLite file; see sqlite.org/fileformat.html.
const (
	sqliteMagic     = "SQLite format 3\x00"
	headerSize      = 100
	applicationIDAt = 68
)

// openSQLite opens a file for writing, locked against a second process.
func (s *Store) openSQLite(ctx context.Context, path string, o Options) error {
	path, err := realPath(path)
	if err != nil {
		return err
	}
	ours, err := inspectHeader(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("store %s: its folder cannot be made: %w: %w: choose a folder this user may write", path,
			ErrUnwritable, err)
	}
	if s.release, err = acquire(path); err != nil {
		s.release = func() error { return nil }
		return err
	}
	if err := refuseEmptied(path); err != nil {
		return err
	}
	if !ours {
		if err := refuseForeign(ctx, path); err != nil {
			return err
		}
	}
	// Made here, so that a failure is not one of everything that SQLite could
	// mean by "unable to open database file".
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("store %s: %w: %w: give this user write access to the file", path, ErrUnwritable, err)
	}
	lockFile := s.release
	s.release = func() error { return errors.Join(file.Close(), lockFile()) }
	if err := acquireFile(path, file); err != nil {
		return err
	}

	// One connection writes: SQLite has one writer anyway, and waiting for it in
	// the pool is fair where busy handlers are not. Transactions begin
	// immediate, so that none fails half-way for want of the lock.
	s.write, err = openCached(dsn(path, "_txlock=immediate",
		"_pragma=busy_timeout(10000)", "_pragma=synchronous(FULL)", "_pragma=journal_size_limit(67108864)"))
	if err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	for _, pragma := range []string{
		// For a new file, and before its first page. Another one gets it from Compact.
		"PRAGMA auto_vacuum = INCREMENTAL",
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		"PRAGMA journal_mode = WAL",
	} {
		if _, err := s.write.ExecContext(ctx, pragma); err != nil {
			return sqliteError(path, err)
		}
	}
	if err := migrate(ctx, s.write, goose.DialectSQLite3); err != nil {
		return sqliteError(path, err)
	}
	if err := markOpened(path); err != nil {
		return err
	}
	return s.openSQLiteReaders(path, o)
}

// openedMark is a file beside the database that says that it was in use.
func openedMark(path string) string { return path + ".opened" }

// markOpened says that the database has content.
func markOpened(path string) error {
	mark, err := os.OpenFile(openedMark(path), os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = mark.Close()
	}
	if err != nil {
		return fmt.Errorf("store %s: %w: %w: give this user write access to its folder", path, ErrUnwritable, err)
	}
	return nil
}

// refuseEmptied refuses an empty file that had content. Without this error the program
// would make a new database in it, and all badges and their history would be lost
// without a message.
func refuseEmptied(path string) error {
	sizeOf := func(name string) int64 {
		info, err := os.Stat(name)
		if err != nil {
			return -1
		}
		return info.Size()
	}
	// Without the mark the first start was cut short.
	if sizeOf(path) != 0 || sizeOf(openedMark(path)) < 0 {
		return nil
	}
	return fmt.Errorf("store %s: %w: it is empty, and it was not before: %s", path, ErrDamaged, remedyDamaged)
}

// remedyDamaged is what a person can do.
const remedyDamaged = "restore a backup with `collector store restore FILE`, or move it away to begin anew"

// openSQLiteReadOnly opens a file for reading.
func (s *Store) openSQLiteReadOnly(ctx context.Context, path string, o Options) error {
	path, err := realPath(path)
	if err != nil {
		return err
	}
	if err := refuseAbsent(path); err != nil {
		return err
	}
	ours, err := inspectHeader(path)
	if err != nil {
		return err
	}
	if !ours {
		// The mark may still be in the write-ahead log of a first start.
		if err := refuseForeign(ctx, path); err != nil {
			return err
		}
	}
	if err := s.openSQLiteReaders(path, o); err != nil {
		return err
	}
	if err := ownSchema(ctx, s.read); err != nil {
		return sqliteError(path, err)
	}
	return nil
}

// refuseAbsent refuses a file that is not there, or that nothing is in.
func refuseAbsent(path string) error {
	info, err := os.Stat(path)
	const remedy = "run `collector collect --once` or `collector run` first"
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.Size() == 0:
		return fmt.Errorf("%w at %s: %s", ErrAbsent, path, remedy)
	case err != nil:
		return fmt.Errorf("%w: %w: %s", ErrAbsent, err, remedy)
	}
	return nil
}

func (s *Store) openSQLiteReaders(path string, o Options) error {
	read, err := openCached(dsn(path, "mode=ro", "_pragma=busy_timeout(10000)", "_pragma=query_only(1)"))
	if err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	read.SetMaxOpenConns(o.readers())
	read.SetMaxIdleConns(o.readers())
	// A deferred transaction of SQLite sees one state from its first read on.
	s.read, s.readTx = read, &sql.TxOptions{ReadOnly: true}
	return nil
}

func dsn(path string, parameters ...string) string {
	text := "file:" + (&url.URL{Path: path}).EscapedPath()
	for i, p := range parameters {
		text += string("?&"[min(i, 1)]) + p
	}
	return text
}

// realPath is the absolute path behind symbolic links, so that one file has
// one lock whatever it is called.
func realPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("store %s: %w", path, err)
	}
	if target, err := filepath.EvalSymlinks(absolute); err == nil {
		return target, nil
	}
	return absolute, nil
}

// inspectHeader reads the file without SQLite, which might change it. ours is
// false when the file does not say, because it is new or has no mark.
func inspectHeader(path string) (ours bool, err error) {
	file, err := textfile.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, syscall.EISDIR):
		return false, fmt.Errorf("store %s: %w: it is a folder: give the path of a file in it", path, ErrAddress)
	case errors.Is(err, textfile.ErrNotRegular):
		return false, fmt.Errorf("store %s: %w: it is %w: give the path of a file", path, ErrAddress, err)
	case errors.Is(err, fs.ErrPermission):
		return false, fmt.Errorf("store %s: %w: %w: give this user read and write access to the file", path, ErrUnwritable,
			err)
	case err != nil:
		return false, fmt.Errorf("store %s: %w: %w: choose a path whose folders can be made", path, ErrUnwritable, err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	info, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("store %s: %w", path, err)
	}
	if info.Size() == 0 {
		return false, nil
	}
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(file, header); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, fmt.Errorf("store %s: %w", path, err)
	}
	if string(header[:len(sqliteMagic)]) != sqliteMagic {
		return false, foreign(path, "it is not a SQLite file")
	}
	switch id := binary.BigEndian.Uint32(header[applicationIDAt:]); id {
	case 0:
		return false, nil
	case applicationID:
	default:
		return false, foreign(path, "it belongs to a program with application_id "+strconv.FormatUint(uint64(id), 10))
	}
	return true, nil
}

// refuseForeign looks into a file without a mark: it must be empty.
func refuseForeign(ctx context.Context, path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil
	}
	db, err := sql.Open("sqlite", dsn(path, "mode=ro", "_pragma=busy_timeout(10000)"))
	if err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	defer db.Close() //nolint:errcheck // opened for reading
	var mark int64
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&mark); err != nil {
		return sqliteError(path, err)
	}
	if mark == applicationID {
		return nil
	}
	var table string
	err = db.QueryRowContext(ctx, `SELECT name FROM sqlite_master LIMIT 1`).Scan(&table)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return sqliteError(path, err)
	}
	return foreign(path, fmt.Sprintf("it holds %q of another program", table))
}

func foreign(path, what string) error {
	return fmt.Errorf("store %s: %w: %s: give the collector a path of its own", path, ErrForeign, what)
}

// damaged adds the remedy to an error of a file whose content is not what SQLite wrote.
func damaged(err error) error {
	coded, ok := errors.AsType[*sqlite.Error](err)
	if ok && (coded.Code()&0xff == sqlite3.SQLITE_CORRUPT || coded.Code()&0xff == sqlite3.SQLITE_NOTADB) {
		return fmt.Errorf("the store is %w: %w: `collector store verify` looks at all of it; %s", ErrDamaged, err, remedyDamaged)
	}
	return err
}

// sqliteError adds the file, and the remedy where SQLite's code has one.
func sqliteError(path string, err error) error {
	if coded, ok := errors.AsType[*sqlite.Error](err); ok {
		switch coded.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
			return fmt.Errorf("store %s: %w: %w: %s", path, ErrDamaged, err, remedyDamaged)
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			return fmt.Errorf("store %s: %w: %w: give this user write access to the file and its folder", path, ErrUnwritable,
				err)
		}
	}
	return fmt.Errorf("store %s: %w", path, err)
}
