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
	// readsServices says that it is also made of what GET /services tells.
	readsServices bool
	// part observes one PagerDuty service; the parts of a catalog service are
	// merged as the definition says.
	part func(r *round, s *serviceRecord) answer
	// whole observes all PagerDuty services of one catalog service at once,
	// for statistics that cannot be merged.
	whole func(r *round, all []*serviceRecord) answer
	// gone is the answer for a PagerDuty service that a complete listing does
	// not have; nil when the fact then has none.
	gone *evidence.Value
}

// answer is what a fact's function found.
type answer struct {
	value evidence.Value
	// detail is the provenance, without the id of the service.
	detail string
	// missing is set instead of value when the service is looked at and there
	// is nothing to say about it.
	missing evidence.Missing
}

func yes(v bool, detail string) answer  { return answer{value: evidence.Bool(v), detail: detail} }
func count(v int, detail string) answer { return answer{value: evidence.Int(int64(v)), detail: detail} }

// double rounds as the definition says.
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
