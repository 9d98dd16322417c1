package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// listing declares one part of a round. What a round asks, the plan of a dry run,
// the tables of the documentation and the message about a missing permission are
// derived from it.
type listing struct {
	// kind names the issues in logs and in Batch.Skipped.
	kind string
	// searches are those of this round; none when it is not due. It sends no request
	// and changes nothing, since plans call it, too.
	searches func() []search
	// condition says in a plan when the searches are not made; empty means always.
	condition string
	// calls are those that are no searches.
	calls []collectors.PlannedCall
	// read makes the calls and emits what they say. It is not called when searches is
	// set and returns none.
	read func(context.Context, []search) error
	// required marks a listing without which the round ends.
	required bool
}

// listings are the parts of a round, in their order. A new listing is a function in
// a new file, a line here and an entry of searches() in the contract's test. The
// complete listings, which are rare and take long, come last, so that the others
// have been made when time runs out.
func (r *round) listings() []listing {
	var all []listing
	if r.deployment == Cloud {
		all = append(all, r.login())
	}
	all = append(all, r.statusList())
	if r.incidents.JQL != "" {
		all = append(all, r.changedIncidents())
	}
	for _, f := range r.facts {
		switch f.Mode {
		case ModeCount, ModeNewestDoneAge:
			all = append(all, r.issuesOf(f))
		case ModePostmortemRatio:
			all = append(all, r.postmortemsOf(f))
		}
	}
	if r.ReadsReviews() {
		all = append(all, r.reviewsAndAttestations())
	}
	if r.exemptions.JQL != "" {
		all = append(all, r.exemptionTickets())
	}
	if len(r.opinions) > 0 {
		all = append(all, r.feedback())
	}
	if r.incidents.JQL != "" {
		all = append(all, r.allIncidents())
	}
	return all
}

func (l *listing) dueSearches() []search {
	if l.searches == nil {
		return nil
	}
	return l.searches()
}

// planned are the calls of the listing. What the changelogs cost on Cloud depends
// on the answers, and is said in words.
func (l *listing) planned(r *round) []collectors.PlannedCall {
	var calls []collectors.PlannedCall
	for _, s := range l.dueSearches() {
		requests := fmt.Sprintf("%sone for each %d issues, at least one", l.condition, r.api.limit)
		if s.changelog && r.api.cloud {
			requests += fmt.Sprintf("; one more for a page with a changelog of %d entries or more", maxHistories)
		}
		calls = append(calls, collectors.PlannedCall{
			Call: s.request(r.api).call(), Query: s.jql, Requests: requests, Facts: unique(slices.Clone(s.facts)),
		})
	}
	return append(calls, l.calls...)
}

// collect makes the calls of the listing, if it is due.
func (l *listing) collect(ctx context.Context, r *round) error {
	searches := l.dueSearches()
	if l.searches != nil && len(searches) == 0 {
		r.keepNotices(l.kind)
		return nil
	}
	err := l.read(ctx, searches)
	if failed, ok := errors.AsType[*collectors.CallError](err); ok && failed.Reason == evidence.ReasonForbidden {
		var facts []string
		for _, s := range searches {
			facts = append(facts, s.facts...)
		}
		return fmt.Errorf("%w; the account needs the permission %q; unknown without it: %s",
			err, permission, sample(unique(facts)))
	}
	return err
}

// keepNotices keeps the notices about issues of a kind that is skipped in this
// round, and about projects, so that they are not logged again in a later one.
func (r *round) keepNotices(kind string) {
	r.notices.Keep(func(subject string) bool {
		return strings.HasPrefix(subject, kind+" ") || strings.HasPrefix(subject, "project ")
	})
}

// list asks for all pages of a search. each gets the issues of a page that could
// be decoded, with complete changelogs where needsLog says so, and those that
// could not.
func (r *round) list(
	ctx context.Context, s search, kind string, needsLog func(*issue) bool, each func(good, bad []*issue) error,
) error {
	return r.api.all(ctx, s, func(page []json.RawMessage) error {
		var good, bad, cut []*issue
		for _, raw := range page {
			i, err := decodeIssue(raw, r.api.cloud, r.api.automation)
			if err == nil {
				err = i.checkFields(s.fields, kind)
			}
			if err != nil {
				r.skip(kind, i.key, err)
				bad = append(bad, i)
				continue
			}
			good = append(good, i)
			if i.cut && needsLog(i) {
				cut = append(cut, i)
			}
		}
		withoutLog, err := r.completeLogs(ctx, kind, cut)
		if err != nil {
			return err
		}
		good = slices.DeleteFunc(good, func(i *issue) bool { return slices.Contains(withoutLog, i) })
		return each(good, append(bad, withoutLog...))
	})
}

// The values of needsLog that do not depend on the round.
func noLog(*issue) bool       { return false }
func wholeLog(*issue) bool    { return true }
func logOfDone(i *issue) bool { return i.category == categoryDone }

// skip counts an issue that could not be decoded. The first one of a round is logged
// as an example, unless the last round did.
func (r *round) skip(kind, key string, err error) {
	if r.out.Skip(kind) && r.notices.Add(kind+" "+key, "") {
		r.log.Warn("skipped an issue that cannot be decoded", "kind", kind, "key", clean(key),
			"error", evidence.Clean(err.Error(), 500))
	}
}
