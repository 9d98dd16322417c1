package company

import (
	"slices"
	"time"
)

// The windows that checks look at, each a little wider or narrower than the
// check's own, so that a demo that runs for a day does not drift out of it.
const (
	noiseWindow  = 30 * day
	answerWindow = 90 * day
	slack        = 2 * day
	// enoughToRepeat incidents are enough to make three of them the same problem.
	enoughToRepeat = 5
)

// correct makes the last months agree with the practice: chance alone would
// give a good service a noisy month now and then, which is life, and not a
// model whose badges are known.
func (b *builder) correct(d *dice, s *Service, t temper) {
	if s.Quiet {
		b.life[s.Name].incidents = slices.DeleteFunc(b.life[s.Name].incidents, func(in *Incident) bool { return in.Urgent })
		b.correctRepeats(d, s, t)
		return
	}
	b.enough(d, s, t)
	b.correctNights(d, s)
	b.correctNoise(d, s)
	b.correctReports(d, s)
	b.correctAnswers(d, s)
	b.correctRepeats(d, s, t)
	b.correctGrave(d, s)
}

// since selects incidents that page and are not older than the window.
func (b *builder) since(s *Service, window time.Duration, which func(*Incident) bool) []*Incident {
	return b.within(s, window, func(in *Incident) bool { return in.Urgent && which(in) })
}

// within selects incidents that are not older than the window.
func (b *builder) within(s *Service, window time.Duration, which func(*Incident) bool) []*Incident {
	var out []*Incident
	for _, in := range b.life[s.Name].incidents {
		if b.Now.Sub(in.Start) <= window && which(in) {
			out = append(out, in)
		}
	}
	return out
}

func anyIncident(*Incident) bool { return true }

func worthwhile(in *Incident) bool { return !in.Worthless() }

// enough gives every service enough incidents for a share:
// fewer than five are too few for any.
func (b *builder) enough(d *dice, s *Service, t temper) {
	t.urgent = 1
	for missing := 7 - len(b.since(s, answerWindow-slack, worthwhile)); missing > 0; missing-- {
		b.realIncident(d, s, t, b.ago(d.days(3, 86)), 1)
	}
}

// correctNoise keeps the share of noise of the last month within what the
// checks of alert quality ask, or clearly outside.
func (b *builder) correctNoise(d *dice, s *Service) {
	l, most := b.life[s.Name], 0.25
	switch {
	case !s.Does("obs.noise-bounded"):
		for {
			all := b.since(s, noiseWindow-slack, anyIncident)
			if len(all) >= 9 && share(all, (*Incident).Worthless) >= 0.45 {
				return
			}
			b.noise(d, s, b.ago(d.days(4, 26))).Urgent = true
		}
	case s.Does("obs.burn-rate-alerts"), s.Does("obs.predictive"):
		most = 0.05
	}
	for _, window := range []time.Duration{noiseWindow - slack, noiseWindow + slack} {
		for share(b.since(s, window, anyIncident), (*Incident).Worthless) > most {
			noisy := b.since(s, window, (*Incident).Worthless)
			drop := noisy[d.IntN(len(noisy))]
			l.incidents = slices.DeleteFunc(l.incidents, func(in *Incident) bool { return in == drop })
		}
	}
}

// correctReports keeps the share of incidents that people noticed first.
func (b *builder) correctReports(d *dice, s *Service) {
	reported := func(in *Incident) bool { return in.Reported }
	quiet := s.Does("obs.detected-by-machines")
	for _, window := range []time.Duration{answerWindow - slack, answerWindow + slack} {
		for {
			all := b.within(s, window, anyIncident)
			have := share(all, reported)
			if quiet && have <= 0.07 || !quiet && have >= 0.16 {
				break
			}
			candidates := b.since(s, window, func(in *Incident) bool { return in.Reported == quiet && !in.Worthless() })
			if len(candidates) == 0 {
				break
			}
			in := pick(d, candidates)
			list := problems()
			if !quiet {
				list = reports()
			}
			p := b.apart(d, s, in, list)
			in.Reported, in.Problem, in.Title = !quiet, p.name, p.title(d, s)
		}
	}
}

// correctAnswers keeps the promise of inc.answers-in-time, or breaks it.
func (b *builder) correctAnswers(d *dice, s *Service) {
	limit := ackLimit(s.Tier)
	all := b.since(s, answerWindow+slack, worthwhile)
	if s.Does("inc.answers-in-time") {
		for _, in := range all {
			if in.Ack.IsZero() && !in.Open() && in.End.Sub(in.Start) > 5*time.Minute {
				in.Ack = in.Start.Add(min(d.between(limit/5, limit*4/5), in.End.Sub(in.Start)/2))
			}
		}
		return
	}
	late := func(in *Incident) bool { return in.Ack.Sub(in.Start) > limit*6/5 }
	for share(all, late) < 0.3 {
		in := pick(d, all)
		if late(in) || in.Resolver == ByTimeout {
			in = all[0]
		}
		delay := d.between(limit*3/2, limit*4)
		in.Ack = in.Start.Add(delay)
		if in.Resolver == ByTimeout {
			in.Resolver = ByPerson
		}
		in.End = later(in.End, in.Ack.Add(d.between(5*time.Minute, 50*time.Minute)))
		if late(all[0]) {
			all = append(all[1:], all[0])
		}
	}
}

// correctNights lets the teams of loud services be woken lately.
func (b *builder) correctNights(d *dice, s *Service) {
	if s.Does("inc.humane-load") {
		return
	}
	for n := len(b.since(s, noiseWindow-slack, func(in *Incident) bool { return s.asleep(in.Start) })); n < 4; n++ {
		start := b.ago(d.days(4, 7) + time.Duration(n)*5*day).Truncate(day)
		for !s.asleep(start) {
			start = start.Add(time.Hour)
		}
		start = start.Add(d.between(0, 50*time.Minute))
		p := b.fresh(d, s, start)
		in := b.add(s, &Incident{Kind: Real, Urgent: true, Severity: 3, Start: start, Problem: p.name, Title: p.title(d, s)})
		in.End, in.Resolver = in.Start.Add(d.between(25*time.Minute, 90*time.Minute)), ByPerson
		b.acknowledge(d, s, in)
		if in.Ack.IsZero() && s.Does("inc.answers-in-time") {
			in.Ack = in.Start.Add(ackLimit(s.Tier) / 3)
		}
	}
}

// fresh is a problem that the service has not had in the days before.
func (b *builder) fresh(d *dice, s *Service, at time.Time) problem {
	list := shuffled(d, problems())
	for _, p := range list {
		if !slices.ContainsFunc(b.life[s.Name].incidents, func(in *Incident) bool {
			return in.Problem == p.name && in.Start.Before(at) && in.Start.Add(in.Duration(b.Now)+flapsAfter).After(at)
		}) {
			return p
		}
	}
	return list[0]
}

// apart is a problem of the list that no other incident has at the time of this
// one.
func (b *builder) apart(d *dice, s *Service, in *Incident, list []problem) problem {
	list = shuffled(d, list)
	for _, p := range list {
		if !b.clashes(s, in, p) {
			return p
		}
	}
	return list[0]
}

// clashes reports whether another incident has the problem at the time of this
// one, so that it would look like flapping.
func (b *builder) clashes(s *Service, in *Incident, p problem) bool {
	end := func(in *Incident) time.Time { return in.Start.Add(in.Duration(b.Now) + flapsAfter) }
	return slices.ContainsFunc(b.life[s.Name].incidents, func(other *Incident) bool {
		return other != in && other.Problem == p.name && !other.Start.After(end(in)) && !in.Start.After(end(other))
	})
}

// correctRepeats lets nothing recur by hand where healing is automatic, and
// something where it is not.
func (b *builder) correctRepeats(d *dice, s *Service, t temper) {
	byHand := func(in *Incident) bool { return in.Resolver == ByPerson }
	if s.Does("rel.self-healing") {
		seen := map[string]int{}
		for _, in := range b.within(s, answerWindow+slack, byHand) {
			if seen[in.Problem]++; seen[in.Problem] > 2 {
				// Automation did what a person had done twice.
				in.Resolver = ByIntegration
			}
		}
		return
	}
	seen := map[string]int{}
	for _, in := range b.within(s, answerWindow-slack, byHand) {
		if seen[in.Problem]++; seen[in.Problem] == 3 {
			return
		}
	}
	for len(b.within(s, answerWindow-slack, repeatable)) < enoughToRepeat {
		b.realIncident(d, s, t, b.ago(d.days(3, 86)), 1)
	}
	again := problems()[d.IntN(5)]
	n := 0
	for _, in := range b.within(s, answerWindow-slack, repeatable) {
		if n < 3 && !b.clashes(s, in, again) {
			in.Problem, in.Title = again.name, again.title(d, s)
			in.Kind, in.Resolver = Real, ByPerson
			n++
		}
	}
}

// repeatable incidents can be made ones that a person resolved.
func repeatable(in *Incident) bool {
	return !in.Open() && in.Resolver != ByTimeout && !in.Reported && !in.Worthless()
}

// correctGrave gives a service that writes no post-mortems something to write
// one about.
func (b *builder) correctGrave(d *dice, s *Service) {
	candidates := b.since(s, 160*day, func(in *Incident) bool {
		return in.Kind == Real && b.Now.Sub(in.Start) > 25*day && !in.Open()
	})
	if !s.Does("inc.postmortems") && len(candidates) > 0 && share(candidates, grave) == 0 {
		pick(d, candidates).Severity = 2
	}
}

// grave incidents are of the two highest severities.
func grave(in *Incident) bool { return in.Severity <= 2 }

// share is the part of the list for which the question is true; 0 of none.
func share(list []*Incident, question func(*Incident) bool) float64 {
	if len(list) == 0 {
		return 0
	}
	n := 0
	for _, in := range list {
		if question(in) {
			n++
		}
	}
	return float64(n) / float64(len(list))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
