package company

import (
	"cmp"
	"slices"

	"github.com/prodready/collector/framework"
)

// Practice is what a service fulfils, by check id. Every check that Checks
// lists is in it, whether or not it applies to the service.
type Practice map[string]Habit

// Habit is the practice of one check.
type Habit struct {
	// Done says that the service fulfils it.
	Done bool
	// Shown is the kind of evidence that there is for it. Where it is
	// framework.ByAttested no machine and no ticket sees the habit.
	Shown framework.ProofKind
}

// needs tells which habits are impossible without others: the machine evidence
// of the first would contradict that of the second.
func needs() map[string][]string {
	return map[string][]string{
		"cicd.no-drift":             {"cicd.deployed-by-automation"},
		"cicd.self-reverting":       {"cicd.progressive-delivery", "cicd.rollback-rehearsed"},
		"cicd.change-failure":       {"cicd.changes-announced"},
		"obs.golden-signals":        {"obs.metrics-collected"},
		"obs.runbooks":              {"obs.alert-exists"},
		"obs.burn-rate-alerts":      {"obs.alert-exists", "obs.slo-defined", "obs.noise-bounded"},
		"obs.predictive":            {"obs.alert-exists", "obs.noise-bounded", "obs.burn-rate-alerts"},
		"rel.slo-met":               {"obs.slo-defined"},
		"rel.fault-injected":        {"inc.exercised"},
		"sec.encrypted-in-transit":  {"obs.metrics-collected"},
		"sec.self-patching":         {"sec.no-stale-criticals"},
		"inc.someone-on-call":       {"inc.registered"},
		"inc.escalates":             {"inc.registered"},
		"inc.covered":               {"inc.someone-on-call"},
		"inc.sustainable-rotation":  {"inc.covered", "inc.escalates"},
		"inc.ack-times-out":         {"inc.registered"},
		"inc.automated-response":    {"inc.registered"},
		"rel.self-healing":          {"inc.registered"},
		"data.continuous-assurance": {"data.lower-environments-clean", "data.backed-up"},
	}
}

// beyond is how likely a service fulfils a check that lies so many levels
// above its goal.
func beyond(distance int) float64 {
	switch distance {
	case 1:
		return 0.6
	case 2:
		return 0.35
	case 3:
		return 0.15
	}
	return 0.05
}

// practices gives every service its goal and the habits to match: everything
// up to the goal's level, at least one flaw at the next, and less and less
// above.
func (b *builder) practices() {
	b.goals()
	neglected := false
	for _, s := range b.Services {
		d := b.dice("practice", s.Name)
		reviewed := usuallyReviewed
		if s.lags() {
			reviewed = laggingReviewed
		}
		s.Reviewed = s.Goal >= framework.Silver ||
			s.Goal == framework.Bronze && (s.Runtime != "kubernetes" || d.chance(reviewed))
		s.Quiet = d.chance(0.4)
		care := 1.0
		if s.Goal == framework.NoBadge && !neglected {
			// Every company has a service that hardly anything is done for.
			neglected, care = true, 0.25
		}
		s.Practice = Practice{}
		for _, c := range b.checks {
			d := b.dice("practice", s.Name, c.ID)
			done := c.Level <= int(s.Goal) || d.chance(care*beyond(c.Level-int(s.Goal)))
			s.Practice[c.ID] = Habit{Done: done, Shown: shown(d, s, c)}
		}
	}
	b.plant()
	for _, s := range b.Services {
		b.lack(s)
		s.Quiet = s.Quiet && s.Tier == 4 && s.Does("obs.noise-bounded")
	}
}

// lack takes away what keeps the service from its next badge, and what cannot be.
func (b *builder) lack(s *Service) {
	for _, id := range b.flaws(s) {
		s.Practice.set(id, false)
	}
	if !s.Reviewed {
		// Without a review nothing is attested.
		for _, c := range b.checks {
			if s.Practice[c.ID].Shown == framework.ByAttested {
				s.Practice.set(c.ID, false)
			}
		}
	}
	s.Practice.settle(b.checks)
}

// set makes a service fulfil a check, or not.
func (p Practice) set(check string, done bool) {
	h := p[check]
	h.Done = done
	p[check] = h
}

// settle drops habits whose needs are not met, until nothing changes.
func (p Practice) settle(checks []Check) {
	requirements := needs()
	for changed := true; changed; {
		changed = false
		for _, c := range checks {
			if !p[c.ID].Done {
				continue
			}
			for _, need := range requirements[c.ID] {
				if !p[need].Done && p[c.ID].Shown != framework.ByAttested {
					p.set(c.ID, false)
					changed = true
					break
				}
			}
		}
	}
}

// flaws are one to three checks of the level above the goal, in different
// modules, that surely apply to the service. A service without a badge gets by
// without one or two of the first level.
func (b *builder) flaws(s *Service) []string {
	type candidate struct {
		Check
		roll float64
	}
	var candidates []candidate
	for _, c := range b.checks {
		// A quiet service has nothing to write a post-mortem about.
		vacuous := c.ID == "inc.postmortems" && s.Tier == 4
		if c.Level == int(s.Goal)+1 && c.Unconditional(s.Tier) && !vacuous && !planted(c.ID) {
			candidates = append(candidates, candidate{c, b.dice("flaw", s.Name, c.ID).Float64()})
		}
	}
	slices.SortFunc(candidates, func(x, y candidate) int { return cmp.Compare(x.roll, y.roll) })
	modules, found := map[string]bool{}, []string(nil)
	want := 1 + b.dice("flaws", s.Name).IntN(3)
	for _, c := range candidates {
		if len(found) == want {
			break
		}
		if !modules[c.Module] {
			modules[c.Module] = true
			found = append(found, c.ID)
		}
	}
	return found
}

// shown decides what evidence there is for a habit. On Kubernetes nearly all
// is measured; elsewhere much has to be attested.
func shown(d *dice, s *Service, c Check) framework.ProofKind {
	strongest := c.Proofs[0]
	if !c.Has(framework.ByAttested) || strongest == framework.ByAttested {
		return strongest
	}
	switch c.ID {
	case "cicd.rollback-rehearsed", "cicd.self-reverting":
		// An aborted release is remembered, not measured: it needs a store
		// that is older than a new installation's.
		return framework.ByAttested
	case "rel.fault-injected", "data.restore-tested":
		return framework.ByTicket
	case "rel.failover-proven", "sec.threat-model", "inc.exercised", "data.access-reviewed", "data.privacy-current",
		"sec.findings-in-time":
		return framework.ByTicket
	}
	if s.Runtime != "kubernetes" && unseenElsewhere()[c.ID] {
		return framework.ByAttested
	}
	if s.Goal < framework.Platinum && rarelyMeasured()[c.ID] && d.chance(0.35) {
		return framework.ByAttested
	}
	return strongest
}

// unseenElsewhere are the checks that nothing measures outside Kubernetes.
func unseenElsewhere() map[string]bool {
	return map[string]bool{
		"cicd.deployed-by-automation": true, "cicd.no-drift": true, "cicd.progressive-delivery": true,
		"obs.golden-signals": true, "rel.redundant": true,
		"sec.no-exposed-secrets": true, "sec.no-stale-criticals": true, "sec.secrets-managed": true,
		"sec.encrypted-in-transit": true, "sec.self-patching": true,
		"data.lower-environments-clean": true, "data.environments-apart": true, "data.retention-enforced": true,
		"data.continuous-assurance": true,
	}
}

// rarelyMeasured are the checks whose exporters not every team has.
func rarelyMeasured() map[string]bool {
	return map[string]bool{
		"cicd.test-coverage": true, "obs.traces": true, "sec.encrypted-in-transit": true,
		"data.lower-environments-clean": true, "data.environments-apart": true, "data.retention-enforced": true,
	}
}
