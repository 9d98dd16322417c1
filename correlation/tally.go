package correlation

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// tally counts a set of incidents that are measured together. What an incident adds to
// it is taken away again exactly, so that it costs one incident to follow the change of
// one.
type tally struct {
	// seen are the severities of incidents before those that are counted, known the
	// number of those that have begun, by severity, and open that of the open ones.
	seen  Severities
	known [6]int
	open  int
	// windows are in the order of Options.Windows.
	windows []windowTally
	// figures are those of the last time, nil if something has changed since then, and
	// doubted is what was not known of the incidents then.
	figures *Figures
	doubted doubts
}

// windowTally counts the incidents that began within a window.
type windowTally struct {
	incidents, timedOut int
	severities          [6]int
	resolution          observations
	acknowledgement     observations
	// within and acknowledged are the numbers of a WithinCount, in the order of
	// Options.AcknowledgeWithin.
	within, acknowledged []int
	byMachine            MachineCount
	noise                Noise
	interruptions        Interruptions
}

// newTally is empty.
func newTally(o *Options) *tally {
	t := &tally{windows: make([]windowTally, len(o.Windows))}
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
	t.figures = nil
}

// add counts an incident as it was at a time; sign is 1, or -1 to take back what was
// added at that time.
func (t *tally) add(in *Incident, sign int, at time.Time, o *Options) {
	if in.Maintenance || in.StartedAt.After(at) {
		return
	}
	t.figures = nil
	t.known[severityOf(in)] += sign
	if in.Open(at) {
		t.open += sign
	}
	for i, w := range o.Windows {
		if counts(in, w, at) {
			t.windows[i].add(in, sign, at, o)
		}
	}
}

// counts reports whether an incident began within a window.
func counts(in *Incident, w Window, now time.Time) bool {
	return !in.Maintenance && in.StartedAt.After(now.Add(-time.Duration(w))) && !in.StartedAt.After(now)
}

func (t *windowTally) add(in *Incident, sign int, at time.Time, o *Options) {
	t.severities[severityOf(in)] += sign
	t.addResolution(in, sign, at)
	if !in.Urgent {
		return
	}
	t.noise.add(in, sign, at)
	t.interruptions.add(in, sign)
	if !in.AcksKnown {
		return
	}
	if o, known := in.acknowledgement(at); known {
		t.acknowledgement.add(o, !in.acknowledged(at) && in.Open(at), in.StartedAt, sign)
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

// addResolution counts an incident and how long it lasted.
func (t *windowTally) addResolution(in *Incident, sign int, at time.Time) {
	t.incidents += sign
	if o, known := in.resolution(at); known {
		t.resolution.add(o, in.Open(at), in.StartedAt, sign)
	}
	if in.TimedOut(at) {
		t.timedOut += sign
	}
}

// running reports whether a figure grows with time.
func (t *tally) running() bool {
	for i := range t.windows {
		if w := &t.windows[i]; w.resolution.growing()+w.acknowledgement.growing() > 0 {
			return true
		}
	}
	return false
}

// measure returns the figures, nil when there never was an incident, nor one that may
// have been. They do not change after they were returned.
func (t *tally) measure(d doubts, o *Options, now time.Time) *Figures {
	if t.figures != nil && t.doubted == d && !t.running() {
		return t.figures
	}
	known := t.seen
	for severity, n := range t.known {
		known[severity] = known[severity] || n > 0
	}
	if known == (Severities{}) && !d.any {
		return nil
	}
	f := &Figures{Open: t.open, OpenIncomplete: d.open, Windows: make([]WindowFigures, len(t.windows))}
	for i := range t.windows {
		w := &f.Windows[i]
		w.Window, w.Incomplete = o.Windows[i], d.windows&(1<<i) != 0
		t.windows[i].measure(w, known, o, now)
	}
	t.figures, t.doubted = f, d
	return f
}

func (t *windowTally) measure(f *WindowFigures, known Severities, o *Options, now time.Time) {
	f.Incidents, f.ByMachine, f.Interruptions = t.incidents, t.byMachine, t.interruptions
	// A count of 0 is not known if the window is incomplete.
	for severity, there := range known {
		if n := t.severities[severity]; there && (n > 0 || !f.Incomplete) {
			f.Severities = append(f.Severities, SeverityCount{severity, n})
		}
	}
	f.Resolution = t.resolution.summary(now, t.timedOut, o.ResolveWithin...)
	f.Acknowledgement = t.acknowledgement.summary(now, 0)
	for i, within := range o.AcknowledgeWithin {
		f.Within = append(f.Within, WithinCount{within, t.within[i], t.acknowledged[i]})
	}
	if t.noise.All+t.noise.Unclassified > 0 {
		noise := t.noise
		f.Noise = &noise
	}
}

// observations are durations in order, and those that go on.
type observations struct {
	// seconds are those of whole seconds, a number of which the last bit says whether it is
	// censored. So are the odd ones, in nanoseconds. Most need 4 bytes.
	seconds series[uint32]
	odd     series[int64]
	// running are the starts of what has not ended, the latest first.
	running []time.Time
}

// series are numbers in order.
type series[T cmp.Ordered] struct {
	settled []T
	// added and removed are not among the settled ones yet, or still.
	added, removed []T
}

func (l *series[T]) add(n T, sign int) {
	if sign > 0 {
		l.added = append(l.added, n)
	} else {
		l.removed = append(l.removed, n)
	}
}

// inOrder are all numbers. It brings the settled ones up to date, in one pass for any number
// of changes.
func (l *series[T]) inOrder() []T {
	if len(l.added)+len(l.removed) == 0 {
		return l.settled
	}
	slices.Sort(l.added)
	slices.Sort(l.removed)
	before, added, removed := l.settled, l.added, l.removed
	l.settled = make([]T, 0, max(len(before)+len(added)-len(removed), 0))
	for len(before)+len(added) > 0 {
		from := &before
		if len(before) == 0 || len(added) > 0 && added[0] < before[0] {
			from = &added
		}
		n := (*from)[0]
		*from = (*from)[1:]
		if len(removed) > 0 && removed[0] == n {
			removed = removed[1:]
			continue
		}
		l.settled = append(l.settled, n)
	}
	l.added, l.removed = nil, nil
	return l.settled
}

// growing is the number of those that go on.
func (l *observations) growing() int { return len(l.running) }

// add counts an observation, or takes it back if sign is -1. One that is running began
// at a time. A negative one is a contradiction and is left out.
func (l *observations) add(o Observation, running bool, began time.Time, sign int) {
	if o.Duration < 0 {
		return
	}
	if running {
		i, _ := slices.BinarySearchFunc(l.running, began, func(a, b time.Time) int { return b.Compare(a) })
		if sign > 0 {
			l.running = slices.Insert(l.running, i, began)
		} else {
			l.running = slices.Delete(l.running, i, i+1)
		}
		return
	}
	censored := int64(0)
	if o.Censored {
		censored = 1
	}
	if seconds := int64(o.Duration / time.Second); o.Duration%time.Second == 0 && seconds <= math.MaxInt32 {
		l.seconds.add(uint32(seconds<<1|censored), sign)
		return
	}
	l.odd.add(int64(min(o.Duration, math.MaxInt64/2))<<1|censored, sign)
}

// all are the observations in order, those that go on as they are now.
func (l *observations) all(now time.Time) []Observation {
	seconds, odd, running := l.seconds.inOrder(), l.odd.inOrder(), l.running
	list := make([]Observation, 0, len(seconds)+len(odd)+len(running))
	// The odd ones, and those that go on, are few.
	var rest []Observation
	for _, n := range odd {
		rest = append(rest, Observation{time.Duration(n >> 1), n&1 != 0})
	}
	for _, began := range running {
		rest = append(rest, Observation{Duration: now.Sub(began), Censored: true})
	}
	slices.SortFunc(rest, compareObservations)
	for _, n := range seconds {
		o := Observation{time.Duration(n>>1) * time.Second, n&1 != 0}
		for len(rest) > 0 && compareObservations(rest[0], o) < 0 {
			list, rest = append(list, rest[0]), rest[1:]
		}
		list = append(list, o)
	}
	return append(list, rest...)
}

// summary is that of all observations.
func (l *observations) summary(now time.Time, timedOut int, within ...time.Duration) Summary {
	return summaryOf(curveOf(l.all(now)), timedOut, within...)
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
