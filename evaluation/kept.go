package evaluation

import (
	"maps"
	"reflect"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// kept is what the last evaluation has left in memory, so that the next one judges only
// the services that something has happened to. It is nil before the first.
type kept struct {
	config *Config
	// at is the time of the evaluation, set its evidence. prior is the time of the
	// judgement before it.
	at, prior time.Time
	set       *evidence.Set
	services  map[string]*keptService
	// exemptions are those that the services were judged with.
	exemptions []scoring.Exemption
	shown      shown
	// gone are the services that only the state of the badges has.
	gone []string
	// advanced is false if the badges were loaded since: another process has advanced
	// them.
	advanced bool
}

// keptService is what is kept of one service. Its card is valid until the evidence of
// the service changes, or until the time.
type keptService struct {
	card *scoring.Scorecard
	// invalidated is what the card was judged by.
	invalidated map[string]time.Time
	// flipped is since when each check has had its status, nil if that is to be looked up.
	flipped map[string]time.Time
	until   time.Time
}

// due are the services whose cards may be others at a time than those that are kept.
func (j *judge) due(c *Config, set *evidence.Set, now time.Time) []*catalog.Service {
	services, last := c.Catalog.Services(), j.kept
	if last == nil || last.config != c || now.Before(last.at) || !sameExemptions(last.exemptions, j.exemptionsOf(c)) {
		return services
	}
	changed, all := set.Changed(last.set)
	if all {
		return services
	}
	isChanged := make(map[string]bool, len(changed))
	for _, service := range changed {
		isChanged[service] = true
	}
	var due []*catalog.Service
	for _, entry := range services {
		k := last.services[entry.Name]
		if k == nil || isChanged[entry.Name] || !now.Before(k.until) ||
			!maps.EqualFunc(k.invalidated, j.state.Invalidated[entry.Name], time.Time.Equal) {
			due = append(due, entry)
		}
	}
	return due
}

// continues reports whether the badges can be advanced service by service: all clocks
// have run since the last judgement, which was this judge's.
func (j *judge) continues(c *Config, now time.Time) bool {
	passed := now.Sub(j.at)
	return j.kept != nil && j.kept.config == c && j.kept.advanced && passed >= 0 && passed <= maxStep(c)
}

// maxStep is the most time that one judgement adds to a clock.
func maxStep(c *Config) time.Duration { return max(scoring.DefaultMaxStep, freshIntervals*c.Interval) }

// In the state of a judge the zero time is that of the last judgement: a badge that was
// judged then, and a machine's no that was repeated then. So nothing is written for a
// service that nothing happens to.

// dated are times of the state if the last judgement was at a time.
func dated(times map[string]time.Time, last time.Time) map[string]time.Time {
	out := maps.Clone(times)
	for key, at := range out {
		if at.IsZero() {
			out[key] = last
		}
	}
	return out
}

func sinceLast(at, last time.Time) time.Time {
	if at.Equal(last) {
		return time.Time{}
	}
	return at
}

// invalidatedOf are the invalidations of a service with their times.
func (j *judge) invalidatedOf(service string) map[string]time.Time {
	return dated(j.state.Invalidated[service], j.at)
}

// badgeOf is the badge of a service with its time.
func (j *judge) badgeOf(service string) (scoring.BadgeState, bool) {
	badge, known := j.state.Badges[service]
	if known && badge.At.IsZero() {
		badge.At = j.at
	}
	return badge, known
}

// before is the badge of a service after the last judgement. Evidence that supported the
// badge in that judgement has its time.
func (j *judge) before(service string) (scoring.BadgeState, bool) {
	badge, known := j.badgeOf(service)
	if !known || j.kept == nil || !j.kept.advanced || j.kept.services[service] == nil {
		return badge, known
	}
	k := j.kept.services[service]
	seen := k.card.Basis.Seen(j.kept.set.Row(service), dated(k.invalidated, j.kept.prior), j.at)
	replaceBasis(&badge, k.card.Basis, seen)
	return badge, known
}

// replaceBasis replaces a basis wherever it supports a badge.
func replaceBasis(badge *scoring.BadgeState, old, by *scoring.Basis) {
	if badge.Support == old {
		badge.Support = by
	}
	for _, b := range badge.Before {
		if b == old {
			before := maps.Clone(badge.Before)
			for held, b := range before {
				if b == old {
					before[held] = by
				}
			}
			badge.Before = before
			return
		}
	}
}

// exact are all badges as before has them.
func (j *judge) exact() map[string]scoring.BadgeState {
	badges := make(map[string]scoring.BadgeState, len(j.state.Badges))
	for service := range j.state.Badges {
		badges[service], _ = j.before(service)
	}
	return badges
}

// part is the state of the services that are judged and of those that have left the
// catalog.
func (j *judge) part(c *Config, cards []scoring.Scorecard) scoring.State {
	part := scoring.State{
		Badges: make(map[string]scoring.BadgeState, len(cards)), Invalidated: scoring.Invalidations{},
		Criteria: j.state.Criteria, Options: j.state.Options,
	}
	add := func(service string) {
		badge, known := j.before(service)
		if known {
			part.Badges[service] = badge
		}
		if invalidated := j.invalidatedOf(service); len(invalidated) > 0 {
			part.Invalidated[service] = invalidated
		}
	}
	for i := range cards {
		add(cards[i].Service)
	}
	for _, service := range j.gone(c) {
		add(service)
	}
	return part
}

// gone are the services with a badge that are not in the catalog.
func (j *judge) gone(c *Config) []string {
	if j.kept != nil && j.kept.config == c && j.kept.advanced {
		return j.kept.gone
	}
	var gone []string
	for service := range j.state.Badges {
		if _, listed := c.Catalog.Service(service); !listed {
			gone = append(gone, service)
		}
	}
	return gone
}

// loaded takes over a state that was read.
func (j *judge) loaded(state scoring.State) {
	for service, badge := range state.Badges {
		badge.At = sinceLast(badge.At, j.at)
		state.Badges[service] = badge
	}
	for _, invalidated := range state.Invalidated {
		for check, at := range invalidated {
			invalidated[check] = sinceLast(at, j.at)
		}
	}
	j.state = state
	if j.kept != nil {
		j.kept.advanced, j.kept.shown.services = false, nil
		for _, k := range j.kept.services {
			k.flipped = nil
		}
	}
}

// take makes a judgement of some services, which was stored, part of the state. before is
// what it was made of.
func (j *judge) take(
	c *Config, set *evidence.Set, cards []scoring.Scorecard, before, after scoring.State,
	statuses map[string]map[string]store.StatusSpan,
) {
	j.keep(c, set, cards)
	j.kept.prior, j.at = j.at, set.At()
	j.state.Criteria = after.Criteria
	for service := range before.Badges {
		if _, left := after.Badges[service]; !left {
			delete(j.state.Badges, service)
			delete(j.state.Invalidated, service)
			delete(j.statuses, service)
		}
	}
	maps.Copy(j.statuses, statuses)
	gone := make(map[string]bool)
	for service, badge := range after.Badges {
		gone[service] = true
		badge.At = sinceLast(badge.At, j.at)
		j.state.Badges[service] = badge
		invalidated := maps.Clone(after.Invalidated[service])
		for check, at := range invalidated {
			invalidated[check] = sinceLast(at, j.at)
		}
		if delete(j.state.Invalidated, service); len(invalidated) > 0 {
			j.state.Invalidated[service] = invalidated
		}
	}
	for i := range cards {
		service := cards[i].Service
		delete(gone, service)
		k, badge := j.kept.services[service], j.state.Badges[service]
		// What supports the badge now is what the card says, with the evidence of the last
		// judgement, whichever that is.
		replaceBasis(&badge, cards[i].Basis, k.card.Basis)
		j.state.Badges[service] = badge
		old, known := before.Badges[service]
		if !known || !sameClocks(old, badge) || !repeated(j.state.Invalidated[service], k.card) {
			k.until = j.at
		} else if until := badge.Until(k.card.Framework()); until.Before(k.until) {
			k.until = until
		}
	}
	j.kept.advanced, j.kept.gone = true, j.kept.gone[:0]
	for service := range gone {
		j.kept.gone = append(j.kept.gone, service)
	}
}

// sameClocks reports whether a judgement has left the state of a badge as it was, but
// for what every judgement replaces.
func sameClocks(a, b scoring.BadgeState) bool {
	for _, s := range []*scoring.BadgeState{&a, &b} {
		s.At, s.Support, s.Before = time.Time{}, nil, map[framework.Badge]*scoring.Basis(nil)
	}
	return reflect.DeepEqual(a, b)
}

// repeated reports whether each invalidation with the time of this judgement is a machine's
// no, which moves on with the judgements. One that a wrong clock had left with a later time
// does not.
func repeated(invalidated map[string]time.Time, card *scoring.Scorecard) bool {
	moving := 0
	for _, at := range invalidated {
		if at.IsZero() {
			moving++
		}
	}
	for i := range card.Checks {
		if card.Checks[i].MachineNo {
			moving--
		}
	}
	return moving == 0
}

// keep replaces the cards of the services that were judged.
func (j *judge) keep(c *Config, set *evidence.Set, cards []scoring.Scorecard) {
	last := j.kept
	if last == nil || last.config != c {
		last = &kept{config: c, services: make(map[string]*keptService, len(cards))}
	}
	for i := range cards {
		card := cards[i]
		card.Basis = card.Basis.WithoutFacts()
		last.services[card.Service] = &keptService{
			card: &card, invalidated: j.state.Invalidated[card.Service], until: card.Until,
		}
	}
	last.shown.judgedAnew(cards)
	last.set, last.at, last.exemptions = set, set.At(), j.exemptionsOf(c)
	j.kept = last
}

// sameExemptions reports whether both are the same slice: exemptions are made anew when
// they change.
func sameExemptions(x, y []scoring.Exemption) bool {
	return len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
}
