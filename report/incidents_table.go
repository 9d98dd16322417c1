package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/correlation"
)

// tableWidth is the widest line of words: they stand above a table of this width.
const tableWidth = 80

// WriteTable writes the figures in words, and then one line for each incident.
func (i Incidents) WriteTable(w io.Writer, style Style) error {
	p := &prose{style: style}
	for _, line := range i.words() {
		p.b.WriteString(Wrap("", line, 2, min(style.prose(), tableWidth)) + "\n")
	}
	if len(i.Incidents) > 0 {
		p.blank()
		i.table().write(&p.b, style)
	}
	if legend := i.legend(); legend != "" {
		p.blank()
		p.b.WriteString(Wrap("", legend, 2, min(style.prose(), tableWidth)) + "\n")
	}
	return flush(w, p.b.String(), "incidents")
}

// words are the figures, the most useful first.
func (i Incidents) words() []string {
	f := &i.Figures
	count := Plural(f.Incidents, "incident")
	if f.Incomplete {
		count = Plural(f.Incidents, "known incident") + " (there may be more)"
	}
	lines := []string{fmt.Sprintf("%s, last %s: %s, %d open now.", i.subject(), i.Window, count, f.Open)}
	if f.Incidents > 0 {
		lines = append(lines, "Resolution time: "+i.resolution())
	}
	if f.Classified > 0 {
		lines = append(lines, i.noise())
	}
	if text := f.Interruptions.words(); text != "" {
		lines = append(lines, text)
	}
	if f.Unclassified > 0 {
		lines = append(lines, fmt.Sprintf("Of %s that paged it is not known who acknowledged: noise does not count them.",
			Plural(f.Unclassified, "incident")))
	}
	if f.InMaintenance > 0 {
		lines = append(lines, Plural(f.InMaintenance, "incident")+" within announced maintenance: no figure counts them.")
	}
	if i.LeftOut > 0 {
		lines = append(lines, Plural(i.LeftOut, "record")+" left out: merged into an incident that is not known.")
	}
	for _, u := range i.NotCounted {
		lines = append(lines, clean(u.Title())+".")
	}
	if len(i.Templates) > 0 {
		t := i.Templates[0]
		lines = append(lines, fmt.Sprintf("Most frequent: %q, %d times.", clean(t.Title), t.Incidents))
	}
	return lines
}

// words say how often people were interrupted; empty if nothing is known of it.
func (i Interruptions) words() string {
	sum := i.Business + i.Off + i.Sleep
	if sum == 0 && i.Unknown > 0 {
		return ""
	}
	text := fmt.Sprintf("People were interrupted %s in business hours, %s in off hours, %s in hours of sleep",
		times(i.Business), times(i.Off), times(i.Sleep))
	if i.Unknown > 0 {
		text += "; not known of " + Plural(i.Unknown, "incident")
	}
	return text + "."
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return thousands(n) + " times"
}

func (i Incidents) subject() string {
	switch i.Scope {
	case string(correlation.ScopeFleet):
		return "All services"
	case "service":
		return clean(i.Group)
	}
	return titled(i.Scope) + " " + clean(i.Group)
}

func (i Incidents) resolution() string {
	f := &i.Figures
	var parts []string
	quantile := func(share string, s *float64) {
		if s == nil {
			parts = append(parts, share+" not known, too few have ended")
			return
		}
		parts = append(parts, share+" within "+lasting(time.Duration(*s*float64(time.Second))))
	}
	quantile("half", f.P50Seconds)
	quantile("90 %", f.P90Seconds)
	text := strings.Join(parts, ", ")
	if f.TimedOut > 0 {
		text += fmt.Sprintf("; %d closed by a time-out", f.TimedOut)
	}
	if f.EndUnknown > 0 {
		text += fmt.Sprintf("; %d ended at an unknown time", f.EndUnknown)
	}
	return text + "."
}

func (i Incidents) noise() string {
	var parts []string
	total := ""
	for _, n := range i.Figures.Noise {
		count := strconv.Itoa(n.Incidents)
		if n.Unknown > 0 {
			count += fmt.Sprintf(" (+%d?)", n.Unknown)
		}
		if n.Class == correlation.AnyNoise.String() {
			total = count
			continue
		}
		parts = append(parts, strings.ReplaceAll(n.Class, "_", " ")+" "+count)
	}
	return fmt.Sprintf("Noise: %s of %s; %s.", total, Plural(i.Figures.Classified, "page"), strings.Join(parts, ", "))
}

func (i Incidents) table() *grid {
	g := &grid{columns: []column{
		{head: "STARTED (UTC)"}, {head: "LASTED", right: true}, {head: "SEV", right: true, drop: 1},
		{head: "ENDED BY"}, {head: "NOISE", min: 8}, {head: "INCIDENT", min: 12, wrap: true},
	}}
	several := i.Scope != "service"
	if several {
		g.columns = append(g.columns, column{head: "SERVICE", min: 10, drop: 2})
	}
	for _, in := range i.Incidents {
		lasted := none
		if in.LastedSeconds != nil {
			lasted = lastedShort(time.Duration(*in.LastedSeconds) * time.Second)
			if in.Censored != "" {
				lasted = ">" + lasted
			}
		}
		severity := none
		if in.Severity > 0 {
			severity = strconv.Itoa(in.Severity)
		}
		row := []string{
			strings.TrimSuffix(minute(in.Started.At), " UTC"), lasted, severity, endedWord(in), in.noiseWord(), in.names(),
		}
		if several {
			row = append(row, clean(strings.Join(in.Services, " ")))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// lastedShort is a duration in a few characters.
func lastedShort(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

func endedWord(in Incident) string {
	switch {
	case in.Excluded != "":
		return in.Excluded
	case in.Censored == "open":
		return "open"
	case in.Censored == "end_unknown":
		return "unknown time"
	case in.EndedBy == "timeout":
		return "time-out"
	}
	return in.EndedBy
}

// noiseWord are the classes that it is in, or may be in.
func (in Incident) noiseWord() string {
	var words []string
	for _, c := range correlation.NoiseClasses() {
		word := strings.ReplaceAll(c.String(), "_", " ")
		switch {
		case c == correlation.AnyNoise:
		case in.Noise[c.String()] == "yes":
			words = append(words, word)
		case in.Noise[c.String()] == "unknown":
			words = append(words, word+"?")
		}
	}
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, " ")
}

// names are what its sources call it.
func (in Incident) names() string {
	var names []string
	for _, r := range in.Records {
		if name := clean(r.Name); r.MergedInto == "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// legend explains the signs of the table that are there.
func (i Incidents) legend() string {
	var parts []string
	censored, doubted := false, false
	for _, in := range i.Incidents {
		censored = censored || in.Censored != "" && in.LastedSeconds != nil
		doubted = doubted || strings.Contains(in.noiseWord(), "?")
	}
	if censored {
		parts = append(parts, "> lasted at least: open, or closed by a time-out")
	}
	if doubted {
		parts = append(parts, "? not known: what it depends on was not recorded")
	}
	if len(i.Incidents) > 0 {
		parts = append(parts, "-o json has links, and the source of each time")
	}
	return strings.Join(parts, ". ")
}
