package correlation

import (
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// Outcome is what a review may change. The set is closed.
type Outcome string

// The outcomes. Each is a label of metrics.
const (
	// ResolutionTime is how long episodes last that a person handled.
	ResolutionTime Outcome = "resolution_time"
	// AcknowledgementTime is how long it takes a person to acknowledge an episode that
	// paged, of those that a person acknowledged.
	AcknowledgementTime Outcome = "acknowledgement_time"
	// IncidentRate is the number of episodes per service and day.
	IncidentRate Outcome = "incident_rate"
	// NoiseShare is the share of incidents that paged that are in any class of noise.
	NoiseShare Outcome = "noise_share"
)

// Outcomes lists the closed set, the primary one first.
func Outcomes() []Outcome {
	return []Outcome{ResolutionTime, AcknowledgementTime, IncidentRate, NoiseShare}
}

// shortestAcknowledgement bounds how long an acknowledgement takes: people answer in
// seconds, and one second less is no effect.
const shortestAcknowledgement = 10 * time.Second

// EffectHistory is how far back the effects of reviews are estimated from.
const EffectHistory = 760 * 24 * time.Hour

// EffectInput is what effects are estimated from. Its types, and those of Effects, are
// stable: commands, metrics and reports may be built on them.
type EffectInput struct {
	// Services are those of the catalog.
	Services []*catalog.Service
	// Incidents are those of Links since EffectHistory and LinkWithin before now.
	Incidents []*Incident
	// KnownSince is from when on all incidents are known; zero means: for longer than
	// EffectHistory. What was before counts neither as quiet nor at all.
	KnownSince time.Time
	// Treatments are those of ReviewTreatments or BadgeTreatments.
	Treatments []effect.Treatment
	// Options are those of the estimator. Its History, FollowUp, Shortest and Longest are
	// set here.
	Options effect.Options
}

// Effect is that of one treatment on one outcome in a scope.
type Effect struct {
	Outcome Outcome
	Scope   Scope
	// Group is the tier or team, or FleetGroup.
	Group string
	effect.Estimate
}

// Primary reports whether it is the one whose verdict is not corrected for the number of
// verdicts: that of the fleet on resolution time.
func (e *Effect) Primary() bool { return e.Scope == ScopeFleet && e.Outcome == ResolutionTime }

// Effects are those of one kind of treatment.
type Effects struct {
	// At is when they were estimated.
	At time.Time
	// Verdicts has the fleet and each tier with each outcome, the primary one first.
	Verdicts []Effect
	// Teams has each team with each outcome. Teams are too small for verdicts: Verdict is
	// empty or InsufficientData, and there are no placebos.
	Teams []Effect
	// LeftOut is how many episodes do not count for resolution time, and why.
	LeftOut LeftOut
}

// LeftOut is how many episodes do not count for resolution time, by the first reason that
// holds.
type LeftOut struct {
	// Maintenance were within maintenance, TimedOut were closed by a time-out, FalseAlarm
	// are those of which a person said that nothing was wrong, and NotHandled are those
	// that no person acknowledged or resolved.
	Maintenance, TimedOut, FalseAlarm, NotHandled int
	// Unknown are those of which the end, or whether a person handled them, is not known.
	Unknown int
	// Counted are those that count, once they began a week ago.
	Counted int
	// Unclassified are incidents that paged of which it is not known whether they are
	// noise: they do not count for the noise share.
	Unclassified int
}

// ReviewTreatments are the reviews as treatments: from the creation of a ticket to its
// completion. A ticket that is gone or was closed as not done is none; of one that was
// closed without a known time it is known that it began.
func ReviewTreatments(reviews []evidence.Review) []effect.Treatment {
	var out []effect.Treatment
	for i := range reviews {
		r := &reviews[i]
		if r.Gone || r.Status == evidence.ReviewNotDone {
			continue
		}
		t := effect.Treatment{Service: r.Service, From: r.CreatedAt}
		if r.Status == evidence.ReviewDone {
			t.Until = r.CompletedAt
		}
		out = append(out, t)
	}
	return out
}

// BadgeTreatments are the first times that services reached a badge, as treatments.
// Who reaches a badge is not decided by chance, so that effects of these are
// observational: whoever has time for readiness may have time for incidents, too. A
// service that had the badge when it was first judged is neither treated nor untreated.
func BadgeTreatments(badge framework.Badge, held []BadgeHeld, changes []BadgeChange) []effect.Treatment {
	var out []effect.Treatment
	history := NewBadgeHistory(held, changes)
	for _, b := range held {
		spans := history.spans[b.Service]
		if len(spans) == 0 {
			continue
		}
		if spans[0].badge >= badge {
			out = append(out, effect.Treatment{Service: b.Service, From: time.Unix(0, 0)})
			continue
		}
		if i := slices.IndexFunc(spans, func(s badgeSpan) bool { return s.badge >= badge }); i > 0 {
			out = append(out, effect.Treatment{Service: b.Service, From: spans[i].since, Until: spans[i].since})
		}
	}
	return out
}

// EstimateEffects estimates the effects of treatments, as known at a time.
func EstimateEffects(in EffectInput, now time.Time) Effects {
	events, left := eventsOf(in.Incidents, now)
	out := Effects{At: now, LeftOut: left}
	_, keysOf := groupsOf(in.Services)
	members := map[groupKey][]effect.Service{}
	for _, s := range in.Services {
		for _, key := range keysOf[s.Name] {
			members[key] = append(members[key], effect.Service{Name: s.Name, Since: in.KnownSince})
		}
	}
	treated := map[string][]effect.Treatment{}
	for _, t := range in.Treatments {
		treated[t.Service] = append(treated[t.Service], t)
	}
	for _, key := range sortedGroups(members) {
		if key.scope == ScopeOrg {
			continue
		}
		for _, outcome := range Outcomes() {
			e := in.estimate(key, outcome, members[key], treated, events[outcome], now)
			if key.scope == ScopeTeam {
				out.Teams = append(out.Teams, e)
			} else {
				out.Verdicts = append(out.Verdicts, e)
			}
		}
	}
	var secondary []*effect.Estimate
	for i := range out.Verdicts {
		if e := &out.Verdicts[i]; !e.Primary() {
			secondary = append(secondary, &e.Estimate)
		}
	}
	effect.Correct(secondary)
	return out
}

// EstimatePrimary estimates the primary effect alone: that of all services on resolution
// time. It is that of EstimateEffects.
func EstimatePrimary(in EffectInput, now time.Time) Effect {
	events, _ := eventsOf(in.Incidents, now)
	services := make([]effect.Service, 0, len(in.Services))
	treated := map[string][]effect.Treatment{}
	for _, s := range in.Services {
		services = append(services, effect.Service{Name: s.Name, Since: in.KnownSince})
	}
	for _, t := range in.Treatments {
		treated[t.Service] = append(treated[t.Service], t)
	}
	key := groupKey{ScopeFleet, FleetGroup}
	return in.estimate(key, ResolutionTime, services, treated, events[ResolutionTime], now)
}

// estimate estimates one effect.
func (in *EffectInput) estimate(
	key groupKey, outcome Outcome, services []effect.Service, treated map[string][]effect.Treatment,
	events map[string][]effect.Event, now time.Time,
) Effect {
	var ownTreatments []effect.Treatment
	var own []effect.Event
	for _, s := range services {
		ownTreatments = append(ownTreatments, treated[s.Name]...)
		own = append(own, events[s.Name]...)
	}
	o := in.Options
	o.History, o.FollowUp, o.Shortest, o.Longest = EffectHistory, 0, 0, 0
	measure := effect.Times
	switch outcome {
	case AcknowledgementTime:
		o.Shortest = shortestAcknowledgement
	case IncidentRate:
		measure = effect.Rates
	case NoiseShare:
		measure = effect.Shares
	}
	if key.scope == ScopeTeam {
		o.Shuffles = -1
	}
	e := Effect{
		Outcome: outcome, Scope: key.scope, Group: key.group,
		Estimate: effect.Of(measure, services, ownTreatments, own, o, now),
	}
	if key.scope == ScopeTeam && e.Verdict != effect.InsufficientData {
		e.Verdict = ""
	}
	return e
}

// eventsOf are the events of each outcome by service.
func eventsOf(incidents []*Incident, now time.Time) (map[Outcome]map[string][]effect.Event, LeftOut) {
	events := map[Outcome]map[string][]effect.Event{}
	for _, o := range Outcomes() {
		events[o] = map[string][]effect.Event{}
	}
	add := func(o Outcome, e effect.Event) { events[o][e.Service] = append(events[o][e.Service], e) }
	var left LeftOut
	episodes := episodesOf(incidents, now)
	for i := range episodes {
		e := &episodes[i]
		event := effect.Event{Service: e.service, At: e.start(), Severity: e.severity()}
		if e.maintenance() {
			left.Maintenance++
			continue
		}
		add(IncidentRate, event)
		if d, known := e.acknowledgement(now); known && !e.falseAlarm() {
			acknowledged := event
			acknowledged.Duration = d
			add(AcknowledgementTime, acknowledged)
		}
		if d, counts := left.resolution(e, now); counts {
			event.Duration = d
			add(ResolutionTime, event)
		}
	}
	for _, in := range incidents {
		classes, classified := in.Noise(now)
		switch {
		case in.StartedAt.After(now) || !in.Urgent || in.Maintenance:
			continue
		case !classified || classes[AnyNoise] == evidence.Unknown:
			left.Unclassified++
			continue
		}
		for _, service := range in.Services {
			add(NoiseShare, effect.Event{
				Service: service, At: in.StartedAt, Severity: severityOf(in), Counts: classes[AnyNoise] == evidence.Yes,
			})
		}
	}
	return events, left
}

// resolution is how long an episode outside maintenance lasted, if it counts; it counts
// why not.
func (l *LeftOut) resolution(e *episode, now time.Time) (d time.Duration, counts bool) {
	d, known, timedOut := e.duration(now)
	handled := e.handled(now)
	switch {
	case timedOut:
		l.TimedOut++
	case e.falseAlarm():
		l.FalseAlarm++
	case handled == evidence.No:
		l.NotHandled++
	case handled == evidence.Unknown || !known || d < 0:
		l.Unknown++
	default:
		l.Counted++
		return d, true
	}
	return 0, false
}
