package evaluation

import (
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// fact is true for a part of the time and false for the rest.
type fact struct {
	hour int
	true bool
}

// badgeComesAndGoes are three changes of the badge: the first award, a regress
// and an award.
func badgeComesAndGoes() []fact { return []fact{{0, true}, {20, false}, {60, true}} }

const hours = 100

// fleet has several judges of one service, as several processes would have them.
type fleet struct {
	t        *testing.T
	config   *Config
	at       time.Time
	judges   []*judge
	observer *store.Store
	// last is the snapshot that each judge returned last, nil after an error.
	last []*snapshot.Snapshot
}

func newFleet(t *testing.T, stores ...*store.Store) *fleet {
	t.Helper()
	f := &fleet{
		t: t, config: fleetOfOne(t, criteria, ""), observer: stores[0],
		at:   time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC),
		last: make([]*snapshot.Snapshot, len(stores)),
	}
	for _, s := range stores {
		j, err := newJudge(t.Context(), s, f.config, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		f.judges = append(f.judges, j)
	}
	return f
}

func openAt(t *testing.T, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: address, Facts: fleetOfOne(t, criteria, "").Facts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// hour stores what was observed and lets each judge judge, all at once.
func (f *fleet) hour(value bool) []error {
	f.t.Helper()
	f.at = f.at.Add(time.Hour)
	f.observe(value)
	errs := make([]error, len(f.judges))
	var group sync.WaitGroup
	for i, j := range f.judges {
		group.Go(func() { f.last[i], errs[i] = j.run(f.t.Context(), f.config, f.at) })
	}
	group.Wait()
	return errs
}

func (f *fleet) observe(value bool) {
	f.t.Helper()
	batch := evidence.Batch{
		Covered: []evidence.Coverage{{Group: "x", Facts: []string{"x.one"}, At: f.at}},
		Records: []evidence.Record{{
			Service: "shop", Fact: "x.one", Source: "x/1", Value: evidence.Bool(value), ObservedAt: f.at,
		}},
	}
	if _, err := f.observer.Commit(f.t.Context(), "x/1", 0, f.at, batch); err != nil {
		f.t.Fatal(err)
	}
}

// play lets the judges judge for some days. failed is called with the errors of an
// hour.
func (f *fleet) play(before func(hour int), failed func(hour int, errs []error)) {
	f.t.Helper()
	changes := badgeComesAndGoes()
	value := false
	for hour := range hours {
		if len(changes) > 0 && changes[0].hour == hour {
			value, changes = changes[0].true, changes[1:]
		}
		if before != nil {
			before(hour)
		}
		failed(hour, f.hour(value))
	}
}

func (f *fleet) noErrors(hour int, errs []error) {
	f.t.Helper()
	if err := errors.Join(errs...); err != nil {
		f.t.Fatalf("hour %d: %v", hour, err)
	}
}

// changes are the badge changes in a store.
func changes(t *testing.T, s *store.Store) (list []scoring.Transition, counted int) {
	t.Helper()
	list, _, err := s.LoadTransitions(t.Context(), 0, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.TransitionCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		counted += int(c.Count)
	}
	return list, counted
}

// undisturbed are the changes that one process stores.
func undisturbed(t *testing.T) []scoring.Transition {
	t.Helper()
	s := openAt(t, filepath.Join(t.TempDir(), "one.db"))
	f := newFleet(t, s)
	f.play(nil, f.noErrors)
	list, counted := changes(t, s)
	if len(list) != 3 || counted != 3 {
		t.Fatalf("one process stores %+v and counts %d, want 3 changes", list, counted)
	}
	return list
}

// TestABadgeChangeIsStoredOnce, however many processes judge and whatever answers
// of the database are lost.
func TestABadgeChangeIsStoredOnce(t *testing.T) {
	t.Parallel()
	want, server := undisturbed(t), storetest.StartPostgres(t)
	t.Run("judges at once", func(t *testing.T) { judgesAtOnce(t, server, want) })
	t.Run("lost answers", func(t *testing.T) { lostAnswers(t, server, want) })
}

// judgesAtOnce: several processes judge the same evidence
// at the same time. What is stored is what one process would have stored, and
// each of them publishes it.
func judgesAtOnce(t *testing.T, server *storetest.Postgres, want []scoring.Transition) {
	for name, open := range map[string]func(t *testing.T) []*store.Store{
		"SQLite": func(t *testing.T) []*store.Store {
			s := openAt(t, filepath.Join(t.TempDir(), "test.db"))
			return []*store.Store{s, s, s}
		},
		"PostgreSQL": func(t *testing.T) []*store.Store {
			address := server.Database(t)
			return []*store.Store{openAt(t, address), openAt(t, address), openAt(t, address)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			stores := open(t)
			f := newFleet(t, stores...)
			f.play(nil, func(hour int, errs []error) {
				f.noErrors(hour, errs)
				for _, s := range f.last {
					if got, want := s.Services[0].Badge.Badge, f.last[0].Services[0].Badge.Badge; got != want {
						t.Errorf("hour %d: one process publishes %s, another %s", hour, got, want)
					}
				}
			})
			got, counted := changes(t, stores[0])
			if !reflect.DeepEqual(got, want) || counted != len(want) {
				t.Errorf("stored %+v, counted %d, want\n%+v", got, counted, want)
			}
		})
	}
}

// lostAnswers: in every third hour from the second on the database commits the
// judgement and the answer is lost. Each badge change is stored once all the same.
func lostAnswers(t *testing.T, server *storetest.Postgres, want []scoring.Transition) {
	address, proxy := server.Database(t), server.Proxy(t)
	observer := openAt(t, address)
	f := newFleet(t, openAt(t, proxy.URL(t, address)))
	f.observer = observer
	lost := func(hour int) bool { return hour%3 == 1 }
	f.play(func(hour int) {
		if lost(hour) {
			proxy.LoseCommits(1)
		}
	}, func(hour int, errs []error) {
		if failed := errs[0] != nil; failed != lost(hour) || proxy.Left() > 0 {
			t.Fatalf("hour %d: %v; %d answers are still to be lost", hour, errs[0], proxy.Left())
		}
	})
	got, counted := changes(t, observer)
	if !reflect.DeepEqual(got, want) || counted != len(want) {
		t.Errorf("stored %+v, counted %d, want\n%+v", got, counted, want)
	}
}

// TestRestartsStopNoClock: a process that is restarted every nine minutes withdraws a
// badge at the same moment as a process that is not restarted.
func TestRestartsStopNoClock(t *testing.T) {
	t.Parallel()
	text := strings.Replace(criteria, "level: 1,", "level: 1, dwell: 2h,", 1)
	lost := func(rounds int) time.Time {
		p := &process{t: t, url: filepath.Join(t.TempDir(), "test.db"), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
		c := fleetOfOne(t, text, "")
		c.Interval, p.step = time.Minute, time.Minute
		p.run(c, p.observing(true), 5)
		for range 200 / rounds {
			if _, transitions := p.run(c, p.observing(false), rounds); len(transitions) > 0 {
				return transitions[0].At
			}
		}
		return time.Time{}
	}
	want := lost(200)
	if got := lost(9); want.IsZero() || !got.Equal(want) {
		t.Errorf("with restarts the badge is lost at %s, want %s", got, want)
	}
}
