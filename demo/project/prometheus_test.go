package project

import (
	"slices"
	"testing"

	directory "github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// machineProof is what a machine can say about a check.
type machineProof struct {
	company.Check
	pass, when *framework.Expression
	// suffices proofs are enough, and deny nothing.
	suffices bool
}

// machineProofs are the machine proofs of the default framework that read facts
// of Prometheus.
func machineProofs(t *testing.T, criteria *framework.Framework, ours map[string]bool) []machineProof {
	t.Helper()
	checks, err := company.Checks()
	if err != nil {
		t.Fatal(err)
	}
	var proofs []machineProof
	for _, check := range checks {
		c, err := criteria.Check(check.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Proofs {
			isOurs := func(fact int) bool { return ours[criteria.Facts().At(fact).Name] }
			if p.By == framework.ByMachine && slices.ContainsFunc(p.Pass.Facts, isOurs) {
				proofs = append(proofs, machineProof{Check: check, pass: p.Pass, when: c.When, suffices: p.Suffices})
			}
		}
	}
	return proofs
}

// TestWhatPrometheusSays looks at a few companies' Prometheus in several ways.
func TestWhatPrometheusSays(t *testing.T) {
	companies := []*observed{observe(t, 1), observe(t, 2), observe(t, 3)}
	t.Run("machines see what is practised", func(t *testing.T) { machinesSee(t, companies) })
	t.Run("queries of the exporters", func(t *testing.T) { queriesAnswer(t, companies) })
	t.Run("rules", func(t *testing.T) { rulesSay(t, companies[0]) })
}

// machinesSee judges the companies by what their Prometheus says: with the
// collector's own queries, joins and expressions over the real engine.
func machinesSee(t *testing.T, companies []*observed) {
	seen, unknown := map[string]map[framework.Truth]int{}, 0
	var proofs []machineProof
	for _, o := range companies {
		seed := o.company.Seed
		c := o.catalog(t)
		definitions, values := o.facts(t, c)
		ours := map[string]bool{}
		for _, d := range definitions {
			ours[d.Name] = true
		}
		tickets, err := jira.Definitions()
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(definitions, directory.Facts(), pagerduty.Definitions(), tickets)
		document := attestations(t)
		for _, a := range document.Attestations() {
			all = append(all, a.Fact)
		}
		facts, err := evidence.NewFacts(all)
		if err != nil {
			t.Fatal(err)
		}
		criteria, err := framework.Compile(document, facts)
		if err != nil {
			t.Fatal(err)
		}
		proofs = machineProofs(t, criteria, ours)
		if len(proofs) < 40 {
			t.Fatalf("only %d checks read facts of Prometheus", len(proofs))
		}
		for _, s := range o.company.Services {
			entry, _ := c.Service(s.Name)
			vars := facing(t, facts, s, entry, values[s.Name])
			for _, p := range proofs {
				truth, err := p.pass.Eval(vars)
				if err != nil {
					t.Errorf("%s: %s: %v", s.Name, p.ID, err)
				}
				if !applies(t, p, s, vars) {
					continue
				}
				if seen[p.ID] == nil {
					seen[p.ID] = map[framework.Truth]int{}
				}
				seen[p.ID][truth]++
				strongest := p.Proofs[0] == framework.ByMachine
				switch {
				case truth == framework.True && !s.Does(p.ID):
					t.Errorf(
						"seed %d: %s does not do %s, and a machine says so\n%v", seed, s.Name, p.ID, named(facts, p.pass, values[s.Name]),
					)
				case strongest && proves(s, p.ID) && truth != framework.True:
					t.Errorf(
						"seed %d: %s (tier %d, %s, %s) does %s, and no machine sees it\n%v", seed, s.Name, s.Tier, s.Runtime, s.DataClass,
						p.ID, named(facts, p.pass, values[s.Name]),
					)
				case truth == framework.False && s.Does(p.ID) && !p.suffices:
					t.Errorf(
						"seed %d: %s does %s, and a machine denies it\n%v", seed, s.Name, p.ID, named(facts, p.pass, values[s.Name]),
					)
				}
			}
		}
	}
	for _, p := range proofs {
		unknown += seen[p.ID][framework.Unknown]
		switch p.ID {
		case "cicd.source-in-version-control", "cicd.deployed-by-automation", "obs.metrics-collected", "obs.golden-signals":
			// Nothing denies these but silence.
		default:
			if seen[p.ID][framework.False] == 0 && !p.suffices {
				t.Errorf("%s is denied nowhere: %v", p.ID, seen[p.ID])
			}
		}
		if seen[p.ID][framework.True] == 0 {
			t.Errorf("%s is seen nowhere: %v", p.ID, seen[p.ID])
		}
	}
	if unknown < 100 {
		t.Errorf("%d verdicts are unknown: every team has every exporter", unknown)
	}
}

func attestations(t *testing.T) *framework.Document {
	t.Helper()
	files, err := framework.Default()
	if err != nil {
		t.Fatal(err)
	}
	document, err := framework.Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// facing are the facts and attributes of a service. What PagerDuty would say of
// its alerts follows its practice, so that checks of both can be told.
func facing(
	t *testing.T, facts *evidence.Facts, s *company.Service, entry *directory.Service, values map[string]evidence.Value,
) *framework.Vars {
	t.Helper()
	v := varsOver(t, facts)
	v.SetAttributes(&framework.Attributes{
		Tier: int64(entry.Tier), Runtime: entry.Runtime, Exposure: entry.Exposure, Stateful: entry.Stateful,
		DataClass: entry.EffectiveDataClass(), CoverageTarget: entry.CoverageTarget, RPOMinutes: entry.RPOMinutes,
	})
	for name, value := range values {
		i, ok := facts.Index(name)
		if !ok {
			t.Fatalf("%s is no fact", name)
		}
		v.Set(i, value)
	}
	noise := 0.6
	if s.Does("obs.noise-bounded") {
		noise = 0.05
	}
	for name, value := range map[string]float64{"pagerduty.noise_ratio_30d": noise} {
		i, _ := facts.Index(name)
		d, _ := evidence.Double(value)
		v.Set(i, d)
	}
	i, _ := facts.Index("pagerduty.adaptive_alerting")
	v.Set(i, evidence.Bool(true))
	return v
}

// smallest is a framework, which variables come from.
const smallest = `
apiVersion: readiness/v1
kind: Framework
name: smallest
version: 1.0.0
modules:
  - id: rel
    name: Reliability
    checks:
      - {id: rel.one, level: 1, title: One, proofs: [{by: machine, pass: pagerduty.adaptive_alerting}]}
`

func varsOver(t *testing.T, facts *evidence.Facts) *framework.Vars {
	t.Helper()
	document, err := framework.Parse([]framework.File{{Name: "empty.yaml", Data: []byte(smallest)}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := framework.Compile(document, facts)
	if err != nil {
		t.Fatal(err)
	}
	return f.NewVars()
}

func applies(t *testing.T, p machineProof, s *company.Service, vars *framework.Vars) bool {
	t.Helper()
	if len(p.Tiers) > 0 && !slices.Contains(p.Tiers, s.Tier) {
		return false
	}
	if p.when == nil {
		return true
	}
	truth, err := p.when.Eval(vars)
	if err != nil {
		t.Fatal(err)
	}
	return truth == framework.True
}

// named are the facts that an expression reads, for messages.
func named(facts *evidence.Facts, e *framework.Expression, values map[string]evidence.Value) map[string]string {
	out := map[string]string{}
	for _, i := range e.Facts {
		name := facts.At(i).Name
		out[name] = "missing"
		if v, ok := values[name]; ok {
			out[name] = v.String()
		}
	}
	return out
}
