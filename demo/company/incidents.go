package company

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/prodready/collector/framework"
)

// temper is how a service behaves: what the checks do not say, and what follows
// from what they say.
type temper struct {
	// real is the number of real incidents a day, noise that of worthless
	// alerts, chains that of flapping alerts.
	real, noise, chains float64
	// repair is the median time to resolve in minutes, spread its sigma.
	repair, spread float64
	// urgent is the share of real incidents that page somebody.
	urgent float64
	// months are how good or bad the single months were.
	months []float64
}

// temperOf gives better services shorter incidents, mildly: what a service does
// is only a part of what happens to it. How many incidents it has follows from the
// predicting check, and from how it alerts.
func temperOf(d *dice, s *Service) temper {
	level := float64(s.Goal)
	t := temper{
		real:   d.around(0.1, 0.18),
		repair: d.around(125*math.Pow(0.80, level), 0.22),
		spread: 0.85,
		noise:  0.03, chains: 0.002,
		urgent: 0.85,
	}
	switch s.Tier {
	case 1:
		t.real *= 1.15
	case 4:
		t.real, t.urgent = t.real*0.9, 0.75
	}
	if !s.Does(PredictingCheck) {
		t.real *= PredictedRate
	}
	switch {
	case !s.Does("obs.noise-bounded"):
		t.noise, t.chains = d.around(0.17, 0.2), 0.02
	case !s.Does("obs.burn-rate-alerts"):
		t.noise, t.chains = d.around(0.03, 0.2), 0.004
	default:
		t.noise, t.chains = 0.006, 0.0003
	}
	if s.Quiet {
		t.urgent = 0
	}
	for range 14 {
		t.months = append(t.months, d.around(1, 0.15))
	}
	return t
}

// corrections is how often the past is corrected: tidying may take away what a
// correction has added, which the next one adds elsewhere.
const corrections = 4

// incidents makes the past of a service: day by day what its temper gives, then
// corrected where the last months must agree with what it practises.
func (b *builder) incidents(s *Service) {
	if s.Registration == NotInPagerDuty || s.Registration == DanglingID || s.Odd == Silent {
		return
	}
	d := b.dice("incidents", s.Name)
	t, l := temperOf(d, s), b.life[s.Name]
	for start := b.ago(History); start.Before(b.Now.Add(-day)); start = start.Add(day) {
		month := t.months[int(b.Now.Sub(start)/(30*day))]
		age := float64(b.Now.Sub(start)) / float64(History)
		load, repair, noise := month, (0.9+0.25*age)*math.Sqrt(month), 0.8+0.6*age
		if l.reviewed(start) {
			load, repair, noise = load*RateAfterReview, repair*b.timeAfterReview(), noise*RateAfterReview
		}
		for range d.count(t.real * load) {
			b.realIncident(d, s, t, start, repair)
		}
		if s.Quiet {
			continue
		}
		for range d.count(t.noise * noise) {
			b.noise(d, s, start)
		}
		for range d.count(t.chains * noise) {
			b.chain(d, s, start)
		}
	}
	b.openIncident(d, s)
	for range corrections {
		l.tidy()
		b.correct(d, s, t)
	}
	l.tidy()
	b.maintenance(d, s)
	b.tell(d, s)
}

// moment is a time of the day: mostly working hours, when things change. Teams
// whose load is humane were not woken lately.
func (b *builder) moment(d *dice, s *Service, start time.Time) time.Time {
	rested := s.Does("inc.humane-load") && b.Now.Sub(start) < 35*day
	for {
		at := start.Add(d.between(0, day))
		if s.asleep(at) && (rested || d.chance(0.45)) {
			continue
		}
		return at
	}
}

func (b *builder) add(s *Service, in *Incident) *Incident {
	in.Service = s.Name
	b.life[s.Name].incidents = append(b.life[s.Name].incidents, in)
	return in
}

// realIncident is one that somebody had to do something about.
func (b *builder) realIncident(d *dice, s *Service, t temper, start time.Time, repair float64) {
	in := b.add(s, &Incident{Kind: Real, Start: b.moment(d, s, start), Urgent: d.chance(t.urgent)})
	list := problems()
	p := list[min(d.IntN(len(list)), d.IntN(len(list)))]
	if in.Urgent && d.chance(reportedShare(s)) {
		p, in.Reported = pick(d, reports()), true
	}
	in.Problem, in.Title = p.name, p.title(d, s)
	in.Severity = 3 + d.IntN(2)
	if in.Urgent && d.chance(0.14) {
		in.Severity = 1 + d.IntN(2)
	}
	minutes := d.around(t.repair*repair, t.spread)
	if in.Severity <= 2 {
		minutes *= 1.3
	}
	length := time.Duration(min(max(minutes, 6), 5*24*60) * float64(time.Minute)).Truncate(time.Second)
	// What began before yesterday is over by now, unless openIncident says so.
	in.End = earlier(in.Start.Add(length), b.ago(d.between(5*time.Minute, 90*time.Minute)))
	b.resolver(d, s, in)
	b.acknowledge(d, s, in)
	if in.Resolver == ByIntegration && !in.Ack.IsZero() && !in.Reported && d.chance(0.5) {
		in.Kind = Shrug
	}
}

// resolver sets who or what ended the incident. In most cases it is a person.
func (b *builder) resolver(d *dice, s *Service, in *Incident) {
	in.Resolver = ByPerson
	if in.Reported {
		return
	}
	if d.chance(0.12) {
		in.Resolver = ByIntegration
	}
	if s.Goal <= framework.Bronze && s.AutoResolve > 0 && d.chance(0.06) {
		in.Resolver, in.End = ByTimeout, in.Start.Add(s.AutoResolve+d.between(5*time.Second, time.Minute))
	}
}

// reportedShare is how often people notice before monitoring does.
func reportedShare(s *Service) float64 {
	if s.Does("obs.detected-by-machines") {
		return 0.03
	}
	return 0.28
}

// ackLimit is what inc.answers-in-time asks of the tier.
func ackLimit(tier int) time.Duration {
	switch tier {
	case 1:
		return 5 * time.Minute
	case 2:
		return 15 * time.Minute
	}
	return 30 * time.Minute
}

// acknowledge decides when somebody answered, and whether anybody did.
func (b *builder) acknowledge(d *dice, s *Service, in *Incident) {
	limit := ackLimit(s.Tier).Seconds()
	median, spread, never := 0.3*limit, 0.45, 0.01
	if !s.Does("inc.answers-in-time") {
		median, spread, never = 1.2*limit, 1.0, 0.25
	}
	if in.Resolver == ByTimeout || d.chance(never) {
		return
	}
	seconds := d.around(median, spread)
	if s.Does("inc.answers-in-time") {
		seconds = min(seconds, 0.85*limit)
	}
	ack := in.Start.Add(time.Duration(max(seconds, 12)) * time.Second)
	if in.Open() && ack.Before(b.Now) || ack.Before(in.End) {
		in.Ack = ack
	}
}

// noise is an alert that was gone before anybody looked.
func (b *builder) noise(d *dice, s *Service, start time.Time) *Incident {
	p := pick(d, problems()[:6])
	in := b.add(s, &Incident{
		Kind: Noise, Start: b.moment(d, s, start), Urgent: d.chance(0.85), Severity: 4,
		Problem: p.name, Title: p.title(d, s), Resolver: ByIntegration,
	})
	in.End = in.Start.Add(d.between(40*time.Second, 280*time.Second))
	return in
}

// chain is an alert that comes and goes: the first is noise, the others flap.
func (b *builder) chain(d *dice, s *Service, start time.Time) {
	p, at := pick(d, problems()[:6]), b.moment(d, s, start)
	for s.Does("inc.humane-load") && s.asleep(at.Add(3*time.Hour)) {
		// It would go on into the night.
		at = b.moment(d, s, start)
	}
	urgent := d.chance(0.8)
	for n := range 3 + d.IntN(4) {
		in := b.add(s, &Incident{
			Kind: Flap, Start: at, Urgent: urgent, Severity: 4,
			Problem: p.name, Title: p.title(d, s), Resolver: ByIntegration,
		})
		if n == 0 {
			in.Kind = Noise
		}
		in.End = at.Add(d.between(70*time.Second, 290*time.Second))
		at = in.End.Add(d.between(4*time.Minute, 20*time.Minute))
	}
}

// openIncident leaves a few incidents of the weaker services unresolved.
func (b *builder) openIncident(d *dice, s *Service) {
	if s.Goal > framework.Silver || s.Quiet || !d.chance(0.12) {
		return
	}
	p := pick(d, problems())
	start := b.ago(d.between(40*time.Minute, 9*time.Hour))
	in := &Incident{Kind: Real, Start: start, Urgent: d.chance(0.5), Severity: 3, Problem: p.name, Title: p.title(d, s)}
	if s.asleep(start) {
		in.Urgent = false
	}
	b.acknowledge(d, s, b.add(s, in))
}

// maintenance marks what happened in announced windows, long ago.
func (b *builder) maintenance(d *dice, s *Service) {
	if !s.Stateful || !d.chance(0.3) {
		return
	}
	for range 1 + d.IntN(3) {
		window := Span{Start: b.ago(d.days(95, 350))}
		window.End = window.Start.Add(d.between(2*time.Hour, 8*time.Hour))
		s.Maintenance = append(s.Maintenance, window)
		for _, in := range b.life[s.Name].incidents {
			in.Maintenance = in.Maintenance || window.Holds(in.Start)
		}
	}
}

// tell fills in who resolved what, and the tickets of what was grave.
func (b *builder) tell(d *dice, s *Service) {
	for _, in := range b.life[s.Name].incidents {
		if in.Resolver == ByPerson {
			in.Responder = pick(d, s.Team.People[1:]).ID
		}
		if grave(in) {
			in.Ticket = b.ticketKey(s.Team.Project)
		}
	}
}

// tidy puts the incidents in order and drops those that look like what they
// are not.
func (l *life) tidy() {
	sort.SliceStable(l.incidents, func(i, j int) bool { return l.incidents[i].Start.Before(l.incidents[j].Start) })
	l.incidents = withoutAccidents(l.incidents)
}

// flapsAfter is how soon the same alert again counts as flapping.
const flapsAfter = 30 * time.Minute

// withoutAccidents drops incidents that chance has put so close behind another
// of the same problem that they look like flapping.
func withoutAccidents(list []*Incident) []*Incident {
	last := map[string]time.Time{}
	return slices.DeleteFunc(list, func(in *Incident) bool {
		if end, ok := last[in.Problem]; ok && in.Kind != Flap && !in.Start.After(end.Add(flapsAfter)) {
			return true
		}
		if in.End.After(last[in.Problem]) {
			last[in.Problem] = in.End
		}
		return false
	})
}
