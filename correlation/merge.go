package correlation

import (
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// merge makes one incident of its records, which are in order of their start.
func merge(records []*evidence.Incident) Incident {
	var paging, rest, parts []*evidence.Incident
	out := Incident{StartedAt: records[0].StartedAt}
	for _, in := range records {
		out.Records = append(out.Records, reference(in))
		out.Services = append(out.Services, in.Services...)
		out.interrupt(in)
		if in.MergedInto != "" {
			parts = append(parts, in)
			continue
		}
		if kindOf(in.Source) == pagingKind {
			paging = append(paging, in)
		} else {
			rest = append(rest, in)
		}
		out.Maintenance = out.Maintenance || in.Maintenance
		if in.Severity > 0 && (out.Severity == 0 || in.Severity < out.Severity) {
			out.Severity = in.Severity
		}
	}
	urgent := paging
	if len(urgent) == 0 {
		urgent = rest
	}
	isUrgent := func(in *evidence.Incident) bool { return in.Urgent }
	out.Urgent = slices.ContainsFunc(urgent, isUrgent) || slices.ContainsFunc(parts, isUrgent)
	slices.SortFunc(out.Records, compareReferences)
	slices.Sort(out.Services)
	out.Services = slices.Compact(out.Services)
	out.handling(paging, rest)
	for _, in := range append(slices.Clone(paging), rest...) {
		if out.Template == "" {
			out.Template = in.Template
		}
	}
	out.end(paging, rest)
	return out
}

// interrupt adds the interruptions of a record.
func (out *Incident) interrupt(in *evidence.Incident) {
	if kindOf(in.Source) != pagingKind {
		return
	}
	i, of := &out.Interruptions, in.Interruptions
	i.Known = of.Known && (out.Paging == 0 || i.Known)
	i.Business, i.Off, i.Sleep = i.Business+of.Business, i.Off+of.Off, i.Sleep+of.Sleep
	out.Paging++
}

// handling fills in what people did, as the first kind of records knows, and said in any
// of them. A record of another kind is a ticket.
func (out *Incident) handling(paging, rest []*evidence.Incident) {
	deciding := paging
	if len(deciding) == 0 {
		deciding = rest
	}
	out.HasTicket = evidence.No
	out.HasTicket, out.FalseAlarm = evidence.AnswerOf(len(rest) > 0), evidence.No
	for _, in := range deciding {
		out.Notes, out.Reassignments = out.Notes+in.Notes, out.Reassignments+in.Reassignments
		out.HasTicket = out.HasTicket.Or(in.HasTicket)
	}
	for _, in := range append(slices.Clone(paging), rest...) {
		out.FalseAlarm = out.FalseAlarm.Or(in.FalseAlarm)
	}
}

// end fills in when the incident was acknowledged and resolved. The first kind of
// records that says so decides.
func (out *Incident) end(kinds ...[]*evidence.Incident) {
	timedOut := false
	for _, kind := range kinds {
		if by, byMachine, known := firstAcknowledgements(kind); known && !out.AcksKnown {
			out.AcknowledgedAt, out.MachineAcknowledgedAt, out.AcksKnown = by, byMachine, true
		}
		at, by, endUnknown := resolved(kind)
		out.EndUnknown = out.EndUnknown || endUnknown
		// A time-out resolves nothing, so another may know better.
		if better := out.ResolvedAt.IsZero() || timedOut && by != evidence.ResolverTimeout; better && !at.IsZero() {
			out.ResolvedAt, out.Resolver = at, by
			timedOut = by == evidence.ResolverTimeout
		}
	}
	out.EndUnknown = out.EndUnknown && out.ResolvedAt.IsZero()
}

// firstAcknowledgements are the first by a person and by a machine; zero if none of
// the records has one. They are known if the acknowledgements of all of them are.
func firstAcknowledgements(records []*evidence.Incident) (byPerson, byMachine time.Time, known bool) {
	for _, in := range records {
		if !in.AcksKnown {
			return time.Time{}, time.Time{}, false
		}
		byPerson, byMachine = first(byPerson, in.AcknowledgedAt), first(byMachine, in.MachineAcknowledgedAt)
	}
	return byPerson, byMachine, len(records) > 0
}

// first is the earlier of two times that may be zero, for none.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// resolved is the last resolution of the records, or the last time-out when
// there is no resolution; zero while one of them is open. The end is unknown if
// all have ended and it is not known when one did.
func resolved(records []*evidence.Incident) (at time.Time, by evidence.Resolver, endUnknown bool) {
	var last *evidence.Incident
	for _, in := range records {
		if in.Open() {
			return time.Time{}, evidence.ResolverUnknown, false
		}
		endUnknown = endUnknown || in.EndUnknown
		timeout, lastTimeout := in.Resolver == evidence.ResolverTimeout, last != nil &&
			last.Resolver == evidence.ResolverTimeout
		switch {
		case last == nil, lastTimeout && !timeout:
			last = in
		case timeout == lastTimeout && in.ResolvedAt.After(last.ResolvedAt):
			last = in
		}
	}
	if last == nil || endUnknown {
		return time.Time{}, evidence.ResolverUnknown, endUnknown
	}
	return last.ResolvedAt, last.Resolver, false
}
