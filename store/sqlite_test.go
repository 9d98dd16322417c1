package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/store"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t testing.TB) string {
		return "sqlite://" + filepath.Join(t.TempDir(), "100% of it?#.db")
	})
}

// filled makes a store with some pages in it and returns its path.
func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "readiness.db")
	s, err := store.Open(context.Background(), store.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	var batch evidence.Batch
	for i := range 400 {
		batch.Records = append(batch.Records, evidence.Record{Service: "service-" + strconv.Itoa(i), Fact: "a.count",
			Value: evidence.Int(int64(i))})
	}
	if _, err := s.Commit(context.Background(), "test/main", 0, time.Unix(1, 0), batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func execute(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSQLiteRefusals holds every refusal to its sentinel, to naming the file and
// a remedy, and to leaving a file that is not ours as it was.
func TestSQLiteRefusals(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(t *testing.T) (path string)
		want error
		says string
	}{
		{"another program's tables", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "shop.db")
			execute(t, path, `CREATE TABLE orders (id INTEGER)`)
			return path
		}, store.ErrForeign, "orders"},
		{"another program's mark", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "shop.db")
			execute(t, path, `PRAGMA application_id = 77`, `CREATE TABLE x (id INTEGER)`)
			return path
		}, store.ErrForeign, "77"},
		{"not SQLite", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "notes.txt")
			if err := os.WriteFile(path, []byte("milk, eggs\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}, store.ErrForeign, "not a SQLite file"},
		{"a folder", func(t *testing.T) string { return t.TempDir() }, store.ErrAddress, "folder"},
		{"below a file", func(t *testing.T) string {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(file, "readiness.db")
		}, store.ErrUnwritable, "choose"},
		{"cut off", func(t *testing.T) string {
			path := filled(t)
			info, err := os.Stat(path)
			if err == nil {
				err = os.Truncate(path, info.Size()/2)
			}
			if err != nil {
				t.Fatal(err)
			}
			return path
		}, store.ErrDamaged, "backup"},
		{"cut off inside the header", func(t *testing.T) string {
			path := filled(t)
			if err := os.Truncate(path, 60); err != nil {
				t.Fatal(err)
			}
			return path
		}, store.ErrDamaged, "backup"},
		{"overwritten inside", func(t *testing.T) string {
			path := filled(t)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 100; i < len(data); i++ {
				data[i] = 0xa5
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}, store.ErrDamaged, "backup"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := test.make(t)
			before, _ := os.ReadFile(path)
			s, err := store.Open(context.Background(), store.Options{URL: path})
			if err == nil {
				t.Fatal(errors.Join(errors.New("it was opened"), s.Close()))
			}
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %v naming %s and saying %q", err, test.want, path, test.says)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %v", err)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, address := range []string{"", "sqlite://", "mysql://host/db", "https://host"} {
		if _, err := store.Open(context.Background(), store.Options{URL: address}); !errors.Is(err, store.ErrAddress) {
			t.Errorf("%q: got %v, want ErrAddress", address, err)
		}
	}
}

func TestSQLiteMakesItsFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "var", "lib", "readiness.db")
	s, err := store.Open(context.Background(), store.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

// TestSQLiteOneProcess opens a file under two names at once. A lock belongs to
// an open file, so that one process shows what two would meet.
func TestSQLiteOneProcess(t *testing.T) {
	path := filled(t)
	s, err := store.Open(context.Background(), store.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	alias := filepath.Join(t.TempDir(), "alias.db")
	if err := os.Symlink(path, alias); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, "sqlite://" + alias} {
		_, err = store.Open(context.Background(), store.Options{URL: name})
		if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
			t.Errorf("%s: got %v, want ErrLocked naming this process", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(context.Background(), store.Options{URL: alias})
	if err != nil {
		t.Fatalf("after closing: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSQLiteReadOnlyRefusals(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.db")
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := filled(t)
	execute(t, old, `DELETE FROM readiness_schema_version WHERE version_id > 0`)
	foreign := filepath.Join(t.TempDir(), "shop.db")
	execute(t, foreign, `CREATE TABLE orders (id INTEGER)`)
	for path, want := range map[string]error{absent: store.ErrAbsent, empty: store.ErrAbsent, old: store.ErrAbsent,
		foreign: store.ErrForeign} {
		_, err := store.OpenReadOnly(context.Background(), store.Options{URL: path})
		if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %v naming %s", err, want, path)
		}
	}
	if _, err := os.Stat(absent); err == nil {
		t.Error("looking made a file")
	}
}

// TestSQLiteOfANewerRelease opens a file that a newer release has migrated, as
// after a roll-back.
func TestSQLiteOfANewerRelease(t *testing.T) {
	path := filled(t)
	execute(t, path,
		`ALTER TABLE runs ADD COLUMN novelty TEXT`,
		`INSERT INTO readiness_schema_version (version_id, is_applied) VALUES (99, 1)`)
	s, err := store.Open(context.Background(), store.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.StartRun(context.Background(), "test/main", "", time.Unix(5, 0)); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
