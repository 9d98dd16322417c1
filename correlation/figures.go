package correlation

import (
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// Window is a span of time that ends now. Its String is the window label.
type Window time.Duration

// String is 30d, 12h or, for odd spans, that of time.Duration.
func (w Window) String() string {
	const day = 24 * time.Hour
	switch d := time.Duration(w); {
	case d >= day && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return d.String()
	}
}

// Options choose what is measured. A zero field means its default.
type Options struct {
	// Windows are those of services and groups, the main one first; 30 days by default.
	Windows []Window
	// BadgeWindow is that of badges, which need more incidents to differ; 90
	// days by default.
	BadgeWindow Window
	// PagedBefore and PagedAfter are how long before and after the start of a
	// firing an incident may begin to be near it; 5 and 15 minutes by default.
	PagedBefore, PagedAfter time.Duration
	// UnwatchedAtMost is how much of a window may be missing from what is known of
	// alerts: what the restarts of a server and the time since the last round add
	// up to; 2 hours by default.
	UnwatchedAtMost time.Duration
	// ResolveWithin are whole numbers of minutes, as durations; 30, 60 and 240 minutes
	// by default.
	ResolveWithin []time.Duration
	// AcknowledgeWithin are whole numbers of minutes, as durations; 15 minutes
	// by default.
	AcknowledgeWithin []time.Duration
	// Doubts are what is not known of the incidents of services.
	Doubts evidence.Doubts
}

// Defaults of Options.
const (
	DefaultWindow            = Window(30 * 24 * time.Hour)
	DefaultBadgeWindow       = Window(90 * 24 * time.Hour)
	DefaultAcknowledgeWithin = 15 * time.Minute
	DefaultPagedBefore       = 5 * time.Minute
	DefaultPagedAfter        = 15 * time.Minute
	DefaultUnwatchedAtMost   = 2 * time.Hour
)

func (o Options) withDefaults() Options {
	if len(o.Windows) == 0 {
		o.Windows = []Window{DefaultWindow}
	}
	if o.BadgeWindow <= 0 {
		o.BadgeWindow = DefaultBadgeWindow
	}
	if o.PagedBefore <= 0 {
		o.PagedBefore = DefaultPagedBefore
	}
	if o.PagedAfter <= 0 {
		o.PagedAfter = DefaultPagedAfter
	}
	if o.UnwatchedAtMost <= 0 {
		o.UnwatchedAtMost = DefaultUnwatchedAtMost
	}
	if len(o.ResolveWithin) == 0 {
		o.ResolveWithin = []time.Duration{30 * time.Minute, time.Hour, 4 * time.Hour}
	}
	if len(o.AcknowledgeWithin) == 0 {
		o.AcknowledgeWithin = []time.Duration{DefaultAcknowledgeWithin}
	}
	return o
}

// Since is how far back incidents and transitions are needed: the longest
// window, and before it what a record at its edge may be linked to.
func (o Options) Since(now time.Time) time.Time {
	o = o.withDefaults()
	longest := max(slices.Max(o.Windows), o.BadgeWindow)
	return now.Add(-time.Duration(longest) - LinkWithin)
}

// AlertsSince is how far back firings of alerts are needed: the first window,
// and before it what a firing at its edge may flap after.
func (o Options) AlertsSince(now time.Time) time.Time {
	return now.Add(-time.Duration(o.ofAlerts().Windows[0]) - FlappingWithin)
}

// ofAlerts has the first window alone: alerts are not kept for as long as incidents.
func (o Options) ofAlerts() Options {
	o = o.withDefaults()
	o.Windows = o.Windows[:1]
	return o
}

// Figures are what is known of the incidents of a service or group.
type Figures struct {
	// Open is the number of incidents that are open, however old. OpenIncomplete is true
	// if there may be more.
	Open           int
	OpenIncomplete bool
	// Windows are in the order of Options.Windows.
	Windows []WindowFigures
}

// WindowFigures are about the incidents that began within a window.
type WindowFigures struct {
	Window Window
	// Incidents is their number.
	Incidents int
	// Incomplete is true if there may be more, which could not be used: counts are lower
	// bounds then, a count of 0 is not known, and durations and shares are of those that
	// are known.
	Incomplete bool
	// Severities split it up: every severity that there ever was, by number, so that a
	// series does not end when the last incident leaves the window. Those without an
	// incident are left out if Incomplete.
	Severities []SeverityCount
	// Resolution is how long they lasted, those with an unknown end left out.
	Resolution Summary
	// Acknowledgement is how long it took a person to acknowledge those that paged
	// somebody and whose acknowledgements are known. Never acknowledged ones are
	// censored when they ended.
	Acknowledgement Summary
	// Within is how many of these were acknowledged in time, in the order of
	// Options.AcknowledgeWithin.
	Within []WithinCount
	// ByMachine is how many of these a machine acknowledged, whether or not a person
	// did, too.
	ByMachine MachineCount
	// Interruptions are those of incidents of PagerDuty that paged somebody.
	Interruptions Interruptions
	// Noise is nil when no incident of the window paged.
	Noise *Noise
}

// Interruptions count how often incidents notified people.
type Interruptions struct {
	// Incidents are those of which it is known, and Unknown those of which it is not: each
	// number may be larger then.
	Incidents, Unknown   int
	Business, Off, Sleep int
}

func (i *Interruptions) add(in *Incident, sign int) {
	switch of := &in.Interruptions; {
	case in.Paging == 0:
	case !of.Known:
		i.Unknown += sign
	default:
		i.Incidents += sign
		i.Business, i.Off, i.Sleep = i.Business+sign*of.Business, i.Off+sign*of.Off, i.Sleep+sign*of.Sleep
	}
}

// SeverityCount is the number of incidents of one severity, 0 for unknown.
type SeverityCount struct{ Severity, Incidents int }

// WithinCount is how many incidents were acknowledged within a time of their
// start.
type WithinCount struct {
	Within time.Duration
	// Incidents are those that began at least that long ago, the never
	// acknowledged among them; Acknowledged those that were in time.
	Incidents, Acknowledged int
}

// Ratio is the share that was in time, 0 to 1; it has no value without
// incidents.
func (w WithinCount) Ratio() (float64, bool) {
	if w.Incidents == 0 {
		return 0, false
	}
	return float64(w.Acknowledged) / float64(w.Incidents), true
}

// MachineCount is how many incidents automation acknowledged.
type MachineCount struct {
	// Incidents are those that paged somebody and whose acknowledgements are known;
	// Acknowledged those of them that a machine acknowledged.
	Incidents, Acknowledged int
}

// Ratio is the share that a machine acknowledged, 0 to 1; it has no value without
// incidents.
func (m MachineCount) Ratio() (float64, bool) {
	if m.Incidents == 0 {
		return 0, false
	}
	return float64(m.Acknowledged) / float64(m.Incidents), true
}

func severityOf(in *Incident) int { return knownSeverity(in.Severity) }

// knownSeverity is 1 to 5, and 0 for all else.
func knownSeverity(severity int) int {
	if severity < 0 || severity > 5 {
		return 0
	}
	return severity
}
