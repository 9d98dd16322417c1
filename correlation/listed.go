package correlation

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// Listed is one incident that figures are made of, with its records.
type Listed struct {
	*Incident
	// Records are in the order of Incident.Records.
	Records []*evidence.Incident
}

// Moment is a time of an incident, and the record that says it; nil where none does.
type Moment struct {
	At     time.Time
	Record *evidence.Incident
}

// Started is when it began.
func (l Listed) Started() Moment {
	return l.moment(l.StartedAt, func(in *evidence.Incident) bool { return in.StartedAt.Equal(l.StartedAt) })
}

// Acknowledged is when a person acknowledged it first; zero if none did, or it is not
// known.
func (l Listed) Acknowledged() Moment {
	return l.moment(l.AcknowledgedAt, func(in *evidence.Incident) bool {
		return in.MergedInto == "" && in.AcknowledgedAt.Equal(l.AcknowledgedAt)
	})
}

// Ended is when it ended, by a time-out too; zero while it is open, and if that is not
// known.
func (l Listed) Ended() Moment {
	return l.moment(l.ResolvedAt, func(in *evidence.Incident) bool {
		return in.MergedInto == "" && in.ResolvedAt.Equal(l.ResolvedAt) && in.Resolver == l.Resolver
	})
}

// moment finds the record that says a time. Of several, one of PagerDuty.
func (l Listed) moment(at time.Time, says func(*evidence.Incident) bool) Moment {
	m := Moment{At: at}
	if at.IsZero() {
		return m
	}
	for _, in := range l.Records {
		if says(in) && (m.Record == nil || kindOf(m.Record.Source) != pagingKind && kindOf(in.Source) == pagingKind) {
			m.Record = in
		}
	}
	return m
}

// Duration is how long it lasted as far as that is known; it is not known if the end is
// not.
func (i *Incident) Duration(now time.Time) (o Observation, known bool) { return i.resolution(now) }

// Address is where the record is seen: the link that ends in its name. It is empty if
// its source gives none.
func Address(in *evidence.Incident) string {
	for _, link := range in.Links {
		if address, id := split(link); address != "" && id == in.Name() {
			return link
		}
	}
	return ""
}

// Listing lists the incidents that the services had within a window, the newest first,
// and those within maintenance, which no figure counts. leftOut is the number of records
// of the window that are of no incident: they were merged into one that is not known.
func (l *Links) Listing(services []*catalog.Service, w Window, now time.Time) (list []Listed, leftOut int) {
	wanted := make(map[string]bool, len(services))
	for _, s := range services {
		wanted[s.Name] = true
	}
	has := func(names []string) bool { return slices.ContainsFunc(names, func(s string) bool { return wanted[s] }) }
	within := func(at time.Time) bool { return at.After(now.Add(-time.Duration(w))) && !at.After(now) }
	for p, record := range l.records.all() {
		if record.packed == "" {
			continue
		}
		in := l.packing.unpack(record.packed)
		if record.next == 0 && within(in.StartedAt) && has(in.Services) {
			leftOut++
		}
		if !record.first || !within(in.StartedAt) {
			continue
		}
		records := []*evidence.Incident{in}
		for _, part := range l.members(p)[1:] {
			records = append(records, l.packing.unpack(l.records.at(part).packed))
		}
		whole := merge(records)
		if !has(whole.Services) {
			continue
		}
		whole.Flapping = record.flapping
		slices.SortFunc(records, func(a, b *evidence.Incident) int {
			return compareReferences(reference(a), reference(b))
		})
		list = append(list, Listed{Incident: &whole, Records: records})
	}
	slices.SortFunc(list, func(a, b Listed) int { return compareIncidents(b.Incident, a.Incident) })
	return list, leftOut
}

// Template is a title without its variable parts, and how often it came.
type Template struct {
	Title string `json:"title"`
	// Incidents is the number of incidents, Pages that of those that paged somebody.
	Incidents int `json:"incidents"`
	Pages     int `json:"pages"`
}

// Repeated are the templates that came more than once, the most frequent first. Incidents
// within maintenance, and those without a title, are left out.
func Repeated(list []Listed) []Template {
	counts := map[string]*Template{}
	for _, in := range list {
		if in.Maintenance || in.Template == "" {
			continue
		}
		t := counts[in.Template]
		if t == nil {
			t = &Template{Title: in.Template}
			counts[t.Title] = t
		}
		t.Incidents++
		if in.Urgent {
			t.Pages++
		}
	}
	var repeated []Template
	for _, t := range counts {
		if t.Incidents > 1 {
			repeated = append(repeated, *t)
		}
	}
	slices.SortFunc(repeated, compareTemplates)
	return repeated
}

func compareTemplates(a, b Template) int {
	return cmp.Or(b.Incidents-a.Incidents, b.Pages-a.Pages, cmp.Compare(a.Title, b.Title))
}
