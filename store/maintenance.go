package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/prodready/collector/textfile"
)

// ErrDatabase is a task that PostgreSQL's own programs do.
var ErrDatabase = errors.New("not for PostgreSQL")

// Verify reads a whole SQLite file, while a daemon may write it, and returns
// ErrDamaged if it is not sound. It changes nothing.
func Verify(ctx context.Context, url string) error {
	path, err := sqlitePath(url, "pg_amcheck verifies a database")
	if err != nil {
		return err
	}
	s := newStore(Options{})
	if err := s.openSQLiteReadOnly(ctx, path, Options{}); err != nil {
		return errors.Join(err, s.Close())
	}
	return errors.Join(verify(ctx, path, s.read), s.Close())
}

func verify(ctx context.Context, path string, db *sql.DB) error {
	for check, sound := range map[string]string{"integrity_check(1)": "ok", "foreign_key_check": ""} {
		var found, rest sql.NullString
		target := []any{&found}
		if sound == "" {
			target = []any{&found, &rest, new(any), new(any)}
		}
		err := db.QueryRowContext(ctx, "PRAGMA "+check).Scan(target...)
		switch {
		case sound == "" && errors.Is(err, sql.ErrNoRows), sound != "" && err == nil && found.String == sound:
		case err != nil:
			return sqliteError(path, err)
		default:
			return fmt.Errorf("store %s: %w: %s says %s: %s", path, ErrDamaged, check, found.String, remedyDamaged)
		}
	}
	return nil
}

// Backup writes a copy of a SQLite database to a new file, while a daemon may write the
// database. The copy is of one moment, and has been verified.
func Backup(ctx context.Context, url, to string) error {
	path, err := sqlitePath(url, "pg_dump backs up a database")
	if err != nil {
		return err
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("backup %s: %w: it is there already: name a new file", to, ErrUnwritable)
	}
	s := newStore(Options{})
	if err := s.openSQLiteReadOnly(ctx, path, Options{}); err != nil {
		return errors.Join(err, s.Close())
	}
	if err := s.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(path, "mode=ro", "_pragma=busy_timeout(10000)"))
	if err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	part := to + ".part"
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", part)
	if err = errors.Join(err, db.Close()); err != nil {
		err = sqliteError(path, err)
	} else if err = verifyFile(ctx, part); err == nil {
		err = publish(part, to)
	}
	if err != nil {
		_ = os.Remove(part)
		return fmt.Errorf("backing up to %s: %w", to, err)
	}
	return nil
}

// verifyFile verifies a file that no process has open.
func verifyFile(ctx context.Context, path string) error {
	s := newStore(Options{})
	if err := s.openSQLiteReadOnly(ctx, path, Options{}); err != nil {
		return errors.Join(err, s.Close())
	}
	return errors.Join(verify(ctx, path, s.read), s.Close())
}

// publish gives a complete file its name.
func publish(part, to string) error {
	file, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("writing it to the disk: %w", err)
	}
	if err := errors.Join(file.Chmod(0o600), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("writing it to the disk: %w", err)
	}
	if err := os.Rename(part, to); err != nil {
		return fmt.Errorf("naming it: %w", err)
	}
	return nil
}

// Restore puts a backup in the place of a SQLite database that no process has open. The
// backup is verified before. What was there is kept beside it; kept is its name, empty if
// there was nothing.
func Restore(ctx context.Context, url, from string, now time.Time) (kept string, err error) {
	path, err := sqlitePath(url, "pg_restore restores a database")
	if err != nil {
		return "", err
	}
	if path, err = realPath(path); err != nil {
		return "", err
	}
	if err := verifyFile(ctx, from); err != nil {
		return "", fmt.Errorf("the backup cannot be restored: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("store %s: %w: %w: choose a folder this user may write", path, ErrUnwritable, err)
	}
	release, err := acquire(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		defer file.Close() //nolint:errcheck // nothing is written to it
		if err := acquireFile(path, file); err != nil {
			return "", err
		}
	}
	part := path + ".part"
	if err := copyFile(from, part); err != nil {
		_ = os.Remove(part)
		return "", fmt.Errorf("copying the backup to %s: %w: %w", part, ErrUnwritable, err)
	}
	aside := path + ".before-restore-" + now.UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		switch err := os.Rename(path+suffix, aside+suffix); {
		case err == nil && suffix == "":
			kept = aside
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return kept, fmt.Errorf("keeping %s: %w: %w", path+suffix, ErrUnwritable, err)
		}
	}
	if err := publish(part, path); err != nil {
		return kept, fmt.Errorf("store %s: %w", path, err)
	}
	return kept, nil
}

// vacuumBatch is how many pages of 4 KiB one transaction gives back, and vacuumBatches
// how many transactions of that kind one run of Prune has at most: 200 MiB. A tenth of
// the pages stays free for what comes next.
const vacuumBatch, vacuumBatches, pagesKeptFree = 1000, 50, 10

// giveSpaceBack makes a SQLite file smaller by pages that are free, little by little, so
// that writers do not wait for long. A file of an earlier release, without the setting,
// uses its free pages again and stays as large as it is until Compact. (PostgreSQL does
// that by its autovacuum.)
func (s *Store) giveSpaceBack(ctx context.Context) error {
	if s.Shared() {
		return nil
	}
	pragma := func(name string) (n int64, err error) {
		if err := s.write.QueryRowContext(ctx, "PRAGMA "+name).Scan(&n); err != nil {
			return 0, fmt.Errorf("giving space back: %s: %w", name, damaged(err))
		}
		return n, nil
	}
	const incremental = 2
	if mode, err := pragma("auto_vacuum"); err != nil || mode != incremental {
		return err
	}
	for range vacuumBatches {
		free, err := pragma("freelist_count")
		if err != nil {
			return err
		}
		pages, err := pragma("page_count")
		if err != nil {
			return err
		}
		excess := min(free-pages/pagesKeptFree, vacuumBatch)
		if excess <= 0 {
			return nil
		}
		if _, err := s.write.ExecContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", excess)); err != nil {
			return fmt.Errorf("giving space back: %w", damaged(err))
		}
	}
	return nil
}

// Compact writes a SQLite database anew, without its free pages, while no process has it
// open, and lets Prune give space back from then on. It needs the disk space of what is
// in use. It returns the sizes of the file in bytes.
func Compact(ctx context.Context, url string) (before, after int64, err error) {
	path, err := sqlitePath(url, "autovacuum uses free space again, VACUUM FULL gives it back")
	if err != nil {
		return 0, 0, err
	}
	if path, err = realPath(path); err != nil {
		return 0, 0, err
	}
	if err := refuseAbsent(path); err != nil {
		return 0, 0, err
	}
	release, err := acquire(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, release()) }()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("store %s: %w: %w: give this user write access to the file", path, ErrUnwritable, err)
	}
	defer file.Close() //nolint:errcheck // nothing is written to it
	if err := acquireFile(path, file); err != nil {
		return 0, 0, err
	}
	part := path + ".part"
	if before, err = compactTo(ctx, path, part); err == nil {
		err = publish(part, path)
	}
	if err != nil {
		_ = os.Remove(part)
		return 0, 0, fmt.Errorf("compacting: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, fmt.Errorf("store %s: %w", path, err)
	}
	return before, info.Size(), nil
}

// compactTo writes a database without its free pages to a new file, verifies that, and
// returns the size of the old file. Nothing of the old one is left in its log, which
// must not be taken for one of the new file.
func compactTo(ctx context.Context, path, part string) (size int64, err error) {
	if err := verifyFile(ctx, path); err != nil {
		return 0, err
	}
	_ = os.Remove(part) // one that was cut short
	db, err := sql.Open("sqlite", dsn(path, "_pragma=busy_timeout(10000)", "_pragma=auto_vacuum(2)"))
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM INTO ?"} {
		var args []any
		if statement == "VACUUM INTO ?" {
			args = append(args, part)
		}
		if _, err := db.ExecContext(ctx, statement, args...); err != nil {
			return 0, errors.Join(sqliteError(path, err), db.Close())
		}
	}
	if err := db.Close(); err != nil {
		return 0, sqliteError(path, err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return 0, fmt.Errorf("store %s: %w: its log could not be emptied: is it open elsewhere?", path, ErrLocked)
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", path, err)
	}
	return info.Size(), verifyFile(ctx, part)
}

func copyFile(from, to string) error {
	source, err := textfile.Open(from)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // it is read
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// sqlitePath is the path of a SQLite file. For PostgreSQL the error says which of its
// programs to use instead.
func sqlitePath(url, instead string) (string, error) {
	kind, place, err := parseURL(url)
	if err == nil && kind != "sqlite" {
		err = fmt.Errorf("%w: %s", ErrDatabase, instead)
	}
	return place, err
}
