package scoring_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
)

const (
	benchServices = 10_000
	benchChecks   = 60
	// judgeBound is how much more than the bare evaluations judging may take:
	// loading facts, walking proof chains, levels, bounds and scores.
	judgeBound = 3.0
)

// benchWorld is a fleet with warm records, a tenth of them missing.
func benchWorld(b *testing.B) scoring.Inputs {
	b.Helper()
	var definitions []evidence.Definition
	text := "apiVersion: readiness/v1\nkind: Framework\nname: bench\nversion: 1.0.0\nmodules:\n"
	for i := range benchChecks {
		if i%12 == 0 {
			text += fmt.Sprintf("  - id: m%d\n    name: M\n    checks:\n", i/12)
		}
		definitions = append(definitions,
			evidence.Definition{Name: fmt.Sprintf("f.count_%d", i), Kind: evidence.KindInt, Help: "x"},
			evidence.Definition{Name: fmt.Sprintf("f.ratio_%d", i), Kind: evidence.KindDouble, Help: "x"})
		source := fmt.Sprintf("f.count_%d >= 1 && (f.ratio_%d <= 0.9 || service.tier == 4)", i, i)
		text += fmt.Sprintf(
			"      - {id: m%d.c%d, level: %d, title: x, proofs: [{by: machine, pass: %q}]}\n", i/12, i, 1+i%5, source,
		)
	}
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		b.Fatal(err)
	}
	doc, err := framework.Parse([]framework.File{{Name: "bench.yaml", Data: []byte(text)}})
	if err != nil {
		b.Fatal(err)
	}
	f, err := framework.Compile(doc, facts)
	if err != nil {
		b.Fatal(err)
	}
	in := scoring.Inputs{Framework: f}
	rows := evidencetest.Rows{}
	for s := range benchServices {
		name := fmt.Sprintf("service-%05d", s)
		in.Subjects = append(
			in.Subjects,
			scoring.Subject{Name: name, Attributes: framework.Attributes{Tier: int64(1 + s%4), Runtime: "kubernetes"}},
		)
		row := make(evidencetest.Row, facts.Len())
		for i := range row {
			if (s+i)%10 == 0 {
				continue
			}
			value := evidence.Int(int64((s + i) % 7))
			if facts.At(i).Kind == evidence.KindDouble {
				value, _ = evidence.Double(float64((s+i)%11) / 10)
			}
			row[i] = &evidence.Observation{
				Value: value, Source: "bench", FreshUntil: noon.Add(time.Hour), ValidUntil: noon.Add(2 * time.Hour),
			}
		}
		rows[name] = row
	}
	in.Evidence = rows.Row
	return in
}

// BenchmarkJudge measures judging a fleet against the bare evaluations: the
// framework's own compiled programs over variables that are ready.
func BenchmarkJudge(b *testing.B) {
	in := benchWorld(b)
	ready := make([]*framework.Vars, 0, benchServices)
	for i := range in.Subjects {
		subject := &in.Subjects[i]
		vars := in.Framework.NewVars()
		vars.SetAttributes(&subject.Attributes)
		row := in.Evidence(subject.Name)
		for fact := range row.Len() {
			vars.Set(fact, row.At(fact).Value)
		}
		ready = append(ready, vars)
	}
	var bare, judged time.Duration
	for b.Loop() {
		start := time.Now()
		for _, vars := range ready {
			for _, c := range in.Framework.Checks {
				if _, err := c.Proofs[0].Pass.Eval(vars); err != nil {
					b.Fatal(err)
				}
			}
		}
		bare += time.Since(start)
		start = time.Now()
		cards := scoring.Judge(in, noon)
		judged += time.Since(start)
		if len(cards) != benchServices {
			b.Fatal("cards are missing")
		}
	}
	ratio := judged.Seconds() / bare.Seconds()
	b.ReportMetric(ratio, "judged/bare")
	verdict := "ok"
	if ratio > judgeBound {
		verdict = "short"
	}
	fmt.Printf("\nfigure: judge_fleet_ratio %.2f x <=%g %s\n", ratio, judgeBound, verdict)
}
