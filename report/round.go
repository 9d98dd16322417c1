package report

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Round is all that one round of one source asked for and found.
type Round struct {
	// Source is the instance: pagerduty/main.
	Source string `json:"source"`
	// StartsFrom says in words what the round continues.
	StartsFrom string `json:"starts_from"`
	// At is the time of the round, Seconds how long it took.
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`
	// Error is what failed, each fault once; empty when nothing did. What was
	// found before is in the round.
	Error string `json:"error,omitempty"`
	// Planned are the calls that the source said it would make; Unplanned is
	// true for a source that does not know.
	Planned   []collectors.PlannedCall `json:"planned"`
	Unplanned bool                     `json:"unplanned,omitempty"`
	// Requests are those that were made, repetitions among them.
	Requests []RequestCount `json:"requests"`
	// Records are the observed values by service and fact.
	Records []RoundRecord `json:"records"`
	// Incidents that are new or have changed are by start, Reviews by key,
	// Alerts by start.
	Incidents []RoundIncident        `json:"incidents"`
	Reviews   []evidence.Review      `json:"reviews"`
	Alerts    []evidence.AlertFiring `json:"alerts"`
	// Feedback is what issues say about checks.
	Feedback []evidence.Feedback `json:"feedback,omitempty"`
	// Withdrawals are values that do not count any more.
	Withdrawals []RoundWithdrawal `json:"withdrawals"`
	// Covered are the groups of facts that the round answered for completely.
	Covered []evidence.Coverage `json:"covered"`
	// Skipped counts the objects that could not be read, by kind.
	Skipped map[string]int `json:"skipped,omitempty"`
	// Uncounted are the records that were found and could not be used, by kind.
	Uncounted []evidence.Uncounted `json:"uncounted,omitempty"`
	// Notes say what the source found that is no fault.
	Notes []string `json:"notes,omitempty"`

	facts *evidence.Facts
	// services is how many the catalog has, or how many are selected.
	services int
	// only are the services that were selected; none are all.
	only []string
}

// Request is a kind of request that was made, and how it ended.
type Request struct {
	// Call is the endpoint template, Outcome ok or the reason of the failure.
	Call    string `json:"call"`
	Outcome string `json:"outcome"`
}

// RequestCount is how often a request was made.
type RequestCount struct {
	Request
	Count int `json:"count"`
}

// RoundRecord is one observed value with its provenance.
type RoundRecord struct {
	Service    string    `json:"service"`
	Fact       string    `json:"fact"`
	Value      Value     `json:"value"`
	Unit       string    `json:"unit,omitempty"`
	ObservedAt time.Time `json:"observed_at"`
	// Group is the group of facts it was covered with, empty when the round
	// did not complete the group.
	Group  string `json:"group,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// RoundIncident is an incident. In JSON its responders are counted and not
// named, not even by their hashes.
type RoundIncident struct{ evidence.Incident }

// MarshalJSON writes what identifies the incident and what figures are made of.
func (r RoundIncident) MarshalJSON() ([]byte, error) {
	gone := ""
	if r.Gone {
		gone = r.whyGone()
	}
	return json.Marshal(struct {
		ID             string            `json:"id"`
		Key            string            `json:"key,omitempty"`
		Services       []string          `json:"services"`
		StartedAt      time.Time         `json:"started_at"`
		AcknowledgedAt time.Time         `json:"acknowledged_at,omitzero"`
		MachineAckAt   time.Time         `json:"machine_acknowledged_at,omitzero"`
		AcksKnown      bool              `json:"acks_known"`
		ResolvedAt     time.Time         `json:"resolved_at,omitzero"`
		Resolver       evidence.Resolver `json:"resolver,omitempty"`
		Urgent         bool              `json:"urgent"`
		Severity       int               `json:"severity,omitempty"`
		Priority       string            `json:"priority,omitempty"`
		Responders     int               `json:"responders"`
		Template       string            `json:"template,omitempty"`
		Links          []string          `json:"links,omitempty"`
		MergedInto     string            `json:"merged_into,omitempty"`
		Gone           string            `json:"gone,omitempty"`
	}{
		r.ID, r.Key, r.Services, stamp(r.StartedAt), stamp(r.AcknowledgedAt), stamp(r.MachineAcknowledgedAt), r.AcksKnown,
		stamp(r.ResolvedAt), r.Resolver, r.Urgent,
		r.Severity, r.Priority, len(r.Responders), r.Template, r.Links, r.MergedInto, gone,
	})
}

func (r RoundIncident) whyGone() string { return cmp.Or(r.GoneWhy, "no longer listed") }

// RoundWithdrawal is a value that does not count any more, and why.
type RoundWithdrawal struct {
	Service string `json:"service"`
	Fact    string `json:"fact"`
	Reason  string `json:"reason"`
	// Unstored is true when the store had no value to withdraw: the fact is
	// merely unknown.
	Unstored bool `json:"unstored,omitempty"`
}

// NewRound begins the view of a round. facts give units and how values are
// read; services is how many the catalog has.
func NewRound(source, startsFrom string, facts *evidence.Facts, services int, at time.Time) *Round {
	return &Round{
		Source: source, StartsFrom: startsFrom, At: stamp(at), Unplanned: true, facts: facts, services: services,
		Planned: []collectors.PlannedCall{}, Requests: []RequestCount{}, Records: []RoundRecord{},
		Incidents: []RoundIncident{},
		Reviews:   []evidence.Review{}, Alerts: []evidence.AlertFiring{}, Withdrawals: []RoundWithdrawal{},
		Covered: []evidence.Coverage{},
	}
}

// Plan notes what the source says it will ask.
func (r *Round) Plan(calls []collectors.PlannedCall) {
	r.Unplanned, r.Planned = false, append([]collectors.PlannedCall{}, calls...)
}

// Record adds an observed value.
func (r *Round) Record(in evidence.Record) {
	out := RoundRecord{
		Service: in.Service, Fact: in.Fact, Value: valueOf(in.Value), ObservedAt: stamp(in.ObservedAt), Detail: in.Detail,
	}
	if d, err := r.facts.Lookup(in.Fact); err == nil {
		out.Unit, out.Value = d.Unit, valueOf(d.Read(in.Value, r.At))
	}
	r.Records = append(r.Records, out)
}

// Asked notes the requests that were made.
func (r *Round) Asked(requests map[Request]int) {
	for request, n := range requests {
		r.Requests = append(r.Requests, RequestCount{request, n})
	}
	slices.SortFunc(r.Requests, func(a, b RequestCount) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Outcome, b.Outcome))
	})
}

// Finish ends the round: everything is put in order.
func (r *Round) Finish(took time.Duration) {
	r.Seconds = round(took.Seconds(), 3)
	groups := map[string]string{}
	for _, g := range r.Covered {
		for _, fact := range g.Facts {
			groups[fact] = g.Group
		}
	}
	for i := range r.Records {
		r.Records[i].Group = groups[r.Records[i].Fact]
	}
	slices.SortFunc(r.Records, func(a, b RoundRecord) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Fact, b.Fact))
	})
	slices.SortFunc(r.Incidents, func(a, b RoundIncident) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(r.Reviews, func(a, b evidence.Review) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.Service, b.Service))
	})
	slices.SortStableFunc(r.Alerts, func(a, b evidence.AlertFiring) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Alert, b.Alert))
	})
	slices.SortFunc(r.Withdrawals, func(a, b RoundWithdrawal) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Fact, b.Fact))
	})
	slices.SortStableFunc(r.Covered, func(a, b evidence.Coverage) int { return cmp.Compare(a.Group, b.Group) })
	for i := range r.Reviews {
		x := &r.Reviews[i]
		x.CreatedAt, x.CompletedAt = stamp(x.CreatedAt), stamp(x.CompletedAt)
	}
	for i := range r.Alerts {
		x := &r.Alerts[i]
		x.StartedAt, x.EndedAt = stamp(x.StartedAt), stamp(x.EndedAt)
	}
	for i := range r.Covered {
		slices.Sort(r.Covered[i].Facts)
	}
}

// Of keeps what concerns the services; none keep everything. The requests and
// the groups stay: they are made and covered for all services together. Records
// that could not be used, and feedback, are left out.
func (r *Round) Of(services ...string) {
	if len(services) == 0 {
		return
	}
	r.only, r.services = services, len(services)
	r.Uncounted, r.Feedback = nil, nil
	others := func(name string) bool { return !slices.Contains(services, name) }
	r.Records = slices.DeleteFunc(r.Records, func(x RoundRecord) bool { return others(x.Service) })
	allOthers := func(names []string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !others(name) })
	}
	r.Incidents = slices.DeleteFunc(r.Incidents, func(x RoundIncident) bool { return allOthers(x.Services) })
	r.Alerts = slices.DeleteFunc(r.Alerts, func(x evidence.AlertFiring) bool { return allOthers(x.Services) })
	r.Reviews = slices.DeleteFunc(r.Reviews, func(x evidence.Review) bool { return others(x.Service) })
	r.Withdrawals = slices.DeleteFunc(r.Withdrawals, func(x RoundWithdrawal) bool { return others(x.Service) })
	for _, g := range r.Covered {
		maps.DeleteFunc(g.Except, func(name string, _ evidence.Missing) bool { return others(name) })
	}
}

// Rounds are the rounds of several sources.
type Rounds struct {
	Sources []*Round `json:"sources"`
}

// WriteJSON writes the view as JSON.
func (r Rounds) WriteJSON(w io.Writer) error { return writeJSON(w, r, "rounds") }
