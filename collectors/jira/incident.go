package jira

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// needsLog reports whether evidence of the incident needs its whole changelog.
func (r *round) needsLog(i *issue) bool {
	o := &r.incidents
	if !o.Acknowledged.isZero() {
		return true // who responded is in it, too
	}
	blank := func(m Moment) bool {
		at, err := i.time(m.Field)
		return err == nil && at.IsZero()
	}
	for _, m := range [...]Moment{o.Started, o.Detected} {
		if m.fromLog() && blank(m) {
			return true
		}
	}
	return blank(o.Resolved) && (i.category == categoryDone || o.Resolved.fromLog())
}

// incident makes evidence of an issue.
func (r *round) incident(i *issue) (evidence.Incident, error) {
	o := &r.incidents
	started, err1 := r.first(i, o.Started)
	detected, err2 := r.first(i, o.Detected)
	acknowledged, err3 := r.first(i, o.Acknowledged)
	end, err4 := r.ended(i, o.Resolved)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return evidence.Incident{}, err
	}
	if started.at.IsZero() {
		started.at = i.created
	}
	if started.at.IsZero() {
		return evidence.Incident{}, errors.New("no time of creation")
	}
	in := evidence.Incident{
		Source: r.id, ID: clean(i.key), Services: r.mapping.services(o.Services, i),
		StartedAt: started.at, UpdatedAt: i.updated, Links: r.links(i), Template: evidence.Template(i.summary),
	}
	in.Severity, in.Priority = r.severity(i)
	in.Urgent = slices.Contains(o.Urgent, in.Severity)
	in.Channel, in.MachineDetected = channel(i.creatorKind)
	if !detected.at.IsZero() {
		in.DetectedAt = later(detected.at, started.at)
	}
	if !end.at.IsZero() {
		in.ResolvedAt = later(end.at, started.at)
	}
	if end.by.at.IsZero() && !i.cut {
		// The time is of a field; who did it is in the changelog all the same.
		end.by, _ = r.finished(i)
	}
	if !in.ResolvedAt.IsZero() && !i.cut {
		in.Resolver = resolver(end.by)
	}
	if o.Acknowledged.isZero() {
		return in, nil
	}
	in.AcksKnown = true
	if !acknowledged.at.IsZero() {
		in.AcknowledgedAt = later(acknowledged.at, started.at)
	}
	r.respond(&in, i, acknowledged.by, end.by)
	return in, nil
}

// respond adds what people did according to the changelog: reassignments,
// and who acknowledged, was reassigned to and resolved.
func (r *round) respond(in *evidence.Incident, i *issue, acts ...change) {
	var people []string
	for _, c := range acts {
		if c.by != "" && !c.byApp {
			people = append(people, c.by)
		}
	}
	for _, c := range i.changes {
		if c.field == "assignee" && c.from != "" && c.to != "" && c.from != c.to {
			in.Reassignments++
			people = append(people, c.to)
		}
	}
	if r.request.Person == nil {
		return
	}
	for _, person := range people {
		in.Responders = append(in.Responders, r.request.Person(person))
	}
	if in.Responders != nil {
		in.Responders = unique(in.Responders)
	}
}

// channel is how the incident was opened, by the type of the account that did.
// Data Center has no type of accounts.
func channel(accountType string) (channel string, byMachine bool) {
	switch accountType {
	case "app":
		return "app", true
	case "atlassian":
		return "person", false
	case "customer":
		return "customer", false
	}
	return "", false
}

// resolver is the kind of account that made the change.
func resolver(done change) evidence.Resolver {
	switch {
	case done.by == "":
		return evidence.ResolverUnknown
	case done.byApp:
		return evidence.ResolverIntegration
	}
	return evidence.ResolverPerson
}

// severity is 1 to 5 by the words of the configured place, with the word. It is 0
// when there is none of the known ones, with whatever other word is there.
func (r *round) severity(i *issue) (severity int, word string) {
	where := &r.incidents.Severity
	var found []string
	prefixed := func(names []string) {
		for _, name := range names {
			if prefix := len(where.Prefix); len(name) >= prefix && strings.EqualFold(name[:prefix], where.Prefix) {
				found = append(found, name[prefix:])
			}
		}
	}
	switch where.By {
	case SeverityByLabel:
		prefixed(i.labels)
	case SeverityByComponent:
		prefixed(i.components)
	default:
		found = words(i.fields[where.Field])
		if len(found) > 0 {
			word = clean(found[0])
		}
	}
	for _, name := range found {
		if severity, ok := r.incidents.Severities[fold(name)]; ok {
			return severity, clean(strings.TrimSpace(name))
		}
	}
	return 0, word
}

// links are where the incident is known: its key and address, what the
// configured fields hold, and the PagerDuty incidents that it names.
func (r *round) links(i *issue) []string {
	const most, longest = 20, 500
	var all []string
	add := func(link string) {
		if link = evidence.Clean(strings.TrimSpace(link), longest); link != "" && len(all) < most &&
			!slices.Contains(all, link) {
			all = append(all, link)
		}
	}
	addPaged := func(url string) bool {
		found := paged.FindStringSubmatch(url)
		if found != nil {
			add(found[0])
			add(found[1])
		}
		return found != nil
	}
	add(i.key)
	add(r.browse + "/browse/" + i.key)
	for _, field := range r.incidents.LinkFields {
		raw := i.fields[field]
		found := urls(raw)
		for _, url := range found {
			if !addPaged(url) {
				add(url)
			}
		}
		if len(found) == 0 {
			for _, word := range words(raw) {
				if !strings.ContainsAny(word, " \t\n") {
					add(word)
				}
			}
		}
	}
	for _, url := range urls(i.fields["description"]) {
		addPaged(url)
	}
	return all
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
