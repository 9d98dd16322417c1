package scoring_test

import (
	"errors"
	"testing"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// weighted is a framework of a module with two checks and one with one, and their weights.
func weighted(t *testing.T, first, second string) *framework.Framework {
	t.Helper()
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "m.a", Kind: evidence.KindBool, Help: "a"}, {Name: "m.b", Kind: evidence.KindBool, Help: "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(`
apiVersion: readiness/v1
kind: Framework
name: f
version: 1.0.0
modules:
  - id: one
    ` + first + `
    checks:
      - {id: one.a, level: 1, title: A, weight: 2, proofs: [{by: machine, pass: m.a}]}
      - {id: one.b, level: 2, title: B, weight: 1, proofs: [{by: machine, pass: m.b}]}
  - id: two
    ` + second + `
    checks:
      - {id: two.a, level: 1, title: A, weight: 3, scope: {tiers: [1]}, proofs: [{by: machine, pass: "!m.a"}]}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestTheWeightOfAModule: it multiplies the weights of its checks in the score of the service.
// The score and the level of the module do not change, and neither does the badge.
func TestTheWeightOfAModule(t *testing.T) {
	t.Parallel()
	judged := func(first, second string) scoring.Scorecard {
		f := weighted(t, first, second)
		value := scoring.BasisFact{Value: evidence.Bool(true), Fresh: true}
		return scoring.Rejudge(&scoring.Basis{
			Framework: f, Subject: scoring.Subject{Name: "a", Attributes: framework.Attributes{Tier: 1}},
			Facts: map[string]scoring.BasisFact{"m.a": value, "m.b": value},
		})
	}
	plain := judged("name: One", "name: Two")
	for _, c := range []struct {
		first, second string
		want          float64
	}{
		{"name: One", "name: Two", 3.0 / 6}, {"weight: 1", "weight: 1", 3.0 / 6}, {"weight: 3", "name: Two", 9.0 / 12},
		{"name: One", "weight: 3", 3.0 / 12}, {"weight: 0.5", "weight: 0.5", 3.0 / 6},
	} {
		card := judged(c.first, c.second)
		if card.Score.Lower != c.want || card.Score.Upper != c.want {
			t.Errorf("%s, %s: score %v, want %g", c.first, c.second, card.Score, c.want)
		}
		for i, m := range card.Modules {
			if m.Score != plain.Modules[i].Score || m.Level != plain.Modules[i].Level || card.Badge != plain.Badge {
				t.Errorf("%s, %s: module %s: %v %v", c.first, c.second, m.Module.ID, m.Score, m.Level)
			}
		}
	}
	weighs, does := weighted(t, "weight: 1", "name: Two"), weighted(t, "weight: 3", "name: Two")
	if weighs.Hash != weighted(t, "name: One", "name: Two").Hash || weighs.Hash == does.Hash {
		t.Error("a weight of 1 is a change of the meaning, or one of 3 is not")
	}
}

// TestTry: a fixture is judged by its check alone, by fresh evidence.
func TestTry(t *testing.T) {
	t.Parallel()
	f := weighted(t, "name: One", "name: Two")
	fixture := func(check, want string, tier int64, facts map[string]evidence.Value) framework.Fixture {
		return framework.Fixture{Check: check, Want: want, Attributes: framework.Attributes{Tier: tier}, Facts: facts}
	}
	yes := map[string]evidence.Value{"m.a": evidence.Bool(true)}
	byTicket := fixture("one.a", "pass", 1, yes)
	byTicket.By = framework.ByTicket
	trials := scoring.Try(f, []framework.Fixture{
		fixture("one.a", "pass", 1, yes), fixture("one.b", "unknown", 1, yes), fixture("two.a", "fail", 1, yes),
		fixture("two.a", "not_applicable", 2, yes), fixture("gone.a", "pass", 1, yes),
		fixture("one.a", "fail", 1, yes), byTicket,
	})
	if len(trials) != 6 {
		t.Fatalf("%d trials", len(trials))
	}
	for i := range trials {
		if ok := trials[i].OK(); ok != (i < 4) {
			t.Errorf("%s: want %s by %q, got %s by %s", trials[i].Check, trials[i].Want, trials[i].By, trials[i].Got, trials[i].GotBy)
		}
	}
	failed := scoring.Trial{Fixture: byTicket, Got: scoring.Pass, GotBy: framework.ByTicket, Err: errors.New("x")}
	if failed.OK() {
		t.Error("an expression that fails is as wanted")
	}
}
