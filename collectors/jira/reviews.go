package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// reviewHistory is how far back reviews are listed, by their creation. It keeps
// the query bounded, which Cloud insists on.
const reviewHistory = 10 * 365 * day

// Names of cursors: what complete listings of reviews and claims missed and was
// not believed, and how many claims the last one had.
const (
	cursorReviews    = "reviews"
	cursorLostClaims = "claims"
	cursorClaims     = "claims-listed"
)

// remembered is what was read of reviews and claims. It replaces the one before
// only when a round has read both completely.
type remembered struct {
	// mapping is that of the catalog it was read with.
	mapping string
	// through is the time up to which every change was seen, swept when
	// everything was last listed.
	through, swept time.Time
	// reviews are the services of the reviews by key.
	reviews map[string][]string
	// claims are the claims by key.
	claims map[string]*claim
	// bad are issues that could not be decoded, by key.
	bad map[string]suspicion
}

// listReviews lists reviews and the claims made on them: everything at first and
// from time to time, and what has changed in between. Then it observes the
// claims.
func (r *round) listReviews(ctx context.Context) error {
	if r.categories == nil {
		return nil // that they could not be listed is reported already
	}
	next := &remembered{mapping: r.mapping.hash, swept: r.now, reviews: map[string][]string{}, claims: map[string]*claim{},
		bad: map[string]suspicion{}}
	net, claimNet, sweep := r.reviewNet()
	if old := r.remembered; !sweep {
		next.swept = old.swept
		next.reviews, next.claims, next.bad = maps.Clone(old.reviews), maps.Clone(old.claims), maps.Clone(old.bad)
	}
	next.through = r.now
	lost, err := r.reviewPages(ctx, next, net)
	if err != nil {
		return err
	}
	if believed, err := r.retire(ctx, next, sweep, lost); err != nil || !believed {
		return err
	}
	if len(r.attestations) == 0 {
		r.remembered = next
		return nil
	}
	if err := r.claimPages(ctx, next, claimNet); err != nil {
		return err
	}
	if sweep {
		if believed, err := r.weighClaims(next); err != nil || !believed {
			return err
		}
	}
	unasked, err := r.findLinks(ctx, next)
	if hopeless(ctx, err) {
		return err
	}
	r.remembered = next
	return errors.Join(err, r.observeClaims(next, unasked))
}

// reviewCalls are the searches for reviews and claims, and the requests for the
// web links of claims.
func (r *round) reviewCalls() []collectors.PlannedCall {
	net, claimNet, _ := r.reviewNet()
	calls := []collectors.PlannedCall{r.planned(r.reviewSearch(net), "")}
	var facts []string
	linked := false
	for _, a := range r.attestations {
		facts = append(facts, a.Fact.Name)
		linked = linked || a.Level >= linkLevel
	}
	for _, s := range r.claimSearches(claimNet) {
		calls = append(calls, r.planned(s, "", facts...))
	}
	if linked {
		calls = append(calls, collectors.PlannedCall{
			Call: "GET /rest/api/2/issue/{id}/remotelink", Facts: facts,
			Requests: fmt.Sprintf("one for each claim that names no address, at most %d", maxLinks),
		})
	}
	return calls
}

// reviewSearch is the search for reviews in a net.
func (s *Source) reviewSearch(net string) search {
	q := search{
		jql:       "(" + s.reviews.JQL + ") AND " + net + " ORDER BY created ASC",
		fields:    []string{"project", "components", "labels", "status", "created", "resolutiondate"},
		changelog: true,
	}
	if s.reviews.Services.By == ByField {
		q.fields = append(q.fields, s.reviews.Services.Field)
	}
	return q
}

// claimSearches are the searches for issues with the labels of claims. An empty
// net means all of them.
func (s *Source) claimSearches(net string) []search {
	labels := make([]string, len(s.attestations))
	for n, a := range s.attestations {
		labels[n] = a.Label
	}
	var searches []search
	for _, part := range portions(labels) {
		q := search{
			jql: in("labels", part),
			fields: []string{
				"project", "labels", "status", "created", "updated", "resolutiondate", "description", "parent", "assignee",
				"reporter",
			},
			changelog: true,
		}
		if net != "" {
			q.jql += " AND " + net
		}
		q.jql += " ORDER BY created ASC"
		searches = append(searches, q)
	}
	return searches
}

// reviewNet is the net for reviews and the one for claims: everything at first
// and from time to time, when sweep is true, and what has changed in between.
func (r *round) reviewNet() (reviews, claims string, sweep bool) {
	old := r.remembered
	if old != nil && old.mapping == r.mapping.hash && r.now.Sub(old.swept) < r.sweep && !old.through.After(r.now) {
		net := "updated >= " + ago(r.now.Sub(old.through)+overlap)
		return net, net, false
	}
	return "created >= " + ago(reviewHistory), "", true
}

// reviewPages walks a listing of reviews and emits each page. lost are the keys
// of those that are about no service.
func (r *round) reviewPages(ctx context.Context, next *remembered, net string) (lost []string, err error) {
	needs := func(i *issue) bool { return i.category == categoryDone }
	err = r.list(ctx, r.reviewSearch(net), "review", needs, func(good, bad []*issue) error {
		batch := evidence.Batch{}
		for _, i := range good {
			if i.created.IsZero() {
				r.skip("review", i.key, errors.New("no time of creation"))
				bad = append(bad, i)
				continue
			}
			key := clean(i.key)
			services := r.mapping.services(r.reviews.Services, i)
			delete(next.bad, key)
			next.reviews[key] = services
			if len(services) == 0 {
				lost = append(lost, key)
			}
			for _, service := range services {
				batch.Reviews = append(batch.Reviews, r.review(i, key, service))
			}
		}
		for _, i := range bad {
			next.bad[clean(i.key)] = r.mapping.suspects(r.reviews.Services, i)
		}
		if len(batch.Reviews) == 0 && len(r.skipped) == 0 {
			return nil
		}
		return r.send(batch)
	})
	return lost, err
}

// review makes evidence of an issue.
func (r *round) review(i *issue, key, service string) evidence.Review {
	review := evidence.Review{Source: r.id, Key: key, Service: service, Status: evidence.ReviewOpen, CreatedAt: i.created}
	switch i.category {
	case categoryInProgress:
		review.Status = evidence.ReviewInProgress
	case categoryDone:
		review.Status = evidence.ReviewDone
		if done, ok := r.finished(i); ok {
			review.CompletedAt = later(done.at, i.created)
		}
	}
	return review
}

// retire emits stored reviews that are no more: those that are about no service
// any longer and, after a complete listing, those that it does not have. It
// reports whether what the listing misses is believed; see loss.
func (r *round) retire(ctx context.Context, next *remembered, sweep bool, lost []string) (believed bool, err error) {
	if r.request.Reviews == nil || !sweep && len(lost) == 0 {
		return true, nil
	}
	stored, err := r.request.Reviews(ctx)
	if err != nil {
		return false, &collectors.CallError{Reason: evidence.ReasonStore, Call: "read reviews of " + r.id, Err: err}
	}
	_, nameless := next.bad[""]
	edge := r.now.Add(-reviewHistory + 7*day)
	batch := evidence.Batch{}
	var missing, keys []string
	all := 0
	for _, review := range stored {
		if review.Gone || review.Source != r.id {
			continue
		}
		all++
		_, listed := next.reviews[review.Key]
		_, bad := next.bad[review.Key]
		unlisted := sweep && !listed && !bad && !nameless && review.CreatedAt.After(edge)
		if unlisted {
			missing = append(missing, review.Key)
		}
		if unlisted || slices.Contains(lost, review.Key) {
			review.Gone = true
			batch.Reviews = append(batch.Reviews, review)
			keys = append(keys, clean(review.Key))
		}
	}
	if sweep {
		believed, cursors := r.weigh(cursorReviews, "reviews", len(missing), all)
		batch.Cursors = cursors
		if !believed {
			return false, r.send(evidence.Batch{Cursors: cursors})
		}
		if len(missing) > 0 {
			if err := r.visible(ctx, projectsOf(missing)); err != nil {
				return false, err
			}
			withheld := func(key string) bool { return !slices.Contains(lost, key) && r.absent[fold(projectOf(key))] }
			for _, v := range batch.Reviews {
				if withheld(v.Key) {
					// The claims on it are withheld as well.
					services := append(next.bad[v.Key].services, v.Service)
					next.bad[v.Key] = suspicion{services: services, why: evidence.MissingNotFound}
				}
			}
			batch.Reviews = slices.DeleteFunc(batch.Reviews, func(v evidence.Review) bool { return withheld(v.Key) })
			keys = slices.DeleteFunc(keys, withheld)
		}
	}
	if len(batch.Reviews) > 0 {
		keys = unique(keys)
		r.log.Info("reviews are withdrawn that are not listed any more, or name no service", "count", len(keys), "among_them",
			keys[:min(len(keys), 5)])
	}
	if len(batch.Reviews) == 0 && len(batch.Cursors) == 0 {
		return true, nil
	}
	return true, r.send(batch)
}

// weigh weighs what a complete listing misses, and gives the cursor to store.
func (r *round) weigh(cursor, what string, missing, all int) (believed bool, cursors map[string]string) {
	var before loss
	held := r.request.Cursors[cursor]
	_ = json.Unmarshal([]byte(held), &before) // what is none is no loss
	next, believed := before.weigh(missing, all, r.now)
	if !believed {
		r.log.Warn("a complete listing misses many; they stay until another one confirms it", "of_the", what, "missing",
			missing, "of", all)
	}
	if text := next.cursor(); text != held {
		cursors = map[string]string{cursor: text}
	}
	return believed, cursors
}

// weighClaims weighs how many claims a complete listing has against how many the
// last one had, and logs which are no more.
func (r *round) weighClaims(next *remembered) (believed bool, err error) {
	before, _ := strconv.Atoi(r.request.Cursors[cursorClaims]) // none is 0
	believed, cursors := r.weigh(cursorLostClaims, "claims", before-len(next.claims), before)
	if cursors == nil {
		cursors = map[string]string{}
	}
	if count := strconv.Itoa(len(next.claims)); believed && count != r.request.Cursors[cursorClaims] {
		cursors[cursorClaims] = count
	}
	if r.remembered != nil && believed {
		var keys []string
		for key := range r.remembered.claims {
			if next.claims[key] == nil {
				keys = append(keys, key)
			}
		}
		if keys = unique(keys); len(keys) > 0 {
			r.log.Info("claims are withdrawn that are not listed any more", "count", len(keys), "among_them",
				keys[:min(len(keys), 5)])
		}
	}
	if len(cursors) == 0 {
		return believed, nil
	}
	return believed, r.send(evidence.Batch{Cursors: cursors})
}

// claimPages walks a listing of all issues with the label of a claim. Whether
// they are on a review is seen when they are judged.
func (r *round) claimPages(ctx context.Context, next *remembered, net string) error {
	needs := func(*issue) bool { return true }
	for _, s := range r.claimSearches(net) {
		err := r.list(ctx, s, "claim", needs, func(good, bad []*issue) error {
			for _, i := range good {
				key := clean(i.key)
				delete(next.bad, key)
				next.claims[key] = r.claim(i)
			}
			for _, i := range bad {
				next.bad[clean(i.key)] = r.suspectClaim(next, i)
			}
			if len(r.skipped) == 0 {
				return nil
			}
			return r.send(evidence.Batch{})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// suspectClaim are the services that a claim that cannot be decoded may be about.
func (r *round) suspectClaim(next *remembered, i *issue) suspicion {
	for _, key := range []string{i.parent, i.key} {
		if services, ok := next.reviews[clean(key)]; ok {
			return suspicion{services: services}
		}
	}
	if i.parent != "" {
		return suspicion{} // it is on another issue than a review
	}
	return suspicion{any: true}
}
