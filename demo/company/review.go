package company

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/prodready/collector/framework"
)

// Review is a production readiness review: a ticket with the claims made on it.
type Review struct {
	Key, Service string
	Created      time.Time
	// Completed is zero while the review goes on.
	Completed time.Time
	// Claims are the attestations, in check order.
	Claims []Claim
}

// Claim is one attestation: a sub-task of the review.
type Claim struct {
	Key, Check string
	// At is when it was made.
	At time.Time
	// By is who made it, Accepted who took it; ids of people.
	By, Accepted string
	// Link is the evidence it points to; empty for none.
	Link string
}

// Settling is how long after a review nothing is counted as its effect.
const Settling = 14 * day

// claimed are habits that teams like to claim and machines contradict.
func claimed() []string {
	return []string{
		"cicd.no-drift", "cicd.test-coverage", "obs.golden-signals", "rel.stable", "sec.hardened", "inc.answers-in-time",
	}
}

// reviews makes the reviews, each at a time that has nothing to do with how the
// service fared; some have only been opened.
func (b *builder) reviews() {
	for _, s := range b.Services {
		d := b.dice("review", s.Name)
		r := &Review{Service: s.Name}
		switch {
		case s.Reviewed:
			r.Created = b.ago(d.days(70, 320))
			r.Completed = r.Created.Add(d.days(10, 38))
		case d.chance(0.25):
			r.Created = b.ago(d.days(2, 20))
		default:
			continue
		}
		r.Key = b.ticketKey(s.Team.Project)
		b.claims(s, r)
		b.life[s.Name].review = r
		b.Reviews = append(b.Reviews, r)
	}
}

// claims makes the attestations that the practice needs, and now and then one
// that is not true. Those of levels 4 and 5 last half a year, so they have been
// made again since.
func (b *builder) claims(s *Service, r *Review) {
	if r.Completed.IsZero() {
		return
	}
	for _, c := range b.checks {
		d := b.dice("claim", s.Name, c.ID)
		wishful := slices.Contains(claimed(), c.ID) && s.Practice[c.ID].Shown == framework.ByMachine &&
			!s.Does(c.ID) && d.chance(0.3)
		honest := s.Does(c.ID) && s.Practice[c.ID].Shown == framework.ByAttested
		// What keeps a service from its next badge is not claimed: where nobody
		// looks the claim would be believed.
		if !honest && (!wishful || c.Level == int(s.Goal)+1) {
			continue
		}
		at := r.Completed.Add(-d.days(0.5, 6))
		if c.Level >= 4 && b.Now.Sub(at) > 150*day {
			at = b.ago(d.days(15, 140))
		}
		claim := Claim{
			Key: b.ticketKey(s.Team.Project), Check: c.ID, At: at,
			By: s.Team.People[1+d.IntN(len(s.Team.People)-1)].ID, Accepted: s.Team.People[0].ID,
		}
		if c.Level >= 3 || d.chance(0.7) {
			claim.Link = fmt.Sprintf("https://wiki.example.com/%s/evidence/%s", s.Name, c.ID)
		}
		r.Claims = append(r.Claims, claim)
	}
}

// reviewed reports whether the effect of a review is felt at the time.
func (l *life) reviewed(at time.Time) bool {
	return l.review != nil && !l.review.Completed.IsZero() && at.After(l.review.Completed.Add(Settling))
}

// ticketKey is the next free key of a project.
func (b *builder) ticketKey(project string) string {
	if b.ticketNumbers == nil {
		b.ticketNumbers = map[string]int{}
	}
	b.ticketNumbers[project]++
	return fmt.Sprintf("%s-%d", project, b.ticketNumbers[project])
}

// finish puts everything in order and numbers the incidents.
func (b *builder) finish() {
	for _, s := range b.Services {
		b.Incidents = append(b.Incidents, b.life[s.Name].incidents...)
	}
	sort.SliceStable(b.Incidents, func(i, j int) bool { return b.Incidents[i].Start.Before(b.Incidents[j].Start) })
	for i, in := range b.Incidents {
		in.Number = i + 1
		in.ID = identifier(b.Seed, "Q", "incident", strconv.Itoa(in.Number))
	}
	sort.SliceStable(b.Changes, func(i, j int) bool { return b.Changes[i].At.Before(b.Changes[j].At) })
	sort.SliceStable(b.Reviews, func(i, j int) bool { return b.Reviews[i].Created.Before(b.Reviews[j].Created) })
	sort.SliceStable(b.Tickets, func(i, j int) bool { return b.Tickets[i].Created.Before(b.Tickets[j].Created) })
}
