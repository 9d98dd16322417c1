package evidence

import (
	"cmp"
	"time"
)

// Incident is one incident as one source knows it. The same incident known to
// PagerDuty and Jira is two of these, joined by their links.
type Incident struct {
	// Source and ID identify the incident: pagerduty/main, Q1ABC. The ID never changes.
	Source, ID string
	// Key is the name that people and other systems know it by, where that is not the
	// ID: SHOP-12. It changes when a Jira issue is moved.
	Key string
	// FormerKeys are the Keys that it had before, sorted: what was written about it then
	// still names them.
	FormerKeys []string
	// Services are the catalog names of the services it happened to.
	Services []string
	// StartedAt is when it began; always set.
	StartedAt time.Time
	// DetectedAt is when a person or a monitor noticed it; zero when the source does
	// not say.
	DetectedAt time.Time
	// AcknowledgedAt is the first explicit acknowledgement by a person, zero when
	// there is none or it is not known (see AcksKnown).
	AcknowledgedAt time.Time
	// MachineAcknowledgedAt is the first acknowledgement by an integration or a
	// service: automation has begun, and no person has answered. It is zero when there
	// is none or it is not known (see AcksKnown).
	MachineAcknowledgedAt time.Time
	// AcksKnown is true when acknowledgements were read, so that an incident without
	// one was never acknowledged. The counts of Escalations, Reassignments and Notes,
	// and the Responders, are known when it is true.
	AcksKnown bool
	// ResolvedAt is when it ended. It is zero while the incident is open, and when
	// EndUnknown is true.
	ResolvedAt time.Time
	// EndUnknown is true when the incident has ended, and when is not known: the
	// source gives no time, or one that contradicts the start. It has no duration.
	EndUnknown bool
	// Resolver says who ended it.
	Resolver Resolver
	// Urgent marks incidents that page a person.
	Urgent bool
	// Severity is 1 (worst) to 5, 0 when the source does not say.
	Severity int
	// Priority is the source's own word for the severity: P1; empty if none.
	Priority string
	// Escalations, Reassignments and Notes count what people and policies did.
	Escalations, Reassignments, Notes int
	// HasTicket says whether a ticket was opened for it.
	HasTicket Answer
	// FalseAlarm says whether a person said that nothing was wrong: in a note, a field,
	// a label or a resolution.
	FalseAlarm Answer
	// Interruptions count how often it notified people.
	Interruptions Interruptions
	// Responders are keyed hashes of the people who acknowledged, were
	// reassigned to, noted or resolved it, sorted, each once.
	Responders []string
	// Channel is how it was opened, as the source calls it; empty if unknown.
	Channel string
	// MachineDetected reports whether monitoring opened it, rather than a
	// person; only meaningful when Channel is set.
	MachineDetected bool
	// Template is the title with its variable parts removed, so that the same
	// problem has the same template.
	Template string
	// Group is the escalation policy or team that was paged, by its id.
	Group string
	// Maintenance marks incidents inside an announced maintenance window.
	Maintenance bool
	// Links are references to the same incident elsewhere: Jira keys, URLs.
	Links []string
	// UpdatedAt is the source's own time of last change.
	UpdatedAt time.Time
	// MergedInto is the id of the incident of the same source that this one was merged
	// into, and then a part of; its own id if the source does not say which. It is
	// empty for an incident that was not merged. A part was neither acknowledged nor
	// resolved: what happened afterwards happened to the whole.
	MergedInto string
	// Gone marks an incident that the source no longer lists, and GoneWhy says how
	// that was noticed.
	Gone    bool
	GoneWhy string
}

// Open reports whether the incident has not ended.
func (in *Incident) Open() bool { return in.ResolvedAt.IsZero() && !in.EndUnknown }

// Name is what people and other systems call the incident.
func (in *Incident) Name() string { return cmp.Or(in.Key, in.ID) }

// Interruptions count how often an incident notified people, by the hour of each of them:
// business hours, off hours, which are the other waking ones, and hours of sleep. Several
// notifications of one person in the same hours of one day are one.
type Interruptions struct {
	// Known is false if it was not recorded, or not of everybody.
	Known                bool
	Business, Off, Sleep int
}

// Answer is what a source says about something that is so or not so.
type Answer int8

// The answers. What was not recorded, or could not be read, is Unknown.
const (
	Unknown Answer = iota
	No
	Yes
)

// AnswerOf is Yes or No.
func AnswerOf(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// Or is Yes if any of the answers is, No if all are, and else Unknown.
func (a Answer) Or(others ...Answer) Answer {
	for _, other := range others {
		switch {
		case a == Yes || other == Yes:
			a = Yes
		case other == Unknown:
			a = Unknown
		}
	}
	return a
}

// And is No if any of the answers is, Yes if all are, and else Unknown.
func (a Answer) And(others ...Answer) Answer {
	a = a.Not()
	for _, other := range others {
		a = a.Or(other.Not())
	}
	return a.Not()
}

// Not is the opposite; Unknown stays.
func (a Answer) Not() Answer {
	switch a {
	case Yes:
		return No
	case No:
		return Yes
	}
	return Unknown
}

// Resolver says who ended an incident.
type Resolver string

// Who ends incidents. A time-out is not a resolution.
const (
	ResolverUnknown     Resolver = ""
	ResolverPerson      Resolver = "person"
	ResolverIntegration Resolver = "integration"
	ResolverTimeout     Resolver = "timeout"
)

// Review is one production readiness review, as its ticket says.
type Review struct {
	// Source and ID identify the ticket: jira/main, 10412. The ID never changes.
	Source string `json:"-"`
	ID     string `json:"id"`
	// Key is the name that people know it by: PRR-12. It changes when the ticket is moved.
	// It is empty where a release stored the key as the ID.
	Key string `json:"key,omitempty"`
	// Service is the catalog name of the reviewed service.
	Service string `json:"service"`
	// Status is the state of the ticket.
	Status ReviewStatus `json:"status"`
	// CreatedAt is when the ticket was opened; always set.
	CreatedAt time.Time `json:"created_at"`
	// CompletedAt is when it reached a done status, zero before, and when that is not
	// known.
	CompletedAt time.Time `json:"completed_at,omitzero"`
	// Gone marks a ticket that the source no longer lists.
	Gone bool `json:"gone,omitempty"`
}

// Name is what people call the review's ticket.
func (r *Review) Name() string { return cmp.Or(r.Key, r.ID) }

// ReviewStatus is the state of a review.
type ReviewStatus string

// The states of a review, from Jira's three status categories. A review that was
// closed as not done, as Won't Do for instance, is neither open nor completed.
const (
	ReviewOpen       ReviewStatus = "open"
	ReviewInProgress ReviewStatus = "in_progress"
	ReviewDone       ReviewStatus = "done"
	ReviewNotDone    ReviewStatus = "not_done"
)

// IncidentSpan selects stored incidents by time, and by what else is set.
type IncidentSpan struct {
	// Since keeps incidents that started at or after it.
	Since time.Time
	// Until keeps incidents that started before it; zero means no bound.
	Until time.Time
	// Lasting also keeps earlier incidents that were still open at Since.
	Lasting bool
	// Merged keeps only incidents that were merged into others.
	Merged bool
	// IDs, unless it is nil, keeps only incidents with these ids.
	IDs []string
}
