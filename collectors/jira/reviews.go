package jira

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

// reviewHistory is how far back reviews are listed, by their creation. Cloud
// refuses a query without a bound.
const reviewHistory = 10 * 365 * day

// The names that cursors are stored under: what complete listings of reviews and
// of attestations lacked and was not confirmed, and how many attestations the last
// one had.
const (
	cursorLostReviews      = "reviews"
	cursorLostAttestations = "claims"
	cursorAttestations     = "claims-listed"
)

// reviewState is what was read of reviews and attestations. It replaces the one
// before only when a round has read both completely.
type reviewState struct {
	// mapping is that of the catalog it was read with.
	mapping string
	// through is the time up to which every change was read, reconciled when
	// everything was last listed.
	through, reconciled time.Time
	// reviews are the services of the reviews by the id of their issue, which never
	// changes; the key does when the issue is moved.
	reviews map[string][]string
	// idOf are the ids of the reviews by their present key.
	idOf map[string]string
	// attestations are the issues that attest, by id.
	attestations map[string]*attestingIssue
	// bad are issues that could not be decoded, by id and by key as far as these could
	// be read, and by the empty text without either.
	bad map[string]affected
	// marks are the reviews and attestations that could not be used, or only in part.
	// doubted are the services that each review of no service may be about, by id.
	marks   *marks
	doubted map[string][]string
}

// ReadsReviews reports whether tickets are configured as reviews. See
// collectors.ReviewSource.
func (s *Source) ReadsReviews() bool { return s.reviews.JQL != "" }

// reviewsAndAttestations lists reviews and the attestations on them: everything at
// first and from time to time, and what has changed in between.
func (r *round) reviewsAndAttestations() listing {
	return listing{
		kind: "review", read: r.readReviews, calls: r.linkCalls(),
		searches: func() []search {
			if r.reconcilesReviews() {
				reviews := r.reviewSearch("created >= " + ago(reviewHistory))
				return append([]search{reviews}, r.attestationSearches("")...)
			}
			changed := "updated >= " + ago(r.now.Sub(r.reviewState.through)+overlap)
			return append([]search{r.reviewSearch(changed)}, r.attestationSearches(changed)...)
		},
	}
}

// reconcilesReviews reports whether reviews and attestations are listed completely
// in this round.
func (r *round) reconcilesReviews() bool {
	old := r.reviewState
	return old == nil || old.mapping != r.mapping.hash || r.now.Sub(old.reconciled) >= r.reconcileEvery ||
		old.through.After(r.now)
}

// readReviews reads reviews and attestations, and observes the attestations.
func (r *round) readReviews(ctx context.Context, searches []search) error {
	if r.statuses == nil {
		return nil // that they could not be listed is reported already
	}
	complete := r.reconcilesReviews()
	next := &reviewState{mapping: r.mapping.hash, through: r.now, reconciled: r.now, reviews: map[string][]string{},
		idOf: map[string]string{}, attestations: map[string]*attestingIssue{}, bad: map[string]affected{},
		marks: newMarks(), doubted: map[string][]string{}}
	if old := r.reviewState; !complete {
		next.reconciled = old.reconciled
		next.reviews, next.idOf = maps.Clone(old.reviews), maps.Clone(old.idOf)
		next.attestations, next.bad = maps.Clone(old.attestations), maps.Clone(old.bad)
		next.marks, next.doubted = old.marks.clone(), maps.Clone(old.doubted)
	}
	next.marks.complete = true
	withoutService, err := r.reviewPages(ctx, next, searches[0], complete)
	if err != nil {
		return err
	}
	if confirmed, err := r.withdrawReviews(ctx, next, complete, withoutService); err != nil || !confirmed {
		return err
	}
	if len(r.attestations) == 0 {
		r.keepReviews(next)
		return nil
	}
	for _, s := range searches[1:] {
		if err := r.attestationPages(ctx, next, s); err != nil {
			return err
		}
	}
	if complete {
		if confirmed, err := r.confirmAttestations(next); err != nil || !confirmed {
			return err
		}
	}
	notAsked, err := r.findLinks(ctx, next)
	if collectors.EndsRound(ctx, err) {
		return err
	}
	r.keepReviews(next)
	return errors.Join(err, r.observeAttestations(next, notAsked))
}

// keepReviews makes what was read completely the state of the source.
func (r *round) keepReviews(next *reviewState) {
	r.reviewState, r.marks[marksOfReviews] = next, next.marks
}

// reviewSearch is the search for reviews with a condition.
func (s *Source) reviewSearch(condition string) search {
	q := search{
		jql:       "(" + s.reviews.JQL + ") AND " + condition + " ORDER BY created ASC",
		fields:    []string{"project", "components", "labels", "status", "resolution", "created", "resolutiondate"},
		changelog: true,
	}
	if s.reviews.Services.By == config.ByField {
		q.fields = append(q.fields, s.reviews.Services.Field)
	}
	return q
}

// setBad adds an issue that could not be decoded, and what it may be about.
func (n *reviewState) setBad(i *issue, a affected) {
	n.bad[i.idOrKey()] = a
	if i.key != "" {
		n.bad[clean(i.key)] = a
	}
}

// read removes an issue that could be decoded from those that could not.
func (n *reviewState) read(i *issue) {
	delete(n.bad, i.id)
	delete(n.bad, clean(i.key))
}

// reviewPages lists reviews and emits each page. A complete listing also emits as gone
// what an earlier release stored of them under their keys. It returns the ids of those
// that name no service.
func (r *round) reviewPages(
	ctx context.Context, next *reviewState, s search, complete bool,
) (withoutService []string, err error) {
	underKeys := map[string][]evidence.Review{}
	if complete {
		stored, err := r.storedReviews(ctx)
		if err != nil {
			return nil, err
		}
		for _, v := range stored {
			if v.Key == "" {
				v.Gone = true
				underKeys[v.ID] = append(underKeys[v.ID], v)
			}
		}
	}
	err = r.list(ctx, s, "review", logOfDone, func(good, bad []*issue) error {
		batch := evidence.Batch{}
		for _, i := range good {
			if i.created.IsZero() {
				r.skip("review", i.key, errors.New("no time of creation"))
				bad = append(bad, i)
				continue
			}
			services := r.mapping.services(r.reviews.Services, i)
			next.read(i)
			next.reviews[i.id], next.idOf[i.key] = services, i.id
			next.marks.set(i.id, r.reviewMark(i, services))
			delete(next.doubted, i.id)
			if len(services) == 0 {
				withoutService = append(withoutService, i.id)
				next.doubted[i.id] = r.mapping.ofProject(i.project)
			}
			for _, service := range services {
				batch.Reviews = append(batch.Reviews, r.review(i, service))
			}
			batch.Reviews = append(batch.Reviews, underKeys[clean(i.key)]...)
		}
		for _, i := range bad {
			next.setBad(i, r.mapping.affected(r.reviews.Services, i))
		}
		if len(batch.Reviews) == 0 && !r.out.Pending() {
			return nil
		}
		return r.out.Send(batch)
	})
	return withoutService, err
}

// reviewMark says what of a review could not be used.
func (r *round) reviewMark(i *issue, services []string) mark {
	done, isDone := r.finished(i)
	switch {
	case len(services) == 0:
		return r.mapping.unmatched(r.reviews.Services, i)
	case len(r.mapping.strangers(r.reviews.Services, i)) > 0:
		return r.mapping.unmatched(r.reviews.Services, i)
	case isDone && done.at.IsZero() && r.notDone.of(i) == "":
		return undated(done, "reviews", i)
	}
	return r.mapping.partlyUnknown(r.reviews.Services, i)
}

// review makes evidence of an issue.
func (r *round) review(i *issue, service string) evidence.Review {
	review := evidence.Review{
		Source: r.id, ID: clean(i.id), Key: clean(i.key), Service: service, Status: evidence.ReviewOpen, CreatedAt: i.created,
	}
	switch i.category {
	case categoryInProgress:
		review.Status = evidence.ReviewInProgress
	case categoryDone:
		review.Status = evidence.ReviewDone
		if r.notDone.of(i) != "" {
			review.Status = evidence.ReviewNotDone
		} else {
			done, _ := r.finished(i)
			review.CompletedAt = done.at
		}
	}
	return review
}

// withdrawReviews emits the stored reviews that exist no more as gone: those that
// name no service any longer and, after a complete listing, those that it does not
// have. It reports whether what the listing lacks is confirmed; see loss.
func (r *round) withdrawReviews(
	ctx context.Context, next *reviewState, complete bool, withoutService []string,
) (confirmed bool, err error) {
	if r.request.Reviews == nil || !complete && len(withoutService) == 0 {
		return true, nil
	}
	stored, err := r.storedReviews(ctx)
	if err != nil {
		return false, err
	}
	batch := evidence.Batch{}
	missing := map[string]bool{}
	if complete {
		if missing, batch.Cursors, err = r.missingReviews(ctx, next, stored); err != nil {
			return false, err
		}
		if missing == nil {
			return false, r.out.Send(batch)
		}
	}
	var keys []string
	for _, v := range stored {
		isUnnamed := slices.Contains(withoutService, v.ID)
		if !isUnnamed && (!missing[v.ID] || next.withholds(r, v)) {
			continue
		}
		v.Gone = true
		batch.Reviews = append(batch.Reviews, v)
		keys = append(keys, clean(v.Name()))
	}
	if len(keys) > 0 {
		r.logWithdrawn("reviews are withdrawn that are not listed any more, or name no service", unique(keys))
	}
	if len(batch.Reviews) == 0 && len(batch.Cursors) == 0 {
		return true, nil
	}
	return true, r.out.Send(batch)
}

// storedReviews are the stored reviews of this source; none when there is no store.
func (r *round) storedReviews(ctx context.Context) ([]evidence.Review, error) {
	if r.request.Reviews == nil {
		return nil, nil
	}
	stored, err := r.request.Reviews(ctx)
	if err != nil {
		return nil, storeFailure("read reviews of "+r.id, err)
	}
	return slices.DeleteFunc(slices.Clone(stored), func(v evidence.Review) bool { return v.Gone || v.Source != r.id }), nil
}

// storeFailure is a call of the store that has failed.
func storeFailure(call string, err error) error {
	return collectors.Failed(evidence.ReasonStore, call, "%w", err)
}

// withholds reports whether a missing review is in a hidden project. The
// attestations on it are withheld as well, and unknown.
func (n *reviewState) withholds(r *round, v evidence.Review) bool {
	if !r.isHidden(v.Name()) {
		return false
	}
	n.bad[v.ID] = affected{services: append(n.bad[v.ID].services, v.Service), why: evidence.MissingNotFound}
	return true
}

// missingReviews are the ids of the stored reviews that a complete listing does not
// have, with the cursors to store; nil when that is not confirmed. Afterwards it is
// known which projects are hidden.
func (r *round) missingReviews(
	ctx context.Context, next *reviewState, stored []evidence.Review,
) (missing map[string]bool, cursors map[string]string, err error) {
	missing, count := map[string]bool{}, 0
	var projects []string
	for _, v := range stored {
		if next.isMissing(v, r.now.Add(-reviewHistory+7*day)) {
			missing[v.ID] = true
			projects = append(projects, projectOf(v.Name()))
			count++
		}
	}
	confirmed, cursors := r.confirm(cursorLostReviews, "reviews", count, len(stored))
	if !confirmed {
		return nil, cursors, nil
	}
	return missing, cursors, r.findHidden(ctx, unique(projects))
}

// isMissing reports whether a complete listing should have had the stored review.
// edge is when the reviews of the listing were surely created after.
func (n *reviewState) isMissing(v evidence.Review, edge time.Time) bool {
	_, listed := n.reviews[v.ID]
	_, bad := n.bad[v.ID]
	_, keyIsBad := n.bad[v.Name()]
	_, anyIsBad := n.bad[""] // it may be any review
	return !listed && !bad && !keyIsBad && !anyIsBad && v.CreatedAt.After(edge)
}

// confirmAttestations compares how many attestations a complete listing has with
// how many the last one had, and logs which are no more.
func (r *round) confirmAttestations(next *reviewState) (confirmed bool, err error) {
	count := len(next.attestations)
	before, _ := strconv.Atoi(r.request.Cursors[cursorAttestations]) // no cursor is 0
	confirmed, cursors := r.confirm(cursorLostAttestations, "attestations", before-count, before)
	if confirmed && r.request.Cursors[cursorAttestations] != strconv.Itoa(count) {
		if cursors == nil {
			cursors = map[string]string{}
		}
		cursors[cursorAttestations] = strconv.Itoa(count)
	}
	if r.reviewState != nil && confirmed {
		var keys []string
		for id, i := range r.reviewState.attestations {
			if next.attestations[id] == nil {
				keys = append(keys, i.key)
			}
		}
		if len(keys) > 0 {
			r.logWithdrawn("attestations are withdrawn that are not listed any more", unique(keys))
		}
	}
	if len(cursors) == 0 {
		return confirmed, nil
	}
	return confirmed, r.out.Send(evidence.Batch{Cursors: cursors})
}

// linkCalls are the requests for the web links of attestations, in a plan.
func (r *round) linkCalls() []collectors.PlannedCall {
	if !slices.ContainsFunc(r.attestations, func(a Attestation) bool { return a.NeedsLink }) {
		return nil
	}
	return []collectors.PlannedCall{{
		Call: request{path: pathIssue + "KEY/remotelink"}.call(), Facts: r.attestedFacts(),
		Requests: fmt.Sprintf("one for each attestation that names no address, at most %d", maxLinkRequests),
	}}
}
