package jira

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

// mark says why an issue could not be used, and under which name it is counted.
type mark struct {
	reason evidence.UncountedReason
	name   string
}

// marks are the issues of one listing that could not be used, or only in part. complete
// is set when everything was listed since the process began, so that none is lacking.
type marks struct {
	// of is the number of the mark, by a hash of the issue's id: a history may have
	// many issues, of few different marks.
	of       map[uint64]uint32
	numbers  map[mark]uint32
	complete bool
}

func newMarks() *marks { return &marks{of: map[uint64]uint32{}, numbers: map[mark]uint32{}} }

// clone copies the marks.
func (m *marks) clone() *marks { return &marks{maps.Clone(m.of), maps.Clone(m.numbers), m.complete} }

// set marks an issue; without a reason it is not marked any more.
func (m *marks) set(id string, is mark) {
	if is.reason == "" {
		delete(m.of, fingerprint(id))
		return
	}
	if _, known := m.numbers[is]; !known {
		m.numbers[is] = uint32(len(m.numbers))
	}
	m.of[fingerprint(id)] = m.numbers[is]
}

// reason is why an issue is marked; empty for one that is not.
func (m *marks) reason(id string) evidence.UncountedReason {
	n, isMarked := m.of[fingerprint(id)]
	for is, number := range m.numbers {
		if isMarked && number == n {
			return is.reason
		}
	}
	return ""
}

// countWithout counts the issues of each mark, without those that another listing has.
func (m *marks) countWithout(others []*marks) map[mark]int {
	counts := make([]int, len(m.numbers))
	for id, n := range m.of {
		if !slices.ContainsFunc(others, func(o *marks) bool { _, has := o.of[id]; return has }) {
			counts[n]++
		}
	}
	out := map[mark]int{}
	for is, n := range m.numbers {
		out[is] = counts[n]
	}
	return out
}

// The listings whose marks are kept, beside those with the name of a fact.
const (
	marksOfDuplicates = "duplicates"
	marksOfExemptions = "exemptions"
	marksOfIncidents  = "incidents"
	marksOfReviews    = "reviews"
)

// contributing are the listings that issues are counted in.
func (s *Source) contributing() []string {
	var names []string
	if s.incidents.JQL != "" {
		names = append(names, marksOfDuplicates, marksOfIncidents)
	}
	for _, f := range s.facts {
		if f.Mode != ModeMajorIncidents {
			names = append(names, f.Name)
		}
	}
	if s.reviews.JQL != "" {
		names = append(names, marksOfReviews)
	}
	if s.exemptions.JQL != "" {
		names = append(names, marksOfExemptions)
	}
	return names
}

// reportUncounted emits what could not be used once every listing was read completely
// since the process began, and logs the largest groups when they have changed. An
// issue that several listings have is counted once.
func (r *round) reportUncounted() error {
	var all collectors.Uncounted
	var listings []*marks
	for _, name := range r.contributing() {
		m := r.marks[name]
		if m == nil || !m.complete {
			return nil
		}
		listings = append(listings, m)
	}
	for n, m := range listings {
		for is, count := range m.countWithout(listings[:n]) {
			all.Add(is.reason, is.name, count)
		}
	}
	report := all.Report(evidence.UncountedTicket)
	text := fmt.Sprint(report)
	if text == r.reported {
		return nil
	}
	var largest []string
	for _, g := range report.Largest {
		largest = append(largest, fmt.Sprintf("%s: %d %s", g.Name, g.Count, g.Reason.Text()))
	}
	if report.Total > 0 {
		r.log.Info("tickets could not be used, or only in part", "tickets", report.Total,
			"largest", strings.Join(largest, "; "))
	}
	if err := r.out.Send(evidence.Batch{Uncounted: []evidence.Uncounted{report}}); err != nil {
		return err
	}
	r.reported = text
	return nil
}

// unmatched says why an issue that names its services in the way of the link belongs
// to no service, and under which name it is counted.
func (m *mapping) unmatched(link ServiceLink, i *issue) mark {
	where := " (project " + clean(i.project) + ")"
	unknown := func(what string, names []string) mark { return unknownNames(what, names, i) }
	if names := m.strangers(link, i); len(names) > 0 {
		what := "label"
		if link.By == config.ByField {
			what = link.Field
		}
		return unknown(what, names)
	}
	switch link.By {
	case config.ByLabel:
		prefix := strings.TrimSpace(link.Prefix)
		if names := withoutPrefix(i.labels, prefix); len(names) > 0 {
			return unknown("label", mapSlice(names, func(name string) string { return prefix + name }))
		}
		return mark{evidence.UncountedNoReference, "no label " + prefix + where}
	case config.ByField:
		return mark{evidence.UncountedNoReference, "no value in " + link.Field + where}
	}
	targets := m.targets[fold(i.project)]
	byComponent := link.By != config.ByProject &&
		slices.ContainsFunc(targets, func(t target) bool { return t.component != "" })
	switch {
	case len(targets) == 0:
		return mark{evidence.UncountedUnknownService, "project " + clean(i.project)}
	case len(i.components) > 0 && byComponent:
		return unknown("component", i.components)
	case byComponent:
		return mark{evidence.UncountedNoReference, "no component" + where}
	case len(i.labels) > 0:
		return unknown("label", i.labels)
	}
	return mark{evidence.UncountedNoReference, "no label" + where}
}

// strangers are the names of services in an issue that names services in the way of the
// link, of which the catalog has none. A component is often a part of a service, so that
// one that no service has names none.
func (m *mapping) strangers(link ServiceLink, i *issue) []string {
	var names []string
	prefix := ""
	switch link.By {
	case config.ByLabel:
		if prefix = strings.TrimSpace(link.Prefix); prefix == "" {
			return nil // any label may name a service, and most name none
		}
		names = withoutPrefix(i.labels, prefix)
	case config.ByField:
		names = words(i.fields[link.Field])
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(m.names[fold(name)]) > 0 })
	return mapSlice(names, func(name string) string { return prefix + name })
}

// partlyUnknown is the mark of an issue that belongs to a service and names one that the
// catalog does not have; without a reason if it names none. A component counts as one
// where no service has it and none has the whole project.
func (m *mapping) partlyUnknown(link ServiceLink, i *issue) mark {
	if len(m.strangers(link, i)) > 0 {
		return m.unmatched(link, i)
	}
	targets := m.targets[fold(i.project)]
	if link.By != "" && link.By != config.ByComponent ||
		slices.ContainsFunc(targets, func(t target) bool { return t.component == "" && t.acceptsLabels(i) }) {
		return mark{}
	}
	names := slices.DeleteFunc(slices.Clone(i.components), func(name string) bool {
		return slices.ContainsFunc(targets, func(t target) bool { return t.component == fold(name) })
	})
	if len(names) == 0 {
		return mark{}
	}
	return unknownNames("component", names, i)
}

// unknownNames is the mark of an issue with names of services that the catalog lacks.
func unknownNames(what string, names []string, i *issue) mark {
	return mark{evidence.UncountedUnknownService,
		what + " " + clean(strings.Join(names, ", ")) + " (project " + clean(i.project) + ")"}
}

// othersOf are the services that refer to the project, without those.
func (m *mapping) othersOf(project string, those []string) []string {
	return slices.DeleteFunc(m.ofProject(project), func(name string) bool { return slices.Contains(those, name) })
}

// unclear is an incident ticket that may be of a service that does not have it, or one
// of severity 1 or 2 of a service that has it. Facts about such incidents are unknown
// for the services that it may be about, and figures of their incidents incomplete.
type unclear struct {
	// Key is the key of one that could not be read.
	Key string `json:"key,omitempty"`
	// Began is when it began, in seconds since 1970; zero when that is not known.
	Began int64 `json:"began,omitempty"`
	// Services are those that it is about. Without any it may be about those that refer
	// to Project, and with Any about every service.
	Services []string `json:"services,omitempty"`
	Project  string   `json:"project,omitempty"`
	Any      bool     `json:"any,omitempty"`
	// Undecodable is set when the ticket could not be read.
	Undecodable bool `json:"undecodable,omitempty"`
	// Minor is set when it is of no service, and too old or not severe enough for the
	// facts about major incidents. Figures of incidents lack it. Open is set while the
	// ticket of an incident of no service is open.
	Minor bool `json:"minor,omitempty"`
	// Lost is set for a duplicate whose original is not known and may be of Services.
	Lost bool `json:"-"`
	Open bool `json:"open,omitempty"`
}

// affects reports whether a post-mortem of the ticket would be due now, if it were a
// major incident.
func (u unclear) affects(now time.Time) bool {
	return u.Began == 0 || !u.Minor && isMajorAt(evidence.Incident{Severity: 1, StartedAt: time.Unix(u.Began, 0)}, now)
}

// cursorUnclear is the name of the cursor that keeps the unclear tickets, since a new
// process lists only what has changed.
const cursorUnclear = "incidents-unclear"

// loadUnclear reads the unclear tickets that the last process has stored. They belong
// to the stored cursor; without that everything is listed again.
func (r *round) loadUnclear(fromTheStart bool) {
	if r.unclear != nil {
		return
	}
	r.unclear = map[string]unclear{}
	if stored := r.request.Cursors[cursorUnclear]; stored != "" && !fromTheStart {
		_ = json.Unmarshal([]byte(stored), &r.unclear) // a complete listing finds them again
	}
}

// unclearCursor is the cursor to store, and whether it has changed.
func (r *round) unclearCursor() (text string, changed bool) {
	if len(r.unclear) > 0 {
		data, err := json.Marshal(r.unclear)
		if err != nil {
			return "", false // it is made of numbers and texts, and can be encoded
		}
		text = string(data)
	}
	return text, text != r.request.Cursors[cursorUnclear]
}

// setUnclear remembers whether an incident ticket that was read may be a major
// incident of services that do not have it. matched reports whether it belongs to a
// service.
func (r *round) setUnclear(i *issue, in evidence.Incident, matched bool) {
	delete(r.unclear, i.key) // under which it is kept while its id cannot be read
	u := unclear{Began: in.StartedAt.Unix()}
	isMajor := !in.StartedAt.Before(r.now.Add(-majorWindow)) && in.Severity <= majorSeverity
	doubtful := false
	switch {
	case !matched && (isMajor || r.isInFigures(in)):
		u.Project, u.Minor, u.Open = i.project, !isMajor, in.Open()
		by := r.incidents.Services.By
		byName := by == config.ByLabel || by == config.ByField
		u.Any = byName && len(r.mapping.ofProject(i.project)) == 0 &&
			r.mapping.unmatched(r.incidents.Services, i).reason == evidence.UncountedNoReference
		doubtful = !u.Minor || len(r.mapping.servicesOf(u)) > 0 // else no figure lacks it
	case matched && isMajor:
		u.Services = r.mayAlsoConcern(i, in)
		doubtful = len(u.Services) > 0
	}
	if !doubtful {
		delete(r.unclear, i.id)
		return
	}
	r.unclear[i.id] = u
	r.relisted.add(i.id)
}

// mayAlsoConcern are the services for which it is not known whether a ticket of known
// services is a major incident: its own without a severity, and the others of its project
// where it names one that the catalog does not have.
func (r *round) mayAlsoConcern(i *issue, in evidence.Incident) []string {
	var services []string
	if in.Severity == 0 {
		services = slices.Clone(in.Services)
	}
	if len(r.mapping.strangers(r.incidents.Services, i)) > 0 {
		services = append(services, r.mapping.othersOf(i.project, in.Services)...)
	}
	return unique(services)
}

// figuresWindow is how far back figures of incidents look. What is open is in them,
// however old it is.
const figuresWindow = 97 * day

func (r *round) isInFigures(in evidence.Incident) bool {
	return in.Open() || in.StartedAt.After(r.now.Add(-figuresWindow))
}

// reportDoubts emits whose incidents are not all known, if that has changed: those of
// the services that a ticket of no service, or one that cannot be read, may be about.
func (r *round) reportDoubts() error {
	found := evidence.Doubts{}
	for u := range r.allUnclear() {
		if len(u.Services) > 0 && !u.Undecodable && !u.Lost {
			continue // its service has it
		}
		newest := time.Unix(u.Began, 0).UTC()
		if u.Began == 0 {
			newest = r.now.Truncate(day)
		}
		if !u.Open && newest.Before(r.now.Add(-figuresWindow)) {
			continue
		}
		for _, service := range r.mapping.servicesOf(u) {
			found.Add(evidence.IncidentDoubt{Service: service, Newest: newest, Open: u.Open || u.Undecodable})
		}
	}
	return r.doubts.Send(r.out, found)
}

// setUndecodable remembers an incident ticket that cannot be decoded.
func (r *round) setUndecodable(i *issue) {
	r.relisted.add(i.idOrKey())
	a := r.mapping.affected(r.incidents.Services, i)
	r.unclear[i.idOrKey()] = unclear{Key: clean(i.key), Services: a.services, Any: a.any, Undecodable: true}
}

// servicesOf are the services that an unclear ticket may be about.
func (m *mapping) servicesOf(u unclear) []string {
	switch {
	case u.Any:
		return m.referring
	case len(u.Services) > 0:
		return u.Services
	}
	return m.ofProject(u.Project)
}
