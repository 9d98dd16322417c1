package correlation

import (
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// Link makes incidents of records, by start and then by their records. They are of no
// Links any more.
func Link(records []evidence.Incident) []Incident {
	_, added := NewLinks().Update(records, time.Time{})
	slices.SortFunc(added, compareIncidents)
	var out []Incident
	for _, in := range added {
		in.first = 0
		out = append(out, *in)
	}
	return out
}

// Seen are the severities that the incidents of each service ever had.
type Seen map[string][]int

func (s Seen) Add(service string, severity int) { s[service] = append(s[service], severity) }

// meterOf has the incidents, and the severities of those before them.
func meterOf(incidents []Incident, seen Seen) *Meter {
	m := NewMeter()
	added := make([]*Incident, len(incidents))
	for i := range incidents {
		added[i] = &incidents[i]
	}
	m.Change(nil, added)
	for service, severities := range seen {
		for _, s := range severities {
			m.See(service, s)
		}
	}
	return m
}

// PerService measures services.
func PerService(
	incidents []Incident, seen Seen, services []*catalog.Service, o Options, now time.Time,
) map[string]Figures {
	out := map[string]Figures{}
	for name, f := range meterOf(incidents, seen).Measure(services, BadgeHistory{}, o, now).Services {
		out[name] = *f
	}
	return out
}

// PerGroup measures groups.
func PerGroup(
	incidents []Incident, seen Seen, services []*catalog.Service, o Options, now time.Time,
) []GroupFigures {
	return meterOf(incidents, seen).Measure(services, BadgeHistory{}, o, now).Groups
}

// PerBadge measures badges.
func PerBadge(incidents []Incident, history BadgeHistory, o Options, now time.Time) []BadgeFigures {
	return meterOf(incidents, nil).Measure(nil, history, o, now).Badges
}
