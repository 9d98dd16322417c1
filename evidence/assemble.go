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

// Ledger is the newest evidence of every source: what the store holds, in
// memory. It is not safe for concurrent use; the sets it assembles are.
type Ledger struct {
	records map[ledgerKey]entry
	covered map[groupKey]Coverage
	groupOf map[sourceFact]string
}

type ledgerKey struct{ service, fact, source string }

type groupKey struct{ source, group string }

type sourceFact struct{ source, fact string }

type entry struct {
	value  Value
	detail string
	since  time.Time
	// held is when the record was last observed, if its service is excepted from
	// the coverage of its group. Else that is the time of the coverage, or seen if
	// that is newer: a page can be stored long before its group is complete.
	held, seen time.Time
	// withdrawn is the reason of a record that has ended.
	withdrawn Missing
}

// NewLedger makes an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{records: map[ledgerKey]entry{}, covered: map[groupKey]Coverage{}, groupOf: map[sourceFact]string{}}
}

// Put records a value, last written at r.ObservedAt. held is zero unless the record's service is excepted
// from the coverage of its group, and then the time of its last observation.
func (l *Ledger) Put(r Record, held time.Time) {
	l.records[ledgerKey{r.Service, r.Fact, r.Source}] = entry{value: r.Value, detail: r.Detail, since: r.Since, held: held,
		seen: r.ObservedAt}
}

// Withdraw ends a record: its last value no longer counts.
func (l *Ledger) Withdraw(service, fact, source string, reason Missing) {
	l.records[ledgerKey{service, fact, source}] = entry{withdrawn: reason}
}

// Cover replaces what is known of the coverage of a group of a source.
func (l *Ledger) Cover(source string, c Coverage) {
	l.covered[groupKey{source, c.Group}] = c
	for _, fact := range c.Facts {
		l.groupOf[sourceFact{source, fact}] = c.Group
	}
}

// Assemble merges the ledger into one row per service: for each fact the value of
// the one source that has it, or of all that are expected to have it.
func (l *Ledger) Assemble(facts *Facts, services []string, providers []Provider, now time.Time) *Set {
	providersOf := make([][]*Provider, facts.Len())
	for i := range providers {
		p := &providers[i]
		for _, name := range p.Facts {
			if at, ok := facts.Index(name); ok {
				providersOf[at] = append(providersOf[at], p)
			}
		}
	}
	for _, list := range providersOf {
		slices.SortFunc(list, func(a, b *Provider) int { return strings.Compare(a.ID, b.ID) })
	}
	noSource, lacking := &Observation{Missing: MissingNoSource}, noReferences{}
	rows := make(map[string]Row, len(services))
	parts := make([]*Observation, 0, len(providers))
	replicas := map[string][]*Observation{}
	for _, service := range services {
		row := make(Row, facts.Len())
		for i := range row {
			if len(providersOf[i]) == 0 {
				row[i] = noSource
				continue
			}
			parts = parts[:0]
			clear(replicas)
			definition := facts.At(i)
			for _, p := range providersOf[i] {
				switch {
				case p.Answers != nil && !p.Answers(service, definition.Name):
				case p.ReplicaOf == "":
					parts = append(parts, l.observe(definition, service, p))
				default:
					replicas[p.ReplicaOf] = append(replicas[p.ReplicaOf], l.observe(definition, service, p))
				}
			}
			for _, group := range slices.Sorted(maps.Keys(replicas)) {
				parts = append(parts, union(definition, replicas[group], now))
			}
			switch len(parts) {
			case 0:
				row[i] = lacking.of(providersOf[i], service, definition.Name)
			case 1:
				row[i] = parts[0]
			default:
				row[i] = merge(definition, parts, now)
			}
		}
		rows[service] = row
	}
	return NewSet(rows)
}

// noReferences are the observations of facts whose sources cannot find a service,
// one for each set of catalog keys that they need.
type noReferences map[string]*Observation

func (n noReferences) of(providers []*Provider, service, fact string) *Observation {
	var keys []string
	for _, p := range providers {
		if p.Lacks == nil {
			continue
		}
		if key := p.Lacks(service, fact); key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	id := strings.Join(keys, "\n")
	if n[id] == nil {
		n[id] = &Observation{Missing: MissingNoReference, HealthyUntil: farFuture, CatalogKeys: keys}
	}
	return n[id]
}

// farFuture is the end of health of a fact without a source: no source can be down.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func (l *Ledger) observe(d Definition, service string, p *Provider) *Observation {
	out := &Observation{Source: p.ID, Missing: MissingNotCollected}
	freshFor, validFor := d.Ageing(p.FreshFor)
	coverage, answered := l.covered[groupKey{p.ID, l.groupOf[sourceFact{p.ID, d.Name}]}]
	if answered {
		out.HealthyUntil = coverage.At.Add(freshFor)
		out.ObservedAt = coverage.At
		out.Missing = MissingNoData
		if reason, excepted := coverage.Except[service]; excepted {
			out.Missing = reason
		}
	}
	found, ok := l.records[ledgerKey{service, d.Name, p.ID}]
	if !ok {
		return out
	}
	if found.withdrawn != "" {
		out.Missing = found.withdrawn
		return out
	}
	switch {
	case coverage.Dated:
		out.ObservedAt = found.seen
	case !found.held.IsZero():
		out.ObservedAt = found.held
	case found.seen.After(out.ObservedAt):
		out.ObservedAt = found.seen
	}
	out.Missing = ""
	out.Value, out.Detail, out.Since = found.value, found.detail, found.since
	out.FreshUntil, out.ValidUntil = out.ObservedAt.Add(freshFor), out.ObservedAt.Add(validFor)
	return out
}

// merge makes one observation of several; see Merge.Of.
func merge(d Definition, parts []*Observation, now time.Time) *Observation {
	var known []*Observation
	var numbers []float64
	healthyUntil := farFuture
	for _, p := range parts {
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
		return known[merged.At]
	case len(known) == 0:
		return &Observation{Missing: parts[0].Missing, HealthyUntil: healthyUntil}
	case !merged.Known:
		return &Observation{Missing: MissingPartial, HealthyUntil: healthyUntil}
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
	return &out
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
func union(d Definition, replicas []*Observation, now time.Time) *Observation {
	best := StateMissing
	healthy := replicas[0]
	for _, o := range replicas {
		best = max(best, o.State(now))
		if o.HealthyUntil.After(healthy.HealthyUntil) {
			healthy = o
		}
	}
	if best == StateMissing {
		return healthy
	}
	var known []*Observation
	var numbers []float64
	for _, o := range replicas {
		if o.State(now) == best {
			known = append(known, o)
			numbers = append(numbers, d.Read(o.Value, now).num)
		}
	}
	out := *known[d.ReplicaMerge().Of(numbers, 0).At]
	out.HealthyUntil = healthy.HealthyUntil
	return &out
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
