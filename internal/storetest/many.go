package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// manyServices is more than one statement reads or inserts, and than go by COPY.
const manyServices = 1200

func nameOf(i int) string { return fmt.Sprintf("service-%04d", i) }

// fleetOf is a round for many services. Those whose number is a multiple of changed
// have another value than in the round with number 0.
func fleetOf(t testing.TB, round, changed int) evidence.Batch {
	t.Helper()
	const detail = "a\tb\nc\\N\\.\"'é🦆,{}"
	batch := evidence.Batch{}
	groups := []evidence.Coverage{
		{Group: "ratios", Facts: []string{"a.ratio"}, Except: map[string]evidence.Missing{}},
		{Group: "flags", Facts: []string{"a.flag"}, Except: map[string]evidence.Missing{}},
	}
	for i := range manyServices {
		value := double(t, float64(i))
		if i == 7 {
			value = double(t, math.Inf(-1))
		}
		if round > 0 && i%changed == 0 {
			value = double(t, float64(i)+float64(round)/2)
		}
		batch.Records = append(batch.Records, record(nameOf(i), "a.ratio", value))
		batch.Records[i].Detail = detail
		groups[i%2].Except[nameOf(i)] = evidence.MissingNotFound
		in := evidence.Incident{ID: fmt.Sprintf("P%d", i), StartedAt: minute(i), Services: []string{nameOf(i)},
			Links: []string{detail}, Severity: i % 5}
		if i%2 == 0 {
			in.ResolvedAt, in.Services = minute(i+1), []string{nameOf(i), nameOf((i + 1) % manyServices)}
		}
		batch.Incidents = append(batch.Incidents, in)
	}
	batch.Covered = groups
	return batch
}

// manyRows stores so many rows that they are written another way than few are.
func manyRows(t *testing.T, db database) {
	ctx := context.Background()
	s := db.open(t, store.Options{Facts: facts(t)})
	for round, changed := range []int{0: manyServices, 1: 2, 2: 1} {
		batch := fleetOf(t, round, changed)
		if round == 0 {
			changed = 1
		}
		got := commit(t, s, minute(100*round), batch)
		want := store.Changes{Seq: got.Seq, Records: manyServices / changed}
		// Each value has a row and one of history, two groups one each.
		want.Rows = int64(2*want.Records + 2)
		if round > 0 {
			want.Rows += 2 // the spans of both groups: rounds are far apart
		}
		if round == 0 {
			want.Incidents = manyServices
			// An exception for each service, which half of the values are updated for;
			// incidents with one or two services; the names, one of them of the source.
			want.Rows += manyServices*3/2 + manyServices*5/2 + manyServices + 1
		}
		if got != want {
			t.Errorf("round %d changed %+v, want %+v", round, got, want)
		}
		closeStore(t, s)
		s = db.open(t, store.Options{Facts: facts(t)})
		values := map[string]evidence.Record{}
		for _, row := range load(t, s, 0).Rows {
			values[row.Service] = row.Record
		}
		for i, want := range batch.Records {
			if got := values[nameOf(i)]; got.Value != want.Value || got.Detail != want.Detail {
				t.Fatalf("round %d: %s is %+v, want %+v", round, nameOf(i), got, want)
			}
		}
	}
	incidents, err := s.Incidents(ctx, store.IncidentFilter{})
	if err != nil || len(incidents) != manyServices {
		t.Fatalf("%d incidents, %v", len(incidents), err)
	}
	for i, in := range fleetOf(t, 0, 1).Incidents {
		got := incidents[i]
		slices.Sort(in.Services)
		if got.ID != in.ID || !got.ResolvedAt.Equal(in.ResolvedAt) || !slices.Equal(got.Services, in.Services) ||
			!slices.Equal(got.Links, in.Links) || got.Severity != in.Severity {
			t.Fatalf("incident %+v, want %+v", got, in)
		}
	}
	history, err := s.History(ctx, nameOf(4), "a.ratio", time.Time{})
	if err != nil || len(history) != 3 {
		t.Errorf("%d values in history, %v, want 3", len(history), err)
	}
	covered := load(t, s, 0).Coverage
	if len(covered) != 2 || len(covered[0].Except) != manyServices/2 || len(covered[1].Except) != manyServices/2 {
		t.Errorf("%d groups are covered", len(covered))
	}
}

// partOfAFact stores a batch of more services than one statement names: the rows of
// all others are not read. One of them cannot be.
func partOfAFact(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	commit(t, s, minute(0), fleetOf(t, 0, 1))
	db.execute(t, `UPDATE fact_values SET kind = 99 WHERE service_id =
		(SELECT id FROM services WHERE name = '`+nameOf(manyServices-1)+`')`)
	part := fleetOf(t, 1, 1)
	part.Records, part.Covered, part.Incidents = part.Records[:manyServices/3], nil, nil
	if got := commit(t, s, minute(100), part); got.Records != manyServices/3 {
		t.Errorf("%d records are new, want %d", got.Records, manyServices/3)
	}
	if _, err := s.Commit(context.Background(), "test/main", 0, minute(200), fleetOf(t, 2, 1)); err == nil {
		t.Error("a row that cannot be read was read")
	}
}
