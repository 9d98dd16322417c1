package sourcetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// Kinds are the kinds of input of which every source can easily make evidence that is
// wrong. A source fills in each of them, with scenarios that its fake plays, or with the
// reason why its vendor cannot have it. The suite says what must come of each.
type Kinds struct {
	// Subject is the source. A scenario replaces parts of it.
	Subject Subject
	// NoService is a record that belongs to no service of the catalog: it is counted by
	// reason and named, and facts that would have counted it are unknown for the services
	// that it may belong to. Data: Right and Wrong.
	NoService Kind
	// EndBeforeStart, NotAnInstant and InFuture are times that cannot be: an end before
	// its start, a day where an instant is needed, and a time that has not come. They are
	// unknown and counted. Data: Right and Wrong.
	EndBeforeStart, NotAnInstant, InFuture Kind
	// NotDone is work that was closed as not done: it proves as much as no work at all.
	// Data: Done, NotDone and NoWork.
	NotDone Kind
	// SameID is a record that keeps its immutable id while its names change: it stays one.
	// Data: Before, and After in later rounds.
	SameID Kind
	// Agents is something that a machine did: the agent says so, and not the channel.
	// Data: ByPerson, ByMachine, and ByMachineElsewhere through another channel.
	Agents Kind
	// SeenTwice is one thing that is listed twice, by replicas, after a merge or as a
	// copy: it counts once. Data: Once and Twice.
	SeenTwice Kind
	// Unreadable is an answer that cannot be understood in full: what it may have held is
	// unknown, and the rest is known. Data: Right and Wrong.
	Unreadable Kind
}

// The data sets of the kinds.
const (
	Right Data = "right"
	Wrong Data = "wrong"

	Done    Data = "done"
	NotDone Data = "not done"
	NoWork  Data = "no work"

	Before Data = "before"
	After  Data = "after"

	ByPerson           Data = "by a person"
	ByMachine          Data = "by a machine"
	ByMachineElsewhere Data = "by a machine, through another channel"

	Once  Data = "once"
	Twice Data = "twice"
)

// Kind is how a source plays one kind: by Scenarios, or not at all.
type Kind struct {
	Scenarios []Scenario
	// Impossible says why the vendor cannot have it.
	Impossible string
}

// Scenario is one input of a kind, with the facts and counts that it touches. Facts are
// named by service.
type Scenario struct {
	// Name says what the input is.
	Name string
	// Services, Upstream, Files and Source replace those of Kinds.Subject where they are
	// set.
	Services []*catalog.Service
	Upstream Upstream
	Files    func(data Data) map[string]string
	Source   NewSource
	// Counted is what is counted, as the last round reports it.
	Counted []evidence.UncountedGroup
	// Unknown are facts that the input makes unknown. Decided says why there are none.
	Unknown map[string][]string
	Decided string
	// Same are facts that are known and do not change. Changed are known and change:
	// between Done and NotDone, and between ByPerson and ByMachine.
	Same, Changed map[string][]string
	// Deed is what an agent does to the incidents of a scenario of Agents; empty where only
	// facts say it.
	Deed Deed
}

// Deed is what a person or a machine does to an incident.
type Deed string

// The deeds.
const (
	Opens        Deed = "opens"
	Acknowledges Deed = "acknowledges"
	Resolves     Deed = "resolves"
)

// kindOfInput is a kind with the rounds that play it and what must come of them.
type kindOfInput struct {
	Kind
	name string
	// runs are the rounds of each run. Each run has a new vendor and a new store.
	runs [][]step
	// judge checks what came of the last round of each run, in order.
	judge func(c *check, sc *Scenario, runs []*outcome)
}

// single are runs of one round each.
func single(data ...Data) [][]step {
	var runs [][]step
	for _, d := range data {
		runs = append(runs, []step{{0, d}})
	}
	return runs
}

// all are the kinds in the order of the table.
func (k *Kinds) all() []kindOfInput {
	return []kindOfInput{
		{k.NoService, "of no service", single(Right, Wrong), judgeNoService},
		{k.EndBeforeStart, "an end before its start", single(Right, Wrong), judgeTime(evidence.UncountedEndBeforeStart)},
		{k.NotAnInstant, "a day where an instant is needed", single(Right, Wrong),
			judgeTime(evidence.UncountedNotAnInstant, evidence.UncountedUnreadable)},
		{k.InFuture, "a time in the future", single(Right, Wrong), judgeTime(evidence.UncountedInFuture)},
		{k.NotDone, "closed as not done", single(Done, NotDone, NoWork), judgeNotDone},
		{k.SameID, "an id that stays", [][]step{
			{{0, Before}}, {{0, Before}, {Later, After}},
			// The facts may count what the round before has stored.
			{{0, Before}, {Later, After}, {MuchLater, After}, {MuchLater + Later, After}},
		}, judgeSameID},
		{k.Agents, "people and machines", single(ByPerson, ByMachine, ByMachineElsewhere), judgeAgents},
		{k.SeenTwice, "seen twice", single(Once, Twice), judgeTwice},
		{k.Unreadable, "an answer that cannot be read in full", single(Right, Wrong), judgeUnreadable},
	}
}

// RunKinds plays every kind.
func RunKinds(t *testing.T, kinds Kinds) {
	t.Helper()
	base, err := newSuite(t.Context(), kinds.Subject, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds.all() {
		t.Run(k.name, func(t *testing.T) {
			if (k.Impossible == "") == (len(k.Scenarios) == 0) {
				t.Fatal("it has scenarios, or else a reason why it is impossible")
			}
			for i := range k.Scenarios {
				sc := &k.Scenarios[i]
				t.Run(sc.Name, func(t *testing.T) {
					t.Parallel()
					for _, fault := range base.of(sc).scenario(k, sc).faults() {
						t.Error(fault)
					}
				})
			}
		})
	}
}

// of is the suite with the subject of a scenario.
func (s *suite) of(sc *Scenario) *suite {
	own := &suite{Subject: s.Subject, folder: s.folder, blank: s.blank}
	if sc.Services != nil {
		own.Services = sc.Services
	}
	if sc.Upstream != nil {
		own.Upstream = sc.Upstream
	}
	if sc.Files != nil {
		own.Files = sc.Files
	}
	if sc.Source != nil {
		own.Source = sc.Source
	}
	return own
}

// scenario is the case of a scenario.
func (s *suite) scenario(k kindOfInput, sc *Scenario) testCase {
	return testCase{sc.Name, nil, func(c *check) error {
		var runs []*outcome
		for _, steps := range k.runs {
			o, err := s.outcome(c, steps)
			if err != nil {
				return err
			}
			runs = append(runs, o)
		}
		k.judge(c, sc, runs)
		return nil
	}}
}

// outcome is what the store has after a run, as far as the kinds ask for it.
type outcome struct {
	// now is when the last round began.
	now time.Time
	// known are the values of the facts that are known, missing the reasons of those that
	// are not.
	known   map[key]string
	missing map[key]evidence.Missing
	// incidents and reviews are those that are still listed, reviews by id and service.
	incidents map[string]evidence.Incident
	reviews   map[string]evidence.ReviewStatus
	firings   int
	// reasons are the counts of what could not be used, and groups what of it is named.
	reasons map[evidence.UncountedReason]int
	groups  map[evidence.UncountedGroup]bool
	// skipped is how many records the last round left out as unreadable.
	skipped int
}

// outcome plays the rounds, of which each must succeed.
func (s *suite) outcome(c *check, steps []step) (*outcome, error) {
	w, err := s.newWorld(c, steps[0].data, 0)
	if err != nil {
		return nil, err
	}
	defer w.close()
	var last *round
	for _, st := range steps {
		if last, err = w.play(st); err != nil {
			return nil, err
		}
	}
	return w.outcome(last)
}

func (w *world) outcome(last *round) (*outcome, error) {
	now, err := w.state()
	if err != nil {
		return nil, err
	}
	o := &outcome{
		now: last.at, known: map[key]string{}, missing: map[key]evidence.Missing{},
		incidents: map[string]evidence.Incident{}, reviews: map[string]evidence.ReviewStatus{},
		reasons: map[evidence.UncountedReason]int{}, groups: map[evidence.UncountedGroup]bool{}, skipped: last.skipped,
	}
	for _, group := range now.covered {
		for _, fact := range group.Facts {
			for _, service := range w.suite.Services {
				o.observe(key{fact, service.Name}, group.Except[service.Name], now)
			}
		}
	}
	for id, in := range now.incidents {
		if !in.Gone {
			o.incidents[id] = in
		}
	}
	for name, v := range now.reviews {
		o.reviews[name] = v.Status
	}
	for name := range now.others {
		if strings.HasPrefix(name, firing) {
			o.firings++
		}
	}
	uncounted, err := w.store.Uncounted(context.Background())
	for _, u := range uncounted[w.source.ID()] {
		for reason, n := range u.Reasons {
			o.reasons[reason] += n
		}
		for _, g := range u.Largest {
			o.groups[g] = true
		}
	}
	return o, err
}

// observe notes what is stored of a fact of a covered group.
func (o *outcome) observe(k key, except evidence.Missing, now *state) {
	value, recorded := now.values[k]
	switch {
	case except != "":
		o.missing[k] = except
	case recorded:
		o.known[k] = value.String()
	default:
		o.missing[k] = evidence.MissingNoData
	}
}

// events counts the incidents that are no parts of others, and the firings of alerts.
func (o *outcome) events() int {
	n := o.firings
	for _, in := range o.incidents {
		if in.MergedInto == "" {
			n++
		}
	}
	return n
}

// keys are the facts of a list by service, in order.
func keys(facts map[string][]string) []key {
	var list []key
	for _, service := range sorted(facts) {
		for _, fact := range facts[service] {
			list = append(list, key{fact, service})
		}
	}
	return list
}

// mustKnow returns the value of a fact that must be known.
func (o *outcome) mustKnow(c *check, data Data, k key) string {
	value, known := o.known[k]
	if !known {
		c.errorf("%s: %s is unknown: %s", data, k, o.missing[k])
	}
	return value
}

// same checks that facts are known and the same in two outcomes.
func same(c *check, facts map[string][]string, a, b *outcome, of, and Data) {
	for _, k := range keys(facts) {
		if x, y := a.mustKnow(c, of, k), b.mustKnow(c, and, k); x != y {
			c.errorf("%s is %q with the data %s, and %q with the data %s", k, x, of, y, and)
		}
	}
}

// differ checks that facts are known and differ in two outcomes.
func differ(c *check, facts map[string][]string, a, b *outcome, of, and Data) {
	for _, k := range keys(facts) {
		if x, y := a.mustKnow(c, of, k), b.mustKnow(c, and, k); x == y {
			c.errorf("%s is %q with the data %s and with the data %s", k, x, of, and)
		}
	}
}

// judgeFlaw checks what a flaw makes unknown, what it does not, and what is counted.
func judgeFlaw(c *check, sc *Scenario, right, wrong *outcome) {
	for _, k := range keys(sc.Unknown) {
		right.mustKnow(c, Right, k)
		if value, known := wrong.known[k]; known {
			c.errorf("%s is %s, and the wrong data does not say it", k, value)
		}
	}
	same(c, sc.Same, right, wrong, Right, Wrong)
	totals := map[evidence.UncountedReason]int{}
	for _, g := range sc.Counted {
		totals[g.Reason] += g.Count
		if !wrong.groups[g] {
			c.errorf("%+v is not named: %v", g, wrong.groups)
		}
	}
	if len(right.reasons) > 0 {
		c.errorf("with the right data there is something that could not be used: %v", right.reasons)
	}
	if !maps.Equal(wrong.reasons, totals) {
		c.errorf("counted %v, want %v", wrong.reasons, totals)
	}
}

// reasonsAre checks that a scenario counts something, for these reasons alone.
func (sc *Scenario) reasonsAre(c *check, reasons ...evidence.UncountedReason) {
	if len(sc.Counted) == 0 {
		c.errorf("the scenario counts nothing")
	}
	for _, g := range sc.Counted {
		if !slices.Contains(reasons, g.Reason) || g.Name == "" {
			c.errorf("the scenario counts %+v, want a name and one of the reasons %v", g, reasons)
		}
	}
}

func judgeNoService(c *check, sc *Scenario, runs []*outcome) {
	sc.reasonsAre(c, evidence.UncountedUnknownService, evidence.UncountedNoReference)
	if (len(sc.Unknown) == 0) == (sc.Decided == "") {
		c.errorf("the scenario makes facts unknown, or else says why all are decided")
	}
	if len(sc.Same) == 0 {
		c.errorf("the scenario has no fact of a service that the record cannot belong to")
	}
	judgeFlaw(c, sc, runs[0], runs[1])
}

// judgeTime judges a time that cannot be. An end is not clamped to a time that it may
// have: it is not known.
func judgeTime(reasons ...evidence.UncountedReason) func(*check, *Scenario, []*outcome) {
	return func(c *check, sc *Scenario, runs []*outcome) {
		right, wrong := runs[0], runs[1]
		sc.reasonsAre(c, reasons...)
		judgeFlaw(c, sc, right, wrong)
		lost := 0
		for _, id := range sorted(right.incidents) {
			was, is := right.incidents[id], wrong.incidents[id]
			if is.ID == "" {
				continue // it is left out, which facts must say
			}
			switch {
			case is.ResolvedAt.IsZero() && !was.ResolvedAt.IsZero():
				lost++
				if is.Open() && reasons[0] != evidence.UncountedInFuture {
					c.errorf("incident %s has ended at an unknown time, and is open", id)
				}
			case !is.ResolvedAt.IsZero() && !is.ResolvedAt.Equal(was.ResolvedAt):
				c.errorf("incident %s ended at %s, which the source does not say", id, is.ResolvedAt)
			case is.AcknowledgedAt.IsZero() && !was.AcknowledgedAt.IsZero() && !is.AcksKnown:
				lost++
			}
		}
		if lost == 0 && len(sc.Unknown) == 0 {
			c.errorf("no time and no fact has become unknown")
		}
	}
}

func judgeNotDone(c *check, sc *Scenario, runs []*outcome) {
	done, notDone, noWork := runs[0], runs[1], runs[2]
	if len(sc.Changed) == 0 {
		c.errorf("the scenario has no fact that counts the work")
	}
	differ(c, sc.Changed, done, notDone, Done, NotDone)
	same(c, sc.Changed, notDone, noWork, NotDone, NoWork)
	same(c, sc.Same, done, notDone, Done, NotDone)
	for name, status := range notDone.reviews {
		if status == evidence.ReviewDone {
			c.errorf("the review %s is done", name)
		}
	}
	for id, in := range notDone.incidents {
		if in.Resolver == evidence.ResolverPerson || in.Resolver == evidence.ResolverIntegration {
			c.errorf("incident %s was resolved by a %s", id, in.Resolver)
		}
	}
}

func judgeSameID(c *check, sc *Scenario, runs []*outcome) {
	before := runs[0]
	if before.events()+len(before.reviews) == 0 && len(sc.Changed) == 0 {
		c.errorf("the scenario has neither an event, nor a review, nor a fact that follows the names")
	}
	ids := sorted(before.incidents)
	for _, after := range runs[1:] {
		if got := sorted(after.incidents); !slices.Equal(got, ids) || after.events() != before.events() {
			c.errorf("%d events, incidents %q; before there were %d, incidents %q", after.events(), got, before.events(), ids)
		}
		if !maps.Equal(after.reviews, before.reviews) {
			c.errorf("reviews %v, before there were %v", after.reviews, before.reviews)
		}
		same(c, sc.Same, before, after, Before, After)
	}
	last := runs[len(runs)-1]
	differ(c, sc.Changed, before, last, Before, After)
}

func judgeAgents(c *check, sc *Scenario, runs []*outcome) {
	person, machine, elsewhere := runs[0], runs[1], runs[2]
	if len(sc.Changed) == 0 && sc.Deed == "" {
		c.errorf("the scenario has neither a deed nor a fact that says who did it")
	}
	differ(c, sc.Changed, person, machine, ByPerson, ByMachine)
	same(c, sc.Changed, machine, elsewhere, ByMachine, ByMachineElsewhere)
	for i, o := range runs {
		data := []Data{ByPerson, ByMachine, ByMachineElsewhere}[i]
		if sc.Deed != "" && len(o.incidents) == 0 {
			c.errorf("%s: there is no incident", data)
		}
		for id, in := range o.incidents {
			if sc.Deed != "" && !sc.Deed.isOf(&in, data == ByPerson) {
				c.errorf("%s: the incident %s does not say who %s it: %+v", data, id, sc.Deed, in)
			}
		}
	}
}

// isOf reports whether an incident says that a person, or else a machine, did it.
func (d Deed) isOf(in *evidence.Incident, person bool) bool {
	switch d {
	case Opens:
		return in.Channel != "" && in.MachineDetected != person
	case Acknowledges:
		return in.AcksKnown && in.AcknowledgedAt.IsZero() != person && in.MachineAcknowledgedAt.IsZero() == person
	}
	return in.Resolver == map[bool]evidence.Resolver{
		true: evidence.ResolverPerson, false: evidence.ResolverIntegration,
	}[person]
}

func judgeTwice(c *check, sc *Scenario, runs []*outcome) {
	once, twice := runs[0], runs[1]
	if once.events() == 0 && len(sc.Same) == 0 {
		c.errorf("the scenario has neither an event nor a fact")
	}
	if once.events() != twice.events() {
		c.errorf("%d events, and what is listed twice is one: want %d", twice.events(), once.events())
	}
	same(c, sc.Same, once, twice, Once, Twice)
	if !maps.Equal(once.reviews, twice.reviews) {
		c.errorf("reviews %v, want %v", twice.reviews, once.reviews)
	}
}

func judgeUnreadable(c *check, sc *Scenario, runs []*outcome) {
	right, wrong := runs[0], runs[1]
	if len(sc.Unknown) == 0 || len(sc.Same) == 0 {
		c.errorf("the scenario has no fact that becomes unknown, or none that stays known")
	}
	judgeFlaw(c, sc, right, wrong)
	if len(sc.Counted) > 0 {
		sc.reasonsAre(c, evidence.UncountedUnreadable)
	} else if wrong.skipped <= right.skipped {
		c.errorf("what could not be read is not counted: %d records, with the right data %d", wrong.skipped, right.skipped)
	}
}
