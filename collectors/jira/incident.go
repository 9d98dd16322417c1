package jira

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

const (
	// maxLinks bounds the links that are kept of an incident, and maxLink one of
	// them, in bytes.
	maxLinks = 20
	maxLink  = 500
)

// needsLog reports whether evidence of the incident needs its whole changelog.
func (r *round) needsLog(i *issue) bool {
	o := &r.incidents
	if !o.Acknowledged.IsZero() {
		return true // the responders are read from it, too
	}
	isBlank := func(m Moment) bool {
		at, err := i.time(m.Field)
		return err == nil && at.IsZero()
	}
	for _, m := range [...]Moment{o.Started, o.Detected} {
		if needsChangelog(m) && isBlank(m) {
			return true
		}
	}
	return isBlank(o.Resolved) && (i.category == categoryDone || needsChangelog(o.Resolved))
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
	notBeforeStart := func(at time.Time) time.Time {
		if at.IsZero() {
			return at
		}
		return later(at, started.at)
	}
	in := evidence.Incident{
		Source: r.id, ID: clean(i.key), Services: r.mapping.services(o.Services, i),
		StartedAt: started.at, DetectedAt: notBeforeStart(detected.at), ResolvedAt: notBeforeStart(end.at),
		UpdatedAt: i.updated, Links: r.links(i), Template: evidence.Template(i.summary),
	}
	in.Severity, in.Priority = r.severity(i)
	in.Urgent = slices.Contains(o.Urgent, in.Severity)
	in.Channel, in.MachineDetected = channel(i.creatorKind)
	if end.by.at.IsZero() && !i.cut {
		// The time comes from a field; who ended it is in the changelog all the same.
		end.by, _ = r.done(i)
	}
	if !in.ResolvedAt.IsZero() && !i.cut {
		in.Resolver = resolver(end.by)
	}
	if !o.Acknowledged.IsZero() {
		in.AcksKnown, in.AcknowledgedAt = true, notBeforeStart(acknowledged.at)
		r.addResponders(&in, i, acknowledged.by, end.by)
	}
	return in, nil
}

// addResponders adds what people did according to the changelog: reassignments,
// and who acknowledged, got the incident reassigned, and resolved it.
func (r *round) addResponders(in *evidence.Incident, i *issue, changes ...change) {
	var people []string
	for _, c := range changes {
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
	if r.request.Person != nil && len(people) > 0 {
		in.Responders = unique(mapSlice(people, r.request.Person))
	}
}

// channel is how the incident was opened, by the type of the account that opened
// it. Data Center has no types of accounts.
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
// when the place has none of the known words, with the first other one.
func (r *round) severity(i *issue) (severity int, word string) {
	place := &r.incidents.Severity
	var found []string
	switch place.By {
	case config.SeverityByLabel:
		found = withoutPrefix(i.labels, place.Prefix)
	case config.SeverityByComponent:
		found = withoutPrefix(i.components, place.Prefix)
	default:
		if found = words(i.fields[place.Field]); len(found) > 0 {
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

// withoutPrefix are the rests of the names that begin with the prefix, in any case.
func withoutPrefix(names []string, prefix string) []string {
	var rests []string
	for _, name := range names {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			rests = append(rests, name[len(prefix):])
		}
	}
	return rests
}

// links are where the incident is known: its key and address, the content of the
// configured fields, and the PagerDuty incidents that it names.
func (r *round) links(i *issue) []string {
	var all []string
	add := func(link string) {
		link = evidence.Clean(strings.TrimSpace(link), maxLink)
		if link != "" && len(all) < maxLinks && !slices.Contains(all, link) {
			all = append(all, link)
		}
	}
	addPagerDuty := func(url string) bool {
		found := pagerDutyIncident.FindStringSubmatch(url)
		for _, link := range found {
			add(link)
		}
		return found != nil
	}
	add(i.key)
	add(r.browse + "/browse/" + i.key)
	for _, field := range r.incidents.LinkFields {
		raw := i.fields[field]
		found := urls(raw)
		for _, url := range found {
			if !addPagerDuty(url) {
				add(url)
			}
		}
		if len(found) > 0 {
			continue
		}
		for _, word := range words(raw) {
			if !strings.ContainsAny(word, " \t\n") {
				add(word)
			}
		}
	}
	for _, url := range urls(i.fields["description"]) {
		addPagerDuty(url)
	}
	return all
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
