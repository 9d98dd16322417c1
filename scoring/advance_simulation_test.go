package scoring_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
)

// midday is when the simulations begin.
var midday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// ladder is a framework of two modules with one check a level, and some with
// a character: a.oncall and a.slo have a dwell of their own, a.launch and a.four
// are not for every service, b.claim may be attested.
const ladder = `apiVersion: readiness/v1
kind: Framework
name: ladder
version: 1.0.0
lapse_after: {platinum: 14d, diamond: 14d}
modules:
  - id: a
    checks:
      - {id: a.one, level: 1, title: x, proofs: [{by: machine, pass: m.a1}]}
      - {id: a.oncall, level: 1, title: x, dwell: 1h, proofs: [{by: machine, pass: pd.oncall}]}
      - {id: a.two, level: 2, title: x, proofs: [{by: machine, pass: m.a2}]}
      - {id: a.launch, level: 2, title: x, scope: {tiers: [1, 2, 3]}, proofs: [{by: machine, pass: m.launch}]}
      - {id: a.three, level: 3, title: x, proofs: [{by: machine, pass: m.a3}]}
      - {id: a.slo, level: 3, title: x, dwell: 7d, proofs: [{by: machine, pass: m.slo}]}
      - {id: a.four, level: 4, title: x, scope: {when: service.stateful}, proofs: [{by: machine, pass: m.a4}]}
      - {id: a.five, level: 5, title: x, proofs: [{by: machine, pass: m.a5}]}
  - id: b
    checks:
      - {id: b.one, level: 1, title: x, proofs: [{by: machine, pass: m.b1}]}
      - {id: b.two, level: 2, title: x, proofs: [{by: machine, pass: pd.b2}]}
      - id: b.claim
        level: 3
        title: x
        proofs:
          - {by: machine, mode: decides, pass: m.b3}
          - {by: attested, pass: attest.b_claim}
      - {id: b.four, level: 4, title: x, proofs: [{by: machine, pass: pd.b4}]}
      - {id: b.five, level: 5, title: x, proofs: [{by: machine, pass: m.b5}]}
`

var ladderFacts = []string{
	"attest.b_claim", "m.a1", "m.a2", "m.a3", "m.a4", "m.a5", "m.b1", "m.b3", "m.b5", "m.extra", "m.launch", "m.slo",
	"pd.b2", "pd.b4", "pd.oncall",
}

func ladderDefinitions() []evidence.Definition {
	var out []evidence.Definition
	for _, name := range ladderFacts {
		out = append(out, evidence.Definition{Name: name, Kind: evidence.KindBool, Help: "x"})
	}
	return out
}

func compileLadder(t tester, text string, definitions []evidence.Definition) *framework.Framework {
	t.Helper()
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		t.Fatalf("facts: %v", err)
	}
	doc, err := framework.Parse([]framework.File{{Name: "ladder.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	f, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return f
}

// simulation is one service, its sources and the passing of time.
type simulation struct {
	t             tester
	now           time.Time
	step          time.Duration
	framework     *framework.Framework
	subject       scoring.Subject
	exemptions    []scoring.Exemption
	notMeasurable map[string]bool
	// truth is what the sources see; facts without an entry they do not know.
	truth map[string]bool
	// down are the sources (the facts' packs) that do not answer.
	down map[string]bool
	// silent are facts of which the sources say nothing new, although they answer.
	silent map[string]bool
	seen   map[string]*evidence.Observation

	state scoring.State
	card  scoring.Scorecard
	log   []scoring.Transition
}

func newSimulation(t tester, passing framework.Badge) *simulation {
	return newSimulationOf(t, compileLadder(t, ladder, ladderDefinitions()), passing)
}

func newSimulationOf(t tester, f *framework.Framework, passing framework.Badge) *simulation {
	w := &simulation{
		t: t, now: midday, step: time.Hour, framework: f,
		subject: scoring.Subject{
			Name: "checkout", Attributes: framework.Attributes{Tier: 1, Runtime: "other", Stateful: true},
		},
		truth: map[string]bool{}, down: map[string]bool{}, seen: map[string]*evidence.Observation{},
		state: scoring.State{Options: scoring.Options{MaxStep: time.Hour}},
	}
	w.passAll(passing)
	return w
}

// passAll makes every check up to the badge true and every other false.
func (w *simulation) passAll(badge framework.Badge) {
	for i := range w.framework.Facts().Len() {
		w.truth[w.framework.Facts().At(i).Name] = false
	}
	for _, c := range w.framework.Checks {
		if c.Level <= int(badge) {
			w.truth[w.framework.Facts().At(c.Proofs[0].Pass.Facts[0]).Name] = true
		}
	}
}

// collect lets every source that is up answer.
func (w *simulation) collect() {
	for _, name := range ladderFacts {
		if w.down[evidence.Pack(name)] {
			if w.seen[name] == nil {
				w.seen[name] = &evidence.Observation{Missing: evidence.MissingNotCollected}
			}
			continue
		}
		if w.silent[name] {
			o := *w.seen[name]
			o.HealthyUntil, w.seen[name] = w.now.Add(90*time.Minute), &o
			continue
		}
		truth, ok := w.truth[name]
		o := &evidence.Observation{
			HealthyUntil: w.now.Add(90 * time.Minute), Missing: evidence.MissingNoData, ObservedAt: w.now,
		}
		if ok {
			o.Value, o.Missing, o.Since = evidence.Bool(truth), "", w.now
			o.FreshUntil, o.ValidUntil = w.now.Add(90*time.Minute), w.now.Add(7*day)
			if old := w.seen[name]; old != nil && old.Value == o.Value {
				o.Since = old.Since
			}
		}
		w.seen[name] = o
	}
}

func (w *simulation) inputs() scoring.Inputs {
	facts := w.framework.Facts()
	row := make(evidencetest.Row, facts.Len())
	for i := range row {
		row[i] = w.seen[facts.At(i).Name]
	}
	return scoring.Inputs{
		Framework: w.framework, Subjects: []scoring.Subject{w.subject}, Exemptions: w.exemptions,
		NotMeasurable: w.notMeasurable,
		Evidence:      evidencetest.Rows{w.subject.Name: row}.Row, Invalidated: w.state.Invalidated,
	}
}

// judge collects and judges once, without the passing of time, and returns the
// transition if there was one.
func (w *simulation) judge() *scoring.Transition {
	w.t.Helper()
	w.collect()
	cards := scoring.Judge(w.inputs(), w.now)
	w.card = cards[0]
	var transitions []scoring.Transition
	w.state, transitions = scoring.Advance(w.state, cards, w.now)
	if len(transitions) > 1 {
		w.t.Fatalf("%d transitions of one service in one judgement", len(transitions))
	}
	if len(transitions) == 0 {
		return nil
	}
	w.log = append(w.log, transitions[0])
	return &transitions[0]
}

// run lets time pass in steps, judging after each, and returns the transitions.
func (w *simulation) run(d time.Duration) []scoring.Transition {
	w.t.Helper()
	before := len(w.log)
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(w.step)
		w.judge()
	}
	return w.log[before:]
}

func (w *simulation) badge() scoring.BadgeState { return w.state.Badges[w.subject.Name] }

// restart sends the state through its stored form. What a badge rests on is
// kept beside it, when keep is true.
func (w *simulation) restart(keep bool) {
	w.t.Helper()
	b := w.badge()
	restored := reread[scoring.BadgeState](w.t, b)
	if keep && b.Support != nil {
		support := reread[scoring.Basis](w.t, b.Support)
		restored.Support = &support
	}
	if keep && b.Before != nil {
		restored.Before = reread[map[framework.Badge]*scoring.Basis](w.t, b.Before)
	}
	w.state.Badges = map[string]scoring.BadgeState{w.subject.Name: restored}
}

func reread[T any](t tester, from any) T {
	t.Helper()
	data, err := json.Marshal(from)
	if err != nil {
		t.Fatalf("writing %T: %v", from, err)
	}
	var out T
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatalf("reading %T: %v", from, err)
	}
	return out
}

// exempt waives a check for a while.
func (w *simulation) exempt(check string, d time.Duration) {
	w.exemptions = append(w.exemptions, scoring.Exemption{
		Check: check, Selector: scoring.Selector{Services: []string{w.subject.Name}}, Reason: "x", Approver: "x",
		Expires: w.now.Add(d),
	})
}

// reword replaces a part of the framework's text.
func (w *simulation) reword(old, with string) {
	w.t.Helper()
	text := strings.Replace(ladder, old, with, 1)
	if text == ladder {
		w.t.Fatalf("%q is not in the framework", old)
	}
	w.framework = compileLadder(w.t, text, ladderDefinitions())
}

// want checks that exactly these changes happened, written "gold→silver evidence".
func (w *simulation) want(transitions []scoring.Transition, want ...string) {
	w.t.Helper()
	var got []string
	for _, t := range transitions {
		got = append(got, fmt.Sprintf("%s→%s %s", t.From, t.To, t.Cause))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.t.Fatalf(
			"transitions: got %q, want %q (badge %s, lower %s, upper %s)", got, want, w.badge().Badge, w.card.FreshBadge.Lower,
			w.card.FreshBadge.Upper,
		)
	}
}
