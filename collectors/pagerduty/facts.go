package pagerduty

import (
	"cmp"
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

// Groups of facts that are observed by steps of their own.
const (
	groupIncidents     = "incidents"
	groupPages         = "pages"
	groupUrgency       = "urgency"
	groupResponse      = "response"
	groupChanges       = "changes"
	groupChangeFailure = "change_failure"
	groupSleep         = "sleep"
)

// fact is one fact and how it is observed once its group's listings are
// complete. Exactly one of part and whole is set. What the definitions of a group
// have in common is filled in by facts.
type fact struct {
	evidence.Definition
	// readsServices says that the fact also reads records of GET /services.
	readsServices bool
	// part observes one PagerDuty service. The answers for the PagerDuty services
	// of one catalog service are merged as the definition says.
	part func(r *round, s *serviceRecord) answer
	// whole observes all PagerDuty services of one catalog service at once,
	// for statistics that cannot be merged.
	whole func(r *round, all []*serviceRecord) answer
	// gone is the value for a PagerDuty service that the complete list of services
	// does not have; nil when the fact then has no value.
	gone *evidence.Value
}

// perService is a fact with a part function.
func perService(d evidence.Definition, part func(*round, *serviceRecord) answer) fact {
	return fact{Definition: d, part: part}
}

// together is a fact with a whole function.
func together(d evidence.Definition, whole func(*round, []*serviceRecord) answer) fact {
	return fact{Definition: d, whole: whole}
}

// withServices is the fact, which also reads records of GET /services.
func withServices(f fact) fact {
	f.readsServices = true
	return f
}

// answer is the result of a fact's function.
type answer struct {
	// value is rounded afterwards, as the definition says.
	value evidence.Value
	// detail is the provenance, without the service's id.
	detail string
	// missing says why there is no value; empty when there is one.
	missing evidence.Missing
}

func yes(v bool, detail string) answer    { return answer{value: evidence.Bool(v), detail: detail} }
func count(v int, detail string) answer   { return answer{value: evidence.Int(int64(v)), detail: detail} }
func unknown(why evidence.Missing) answer { return answer{missing: why} }

// number is the answer with a double, which is unknown when it is not a number.
func number(v float64, detail string) answer {
	value, ok := evidence.Double(v)
	if !ok {
		return unknown(evidence.MissingNaN)
	}
	return answer{value: value, detail: detail}
}

// share is the part n of all, which is unknown where all is less than enough.
// The format of the detail has n and all.
func share(n, all, enough int, format string) answer {
	if all < enough {
		return unknown(evidence.MissingTooFew)
	}
	return number(float64(n)/float64(all), fmt.Sprintf(format, n, all))
}

// rounded rounds a double as the definition says. A fact with a clock is an
// instant, which is not rounded.
func (a answer) rounded(d evidence.Definition) answer {
	if a.missing != "" || d.Kind != evidence.KindDouble || d.Clock != evidence.NoClock {
		return a
	}
	a.value, _ = d.Observe(a.value.Number(), time.Time{}) // it is not NaN
	return a
}

// countIf counts the elements for which the condition is true.
func countIf[T any](list []T, condition func(T) bool) int {
	n := 0
	for _, v := range list {
		if condition(v) {
			n++
		}
	}
	return n
}

// facts are those of all listings. Each has the permissions that its listings
// need, and what the facts of its group have in common.
func facts() []fact {
	var all []fact
	for _, l := range listings() {
		for _, g := range l.groups {
			permissions := scopes(func(path string) bool { return l.needs(&g, path) })
			for _, f := range g.facts {
				f.Pack, f.Permissions = "pagerduty", permissions
				if l.every > 0 {
					f.FreshAtLeast = slowFresh
				}
				f.Window, f.ValidFor = cmp.Or(f.Window, g.common.Window), g.common.ValidFor
				f.Absent, f.Outcome = cmp.Or(f.Absent, g.common.Absent), g.common.Outcome
				all = append(all, f)
			}
		}
	}
	return all
}

// Definitions lists the facts that a PagerDuty account can give.
func Definitions() []evidence.Definition {
	var definitions []evidence.Definition
	for _, f := range facts() {
		definitions = append(definitions, f.Definition)
	}
	return definitions
}
