package review

import (
	"slices"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// New makes the review of a period. The same input gives the same review.
func New(in Input) *Review {
	b := newBuilder(in)
	r := &Review{
		Version: Version, Period: in.Period, Previous: b.previous, MadeAt: in.Snapshot.At.UTC().Truncate(time.Second),
		Scope: Scope{Team: in.Team, Org: in.Org, Services: len(b.services)}, Framework: b.fleet.Framework,
		Known: b.known(), Changes: b.changes(), Teams: b.lagging(), Adoption: b.adoption(),
		OnCall: b.onCall(), Exemptions: b.exemptions(), Reviews: b.reviews(), Feedback: b.feedback(),
		Incidents: b.incidents(), Noisiest: b.noisiest(), Effect: b.effect(),
	}
	r.Stale, r.StaleMore = b.stale()
	r.Late, r.Due = b.belowTargets()
	r.Kudos = b.kudos(r.Changes)
	r.Regressions = filter(r.Changes, func(c *Change) bool { return !c.Rose() })
	r.Summary = b.summary(r)
	return r
}

// builder makes the parts of a review.
type builder struct {
	Input
	at time.Time
	// previous is the period before, and end the end of what has passed of the period.
	previous Period
	end      time.Time
	fleet    report.Fleet
	// services are those of the scope, in name order, and rows their lines in the fleet.
	services []*snapshot.Service
	rows     map[string]*report.FleetRow
	ofName   map[string]*snapshot.Service
	history  correlation.BadgeHistory
	// badgesSince is since when badges are known, zero if none is.
	badgesSince time.Time
}

func newBuilder(in Input) *builder {
	s := in.Snapshot
	b := &builder{Input: in, at: s.At.UTC(), previous: in.Period.Previous(), end: earlier(in.Period.To, s.At.UTC()),
		fleet: report.NewFleet(s), rows: map[string]*report.FleetRow{}, ofName: map[string]*snapshot.Service{}}
	var held []correlation.BadgeHeld
	for i := range s.Services {
		service := &s.Services[i]
		entry := service.Entry
		if in.Team != "" && entry.Team != in.Team || in.Org != "" && entry.Org != in.Org {
			continue
		}
		b.services = append(b.services, service)
		b.ofName[entry.Name], b.rows[entry.Name] = service, &b.fleet.Services[i]
		first := service.Badge.FirstJudged
		held = append(held, correlation.BadgeHeld{Service: entry.Name, Badge: service.Badge.Badge, FirstJudged: first,
			Settling: service.Badge.Settling})
		if !first.IsZero() && !service.Badge.Settling && (b.badgesSince.IsZero() || first.Before(b.badgesSince)) {
			b.badgesSince = first
		}
	}
	if !b.badgesSince.IsZero() && b.badgesSince.Before(in.KeptSince) {
		b.badgesSince = in.KeptSince
	}
	b.badgesSince = b.badgesSince.UTC()
	var changes []correlation.BadgeChange
	for i := range in.Transitions {
		t := &in.Transitions[i]
		changes = append(changes, correlation.BadgeChange{Service: t.Service, At: t.At, From: t.From, To: t.To,
			Initial: t.Cause == scoring.CauseInitial})
	}
	b.history = correlation.NewBadgeHistory(held, changes)
	return b
}

// heldAt is the badge of a service right before a time.
func (b *builder) heldAt(service string, at time.Time) (badge framework.Badge, known bool) {
	if at.Before(b.badgesSince) {
		return framework.NoBadge, false
	}
	return b.history.Before(service, at)
}

// known says since when what is known.
func (b *builder) known() Known {
	k := Known{BadgesSince: b.badgesSince.Truncate(time.Second), Unfinished: b.end.Before(b.Period.To)}
	switch since := b.badgesSince; {
	case since.IsZero():
		k.Badges = "No badge is known yet."
	case !since.Before(b.end):
		k.Badges = "Badges are known from " + dayText(since) + " on, which is after this period."
	case since.After(b.Period.From):
		k.Badges = "Badges are known from " + dayText(since) + " on. What was before in this period is not known."
	case since.After(b.previous.From):
		k.Badges = "Badges are known from " + dayText(since) + " on, so that the previous period is not known" +
			partly(since.Before(b.previous.To)) + "."
	}
	if b.NoIncidents != "" || b.IncidentsSince.IsZero() {
		k.Incidents = orText(b.NoIncidents, "Incidents are not known.")
		return k
	}
	k.IncidentsSince, k.IncidentsUntil = b.IncidentsSince.UTC().Truncate(time.Second),
		b.IncidentsUntil.UTC().Truncate(time.Second)
	switch now, before := b.knownSpan(b.Period.From, b.end), b.knownSpan(b.previous.From, b.previous.To); {
	case now.none():
		k.Incidents = "The incidents of this period are not known" + b.incidentBounds() + "."
	case !now.whole:
		k.Incidents = "The incidents of this period are known in part" + b.incidentBounds() + "."
	case before.none():
		k.Incidents = "The incidents of the previous period are not known" + b.incidentBounds() + "."
	case !before.whole:
		k.Incidents = "The incidents of the previous period are known in part" + b.incidentBounds() + "."
	}
	return k
}

func (b *builder) incidentBounds() string {
	return ": incidents are known from " + dayText(b.IncidentsSince) + " to " + dayText(b.IncidentsUntil)
}

func partly(known bool) string {
	if known {
		return " as a whole"
	}
	return ""
}

// owner is who is responsible for a service; of one that has left the catalog only the
// name is known.
func (b *builder) owner(service string) Owner {
	o := Owner{Service: service}
	if s := b.ofName[service]; s != nil {
		o.Team, o.Org, o.Tier = s.Entry.Team, s.Entry.Org, s.Entry.Tier
	}
	return o
}

// inScope reports whether a service is part of the review. Without a team or org those
// that have left the catalog are, too.
func (b *builder) inScope(service string) bool {
	return b.ofName[service] != nil || b.Team == "" && b.Org == ""
}

func (b *builder) changes() []Change {
	list := []Change{}
	for i := range b.Transitions {
		t := &b.Transitions[i]
		if t.At.Before(b.Period.From) || !t.At.Before(b.end) || !b.inScope(t.Service) {
			continue
		}
		c := Change{
			Owner: b.owner(t.Service), At: t.At.UTC().Truncate(time.Second), From: t.From.String(), To: t.To.String(),
			Cause: string(t.Cause), Announced: t.Announced, Checks: []Flip{},
		}
		for _, cause := range t.Contributing {
			c.Contributing = append(c.Contributing, string(cause))
		}
		for _, f := range t.Flips {
			c.Checks = append(c.Checks, Flip{f.Check, f.Before, f.After})
		}
		if badge, known := b.heldAt(t.Service, b.end); known && t.To < t.From {
			c.Regained = badge >= t.From
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(x, y Change) int { return x.At.Compare(y.At) })
	return list
}

// news reports whether a change says something about the service.
func (c *Change) news() bool { return c.Announced && c.Cause == string(scoring.CauseEvidence) }

// levelOf is the level of a badge, 0 for none.
func levelOf(badge string) int {
	b, err := framework.ParseBadge(badge)
	if err != nil {
		return 0
	}
	return int(b)
}

// adoptionPoints is how many weeks or months adoption is shown for.
const adoptionPoints = 13

func (b *builder) adoption() Adoption {
	a := Adoption{At: b.Period.ends(adoptionPoints), Groups: []AdoptionOf{}}
	a.At[len(a.At)-1] = b.end.Truncate(time.Second)
	byOrg := map[string][]*snapshot.Service{}
	for _, s := range b.services {
		if s.Entry.Org != "" {
			byOrg[s.Entry.Org] = append(byOrg[s.Entry.Org], s)
		}
	}
	if len(b.services) > 0 {
		a.Groups = append(a.Groups, b.adoptionOf("all", b.services, a.At))
	}
	if len(byOrg) > 1 {
		for _, org := range sortedKeys(byOrg) {
			a.Groups = append(a.Groups, b.adoptionOf(org, byOrg[org], a.At))
		}
	}
	return a
}

func (b *builder) adoptionOf(org string, services []*snapshot.Service, at []time.Time) AdoptionOf {
	out := AdoptionOf{Org: org, Services: make([]*int, len(at)), Badged: make([]*int, len(at)),
		OnTarget: make([]*int, len(at))}
	for i, t := range at {
		judged, badged, onTarget := 0, 0, 0
		for _, s := range services {
			badge, known := b.heldAt(s.Entry.Name, t)
			if !known {
				continue
			}
			judged++
			badged += count(badge > framework.NoBadge)
			target, wanted := b.Snapshot.TargetOf(s)
			onTarget += count(wanted && badge >= target.Badge)
		}
		if judged > 0 {
			out.Services[i], out.Badged[i], out.OnTarget[i] = &judged, &badged, &onTarget
		}
	}
	return out
}
