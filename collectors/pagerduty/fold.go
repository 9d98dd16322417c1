package pagerduty

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// initialAssignment is how soon after its start an incident is assigned to
	// those on call, which is no reassignment.
	initialAssignment = 10 * time.Second
	// sameEnd is how far the end in the record and in the log may be apart.
	sameEnd = time.Minute
)

// fold computes the incident from its record and its log entries. The record
// says what began when and, as long as it is listed, when it ended. The entries
// say who acknowledged it, what people and policies did to it, and who ended it;
// what the record has of those is replaced, so that an earlier result may be
// folded again. Entries may come in any order and more than once. autoResolve is
// the auto-resolve time-out of the service; 0 for none.
//
// AcksKnown is not set, because it depends on how much of the log has been read.
func fold(record evidence.Incident, entries []evidence.LogEntry, autoResolve time.Duration) evidence.Incident {
	f := folding{in: record, counted: map[string]bool{}, people: map[string]bool{}}
	f.in.AcknowledgedAt, f.in.MachineAcknowledgedAt, f.in.Responders = time.Time{}, time.Time{}, nil
	f.in.Escalations, f.in.Reassignments, f.in.Notes = 0, 0, 0
	f.in.FalseAlarm = evidence.No
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b evidence.LogEntry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	for _, e := range entries {
		if e.Kind == evidence.LogSummary && e.Summary != nil {
			f.applySummary(e)
		}
	}
	for _, e := range entries {
		f.apply(e)
	}
	return f.finish(autoResolve)
}

// folding is an incident that is being folded.
type folding struct {
	in evidence.Incident
	// summarized is the time up to which a summary has counted the entries.
	summarized time.Time
	counted    map[string]bool
	people     map[string]bool
	// opener and channel are the kind of agent and the channel of the first trigger.
	opener, channel string
	// endedAt is the last resolution, by whom, and whether the service itself
	// made it.
	endedAt   time.Time
	resolver  evidence.Resolver
	byService bool
}

func (f *folding) applySummary(e evidence.LogEntry) {
	s := e.Summary
	f.summarized = e.At
	f.in.AcknowledgedAt = s.AcknowledgedAt
	f.in.Escalations, f.in.Reassignments, f.in.Notes = s.Escalations, s.Reassignments, s.Notes
	if s.Notes > 0 {
		f.in.FalseAlarm = s.FalseAlarm
	}
	for _, person := range s.Responders {
		f.people[person] = true
	}
	f.endedAt, f.resolver = s.ResolvedAt, s.Resolver
}

func (f *folding) apply(e evidence.LogEntry) {
	switch e.Kind {
	case evidence.LogTrigger:
		if f.channel == "" && f.opener == "" {
			f.opener, f.channel = e.AgentKind, e.Channel
		}
	case evidence.LogAcknowledge:
		f.acknowledge(e)
	case evidence.LogResolve:
		if !e.At.Before(f.endedAt) {
			f.endedAt, f.resolver, f.byService = e.At, endedBy(e.AgentKind), e.AgentKind == "service"
			if e.Channel == "timeout" {
				f.resolver = evidence.ResolverTimeout
			}
		}
		f.people[e.Person] = true
	case evidence.LogEscalate:
		f.count(&f.in.Escalations, e, e.At.String())
	case evidence.LogAssign, evidence.LogReassign, evidence.LogDelegate:
		if e.Kind != evidence.LogDelegate && !f.isReassignment(e) {
			return
		}
		f.count(&f.in.Reassignments, e, e.At.String())
		for _, person := range e.Assignees {
			f.people[person] = true
		}
	case evidence.LogAnnotate:
		f.count(&f.in.Notes, e, e.ID)
		f.people[e.Person] = true
		said := evidence.AnswerOf(e.FalseAlarm)
		if e.Words == "" {
			said = evidence.Unknown
		}
		f.in.FalseAlarm = f.in.FalseAlarm.Or(said)
	}
}

// acknowledge takes an acknowledgement. Only that of a person is an answer.
func (f *folding) acknowledge(e evidence.LogEntry) {
	if !acknowledges(e, f.in.StartedAt) {
		return
	}
	first := &f.in.AcknowledgedAt
	if endedBy(e.AgentKind) == evidence.ResolverIntegration {
		first = &f.in.MachineAcknowledgedAt
	}
	if first.IsZero() || e.At.Before(*first) {
		*first = e.At
	}
	f.people[e.Person] = true
}

// acknowledges reports whether it is known who acknowledged the incident with the
// entry, and when: its agent is a person, a machine or not given, which only an
// explicit acknowledgement can be, and its time does not contradict the start.
func acknowledges(e evidence.LogEntry, started time.Time) bool {
	known := e.AgentKind == "" || endedBy(e.AgentKind) != evidence.ResolverUnknown
	return known && !e.At.Before(started)
}

// isReassignment reports whether a person assigned the incident to others, after it
// was assigned to those on call. Each delegation and acknowledgement is followed by
// an assignment that PagerDuty itself makes, which is none.
func (f *folding) isReassignment(e evidence.LogEntry) bool {
	automatic := e.Channel == "auto" || endedBy(e.AgentKind) == evidence.ResolverIntegration
	return !automatic && e.At.Sub(f.in.StartedAt) > initialAssignment
}

// count counts an entry once. An escalation or assignment to several people at
// once has an entry for each of them, so that its time is its key.
func (f *folding) count(n *int, e evidence.LogEntry, key string) {
	key = string(e.Kind) + " " + key
	if !f.counted[key] && (f.summarized.IsZero() || e.At.After(f.summarized)) {
		f.counted[key] = true
		*n++
	}
}

func (f *folding) finish(autoResolve time.Duration) evidence.Incident {
	in := f.in
	if in.Channel == "" {
		in.Channel, in.MachineDetected = opened(f.opener, f.channel)
	}
	delete(f.people, "")
	in.Responders = slices.Sorted(maps.Keys(f.people))
	if in.Open() && !in.UpdatedAt.IsZero() && f.endedAt.After(in.UpdatedAt) {
		// It is too old to be listed again.
		in.ResolvedAt, in.UpdatedAt = f.endedAt, f.endedAt
	}
	if in.ResolvedAt.IsZero() || f.endedAt.IsZero() || f.endedAt.Sub(in.ResolvedAt).Abs() > sameEnd {
		return in // open, or opened again after the resolution in the log
	}
	switch {
	case f.resolver == evidence.ResolverIntegration && f.byService && timedOut(in, autoResolve):
		in.Resolver = evidence.ResolverTimeout
	case f.resolver != evidence.ResolverUnknown:
		in.Resolver = f.resolver
	}
	return in
}

// timedOut reports whether a resolved incident ended just when the auto-resolve
// time-out of its service was over.
func timedOut(in evidence.Incident, autoResolve time.Duration) bool {
	late := in.ResolvedAt.Sub(in.StartedAt) - autoResolve
	return autoResolve > 0 && late >= 0 && late <= 2*time.Minute
}

// endedBy is the resolver by the kind of what ended an incident.
func endedBy(agent string) evidence.Resolver {
	switch {
	case agent == "user":
		return evidence.ResolverPerson
	case agent == "service", strings.HasSuffix(agent, "integration"):
		return evidence.ResolverIntegration
	}
	return evidence.ResolverUnknown
}

// opened is the channel that opened an incident, and whether monitoring did: by the
// kind of the agent of its trigger, whatever the channel, because both people and
// monitoring write e-mails. Without an agent a channel that only one of them has
// says so. The channel is empty if it is not known who opened the incident.
func opened(agent, channel string) (known string, byMachine bool) {
	switch endedBy(agent) {
	case evidence.ResolverPerson:
		return cmp.Or(channel, agent), false
	case evidence.ResolverIntegration:
		return cmp.Or(channel, agent), true
	}
	switch channel {
	case "web_trigger", "website", "note":
		return channel, false
	case "auto", "api", "nagios", "timeout":
		return channel, true
	}
	return "", false
}
