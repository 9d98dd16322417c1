package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

func incidentPages(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	// More than two pages, with many at the same moment across their borders.
	var list []evidence.Incident
	var want []string
	for i := range 2500 {
		id := fmt.Sprintf("Q%05d", i)
		list = append(list, evidence.Incident{ID: id, StartedAt: minute(i / 700), ResolvedAt: minute(9000), Services: []string{"shop"}})
		want = append(want, id)
	}
	old := evidence.Incident{ID: "old", StartedAt: minute(-90), ResolvedAt: minute(-80)}
	lasting := evidence.Incident{ID: "lasting", StartedAt: minute(-90), ResolvedAt: minute(5)}
	gone := evidence.Incident{ID: "gone", StartedAt: minute(1), Gone: true}
	commit(t, s, minute(9100), evidence.Batch{Incidents: append(list, old, lasting, gone)})
	if _, err := s.Commit(context.Background(), "test/other", 0, minute(1), evidence.Batch{Incidents: []evidence.Incident{{ID: "foreign", StartedAt: minute(1)}}}); err != nil {
		t.Fatal(err)
	}
	read := func(span evidence.IncidentSpan) (ids []string) {
		t.Helper()
		err := s.EachIncident(context.Background(), "test/main", span, func(in evidence.Incident) error {
			if len(in.Services) == 0 && in.ID != "lasting" {
				t.Errorf("%s lost its services", in.ID)
			}
			ids = append(ids, in.ID)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if got := read(evidence.IncidentSpan{Since: minute(0)}); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d incidents, want %d in order", len(got), len(want))
	}
	if got := read(evidence.IncidentSpan{Since: minute(0), Until: minute(1), Lasting: true}); len(got) != 701 || got[0] != "lasting" {
		t.Errorf("%d incidents of the first minute, want 700 and the lasting one first", len(got))
	}
	full := errors.New("full")
	if err := s.EachIncident(context.Background(), "test/main", evidence.IncidentSpan{}, func(evidence.Incident) error { return full }); !errors.Is(err, full) {
		t.Errorf("the callback's error became %v", err)
	}
	// Writing while reading must not wait for the reader.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := s.EachIncident(ctx, "test/main", evidence.IncidentSpan{Since: minute(3)}, func(in evidence.Incident) error {
		in.Notes++
		_, err := s.Commit(ctx, "test/main", 0, minute(9200), evidence.Batch{Incidents: []evidence.Incident{in}})
		if err == nil && in.Notes > 1 {
			err = fmt.Errorf("%s came twice", in.ID)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func keys(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	first, err := s.Key(context.Background(), "people")
	if err != nil || len(first) != 32 {
		t.Fatalf("key of %d bytes, %v", len(first), err)
	}
	other, err := s.Key(context.Background(), "other")
	if err != nil || string(other) == string(first) {
		t.Errorf("two names have one key, %v", err)
	}
	if again, err := s.Key(context.Background(), "people"); err != nil || string(again) != string(first) {
		t.Errorf("the key has changed, %v", err)
	}
}
