package report

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Round is all that one round of one source asked for and found, for looking:
// nothing of it is stored.
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
	// true for a source that cannot tell.
	Planned   []PlannedCall `json:"planned"`
	Unplanned bool          `json:"unplanned,omitempty"`
	// Requests are those that were made, repetitions among them.
	Requests []RequestCount `json:"requests"`
	// Records are the observed values by service and fact.
	Records []RoundRecord `json:"records"`
	// Incidents are by start, Reviews by key.
	Incidents []RoundIncident `json:"incidents"`
	Reviews   []RoundReview   `json:"reviews"`
	// Alerts are firings that are new or have changed, by start.
	Alerts []RoundAlert `json:"alerts"`
	// Feedback is what issues say about checks, where the source tells.
	Feedback []RoundFeedback `json:"feedback,omitempty"`
	// Withdrawals are values that do not count any more.
	Withdrawals []RoundWithdrawal `json:"withdrawals"`
	// Covered are the groups of facts that the round answered for completely.
	Covered []RoundGroup `json:"covered"`
	// Skipped counts the objects that could not be read, by kind.
	Skipped map[string]int `json:"skipped,omitempty"`
	// Unmatched are the series of no service; nil when the source has no series
	// or the round could not tell.
	Unmatched *RoundUnmatched `json:"unmatched,omitempty"`

	facts *evidence.Facts
	// services is how many the catalog has, or how many are selected.
	services int
	// only are the services that were selected; none are all.
	only []string
	// index finds what a later page of the round replaces.
	records, incidents, reviews, alerts map[string]int
}

// PlannedCall is one call, or one listing page by page, of a plan.
type PlannedCall struct {
	Call     string   `json:"call"`
	Query    string   `json:"query,omitempty"`
	Requests string   `json:"requests"`
	Facts    []string `json:"facts,omitempty"`
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

// RoundIncident is an incident as the source tells it. Responders are counted
// and not named.
type RoundIncident struct {
	ID             string    `json:"id"`
	Services       []string  `json:"services"`
	StartedAt      time.Time `json:"started_at"`
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"`
	// AcksKnown tells a never-acknowledged incident from one whose
	// acknowledgements were not asked for.
	AcksKnown  bool      `json:"acks_known"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	Resolver   string    `json:"resolver,omitempty"`
	Urgent     bool      `json:"urgent"`
	Severity   int       `json:"severity,omitempty"`
	Priority   string    `json:"priority,omitempty"`
	Responders int       `json:"responders"`
	Template   string    `json:"template,omitempty"`
	Links      []string  `json:"links,omitempty"`
	Gone       string    `json:"gone,omitempty"`
}

// RoundReview is a readiness review as its ticket tells it.
type RoundReview struct {
	Key         string    `json:"key"`
	Service     string    `json:"service"`
	Status      string    `json:"status"`
	CreatedAt   time.Time `json:"created_at"`
	CompletedAt time.Time `json:"completed_at,omitzero"`
	Gone        bool      `json:"gone,omitempty"`
}

// RoundAlert is one time that an alert fired.
type RoundAlert struct {
	Alert     string    `json:"alert"`
	Services  []string  `json:"services"`
	Severity  string    `json:"severity,omitempty"`
	Paging    bool      `json:"paging"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// RoundFeedback is how many issues say one thing about one check.
type RoundFeedback struct {
	Check string `json:"check"`
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

// RoundWithdrawal is a value that does not count any more, and why.
type RoundWithdrawal struct {
	Service string `json:"service"`
	Fact    string `json:"fact"`
	Reason  string `json:"reason"`
	// Unstored is true when the store had no value to withdraw: the fact is
	// merely unknown.
	Unstored bool `json:"unstored,omitempty"`
}

// RoundGroup is a group of facts that is complete, and for whom it is not.
type RoundGroup struct {
	Group  string            `json:"group"`
	Facts  []string          `json:"facts"`
	Except map[string]string `json:"except,omitempty"`
}

// RoundUnmatched are the series that no service of the catalog owns, with the
// ten largest groups of them.
type RoundUnmatched struct {
	Series  int              `json:"series"`
	Largest []UnmatchedGroup `json:"largest"`
}

// UnmatchedGroup are series that would belong to one service.
type UnmatchedGroup struct {
	Name   string `json:"name"`
	Series int    `json:"series"`
}

// NewRound begins the view of a round. facts tell units and how values are
// read.
func NewRound(source, startsFrom string, facts *evidence.Facts, at time.Time) *Round {
	return &Round{
		Source: source, StartsFrom: startsFrom, At: stamp(at), Unplanned: true, facts: facts,
		Planned: []PlannedCall{}, Requests: []RequestCount{}, Records: []RoundRecord{}, Incidents: []RoundIncident{},
		Reviews: []RoundReview{}, Alerts: []RoundAlert{}, Withdrawals: []RoundWithdrawal{}, Covered: []RoundGroup{},
		records: map[string]int{}, incidents: map[string]int{}, reviews: map[string]int{}, alerts: map[string]int{},
	}
}

// Against tells how many services the catalog has, and marks withdrawals of
// what is not stored.
func (r *Round) Against(services int, stored func(service, fact string) bool) {
	r.services = services
	for i, x := range r.Withdrawals {
		r.Withdrawals[i].Unstored = !stored(x.Service, x.Fact)
	}
}

// Plan notes what the source says it will ask.
func (r *Round) Plan(calls []collectors.PlannedCall) {
	r.Unplanned, r.Planned = false, []PlannedCall{}
	for _, c := range calls {
		r.Planned = append(r.Planned, PlannedCall{Call: c.Call, Query: c.Query, Requests: c.Requests, Facts: c.Facts})
	}
}

// Add notes a batch. What a later batch says of the same thing replaces it.
func (r *Round) Add(b evidence.Batch) {
	for _, in := range b.Records {
		out := RoundRecord{Service: in.Service, Fact: in.Fact, Value: valueOf(in.Value), ObservedAt: stamp(in.ObservedAt), Detail: in.Detail}
		if in.ObservedAt.IsZero() {
			out.ObservedAt = r.At
		}
		if d, err := r.facts.Lookup(in.Fact); err == nil {
			out.Unit, out.Value = d.Unit, valueOf(d.Read(in.Value, r.At))
		}
		put(&r.Records, r.records, in.Service+"\x00"+in.Fact, out)
	}
	for _, in := range b.Incidents {
		put(&r.Incidents, r.incidents, in.ID, incidentOf(in))
	}
	for _, in := range b.Reviews {
		put(&r.Reviews, r.reviews, in.Key, RoundReview{
			Key: in.Key, Service: in.Service, Status: string(in.Status), CreatedAt: stamp(in.CreatedAt), CompletedAt: stamp(in.CompletedAt), Gone: in.Gone,
		})
	}
	for _, in := range b.Alerts {
		put(&r.Alerts, r.alerts, in.Fingerprint+"\x00"+in.StartedAt.String(), RoundAlert{
			Alert: in.Alert, Services: in.Services, Severity: in.Severity, Paging: in.Paging, StartedAt: stamp(in.StartedAt), EndedAt: stamp(in.EndedAt),
		})
	}
	if b.Feedback != nil {
		r.Feedback = nil
		for _, in := range b.Feedback {
			r.Feedback = append(r.Feedback, RoundFeedback{Check: in.Check, Kind: string(in.Kind), Count: in.Count})
		}
	}
	for _, in := range b.Withdrawals {
		r.Withdrawals = append(r.Withdrawals, RoundWithdrawal{Service: in.Service, Fact: in.Fact, Reason: string(cmp.Or(in.Reason, evidence.MissingNoData))})
	}
	for _, in := range b.Covered {
		group := RoundGroup{Group: in.Group, Facts: slices.Sorted(slices.Values(in.Facts)), Except: map[string]string{}}
		for service, reason := range in.Except {
			group.Except[service] = string(reason)
		}
		r.Covered = append(r.Covered, group)
	}
	if b.Unmatched != nil {
		r.Unmatched = &RoundUnmatched{Series: b.Unmatched.Series, Largest: []UnmatchedGroup{}}
		for _, g := range b.Unmatched.Largest {
			r.Unmatched.Largest = append(r.Unmatched.Largest, UnmatchedGroup(g))
		}
	}
	for kind, n := range b.Skipped {
		if r.Skipped == nil {
			r.Skipped = map[string]int{}
		}
		r.Skipped[kind] += n
	}
}

// put replaces the entry of the key, or adds it.
func put[T any](list *[]T, index map[string]int, key string, entry T) {
	if at, there := index[key]; there {
		(*list)[at] = entry
		return
	}
	index[key] = len(*list)
	*list = append(*list, entry)
}

func incidentOf(in evidence.Incident) RoundIncident {
	out := RoundIncident{
		ID: in.ID, Services: in.Services, StartedAt: stamp(in.StartedAt), AcknowledgedAt: stamp(in.AcknowledgedAt), AcksKnown: in.AcksKnown,
		ResolvedAt: stamp(in.ResolvedAt), Resolver: string(in.Resolver), Urgent: in.Urgent, Severity: in.Severity, Priority: in.Priority,
		Responders: len(in.Responders), Template: in.Template, Links: in.Links,
	}
	if in.Gone {
		out.Gone = cmp.Or(in.GoneWhy, "no longer listed")
	}
	return out
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

// Fail notes what failed.
func (r *Round) Fail(text string) { r.Error = text }

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
	slices.SortFunc(r.Reviews, func(a, b RoundReview) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortStableFunc(r.Alerts, func(a, b RoundAlert) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Alert, b.Alert))
	})
	slices.SortFunc(r.Withdrawals, func(a, b RoundWithdrawal) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Fact, b.Fact))
	})
	slices.SortStableFunc(r.Covered, func(a, b RoundGroup) int { return cmp.Compare(a.Group, b.Group) })
	r.records, r.incidents, r.reviews, r.alerts = nil, nil, nil, nil
}

// Of keeps what concerns the services; none keep everything. The requests and
// the groups stay: they are made and covered for all services together. Series
// of no service and feedback are nobody's among them.
func (r *Round) Of(services ...string) {
	if len(services) == 0 {
		return
	}
	r.only, r.services = services, len(services)
	r.Unmatched, r.Feedback = nil, nil
	others := func(name string) bool { return !slices.Contains(services, name) }
	r.Records = slices.DeleteFunc(r.Records, func(x RoundRecord) bool { return others(x.Service) })
	allOthers := func(names []string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !others(name) })
	}
	r.Incidents = slices.DeleteFunc(r.Incidents, func(x RoundIncident) bool { return allOthers(x.Services) })
	r.Alerts = slices.DeleteFunc(r.Alerts, func(x RoundAlert) bool { return allOthers(x.Services) })
	r.Reviews = slices.DeleteFunc(r.Reviews, func(x RoundReview) bool { return others(x.Service) })
	r.Withdrawals = slices.DeleteFunc(r.Withdrawals, func(x RoundWithdrawal) bool { return others(x.Service) })
	for _, g := range r.Covered {
		maps.DeleteFunc(g.Except, func(name, _ string) bool { return others(name) })
	}
}

// Rounds are the rounds of several sources.
type Rounds struct {
	Sources []*Round `json:"sources"`
}

// WriteJSON writes the view as JSON.
func (r Rounds) WriteJSON(w io.Writer) error { return writeJSON(w, r, "rounds") }
