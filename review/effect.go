package review

import (
	"math"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/report"
)

// NewEffect says what the effect of reviews on the time to resolve is, and claims no more
// than its interval does.
func NewEffect(e *correlation.Effect) *Effect {
	out := &Effect{Verdict: string(e.Verdict), Words: report.Unbroken(report.EffectWords(e))}
	if e.Known && e.Verdict != effect.InsufficientData && !math.IsInf(e.Ratio.Upper, 1) {
		out.Ratio = &RateRatio{e.Ratio.Value, e.Ratio.Lower, e.Ratio.Upper}
	}
	return out
}
