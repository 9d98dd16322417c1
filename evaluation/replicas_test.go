package evaluation

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// rendered is the page of metrics of a snapshot.
func rendered(t *testing.T, s *snapshot.Snapshot) []byte {
	t.Helper()
	return renderedBy(t, new(exporter.Renderer), s)
}

// renderedBy is the page that a renderer makes, which may have made others.
func renderedBy(t *testing.T, r *exporter.Renderer, s *snapshot.Snapshot) []byte {
	t.Helper()
	page, err := r.Render(s, exporter.Options{CheckStatusPass: true, EvaluationInterval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return page.Bytes(exporter.OpenMetrics)
}

// TestAFollowersPageIsTheJudges: one process judges, another one publishes what it
// judged. Both pages are equal, byte for byte, while a badge comes, is lost and comes
// again, and when the machine is silent and the catalog decides.
func TestAFollowersPageIsTheJudges(t *testing.T) {
	t.Parallel()
	address := storetest.StartPostgres(t).Database(t)
	f := newFleet(t, openAt(t, address), openAt(t, address))
	f.config = withRepository(t, "shop/shop")
	follower := f.judges[1]
	f.judges = f.judges[:1]
	compare := func(hour int, errs []error) {
		t.Helper()
		f.noErrors(hour, errs)
		if hour%3 == 1 {
			return // the follower misses a judgement now and then
		}
		if err := follower.load(t.Context(), f.config); err != nil {
			t.Fatal(err)
		}
		followed, err := follower.follow(t.Context(), f.config)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := rendered(t, followed), rendered(t, f.last[0]); !bytes.Equal(got, want) {
			t.Fatalf("hour %d: the follower's page is\n%s\nwant\n%s", hour, got, want)
		}
	}
	f.play(nil, compare)
	f.hour(false)
	for day := range 12 {
		f.config = withRepository(t, "")
		if day > 2 {
			f.config = withRepository(t, "shop/shop") // it is said anew, after the no
		}
		f.at = f.at.AddDate(0, 0, 1)
		var err error
		f.last[0], err = f.judges[0].run(t.Context(), f.config, f.at)
		compare(2*day, []error{err})
	}
	if got := f.last[0].Services[0].Card.Checks[0].By; got != framework.ByCatalog {
		t.Errorf("the check is decided by %q: the test shows nothing about the catalog", got)
	}
}

// TestOneConfigurationJudges: two processes with criteria that decide otherwise judge in
// turn. Only the configuration that was loaded later moves the badge, until it has not
// judged for three intervals.
func TestOneConfigurationJudges(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "test.db"))
	f := newFleet(t, s, s)
	quick := strings.Replace(criteria, "level: 1,", "level: 1, dwell: 2h,", 1)
	older, newer := fleetOfOne(t, quick, ""), fleetOfOne(t, strings.Replace(quick, "pass: x.one", `pass: "!x.one"`, 1), "")
	older.Version = store.Configuration{Hash: "older", LoadedAt: f.at}
	newer.Version = store.Configuration{Hash: "newer", LoadedAt: f.at.Add(time.Hour)}
	turn := func(judges ...int) {
		t.Helper()
		f.at = f.at.Add(time.Hour)
		f.observe(true)
		for _, i := range judges {
			c := []*Config{older, newer}[i]
			snapshot, err := f.judges[i].run(t.Context(), c, f.at)
			if err != nil {
				t.Fatal(err)
			}
			last, err := s.LastJudgement(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !snapshot.At.Equal(last.At) {
				t.Errorf("process %d publishes %s, the last judgement is of %s", i, snapshot.At, last.At)
			}
		}
	}
	for range 5 {
		turn(0)
	}
	for range 20 {
		turn(1, 0)
	}
	list, _ := changes(t, s)
	if len(list) != 2 || list[1].To != 0 || list[1].Cause != scoring.CauseCriteria {
		t.Errorf("two configurations at once: %+v, want an award and one loss by the new criteria", list)
	}
	by := func(want string) {
		t.Helper()
		last, err := s.LastJudgement(t.Context())
		if err != nil || last.Configuration.Hash != want {
			t.Errorf("%s: the configuration %q judges, want %q; %v", f.at, last.Configuration.Hash, want, err)
		}
	}
	turn(0)
	turn(0)
	by("newer")
	turn(0)
	by("older")

	// The newer one judges by a clock that is years ahead, and is gone.
	now := f.at
	f.at, newer.Version.LoadedAt = f.at.AddDate(3, 0, 0), f.at.AddDate(3, 0, 0)
	turn(1)
	f.at = now
	turn(0)
	by("older")
}
