package correlation

import (
	"cmp"
	"hash/maphash"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
)

// Meter measures the incidents of services, of groups of them and by badge. It keeps
// what it has counted: a change of one incident costs that incident and the figures
// that it is part of, and so does one that enters or leaves a window as time passes.
// The figures are those that a new Meter with the same incidents gives.
type Meter struct {
	// incidents has them by a hash of their first record, and loose those without records,
	// which are never taken away.
	incidents map[uint64]*counted
	loose     []*counted
	seed      maphash.Seed
	// sets are the lists of services that incidents have, by the services.
	sets map[string]*[]string
	// of has the incidents of each service, of the catalog or not.
	of map[string][]*counted
	// seen are the severities that the incidents of each service ever had.
	seen map[string]Severities

	// What is counted was counted by these, at this time or before it.
	options  Options
	at       time.Time
	services []groupedService
	history  BadgeHistory
	// members and keysOf are the groups of the services.
	members map[groupKey]int
	keysOf  map[string][]groupKey
	// waiting are incidents that have to be counted, due those that count
	// differently from a time on.
	waiting   []*counted
	due       schedule[*counted]
	byService map[string]*tally
	byGroup   map[groupKey]*tally
	groups    []groupKey
	// tiers has that of each service.
	tiers   map[string]int
	byBadge map[badgeKey]*badgeTally
}

// groupedService is what the groups of a service depend on.
type groupedService struct {
	name, org, team string
	tier            int
}

// badgeKey is a badge that services of a tier held; tier 0 is all tiers.
type badgeKey struct {
	tier  int
	badge framework.Badge
}

// badgeTally counts the incidents of services that held a badge.
type badgeTally struct {
	windowTally
	// measured is how long they lasted, nil if something has changed since then.
	measured *Summary
}

// Measured are the figures of one time.
type Measured struct {
	// Services has each service of the catalog that ever had an incident, or may have
	// had one, by name.
	Services map[string]*Figures
	// Groups has each group of services of the catalog that ever had an incident, or
	// may have had one, by scope and group. A service without a team or org is in no
	// group of that scope.
	Groups []GroupFigures
	// Badges has each badge that was held within the window, none included, in order, by
	// the badge held right before each incident, so that an incident does not count for
	// the badge that it cost. Incidents before a service's first judgement are left out,
	// and so is that time. There are none if no incident was ever seen: then there may be
	// no source of incidents.
	Badges []BadgeFigures
	// TierBadges has the same of the services of each tier, by tier and badge.
	TierBadges []BadgeFigures
}

// NewMeter has no incidents.
func NewMeter() *Meter {
	return &Meter{
		incidents: map[uint64]*counted{}, seed: maphash.MakeSeed(), sets: map[string]*[]string{},
		of: map[string][]*counted{}, seen: map[string]Severities{},
	}
}

// Change takes incidents away and adds others, as Links.Update returns them.
func (m *Meter) Change(gone, added []*Incident) {
	for _, in := range gone {
		if len(in.Records) == 0 {
			continue
		}
		key := maphash.Comparable(m.seed, in.Records[0])
		c := m.incidents[key]
		if c == nil {
			continue
		}
		m.count(c, -1)
		c.bits |= countedGone
		delete(m.incidents, key)
		for _, service := range *c.services {
			drop(m.of, service, c)
		}
	}
	for _, in := range added {
		c := newCounted(in, m.set(in.Services))
		if len(in.Records) > 0 {
			m.incidents[maphash.Comparable(m.seed, in.Records[0])] = c
		} else {
			m.loose = append(m.loose, c)
		}
		m.waiting = append(m.waiting, c)
		for _, service := range *c.services {
			add(m.of, service, c)
		}
	}
}

// set is the list of the same services that incidents share.
func (m *Meter) set(services []string) *[]string {
	key := strings.Join(services, "\x00")
	set := m.sets[key]
	if set == nil {
		own := make([]string, len(services))
		for i, service := range services {
			own[i] = strings.Clone(service)
		}
		set = &own
		m.sets[strings.Clone(key)] = set
	}
	return set
}

// See marks a severity that an incident of a service had, whenever it was. One that is
// none counts as unknown.
func (m *Meter) See(service string, severity int) {
	severity = knownSeverity(severity)
	marked := m.seen[service]
	if marked[severity] {
		return
	}
	marked[severity] = true
	m.seen[service] = marked
	if t := m.byService[service]; t != nil {
		t.see(marked)
	}
	for _, k := range m.keysOf[service] {
		m.byGroup[k].see(marked)
	}
}

// Of lists the incidents of a service, in any order, without their records and templates.
func (m *Meter) Of(service string) []*Incident {
	list := make([]*Incident, len(m.of[service]))
	for i, c := range m.of[service] {
		in := c.incident()
		list[i] = &in
	}
	return list
}

// Measure returns the figures at a time. Incidents must be those since Options.Since,
// and the history complete since then.
func (m *Meter) Measure(services []*catalog.Service, history BadgeHistory, o Options, now time.Time) Measured {
	doubts := o.Doubts
	o.Doubts = nil
	o = o.withDefaults()
	grouped := make([]groupedService, len(services))
	for i, s := range services {
		grouped[i] = groupedService{s.Name, s.Org, s.Team, s.Tier}
	}
	if m.byGroup == nil || now.Before(m.at) || !slices.Equal(grouped, m.services) || !reflect.DeepEqual(o, m.options) {
		m.begin(services, o)
		m.services = grouped
	}
	m.replaceHistory(history)
	for {
		c, ok := m.due.next(func(at time.Time) bool { return !at.After(now) })
		if !ok {
			break
		}
		m.countAnew(c)
	}
	m.at = now
	for _, c := range m.waiting {
		if c.bits&countedGone != 0 || c.at != notCounted {
			continue
		}
		c.at = momentOf(now)
		m.count(c, 1)
		in := c.incident()
		if next, ok := m.next(&in); ok {
			m.due.add(next, c)
		}
	}
	m.waiting = nil
	o.Doubts = doubts
	return m.measure(&o)
}

// begin has everything counted anew.
func (m *Meter) begin(services []*catalog.Service, o Options) {
	m.options, m.due, m.history, m.waiting = o, schedule[*counted]{}, BadgeHistory{}, nil
	m.members, m.keysOf = groupsOf(services)
	m.byService, m.byGroup = make(map[string]*tally, len(services)), make(map[groupKey]*tally, len(m.members))
	for k := range m.members {
		m.byGroup[k] = newTally(&o)
	}
	m.groups = sortedGroups(m.byGroup)
	for _, service := range services {
		t := newTally(&o)
		t.see(m.seen[service.Name])
		m.byService[service.Name] = t
		for _, k := range m.keysOf[service.Name] {
			m.byGroup[k].see(m.seen[service.Name])
		}
	}
	m.tiers, m.byBadge = make(map[string]int, len(services)), map[badgeKey]*badgeTally{}
	for _, service := range services {
		m.tiers[service.Name] = service.Tier
	}
	m.waiting = slices.AppendSeq(slices.Clone(m.loose), maps.Values(m.incidents))
	for _, c := range m.waiting {
		c.at = notCounted
	}
}

// countAnew takes back what an incident has added and has it counted again.
func (m *Meter) countAnew(c *counted) {
	if c.bits&countedGone == 0 && c.at != notCounted {
		m.count(c, -1)
		m.waiting = append(m.waiting, c)
	}
}

// replaceHistory has the incidents of services counted anew whose badges were others
// than was known before.
func (m *Meter) replaceHistory(history BadgeHistory) {
	changed := func(service string) {
		for _, c := range m.of[service] {
			m.countAnew(c)
		}
	}
	for service, spans := range history.spans {
		if !slices.EqualFunc(spans, m.history.spans[service], badgeSpan.equal) {
			changed(service)
		}
	}
	for service := range m.history.spans {
		if _, there := history.spans[service]; !there {
			changed(service)
		}
	}
	m.history = history
}

// count adds an incident to the tallies that it is part of, as it was when it was
// counted; sign is -1 to take it back.
func (m *Meter) count(c *counted, sign int) {
	if c.at == notCounted {
		return
	}
	in, at := c.incident(), timeOf(c.at)
	// Most incidents are of one service, and few are of services of several groups.
	var groups []groupKey
	for _, service := range *c.services {
		if t := m.byService[service]; t != nil {
			t.add(&in, sign, at, &m.options)
		}
		for _, k := range m.keysOf[service] {
			if !slices.Contains(groups, k) {
				groups = append(groups, k)
				m.byGroup[k].add(&in, sign, at, &m.options)
			}
		}
		if badge, known := m.history.Before(service, in.StartedAt); known && counts(&in, m.options.BadgeWindow, at) {
			for _, k := range m.badgeKeys(service, badge) {
				if m.byBadge[k] == nil {
					m.byBadge[k] = &badgeTally{}
				}
				m.byBadge[k].addResolution(&in, sign, at)
				m.byBadge[k].measured = nil
			}
		}
	}
	if sign < 0 {
		c.at = notCounted
	}
}

// next is when an incident that was counted now will count differently, but for what
// it has lasted while it is open.
func (m *Meter) next(in *Incident) (at time.Time, ok bool) {
	consider := func(t time.Time) {
		if t.After(m.at) && (!ok || t.Before(at)) {
			at, ok = t, true
		}
	}
	for _, t := range []time.Time{in.StartedAt, in.AcknowledgedAt, in.MachineAcknowledgedAt, in.ResolvedAt} {
		consider(t)
	}
	for _, within := range m.options.AcknowledgeWithin {
		consider(in.StartedAt.Add(within))
	}
	for _, w := range m.options.Windows {
		consider(in.StartedAt.Add(time.Duration(w)))
	}
	consider(in.StartedAt.Add(time.Duration(m.options.BadgeWindow)))
	return at, ok
}

// measure makes the figures of what is counted.
func (m *Meter) measure(o *Options) Measured {
	ofService, ofGroup := map[string]doubts{}, map[groupKey]doubts{}
	for service, d := range o.Doubts {
		if m.byService[service] == nil {
			continue
		}
		ofService[service] = doubts{}.with(d, o, m.at)
		for _, k := range m.keysOf[service] {
			ofGroup[k] = ofGroup[k].with(d, o, m.at)
		}
	}
	out := Measured{Services: make(map[string]*Figures, len(m.byService))}
	out.Badges, out.TierBadges = m.perBadge(o)
	for service, t := range m.byService {
		if f := t.measure(ofService[service], o, m.at); f != nil {
			out.Services[service] = f
		}
	}
	for _, k := range m.groups {
		if f := m.byGroup[k].measure(ofGroup[k], o, m.at); f != nil {
			out.Groups = append(out.Groups, GroupFigures{Scope: k.scope, Group: k.group, Services: m.members[k], Figures: *f})
		}
	}
	return out
}

// badgeKeys are those that a service counts for that holds a badge.
func (m *Meter) badgeKeys(service string, badge framework.Badge) []badgeKey {
	keys := []badgeKey{{badge: badge}}
	if tier := m.tiers[service]; tier > 0 {
		keys = append(keys, badgeKey{tier, badge})
	}
	return keys
}

// perBadge makes the figures of badges, of all services and of those of each tier.
func (m *Meter) perBadge(o *Options) (all, tiers []BadgeFigures) {
	if len(m.incidents)+len(m.loose) == 0 {
		return nil, nil
	}
	w := o.BadgeWindow
	figures, exposure := map[badgeKey]*BadgeFigures{}, map[badgeKey]time.Duration{}
	for service := range m.history.spans {
		doubt, doubted := o.Doubts[service]
		doubted = doubted && withinOf(doubt, w, m.at)
		m.history.held(service, m.at.Add(-time.Duration(w)), m.at, func(b framework.Badge, d time.Duration) {
			for _, k := range m.badgeKeys(service, b) {
				if figures[k] == nil {
					figures[k] = &BadgeFigures{Tier: k.tier, Badge: b, Window: w}
				}
				exposure[k] += d
				figures[k].Incomplete = figures[k].Incomplete || doubted
			}
		})
	}
	for _, k := range slices.SortedFunc(maps.Keys(figures), func(a, b badgeKey) int {
		return cmp.Or(a.tier-b.tier, int(a.badge-b.badge))
	}) {
		f, t := figures[k], m.byBadge[k]
		f.ServiceDays = exposure[k].Hours() / 24
		if t == nil {
			t = &badgeTally{}
		}
		if t.measured == nil || t.resolution.growing() > 0 {
			summary := t.resolution.summary(m.at, t.timedOut)
			t.measured = &summary
		}
		f.Incidents, f.Resolution = t.incidents, *t.measured
		if k.tier == 0 {
			all = append(all, *f)
		} else {
			tiers = append(tiers, *f)
		}
	}
	return all, tiers
}
