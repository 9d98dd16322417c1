package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// listing declares one list call of PagerDuty's API. The requests of a round,
// the plan of a dry run, the message about a missing scope, the permissions of
// facts, the tables of the documentation and the calls of the contract suite
// are derived from it. A listing is made for one round: its functions may share
// variables, in which the facts find what was listed.
type listing struct {
	// path is that of the call, below the endpoint. Its last word is the field
	// of the answer that has the records.
	path string
	// name is different for listings of the same path; empty means the path.
	name string
	// scope is the OAuth scope that the call needs; empty when PagerDuty
	// documents none.
	scope string
	// records names the records in a plan, in the plural. about completes it
	// with what depends on the round; nil adds nothing.
	records string
	about   func(r *round) string
	// every is how long a complete listing serves; 0 lists in every round.
	every time.Duration
	// ifNeeded says that it is asked for only where other answers call for it.
	ifNeeded bool
	// include are the objects that PagerDuty is asked to add to each record.
	include []string
	// cursor is the parameter that asks for the next page, for listings whose
	// answers name it; empty for pages by offset.
	cursor string
	// queries are the parameters of this round, once for each span of time that
	// is asked for; nil lists once, without parameters. It must not change the
	// round: plans call it too.
	queries func(r *round) []url.Values
	// ready reports whether what was listed before in this round suffices; nil
	// asks for the list of services only. Plans assume that it does.
	ready func(r *round) bool
	// read is called with each record, and complete after the last one, before the
	// facts are observed. complete may be nil.
	read     func(r *round, raw json.RawMessage)
	complete func(r *round)
	// tooFar is called when a query has more records than the vendor lists. Without
	// an error everything is listed once more, with new queries; nil is an error.
	tooFar func(r *round) error
	// collect are the steps that list and observe, where listing everything and
	// observing all groups is not the way; nil means round.collect.
	collect []step
	groups  []group
}

// step is a part of a round.
type step func(*round, context.Context) error

// group is a set of facts that are observed together, as soon as the listings
// are complete that they are made of.
type group struct {
	name string
	// also are the paths of the listings that the facts need beside services
	// and the listing that declares the group.
	also  []string
	facts []fact
	// common is what the definitions of the facts have in common: Window,
	// ValidFor, Absent and Outcome.
	common evidence.Definition
	// unknown says why the facts of a service are not known although the
	// listing is complete, or ""; nil means that all are known.
	unknown func(r *round, s *serviceRecord) evidence.Missing
}

// listings are all that rounds ask for, in their order: the history, which takes
// longest, comes last. A new listing is a function in a new file, with its facts,
// and a line here.
func listings() []listing {
	return []listing{
		servicesListing(),
		policiesListing(),
		onCallsListing(),
		groupingsListing(),
		triggersListing(),
		actionsListing(),
		maintenanceListing(),
		newestIncidentsListing(),
		prioritiesListing(),
		openIncidentsListing(),
		logListing(),
		changesListing(),
		usersListing(),
		interruptionsListing(),
		historyListing(),
		historyLogListing(),
	}
}

// key is the name of the listing.
func (l *listing) key() string { return cmp.Or(l.name, l.path) }

// needs reports whether the facts of one of the listing's groups need the path.
func (l *listing) needs(g *group, path string) bool {
	return path == l.path || path == "services" || slices.Contains(g.also, path)
}

// requests are the queries of this round, without the parameters of pages.
func (l *listing) requests(r *round) []url.Values {
	queries := []url.Values{{}}
	if l.queries != nil {
		queries = l.queries(r)
	}
	for _, query := range queries {
		if len(l.include) > 0 {
			query["include[]"] = l.include
		}
	}
	return queries
}

// decoded makes the read function of a listing whose records decode to T. Those
// that cannot be decoded are counted as of the kind and handed to undecodable,
// with their id as far as it can be read.
func decoded[T any, P checked[T]](
	kind string, add func(*T), undecodable func(id string, raw json.RawMessage),
) func(*round, json.RawMessage) {
	return func(r *round, raw json.RawMessage) {
		if record := decodeOr[T, P](r, kind, raw, undecodable); record != nil {
			add(record)
		}
	}
}

// steps are the parts of the round, in their order.
func (r *round) steps() []step {
	var steps []step
	for i := range r.listings {
		l := &r.listings[i]
		if l.collect != nil {
			steps = append(steps, l.collect...)
			continue
		}
		steps = append(steps, func(r *round, ctx context.Context) error { return r.collect(ctx, l) })
	}
	return steps
}

// collect lists everything that is due and observes the groups of facts.
func (r *round) collect(ctx context.Context, l *listing) error {
	ready := r.services != nil || l.path == "services"
	if l.ready != nil {
		ready = l.ready(r)
	}
	if !ready || !r.due(l.key(), l.every) {
		return nil
	}
	for again := true; again; {
		var err error
		if again, err = r.list(ctx, l); err != nil {
			return err
		}
	}
	if l.complete != nil {
		l.complete(r)
	}
	for _, g := range l.groups {
		if err := r.observe(g.name); err != nil {
			return err
		}
	}
	return r.done(l.key(), nil)
}

// list reads all records of the listing. again says that it is to be done once
// more, see listing.tooFar.
func (r *round) list(ctx context.Context, l *listing) (again bool, err error) {
	each := func(records []json.RawMessage) error {
		for _, raw := range records {
			l.read(r, raw)
		}
		return nil
	}
	for _, query := range l.requests(r) {
		if l.tooFar == nil {
			err = r.api.complete(ctx, l.path, l.cursor, query, each)
		} else if again, err = r.api.list(ctx, l.path, l.cursor, query, each); err == nil && again {
			if err = l.tooFar(r); err != nil {
				err = incomplete(callOf(l.path), "%w", err)
			}
		}
		if err != nil || again {
			return again, err
		}
	}
	return false, nil
}

// scopes are the scopes, each once, of the listings whose path is wanted.
func scopes(wanted func(path string) bool) []string {
	var all []string
	for _, l := range append(listings(), surveyListings()...) {
		if l.scope != "" && wanted(l.path) && !slices.Contains(all, l.scope) {
			all = append(all, l.scope)
		}
	}
	return all
}

// Call is a call that rounds make.
type Call struct {
	// Name is method and path: GET /services.
	Name string
	// Scope is the OAuth scope that it needs; empty when PagerDuty documents
	// none.
	Scope string
	// Cursor is the parameter that asks for the next page; empty for pages by offset.
	Cursor string
	// Include are the objects that PagerDuty is asked to add to each record.
	Include []string
}

// Calls lists the calls that rounds make, in their order, each once, without those
// that are made only where other answers call for them.
func Calls() []Call {
	var calls []Call
	for _, l := range listings() {
		name := callOf(l.path)
		if !l.ifNeeded && !slices.ContainsFunc(calls, func(c Call) bool { return c.Name == name }) {
			calls = append(calls, Call{name, l.scope, l.cursor, l.include})
		}
	}
	return calls
}

// forbidden says which scope a credential lacks for the listing at the path, and
// which facts are not known without it.
func forbidden(path string) string {
	var words []string
	for _, scope := range scopes(func(p string) bool { return callOf(p) == callOf(path) }) {
		words = append(words, "the call needs the scope "+scope)
	}
	var lost []string
	for _, l := range listings() {
		for _, g := range l.groups {
			for _, f := range g.facts {
				if l.needs(&g, path) {
					lost = append(lost, f.Name)
				}
			}
		}
	}
	slices.Sort(lost)
	switch len(lost) {
	case 0:
	case len(facts()):
		words = append(words, "without it no fact of this source is known")
	default:
		words = append(words, "without it these facts are not known: "+strings.Join(lost, ", "))
	}
	return strings.Join(words, "; ")
}

// Plan lists the calls of the round that the request would start, in their
// order, with the windows of time they ask for. Listings that are not due are
// left out. It sends no request and changes nothing. See collectors.Planner.
func (s *Source) Plan(req collectors.Request) []collectors.PlannedCall {
	r := s.plannedRound(req)
	var calls []collectors.PlannedCall
	// paths are those of the calls.
	var paths []string
	facts := map[string][]string{}
	for _, l := range r.listings {
		if !r.due(l.key(), l.every) {
			continue
		}
		records := l.records
		if l.about != nil {
			records += l.about(r)
		}
		for _, query := range l.requests(r) {
			query["limit"] = []string{strconv.Itoa(r.api.limit)}
			paths = append(paths, l.path)
			calls = append(calls, collectors.PlannedCall{
				Call: callOf(l.path), Query: readable(query),
				Requests: fmt.Sprintf("1 for each %d %s", r.api.limit, records),
			})
		}
		for _, g := range l.groups {
			for _, f := range g.facts {
				for _, path := range append(g.also, l.path) {
					facts[path] = append(facts[path], f.Name)
				}
				if f.readsServices {
					facts["services"] = append(facts["services"], f.Name)
				}
			}
		}
	}
	for i, path := range paths {
		calls[i].Facts = slices.Sorted(slices.Values(facts[path]))
	}
	return calls
}

// plannedRound is a round that is not run. It has a copy of the source's memory,
// without incidents.
func (s *Source) plannedRound(req collectors.Request) *round {
	view, remembered, incidents := *s, *s.memory, *s.memory.incidents
	incidents.byID = nil
	remembered.incidents, remembered.asked = &incidents, maps.Clone(s.memory.asked)
	view.memory = &remembered
	r := view.round(req, nil)
	r.remember()
	return r
}

// readable writes a query without escapes, in the order of its parameters.
func readable(query url.Values) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			words = append(words, name+"="+value)
		}
	}
	return strings.Join(words, "&")
}
