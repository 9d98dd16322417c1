// Package collectors holds the contract between the program and its sources of
// evidence, and what they have in common.
package collectors

import (
	"context"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// Source is everything one upstream can say: one PagerDuty account, one Jira
// site, one Prometheus server. Implementations are safe for use by one
// goroutine at a time; a job never runs twice at once.
type Source interface {
	// ID is the instance's name in records, metrics and logs: pagerduty/main.
	ID() string
	// Facts lists the definitions this instance can observe with the
	// configuration it has. It does no I/O and never changes.
	Facts() []evidence.Definition
	// Answers reports whether this instance is expected to observe the fact
	// for the service, by what the catalog refers to. A merged value is known
	// only when all instances that answer for a service have.
	Answers(service *catalog.Service, fact string) bool
	// Collect runs one round and passes it on batch by batch. Each Batch is
	// committed in one transaction together with its cursors before emit
	// returns, so an interrupted round is resumed and not repeated.
	//
	// What the upstream did not answer is not evidence: a failed call leaves
	// its groups out of Batch.Covered, and the records of before keep ageing.
	// Observed absences and withdrawals are emitted only after the listing
	// that they depend on is complete.
	//
	// The error joins every *CallError of the round; a round that returns one
	// may still have covered other groups. ctx ends the round early.
	Collect(ctx context.Context, req Request, emit func(evidence.Batch) error) error
}

// Checker is a Source whose credentials can be tried without collecting.
type Checker interface {
	// Check makes the cheapest authenticated call.
	Check(ctx context.Context) error
}

// Locator is a Source that finds a service by keys of its catalog entry.
type Locator interface {
	// CatalogKey names the key that the entry lacks, such as
	// kubernetes.workload, so that this instance cannot answer the fact for the
	// service. It is called where Answers is false.
	CatalogKey(service *catalog.Service, fact string) string
}

// AlertWatcher is a Source that can tell of firing alerts.
type AlertWatcher interface {
	// WatchesAlerts reports whether the alerts of the service are looked for, by
	// what the catalog says of it. That none fired is known only when every
	// watcher of the service was watching.
	WatchesAlerts(service *catalog.Service) bool
}

// Planner is a Source that can tell what a round would ask, without asking.
type Planner interface {
	// Plan lists the calls of the round that the request would start, in their
	// order. It does no I/O; counts that only answers can tell are in words.
	Plan(req Request) []PlannedCall
}

// PlannedCall is one call, or one listing page by page, of a round.
type PlannedCall struct {
	// Call is the endpoint template: GET /incidents.
	Call string `json:"call"`
	// Query is what is asked for, readable and without credentials:
	// since=2026-10-01T00:00:00Z&limit=100, or a PromQL or JQL expression.
	Query string `json:"query,omitempty"`
	// Requests says how many requests it takes: 1, or one for each 100 services.
	Requests string `json:"requests"`
	// Facts are the facts that come of it, in name order; empty for a listing
	// that only serves others.
	Facts []string `json:"facts,omitempty"`
}

// Request is what one round starts from.
type Request struct {
	// Services are the catalog's services. The source reads, and never changes,
	// them.
	Services []*catalog.Service
	// Now is the time of the round by the injected clock.
	Now time.Time
	// Cursors are what the source stored with its last batches, by name.
	Cursors map[string]string
	// Incidents hands on the stored incidents of this source that the span
	// selects, in order of their start, reading them page by page. Gone ones are
	// left out. An error of each ends it. It may be nil.
	Incidents func(ctx context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error) error
	// LogEntries calls each with the stored log entries of this source's incidents
	// with the ids, incident by incident and by time, some hundred incidents at a
	// time. An error of each ends it. It may be nil.
	LogEntries func(ctx context.Context, incidents []string, each func(evidence.LogEntry) error) error
	// Reviews are the stored reviews of this source that it still lists, other
	// sources' among them or not. It may be nil.
	Reviews func(ctx context.Context) ([]evidence.Review, error)
	// OpenAlerts are the stored firings of this source that had not ended when it
	// was last asked, with their first sighting. It may be nil.
	OpenAlerts func(ctx context.Context) ([]evidence.AlertFiring, error)
	// Person turns a person's id at the source into a keyed hash: the same
	// person has the same hash, and nobody without the key can find the person.
	// Nil means that people are not told apart.
	Person func(id string) string
	// Progress is told how far a long step has come, in the goroutine of
	// Collect. It may be nil.
	Progress func(Progress)
}

// Progress is how far one long step of a round has come.
type Progress struct {
	// Step names it for people: history of incidents.
	Step string
	// Share is what is done of it, 0 to 1; steps never go back.
	Share float64
	// Records is how many records have come so far.
	Records int
}
