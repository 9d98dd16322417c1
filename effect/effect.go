// Package effect estimates whether what was done to some services, at different times,
// changed what happened to them afterwards. It is made for readiness reviews, and knows
// nothing of them or of incidents: there are services, treatments and events.
//
// What would have happened without the treatment is estimated from what is untreated: all
// of the services that are never treated, and the others before they are. The estimate has
// one level for each service, and one for each month, which all services share. The effect
// is the difference between what did happen and that estimate.
//
// What leads to a treatment may look like its effect: a service that is reviewed because
// of a bad month gets better without any review. So each effect is estimated twice, with
// what is untreated ending when the treatment begins and 30 days before, and the interval
// that is published covers both.
//
// It is pure: no I/O and no clock. Shuffles are seeded, so that the same input gives the
// same output, in whatever order it comes.
package effect

import (
	"time"

	"github.com/prodready/collector/statistics"
)

// Measure is what is compared.
type Measure int

// The measures.
const (
	// Times compares how long events last, by the geometric mean.
	Times Measure = iota
	// Rates compares how many events there are per service and day.
	Rates
	// Shares compares which share of events counts.
	Shares
)

// Service is one that may be treated.
type Service struct {
	Name string
	// Since is when its events are known from; zero if as far back as those of the
	// others.
	Since time.Time
}

// Treatment is what was done to a service.
type Treatment struct {
	Service string
	// From is when it began. What happened to the service before is untreated.
	From time.Time
	// Until is when it was completed, zero if it is not yet, or if when is not known.
	Until time.Time
}

// Event is what happened to a service.
type Event struct {
	Service string
	At      time.Time
	// Duration is how long it lasted, of Times; one that is shorter or longer than
	// Options.Shortest and Options.Longest counts as these, a negative one not at all.
	Duration time.Duration
	// Counts marks the events whose share is compared, of Shares.
	Counts bool
	// Severity is 1 (worst) to 5, 0 if it is not known.
	Severity int
}

// Options choose how effects are estimated. A zero field means its default; the defaults
// are those that were calibrated (docs/statistics.md).
type Options struct {
	// History is how far back events count; 760 days by default.
	History time.Duration
	// Washout is the time after the completion of a treatment that does not count: it
	// needs time to have an effect; 14 days by default. Window is the time after that in
	// which the effect is looked for; 180 days by default.
	Washout, Window time.Duration
	// FollowUp is how long ago an event must have begun, of Times, so that how long it
	// lasts is known up to Longest; 7 days by default.
	FollowUp time.Duration
	// Shortest and Longest bound what an event lasts; 60 seconds and 7 days by default.
	Shortest, Longest time.Duration
	// Gap is how long before the treatment what is untreated ends in the second fit; 30
	// days by default.
	Gap time.Duration
	// Month is the length of the months that all services share; 0 means calendar months
	// in UTC.
	Month time.Duration
	// Shrinkage draws the level of a service with few events to that of all: a service
	// counts as if it had so many events more, as good as the average; 4 by default.
	Shrinkage float64
	// Shuffles is the number of placebos; 200 by default, and none if negative. Seed
	// makes others of the same kind.
	Shuffles int
	Seed     uint64
}

// Bounds of what has a verdict.
const (
	// MinServices is how many treated services a verdict needs, and how many services to
	// compare them with.
	MinServices = 10
	// MinEvents is how many events a verdict needs before treatments, and how many after.
	MinEvents = 50
	// minMonthEvents is how many untreated events a month needs to be compared.
	minMonthEvents = 5
	// MaxFalseShare is the largest share of placebos that may have a verdict. At most 5 of
	// 100 are expected. With a larger share than this the method does not fit the data,
	// and the verdict is withdrawn.
	MaxFalseShare = 0.08
)

const day = 24 * time.Hour

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.History, 760 * day}, {&o.Washout, 14 * day}, {&o.Window, 180 * day}, {&o.FollowUp, 7 * day},
		{&o.Shortest, time.Minute}, {&o.Longest, 7 * day}, {&o.Gap, 30 * day},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	o.Longest = max(o.Longest, o.Shortest)
	if o.Month > 0 {
		o.Month = max(o.Month, day)
	}
	if !(o.Shrinkage > 0) {
		o.Shrinkage = 4
	}
	if o.Shuffles == 0 {
		o.Shuffles = 200
	}
	return o
}

// Verdict is what can be said of an effect. The set is closed.
type Verdict string

// The verdicts. Less is better: less time, fewer events, a smaller share.
const (
	Improved         Verdict = "improved"
	Worsened         Verdict = "worsened"
	Inconclusive     Verdict = "inconclusive"
	InsufficientData Verdict = "insufficient_data"
)

// Estimate is the effect of a treatment on one measure. Its types are stable: commands,
// metrics and reports may be built on them.
type Estimate struct {
	// Ratio is what happened after the treatment as a multiple of what would have
	// happened without: 0.6 means 40 % less. Its bounds are the lower of the two fits'
	// and the higher, and its value is in the middle between the fits'. It has meaning
	// only if Known is true.
	Ratio statistics.Interval
	// Known is true if both fits have an estimate with bounds, however wide.
	Known bool
	// P is the larger of the fits' p-values, 1 if they differ in their direction.
	// Adjusted is P after the correction for many tests, the same as P without any.
	P, Adjusted float64
	// Verdict is what can be said, and Missing what lacks for more; it is empty but for
	// InsufficientData.
	Verdict Verdict
	Missing Missing
	// Withdrawn is true if there would be a verdict, and so many placebos have one, too,
	// that this data set calls chance an effect. The verdict is Inconclusive then.
	Withdrawn bool
	// FollowsBadMonths is true if the two fits have different verdicts, or if the last 30
	// days before treatments were worse than usual. Services are then treated because of a
	// bad month, and would have improved without the treatment, too.
	FollowsBadMonths bool
	// Fits are with what is untreated ending when treatments begin, and Options.Gap
	// before.
	Fits [2]Fit
	// Leads are the times before treatments, as if the treatment had come sooner: 90 to
	// 180, 30 to 90 and 0 to 30 days before.
	Leads [3]Lead
	// Placebo is what shuffled treatments give.
	Placebo Placebo
	// Before and After have the events by severity, 0 for unknown, of the services that
	// have any after their treatment. A treatment that changes which events there are may
	// look like one that changes how long they last.
	Before, After [6]int
}

// Fit is one estimate of an effect.
type Fit struct {
	// Gap is the time between what is untreated and the treatment.
	Gap time.Duration
	// Known is true if it has an estimate and bounds.
	Known bool
	// Log is the natural logarithm of the ratio with its bounds, StandardError that of
	// the jackknife, and DegreesOfFreedom those of Student's distribution.
	Log              statistics.Interval
	StandardError    float64
	DegreesOfFreedom float64
	// P is the p-value of no effect.
	P float64
	// Services is the number of services with events or time that count, Treated that of
	// those with some after their treatment, and Comparison that of those that are
	// untreated in a month in which another is treated.
	Services, Treated, Comparison int
	// EventsBefore and EventsAfter are the untreated events and those after treatments;
	// Expected is the number after treatments that there would be without, of Rates and
	// Shares.
	EventsBefore, EventsAfter int
	Expected                  float64
}

// Ratio is the estimate with its bounds as a multiple.
func (f Fit) Ratio() statistics.Interval { return exponential(f.Log) }

// verdict is that of this fit alone.
func (f Fit) verdict() Verdict {
	switch {
	case !f.Known || !f.Log.Excludes(0):
		return Inconclusive
	case f.Log.Upper < 0:
		return Improved
	}
	return Worsened
}

// Lead compares a time before treatments with what was before that time.
type Lead struct {
	// From and To are how long before the treatment it begins and ends.
	From, To time.Duration
	// Fit is as that of an effect; Known is false unless it has LeadEvents events of
	// LeadServices services.
	Fit
}

// What a lead needs to be shown.
const (
	LeadServices = 5
	LeadEvents   = 20
)

// Placebo is how often treatments that were dealt to other services have a verdict.
type Placebo struct {
	// Shuffles is their number, Usable that of those with enough data for a verdict, and
	// Improved and Worsened those that had one.
	Shuffles, Usable, Improved, Worsened int
}

// FalseShare is the share of usable placebos with a verdict, 0 to 1; it has no value
// without usable ones.
func (p Placebo) FalseShare() (float64, bool) {
	if p.Usable == 0 {
		return 0, false
	}
	return float64(p.Improved+p.Worsened) / float64(p.Usable), true
}
