package scoring_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a framework and the evidence of one service, written in a few
// lines.
type world struct {
	t         *testing.T
	framework *framework.Framework
	row       evidencetest.Row
	subject   scoring.Subject
	inputs    scoring.Inputs
}

// newWorld compiles checks given as `id level proof; proof …`, where a proof is
// `kind[?] expression` and the question mark means that it suffices.
func newWorld(t *testing.T, checks ...string) *world {
	t.Helper()
	var definitions []evidence.Definition
	for _, name := range []string{"m.a", "m.b", "m.c", "t.a", "c.a", "attest.a", "attest.b"} {
		definitions = append(definitions, evidence.Definition{Name: name, Kind: evidence.KindBool, Help: "a fact"})
	}
	definitions = append(
		definitions,
		evidence.Definition{
			Name: "m.age_days", Kind: evidence.KindDouble, Clock: evidence.Elapsed, Unit: "days", Help: "an age",
		},
	)
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Builder{}
	text.WriteString("apiVersion: readiness/v1\nkind: Framework\nname: test\nversion: 0.0.1\nmodules:\n")
	module := ""
	for _, c := range checks {
		head, proofs, _ := strings.Cut(c, ": ")
		var id, options string
		var level int
		if _, err := fmt.Sscanf(head, "%s %d %s", &id, &level, &options); err != nil && level == 0 {
			t.Fatalf("%q: %v", head, err)
		}
		if m, _, _ := strings.Cut(id, "."); m != module {
			module = m
			scale := ""
			if after, ok := strings.CutPrefix(options, "pf="); ok {
				scale = ", scale: pass_fail, required_from: " + after
			}
			fmt.Fprintf(&text, "  - {id: %s, name: %s%s, checks: [\n", m, m, scale)
		}
		scope := ""
		if after, ok := strings.CutPrefix(options, "tier="); ok {
			scope = ", scope: {tiers: [" + after + "]}"
		}
		fmt.Fprintf(&text, "      {id: %s, level: %d, title: x%s, proofs: [", id, level, scope)
		for p := range strings.SplitSeq(proofs, "; ") {
			kind, pass, _ := strings.Cut(p, " ")
			mode := "decides"
			if k, ok := strings.CutSuffix(kind, "?"); ok {
				kind, mode = k, "suffices"
			}
			fmt.Fprintf(&text, "{by: %s, mode: %s, pass: %q},", kind, mode, pass)
		}
		text.WriteString("]},\n")
	}
	yaml := text.String()
	// Close each module's list: before the next module and at the end.
	parts := strings.Split(yaml, "  - {id:")
	yaml = strings.Join(parts[:2], "  - {id:")
	for _, p := range parts[2:] {
		yaml += "    ]}\n  - {id:" + p
	}
	yaml += "    ]}\n"
	doc, err := framework.Parse([]framework.File{{Name: "test.yaml", Data: []byte(yaml)}})
	if err != nil {
		t.Fatalf("%v\n%s", err, yaml)
	}
	f, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatalf("%v\n%s", err, yaml)
	}
	return &world{t: t, framework: f, row: make(evidencetest.Row, facts.Len()),
		subject: scoring.Subject{Name: "api", Attributes: framework.Attributes{Tier: 2}}}
}

// observe sets a fact to a value with an age; a missing fact is never set.
func (w *world) observe(name string, value evidence.Value, age time.Duration) *world {
	w.t.Helper()
	i, ok := w.framework.Facts().Index(name)
	if !ok {
		w.t.Fatalf("no fact %s", name)
	}
	at := noon.Add(-age)
	w.row[i] = &evidence.Observation{Value: value, Source: "s/1", Since: at, ObservedAt: at,
		FreshUntil: at.Add(time.Hour), ValidUntil: at.Add(7 * 24 * time.Hour), HealthyUntil: at.Add(time.Hour)}
	return w
}

func (w *world) is(names ...string) *world {
	for _, n := range names {
		value := true
		if m, ok := strings.CutPrefix(n, "!"); ok {
			n, value = m, false
		}
		w.observe(n, evidence.Bool(value), 0)
	}
	return w
}

func (w *world) judge() scoring.Scorecard {
	w.t.Helper()
	in := w.inputs
	in.Framework, in.Subjects = w.framework, []scoring.Subject{w.subject}
	in.Evidence = evidencetest.Rows{"api": w.row}.Row
	return scoring.Judge(in, noon)[0]
}

func TestProofChain(t *testing.T) {
	const both = "x.y 1: machine m.a; attested attest.a"
	const enough = "x.y 1: machine? m.a; ticket? t.a; attested attest.a"
	for name, c := range map[string]struct {
		check string
		facts string
		want  scoring.Status
		by    framework.ProofKind
	}{
		"a true proof passes":                                {both, "m.a", scoring.Pass, "machine"},
		"a deciding false fails, an attestation or not":      {both, "!m.a attest.a", scoring.Fail, "machine"},
		"a claim stands in while the machine is unknown":     {both, "attest.a", scoring.Pass, "attested"},
		"an outage does not turn an unmade claim to failure": {both, "!attest.a", scoring.Unknown, ""},
		"nothing known":                    {both, "", scoring.Unknown, ""},
		"a sufficient false asks the next": {enough, "!m.a t.a", scoring.Pass, "ticket"},
		"all false":                        {enough, "!m.a !t.a !attest.a", scoring.Fail, "attested"},
		"unknown in between":               {enough, "!m.a !attest.a", scoring.Unknown, ""},
		"the weakest may still pass":       {enough, "!m.a attest.a", scoring.Pass, "attested"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld(t, c.check).is(strings.Fields(c.facts)...).judge().Checks[0]
			if r.Status != c.want || r.By != c.by {
				t.Errorf("%s by %q, want %s by %q", r.Status, r.By, c.want, c.by)
			}
		})
	}
}

// TestAMachineNoIsRemembered for every weaker kind of proof, until that is made or
// changed again.
func TestAMachineNoIsRemembered(t *testing.T) {
	for name, c := range map[string]struct{ check, weaker string }{
		"attestation":               {"x.y 1: machine m.a; attested attest.a", "attest.a"},
		"ticket":                    {"x.y 1: machine m.a; ticket t.a", "t.a"},
		"catalog":                   {"x.y 1: machine m.a; catalog c.a", "c.a"},
		"a ticket that suffices":    {"x.y 1: machine m.a; ticket? t.a; attested attest.a", "t.a"},
		"one behind another ticket": {"x.y 1: machine m.a; ticket? t.a; catalog c.a", "c.a"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := newWorld(t, c.check).is("!m.a", c.weaker).judge().Checks[0]; !r.MachineNo || r.Status != scoring.Fail {
				t.Fatalf("%s, and no was heard: %v", r.Status, r.MachineNo)
			}
			if r := newWorld(t, c.check).is("!m.a").judge().Checks[0]; !r.MachineNo {
				t.Error("a no is remembered only if a weaker proof says yes at that time")
			}
			w := newWorld(t, c.check).observe("m.a", evidence.Bool(false), 2*time.Hour)
			if r := w.judge().Checks[0]; r.MachineNo {
				t.Error("a no from evidence that is not fresh is remembered as if it was said now")
			}
			w = newWorld(t, c.check).observe(c.weaker, evidence.Bool(true), 30*time.Minute)
			w.inputs.Invalidated = scoring.Invalidations{"api": {"x.y": noon.Add(-10 * time.Minute)}}
			if r := w.judge().Checks[0]; r.Status != scoring.Unknown || r.Fresh != scoring.Unknown {
				t.Errorf("the machine has fallen silent: %s, fresh %s, want unknown", r.Status, r.Fresh)
			}
			w.observe(c.weaker, evidence.Bool(true), 5*time.Minute)
			if r := w.judge().Checks[0]; r.Status != scoring.Pass {
				t.Errorf("made after the no: %s, want pass", r.Status)
			}
			if r := w.is("m.a").judge().Checks[0]; r.Status != scoring.Pass || r.By != framework.ByMachine {
				t.Errorf("the machine says yes: %s by %q", r.Status, r.By)
			}
		})
	}
	t.Run("without a machine in the chain nothing is remembered", func(t *testing.T) {
		w := newWorld(t, "x.y 1: ticket t.a; attested attest.a").observe("t.a", evidence.Bool(true), 30*time.Minute)
		w.inputs.Invalidated = scoring.Invalidations{"api": {"x.y": noon}}
		if r := w.judge().Checks[0]; r.Status != scoring.Pass {
			t.Errorf("the proof of the machine is gone from the criteria: %s", r.Status)
		}
	})
	if r := newWorld(t, "x.y 1: machine m.a; attested attest.a").is("!m.a", "attest.a").judge().Checks[0]; !r.Contradicts {
		t.Error("an attestation that the machine contradicts was not seen")
	}
}

// TestTheKindOfAFreshProof: a machine's yes is not fresh any more and an
// attestation stands in. The badge that fresh evidence proves is bounded by what
// the fresh chain rests on.
func TestTheKindOfAFreshProof(t *testing.T) {
	w := newWorld(t, "x.y 1: machine m.a; attested attest.a")
	w.framework.Requirements[framework.Bronze] = framework.Requirement{
		MaxExempt: -1, MaxAttested: 0, MaxAttestedPerModule: -1,
	}
	w.observe("m.a", evidence.Bool(true), 2*time.Hour).observe("attest.a", evidence.Bool(true), 0)
	card := w.judge()
	if r := card.Checks[0]; r.By != framework.ByMachine || r.FreshBy != framework.ByAttested || r.Fresh != scoring.Pass {
		t.Fatalf("by %q, %s by %q when fresh", r.By, r.Fresh, r.FreshBy)
	}
	if card.Badge.Lower != framework.Bronze || card.FreshBadge.Lower != framework.NoBadge ||
		card.FreshBadge.Upper != framework.Bronze {
		t.Errorf("badge %+v, fresh %+v, want bronze, and none to bronze", card.Badge, card.FreshBadge)
	}
}

func TestLevelsAndBounds(t *testing.T) {
	checks := []string{
		"a.one 1: machine m.a", "a.two 2: machine m.b", "a.three 3: machine m.c",
		"b.one 1: machine m.a", "b.two 2: machine m.a",
	}
	for name, c := range map[string]struct {
		facts        string
		level        scoring.Bounds[int]
		badge        scoring.Bounds[framework.Badge]
		score, upper float64
		coverage     float64
	}{
		"all pass": {
			"m.a m.b m.c", scoring.Bounds[int]{Lower: 3, Upper: 3}, scoring.Bounds[framework.Badge]{Lower: 3, Upper: 3}, 1, 1, 1,
		},
		"one unknown": {
			"m.a m.c", scoring.Bounds[int]{Lower: 1, Upper: 3}, scoring.Bounds[framework.Badge]{Lower: 1, Upper: 3}, 11.0 / 14,
			1, 0.8,
		},
		"one fails": {
			"m.a !m.b m.c", scoring.Bounds[int]{Lower: 1, Upper: 1}, scoring.Bounds[framework.Badge]{Lower: 1, Upper: 1},
			11.0 / 14, 11.0 / 14, 1,
		},
		"base fails": {"!m.a m.b m.c", scoring.Bounds[int]{}, scoring.Bounds[framework.Badge]{}, 5.0 / 14, 5.0 / 14, 1},
		"nothing known": {
			"", scoring.Bounds[int]{Lower: 0, Upper: 3}, scoring.Bounds[framework.Badge]{Lower: 0, Upper: 3}, 0, 1, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			card := newWorld(t, checks...).is(strings.Fields(c.facts)...).judge()
			if card.Modules[0].Level != c.level || card.Badge != c.badge {
				t.Errorf("level %v, badge %v; want %v, %v", card.Modules[0].Level, card.Badge, c.level, c.badge)
			}
			if card.Score.Lower != c.score || card.Score.Upper != c.upper || card.Coverage != c.coverage {
				t.Errorf("score %v, coverage %v; want %v…%v, %v", card.Score, card.Coverage, c.score, c.upper, c.coverage)
			}
		})
	}
}

func TestNobodyGetsABadgeForHavingNothingToProve(t *testing.T) {
	w := newWorld(
		t, "a.one 1: machine m.a", "b.one 1: machine m.a", "b.two 2 tier=1: machine m.a", "c.one 1: machine m.a",
		"c.two 2: machine m.a", "c.three 3: machine m.a",
	).is("m.a")
	if card := w.judge(); card.Ceiling != framework.Bronze || card.Badge.Lower != framework.Bronze {
		t.Errorf("one of three modules has a check at level 2, and the ceiling is %s", card.Ceiling)
	}
	w.subject.Tier = 1
	if card := w.judge(); card.Ceiling != framework.Silver || card.Badge.Lower != framework.Silver {
		t.Errorf("two of three modules have a check at level 2, and the ceiling is %s", card.Ceiling)
	}
	w.inputs.Exemptions = []scoring.Exemption{{Check: "b.two",
		Selector: scoring.Selector{Tiers: []int{1}}, Expires: noon.Add(time.Hour)}}
	if card := w.judge(); card.Ceiling != framework.Bronze {
		t.Errorf("an exempt check raised the ceiling to %s", card.Ceiling)
	}
	empty := newWorld(t, "a.one 1 tier=1: machine m.a").judge()
	if empty.HasScore || empty.Badge.Upper != framework.NoBadge || empty.Modules[0].Applies {
		t.Errorf("a service with nothing counted has score %v and badge %v", empty.HasScore, empty.Badge)
	}
}

func TestPassFailModuleCapsTheBadge(t *testing.T) {
	checks := []string{
		"a.one 1: machine m.a", "a.two 2: machine m.a", "a.three 3: machine m.a", "p.gate 1 pf=silver: machine m.b",
	}
	for facts, want := range map[string]framework.Badge{
		"m.a m.b": framework.Gold, "m.a !m.b": framework.Bronze, "m.a": framework.Bronze,
	} {
		card := newWorld(t, checks...).is(strings.Fields(facts)...).judge()
		if card.Badge.Lower != want {
			t.Errorf("%s: badge %s, want %s", facts, card.Badge.Lower, want)
		}
	}
}

func TestExemptScheduledAndNotMeasurableChecksLeaveTheDenominator(t *testing.T) {
	w := newWorld(t, "a.one 1: machine m.a", "a.two 1: machine m.b", "a.three 1: machine m.c").is("m.a", "!m.b", "!m.c")
	w.inputs.Exemptions = []scoring.Exemption{{Check: "a.two",
		Selector: scoring.Selector{Services: []string{"api"}}, Expires: noon.Add(time.Minute)}}
	w.inputs.NotMeasurable = map[string]bool{"a.three": true}
	card := w.judge()
	if card.Checks[1].Status != scoring.Exempt || card.Checks[1].Verdict != scoring.Fail {
		t.Errorf("exempt check: %s, verdict %s", card.Checks[1].Status, card.Checks[1].Verdict)
	}
	if card.Checks[2].Status != scoring.Scheduled || card.Score.Lower != 1 || card.Badge.Lower != framework.Bronze {
		t.Errorf("a check that is not measurable: %s, score %v, badge %v", card.Checks[2].Status, card.Score, card.Badge)
	}
	w.inputs.Exemptions[0].Expires = noon
	if got := w.judge().Checks[1].Status; got != scoring.Fail {
		t.Errorf("an expired exemption still gives %s", got)
	}
}

func TestStaleEvidenceCountsButNeitherAwardsNorWithdraws(t *testing.T) {
	w := newWorld(t, "a.one 1: machine m.a", "a.two 2: machine m.b").observe(
		"m.a", evidence.Bool(true), 2*time.Hour,
	).is("!m.b")
	card := w.judge()
	if card.Checks[0].Status != scoring.Pass || card.Checks[0].Fresh != scoring.Unknown || !card.Checks[0].SourceDown {
		t.Errorf("stale check %+v", card.Checks[0])
	}
	if card.Badge.Lower != framework.Bronze || card.FreshBadge.Lower != framework.NoBadge ||
		card.FreshBadge.Upper != framework.Bronze {
		t.Errorf("badge %v, by fresh evidence %v", card.Badge, card.FreshBadge)
	}
	if card.Coverage != 0.5 {
		t.Errorf("coverage %v, want 0.5", card.Coverage)
	}
}

func TestAnAgeIsReadAtTheTimeOfJudging(t *testing.T) {
	w := newWorld(t, "a.one 1: machine m.age_days <= 30.0")
	w.observe("m.age_days", evidence.Instant(noon.Add(-29*24*time.Hour)), 0)
	if got := w.judge().Checks[0].Status; got != scoring.Pass {
		t.Errorf("29 days: %s", got)
	}
	w.observe("m.age_days", evidence.Instant(noon.Add(-31*24*time.Hour)), 0)
	if got := w.judge().Checks[0].Status; got != scoring.Fail {
		t.Errorf("31 days: %s", got)
	}
	w.observe("m.age_days", evidence.Never(), 0)
	if got := w.judge().Checks[0].Status; got != scoring.Fail {
		t.Errorf("never: %s", got)
	}
}

func TestRejudgingABasisGivesTheSameCard(t *testing.T) {
	w := newWorld(
		t, "a.one 1: machine m.a", "a.two 2: machine m.b; attested attest.b", "b.one 1: machine m.age_days <= 30.0",
	).
		is("m.a", "attest.b").observe("m.age_days", evidence.Instant(noon.Add(-40*24*time.Hour)), 0)
	card := w.judge()
	basis := *card.Basis
	again := scoring.Rejudge(&basis)
	detached := scoring.Rejudge(&scoring.Basis{Framework: basis.Framework, Subject: basis.Subject, Exempt: basis.Exempt,
		Scheduled: basis.Scheduled, Facts: basis.Known(), Invalidated: basis.Invalidated, At: basis.At})
	for i := range card.Checks {
		if again.Checks[i].Status != card.Checks[i].Status || detached.Checks[i].Status != card.Checks[i].Status {
			t.Errorf(
				"%s: %s, then %s and %s", card.Checks[i].Check.ID, card.Checks[i].Status, again.Checks[i].Status,
				detached.Checks[i].Status,
			)
		}
	}
	if again.Badge != card.Badge || detached.FreshBadge != card.FreshBadge {
		t.Errorf("badge %v, then %v and %v", card.Badge, again.Badge, detached.FreshBadge)
	}
}

// TestVerdictsDoNotDependOnTheOrderOfServices judges the same services in
// every order: the same bytes for each.
func TestVerdictsDoNotDependOnTheOrderOfServices(t *testing.T) {
	w := newWorld(t, "x.y 1: machine m.a; attested attest.a || attest.b", "x.z 1: machine m.b; attested attest.b")
	rows := evidencetest.Rows{}
	service := func(name string, observe func()) scoring.Subject {
		w.row = make(evidencetest.Row, w.framework.Facts().Len())
		observe()
		rows[name] = w.row
		return scoring.Subject{Name: name, Attributes: framework.Attributes{Tier: 2}}
	}
	attested := func(fact string, age time.Duration) { w.observe(fact, evidence.Bool(true), age) }
	subjects := []scoring.Subject{
		service("renewed", func() { attested("attest.a", time.Minute); attested("attest.b", time.Minute) }),
		service("contradicted", func() { attested("attest.a", 30*time.Minute) }),
		service("stale", func() { attested("attest.b", 2*time.Hour) }),
		service("unseen", func() {}),
	}
	invalidated := map[string]time.Time{"x.y": noon.Add(-10 * time.Minute), "x.z": noon.Add(-10 * time.Minute)}
	in := scoring.Inputs{
		Framework: w.framework, Evidence: rows.Row,
		Invalidated: scoring.Invalidations{
			"renewed": invalidated, "contradicted": invalidated, "stale": invalidated, "unseen": invalidated,
		},
	}
	alone := map[string]string{}
	for _, s := range subjects {
		in.Subjects = []scoring.Subject{s}
		alone[s.Name] = verdicts(scoring.Judge(in, noon)[0])
	}
	if alone["renewed"] == alone["contradicted"] {
		t.Fatalf("an attestation made before the contradiction counts as one made after it: %s", alone["renewed"])
	}
	permute(subjects, func(order []scoring.Subject) {
		in.Subjects = order
		for i, card := range scoring.Judge(in, noon) {
			if got := verdicts(card); got != alone[card.Service] {
				t.Errorf("%s, judged after %d others:\ngot  %s\nwant %s", card.Service, i, got, alone[card.Service])
			}
		}
	})
}

// verdicts is the card as text.
func verdicts(card scoring.Scorecard) string {
	text := fmt.Sprint(card.Score, card.Coverage, card.Badge, card.FreshBadge, card.Ceiling, card.Basis.Known())
	for _, r := range card.Checks {
		r.Check = nil
		text += fmt.Sprintf("\n%+v", r)
	}
	return text
}

// permute gives every order of the items to each.
func permute[T any](items []T, each func([]T)) {
	var walk func(n int)
	walk = func(n int) {
		if n == 0 {
			each(items)
			return
		}
		for i := range n {
			items[i], items[n-1] = items[n-1], items[i]
			walk(n - 1)
			items[i], items[n-1] = items[n-1], items[i]
		}
	}
	walk(len(items))
}

// TestAnExperimentalCheckDoesNotCount: it is judged and shown, and costs neither badge nor
// score.
func TestAnExperimentalCheckDoesNotCount(t *testing.T) {
	w := newWorld(t, "m.one 1: machine m.a", "m.two 1: machine m.b")
	w.observe("m.a", evidence.Bool(true), 0)
	w.observe("m.b", evidence.Bool(false), 0)
	if card := w.judge(); card.Badge.Lower != framework.NoBadge {
		t.Fatalf("with a check that fails: %s", card.Badge.Lower)
	}
	w.framework.Checks[1].Lifecycle = framework.Experimental
	card := w.judge()
	if r := card.Checks[1]; r.Status != scoring.Scheduled || r.Verdict != scoring.Fail {
		t.Errorf("status %s, verdict %s", r.Status, r.Verdict)
	}
	if card.Badge.Lower != framework.Bronze || card.Score.Lower != 1 {
		t.Errorf("badge %s, score %v", card.Badge.Lower, card.Score)
	}
	w.framework.Checks[1].Lifecycle = framework.Deprecated
	if card := w.judge(); card.Checks[1].Status != scoring.Fail {
		t.Errorf("a deprecated check is %s", card.Checks[1].Status)
	}
}
