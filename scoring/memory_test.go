package scoring_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
)

// TestAJudgerJudgesLikeJudge whatever it has judged before: values, their ages, machines'
// noes and the service change at random, and time goes on, and sometimes back.
func TestAJudgerJudgesLikeJudge(t *testing.T) {
	t.Parallel()
	w := newWorld(t,
		"x.one 1: machine m.a; attested attest.a", "x.two 2: machine? m.b; ticket? t.a; attested attest.b",
		"x.age 2: machine m.age_days <= 3.0; attested attest.a", "x.tier 3: machine m.c || service.tier == 4; catalog c.a",
		"x.old 3: machine m.age_days <= 5.0 && m.a",
	)
	facts, random := w.framework.Facts(), rand.New(rand.NewPCG(1, 2))
	judger := scoring.NewJudger(w.framework)
	invalidated := map[string]time.Time{}
	now, passed := noon, 0
	for step := range 4000 {
		now = now.Add(time.Duration(random.IntN(20)) * 10 * time.Minute)
		if random.IntN(30) == 0 {
			now = now.Add(-2 * 24 * time.Hour)
		}
		for range random.IntN(3) {
			i := random.IntN(facts.Len())
			at := now.Add(-time.Duration(random.IntN(3*60)) * time.Minute)
			value := evidence.Bool(random.IntN(3) > 0)
			if facts.At(i).Kind == evidence.KindDouble {
				value = evidence.Instant(now.Add(-time.Duration(random.IntN(8*24)) * time.Hour))
			}
			w.row[i] = &evidence.Observation{
				Value: value, Source: "s/1", Since: at, ObservedAt: at, HealthyUntil: at.Add(2 * time.Hour),
				FreshUntil: at.Add(3 * time.Hour), ValidUntil: at.Add(30 * time.Hour),
			}
		}
		switch random.IntN(40) {
		case 0:
			w.row[random.IntN(facts.Len())] = nil
		case 1:
			invalidated = map[string]time.Time{"x.one": now, "x.age": now.Add(-time.Hour)}
		case 2:
			invalidated = map[string]time.Time{}
		case 3:
			w.subject.Attributes = framework.Attributes{Tier: int64(1 + random.IntN(4)), RPOMinutes: float64(random.IntN(2))}
		}
		row := append(evidencetest.Row(nil), w.row...)
		in := scoring.Inputs{
			Framework: w.framework, Subjects: []scoring.Subject{w.subject}, Evidence: evidencetest.Rows{"api": row}.Row,
			Invalidated: scoring.Invalidations{"api": invalidated},
		}
		want, got := scoring.Judge(in, now), judger.Judge(in, now)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("step %d: the judger says\n%+v\nnot\n%+v", step, got[0].Checks, want[0].Checks)
		}
		for i := range want[0].Checks {
			if want[0].Checks[i].Status == scoring.Pass {
				passed++
			}
		}
	}
	if passed < 2000 || passed > 18000 {
		t.Errorf("%d of 20000 checks have passed: that shows little", passed)
	}
}
