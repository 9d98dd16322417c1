package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

func splitWords(s string) []string { return strings.Fields(s) }

// readersSeeWholeCommits writes the same number to two services in every batch
// from two sources at once. Whoever reads finds them equal, and the coverage of
// the same batch with them.
func readersSeeWholeCommits(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	sources := []string{"test/a", "test/b"}
	const rounds = 40
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for _, source := range sources {
		writers.Go(func() {
			for i := range rounds {
				batch := covered(minute(i), "counts", []string{"a.count"})
				for _, service := range []string{"shop", "bank", fmt.Sprintf("%s-%d", source, i)} {
					batch.Records = append(batch.Records, evidence.Record{Service: service, Fact: "a.count",
						Value: evidence.Int(int64(i)), Source: source})
				}
				if _, err := s.Commit(ctx, source, 0, minute(i), batch); err != nil {
					t.Errorf("commit %d of %s: %v", i, source, err)
					return
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			var after int64
			kept := map[store.Key]float64{}
			for {
				select {
				case <-done:
					return
				default:
				}
				found, err := s.LoadRecords(ctx, after)
				if err != nil {
					t.Errorf("load after %d: %v", after, err)
					return
				}
				after = found.Seq
				for _, row := range found.Rows {
					kept[store.Key{Service: row.Service, Fact: row.Fact, Source: row.Source}] = row.Value.Number()
				}
				for _, c := range found.Coverage {
					if got := kept[store.Key{Service: "shop", Fact: "a.count", Source: c.Source}]; !c.At.Equal(minute(int(got))) {
						t.Errorf("commit %v of %s was seen with the coverage of %s", got, c.Source, c.At)
						return
					}
				}
				for _, source := range sources {
					shop, bank := kept[store.Key{Service: "shop", Fact: "a.count", Source: source}], kept[store.Key{Service: "bank",
						Fact: "a.count", Source: source}]
					if shop != bank {
						t.Errorf("half a commit of %s was seen: %v and %v", source, shop, bank)
						return
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if got, want := len(load(t, s, 0).Rows), 2*(rounds+2); got != want {
		t.Errorf("%d rows, want %d", got, want)
	}
}

// model is what a store should hold, kept the simple way.
type model struct {
	rows map[store.Key]modelRow
}

type modelRow struct {
	value      evidence.Value
	withdrawn  evidence.Missing
	since      time.Time
	observedAt time.Time
}

// randomCommits drives a store and the model with the same commits, restarts
// included, and compares all that a reader can see. The reader loads only what
// has changed, as evaluation does.
func randomCommits(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	trial := 0
	rapid.Check(t, func(r *rapid.T) {
		trial++
		source := fmt.Sprintf("trial/%d", trial)
		m := model{rows: map[store.Key]modelRow{}}
		groups := map[string][]string{"one": {"a.flag", "a.count"}, "two": {"a.ratio"}}
		groupOf := map[string]string{"a.flag": "one", "a.count": "one", "a.ratio": "two"}
		names := []string{"shop", "bank", "mail"}
		mirror := map[store.Key]store.Row{}
		begin, err := s.Sequence(context.Background())
		if err != nil {
			r.Fatal(err)
		}
		after := begin
		at := start()
		for range rapid.IntRange(1, 8).Draw(r, "commits") {
			at = at.Add(time.Duration(rapid.IntRange(1, 90).Draw(r, "minutes")) * time.Minute)
			batch := evidence.Batch{}
			touched := map[store.Key]bool{}
			for range rapid.IntRange(0, 5).Draw(r, "observations") {
				key := store.Key{Source: source, Service: rapid.SampledFrom(names).Draw(r, "service"),
					Fact: rapid.SampledFrom([]string{"a.flag", "a.count", "a.ratio"}).Draw(r, "fact")}
				if touched[key] {
					continue
				}
				touched[key] = true
				m.observe(r, key, at, &batch)
			}
			for group, members := range groups {
				if !rapid.Bool().Draw(r, "covers "+group) {
					continue
				}
				c := evidence.Coverage{Group: group, Facts: members, At: at, Except: map[string]evidence.Missing{}}
				for _, name := range names {
					if rapid.IntRange(0, 3).Draw(r, "except") == 0 {
						c.Except[name] = evidence.MissingUndecodable
					}
				}
				batch.Covered = append(batch.Covered, c)
				m.cover(c, groupOf)
			}
			if _, err := s.Commit(context.Background(), source, 0, at, batch); err != nil {
				r.Fatal(err)
			}
			if rapid.IntRange(0, 19).Draw(r, "restart") == 0 {
				closeStore(t, s)
				s = db.open(t, store.Options{Facts: facts(t)})
			}
			found, err := s.LoadRecords(context.Background(), after)
			if err != nil {
				r.Fatal(err)
			}
			after = found.Seq
			m.compare(r, source, groupOf, mirror, found)
		}
	})
}

// observe adds one random observation to a batch and to the model.
func (m *model) observe(r *rapid.T, key store.Key, at time.Time, batch *evidence.Batch) {
	old, known := m.rows[key]
	if rapid.IntRange(0, 4).Draw(r, "withdraw") == 0 {
		batch.Withdrawals = append(batch.Withdrawals, evidence.Withdrawal{Service: key.Service, Fact: key.Fact,
			Reason: evidence.MissingNotFound})
		if !known || old.withdrawn == "" {
			m.rows[key] = modelRow{withdrawn: evidence.MissingNotFound, since: at, observedAt: at}
		}
		return
	}
	n := rapid.IntRange(0, 2).Draw(r, "value")
	value := evidence.Bool(n > 0)
	switch key.Fact {
	case "a.count":
		value = evidence.Int(int64(n))
	case "a.ratio":
		value, _ = evidence.Double(float64(n) / 3)
	}
	batch.Records = append(batch.Records, evidence.Record{Service: key.Service, Fact: key.Fact, Value: value,
		Source: key.Source})
	if known && old.withdrawn == "" && old.value == value {
		return
	}
	m.rows[key] = modelRow{value: value, since: at, observedAt: at}
}

// cover observes every row of the group whose service is not excepted.
func (m *model) cover(c evidence.Coverage, groupOf map[string]string) {
	for key, row := range m.rows {
		if _, excepted := c.Except[key.Service]; groupOf[key.Fact] == c.Group && !excepted {
			row.observedAt = c.At
			m.rows[key] = row
		}
	}
}

// compare brings the mirror up to date and holds it against the model.
func (m *model) compare(
	r *rapid.T, source string, groupOf map[string]string, mirror map[store.Key]store.Row, found store.Evidence,
) {
	for _, row := range found.Rows {
		if row.Source == source {
			mirror[store.Key{Service: row.Service, Fact: row.Fact, Source: row.Source}] = row
		}
	}
	groupAt := map[string]time.Time{}
	for _, c := range found.Coverage {
		if c.Source == source {
			groupAt[c.Group] = c.At
		}
	}
	if len(mirror) != len(m.rows) {
		r.Fatalf("%d rows, want %d", len(mirror), len(m.rows))
	}
	for key, want := range m.rows {
		row := mirror[key]
		got := modelRow{value: row.Value, withdrawn: row.Withdrawn, since: row.Since,
			observedAt: row.Observed(groupAt[groupOf[key.Fact]])}
		if got != want {
			r.Fatalf("%s: got %+v, want %+v", key, got, want)
		}
	}
}
