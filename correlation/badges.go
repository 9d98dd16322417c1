package correlation

import (
	"slices"
	"time"

	"github.com/prodready/collector/framework"
)

// BadgeHeld is the badge that a service holds now.
type BadgeHeld struct {
	Service string
	Badge   framework.Badge
	// FirstJudged is when the service was first judged.
	FirstJudged time.Time
	// Settling is true while the first judgement is not complete.
	Settling bool
}

// BadgeChange is one change of a badge.
type BadgeChange struct {
	Service  string
	At       time.Time
	From, To framework.Badge
	// Initial marks changes that complete the first judgement.
	Initial bool
}

// BadgeHistory knows which badge a service held at a time.
type BadgeHistory struct{ spans map[string][]badgeSpan }

// badgeSpan is a badge and since when it was held, to the next span.
type badgeSpan struct {
	since time.Time
	badge framework.Badge
}

// NewBadgeHistory is made of the badges held now and of how they changed, in any
// order. The changes must be complete for the time that is looked up. A service's
// history begins when its first judgement is complete: until its sources have
// answered it has no badge because evidence is missing.
func NewBadgeHistory(held []BadgeHeld, changes []BadgeChange) BadgeHistory {
	of := map[string][]BadgeChange{}
	for _, c := range changes {
		of[c.Service] = append(of[c.Service], c)
	}
	h := BadgeHistory{spans: make(map[string][]badgeSpan, len(held))}
	for _, b := range held {
		if b.Settling || b.FirstJudged.IsZero() || !aBadge(b.Badge) {
			continue
		}
		// A service that left the catalog and came back was judged anew.
		own := slices.DeleteFunc(of[b.Service], func(c BadgeChange) bool { return c.At.Before(b.FirstJudged) })
		slices.SortStableFunc(own, func(x, y BadgeChange) int { return x.At.Compare(y.At) })
		own = slices.DeleteFunc(own, func(c BadgeChange) bool { return !aBadge(c.From) || !aBadge(c.To) })
		first := badgeSpan{b.FirstJudged, b.Badge}
		if len(own) > 0 {
			first.badge = own[0].From
		}
		spans := []badgeSpan{first}
		for _, c := range own {
			next := badgeSpan{c.At, c.To}
			if c.Initial {
				spans = spans[:0]
			}
			spans = append(spans, next)
		}
		h.spans[b.Service] = spans
	}
	return h
}

// aBadge reports whether a badge is one, which a store written by another version
// does not promise.
func aBadge(b framework.Badge) bool { return b >= framework.NoBadge && b <= framework.Diamond }

// Since is when the history of a service begins. It has no value before its first
// judgement is complete.
func (h BadgeHistory) Since(service string) (time.Time, bool) {
	spans := h.spans[service]
	if len(spans) == 0 {
		return time.Time{}, false
	}
	return spans[0].since, true
}

// Before is the badge that the service held right before a time. It has no
// value before its first judgement.
func (h BadgeHistory) Before(service string, at time.Time) (framework.Badge, bool) {
	spans := h.spans[service]
	for _, span := range slices.Backward(spans) {
		if span.since.Before(at) {
			return span.badge, true
		}
	}
	return framework.NoBadge, false
}

// held is how long the service held each badge between two times.
func (h BadgeHistory) held(service string, from, to time.Time, add func(framework.Badge, time.Duration)) {
	spans := h.spans[service]
	for i, s := range spans {
		begin, end := s.since, to
		if begin.Before(from) {
			begin = from
		}
		if i+1 < len(spans) && spans[i+1].since.Before(end) {
			end = spans[i+1].since
		}
		if end.After(begin) {
			add(s.badge, end.Sub(begin))
		}
	}
}

// BadgeFigures are about the incidents of services that held a badge when they
// began. Those of all tiers are not stratified: important services may both hold higher
// badges and have more incidents.
type BadgeFigures struct {
	// Tier is 0 for services of all tiers.
	Tier   int
	Badge  framework.Badge
	Window Window
	// Incidents counts an incident once for each of its services that held the
	// badge.
	Incidents int
	// Incomplete is true if there may be more, which could not be used.
	Incomplete bool
	// ServiceDays is how long services held the badge within the window.
	ServiceDays float64
	// Resolution is how long these incidents lasted.
	Resolution Summary
}

// LeastServiceDays is the exposure below which there is no rate.
const LeastServiceDays = 1

// Rate is the number of incidents per service and day. It has no value when the
// badge was held for less than LeastServiceDays.
func (b BadgeFigures) Rate() (float64, bool) {
	if b.ServiceDays < LeastServiceDays {
		return 0, false
	}
	return float64(b.Incidents) / b.ServiceDays, true
}

func (s badgeSpan) equal(other badgeSpan) bool {
	return s.badge == other.badge && s.since.Equal(other.since)
}
