package correlation

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// Alerts are the firings of alerts and what is known of those who watched.
type Alerts struct {
	// Firings are those that had not ended before Options.AlertsSince.
	Firings []evidence.AlertFiring
	// Sights tell when each source was watching, and for whom.
	Sights map[string]AlertSight
	// Watchers are the sources that watch for the alerts of each service. What
	// fired is known only when all of them were watching; a service without any
	// has no figures.
	Watchers map[string][]string
	// ReplicaOf has the group of each source that watches the same as others. What one
	// of a group saw is known, and what several saw is one.
	ReplicaOf map[string]string
	// Paged are the services whose incidents are known. For others, a page without
	// an incident says nothing.
	Paged map[string]bool
	// Doubts are the services of which more alerts may have fired, with when the newest of
	// them may have.
	Doubts map[string]time.Time
}

// AlertSight is when one source was watching.
type AlertSight struct {
	// Spans are by start, and do not overlap.
	Spans []evidence.Span
	// Services is since when each service's alerts have been looked for, by name.
	Services map[string]time.Time
}

// AlertFigures are what is known of the alerts of a service or group: windows in
// the order of Options.Windows.
type AlertFigures struct{ Windows []AlertWindow }

// AlertWindow is about the firings that began within a window.
type AlertWindow struct {
	Window Window
	// Covered is the share of the window in which the alerts were watched for, 0
	// to 1; of a group, the mean of its services.
	Covered float64
	// Services is the number of services that were watched for long enough, all
	// but Options.UnwatchedAtMost of the window. While it is 0 nothing below is
	// known.
	Services int
	// Incomplete is true if there may be more firings, of alerts that name no service:
	// counts are lower bounds then, a count of 0 is not known, and durations and shares
	// are of those that are known.
	Incomplete bool
	// Firings is their number, Paging that of those whose severity wakes
	// somebody.
	Firings, Paging int
	// Flapping is the number that began within FlappingWithin of the end of the
	// last firing of the same alert; the first is not, and neither is one that
	// came back with its server after an outage.
	Flapping int
	// Duration is how long they fired; those that still fire are censored.
	Duration Summary
	// Unpaged compares the paging ones with incidents.
	Unpaged UnpagedCount
}

// UnpagedCount is how many paging firings were not followed by an incident.
type UnpagedCount struct {
	// Firings are the paging ones that began long enough ago, of services whose
	// incidents are known; Unpaged those without an incident of the same service
	// that was open then or began near it.
	Firings, Unpaged int
}

// Ratio is the share without an incident, 0 to 1; it has no value without
// firings.
func (u UnpagedCount) Ratio() (float64, bool) {
	if u.Firings == 0 {
		return 0, false
	}
	return float64(u.Unpaged) / float64(u.Firings), true
}

// GroupAlertFigures are what is known of the alerts of a group of services. An
// alert that was about several of them is one.
type GroupAlertFigures struct {
	Scope Scope
	// Group is the team, org or tier, or FleetGroup.
	Group string
	// Services is the number of services in the group.
	Services int
	AlertFigures
}

// MeasureAlerts measures each service of the catalog whose alerts somebody
// watches for, by name, and each group that has such a service, by scope and
// group. incidents lists those of a service since Options.Since; firings must be those
// since Options.AlertsSince.
func MeasureAlerts(
	alerts Alerts, incidents func(service string) []*Incident, services []*catalog.Service, o Options, now time.Time,
) (map[string]AlertFigures, []GroupAlertFigures) {
	m := newAlertMeasure(alerts, incidents, services, o, now)
	return m.perService(), m.perGroup()
}

// alertMeasure is what both kinds of figures are made of.
type alertMeasure struct {
	Alerts
	options  Options
	now      time.Time
	services []*catalog.Service
	// firings are by start, those of replicas joined; spans are when each source or
	// group of replicas was watching; flaps says which of them flap, byService has their
	// indexes.
	firings   []evidence.AlertFiring
	spans     map[string][]evidence.Span
	flaps     []bool
	byService map[string][]int
	// incidents lists those of a service; pages has those that were asked for.
	incidents func(service string) []*Incident
	pages     map[string]pages
}

func newAlertMeasure(
	alerts Alerts, incidents func(service string) []*Incident, services []*catalog.Service, o Options, now time.Time,
) *alertMeasure {
	m := &alertMeasure{
		Alerts: alerts, options: o.ofAlerts(), now: now, services: services,
		spans: alerts.spans(), byService: map[string][]int{}, incidents: incidents, pages: map[string]pages{},
	}
	m.firings = alerts.united(m.spans)
	slices.SortFunc(m.firings, func(a, b evidence.AlertFiring) int {
		return cmp.Or(
			a.StartedAt.Compare(b.StartedAt), strings.Compare(a.Source, b.Source), strings.Compare(a.Fingerprint, b.Fingerprint),
		)
	})
	type alert struct{ source, fingerprint string }
	ends := map[alert]time.Time{}
	m.flaps = make([]bool, len(m.firings))
	for i := range m.firings {
		f := &m.firings[i]
		key := alert{f.Source, f.Fingerprint}
		end, before := ends[key]
		// After an outage of the source it is not known whether it had ended.
		m.flaps[i] = before && !end.IsZero() && f.StartedAt.Sub(end) <= FlappingWithin &&
			contains(m.spans[f.Source], end, f.StartedAt)
		ends[key] = f.EndedAt
		for _, service := range f.Services {
			m.byService[service] = append(m.byService[service], i)
		}
	}
	return m
}

func (m *alertMeasure) perService() map[string]AlertFigures {
	out := map[string]AlertFigures{}
	for _, service := range m.services {
		if len(m.Watchers[service.Name]) == 0 {
			continue
		}
		var figures AlertFigures
		for _, w := range m.options.Windows {
			covered, known := m.covered(service.Name, w)
			f := AlertWindow{Window: w, Covered: covered}
			if known {
				f = m.window(f, map[string]bool{service.Name: true}, m.byService[service.Name])
			}
			figures.Windows = append(figures.Windows, f)
		}
		out[service.Name] = figures
	}
	return out
}

func (m *alertMeasure) perGroup() []GroupAlertFigures {
	members, keysOf := groupsOf(m.services)
	watched := map[groupKey][]string{}
	for _, service := range m.services {
		if len(m.Watchers[service.Name]) > 0 {
			for _, key := range keysOf[service.Name] {
				watched[key] = append(watched[key], service.Name)
			}
		}
	}
	var out []GroupAlertFigures
	for _, key := range sortedGroups(watched) {
		g := GroupAlertFigures{Scope: key.scope, Group: key.group, Services: members[key]}
		for _, w := range m.options.Windows {
			known := map[string]bool{}
			firings := map[int]bool{}
			f := AlertWindow{Window: w}
			for _, name := range watched[key] {
				covered, enough := m.covered(name, w)
				f.Covered += covered / float64(len(watched[key]))
				if !enough {
					continue
				}
				known[name] = true
				for _, i := range m.byService[name] {
					firings[i] = true
				}
			}
			g.Windows = append(g.Windows, m.window(f, known, slices.Sorted(maps.Keys(firings))))
		}
		out = append(out, g)
	}
	return out
}

// window counts the firings of services whose window is known.
func (m *alertMeasure) window(f AlertWindow, known map[string]bool, firings []int) AlertWindow {
	f.Services = len(known)
	for service := range known {
		f.Incomplete = f.Incomplete || m.Doubts[service].After(m.now.Add(-time.Duration(f.Window)))
	}
	var durations []Observation
	for _, i := range firings {
		firing := &m.firings[i]
		if !firing.StartedAt.After(m.now.Add(-time.Duration(f.Window))) || firing.StartedAt.After(m.now) {
			continue
		}
		f.Firings++
		durations = append(durations, m.duration(firing))
		if m.flaps[i] {
			f.Flapping++
		}
		if !firing.Paging {
			continue
		}
		f.Paging++
		if m.now.Sub(firing.StartedAt) >= m.options.PagedAfter {
			f.Unpaged.add(m, firing, known)
		}
	}
	f.Duration = summarise(durations, 0)
	return f
}

// duration is how long a firing lasted. One that has not ended lasted until its
// source was last seen watching.
func (m *alertMeasure) duration(f *evidence.AlertFiring) Observation {
	if !f.EndedAt.IsZero() && !f.EndedAt.After(m.now) {
		return Observation{Duration: f.EndedAt.Sub(f.StartedAt)}
	}
	until := f.StartedAt
	if spans := m.spans[f.Source]; len(spans) > 0 && spans[len(spans)-1].Until.After(until) {
		until = spans[len(spans)-1].Until
	}
	if until.After(m.now) {
		until = m.now
	}
	return Observation{Duration: until.Sub(f.StartedAt), Censored: true}
}

// add counts a paging firing, if the incidents of one of the services it was
// about are known.
func (u *UnpagedCount) add(m *alertMeasure, f *evidence.AlertFiring, known map[string]bool) {
	told, paged := false, false
	for _, service := range f.Services {
		if known[service] && m.Paged[service] {
			told = true
			paged = paged || m.pagesOf(service).near(f.StartedAt, m.options)
		}
	}
	if told {
		u.Firings++
		if !paged {
			u.Unpaged++
		}
	}
}

// pages are the incidents of one service in order of their start.
type pages struct {
	starts []time.Time
	// reach is until when a firing is near one of the incidents up to each.
	reach []time.Time
}

// pagesOf are those of a service.
func (m *alertMeasure) pagesOf(service string) pages {
	p, known := m.pages[service]
	if !known {
		p = newPages(m.incidents(service), m.options)
		m.pages[service] = p
	}
	return p
}

func newPages(incidents []*Incident, o Options) pages {
	sorted := slices.Clone(incidents)
	slices.SortFunc(sorted, func(a, b *Incident) int { return a.StartedAt.Compare(b.StartedAt) })
	var p pages
	var furthest time.Time
	for _, in := range sorted {
		reach := in.StartedAt.Add(o.PagedBefore)
		switch {
		case in.ResolvedAt.IsZero() && !in.EndUnknown:
			reach = in.StartedAt.AddDate(1000, 0, 0)
		case in.ResolvedAt.After(reach):
			reach = in.ResolvedAt
		}
		if reach.After(furthest) {
			furthest = reach
		}
		p.starts, p.reach = append(p.starts, in.StartedAt), append(p.reach, furthest)
	}
	return p
}

// near reports whether an incident was open at a time, or began near it.
func (p pages) near(at time.Time, o Options) bool {
	latest := at.Add(o.PagedAfter)
	n, _ := slices.BinarySearchFunc(p.starts, latest, func(start, latest time.Time) int {
		if start.After(latest) {
			return 1
		}
		return -1
	})
	return n > 0 && !p.reach[n-1].Before(at)
}
