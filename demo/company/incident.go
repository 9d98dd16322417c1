package company

import "time"

// Incident is one incident of the past, as those who were there would tell it.
type Incident struct {
	// ID and Number are PagerDuty's; Number counts from 1 in order of Start.
	ID      string
	Number  int
	Service string
	// Problem is the kind of problem; Title is what the alert said, with parts
	// that change from one to the next.
	Problem, Title string
	Start          time.Time
	// Ack is the first acknowledgement, zero without one.
	Ack time.Time
	// End is zero for an incident that is still open.
	End time.Time
	// Urgent incidents paged somebody.
	Urgent bool
	// Severity is 1 (worst) to 5.
	Severity int
	Resolver Resolver
	// Responder is the id of the person who resolved it, if one did.
	Responder string
	// Reported incidents were opened by a person and not by monitoring.
	Reported bool
	// Kind is what it was worth.
	Kind Kind
	// Maintenance marks incidents inside an announced window.
	Maintenance bool
	// Ticket is the key of the Jira issue about it, empty for none.
	Ticket string
}

// Kind is what an incident was worth.
type Kind string

// The kinds of incident. Noise resolved itself within minutes; a flap is the
// same alert again soon after; a shrug was acknowledged and then went away
// without anybody doing anything.
const (
	Real  Kind = "real"
	Noise Kind = "noise"
	Flap  Kind = "flap"
	Shrug Kind = "shrug"
)

// Resolver is who ended an incident.
type Resolver string

// Who ended an incident; empty for an open one.
const (
	Nobody        Resolver = ""
	ByPerson      Resolver = "person"
	ByIntegration Resolver = "integration"
	ByTimeout     Resolver = "timeout"
)

// Open reports whether it has not ended.
func (i *Incident) Open() bool { return i.End.IsZero() }

// Duration is how long it lasted, until now if it is open.
func (i *Incident) Duration(now time.Time) time.Duration {
	if i.Open() {
		return now.Sub(i.Start)
	}
	return i.End.Sub(i.Start)
}

// Worthless reports whether it was noise of any kind that did not need anybody.
func (i *Incident) Worthless() bool { return i.Kind == Noise || i.Kind == Flap }
