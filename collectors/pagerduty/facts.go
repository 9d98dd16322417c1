package pagerduty

import (
	"time"

	"github.com/prodready/collector/evidence"
)

// Groups of facts that are observed by steps of their own.
const (
	groupOnCall        = "oncall"
	groupIncidents     = "incidents"
	groupUrgency       = "urgency"
	groupResponse      = "response"
	groupChanges       = "changes"
	groupChangeFailure = "change_failure"
	groupSleep         = "sleep"
)

// fact is one fact and how it is observed once its group's listings are
// complete. Exactly one of part and whole is set. The permissions of the
// definition are those of the group's listings; see facts.
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

// answer is the result of a fact's function.
type answer struct {
	value evidence.Value
	// detail is the provenance, without the service's id.
	detail string
	// missing says why there is no value; empty when there is one.
	missing evidence.Missing
}

func yes(v bool, detail string) answer  { return answer{value: evidence.Bool(v), detail: detail} }
func count(v int, detail string) answer { return answer{value: evidence.Int(int64(v)), detail: detail} }

// double is the answer with v, rounded as the definition says.
func double(d evidence.Definition, v float64, detail string) answer {
	value, ok := d.Observe(v, time.Time{})
	if !ok {
		return answer{missing: evidence.MissingNaN}
	}
	return answer{value: value, detail: detail}
}

// Definitions lists the facts that a PagerDuty account can give.
func Definitions() []evidence.Definition {
	var definitions []evidence.Definition
	for _, f := range facts() {
		definitions = append(definitions, f.Definition)
	}
	return definitions
}
