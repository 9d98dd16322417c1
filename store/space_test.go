package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// fillAndPrune stores incidents of several megabytes, of which few are kept, and returns
// the sizes of the file before and after those are deleted.
func fillAndPrune(t *testing.T, path string) (full, pruned int64) {
	t.Helper()
	const incidents, kept = 3000, 100
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var batch evidence.Batch
	for i := range incidents {
		in := evidence.Incident{ID: strconv.Itoa(i), StartedAt: at, Template: strings.Repeat("t", 2000)}
		if i >= kept {
			in.ResolvedAt = at
		}
		batch.Incidents = append(batch.Incidents, in)
	}
	open := func() *store.Store {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{URL: path})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	size := func(s *store.Store) int64 {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	s := open()
	if _, err := s.Commit(t.Context(), "test/main", 0, at, batch); err != nil {
		t.Fatal(err)
	}
	full = size(s)
	s = open()
	deleted, err := s.Prune(t.Context(), at.Add(48*time.Hour), store.Retention{Incidents: 24 * time.Hour})
	if err != nil || deleted != incidents-kept {
		t.Fatalf("%d incidents were deleted, %v", deleted, err)
	}
	return full, size(s)
}

func TestPruningGivesSpaceBack(t *testing.T) {
	full, pruned := fillAndPrune(t, filepath.Join(t.TempDir(), "readiness.db"))
	if pruned > full/4 {
		t.Errorf("the file has %d bytes after pruning, and %d before", pruned, full)
	}
}

// TestCompact makes a file as earlier releases did: its size stays until it is
// compacted, and then pruning gives space back.
func TestCompact(t *testing.T) {
	path := filled(t)
	execute(t, path, `PRAGMA auto_vacuum = NONE`, `PRAGMA journal_mode = DELETE`, `VACUUM`)
	full, pruned := fillAndPrune(t, path)
	if pruned < full {
		t.Fatalf("the file of an earlier release has %d bytes after pruning, and %d before", pruned, full)
	}
	s, err := store.Open(t.Context(), store.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Compact(t.Context(), path); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a file that is open: %v, want ErrLocked", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, after, err := store.Compact(t.Context(), path)
	if err != nil || before != pruned || after > full/4 {
		t.Fatalf("from %d to %d bytes, %v, want from %d to less than a quarter", before, after, err, pruned)
	}
	s, err = store.Open(t.Context(), store.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := s.LoadRecords(t.Context(), 0)
	if err != nil || len(loaded.Rows) != 400 {
		t.Errorf("%d records, %v, want the 400 of before", len(loaded.Rows), err)
	}
	incidents, err := s.Incidents(t.Context(), store.IncidentFilter{})
	if err != nil || len(incidents) != 100 {
		t.Errorf("%d incidents, %v, want the 100 that are open", len(incidents), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + ".part*"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	execute(t, path, `DELETE FROM incidents`)
	if full, pruned := fillAndPrune(t, path); pruned > full/4 {
		t.Errorf("the compacted file has %d bytes after pruning, and %d before", pruned, full)
	}
}

func TestCompactRefusals(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.db")
	damaged := filled(t)
	data, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) / 8192 * 4096; i < len(data)/8192*4096+4096; i++ {
		data[i] = 0
	}
	if err := os.WriteFile(damaged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]error{
		absent: store.ErrAbsent, damaged: store.ErrDamaged, "postgres://nowhere.invalid/x": store.ErrDatabase,
	} {
		if _, _, err := store.Compact(t.Context(), url); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
	}
	if now, err := os.ReadFile(damaged); err != nil || string(now) != string(data) {
		t.Errorf("the damaged file was changed, %v", err)
	}
	if _, err := os.Stat(absent); err == nil {
		t.Error("a file was made")
	}
}
