package correlation

import (
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// tally counts a set of incidents that are measured together. What an incident adds to
// it is taken away again exactly, so that it costs one incident to follow the change of
// one. Only durations are not kept: they are collected when they are measured.
type tally struct {
	options *Options
	// seen are the severities of incidents before those that are counted, known the
	// number of those that have begun, by severity, and open that of the open ones.
	seen  Severities
	known [6]int
	open  int
	// windows are in the order of Options.Windows.
	windows []windowTally
	// figures are those of the last time, and doubted is what was not known of the incidents
	// then. changed is true if something has changed since.
	figures *Figures
	doubted doubts
	changed bool
	// wanted is true while durations are collected.
	wanted bool
}

// windowTally counts the incidents that began within a window.
type windowTally struct {
	incidents, timedOut         int
	severities                  [6]int
	resolution, acknowledgement durations
	// within and acknowledged are the numbers of a WithinCount, in the order of
	// Options.AcknowledgeWithin.
	within, acknowledged []int
	byMachine            MachineCount
	noise                Noise
	interruptions        Interruptions
}

// newTally is empty.
func newTally(o *Options) *tally {
	t := &tally{options: o, windows: make([]windowTally, len(o.Windows)), changed: true}
	for i := range t.windows {
		t.windows[i].within = make([]int, len(o.AcknowledgeWithin))
		t.windows[i].acknowledged = make([]int, len(o.AcknowledgeWithin))
	}
	return t
}

// see marks severities of incidents before those that are counted.
func (t *tally) see(s Severities) {
	for i, there := range s {
		t.seen[i] = t.seen[i] || there
	}
	t.changed = true
}

// add counts an incident as it was at a time; sign is 1, or -1 to take back what was
// added at that time.
func (t *tally) add(in *Incident, sign int, at time.Time) {
	if in.Maintenance || in.StartedAt.After(at) {
		return
	}
	t.changed = true
	t.known[severityOf(in)] += sign
	if in.Open(at) {
		t.open += sign
	}
	for i, w := range t.options.Windows {
		if in.StartedAt.After(at.Add(-time.Duration(w))) {
			t.windows[i].add(in, sign, at, t.options)
		}
	}
}

func (t *windowTally) add(in *Incident, sign int, at time.Time, o *Options) {
	t.severities[severityOf(in)] += sign
	t.incidents += sign
	if o, known := in.resolution(at); known {
		t.resolution.add(o, in.Open(at), sign)
	}
	if in.TimedOut(at) {
		t.timedOut += sign
	}
	if !in.Urgent {
		return
	}
	t.noise.add(in, sign, at)
	t.interruptions.add(in, sign)
	if !in.AcksKnown {
		return
	}
	if o, known := in.acknowledgement(at); known {
		t.acknowledgement.add(o, !in.acknowledged(at) && in.Open(at), sign)
	}
	for i, within := range o.AcknowledgeWithin {
		// To count the early acknowledged of those that still have time, and not the
		// others, would flatter.
		if at.Sub(in.StartedAt) < within {
			continue
		}
		t.within[i] += sign
		if in.acknowledged(at) && in.AcknowledgedAt.Sub(in.StartedAt) <= within {
			t.acknowledged[i] += sign
		}
	}
	t.byMachine.Incidents += sign
	if by := in.MachineAcknowledgedAt; !by.IsZero() && !by.After(at) {
		t.byMachine.Acknowledged += sign
	}
}

// outdated reports whether the figures have to be made anew, given what is not known of the
// incidents.
func (t *tally) outdated(d doubts) bool {
	if t.changed || t.doubted != d {
		return true
	}
	for i := range t.windows {
		if w := &t.windows[i]; w.resolution.growing+w.acknowledgement.growing > 0 {
			return true
		}
	}
	return false
}

// collect has the durations collected that have changed, and returns how many are collected
// of all tallies, of which there were n before.
func (t *tally) collect(now time.Time, n int) int {
	for i := range t.windows {
		w := &t.windows[i]
		t.wanted = true
		since := momentOf(now.Add(-time.Duration(t.options.Windows[i])))
		for d, room := range map[*durations]int{&w.resolution: w.incidents, &w.acknowledgement: w.byMachine.Incidents} {
			if d.outdated() {
				n++
				d.number, d.since, d.max = n, since, room
			}
		}
	}
	return n
}

// measure makes the figures of what was collected: nil when there never was an incident, nor
// one that may have been. They do not change any more.
func (t *tally) measure() {
	t.figures, t.changed, t.wanted = nil, false, false
	known := t.seen
	for severity, n := range t.known {
		known[severity] = known[severity] || n > 0
	}
	if known != (Severities{}) || t.doubted.any {
		t.figures = &Figures{Open: t.open, OpenIncomplete: t.doubted.open, Windows: make([]WindowFigures, len(t.windows))}
	}
	for i := range t.windows {
		w := &t.windows[i]
		w.resolution.measure(t.options.ResolveWithin)
		w.acknowledgement.measure(nil)
		if t.figures != nil {
			f := &t.figures.Windows[i]
			f.Window, f.Incomplete = t.options.Windows[i], t.doubted.windows&(1<<i) != 0
			w.measure(f, known, t.options)
		}
	}
}

func (t *windowTally) measure(f *WindowFigures, known Severities, o *Options) {
	f.Incidents, f.ByMachine, f.Interruptions = t.incidents, t.byMachine, t.interruptions
	// A count of 0 is not known if the window is incomplete.
	for severity, there := range known {
		if n := t.severities[severity]; there && (n > 0 || !f.Incomplete) {
			f.Severities = append(f.Severities, SeverityCount{severity, n})
		}
	}
	f.Resolution, f.Acknowledgement = t.resolution.summary, t.acknowledgement.summary
	f.Resolution.TimedOut = t.timedOut
	for i, within := range o.AcknowledgeWithin {
		f.Within = append(f.Within, WithinCount{within, t.within[i], t.acknowledged[i]})
	}
	if t.noise.All+t.noise.Unclassified > 0 {
		noise := t.noise
		f.Noise = &noise
	}
}

// doubts are what is not known of the incidents of a tally.
type doubts struct {
	// any is true if there may be an incident, open if there may be an open one, and
	// windows has a bit for each of Options.Windows that may lack an incident.
	any, open bool
	windows   uint64
}

// with adds what is not known of a service.
func (d doubts) with(of evidence.IncidentDoubt, o *Options, now time.Time) doubts {
	d.open = d.open || of.Open
	d.any = d.any || of.Open || withinOf(of, slices.Max(o.Windows), now)
	for i, w := range o.Windows {
		if withinOf(of, w, now) {
			d.windows |= 1 << i
		}
	}
	return d
}

// withinOf reports whether a window may lack an incident.
func withinOf(d evidence.IncidentDoubt, w Window, now time.Time) bool {
	return d.Newest.After(now.Add(-time.Duration(w)))
}
