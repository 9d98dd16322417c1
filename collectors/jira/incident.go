package jira

import (
	"cmp"
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
	switch {
	case i.category == categoryDone:
		return isBlank(o.Resolved)
	case o.Resolved.Field == resolutionDate:
		return needsChangelog(o.Resolved)
	}
	// The changelog says whether it was reopened after the time in the field.
	return !isBlank(o.Resolved) || needsChangelog(o.Resolved)
}

// times are those of an incident. fault is why the first of them that cannot be used
// is not known although the ticket says it.
type times struct {
	started, detected, end moment
	// acknowledged is the first acknowledgement by a person, automatic the first one if an
	// app made it.
	acknowledged, automatic moment
	// ended reports that the incident has ended, whether or not it is known when.
	ended bool
	fault evidence.UncountedReason
}

// times reads the times of an incident. Those that contradict the start are not
// known: an incident that ended before it began has no duration. Where the start is
// not known, the creation serves to place the incident, and nothing is measured from
// it.
func (r *round) times(i *issue) (t times, err error) {
	o := &r.incidents
	var errs [4]error
	t.started, errs[0] = r.first(i, o.Started)
	t.detected, errs[1] = r.first(i, o.Detected)
	t.acknowledged, t.automatic, errs[2] = r.acknowledged(i, o.Acknowledged)
	t.end, t.ended, errs[3] = r.ended(i, o.Resolved)
	if t.started.at.IsZero() {
		t.started.at = i.created
	}
	switch err := errors.Join(errs[:]...); {
	case err != nil:
		return t, err
	case t.started.at.IsZero():
		return t, errors.New("no time of creation")
	}
	t.fault = t.started.fault
	for _, m := range [...]*moment{&t.end, &t.acknowledged, &t.automatic, &t.detected} {
		switch {
		case m.at.IsZero():
		case t.started.fault != "":
			m.at, m.fault = time.Time{}, t.started.fault
		case m.at.Before(t.started.at):
			m.at, m.fault = time.Time{}, evidence.UncountedEndBeforeStart
		}
		t.fault = cmp.Or(t.fault, m.fault)
	}
	if t.ended && t.end.at.IsZero() {
		t.fault = cmp.Or(t.fault, evidence.UncountedEndUnknown)
	}
	return t, nil
}

// incident makes evidence of an issue, and says what of its times could not be used.
func (r *round) incident(i *issue) (evidence.Incident, evidence.UncountedReason, error) {
	o := &r.incidents
	t, err := r.times(i)
	if err != nil {
		return evidence.Incident{}, "", err
	}
	in := evidence.Incident{
		Source: r.id, ID: clean(i.id), Key: clean(i.key), FormerKeys: i.formerKeys,
		Services: r.mapping.services(o.Services, i), StartedAt: t.started.at,
		DetectedAt: t.detected.at, UpdatedAt: i.updated, Links: r.links(i), Template: evidence.Template(i.summary),
	}
	in.Severity, in.Priority = r.severity(i)
	in.Urgent = slices.Contains(o.Urgent, in.Severity)
	in.Channel, in.MachineDetected = channel(i.creatorKind)
	if t.ended {
		in.ResolvedAt, in.EndUnknown = t.end.at, t.end.at.IsZero()
	}
	by := t.end.by
	if by.at.IsZero() && !i.cut {
		// The time comes from a field; who ended it is in the changelog all the same.
		by, _ = r.done(i)
	}
	in.HasTicket, in.FalseAlarm = evidence.Yes, r.falseAlarm(i)
	if in.MergedInto = r.duplicateOf(i); in.MergedInto != "" {
		return in, t.fault, nil // what people did, they did to the original
	}
	if t.ended && !i.cut {
		in.Resolver = resolver(by)
	}
	if !o.Acknowledged.IsZero() {
		in.AcksKnown = t.acknowledged.fault == "" && t.automatic.fault == ""
		in.AcknowledgedAt, in.MachineAcknowledgedAt = t.acknowledged.at, t.automatic.at
		r.addResponders(&in, i, t.acknowledged.by, by)
	}
	return in, t.fault, nil
}

// falseAlarm says whether the ticket was closed, or labelled, as a false alarm.
func (r *round) falseAlarm(i *issue) evidence.Answer {
	labelled := slices.ContainsFunc(r.incidents.FalseAlarms.Labels, i.has)
	return evidence.AnswerOf(labelled || r.falseAlarms.of(i) != "")
}

// addResponders adds what people did according to the changelog: reassignments,
// and who acknowledged, got the incident reassigned, and resolved it. An assignment by
// automation is no reassignment.
func (r *round) addResponders(in *evidence.Incident, i *issue, changes ...change) {
	var people []string
	for _, c := range changes {
		if c.by != "" && !c.byApp {
			people = append(people, c.by)
		}
	}
	for _, c := range i.changes {
		if c.field == "assignee" && !c.byApp && c.from != "" && c.to != "" && c.from != c.to {
			in.Reassignments++
			people = append(people, c.to)
		}
	}
	if r.request.Person != nil && len(people) > 0 {
		in.Responders = unique(mapSlice(people, r.request.Person))
	}
}

// channel is how the incident was opened, by the type of the account that opened
// it. Data Center has types of accounts if the configuration names the apps.
func channel(accountType string) (channel string, byMachine bool) {
	switch accountType {
	case typeApp:
		return typeApp, true
	case typePerson:
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
// when the place has none of the known words, with the first other one. An empty word of
// the configuration is for a place that has none.
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
	if len(found) == 0 {
		return r.incidents.Severities[""], ""
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
