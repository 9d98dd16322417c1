package correlation

import (
	"cmp"
	"maps"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
)

// Meter measures the incidents of services, of groups of them and by badge. It keeps
// what it has counted: a change of one incident costs that incident and the figures
// that it is part of, and so does one that enters or leaves a window as time passes.
// The figures are those that a new Meter with the same incidents gives.
type Meter struct {
	incidents table[counted]
	// ofFirst has the place of each incident here by where Links has its first record. Those
	// that are not of Links are never taken away.
	ofFirst []place
	// sets are the lists of services that incidents have, and setNumbers their numbers by
	// the services.
	sets       []serviceSet
	setNumbers map[string]uint32
	// notified are how often incidents notified people.
	notified        []notified
	notifiedNumbers map[notified]uint32
	// of has the incidents of each service, of the catalog or not.
	of map[string][]place
	// seen are the severities that the incidents of each service ever had.
	seen map[string]Severities

	// What is counted was counted by these, at this time or before it.
	options, badgeOptions Options
	at                    time.Time
	services              []groupedService
	history               BadgeHistory
	// members and keysOf are the groups of the services.
	members   map[groupKey]int
	keysOf    map[string][]groupKey
	byService map[string]*tally
	byGroup   map[groupKey]*tally
	groups    []groupKey
	// tiers has that of each service.
	tiers map[string]int
	// byBadge counts the incidents of services that held a badge.
	byBadge map[badgeKey]*tally
	// shared has what many sets of services have in common, and collections is the number of
	// times that durations were collected.
	shared      map[string]*sharedTallies
	collections int
	// observed are for durations that are collected, lists for those that are given out.
	observed scratch[observed]
	lists    scratch[observation]
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
		setNumbers: map[string]uint32{}, notifiedNumbers: map[notified]uint32{}, of: map[string][]place{},
		seen: map[string]Severities{},
	}
}

// Change takes incidents away and adds others, as Links.Update returns them.
func (m *Meter) Change(gone, added []*Incident) {
	for _, in := range gone {
		if int(in.first) >= len(m.ofFirst) || m.ofFirst[in.first] == 0 {
			continue
		}
		p := m.ofFirst[in.first]
		m.ofFirst[in.first] = 0
		c := m.incidents.at(p)
		m.count(c, -1)
		for _, service := range m.sets[c.services].services {
			drop(m.of, service, p)
		}
		m.incidents.remove(p)
	}
	for _, in := range added {
		set := m.set(in.Services)
		p := m.incidents.add(newCounted(in, set, m.notifiedOf(in)))
		if in.first != 0 {
			m.ofFirst = append(m.ofFirst, make([]place, max(int(in.first)+1-len(m.ofFirst), 0))...)
			m.ofFirst[in.first] = p
		}
		for _, service := range m.sets[set].services {
			add(m.of, service, p)
		}
	}
}

// set is the number of the services of an incident.
func (m *Meter) set(services []string) uint32 {
	key := strings.Join(services, "\x00")
	n, known := m.setNumbers[key]
	if !known {
		own := make([]string, len(services))
		for i, service := range services {
			own[i] = strings.Clone(service)
		}
		n = uint32(len(m.sets))
		m.setNumbers[strings.Clone(key)] = n
		m.sets = append(m.sets, serviceSet{services: own})
		m.place(&m.sets[n])
	}
	return n
}

// notifiedOf is the number of how often an incident notified people.
func (m *Meter) notifiedOf(in *Incident) uint32 {
	key := notified{in.Interruptions, in.Paging}
	n, known := m.notifiedNumbers[key]
	if !known {
		n = uint32(len(m.notified))
		m.notifiedNumbers[key], m.notified = n, append(m.notified, key)
	}
	return n
}

// incident is what figures need of an incident.
func (m *Meter) incident(c *counted) Incident {
	return c.incident(m.sets[c.services].services, m.notified[c.notified])
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
	for i, p := range m.of[service] {
		in := m.incident(m.incidents.at(p))
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
	var due []*counted
	for _, c := range m.incidents.all() {
		if c.is(countedThere) && mayBePast(c.due, now) {
			m.count(c, -1)
			due = append(due, c)
		}
	}
	m.at = now
	for _, c := range due {
		m.count(c, 1)
		c.due = m.next(c)
	}
	o.Doubts = doubts
	return m.measure(&o)
}

// begin has everything counted anew.
func (m *Meter) begin(services []*catalog.Service, o Options) {
	m.options, m.badgeOptions, m.history = o, Options{Windows: []Window{o.BadgeWindow}}, BadgeHistory{}
	m.members, m.keysOf = groupsOf(services)
	m.byService, m.byGroup = make(map[string]*tally, len(services)), make(map[groupKey]*tally, len(m.members))
	for k := range m.members {
		m.byGroup[k] = newTally(&m.options)
	}
	m.groups = sortedGroups(m.byGroup)
	for _, service := range services {
		t := newTally(&m.options)
		t.see(m.seen[service.Name])
		m.byService[service.Name] = t
		for _, k := range m.keysOf[service.Name] {
			m.byGroup[k].see(m.seen[service.Name])
		}
	}
	m.tiers, m.byBadge = make(map[string]int, len(services)), map[badgeKey]*tally{}
	for _, service := range services {
		m.tiers[service.Name] = service.Tier
	}
	m.placeAll()
	for _, c := range m.incidents.all() {
		c.bits, c.due = c.bits&^countedNow, 0
	}
}

// replaceHistory has the incidents of services counted anew whose badges were others
// than was known before.
func (m *Meter) replaceHistory(history BadgeHistory) {
	isChanged := false
	changed := func(service string) {
		isChanged = true
		for _, p := range m.of[service] {
			c := m.incidents.at(p)
			m.count(c, -1)
			c.due = 0
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
	if isChanged {
		m.placeAll()
	}
}

// placeAll is called when services, groups or badges are others.
func (m *Meter) placeAll() {
	m.shared = map[string]*sharedTallies{}
	for i := range m.sets {
		m.place(&m.sets[i])
	}
}

// count adds an incident to the tallies that it is part of, as it is at the time of the last
// measure, if it is not counted yet; sign is -1 to take it back. Since it was counted it has
// not come to count differently: whoever does is counted anew.
func (m *Meter) count(c *counted, sign int) {
	if c.is(countedNow) == (sign > 0) {
		return
	}
	in := m.incident(c)
	member := m.sets[c.services].at(c.started)
	for _, list := range [][]*tally{member.own, member.shared.tallies} {
		for _, t := range list {
			t.add(&in, sign, m.at)
		}
	}
	c.bits ^= countedNow
}

// next is the second from which on an incident that was counted now may count differently,
// but for what it has lasted while it is open.
func (m *Meter) next(c *counted) uint32 {
	at, now := int64(math.MaxInt64), momentOf(m.at)
	consider := func(moment int64) {
		if moment > now {
			at = min(at, moment)
		}
	}
	for _, moment := range [...]int64{c.started, c.acknowledged, c.machineAcknowledged, c.resolved} {
		consider(moment)
	}
	after := func(d time.Duration) { consider(momentOf(timeOf(c.started).Add(d))) }
	for _, within := range m.options.AcknowledgeWithin {
		after(within)
	}
	for _, w := range m.options.Windows {
		after(time.Duration(w))
	}
	after(time.Duration(m.options.BadgeWindow))
	if at == math.MaxInt64 {
		return never
	}
	return secondOf(timeOf(at))
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
	// outdated are the tallies whose figures are to be made anew.
	var outdated []*tally
	wanted := 0
	want := func(t *tally, d doubts) {
		if t.outdated(d) {
			t.doubted, wanted = d, t.collect(m.at, wanted)
			outdated = append(outdated, t)
		}
	}
	for service, t := range m.byService {
		want(t, ofService[service])
	}
	for k, t := range m.byGroup {
		want(t, ofGroup[k])
	}
	for _, t := range m.byBadge {
		want(t, doubts{})
	}
	var lists []observation
	if wanted > 0 {
		lists = m.observe(outdated)
	}
	eachAtOnce(len(outdated), func(i int) { outdated[i].measure() })
	m.lists.put(lists)
	out := Measured{Services: make(map[string]*Figures, len(m.byService))}
	out.Badges, out.TierBadges = m.perBadge(o)
	for service, t := range m.byService {
		if t.figures != nil {
			out.Services[service] = t.figures
		}
	}
	for _, k := range m.groups {
		if f := m.byGroup[k].figures; f != nil {
			out.Groups = append(out.Groups, GroupFigures{Scope: k.scope, Group: k.group, Services: m.members[k], Figures: *f})
		}
	}
	return out
}

// eachAtOnce calls f with each number from 0 to n - 1, as many at once as there are
// processors. Some take far longer than others, so that each begins when a processor is
// free.
func eachAtOnce(n int, f func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	all.Wait()
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
	if m.incidents.len() == 0 {
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
		f := figures[k]
		f.ServiceDays = exposure[k].Hours() / 24
		if t := m.byBadge[k]; t != nil && t.figures != nil {
			f.Incidents, f.Resolution = t.figures.Windows[0].Incidents, t.figures.Windows[0].Resolution
		}
		if k.tier == 0 {
			all = append(all, *f)
		} else {
			tiers = append(tiers, *f)
		}
	}
	return all, tiers
}
