package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Groups of facts that are answered together. Every fact declared in data that
// is not ModeMajorIncidents is a group of its own name.
const (
	groupIncidents = "incidents"
	groupReviews   = "reviews"
)

// maxRecords is how many records one batch holds at most.
const maxRecords = 5000

// round is the state of one Collect.
type round struct {
	*Source
	now     time.Time
	request collectors.Request
	emit    func(evidence.Batch) error
	mapping *mapping
	// skipped counts what could not be decoded since the last batch.
	skipped map[string]int
	logging map[string]bool
	// absent are the projects that the site does not have, in lower case.
	absent map[string]bool
	// listed are the keys of the incidents that the current listing has, and
	// complete says that this round's first listing has all there are.
	listed   keySet
	complete bool
	// known are the keys of the stored incidents, read when first needed.
	known keySet
	// recent are the major incidents of this round's listings, for want of a
	// store; nil with one.
	recent map[string]evidence.Incident
	// majorBy are the major incidents by service; nil when they are not known.
	majorBy map[string][]string
	// majorThen are those that would have been major when post-mortems were last
	// searched for, had all been known of them that is known now.
	majorThen keySum
}

// step is a part of a round. A new search is a function that returns a step, in a
// file of its own, and a line in round.steps.
type step struct {
	// calls are those that the step makes in this round; none when it is not
	// due. It sends no request and changes nothing, so that plans may call it.
	calls   func() []collectors.PlannedCall
	collect func(context.Context) error
}

// steps are the parts of a round, in their order. The listings of everything,
// which are made seldom and take long, come last, so that they cannot take the
// time of the others.
func (r *round) steps() []step {
	var steps []step
	if r.deployment == Cloud {
		steps = append(steps, r.login())
	}
	steps = append(steps, r.statusList())
	if r.incidents.JQL != "" {
		steps = append(steps, r.changedIncidents())
	}
	for _, f := range r.facts {
		switch f.Mode {
		case ModeCount, ModeNewestDoneAge:
			steps = append(steps, r.issuesOf(f))
		case ModePostmortemRatio:
			steps = append(steps, r.postmortemsFor(f))
		}
	}
	if r.reviews.JQL != "" {
		steps = append(steps, step{r.reviewCalls, r.listReviews})
	}
	if len(r.opinions) > 0 {
		steps = append(steps, r.feedback())
	}
	if r.incidents.JQL != "" {
		steps = append(steps, r.allIncidents())
	}
	return steps
}

// Plan lists the calls of a round, in their order. Whether a project is missing
// on the site, which costs a search one more request, only answers can tell. See
// collectors.Planner.
func (s *Source) Plan(req collectors.Request) []collectors.PlannedCall {
	var calls []collectors.PlannedCall
	for _, step := range s.round(req).steps() {
		calls = append(calls, step.calls()...)
	}
	return calls
}

// planned is a search in a plan, with what the changelogs may cost on Cloud.
// unless says when it is not made; empty means always.
func (r *round) planned(s search, unless string, facts ...string) collectors.PlannedCall {
	requests := fmt.Sprintf("%sone for each %d issues, at least one", unless, r.api.limit)
	if s.changelog && r.api.cloud {
		requests += fmt.Sprintf("; one more for a page with a changelog of %d entries or more", maxHistories)
	}
	slices.Sort(facts)
	return collectors.PlannedCall{Call: r.api.searchCall(), Query: s.jql, Requests: requests, Facts: facts}
}

// login makes sure that Cloud knows us. To strangers its searches answer with
// no issues instead of refusing, and that would be read as there being none.
func (r *round) login() step {
	return step{
		calls: func() []collectors.PlannedCall {
			return []collectors.PlannedCall{{Call: "GET /rest/api/2/myself", Requests: "1"}}
		},
		collect: func(ctx context.Context) error {
			if err := r.api.whoAmI(ctx); err != nil {
				return &unknownHere{err}
			}
			return nil
		},
	}
}

// unknownHere ends the round, whatever the reason.
type unknownHere struct{ error }

func (e *unknownHere) Unwrap() error { return e.error }

// statusList asks which statuses are done ones. Those known from the last round
// serve when it fails.
func (r *round) statusList() step {
	return step{
		calls: func() []collectors.PlannedCall {
			return []collectors.PlannedCall{{Call: "GET /rest/api/2/status", Requests: "1"}}
		},
		collect: func(ctx context.Context) error {
			categories, ids, err := r.api.statuses(ctx)
			if err == nil {
				r.categories, r.statusIDs = categories, ids
				r.checkStatuses()
			}
			return err
		},
	}
}

// send emits a batch together with the counts of what was skipped meanwhile.
func (r *round) send(b evidence.Batch) error {
	if len(r.skipped) > 0 {
		b.Skipped, r.skipped = r.skipped, map[string]int{}
	}
	if err := r.emit(b); err != nil {
		return &collectors.CallError{Reason: evidence.ReasonStore, Call: "store batch of " + r.id, Err: err}
	}
	return nil
}

// skip counts an issue that could not be decoded, and logs it when the last
// round did not.
func (r *round) skip(kind, key string, err error) {
	r.skipped[kind]++
	id := kind + " " + key
	if !r.logged[id] && !r.logging[id] {
		r.log.Warn("skipped an issue that cannot be decoded", "kind", kind, "key", clean(key), "error",
			evidence.Clean(err.Error(), 500))
	}
	r.logging[id] = true
}

// list walks a listing. Each page is handed on as the issues that could be
// decoded, with changelogs complete where needs says so, and those that could
// not.
func (r *round) list(ctx context.Context, s search, kind string, needs func(*issue) bool,
	each func(good, bad []*issue) error) error {
	return r.api.all(ctx, s, func(page []json.RawMessage) error {
		var good, bad, cut []*issue
		for _, raw := range page {
			i, err := decodeIssue(raw, r.deployment == Cloud)
			if err != nil {
				r.skip(kind, i.key, err)
				bad = append(bad, i)
				continue
			}
			good = append(good, i)
			if i.cut && needs(i) {
				cut = append(cut, i)
			}
		}
		lost, err := r.completeLogs(ctx, kind, cut)
		if err != nil {
			return err
		}
		good = slices.DeleteFunc(good, func(i *issue) bool { return slices.Contains(lost, i) })
		return each(good, append(bad, lost...))
	})
}

// observed is what a group of one fact found out for each service.
type observed func(service string) (value evidence.Value, detail string)

// observe emits one fact for every service that refers to the site, and its
// group as covered.
func (r *round) observe(group string, fact evidence.Definition, except map[string]evidence.Missing, of observed) error {
	batch := evidence.Batch{}
	for _, service := range r.mapping.referring {
		if except[service] != "" {
			continue
		}
		value, detail := of(service)
		batch.Records = append(batch.Records, evidence.Record{
			Service: service, Fact: fact.Name, Value: value, Source: r.id,
			Detail: evidence.Clean(detail, 500), ObservedAt: r.now,
		})
	}
	batch.Covered = []evidence.Coverage{r.coverage(group, []string{fact.Name}, except)}
	return r.send(batch)
}

// coverage of a group; services without a reference are excepted.
func (r *round) coverage(group string, facts []string, except map[string]evidence.Missing) evidence.Coverage {
	all := map[string]evidence.Missing{}
	referring := map[string]bool{}
	for _, name := range r.mapping.referring {
		referring[name] = true
	}
	for _, service := range r.request.Services {
		if !referring[service.Name] {
			all[service.Name] = evidence.MissingNoReference
		}
	}
	for service, why := range except {
		if referring[service] {
			all[service] = why
		}
	}
	return evidence.Coverage{Group: group, Facts: facts, At: r.now, Except: all}
}

// exceptAll excepts the services that are under suspicion.
func (r *round) exceptAll(except map[string]evidence.Missing, s suspicion, why evidence.Missing) {
	services := s.services
	if s.any {
		services = r.mapping.referring
	}
	for _, service := range services {
		except[service] = why
	}
}

// clean makes a key or name storable and printable.
func clean(s string) string { return evidence.Clean(s, 100) }

// sample names some of a sorted list.
func sample(keys []string) string {
	const most = 5
	if len(keys) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(keys[:most], ", "), len(keys)-most)
	}
	return strings.Join(keys, ", ")
}

// stamp is a time as details have it.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }
