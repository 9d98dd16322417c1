package evaluation

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// lived is a fleet that was judged for weeks, with all that moves badges: evidence that
// changes, sources that fail, exceptions, attributes, exemptions, and judging that stops.
type lived struct {
	*walk
	store *store.Store
	judge *judge
	// excepted are the services that a source has no answer for, by source.
	excepted map[string]exceptedUntil
}

type exceptedUntil struct {
	service string
	until   time.Time
}

const livedInterval = 30 * time.Minute

func newLived(t *testing.T, seed uint64, url string) *lived {
	t.Helper()
	w := &walk{t: t, random: rand.New(rand.NewPCG(seed, 7)), at: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	w.define()
	l := &lived{walk: w, excepted: map[string]exceptedUntil{}}
	var err error
	l.store, err = store.Open(t.Context(), store.Options{URL: url, Facts: w.facts, Now: func() time.Time { return w.at }})
	must(t, err)
	t.Cleanup(func() { must(t, l.store.Close()) })
	l.reconfigure(nil)
	l.judge, err = newJudge(t.Context(), l.store, l.config, slog.New(slog.DiscardHandler))
	must(t, err)
	return l
}

// reconfigure gives the services other attributes, and all the exemptions.
func (l *lived) reconfigure(exemptions []scoring.Exemption) {
	var entries catalog.Entries
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		entry := catalog.Service{Name: name, Tier: 1 + l.random.IntN(3), RPOMinutes: 90}
		if l.random.IntN(2) == 0 {
			entry.GitHub = "a/b"
		}
		entries.Services = append(entries.Services, entry)
	}
	built, err := (catalog.Rules{}).Build(entries)
	must(l.t, err)
	l.config = &Config{
		Catalog: built, Facts: l.facts, Framework: l.criteria[0], Providers: l.providers, Exemptions: exemptions,
		Interval: livedInterval, ObserveFor: 20 * time.Hour, KeepFor: 60 * time.Hour,
		Pins: []scoring.Pin{{
			Selector:  scoring.Selector{Services: []string{"f"}},
			Framework: l.criteria[3], NotMeasurable: map[string]bool{"n.flag": true}, Until: l.at.AddDate(1, 0, 0),
		}},
	}
}

// round is a round of a source.
func (l *lived) round(p *evidence.Provider, change int) {
	batch := evidence.Batch{Covered: []evidence.Coverage{{Group: "g", Facts: p.Facts, At: l.at, Dated: p.ID == "j/1"}}}
	for _, service := range l.config.Catalog.Services() {
		for _, fact := range p.Facts {
			if p.Answers != nil && !p.Answers(service.Name, fact) || l.random.IntN(100) >= change {
				continue
			}
			if l.random.IntN(30) == 0 {
				batch.Withdrawals = append(batch.Withdrawals, evidence.Withdrawal{
					Service: service.Name, Fact: fact, Reason: evidence.MissingNotFound,
				})
				continue
			}
			value := l.value(fact)
			if l.random.IntN(5) > 0 {
				switch { // most of it is good
				case value.Kind() == evidence.KindBool:
					value = evidence.Bool(true)
				case fact == "x.count":
					value = evidence.Int(3)
				}
			}
			r := evidence.Record{Service: service.Name, Fact: fact, Source: p.ID, Value: value}
			if p.ID == "j/1" {
				r.Since = l.at.Add(-time.Duration(l.random.IntN(80)) * time.Minute)
			}
			batch.Records = append(batch.Records, r)
		}
	}
	if l.random.IntN(400) == 0 {
		l.excepted[p.ID] = exceptedUntil{
			pick(l.walk, "a", "b", "c", "d"), l.at.Add(time.Duration(l.random.IntN(60)) * time.Hour),
		}
	}
	if e := l.excepted[p.ID]; l.at.Before(e.until) {
		batch.Covered[0].Except = map[string]evidence.Missing{e.service: evidence.MissingTooFew}
		isExcepted := func(r evidence.Record) bool { return r.Service == e.service && l.random.IntN(3) > 0 }
		batch.Records = slices.DeleteFunc(batch.Records, isExcepted)
	}
	_, err := l.store.Commit(l.t.Context(), p.ID, 0, l.at, batch)
	must(l.t, err)
}

func (l *lived) live(ticks int) {
	silent := map[string]time.Time{}
	for range ticks {
		l.at = l.at.Add(livedInterval)
		switch l.random.IntN(300) {
		case 0:
			l.at = l.at.Add(time.Duration(3+l.random.IntN(30)) * time.Hour) // nothing ran
		case 1:
			l.reconfigure(l.config.Exemptions)
		case 2:
			l.reconfigure([]scoring.Exemption{{
				Check: pick(l.walk, "m.ok", "m.count", "m.age"), Reason: "x",
				Selector: scoring.Selector{Services: []string{pick(l.walk, "a", "b")}},
				Approver: "x", Expires: l.at.Add(time.Duration(l.random.IntN(60)) * time.Hour),
			}})
		}
		for i := range l.providers[1:] {
			p := &l.providers[1+i]
			if l.random.IntN(150) == 0 {
				silent[p.ID] = l.at.Add(time.Duration(l.random.IntN(200)) * time.Hour)
			}
			if l.at.After(silent[p.ID]) {
				l.round(p, 1)
			}
		}
		_, err := l.judge.run(l.t.Context(), l.config, l.at)
		must(l.t, err)
	}
}

// replayed are the transitions of all services, judged again.
func (l *lived) replayed(c *Config, from time.Time) map[string][]scoring.Transition {
	out := map[string][]scoring.Transition{}
	var r *Replay
	err := l.store.EachPast(l.t.Context(), "", l.at, func(p store.Past) error {
		r = NewReplay(c, p, l.at)
		return nil
	}, func(s store.PastService) error {
		entry, known := c.Catalog.Service(s.Service)
		if !known {
			return fmt.Errorf("service %q", s.Service)
		}
		lane := r.Lane(entry, &s, from, nil)
		_, badge := lane.Finish()
		stored, _ := l.judge.badgeOf(s.Service)
		if badge.Badge != stored.Badge || badge.OnHold() != stored.OnHold() {
			l.t.Errorf("%s ends with %s, on hold %t; it is %s, on hold %t", s.Service, badge.Badge, badge.OnHold(),
				stored.Badge, stored.OnHold())
		}
		out[s.Service] = lane.Transitions
		return nil
	})
	must(l.t, err)
	return out
}

func asText(t *testing.T, list []scoring.Transition) string {
	text := ""
	for _, c := range list {
		c.At = c.At.UTC()
		line, err := json.Marshal(c)
		must(t, err)
		text += string(line) + "\n"
	}
	return text
}

// TestReplayGivesTheStoredTransitions: what is judged again by the same criteria is what
// was judged, cause and evidence included.
func TestReplayGivesTheStoredTransitions(t *testing.T) {
	t.Parallel()
	changes := 0
	for seed := range uint64(4) {
		l := newLived(t, seed, filepath.Join(t.TempDir(), "test.db"))
		l.live(700)
		changes += l.compare(seed)
	}
	if changes < 8 {
		t.Errorf("%d changes of badges are too few to show anything", changes)
	}
	t.Logf("%d changes of badges", changes)
}

func TestReplayFromPostgreSQL(t *testing.T) {
	t.Parallel()
	l := newLived(t, 0, storetest.StartPostgres(t).Database(t))
	l.live(600)
	if l.compare(0) == 0 {
		t.Error("no badge has changed")
	}
}

func (l *lived) compare(seed uint64) (changes int) {
	l.t.Helper()
	stored, _, err := l.store.LoadTransitions(l.t.Context(), 0, time.Time{})
	must(l.t, err)
	byService := map[string][]scoring.Transition{}
	for _, c := range stored {
		byService[c.Service] = append(byService[c.Service], c)
	}
	for service, got := range l.replayed(l.config, time.Time{}) {
		if got, want := asText(l.t, got), asText(l.t, byService[service]); got != want {
			l.t.Errorf("seed %d, %s: judged again\n%sstored\n%s", seed, service, got, want)
		}
	}
	return len(stored)
}

// readAgain is the configuration as if its frameworks were read and compiled again.
func readAgain(c *Config) *Config {
	again, criteria := *c, *c.Framework
	again.Framework, again.Pins = &criteria, slices.Clone(c.Pins)
	for i := range again.Pins {
		pinned := *c.Pins[i].Framework
		again.Pins[i].Framework = &pinned
	}
	return &again
}

// TestComparedWithTheSameCriteriaNothingDiffers, and with others something does: the badges
// then end as those of a fleet that was judged by the others from then on.
func TestComparedWithTheSameCriteriaNothingDiffers(t *testing.T) {
	t.Parallel()
	l := newLived(t, 0, filepath.Join(t.TempDir(), "test.db"))
	from := l.at.Add(5 * 24 * time.Hour)
	l.live(600)
	same, err := Compare(t.Context(), l.store, l.config, readAgain(l.config), from, l.at, nil)
	must(t, err)
	changes := 0
	for _, s := range same.Services {
		changes += len(s.PresentChanges)
		if len(s.Differences) > 0 || s.Present != s.Other || asText(t, s.PresentChanges) != asText(t, s.OtherChanges) {
			t.Errorf("%s differs from itself: %+v\n%s\n%s", s.Service, s.Differences, asText(t, s.PresentChanges),
				asText(t, s.OtherChanges))
		}
	}
	if len(same.Services) != 6 || changes == 0 || !same.From.Equal(from) {
		t.Errorf("%d services, %d changes, from %s", len(same.Services), changes, same.From)
	}
	stricter := *l.config
	stricter.Framework = l.criteria[1] // x.count >= 4 instead of 3
	other, err := Compare(t.Context(), l.store, l.config, &stricter, from, l.at, nil)
	must(t, err)
	losses := 0
	for _, s := range other.Services {
		for _, d := range s.Differences {
			if d.Loss() && (len(d.Checks) == 0 || d.Checks[0].ID != "m.count") {
				t.Errorf("%s loses by %+v", s.Service, d.Checks)
			}
			if d.Loss() {
				losses++
			} else if !d.Until.IsZero() {
				continue
			}
			if !d.Loss() {
				t.Errorf("%s gains by a stricter check: %+v", s.Service, d)
			}
		}
	}
	if losses == 0 {
		t.Error("nothing is lost by a stricter check")
	}
}

// TestThePastIsReachedAsFarAsItIsStored: without history nothing is compared.
func TestThePastIsReachedAsFarAsItIsStored(t *testing.T) {
	t.Parallel()
	l := newLived(t, 4, filepath.Join(t.TempDir(), "test.db"))
	begin := l.at
	empty, err := Compare(t.Context(), l.store, l.config, l.config, begin.AddDate(0, 0, -9), begin, nil)
	must(t, err)
	if !empty.Reach.IsZero() || !empty.From.Equal(empty.To) || len(empty.Services) != 0 {
		t.Errorf("without history: %+v", empty)
	}
	l.live(100)
	c, err := Compare(t.Context(), l.store, l.config, readAgain(l.config), begin.AddDate(0, 0, -9), l.at, nil)
	must(t, err)
	if c.From.Before(begin) || c.From.Sub(begin) > 2*time.Hour || len(c.Services) == 0 {
		t.Errorf("from %s, reach %s, %d services", c.From, c.Reach, len(c.Services))
	}
}
