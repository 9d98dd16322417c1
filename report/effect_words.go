package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
)

// EffectWords says in one paragraph what the effect of reviews on the time to resolve is,
// and claims no more than its interval does.
func EffectWords(e *correlation.Effect) string {
	words := []string{effectWords(e)}
	if placebo := placeboWords(e.Placebo); placebo != "" {
		words = append(words, placebo)
	}
	if e.FollowsBadMonths {
		words = append(words, "Reviews follow bad months here, and what follows a bad month is better anyway: the interval "+
			"counts with that.")
	}
	return strings.Join(words, " ")
}

func effectWords(e *correlation.Effect) string {
	between := fmt.Sprintf("between %.2f and %.2f times the time that was to be expected without one", e.Ratio.Lower,
		e.Ratio.Upper)
	services := fmt.Sprintf(" (%s, %s after their review)", Plural(e.Fits[0].Treated, "reviewed service"),
		Plural(e.Fits[0].EventsAfter, "incident"))
	switch {
	case e.Verdict == effect.InsufficientData:
		return "Whether reviews change the time to resolve is not known: there are not enough data. Missing: " +
			missingOf(e) + "."
	case e.Withdrawn:
		return "No verdict: this data set calls chance an effect. With review dates that were shuffled among services it " +
			"has effects, too."
	case e.Verdict == effect.Improved:
		return "Incidents are resolved faster after a review: in " + between + services + "."
	case e.Verdict == effect.Worsened:
		return "Incidents take longer after a review: " + between + services + "."
	case !e.Known || math.IsInf(e.Ratio.Upper, 1):
		return "Whether reviews change the time to resolve cannot be told from chance" + services + "."
	case e.Scope == correlation.ScopeTeam:
		return "A team is too small for a verdict. After a review the time to resolve is estimated to be " + between +
			services + "."
	}
	return "Whether reviews change the time to resolve cannot be told from chance: after a review it is " + between +
		services + "."
}

// missingOf is what an effect of reviews lacks for a verdict.
func missingOf(e *correlation.Effect) string {
	return e.Missing.Words("reviewed", "reviews", "incidents")
}

// placeboWords say how often shuffled review dates had an effect; empty without any.
func placeboWords(p effect.Placebo) string {
	share, known := p.FalseShare()
	if !known {
		return ""
	}
	return fmt.Sprintf("Of %s with shuffled review dates %s had an effect.", Plural(p.Usable, "comparison"),
		RoundedPercent(share))
}

// RoundedPercent rounds a share so that only what is complete is 100 %, and only what is
// nothing is 0 %.
func RoundedPercent(share float64) string {
	rounded := math.Round(share * 100)
	switch {
	case share < 1 && rounded >= 100:
		return "99 %"
	case share > 0 && rounded < 1:
		return "< 1 %"
	}
	return fmt.Sprintf("%.0f %%", rounded)
}
