package evidence

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/nearest"
)

// Clock says that a fact is the time between an event and now. The event is
// observed once; the time changes without another observation.
type Clock string

// The clocks of a fact. NoClock is an ordinary value.
const (
	NoClock   Clock = ""
	Elapsed   Clock = "elapsed"   // age of a past event
	Remaining Clock = "remaining" // time left to a deadline
)

// Remember says what the store keeps of a fact whose source is asked over a
// short window, because the source keeps its data for less time than the check
// needs.
type Remember string

// The memories of a fact. LastTrue keeps the time of the newest observation
// above zero; Newest keeps the newest instant ever seen. Mean keeps one
// observation for each day in UTC, the newest of the day, and gives the mean of
// those within Window: it is unknown until the first is as old as the window,
// and while more than a tenth of the days are lacking.
const (
	RememberNothing  Remember = ""
	RememberLastTrue Remember = "last_true"
	RememberNewest   Remember = "newest"
	RememberMean     Remember = "mean"
)

// Defaults of the ageing of evidence.
const (
	DefaultFreshFor = 45 * time.Minute
	DefaultValidFor = 7 * 24 * time.Hour
)

// Definition declares a fact: a named, typed, unit-bearing observation that a
// source can make about a service.
type Definition struct {
	// Name is unique, lower case, dotted: pagerduty.oncall_now.
	Name string
	// Kind is the type checks see.
	Kind Kind
	// Unit is the unit of the number: seconds, days, ratio, or empty for counts.
	Unit string
	// Help is one sentence that says what was observed and through which call.
	Help string
	// Pack is the family the fact is documented in: catalog, pagerduty, signals.
	Pack string
	// Clock makes records instants that are read as a distance from now in Unit.
	Clock Clock
	// Window is the span of time the observation looks back over, 0 for a state.
	Window time.Duration
	// Permissions are the least privileges the source call needs.
	Permissions []string
	// Needs is the exporter, flag or label without which there is no data.
	Needs string
	// Exporters are what gives the data: those whose series are asked for, the first that
	// is asked first. It is text for people, and empty where a source is asked itself.
	Exporters []string
	// FreshFor is how long a record counts as fresh after it was last observed;
	// 0 means: three times the longest gap of the source's schedule.
	FreshFor time.Duration
	// FreshAtLeast bounds that default from below, for facts that a source does
	// not observe in every round. It is 0 where FreshFor is not.
	FreshAtLeast time.Duration
	// ValidFor is how long the last value counts at all; 0 means 7 days.
	ValidFor time.Duration
	// Absent documents what no data means.
	Absent string
	// Query is everything the source asks and how it reads the answer: the
	// queries, what no data means and what proves it. It is text for comparing,
	// normalised so that spaces do not matter. It is empty for facts whose
	// reading is code.
	Query string
	// Merge is how several answers become one.
	Merge Merge
	// Outcome marks facts derived from incidents or alerts. Correlation leaves out
	// checks that read them, so that it does not explain outcomes by outcomes.
	Outcome bool
	// Remember is what the store keeps for longer than the source.
	Remember Remember
	// Round is the step that doubles are rounded to before they are compared
	// with the last one; 0 means a ten-thousandth.
	Round float64
	// Resolution is the least time between two rows of history; 0 means an hour.
	Resolution time.Duration
}

var factName = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$`)

// Validate reports everything that is wrong with the definition.
func (d Definition) Validate() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf("fact %s: "+format, append([]any{d.Name}, args...)...))
		}
	}
	if !factName.MatchString(d.Name) {
		errs = append(errs, fmt.Errorf(
			"fact name %q: want lower case words joined by a dot, such as pagerduty.oncall_now", d.Name))
	}
	hasClock := d.Clock != NoClock
	bad(d.Kind < KindBool || d.Kind > KindDouble, "type is missing: want bool, int or double")
	bad(d.Help == "", "help is missing")
	bad(!slices.Contains([]Clock{NoClock, Elapsed, Remaining}, d.Clock), "clock %q: want elapsed or remaining", d.Clock)
	bad(hasClock && (d.Kind != KindDouble || d.unitSeconds() == 0),
		"a fact with a clock is a double with unit seconds, minutes, hours or days")
	isValid := func(fresh time.Duration) bool { return d.ValidFor == 0 || d.ValidFor >= 3*fresh }
	bad(!isValid(d.FreshFor),
		"valid_for %s is less than three times fresh_for %s", d.ValidFor, d.FreshFor)
	wholeDays := d.Window >= 48*time.Hour && d.Window%(24*time.Hour) == 0
	bad(d.Remember == RememberMean && (d.Kind != KindDouble || hasClock || !wholeDays),
		"a fact that remembers a mean is a double without a clock, and its window is whole days, two at least")
	bad(!isValid(d.FreshAtLeast),
		"valid_for %s is less than three times the least freshness %s", d.ValidFor, d.FreshAtLeast)
	bad(d.FreshFor != 0 && d.FreshAtLeast != 0,
		"fresh_for %s leaves nothing to a least freshness of %s", d.FreshFor, d.FreshAtLeast)
	merge := d.EffectiveMerge()
	forBooleans := merge == MergeAny || merge == MergeAll
	bad(forBooleans && d.Kind != KindBool, "merge %q is for booleans", d.Merge)
	bad(!forBooleans && !slices.Contains([]Merge{MergeSum, MergeMin, MergeMax}, merge),
		"merge %q: want sum, min, max, any or all", d.Merge)
	return errors.Join(errs...)
}

// Ageing is how long a record is fresh and how long it is valid, from its last
// observation. usual is the freshness that the schedule of the source gives; 0
// for a source without a schedule. A slow schedule makes records fresh for longer,
// but never for longer than they are valid.
func (d Definition) Ageing(usual time.Duration) (freshFor, validFor time.Duration) {
	if freshFor = d.FreshFor; freshFor <= 0 {
		if usual <= 0 {
			usual = DefaultFreshFor
		}
		freshFor = max(usual, d.FreshAtLeast)
	}
	if d.ValidFor <= 0 {
		return freshFor, max(DefaultValidFor, 3*freshFor)
	}
	return min(freshFor, d.ValidFor), d.ValidFor
}

// EffectiveMerge is Merge with its default filled in.
func (d Definition) EffectiveMerge() Merge {
	if d.Merge != MergeDefault {
		return d.Merge
	}
	switch d.Kind {
	case KindBool:
		return MergeAny
	case KindInt:
		return MergeSum
	}
	if d.Clock == Elapsed {
		return MergeMax
	}
	return MergeMin
}

// unitSeconds is how many seconds the unit of a fact with a clock has, 0 for others.
func (d Definition) unitSeconds() float64 {
	switch d.Unit {
	case "seconds":
		return 1
	case "minutes":
		return 60
	case "hours":
		return 3600
	case "days":
		return 86400
	}
	return 0
}

// MaxClockSkew is how far the clocks of a source and of the collector may differ; a
// clock may be wrong by the hour of summer time. A time that is later than that has not
// come yet and cannot be right.
const MaxClockSkew = 2 * time.Hour

// InFuture reports whether a number that a source returned is the age of an event that
// has not happened yet, by more than MaxClockSkew.
func (d Definition) InFuture(num float64) bool {
	return d.Clock == Elapsed && num*d.unitSeconds() < -MaxClockSkew.Seconds()
}

// maxInt is the first number that is too large for an integer.
const maxInt = 1 << 63

// Observe makes a value of the fact's kind out of a number that a source
// returned at the given time: rounded, and an instant where the fact has a
// clock. ok is false for NaN and for a count that is too large for an
// integer.
func (d Definition) Observe(num float64, at time.Time) (value Value, ok bool) {
	if math.IsNaN(num) {
		return Value{}, false
	}
	switch d.Kind {
	case KindBool:
		return Bool(num != 0), true
	case KindInt:
		if math.Abs(num) >= maxInt {
			return Value{}, false
		}
		return Int(int64(math.Round(num))), true
	}
	if math.IsInf(num, 0) {
		return Double(num)
	}
	if d.Clock != NoClock {
		distance := num * d.unitSeconds()
		if d.Clock == Elapsed {
			distance = -distance
		}
		at := float64(at.UnixMilli())/1000 + distance
		// No check needs an age to the minute, and two evaluations of
		// time() - timestamp differ by less.
		return Value{kind: KindDouble, instant: true, num: math.Round(at/60) * 60}, true
	}
	step := d.Round
	if step <= 0 {
		step = 1e-4
	}
	return Double(math.Round(num/step) / math.Round(1/step))
}

// Read is the value as checks see it at the given time: instants become a
// distance in the fact's unit, everything else is itself.
func (d Definition) Read(v Value, now time.Time) Value {
	if !v.instant {
		return v
	}
	distance := float64(now.UnixMilli())/1000 - v.num
	if d.Clock == Remaining {
		distance = -distance
	}
	return Value{kind: KindDouble, num: distance / d.unitSeconds()}
}

// When is the time at which an instant is read as a number, the inverse of Read. ok is
// false for a time that is too far away.
func (d Definition) When(v Value, reading float64) (at time.Time, ok bool) {
	distance := reading * d.unitSeconds()
	if d.Clock == Remaining {
		distance = -distance
	}
	seconds := v.num + distance
	if math.Abs(seconds) > float64(farFuture.Unix()) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}

// Hash identifies what the fact means, its query included. When it changes, older
// records no longer count, since they are answers to another query.
func (d Definition) Hash() string {
	if d.Query == "" {
		return d.Shape()
	}
	return hash("%s|%s", d.Shape(), d.Query)
}

// Shape identifies how the values of the fact are read: by type, unit, clock,
// window and merge. Two sources may answer one fact with different queries, and
// only with the same shape.
func (d Definition) Shape() string {
	return hash("%s|%s|%s|%s|%d|%s", d.Name, d.Kind, d.Unit, d.Clock, d.Window, d.EffectiveMerge())
}

func hash(format string, values ...any) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, format, values...)
	return fmt.Sprintf("%016x", h.Sum64())
}

// Facts are all facts that a process knows, in name order. The set is immutable
// and safe for concurrent use.
type Facts struct {
	definitions []Definition
	index       map[string]int
}

// NewFacts checks the definitions and indexes them. Two definitions of one
// name are an error.
func NewFacts(definitions []Definition) (*Facts, error) {
	facts := &Facts{definitions: slices.Clone(definitions), index: make(map[string]int, len(definitions))}
	slices.SortFunc(facts.definitions, func(a, b Definition) int { return strings.Compare(a.Name, b.Name) })
	var errs []error
	for i, d := range facts.definitions {
		errs = append(errs, d.Validate())
		if _, dup := facts.index[d.Name]; dup {
			errs = append(errs, fmt.Errorf("fact %s is declared twice", d.Name))
		}
		facts.index[d.Name] = i
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return facts, nil
}

// Len is the number of facts.
func (f *Facts) Len() int { return len(f.definitions) }

// At returns the definition with the given index, 0 ≤ i < Len.
func (f *Facts) At(i int) Definition { return f.definitions[i] }

// Name is that of the definition with the given index.
func (f *Facts) Name(i int) string { return f.definitions[i].Name }

// Read is the value of the fact with the given index as checks see it; see
// Definition.Read.
func (f *Facts) Read(i int, v Value, now time.Time) Value {
	if !v.instant {
		return v
	}
	return f.definitions[i].Read(v, now)
}

// Index returns the position of the named fact.
func (f *Facts) Index(name string) (int, bool) {
	i, ok := f.index[name]
	return i, ok
}

// Lookup returns the definition of the named fact. The error of an unknown
// name suggests the nearest one.
func (f *Facts) Lookup(name string) (Definition, error) {
	if i, ok := f.index[name]; ok {
		return f.definitions[i], nil
	}
	return Definition{}, fmt.Errorf("unknown fact %q%s", name, nearest.Suggest(name, f.Names()))
}

// Names lists the facts in name order.
func (f *Facts) Names() []string {
	return slices.Sorted(maps.Keys(f.index))
}

// Pack returns the part of a fact's name before the first dot.
func Pack(name string) string {
	pack, _, _ := strings.Cut(name, ".")
	return pack
}
