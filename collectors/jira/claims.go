package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// linkLevel is the first level whose claims need a link to evidence (Gold),
	// and secondLevel the first whose claims somebody else than the assignee has
	// to accept (Platinum). From secondLevel on claims are good for half as long.
	linkLevel   = 3
	secondLevel = 4
	// goodFor and soonOld are how long claims are good, below secondLevel and
	// from it on. For the last expiring of it a claim says so.
	goodFor  = 365 * day
	soonOld  = 180 * day
	expiring = 30 * day
	// maxLinks is how many issues may be asked for their web links in a round.
	maxLinks = 200
)

// Attestation is a claim that may be made: an issue with the label, done, that
// is a sub-task of a review or the review itself.
type Attestation struct {
	// Check is the id of the check that is attested, Level its level, 1 to 5.
	// From level 3 on a claim needs a link: the first address in the description
	// or the first web link. From level 4 on somebody else than the assignee
	// must have moved it to done.
	Check string
	Level int
	// GoodFor is how long a claim is good from the time it was made. 0, and more
	// than that, mean 365 days, and 180 from level 4 on.
	GoodFor time.Duration
	// Label marks the issue: attest-cicd-no-drift.
	Label string
	// Fact is what is observed: whether there is a good claim. It is false when
	// Jira answered and there is none.
	Fact evidence.Definition
}

// claim is what was read of an issue with the label of a claim.
type claim struct {
	key, parent string
	// made is when each claim was made, by label in lower case: when the issue
	// came to be done, or the label was added if that was later.
	made map[string]time.Time
	done bool
	// link is the evidence; asked says that its web links were looked at too.
	link  string
	asked bool
	// second says that another than the assignee moved it to done.
	second  bool
	updated time.Time
}

// claim makes a claim of an issue.
func (r *round) claim(i *issue) *claim {
	c := &claim{key: clean(i.key), parent: clean(i.parent), made: map[string]time.Time{},
		link: firstURL(i.fields["description"]), updated: i.updated}
	end, done := r.finished(i)
	c.done = done
	if done {
		claimant := i.assignee
		if claimant == "" {
			claimant = i.reporter
		}
		c.second = end.by != "" && claimant != "" && end.by != claimant
	}
	for _, a := range r.attestations {
		if i.has(a.Label) {
			c.made[fold(a.Label)] = later(end.at, labelled(i, a.Label))
		}
	}
	if r.remembered != nil {
		// A web link that was found before need not be asked for again.
		if old := r.remembered.claims[c.key]; old != nil && old.link != "" && old.updated.Equal(c.updated) && c.link == "" {
			c.link = old.link
		}
	}
	return c
}

// on are the services of the review that the claim is on.
func (m *remembered) on(c *claim) []string {
	for _, key := range []string{c.parent, c.key} {
		if services, ok := m.reviews[key]; ok && key != "" {
			return services
		}
	}
	return nil
}

// findLinks asks for the web links of claims that need one and name none in
// their description. There is no call for many at once, so that only so many
// are asked for in a round; unasked are the services of the rest, and of those
// whose links could not be had. What that failed with is in err, each reason
// once; no more are asked for when they would fail like it.
func (r *round) findLinks(ctx context.Context, next *remembered) (unasked map[string]bool, err error) {
	unasked = map[string]bool{}
	failed := map[evidence.Reason]bool{}
	asked, given := 0, false
	for _, key := range slices.Sorted(maps.Keys(next.claims)) {
		c := next.claims[key]
		services := next.on(c)
		if c.asked || c.link != "" || !c.done || len(services) == 0 || !r.wantsLink(c) {
			continue
		}
		link, told := "", false
		if asked < maxLinks && !given {
			asked++
			var failure error
			if link, told, failure = r.api.remoteLink(ctx, key); failure != nil {
				reason := collectors.ReasonOf(ctx, failure)
				if !failed[reason] {
					failed[reason] = true
					err = errors.Join(err, fmt.Errorf("claim %s: %w", key, failure))
				}
				given = reason == evidence.ReasonCircuitOpen || hopeless(ctx, failure)
			}
		}
		if !told {
			for _, service := range services {
				unasked[service] = true
			}
			continue
		}
		// Claims are shared with the round before: a changed one is a new one.
		changed := *c
		changed.link, changed.asked = link, true
		next.claims[key] = &changed
	}
	return unasked, err
}

// wantsLink reports whether a link would make one of the claims good.
func (r *round) wantsLink(c *claim) bool {
	c2 := *c
	c2.link = "any"
	return slices.ContainsFunc(r.attestations, func(a Attestation) bool {
		_, made := c.made[fold(a.Label)]
		return made && a.Level >= linkLevel && r.flaw(&c2, a) == ""
	})
}

// lasts is how long a claim of the check is good.
func (a Attestation) lasts() time.Duration {
	most := goodFor
	if a.Level >= secondLevel {
		most = soonOld
	}
	if a.GoodFor > 0 {
		return min(a.GoodFor, most)
	}
	return most
}

// flaw is why the claim is not good for the check; empty when it is.
func (r *round) flaw(c *claim, a Attestation) string {
	lasts, made := a.lasts(), c.made[fold(a.Label)]
	switch {
	case !c.done:
		return "it is not done"
	case made.Add(lasts).Before(r.now):
		return "it is older than " + strconv.Itoa(int(lasts/day)) + " days"
	case a.Level >= linkLevel && c.link == "":
		return "it has no link to evidence, which level " + strconv.Itoa(a.Level) + " needs"
	case a.Level >= secondLevel && !c.second:
		return "nobody but its assignee has accepted it, which level " + strconv.Itoa(a.Level) + " needs"
	}
	return ""
}

// observeClaims observes for every service that refers to the site whether each
// claim is made and good.
func (r *round) observeClaims(m *remembered, unasked map[string]bool) error {
	byService := map[string]map[string][]*claim{} // by label
	for _, key := range slices.Sorted(maps.Keys(m.claims)) {
		c := m.claims[key]
		for _, service := range m.on(c) {
			labels := byService[service]
			if labels == nil {
				labels = map[string][]*claim{}
				byService[service] = labels
			}
			for label := range c.made {
				labels[label] = append(labels[label], c)
			}
		}
	}
	except := map[string]evidence.Missing{}
	for service := range unasked {
		except[service] = evidence.MissingNotCollected
	}
	for _, s := range m.bad {
		r.exceptAll(except, s, cmp.Or(s.why, evidence.MissingUndecodable))
	}
	batch := evidence.Batch{}
	for _, service := range r.mapping.referring {
		if except[service] != "" {
			continue
		}
		for _, a := range r.attestations {
			record := r.attest(a, byService[service][fold(a.Label)])
			record.Service, record.Fact, record.Source, record.ObservedAt = service, a.Fact.Name, r.id, r.now
			batch.Records = append(batch.Records, record)
		}
		if len(batch.Records) >= maxRecords {
			if err := r.send(batch); err != nil {
				return err
			}
			batch = evidence.Batch{}
		}
	}
	facts := make([]string, len(r.attestations))
	for n, a := range r.attestations {
		facts[n] = a.Fact.Name
	}
	batch.Covered = []evidence.Coverage{r.coverage(groupReviews, facts, except)}
	return r.send(batch)
}

// attest judges the claims of one check: one good claim is enough, the newest
// speaks for them.
func (r *round) attest(a Attestation, claims []*claim) evidence.Record {
	made := func(c *claim) time.Time { return c.made[fold(a.Label)] }
	slices.SortStableFunc(claims, func(x, y *claim) int { return made(y).Compare(made(x)) })
	for _, c := range claims {
		if r.flaw(c, a) == "" {
			detail := "claim " + where(c) + ", made " + stamp(made(c))
			if end := made(c).Add(a.lasts()); !r.now.Before(end.Add(-expiring)) {
				detail += ", expires " + stamp(end) + ": make it again"
			}
			return evidence.Record{Value: evidence.Bool(true), Since: made(c), Detail: detail}
		}
	}
	if len(claims) == 0 {
		return evidence.Record{Value: evidence.Bool(false), Detail: "no issue with the label " + a.Label + " on a review"}
	}
	return evidence.Record{Value: evidence.Bool(false), Detail: "claim " + where(claims[0]) + ": " + r.flaw(claims[0], a)}
}

func where(c *claim) string {
	if c.parent == "" {
		return c.key
	}
	return c.key + " on " + c.parent
}
