package evaluation

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// allWaysToMove is a framework in which badges move by everything that moves them.
const allWaysToMove = `
apiVersion: readiness/v1
kind: Framework
name: all
version: 1.0.0
lapse_after: {bronze: 40h, silver: 20h}
requirements: {silver: {max_attested: 0}}
modules:
  - id: m
    name: M
    checks:
      - {id: m.ok, level: 1, dwell: 3h, title: x, proofs: [{by: machine, pass: x.ok}, {by: catalog, pass: catalog.source_declared}, {by: attested, pass: attest.a}]}
      - {id: m.count, level: 1, dwell: 9h, title: x, proofs: [{by: machine, pass: x.count >= 3}]}
      - {id: m.age, level: 2, title: x, proofs: [{by: machine, pass: "x.age <= (service.tier == 1 ? 1.0 : 2.0) && x.age < 30.0"}]}
      - {id: m.left, level: 2, title: x, proofs: [{by: machine, pass: "x.left >= 5.0 || service.tier == 3"}, {by: attested, pass: attest.a}]}
  - id: n
    name: N
    checks:
      - {id: n.flag, level: 1, title: x, scope: {when: 'service.runtime == "kubernetes"'}, proofs: [{by: machine, pass: r.flag}]}
      - {id: n.point, level: 2, title: x, proofs: [{by: machine, mode: suffices, pass: x.start * 24.0 <= 20.0}, {by: attested, pass: attest.a}]}
      - {id: n.dated, level: 3, title: x, enforce_from: 2026-03-06, proofs: [{by: machine, pass: x.old}]}
      - {id: n.minutes, level: 3, title: x, proofs: [{by: machine, pass: x.left_minutes >= service.rpo_minutes}]}
`

// universe is a store with two processes that judge in turn. In one universe they judge
// what has changed, in the other one everything.
type universe struct {
	store  *store.Store
	judges [2]*judge
	full   bool
}

// walk is a random sequence of all that changes a judgement, in both universes.
type walk struct {
	t         *testing.T
	random    *rand.Rand
	universes [2]*universe
	at        time.Time
	facts     *evidence.Facts
	providers []evidence.Provider
	config    *Config
	criteria  []*framework.Framework
	// pages renders the snapshots of each process of the universe that is not full.
	pages [2]exporter.Renderer
	// judged and judgedFull count what was judged of all cards.
	judged, all int
}

func newWalk(t *testing.T, seed uint64) *walk {
	t.Helper()
	w := &walk{t: t, random: rand.New(rand.NewPCG(seed, 1)), at: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	w.define()
	w.configure(w.criteria[0], nil)
	for i := range w.universes {
		s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "test.db"), Facts: w.facts})
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		w.universes[i] = &universe{store: s, full: i == 1}
		w.restart(0, i)
		w.restart(1, i)
	}
	return w
}

// define makes the facts, the sources that have them, and the criteria.
func (w *walk) define() {
	t := w.t
	t.Helper()
	clocked := func(name, unit string, clock evidence.Clock) evidence.Definition {
		return evidence.Definition{Name: name, Kind: evidence.KindDouble, Clock: clock, Unit: unit,
			Resolution: time.Minute}
	}
	definitions := []evidence.Definition{
		{Name: "x.ok", Kind: evidence.KindBool}, {Name: "x.count", Kind: evidence.KindInt},
		{Name: "x.old", Kind: evidence.KindBool, FreshFor: 4 * time.Hour, ValidFor: 13 * time.Hour},
		clocked("x.age", "days", evidence.Elapsed), clocked("x.start", "days", evidence.Elapsed),
		clocked("x.left", "hours", evidence.Remaining),
		clocked("x.left_minutes", "minutes", evidence.Remaining),
		{Name: "r.flag", Kind: evidence.KindBool}, {Name: "k8s.here", Kind: evidence.KindBool},
		{Name: "attest.a", Kind: evidence.KindBool, FreshFor: 30 * time.Hour, ValidFor: 90 * time.Hour},
	}
	for i := range definitions {
		definitions[i].Help = "x"
	}
	var err error
	w.facts, err = evidence.NewFacts(append(definitions, catalog.Facts()...))
	must(t, err)
	w.providers = []evidence.Provider{
		{ID: catalog.SourceID, Facts: []string{catalog.FactSourceDeclared}},
		{ID: "x/1", FreshFor: 5 * time.Hour,
			Facts: []string{"x.ok", "x.count", "x.age", "x.start", "x.old", "x.left_minutes"}},
		{ID: "x/2", FreshFor: 7 * time.Hour, Facts: []string{"x.count", "x.left", "x.age", "k8s.here"},
			Answers: func(service, _ string) bool { return service != "c" }},
		{ID: "r/1", FreshFor: 5 * time.Hour, ReplicaOf: "r", Facts: []string{"r.flag"}},
		{ID: "r/2", FreshFor: 5 * time.Hour, ReplicaOf: "r", Facts: []string{"r.flag"}},
		{ID: "j/1", FreshFor: 5 * time.Hour, Facts: []string{"attest.a"}},
	}
	for _, text := range []string{
		allWaysToMove, strings.Replace(allWaysToMove, "x.count >= 3", "x.count >= 4", 1),
		strings.Replace(allWaysToMove, "m.left, level: 2", "m.left, level: 1", 1),
		strings.Replace(allWaysToMove, "n.point, level: 2", "n.other, level: 1", 1),
	} {
		document, err := framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(text)}})
		must(t, err)
		f, err := framework.Compile(document, w.facts)
		must(t, err)
		w.criteria = append(w.criteria, f)
	}
}

func (w *walk) restart(process, universe int) {
	u := w.universes[universe]
	var err error
	u.judges[process], err = newJudge(w.t.Context(), u.store, w.config, slog.New(slog.DiscardHandler))
	must(w.t, err)
}

// configure makes a configuration of some services.
func (w *walk) configure(f *framework.Framework, exemptions []scoring.Exemption) {
	var entries catalog.Entries
	for i, name := range []string{"a", "b", "c", "d", "e", "f"} {
		if i > 0 && w.random.IntN(8) == 0 {
			continue
		}
		entry := catalog.Service{Name: name, Tier: 1 + w.random.IntN(3), RPOMinutes: 90}
		if w.random.IntN(2) == 0 {
			entry.GitHub = "a/b"
		}
		entries.Services = append(entries.Services, entry)
	}
	built, err := (catalog.Rules{}).Build(entries)
	must(w.t, err)
	w.config = &Config{
		Catalog: built, Facts: w.facts, Framework: f, Pins: w.pins(), Providers: w.providers, Exemptions: exemptions,
		Interval: time.Hour, ObserveFor: 20 * time.Hour, KeepFor: 60 * time.Hour, CheckStatusPass: true,
	}
}

// pins are on random criteria, for a time in which services are judged often.
func (w *walk) pins() []scoring.Pin {
	var pins []scoring.Pin
	for range w.random.IntN(3) {
		pins = append(pins, scoring.Pin{
			Selector:  pick(w, scoring.Selector{Services: []string{"a", "e"}}, scoring.Selector{Tiers: []int{2}}),
			Framework: pick(w, w.criteria...), NotMeasurable: map[string]bool{pick(w, "", "", "n.dated"): true},
			Until: w.at.Add(time.Duration(w.random.IntN(48*60)) * time.Minute),
		})
	}
	return pins
}

func pick[T any](w *walk, of ...T) T { return of[w.random.IntN(len(of))] }

func (w *walk) value(fact string) evidence.Value {
	hours := time.Duration(w.random.IntN(60*60)) * time.Minute
	switch fact {
	case "x.count":
		return evidence.Int(int64(w.random.IntN(4)))
	case "x.age", "x.start":
		if w.random.IntN(9) == 0 {
			return evidence.Never()
		}
		return evidence.Instant(w.at.Add(-hours))
	case "x.left", "x.left_minutes":
		if w.random.IntN(9) == 0 {
			zero, _ := evidence.Double(0)
			return zero
		}
		return evidence.Instant(w.at.Add(hours / 4))
	}
	return evidence.Bool(w.random.IntN(3) > 0)
}

// round is a round of one source.
func (w *walk) round() {
	p := w.providers[1+w.random.IntN(len(w.providers)-1)]
	var batch evidence.Batch
	for _, service := range w.config.Catalog.Services() {
		for _, fact := range p.Facts {
			chance := pick(w, 1, 1, 1, 10)
			unexpected := fact == "x.start" && service.Name != "e" || p.Answers != nil && !p.Answers(service.Name, fact)
			if unexpected || w.random.IntN(20) >= chance {
				continue
			}
			if w.random.IntN(6) == 0 {
				batch.Withdrawals = append(batch.Withdrawals, evidence.Withdrawal{
					Service: service.Name, Fact: fact, Reason: evidence.MissingNotFound,
				})
				continue
			}
			r := evidence.Record{
				Service: service.Name, Fact: fact, Source: p.ID, Value: w.value(fact), Detail: pick(w, "p", "q"),
			}
			if p.ID == "j/1" {
				r.ObservedAt = w.at.Add(-time.Duration(w.random.IntN(40)) * time.Hour)
				r.Since = r.ObservedAt.Add(time.Duration(w.random.IntN(80)) * time.Minute)
			}
			batch.Records = append(batch.Records, r)
		}
	}
	if w.random.IntN(2) > 0 {
		except := map[string]evidence.Missing{}
		if w.random.IntN(3) == 0 {
			except[pick(w, "a", "b", "c")] = pick(w, evidence.MissingNaN, evidence.MissingTooFew)
		}
		at := w.at.Add(-time.Duration(pick(w, 0, 0, 0, 20, 80)) * time.Minute)
		if w.random.IntN(25) == 0 {
			at = w.at.Add(3 * time.Hour) // of a clock that was ahead
		}
		batch.Covered = []evidence.Coverage{{Group: "g", Facts: p.Facts, At: at, Except: except, Dated: p.ID == "j/1"}}
	}
	for _, u := range w.universes {
		if _, err := u.store.Commit(w.t.Context(), p.ID, 0, w.at, batch); err != nil {
			w.t.Fatal(err)
		}
	}
}

// steady is a round of all sources that finds nothing new.
func (w *walk) steady() {
	for _, p := range w.providers[1:] {
		for _, u := range w.universes {
			_, err := u.store.Commit(w.t.Context(), p.ID, 0, w.at, evidence.Batch{
				Covered: []evidence.Coverage{{Group: "g", Facts: p.Facts, At: w.at, Dated: p.ID == "j/1"}},
			})
			must(w.t, err)
		}
	}
}

func (w *walk) step() {
	w.at = w.at.Add(pick(w, 10*time.Minute, 20*time.Minute, time.Hour, time.Hour, time.Hour, 2*time.Hour))
	switch w.random.IntN(90) {
	case 0:
		w.at = w.at.Add(30 * time.Hour)
	case 1:
		w.at = w.at.Add(-2 * time.Hour)
	case 2:
		w.at = w.at.AddDate(0, 0, 8)
	case 3, 4:
		var exemptions []scoring.Exemption
		for range w.random.IntN(3) {
			exemptions = append(exemptions, scoring.Exemption{
				Check: pick(w, "m.ok", "m.age", "n.dated"), Reason: "x", Approver: "x",
				Selector: scoring.Selector{Services: []string{pick(w, "a", "b")}},
				Expires:  w.at.Add(time.Duration(w.random.IntN(30)) * time.Hour),
			})
		}
		w.configure(w.config.Framework, exemptions)
	case 5:
		w.configure(pick(w, w.criteria...), w.config.Exemptions)
	case 6:
		process := w.random.IntN(2)
		w.restart(process, 0)
		w.restart(process, 1)
	}
	if w.random.IntN(4) > 0 {
		w.steady()
	}
	for range pick(w, 0, 0, 0, 1, 1, 3) {
		w.round()
	}
	if w.random.IntN(15) == 0 {
		// Longer than one judgement adds to a clock, and the evidence is still fresh.
		w.at = w.at.Add(freshIntervals*w.config.Interval + 30*time.Minute)
	}
}

// judge lets one process judge, and the other one follow now and then.
func (w *walk) judge(process int, follow bool) {
	w.t.Helper()
	var judged, followed [2]*snapshot.Snapshot
	for i, u := range w.universes {
		c := w.config
		whole := *c
		if u.full {
			c = &whole
		}
		j := u.judges[process]
		var err error
		judged[i], err = j.run(w.t.Context(), c, w.at)
		must(w.t, err)
		if !u.full {
			for _, k := range j.kept.services {
				w.all++
				if k.card.At.Equal(w.at) {
					w.judged++
				}
			}
		}
		if !follow {
			continue
		}
		other := u.judges[1-process]
		must(w.t, other.load(w.t.Context(), c))
		followed[i], err = other.follow(w.t.Context(), c)
		must(w.t, err)
	}
	w.same("judged", process, judged)
	if follow {
		w.same("followed", 1-process, followed)
	}
}

func (w *walk) same(what string, process int, s [2]*snapshot.Snapshot) {
	w.t.Helper()
	if len(s[0].Services) != len(s[1].Services) || !s[0].At.Equal(s[1].At) {
		w.t.Fatalf("%s at %s: %d services at %s, want %d at %s", what, w.at, len(s[0].Services), s[0].At, len(s[1].Services),
			s[1].At)
	}
	for i := range s[0].Services {
		got, want := w.lines(&s[0].Services[i], s[0]), w.lines(&s[1].Services[i], s[1])
		for k := range max(len(got), len(want)) {
			if k >= len(got) || k >= len(want) || got[k] != want[k] {
				w.t.Fatalf("%s at %s: %s\n%s\nwant\n%s", what, w.at, s[0].Services[i].Entry.Name,
					strings.Join(got[min(k, len(got)-1):], "\n"), strings.Join(want[min(k, len(want)-1):], "\n"))
			}
		}
	}
	if got, want := renderedBy(w.t, &w.pages[process], s[0]), rendered(w.t, s[1]); !bytes.Equal(got, want) {
		w.t.Fatalf("%s at %s: the page is\n%s\nwant\n%s", what, w.at, got, want)
	}
}

// lines are everything that a snapshot says of a service, but for what its card was
// judged from.
func (w *walk) lines(s *snapshot.Service, in *snapshot.Snapshot) []string {
	card, badge := *s.Card, s.Badge
	out := []string{fmt.Sprintf("flipped %v", s.FlippedAt), fmt.Sprintf("lapses %s", badge.LapseAt())}
	for i := range card.Checks {
		r := card.Checks[i]
		id := r.Check.ID
		exempt := r.Exemption != nil && reflect.DeepEqual(card.Basis.Exempt[id], r.Exemption)
		r.Check, r.Exemption = nil, nil
		out = append(out, fmt.Sprintf("%s %+v %t", id, r, exempt))
	}
	for i := range card.Modules {
		m := card.Modules[i]
		m.Module = nil
		out = append(out, fmt.Sprintf("%+v", m))
	}
	out = append(out, fmt.Sprintf("%+v", card.Basis.Subject), fmt.Sprint(card.Basis.Scheduled))
	card.Checks, card.Modules, card.Basis, card.At, card.Until = nil, nil, nil, time.Time{}, time.Time{}
	out = append(out, fmt.Sprintf("%+v", card))
	if badge.Hold != nil {
		out = append(out, fmt.Sprintf("%+v", *badge.Hold))
	}
	if badge.LastTransition != nil {
		out = append(out, fmt.Sprintf("%+v", *badge.LastTransition))
	}
	badge.Support, badge.Before, badge.Hold, badge.LastTransition = nil, nil, nil, nil
	out = append(out, fmt.Sprintf("%+v", badge))
	for i := range s.Evidence.Len() {
		o := s.Evidence.At(i)
		out = append(out, fmt.Sprintf("%s %+v %s", w.facts.Name(i), o, w.facts.Read(i, o.Value, in.At)))
	}
	return out
}

// stored compares what the universes have stored, and what their next processes begin
// with.
func (w *walk) stored() {
	w.t.Helper()
	var states [2]store.State
	var badges [2]map[string][]string
	for i, u := range w.universes {
		var err error
		lookup := func(f store.Framework) (*framework.Framework, error) {
			criteria, _ := restore(f, w.config, slog.New(slog.DiscardHandler))
			return criteria, nil
		}
		states[i], err = u.store.LoadState(w.t.Context(), store.State{}, lookup)
		must(w.t, err)
		badges[i] = map[string][]string{}
		for service, b := range states[i].Badges {
			lines := []string{fmt.Sprintf("%s %s", service, b.At)}
			if b.Support != nil {
				lines = append(lines, fmt.Sprintf("%s %v %v", b.Support.At, b.Support.Known(), b.Support.Invalidated))
			}
			for _, held := range []framework.Badge{framework.NoBadge, framework.Bronze, framework.Silver, framework.Gold} {
				if b.Before[held] != nil {
					lines = append(lines, fmt.Sprintf("before %s: %v", held, b.Before[held].Known()))
				}
			}
			b.Support, b.Before = nil, nil
			badges[i][service] = append(lines, fmt.Sprintf("%+v", b.Failing))
			b.Failing, b.LastTransition, b.Hold = nil, nil, nil
			badges[i][service] = append(badges[i][service], fmt.Sprintf("%+v", b))
		}
	}
	if !reflect.DeepEqual(badges[0], badges[1]) {
		for service := range badges[1] {
			if !reflect.DeepEqual(badges[0][service], badges[1][service]) {
				w.t.Errorf("%s is stored as\n%s\nwant\n%s", service, strings.Join(badges[0][service], "\n"),
					strings.Join(badges[1][service], "\n"))
			}
		}
		w.t.FailNow()
	}
	if !reflect.DeepEqual(states[0].Statuses, states[1].Statuses) ||
		!reflect.DeepEqual(states[0].Invalidated, states[1].Invalidated) {
		w.t.Fatalf("%s: statuses and invalidations are\n%v\n%v\nwant\n%v\n%v", w.at, states[0].Statuses, states[0].Invalidated,
			states[1].Statuses, states[1].Invalidated)
	}
	var all [2][]scoring.Transition
	for i, u := range w.universes {
		all[i], _ = changes(w.t, u.store)
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		w.t.Fatalf("transitions\n%+v\nwant\n%+v", all[0], all[1])
	}
}

// TestAnEvaluationOfWhatHasChangedIsAFullOne: over random sequences of everything that a
// judgement depends on, a process that judges only what something has happened to
// publishes and stores what one does that judges everything.
func TestAnEvaluationOfWhatHasChangedIsAFullOne(t *testing.T) {
	t.Parallel()
	walks, steps := uint64(4), 120
	if os.Getenv("READINESS_TEST_WHOLE") != "" {
		walks, steps = 200, 400
	}
	for seed := range walks {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w := newWalk(t, seed)
			process := 0
			for step := range steps {
				w.step()
				if w.random.IntN(9) == 0 {
					process = 1 - process
				}
				w.judge(process, w.random.IntN(3) == 0)
				if step%20 == 19 {
					w.stored()
				}
			}
			if w.judged > w.all*9/10 {
				t.Errorf("%d of %d cards were judged anew: the test shows nothing", w.judged, w.all)
			}
			t.Logf("%d of %d cards were judged anew", w.judged, w.all)
		})
	}
}
