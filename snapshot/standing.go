package snapshot

import (
	"slices"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/scoring"
)

// StandingOf is how ready a service was when a card was judged, for
// correlation.CompareServices: without checks that read facts about incidents or alerts.
// The badge is the one that all valid evidence proves.
func StandingOf(card *scoring.Scorecard) correlation.Standing {
	without := card.WithoutOutcomes()
	s := correlation.Standing{
		Service: card.Service, Since: card.At,
		Score: without.Score.Lower, HasScore: without.HasScore, Badge: without.Badge.Lower,
	}
	for i := range without.Checks {
		switch r := &without.Checks[i]; r.Status {
		case scoring.Pass:
			s.Passing = append(s.Passing, r.Check.ID)
		case scoring.Fail:
			s.Failing = append(s.Failing, r.Check.ID)
		}
	}
	return s
}

// StatusSpan is a status that a check of a service had for a while.
type StatusSpan struct {
	Check  string
	Status scoring.Status
	Since  time.Time
	// Until is zero for the present status.
	Until time.Time
}

// Standings are those of a service from a time to the one of its card. spans are the
// statuses that ended after that time, and the present ones that began after it; a check
// of which there is none has had the status of the card since before. A check that has a
// later one only was not judged. By which kind of proof a check passed is known only for
// as long as its status is that of the card: limits on attestations count nothing before.
func Standings(card *scoring.Scorecard, spans []StatusSpan, from time.Time) []correlation.Standing {
	byCheck := map[string][]StatusSpan{}
	times := []time.Time{from}
	for _, s := range spans {
		byCheck[s.Check] = append(byCheck[s.Check], s)
		for _, at := range []time.Time{s.Since, s.Until} {
			if at.After(from) && at.Before(card.At) {
				times = append(times, at)
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	var out []correlation.Standing
	for _, at := range times {
		then := *card
		then.At, then.Checks = at, slices.Clone(card.Checks)
		for i := range then.Checks {
			r := &then.Checks[i]
			if own := byCheck[r.Check.ID]; len(own) > 0 {
				become(r, statusAt(own, at))
			}
		}
		out = append(out, StandingOf(&then))
	}
	return out
}

// statusAt is the status of a check at a time: not applicable if none is known.
func statusAt(spans []StatusSpan, at time.Time) scoring.Status {
	for _, s := range spans {
		if !at.Before(s.Since) && (s.Until.IsZero() || at.Before(s.Until)) {
			return s.Status
		}
	}
	return scoring.NotApplicable
}

// become gives a result a status of the past.
func become(r *scoring.CheckResult, status scoring.Status) {
	if r.Status != status {
		*r = scoring.CheckResult{Check: r.Check, Status: status, Verdict: status, Fresh: status}
	}
}
