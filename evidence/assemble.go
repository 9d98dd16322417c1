package evidence

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Provider is one source instance, as far as Assemble needs it.
type Provider struct {
	// ID is the source id of records.
	ID string
	// ReplicaOf is the group of instances that watch the same, or empty. A group
	// contributes one answer: what any of them has seen.
	ReplicaOf string
	// Facts are the names this instance can observe.
	Facts []string
	// Answers reports whether it is expected to observe the fact for the
	// service, by service name.
	Answers func(service, fact string) bool
	// Lacks names the key that the service's catalog entry lacks where Answers
	// is false; it may be nil.
	Lacks func(service, fact string) string
	// FreshFor is how long its observations stay fresh when the fact does not
	// say: three times the longest gap of its schedule.
	FreshFor time.Duration
}

// plan says which sources answer for the facts of a configuration.
type plan struct {
	facts     *Facts
	providers []Provider
	// answers are those of all facts in fact order, byFact the parts of it by fact, in
	// the order of the sources' ids.
	answers []answer
	byFact  [][]answer
	// grouping is the number of changes of the ledger's groups that the answers know of.
	grouping int
}

// answer is what one provider can say of one fact.
type answer struct {
	*Provider
	*Definition
	// column is the place in the rows of the ledger.
	column             uint32
	freshFor, validFor time.Duration
	// group is noGroup as long as no coverage has named the fact.
	group Group
}

const noGroup Group = -1

func (p *plan) of(facts *Facts, providers []Provider) bool {
	return p != nil && p.facts == facts && len(p.providers) == len(providers) &&
		(len(providers) == 0 || &p.providers[0] == &providers[0])
}

func (l *Ledger) newPlan(facts *Facts, providers []Provider) *plan {
	p := &plan{
		facts: facts, providers: providers, byFact: make([][]answer, facts.Len()), grouping: l.grouping,
	}
	for i := range providers {
		for _, name := range providers[i].Facts {
			fact, ok := facts.Index(name)
			if !ok {
				continue
			}
			a := answer{Provider: &providers[i], Definition: &facts.definitions[fact], column: l.column(providers[i].ID, name)}
			a.freshFor, a.validFor = a.Ageing(a.Provider.FreshFor)
			a.group = noGroup
			if group, known := l.groupOf[sourceFact{a.ID, a.Name}]; known {
				a.group = group
			}
			p.byFact[fact] = append(p.byFact[fact], a)
		}
	}
	for fact, list := range p.byFact {
		slices.SortFunc(list, func(a, b answer) int { return strings.Compare(a.ID, b.ID) })
		from := len(p.answers)
		p.answers = append(p.answers, list...)
		p.byFact[fact] = p.answers[from:]
	}
	return p
}

// coverage is the coverage of a group at one time.
type coverage struct {
	// Coverage is nil before the first one. Its time is at.
	*Coverage
	at time.Time
	// answered is false for none, and for one that is yet to come. That is of a clock that
	// was ahead: it would count for as long as the clock was wrong.
	answered bool
}

// covered is the coverage of what a source can say of a fact.
func (c *covering) covered(a *answer) *coverage {
	if a.group == noGroup {
		return &coverage{}
	}
	return &c.coverage[a.group]
}

func (c *coverage) dated() bool { return c.Coverage != nil && c.Dated }

// stage is what of a coverage decides what counts. It changes seldom: a later coverage
// of a source that answers in time is at the same stage.
type stage struct {
	group                         string
	answered, dated, fresh, valid bool
}

func (c *covering) stage(answer int) stage {
	a := &c.plan.answers[answer]
	covered := c.covered(a)
	if covered.Coverage == nil {
		return stage{}
	}
	return stage{
		group: covered.Group, answered: covered.answered, dated: covered.Dated,
		fresh: !c.now.After(covered.at.Add(a.freshFor)), valid: !c.now.After(covered.at.Add(a.validFor)),
	}
}

func (a *answer) expected(service string) bool { return a.Answers == nil || a.Answers(service, a.Name) }

// view is the row of a service in a set.
type view struct {
	*covering
	service string
	row     *row
}

// Len is the number of facts.
func (v view) Len() int { return len(v.plan.byFact) }

// At merges what the sources that answer for the service have of a fact.
func (v view) At(fact int) Observation {
	answers := v.plan.byFact[fact]
	switch {
	case len(answers) == 0:
		return Observation{Missing: MissingNoSource}
	case len(answers) == 1 && answers[0].expected(v.service):
		return v.observe(&answers[0])
	}
	var parts []Observation
	replicas := map[string][]Observation{}
	for i := range answers {
		switch a := &answers[i]; {
		case !a.expected(v.service):
		case a.ReplicaOf == "":
			parts = append(parts, v.observe(a))
		default:
			replicas[a.ReplicaOf] = append(replicas[a.ReplicaOf], v.observe(a))
		}
	}
	definition := &v.plan.facts.definitions[fact]
	for _, group := range slices.Sorted(maps.Keys(replicas)) {
		parts = append(parts, union(definition, replicas[group], v.now))
	}
	switch len(parts) {
	case 0:
		return noReference(answers, v.service)
	case 1:
		return parts[0]
	}
	return merge(definition, parts, v.now)
}

// noReference is the observation of a fact whose sources cannot find the service.
func noReference(answers []answer, service string) Observation {
	out := Observation{Missing: MissingNoReference, HealthyUntil: farFuture}
	for i := range answers {
		a := &answers[i]
		if a.Lacks == nil {
			continue
		}
		if key := a.Lacks(service, a.Name); key != "" && !slices.Contains(out.CatalogKeys, key) {
			out.CatalogKeys = append(out.CatalogKeys, key)
		}
	}
	return out
}

// farFuture is the end of health of a fact without a source: no source can be down.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// observe is what one source has observed. A time that is yet to come is of a clock that
// was ahead: an observation of then would count for as long as the clock was wrong, so
// that it does not count, and a value does not begin then.
func (v view) observe(a *answer) Observation {
	latest := v.now.Add(MaxClockSkew)
	out := Observation{Source: a.ID, Missing: MissingNotCollected}
	covered := v.covered(a)
	if covered.answered {
		out.HealthyUntil = covered.at.Add(a.freshFor)
		out.ObservedAt = covered.at
		out.Missing = MissingNoData
		if reason, excepted := covered.Except[v.service]; excepted {
			out.Missing = reason
		}
	}
	found := v.row.cell(a.column)
	if found == nil {
		return out
	}
	if found.withdrawn {
		out.Missing = Missing(found.text.Value())
		return out
	}
	observed, _ := found.observed(covered, latest)
	if observed.After(latest) {
		return out
	}
	out.Missing, out.ObservedAt = "", observed
	out.Value, out.Detail, out.Since = found.value, found.text.Value(), found.since.time()
	if out.Since.After(latest) {
		out.Since = time.Time{}
	}
	out.FreshUntil, out.ValidUntil = out.ObservedAt.Add(a.freshFor), out.ObservedAt.Add(a.validFor)
	return out
}

// observed is when a record was last observed, and whether that is a time of its own
// and not that of the coverage of its group.
func (c *cell) observed(covered *coverage, latest time.Time) (at time.Time, own bool) {
	seen := c.seen.time()
	switch {
	case covered.dated():
		return seen, true
	case c.held != 0:
		return c.held.time(), true
	case !covered.answered || seen.After(covered.at) && !seen.After(latest):
		return seen, true
	}
	return covered.at, false
}

// Until is the next time at which a record counts otherwise because of its own times.
func (v view) Until(now time.Time) time.Time {
	until := farFuture
	if v.row == nil {
		return until
	}
	consider := func(at time.Time) {
		if !at.Before(now) {
			until = earliest(until, at)
		}
	}
	latest := v.now.Add(MaxClockSkew)
	for _, answers := range v.plan.byFact {
		instants, numbers := 0, 0
		for i := range answers {
			a := &answers[i]
			c := v.row.cell(a.column)
			if c == nil || c.withdrawn {
				continue
			}
			if at, own := c.observed(v.covered(a), latest); own {
				consider(at.Add(a.freshFor))
				consider(at.Add(a.validFor))
			}
			for _, m := range [...]moment{c.seen, c.held, c.since} {
				if at := m.time(); at.After(latest) {
					consider(at.Add(-MaxClockSkew))
				}
			}
			if c.value.instant {
				instants++
			} else {
				numbers++
			}
		}
		if instants > 0 && instants+numbers > 1 && (numbers > 0 || answers[0].EffectiveMerge() == MergeSum) {
			return now // which value is merged depends on the time
		}
	}
	return until
}

// merge makes one observation of several; see Merge.Of.
func merge(d *Definition, parts []Observation, now time.Time) Observation {
	var known []*Observation
	var numbers []float64
	healthyUntil := farFuture
	for i := range parts {
		p := &parts[i]
		if p.State(now) != StateMissing {
			known = append(known, p)
			// The instant of a larger age is the earlier one, so ages are compared.
			numbers = append(numbers, d.Read(p.Value, now).num)
		}
		healthyUntil = earliest(healthyUntil, p.HealthyUntil)
	}
	how := d.EffectiveMerge()
	merged := how.Of(numbers, len(parts)-len(known))
	switch {
	case merged.Decided:
		return *known[merged.At]
	case len(known) == 0:
		return Observation{Missing: parts[0].Missing, HealthyUntil: healthyUntil}
	case !merged.Known:
		return Observation{Missing: MissingPartial, HealthyUntil: healthyUntil}
	}
	out := *known[merged.At]
	if how == MergeSum {
		out.Value.num = merged.Number
	}
	out.HealthyUntil = healthyUntil
	var sources []string
	for _, p := range known {
		sources = append(sources, p.Source)
		if p.Since.After(out.Since) {
			out.Since = p.Since
		}
		out.ObservedAt = earliest(out.ObservedAt, p.ObservedAt)
		out.FreshUntil = earliest(out.FreshUntil, p.FreshUntil)
		out.ValidUntil = earliest(out.ValidUntil, p.ValidUntil)
	}
	out.Source = strings.Join(sources, ",")
	return out
}

// ReplicaMerge says how one value is made of those that replicas have of the same
// object. One that was down lacks something that the others have, so that what any of
// them has seen counts: of two counts the larger one, of two ages the smaller one.
func (d Definition) ReplicaMerge() Merge {
	switch how := d.EffectiveMerge(); {
	case how == MergeSum:
		return MergeMax
	case d.Clock == Elapsed:
		return MergeMin
	default:
		return how
	}
}

// union makes one observation of those of replicas, which watch the same. A replica
// with a fresh value stands in for one whose value is stale or missing.
func union(d *Definition, replicas []Observation, now time.Time) Observation {
	best := StateMissing
	healthy := &replicas[0]
	for i := range replicas {
		o := &replicas[i]
		best = max(best, o.State(now))
		if o.HealthyUntil.After(healthy.HealthyUntil) {
			healthy = o
		}
	}
	if best == StateMissing {
		return *healthy
	}
	var known []*Observation
	var numbers []float64
	for i := range replicas {
		o := &replicas[i]
		if o.State(now) == best {
			known = append(known, o)
			numbers = append(numbers, d.Read(o.Value, now).num)
		}
	}
	out := *known[d.ReplicaMerge().Of(numbers, 0).At]
	out.HealthyUntil = healthy.HealthyUntil
	return out
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
