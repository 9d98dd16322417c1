package report

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
)

// Incidents are those of a service or group within a window, with the figures that are
// made of them: the answer of `collector incidents`.
type Incidents struct {
	// At is the time of the figures.
	At time.Time `json:"at"`
	// Scope is service, team, org, tier or fleet, and Group which one.
	Scope string `json:"scope"`
	Group string `json:"group"`
	// Window is the label of the window in metrics: 30d.
	Window string `json:"window"`
	// Class is the class of noise that the list is of, all for every incident that noise
	// is counted among; empty for all incidents.
	Class   string          `json:"class,omitempty"`
	Figures IncidentFigures `json:"figures"`
	// Incidents are the newest first.
	Incidents []Incident `json:"incidents"`
	// LeftOut is the number of records that are of no incident: they were merged into one
	// that is not known.
	LeftOut int `json:"left_out"`
	// NotCounted are the incidents and tickets that the sources found and could not use,
	// mostly because they name no service of the catalog. It is of the fleet alone: whose
	// they are is not known.
	NotCounted []SourceUncounted `json:"not_counted"`
	// Templates are the titles, without their variable parts, that came more than once
	// among all incidents of the window, the most frequent first.
	Templates []correlation.Template `json:"templates"`
}

// IncidentFigures are the numbers that the metrics of the same window have.
type IncidentFigures struct {
	// Incidents is how many began within the window, and Open how many are open, however
	// old. Incomplete is true if there may be more.
	Incidents  int  `json:"incidents"`
	Open       int  `json:"open"`
	Incomplete bool `json:"incomplete"`
	// InMaintenance is the number that no figure counts, because they began within
	// announced maintenance.
	InMaintenance int `json:"in_maintenance"`
	// Ended is the number that ended at a known time, TimedOut that of those that a
	// time-out closed, and EndUnknown that of those that ended at an unknown one.
	Ended      int `json:"ended"`
	TimedOut   int `json:"timed_out"`
	EndUnknown int `json:"end_unknown"`
	// P50Seconds and P90Seconds are quantiles of the resolution time, nil without a value.
	P50Seconds *float64 `json:"resolution_p50_seconds"`
	P90Seconds *float64 `json:"resolution_p90_seconds"`
	// Classified is the number of incidents that noise is counted among, and Unclassified
	// of those of which too little is known.
	Classified   int          `json:"classified"`
	Unclassified int          `json:"unclassified"`
	Noise        []NoiseCount `json:"noise"`
	// Interruptions are how often the pages of PagerDuty among them notified people.
	Interruptions Interruptions `json:"interruptions"`
}

// Interruptions are how often incidents notified people, by the hour of each of them.
type Interruptions struct {
	Business int `json:"business"`
	Off      int `json:"off"`
	Sleep    int `json:"sleep"`
	// Unknown is the number of incidents of which that is not known.
	Unknown int `json:"unknown"`
}

// NoiseCount is the number of incidents in a class of noise, and of those of which it is
// not known whether they are.
type NoiseCount struct {
	Class     string `json:"class"`
	Incidents int    `json:"incidents"`
	Unknown   int    `json:"unknown"`
}

// Incident is one of a list.
type Incident struct {
	Services []string         `json:"services"`
	Title    string           `json:"title"`
	Severity int              `json:"severity"`
	Urgent   bool             `json:"urgent"`
	Records  []IncidentRecord `json:"records"`
	Started  *IncidentTime    `json:"started"`
	// Acknowledged is nil if no person acknowledged it, or if AcknowledgedKnown is false.
	Acknowledged      *IncidentTime `json:"acknowledged"`
	AcknowledgedKnown bool          `json:"acknowledged_known"`
	// Ended is nil while it is open, and if the end is not known.
	Ended *IncidentTime `json:"ended"`
	// EndedBy is person, integration, timeout or unknown; empty while it is open.
	EndedBy string `json:"ended_by"`
	// LastedSeconds is how long it has lasted, nil if the end is not known.
	LastedSeconds *int64 `json:"lasted_seconds"`
	// Censored says why its duration is only a lower bound, or none: open, timeout or
	// end_unknown. Excluded says why no figure counts it: maintenance.
	Censored string `json:"censored,omitempty"`
	Excluded string `json:"excluded,omitempty"`
	// Interruptions are nil if they are not known, and of an incident that only Jira knows.
	Interruptions *Interruptions `json:"interruptions"`
	// Noise has its classes, with yes, no or unknown; nil if noise is not counted of it.
	Noise map[string]string `json:"noise"`
}

// IncidentTime is a time and the record that says it.
type IncidentTime struct {
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Record string    `json:"record"`
}

// IncidentRecord is what a source calls an incident, and where it shows it.
type IncidentRecord struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"url,omitempty"`
	// MergedInto is the id of the incident that it was merged into.
	MergedInto string `json:"merged_into,omitempty"`
}

// NewIncidents makes the list of a class, and the figures of all; class is empty for
// all incidents. f is nil if there never was one.
func NewIncidents(
	list []correlation.Listed, f *correlation.Figures, w correlation.Window, class string, now time.Time,
) Incidents {
	out := Incidents{
		At: stamp(now), Window: w.String(), Class: class, Incidents: []Incident{}, Templates: correlation.Repeated(list),
	}
	for _, l := range list {
		switch {
		case l.Maintenance:
			out.Figures.InMaintenance++
		case l.EndUnknown:
			out.Figures.EndUnknown++
		}
		classes, classified := l.Noise(now)
		row := newIncident(l, now)
		if classified {
			row.Noise = map[string]string{}
			for _, c := range correlation.NoiseClasses() {
				row.Noise[c.String()] = answerWord(classes[c])
			}
		}
		if class == "" || class == ClassAll && classified || classified && row.Noise[class] != answerWord(evidence.No) {
			out.Incidents = append(out.Incidents, row)
		}
	}
	if f != nil && len(f.Windows) > 0 {
		out.Figures.take(f)
	}
	out.NotCounted = []SourceUncounted{}
	if out.Templates == nil {
		out.Templates = []correlation.Template{}
	}
	return out
}

// AddUncounted adds what the sources found of incidents and could not use.
func (i *Incidents) AddUncounted(bySource map[string][]evidence.Uncounted) {
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		for _, u := range bySource[source] {
			if u.Total > 0 && (u.Kind == evidence.UncountedIncident || u.Kind == evidence.UncountedTicket) {
				i.NotCounted = append(i.NotCounted, SourceUncounted{source, u})
			}
		}
	}
}

// ClassAll is the class of every incident that noise is counted among.
const ClassAll = "all"

func (i *IncidentFigures) take(f *correlation.Figures) {
	w := &f.Windows[0]
	i.Incidents, i.Open, i.Incomplete = w.Incidents, f.Open, w.Incomplete || f.OpenIncomplete
	i.Ended, i.TimedOut = w.Resolution.Ended, w.Resolution.TimedOut
	i.P50Seconds, i.P90Seconds = secondsOf(w.Resolution.P50), secondsOf(w.Resolution.P90)
	i.Noise = []NoiseCount{}
	n := &w.Interruptions
	i.Interruptions = Interruptions{Business: n.Business, Off: n.Off, Sleep: n.Sleep, Unknown: n.Unknown}
	if w.Noise == nil {
		return
	}
	i.Classified, i.Unclassified = w.Noise.All, w.Noise.Unclassified
	for _, c := range correlation.NoiseClasses() {
		count, unknown := w.Noise.Of(c)
		i.Noise = append(i.Noise, NoiseCount{c.String(), count, unknown})
	}
}

// secondsOf is an estimate as metrics have it.
func secondsOf(e correlation.Estimate) *float64 {
	if !e.Known {
		return nil
	}
	s := e.Value.Round(time.Millisecond).Seconds()
	return &s
}

func answerWord(a evidence.Answer) string {
	return map[evidence.Answer]string{evidence.Yes: "yes", evidence.No: "no", evidence.Unknown: "unknown"}[a]
}

func newIncident(l correlation.Listed, now time.Time) Incident {
	row := Incident{
		Services: l.Services, Title: l.Template, Severity: l.Severity, Urgent: l.Urgent,
		Started: timeOf(l.Started()), Acknowledged: timeOf(l.Acknowledged()), AcknowledgedKnown: l.AcksKnown,
	}
	for _, in := range l.Records {
		row.Records = append(row.Records, IncidentRecord{
			Source: in.Source, ID: in.ID, Name: in.Name(), URL: correlation.Address(in), MergedInto: in.MergedInto,
		})
	}
	if o, known := l.Duration(now); known && o.Duration >= 0 {
		lasted := seconds(o.Duration)
		row.LastedSeconds = &lasted
	}
	if n := &l.Interruptions; n.Known {
		row.Interruptions = &Interruptions{Business: n.Business, Off: n.Off, Sleep: n.Sleep}
	}
	if l.Maintenance {
		row.Excluded = "maintenance"
	}
	switch {
	case l.EndUnknown:
		row.Censored = "end_unknown"
	case l.Open(now):
		row.Censored = "open"
		return row
	case l.TimedOut(now):
		row.Censored = string(evidence.ResolverTimeout)
	}
	row.Ended, row.EndedBy = timeOf(l.Ended()), string(l.Resolver)
	if l.Resolver == evidence.ResolverUnknown {
		row.EndedBy = "unknown"
	}
	return row
}

func timeOf(m correlation.Moment) *IncidentTime {
	if m.At.IsZero() {
		return nil
	}
	t := &IncidentTime{At: stamp(m.At)}
	if m.Record != nil {
		t.Source, t.Record = m.Record.Source, m.Record.Name()
	}
	return t
}

// WriteJSON writes the list and its figures.
func (i Incidents) WriteJSON(w io.Writer) error { return writeJSON(w, i, "incidents") }

// WriteCSV writes one line for each incident.
func (i Incidents) WriteCSV(w io.Writer) error {
	head := []string{
		"started", "started_by", "acknowledged", "acknowledged_by", "acknowledged_known", "ended", "ended_says", "ended_by",
		"lasted_seconds", "severity", "urgent", "services", "title", "censored", "excluded",
	}
	for _, c := range correlation.NoiseClasses() {
		head = append(head, c.String())
	}
	head = append(head, "records", "urls")
	var rows [][]string
	for _, in := range i.Incidents {
		row := append(append(in.Started.cells(), in.Acknowledged.cells()...), strconv.FormatBool(in.AcknowledgedKnown))
		lasted := ""
		if in.LastedSeconds != nil {
			lasted = strconv.FormatInt(*in.LastedSeconds, 10)
		}
		row = append(append(row, in.Ended.cells()...), in.EndedBy, lasted, strconv.Itoa(in.Severity),
			strconv.FormatBool(in.Urgent), strings.Join(in.Services, " "), in.Title, in.Censored, in.Excluded)
		for _, c := range correlation.NoiseClasses() {
			row = append(row, in.Noise[c.String()])
		}
		var names, urls []string
		for _, r := range in.Records {
			names = append(names, r.Source+" "+r.Name)
			urls = append(urls, r.URL)
		}
		urls = slices.DeleteFunc(urls, func(url string) bool { return url == "" })
		rows = append(rows, append(row, strings.Join(names, " "), strings.Join(urls, " ")))
	}
	return writeCSV(w, head, rows, "incidents")
}

// cells are a time and what says it.
func (t *IncidentTime) cells() []string {
	if t == nil {
		return []string{"", ""}
	}
	return []string{csvTime(t.At), strings.TrimSpace(t.Source + " " + t.Record)}
}
