package correlation

import (
	"fmt"
	"slices"
)

// serviceSet are services that incidents have in common, and what these incidents are part
// of.
type serviceSet struct {
	services []string
	// membership is in order of time. The first is for incidents of all times before the
	// second.
	membership []memberSince
}

// memberSince are the tallies that incidents are part of which began after a time, in
// nanoseconds since 1970: those of the services, and others that many services share.
type memberSince struct {
	since  int64
	own    []*tally
	shared *sharedTallies
}

// sharedTallies are those of groups, each once, and of the badges that services held, once
// for each service.
type sharedTallies struct {
	tallies []*tally
	// target is that of a collection, by the number of the collection.
	target     uint32
	collection int
}

// at is the number of the membership of an incident that began at a time.
func (s *serviceSet) at(started int64) *memberSince {
	i := len(s.membership) - 1
	for i > 0 && s.membership[i].since >= started {
		i--
	}
	return &s.membership[i]
}

// place finds out what the incidents of services are part of.
func (m *Meter) place(s *serviceSet) {
	var own []*tally
	var groups []groupKey
	times := []int64{noMoment}
	for _, service := range s.services {
		if t := m.byService[service]; t != nil {
			own = append(own, t)
		}
		for _, k := range m.keysOf[service] {
			if !slices.Contains(groups, k) {
				groups = append(groups, k)
			}
		}
		for _, span := range m.history.spans[service] {
			times = append(times, momentOf(span.since))
		}
	}
	slices.Sort(times)
	s.membership = nil
	for _, since := range slices.Compact(times) {
		var badges []badgeKey
		for _, service := range s.services {
			// Who began after a time has the badge that is held from then on.
			if badge, known := m.history.Before(service, timeOf(since+1)); known {
				badges = append(badges, m.badgeKeys(service, badge)...)
			}
		}
		s.membership = append(s.membership, memberSince{since, own, m.share(groups, badges)})
	}
}

// share finds the tallies of groups and badges.
func (m *Meter) share(groups []groupKey, badges []badgeKey) *sharedTallies {
	key := fmt.Sprintf("%q %v", groups, badges)
	if shared := m.shared[key]; shared != nil {
		return shared
	}
	shared := &sharedTallies{}
	for _, k := range groups {
		shared.tallies = append(shared.tallies, m.byGroup[k])
	}
	for _, k := range badges {
		if m.byBadge[k] == nil {
			m.byBadge[k] = newTally(&m.badgeOptions)
		}
		shared.tallies = append(shared.tallies, m.byBadge[k])
	}
	if m.shared != nil {
		m.shared[key] = shared
	}
	return shared
}
