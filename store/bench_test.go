package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// fleet is one round of one fact for 10,000 services.
func fleet(value int64) evidence.Batch {
	const services = 10_000
	batch := evidence.Batch{Covered: []evidence.Coverage{{Group: "a", Facts: []string{"a.count"}}}}
	for i := range services {
		batch.Records = append(batch.Records, evidence.Record{Service: fmt.Sprintf("service-%05d", i), Fact: "a.count",
			Value: evidence.Int(value), Detail: "sum by (service) (up)"})
	}
	return batch
}

func benchmarkCommit(b *testing.B, change bool) {
	s, err := store.Open(context.Background(), store.Options{URL: filepath.Join(b.TempDir(), "bench.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	at := time.Unix(0, 0)
	if _, err := s.Commit(context.Background(), "test/main", 0, at, fleet(0)); err != nil {
		b.Fatal(err)
	}
	n := int64(0)
	for b.Loop() {
		if change {
			n++
		}
		at = at.Add(time.Minute)
		if _, err := s.Commit(context.Background(), "test/main", 0, at, fleet(n)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommitSteady is a round in which nothing has changed.
func BenchmarkCommitSteady(b *testing.B) { benchmarkCommit(b, false) }

// BenchmarkCommitChanged is a round in which every value has changed.
func BenchmarkCommitChanged(b *testing.B) { benchmarkCommit(b, true) }

// BenchmarkLoadRecords reads 10,000 rows, as after a start.
func BenchmarkLoadRecords(b *testing.B) {
	s, err := store.Open(context.Background(), store.Options{URL: filepath.Join(b.TempDir(), "bench.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Commit(context.Background(), "test/main", 0, time.Unix(0, 0), fleet(0)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.LoadRecords(context.Background(), 0); err != nil {
			b.Fatal(err)
		}
	}
}
