package jira

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Groups of facts that are answered together. Every fact declared in data that
// is not ModeMajorIncidents is a group with its name.
const (
	groupIncidents = "incidents"
	groupReviews   = "reviews"
)

// round is the state of one Collect.
type round struct {
	*Source
	now     time.Time
	request collectors.Request
	out     *collectors.Batches
	mapping *mapping
	// absent are the projects that the site does not have, in lower case.
	absent map[string]bool
	// listed are the keys of the incidents of the current listing. reconciled reports
	// that this round's first listing was a complete one.
	listed keySet
	// relisted are the tickets of the current listing that are unclear.
	relisted   keySet
	reconciled bool
	// known are the keys of the stored incidents, read when first needed.
	known keySet
	// underKeys are the keys of the stored incidents that an earlier release stored under
	// their keys, read when first needed.
	underKeys keySet
	// ownerless are the incidents of the current listing that name no service of the
	// catalog and have duplicates, by id.
	ownerless map[string]evidence.Incident
	// duplicates are those that are known after a listing, and unclearDuplicates what is
	// not known because of them.
	duplicates        *duplicates
	unclearDuplicates []unclear
	// recent are the incidents of this round's listings, where there is no store; nil
	// with one.
	recent map[string]evidence.Incident
	// majorBy are the major incidents by service; nil when they are unknown.
	majorBy map[string][]majorTicket
	// majorThen are those that would have been major when post-mortems were last
	// searched for, if what is known now had been known then.
	majorThen keySum
}

// round begins a round, without any call.
func (s *Source) round(req collectors.Request, emit func(evidence.Batch) error) *round {
	if req.Now.IsZero() {
		req.Now = s.now()
	}
	req.Now = req.Now.UTC()
	return &round{
		Source: s, now: req.Now, request: req, out: collectors.NewBatches(s.id, req, emit),
		mapping: newMapping(s, req.Services), absent: map[string]bool{},
	}
}

// Plan lists the calls of a round, in their order. Whether a project is missing
// on the site, which costs a search one more request, only answers can tell. See
// collectors.Planner.
func (s *Source) Plan(req collectors.Request) []collectors.PlannedCall {
	var calls []collectors.PlannedCall
	r := s.round(req, nil)
	for _, l := range r.listings() {
		calls = append(calls, l.planned(r)...)
	}
	return calls
}

// Collect lists incidents, the issues of the declared facts, reviews and
// attestations. When a search fails, the facts that need it are not observed. See
// collectors.Source.
func (s *Source) Collect(ctx context.Context, req collectors.Request, emit func(evidence.Batch) error) error {
	r := s.round(req, emit)
	s.notices.Begin()
	defer s.notices.End()
	var errs []error
	for _, l := range r.listings() {
		err := l.collect(ctx, r)
		errs = append(errs, err)
		if err != nil && (l.required || collectors.EndsRound(ctx, err)) {
			return errors.Join(errs...)
		}
	}
	errs = append(errs, r.reportUncounted())
	if r.out.Pending() {
		errs = append(errs, r.out.Send(evidence.Batch{}))
	}
	return errors.Join(errs...)
}

// login makes sure that Cloud knows the account. It answers the searches of a
// visitor with no issues instead of refusing them, and that would be read as an
// absence.
func (r *round) login() listing {
	return listing{
		required: true,
		calls:    []collectors.PlannedCall{{Call: request{path: pathMyself}.call(), Requests: "1"}},
		read:     func(ctx context.Context, _ []search) error { return r.api.whoAmI(ctx) },
	}
}

// statusList asks which statuses are done ones. If it fails, those of the last
// round are used.
func (r *round) statusList() listing {
	return listing{
		calls: []collectors.PlannedCall{{Call: request{path: pathStatus}.call(), Requests: "1"}},
		read: func(ctx context.Context, _ []search) error {
			found, err := r.api.statuses(ctx)
			if err != nil {
				return err
			}
			r.statuses = found
			r.checkStatuses()
			return nil
		},
	}
}

// observe emits facts for every service that refers to the site, and their group
// as covered. except are the services whose facts are unknown, with the reason.
func (r *round) observe(
	group string, facts []string, except map[string]evidence.Missing, answer func(service, fact string) collectors.Answer,
) error {
	return r.out.Observe(group, facts, func(s *catalog.Service, fact string) collectors.Answer {
		switch {
		case len(r.mapping.projects[s.Name]) == 0:
			return collectors.Answer{Missing: evidence.MissingNoReference}
		case except[s.Name] != "":
			return collectors.Answer{Missing: except[s.Name]}
		}
		return answer(s.Name, fact)
	})
}

// exceptAll excepts the services that an unknown issue may be about.
func (r *round) exceptAll(except map[string]evidence.Missing, a affected, why evidence.Missing) {
	services := a.services
	if a.any {
		services = r.mapping.referring
	}
	for _, service := range services {
		except[service] = why
	}
}

// clean makes a key or name storable and printable.
func clean(s string) string { return evidence.Clean(s, 100) }

// sample names the first keys of a sorted list.
func sample(keys []string) string {
	const most = 5
	if len(keys) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(keys[:most], ", "), len(keys)-most)
	}
	return strings.Join(keys, ", ")
}

// stamp is a time as details have it.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// unique sorts the list and removes what it has twice.
func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// mapSlice is the list of what of gives for each element.
func mapSlice[T, R any](list []T, of func(T) R) []R {
	out := make([]R, len(list))
	for n, v := range list {
		out[n] = of(v)
	}
	return out
}
