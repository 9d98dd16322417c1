package correlation

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// effectsBound is how long the effects of reviews may take to estimate, in seconds on two
// processors.
const effectsBound = 30

// BenchmarkEffects estimates all effects of 100,000 incidents of 2,000 services in 760
// days: four outcomes of the fleet and of tiers with their jackknives and placebos, and
// those of teams.
func BenchmarkEffects(b *testing.B) {
	c := newCompany(2000, 100_000, 0.6, 1)
	var took time.Duration
	for b.Loop() {
		if took > 0 {
			continue
		}
		began := time.Now()
		effects := c.effects(0)
		took = time.Since(began)
		if !effects.Verdicts[0].Known || effects.Verdicts[0].Placebo.Usable != 200 {
			b.Fatalf("%+v", effects.Verdicts[0])
		}
	}
	verdict := "ok"
	if took.Seconds() > effectsBound {
		verdict = "short"
	}
	_, _ = fmt.Fprintf(os.Stdout, "\nfigure: effects_of_reviews %.1f s <=%d %s\n", took.Seconds(), effectsBound, verdict)
}
