package scoring

import "github.com/prodready/collector/framework"

// Trial is a fixture with the status that its check has by it.
type Trial struct {
	framework.Fixture
	Got Status
	// GotBy is the kind of proof that decided; empty if none did.
	GotBy framework.ProofKind
	// Err is set when an expression failed.
	Err error
}

// OK reports whether the check is judged as the fixture wants.
func (t *Trial) OK() bool {
	return t.Err == nil && t.Got.String() == t.Want && (t.By == "" || t.By == t.GotBy)
}

// Try judges each fixture by its check alone, whether or not it counts yet. Fixtures of
// checks that the framework does not have are left out.
func Try(f *framework.Framework, fixtures []framework.Fixture) []Trial {
	j := newJudge(f)
	trials := make([]Trial, 0, len(fixtures))
	for _, fixture := range fixtures {
		check, err := f.Check(fixture.Check)
		if err != nil {
			continue
		}
		basis := &Basis{Framework: f, Subject: Subject{Attributes: fixture.Attributes}, Facts: map[string]BasisFact{}}
		for name, value := range fixture.Facts {
			basis.Facts[name] = BasisFact{Value: value, Fresh: true}
		}
		j.load(basis)
		result := CheckResult{Check: check, Verdict: NotApplicable}
		if j.applies(&basis.Subject.Attributes)[check.Index] {
			j.judgeCheck(&result)
		}
		trials = append(trials, Trial{Fixture: fixture, Got: result.Verdict, GotBy: result.By, Err: result.Err})
	}
	return trials
}
