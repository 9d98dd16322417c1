package exporter

import (
	"fmt"
	"math"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/statistics"
)

// effectGroup is whether reviews change incidents.
func effectGroup() Group {
	labels := []string{"outcome", "scope"}
	families := boundFamilies("review_effect", labels,
		"%s of what happened after a review, as a multiple of what was to be expected without one: below 1 is less",
		"there are enough data for an estimate with bounds",
		func(read bound) Collect {
			return perEffect(func(e *correlation.Effect, scope string, emit Emit) {
				if e.Known && e.Verdict != effect.InsufficientData {
					emitBound(emit, e.Ratio, read, string(e.Outcome), scope)
				}
			})
		})
	families = append(families, Family{
		Name: "review_effect_services", Labels: labels,
		Help:     "Number of reviewed services with incidents, or time, after their review.",
		Presence: "the effect was estimated",
		Collect: perEffect(func(e *correlation.Effect, scope string, emit Emit) {
			emit(float64(e.Fits[0].Treated), string(e.Outcome), scope)
		}),
	}, Family{
		Name: "review_effect_verdict", Labels: []string{"outcome", "scope", "verdict"},
		Help: "1 for the verdict: improved, worsened, inconclusive or insufficient_data.",
		Presence: "the effect was estimated, of the fleet and of tiers; for the fleet also if incidents are not known, " +
			"with insufficient_data",
		Collect: ofResult(collectVerdicts),
	}, Family{
		Name: "review_effect_placebo_ratio", Stability: Experimental, Labels: labels,
		Help:     "Share of estimates with review dates that were shuffled among services that had an effect, 0 to 1; above 0.08 there is no verdict.",
		Presence: "there are enough data for a verdict",
		Collect: perEffect(func(e *correlation.Effect, scope string, emit Emit) {
			if share, known := e.Placebo.FalseShare(); known {
				emit(share, string(e.Outcome), scope)
			}
		}),
	})
	families = append(families, boundFamilies("review_effect_lead", []string{"outcome", "scope", "days"},
		"%s of what happened in a time before reviews, as a multiple of what was usual before that: above 1, reviews follow bad "+
			"times; days is 90-180, 30-90 or 0-30 before the review",
		"there are enough incidents in that time for bounds, of the fleet and of tiers",
		func(read bound) Collect {
			return perEffect(func(e *correlation.Effect, scope string, emit Emit) {
				for i := range e.Leads {
					if lead := &e.Leads[i]; lead.Known && e.Scope != correlation.ScopeTeam {
						emitBound(emit, lead.Ratio(), read, string(e.Outcome), scope, leadLabel(lead))
					}
				}
			})
		})...)
	for i := range families {
		if families[i].Labels[len(families[i].Labels)-1] == "days" {
			families[i].Stability = Experimental
		}
	}
	return Group{
		Title: "Effects of reviews",
		Intro: "Estimated on the first of a month, and shown until the next: see statistics.md before you quote one. The label " +
			"scope is `fleet`, `tier/1` to `tier/4`, or `team/` with a name; teams have estimates and no verdicts. The label outcome is " +
			"resolution_time, acknowledgement_time, incident_rate or noise_share. Bounds are those of the interval of 95 % that covers " +
			"both fits.",
		Families: families,
	}
}

// correlationGroup is what goes together with readiness.
func correlationGroup() Group {
	spearman := func(read bound) Collect {
		return ofResult(func(r *correlation.Result, emit Emit) {
			for _, c := range r.Compared.Correlations {
				emitBound(emit, c.Spearman, read, string(c.Outcome))
			}
		})
	}
	enough := "there are at least 10 services with a score and the outcome, as many as within their tiers can be compared"
	families := []Family{{
		Name:     "correlation_timestamp_seconds",
		Help:     "Time of the effects of reviews and the correlations that are shown, as a Unix time.",
		Presence: "they were ever estimated",
		Collect:  ofResult(func(r *correlation.Result, emit Emit) { emitTime(emit, r.At) }),
	}, {
		Name: "correlation_spearman", Labels: []string{"outcome"},
		Help: "Rank correlation of scores with an outcome afterwards, within tiers, -1 to 1: below 0, ready services have less. " +
			"Scores are without checks that read incidents or alerts.",
		Presence: enough, Collect: spearman(func(i statistics.Interval) float64 { return i.Value }),
	}, {
		Name: "correlation_spearman_lower", Labels: []string{"outcome"},
		Help:     "Lower bound (95 %, Bonett and Wright) of that rank correlation.",
		Presence: enough, Collect: spearman(func(i statistics.Interval) float64 { return i.Lower }),
	}, {
		Name: "correlation_spearman_upper", Labels: []string{"outcome"},
		Help:     "Upper bound (95 %, Bonett and Wright) of that rank correlation.",
		Presence: enough, Collect: spearman(func(i statistics.Interval) float64 { return i.Upper }),
	}, {
		Name: "correlation_services", Labels: []string{"outcome"},
		Help: "Number of services of that rank correlation.", Presence: enough,
		Collect: ofResult(func(r *correlation.Result, emit Emit) {
			for _, c := range r.Compared.Correlations {
				emit(float64(c.Services), string(c.Outcome))
			}
		}),
	}}
	families = append(families, boundFamilies("check_incident_rate", []string{"check"},
		"%s of the rate of incidents while services fail the check, as a multiple of that while they pass it, within tiers",
		"at least 10 services failed the check and 10 passed it, with 50 incidents in all and 10 to be expected "+
			"on each side, and the interval has an end",
		func(read bound) Collect {
			return ofResult(func(r *correlation.Result, emit Emit) {
				for i := range r.Compared.Checks {
					if c := &r.Compared.Checks[i]; c.Known {
						emitBound(emit, c.Ratio, read, c.Check)
					}
				}
			})
		})...)
	return Group{
		Title: "What goes together with readiness",
		Intro: "Of the last 180 days before `readiness_correlation_timestamp_seconds`, or as far back as all is known. Services that " +
			"differ in readiness differ in other things, too: this shows what goes together, and not what causes what.",
		Families: families,
	}
}

// bound reads one number of an interval.
type bound func(statistics.Interval) float64

// boundFamilies declares a ratio and the bounds of its interval. help has a place for which
// of them it is.
func boundFamilies(name string, labels []string, help, presence string, collect func(bound) Collect) []Family {
	var families []Family
	for _, b := range []struct {
		end, words string
		read       bound
	}{
		{"_ratio", "Estimate", func(i statistics.Interval) float64 { return i.Value }},
		{"_lower_ratio", "Lower bound (95 %)", func(i statistics.Interval) float64 { return i.Lower }},
		{"_upper_ratio", "Upper bound (95 %)", func(i statistics.Interval) float64 { return i.Upper }},
	} {
		families = append(families, Family{
			Name: name + b.end, Labels: labels, Help: fmt.Sprintf(help, b.words) + ".", Presence: presence,
			Collect: collect(b.read),
		})
	}
	return families
}

// ofResult is for families of what was estimated last.
func ofResult(collect func(*correlation.Result, Emit)) Collect {
	return ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
		if s.Correlated != nil {
			collect(s.Correlated, emit)
		}
	})
}

// perEffect is for families of each effect of reviews.
func perEffect(collect func(e *correlation.Effect, scope string, emit Emit)) Collect {
	return ofResult(func(r *correlation.Result, emit Emit) {
		for _, list := range [][]correlation.Effect{r.Effects.Verdicts, r.Effects.Teams} {
			for i := range list {
				collect(&list[i], scopeLabel(&list[i]), emit)
			}
		}
	})
}

// scopeLabel is what `collector correlate --scope` calls the services of an effect.
func scopeLabel(e *correlation.Effect) string {
	if e.Scope == correlation.ScopeFleet {
		return string(e.Scope)
	}
	return string(e.Scope) + "/" + e.Group
}

// collectVerdicts emits those of the fleet and of tiers.
func collectVerdicts(r *correlation.Result, emit Emit) {
	if r.NoIncidents != "" {
		for _, outcome := range correlation.Outcomes() {
			emit(1, string(outcome), string(correlation.ScopeFleet), string(effect.InsufficientData))
		}
	}
	for i := range r.Effects.Verdicts {
		e := &r.Effects.Verdicts[i]
		emit(1, string(e.Outcome), scopeLabel(e), string(e.Verdict))
	}
}

// leadLabel is a time before reviews in days: 90-180.
func leadLabel(l *effect.Lead) string {
	days := func(d time.Duration) int { return int(d / (24 * time.Hour)) }
	return fmt.Sprintf("%d-%d", days(l.To), days(l.From))
}

// emitBound writes one number of an interval, unless the interval has no end: then there
// are too few data to say anything.
func emitBound(emit Emit, i statistics.Interval, read bound, labels ...string) {
	if !math.IsInf(i.Lower, 0) && !math.IsInf(i.Upper, 0) {
		emit(read(i), labels...)
	}
}
