package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// expiring is how long before its end the detail of an attestation says when it
	// expires.
	expiring = 30 * day
	// maxLinkRequests is how many issues may be asked for their web links in a round.
	maxLinkRequests = 200
)

// kindOfAttestations names issues that attest in logs and counts.
const kindOfAttestations = "attestation"

// Attestation declares how a check is attested: by an issue with the label that is
// done, and is a sub-task of a review or the review itself.
type Attestation struct {
	// Check is the id of the check that is attested, Level its level, 1 to 5.
	Check string
	Level int
	// NeedsLink asks for a link to evidence: the first address in the description or the
	// first web link. NeedsSecondPerson asks that another person than the assignee has
	// moved the issue to done.
	NeedsLink, NeedsSecondPerson bool
	// ValidFor is how long an attestation is valid from the time it was made.
	ValidFor time.Duration
	// Label marks the issue: attest-cicd-no-drift.
	Label string
	// Fact is what is observed: whether there is a valid attestation. It is false when
	// Jira answered without a valid attestation, and unknown when Jira did not answer.
	Fact evidence.Definition
}

// attestingIssue is what was read of an issue with the label of an attestation. It
// may attest several checks.
type attestingIssue struct {
	id, key string
	parent  related
	// made is when each attestation was made, by label in lower case: when the issue
	// became done, or the label was added if that was later.
	made map[string]time.Time
	done bool
	// undated reports that it is done, and that the changelog does not say since when.
	undated bool
	// notDone is what the issue was closed as, if that means that nothing was done.
	notDone string
	// link is the evidence; webLinksRead says that its web links were read.
	link         string
	webLinksRead bool
	// acceptedByOther reports that another account than the assignee's moved it to done,
	// closedByApp that the account is automation's.
	acceptedByOther, closedByApp bool
	updated                      time.Time
}

func (i *attestingIssue) madeAt(a Attestation) time.Time { return i.made[fold(a.Label)] }

// String names the issue, and the review that it is on.
func (i *attestingIssue) String() string {
	if i.parent.Key == "" {
		return i.key
	}
	return i.key + " on " + clean(i.parent.Key)
}

// attestingIssue reads an issue with the label of an attestation.
func (r *round) attestingIssue(i *issue) *attestingIssue {
	out := &attestingIssue{id: i.id, key: clean(i.key), parent: i.parent,
		made: map[string]time.Time{}, link: firstURL(i.fields["description"]), updated: i.updated}
	done, ok := r.finished(i)
	out.notDone = r.notDone.of(i)
	out.done = ok && out.notDone == ""
	out.undated = out.done && done.at.IsZero()
	author := cmp.Or(i.assignee, i.reporter)
	out.closedByApp = ok && done.byApp
	out.acceptedByOther = ok && done.by != "" && author != "" && done.by != author
	for _, a := range r.attestations {
		if i.has(a.Label) {
			out.made[fold(a.Label)] = later(done.at, i.labelAdded(a.Label))
		}
	}
	if r.reviewState != nil && out.link == "" {
		// A web link that was found before need not be asked for again.
		if old := r.reviewState.attestations[out.id]; old != nil && old.updated.Equal(out.updated) {
			out.link = old.link
		}
	}
	return out
}

// idOfParent is the id of the issue that another is a sub-task of. An answer that has
// only the key names it as it is called now.
func (n *reviewState) idOfParent(parent related) string { return cmp.Or(parent.ID, n.idOf[parent.Key]) }

// servicesOf are the services of the review that the issue is on.
func (n *reviewState) servicesOf(i *attestingIssue) []string {
	for _, id := range []string{n.idOfParent(i.parent), i.id} {
		if services, ok := n.reviews[id]; ok {
			return services
		}
	}
	return nil
}

// byKey are the attestations in the order of their keys.
func (n *reviewState) byKey() []*attestingIssue {
	return slices.SortedFunc(maps.Values(n.attestations), func(a, b *attestingIssue) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id))
	})
}

// attestationSearches are the searches for issues with the labels of attestations.
// An empty condition means all of them.
func (s *Source) attestationSearches(condition string) []search {
	labels := mapSlice(s.attestations, func(a Attestation) string { return a.Label })
	return mapSlice(portions(labels), func(part []string) search {
		jql := in("labels", part)
		if condition != "" {
			jql += " AND " + condition
		}
		return search{
			jql: jql + " ORDER BY created ASC",
			fields: []string{
				"project", "labels", "status", "resolution", "created", "updated", "resolutiondate", "description", "parent",
				"assignee", "reporter",
			},
			changelog: true, facts: s.attestedFacts(),
		}
	})
}

// attestedFacts are the facts of all attestations.
func (s *Source) attestedFacts() []string {
	return mapSlice(s.attestations, func(a Attestation) string { return a.Fact.Name })
}

// attestationPages lists all issues with the label of an attestation. Whether they
// are on a review is checked when the attestations are observed.
func (r *round) attestationPages(ctx context.Context, next *reviewState, s search) error {
	return r.list(ctx, s, kindOfAttestations, wholeLog, func(good, bad []*issue) error {
		for _, i := range good {
			next.read(i)
			a := r.attestingIssue(i)
			next.attestations[i.id] = a
			if _, isReview := next.reviews[i.id]; !isReview {
				next.marks.set(i.id, r.attestationMark(i, a.undated && len(next.servicesOf(a)) > 0))
			}
		}
		for _, i := range bad {
			next.setBad(i, next.affectedBy(i))
		}
		if !r.out.Pending() {
			return nil
		}
		return r.out.Send(evidence.Batch{})
	})
}

// attestationMark says what of an attestation could not be used.
func (r *round) attestationMark(i *issue, isUndated bool) mark {
	if !isUndated {
		return mark{}
	}
	done, _ := r.finished(i)
	return undated(done, "attestations", i)
}

// affectedBy are the services that an attestation that cannot be decoded may be
// about.
func (n *reviewState) affectedBy(i *issue) affected {
	for _, id := range []string{n.idOfParent(i.parent), i.id} {
		if services, ok := n.reviews[id]; ok {
			return affected{services: services}
		}
	}
	return affected{any: i.parent.Key == ""} // a parent that is no review affects none
}

// findLinks asks for the web links of attestations that need one and name none in
// their description. There is no call for many issues at once, so that only some
// are asked for in a round. notAsked are the services of the others, and of those
// whose links could not be read. err names one failure of each reason; after a
// failure that all calls would share, no more calls are made.
func (r *round) findLinks(ctx context.Context, next *reviewState) (notAsked map[string]bool, err error) {
	notAsked = map[string]bool{}
	failed := map[evidence.Reason]bool{}
	left := maxLinkRequests
	for _, i := range next.byKey() {
		services := next.servicesOf(i)
		if len(services) == 0 || !r.needsLink(i) {
			continue
		}
		link, known := "", false
		if left > 0 {
			left--
			var failure error
			if link, known, failure = r.api.remoteLink(ctx, i.key); failure != nil {
				reason := collectors.ReasonOf(ctx, failure)
				if !failed[reason] {
					failed[reason] = true
					err = errors.Join(err, fmt.Errorf("attestation %s: %w", i.key, failure))
				}
				if collectors.EndsRound(ctx, failure, evidence.ReasonCircuitOpen) {
					left = 0
				}
			}
		}
		if !known {
			for _, service := range services {
				notAsked[service] = true
			}
			continue
		}
		// The state of the round before has the same pointer, so that this is a copy.
		changed := *i
		changed.link, changed.webLinksRead = link, true
		next.attestations[i.id] = &changed
	}
	return notAsked, err
}

// needsLink reports whether a link would make one of the attestations valid.
func (r *round) needsLink(i *attestingIssue) bool {
	if i.webLinksRead || i.link != "" || !i.done {
		return false
	}
	linked := *i
	linked.link = "any"
	return slices.ContainsFunc(r.attestations, func(a Attestation) bool {
		_, made := i.made[fold(a.Label)]
		return made && a.NeedsLink && r.flaw(&linked, a) == ""
	})
}

// flaw is why the issue is no valid attestation of the check; empty when it is one.
func (r *round) flaw(i *attestingIssue, a Attestation) string {
	switch {
	case i.notDone != "":
		return "it was closed as " + i.notDone
	case !i.done:
		return "it is not done"
	case i.undated:
		return "it is not known when it was done"
	case i.madeAt(a).Add(a.ValidFor).Before(r.now):
		return fmt.Sprintf("it is older than %d days", a.ValidFor/day)
	case a.NeedsLink && i.link == "":
		return fmt.Sprintf("it has no link to evidence, which level %d needs", a.Level)
	case a.NeedsSecondPerson && i.closedByApp:
		return fmt.Sprintf("automation has closed it, and level %d needs a second person", a.Level)
	case a.NeedsSecondPerson && !i.acceptedByOther:
		return fmt.Sprintf("only its assignee has accepted it, and level %d needs a second person", a.Level)
	}
	return ""
}

// observeAttestations observes for every service that refers to the site which
// checks are attested.
func (r *round) observeAttestations(n *reviewState, notAsked map[string]bool) error {
	byService := map[string]map[string][]*attestingIssue{} // by label
	doubts := map[string]map[string]bool{}                 // by label
	for _, i := range n.byKey() {
		for _, service := range slices.Concat(n.doubted[n.idOfParent(i.parent)], n.doubted[i.id]) {
			if doubts[service] == nil {
				doubts[service] = map[string]bool{}
			}
			for label := range i.made {
				doubts[service][label] = true
			}
		}
		for _, service := range n.servicesOf(i) {
			if byService[service] == nil {
				byService[service] = map[string][]*attestingIssue{}
			}
			for label := range i.made {
				byService[service][label] = append(byService[service][label], i)
			}
		}
	}
	except := map[string]evidence.Missing{}
	for service := range notAsked {
		except[service] = evidence.MissingNotCollected
	}
	for _, a := range n.bad {
		r.exceptAll(except, a, cmp.Or(a.why, evidence.MissingUndecodable))
	}
	of := map[string]Attestation{}
	for _, a := range r.attestations {
		of[a.Fact.Name] = a
	}
	return r.observe(groupReviews, r.attestedFacts(), except, func(service, fact string) collectors.Answer {
		label := fold(of[fact].Label)
		answer := r.attest(of[fact], byService[service][label])
		if !answer.Value.Truth() && answer.Withdraw == "" && doubts[service][label] {
			return collectors.Answer{Withdraw: evidence.MissingUncounted}
		}
		return answer
	})
}

// attest answers whether a check is attested. One valid attestation is enough; the
// newest is named.
func (r *round) attest(a Attestation, issues []*attestingIssue) collectors.Answer {
	slices.SortStableFunc(issues, func(x, y *attestingIssue) int { return y.madeAt(a).Compare(x.madeAt(a)) })
	for _, i := range issues {
		if r.flaw(i, a) != "" {
			continue
		}
		made := i.madeAt(a)
		detail := "attestation " + i.String() + ", made " + stamp(made)
		if end := made.Add(a.ValidFor); !r.now.Before(end.Add(-expiring)) {
			detail += ", expires " + stamp(end) + ": make it again"
		}
		return collectors.Answer{Value: evidence.Bool(true), Since: made, Detail: detail}
	}
	if slices.ContainsFunc(issues, func(i *attestingIssue) bool { return i.undated }) {
		return collectors.Answer{Withdraw: evidence.MissingUncounted}
	}
	detail := "no issue with the label " + a.Label + " on a review"
	if len(issues) > 0 {
		detail = "attestation " + issues[0].String() + ": " + r.flaw(issues[0], a)
	}
	return collectors.Answer{Value: evidence.Bool(false), Detail: detail}
}
