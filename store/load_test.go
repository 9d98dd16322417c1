package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// TestFirstLoadKeepsNoRows reads far more than it may keep in memory.
func TestFirstLoadKeepsNoRows(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "readiness.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const services, detail = 5000, 4000
	var batch evidence.Batch
	for i := range services {
		batch.Records = append(batch.Records, evidence.Record{Service: fmt.Sprintf("service-%d", i), Fact: "a.count",
			Value: evidence.Int(1), Detail: strings.Repeat("q", detail)})
	}
	if _, err := s.Commit(t.Context(), "test/main", 0, time.Unix(1, 0), batch); err != nil {
		t.Fatal(err)
	}
	batch.Records = nil
	inUse := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, rows, most := inUse(), 0, uint64(0)
	_, err = s.EachRecord(context.Background(), 0, func(row store.Row) {
		if len(row.Detail) != detail {
			t.Errorf("%s has %d bytes of detail", row.Service, len(row.Detail))
		}
		if rows++; rows%(services/5) == 0 {
			most = max(most, inUse())
		}
	})
	if err != nil || rows != services {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if kept := int64(most) - int64(before); kept > services*detail/10 {
		t.Errorf("reading %d bytes keeps %d in memory", services*detail, kept)
	}
}
