// Package collectors holds the contract between the program and its sources of
// evidence, and the code that all sources share.
package collectors

import (
	"context"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// Source observes facts through one upstream: one PagerDuty account, one Jira site,
// one Prometheus server. Implementations are safe for use by one
// goroutine at a time; a job never runs twice at once.
type Source interface {
	// ID is the instance's name in records, metrics and logs: pagerduty/main.
	ID() string
	// Facts lists the definitions that this instance can observe with its
	// configuration. It does no I/O and always returns the same.
	Facts() []evidence.Definition
	// Answers reports whether this instance is expected to observe the fact for the
	// service, by the references of its catalog entry. A merged value is known only
	// when all instances that answer for a service have answered.
	Answers(service *catalog.Service, fact string) bool
	// Collect runs one round and emits its result batch by batch. Each Batch is
	// committed in one transaction together with its cursors before emit
	// returns, so what was committed before an interruption is kept. A new process
	// resumes listings that have a cursor and begins all others again.
	//
	// A missing answer is not evidence: the groups of a failed call are not in
	// Batch.Covered, and their earlier records age on. Observed absences and
	// withdrawals are emitted only after the listing that they depend on is complete.
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
	// CatalogKey names the key that the entry lacks, such as kubernetes.workload, so
	// that this instance cannot answer the fact for the service. It is called when
	// Answers is false.
	CatalogKey(service *catalog.Service, fact string) string
}

// Replica is a Source that may be one of several that watch the same, such as the two
// servers of a highly available pair of Prometheus.
type Replica interface {
	// ReplicaOf names the group, such as prometheus/shop; empty for none. Facts and
	// firings of a group are the union of those of its members, and not the sum.
	ReplicaOf() string
}

// ReplicaOf is the group of replicas that a source is in, or empty.
func ReplicaOf(s Source) string {
	if replica, ok := s.(Replica); ok {
		return replica.ReplicaOf()
	}
	return ""
}

// AlertWatcher is a Source that reads firing alerts.
type AlertWatcher interface {
	// WatchesAlerts reports whether alerts are matched to the service, by its catalog
	// entry. That none fired is known only when every watcher of the service was
	// watching.
	WatchesAlerts(service *catalog.Service) bool
}

// Planner is a Source that lists the calls of a round without making them.
type Planner interface {
	// Plan lists the calls of the round that the request would start, in their order.
	// It does no I/O; a number of requests that depends on answers is given in words.
	Plan(req Request) []PlannedCall
}

// Noter is a Source that has found something in its rounds that is no fault, and that a
// person who configures it wants to know.
type Noter interface {
	// Notes are sentences without a full stop, about the rounds so far. It does no I/O.
	Notes() []string
}

// Resumer is a Source whose rounds need not read everything at once.
type Resumer interface {
	// Left says how far the rounds before have read, by the stored cursors, as the end of
	// a line: history read back to 2026-01-31. It is empty when nothing is left to read.
	// It does no I/O.
	Left(cursors map[string]string) string
}

// IncidentSource is a Source of incidents that knows how far back it has read them.
type IncidentSource interface {
	// IncidentsSince is since when all incidents are stored, by the stored cursors and
	// the present time; zero while the newest are not read. It is false for a source that
	// is configured to read none. It does no I/O.
	IncidentsSince(cursors map[string]string, now time.Time) (since time.Time, reads bool)
}

// ReviewSource is a Source that can read readiness reviews.
type ReviewSource interface {
	// ReadsReviews reports whether it is configured to. All reviews are stored once a round
	// has succeeded. It does no I/O.
	ReadsReviews() bool
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
	// Facts are the facts that are observed from it, in name order; empty for a call
	// that other calls need.
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
	// Incidents calls each with the stored incidents of this source that the span
	// selects, in order of their start, page by page. Gone ones are left out. An error
	// of each ends it. It may be nil.
	Incidents func(ctx context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error) error
	// LogEntries calls each with the stored log entries of this source's incidents
	// with the ids, incident by incident and by time, some hundred incidents at a
	// time. An error of each ends it. It may be nil.
	LogEntries func(ctx context.Context, incidents []string, each func(evidence.LogEntry) error) error
	// Exemptions returns the stored exemptions that tickets of all sources ask for; it
	// may be nil.
	Exemptions func(ctx context.Context) ([]evidence.TicketExemption, error)
	// Reviews returns the stored reviews of this source that it still lists; it may
	// return those of other sources, too. It may be nil.
	Reviews func(ctx context.Context) ([]evidence.Review, error)
	// OpenAlerts returns the stored firings of this source that had not ended when the
	// source was last asked. It may be nil.
	OpenAlerts func(ctx context.Context) ([]evidence.AlertFiring, error)
	// Person makes a keyed hash of a person's id at the source: the same person has
	// the same hash, and the person cannot be found without the key. Nil means that no
	// hashes are made.
	Person func(id string) string
	// Progress is called with the progress of a long step, in the goroutine of
	// Collect. It may be nil.
	Progress func(Progress)
}

// Progress is the progress of one long step of a round.
type Progress struct {
	// Step names it for people: history of incidents.
	Step string
	// Share is the part that is done, 0 to 1; it never falls.
	Share float64
	// Records is how many records were read so far.
	Records int
}
