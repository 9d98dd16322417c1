package project

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	facts "github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	ledger "github.com/prodready/collector/store"
)

const (
	day = 24 * time.Hour
	// installed is how long ago the collector began to judge.
	installed = 200 * day
	// reworked is how long ago the criteria in force came, with the version
	// before them.
	reworked      = 120 * day
	versionBefore = "0.9.0"
	// fallenToday services lost a badge so long ago, from fellAfter to
	// fellBefore; the alert for it lasts a day.
	fallenToday = 2
	fellAfter   = 2 * time.Hour
	fellBefore  = 18 * time.Hour
	// lastJudged is how long ago the last judgement was.
	lastJudged = time.Minute
)

// Remember fills an empty store with what the collector would have left in it
// had it judged the company for months: badges, how they changed, the statuses
// of checks, and what is observed day by day. The badges held are those that the evidence proves, so
// that the first judgement of the demo changes none.
func Remember(ctx context.Context, url string, c *company.Company) (err error) {
	criteria, err := inForce(c)
	if err != nil {
		return err
	}
	judgements, err := Past(c, criteria)
	if err != nil {
		return err
	}
	s, err := ledger.Open(ctx, ledger.Options{URL: url, Facts: criteria.Facts()})
	if err != nil {
		return fmt.Errorf("opening the demo's store: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := rememberDays(ctx, s, c); err != nil {
		return err
	}
	var last int64
	for _, j := range judgements {
		j.After = last
		if last, err = s.SaveJudgement(ctx, j); err != nil {
			return fmt.Errorf("writing the demo's past: %w", err)
		}
	}
	return nil
}

// inForce is the framework as the collector judges by it.
func inForce(c *company.Company) (*framework.Framework, error) {
	fail := func(err error) (*framework.Framework, error) {
		return nil, fmt.Errorf("compiling the framework of the demo: %w", err)
	}
	file, err := Framework(c)
	if err != nil {
		return fail(err)
	}
	document, err := framework.Parse([]framework.File{file})
	if err != nil {
		return fail(err)
	}
	tickets, err := jira.DefaultFacts()
	if err != nil {
		return fail(err)
	}
	queries, err := prometheus.Definitions()
	if err != nil {
		return fail(err)
	}
	ofTickets := jira.DefinitionsOf(tickets, incidentTickets())
	definitions := slices.Concat(facts.Facts(), pagerduty.Definitions(), ofTickets, queries)
	for _, a := range document.Attestations() {
		definitions = append(definitions, a.Fact)
	}
	known, err := evidence.NewFacts(definitions)
	if err != nil {
		return fail(err)
	}
	compiled, err := framework.Compile(document, known)
	if err != nil {
		return fail(err)
	}
	return compiled, nil
}

// Past are the judgements that changed something, oldest first, and the last
// one. The criteria are those in force now; before them there was an earlier
// version.
func Past(c *company.Company, criteria *framework.Framework) ([]ledger.Judgement, error) {
	checks, err := company.Checks()
	if err != nil {
		return nil, err
	}
	p := &past{
		Company: c, checks: checks, byTime: map[time.Time]*ledger.Judgement{},
		criteria: ledger.Framework{
			Name: criteria.Name, Version: criteria.Version, Hash: criteria.Hash, Text: criteria.Text,
		},
		statuses: statusesNow(c, criteria),
	}
	p.fallen = p.pickFallen()
	for _, s := range c.Services {
		p.live(s)
	}
	p.at(p.ago(installed))
	p.at(p.ago(reworked))
	last := p.at(p.ago(lastJudged))
	for _, j := range p.byTime {
		if j != last {
			p.order = append(p.order, j)
		}
	}
	slices.SortFunc(p.order, func(a, b *ledger.Judgement) int { return a.At.Compare(b.At) })
	// The last judgement was about every service.
	for _, j := range p.order {
		for name, badge := range j.Badges {
			badge.At, badge.FrameworkHash, badge.SupportHash = last.At, criteria.Hash, criteria.Hash
			last.Badges[name] = badge
		}
	}
	var out []ledger.Judgement
	for _, j := range append(p.order, last) {
		slices.SortFunc(j.Transitions, func(a, b scoring.Transition) int { return strings.Compare(a.Service, b.Service) })
		out = append(out, *j)
	}
	return out, nil
}

// past is the making of a past.
type past struct {
	*company.Company
	checks   []company.Check
	criteria ledger.Framework
	byTime   map[time.Time]*ledger.Judgement
	order    []*ledger.Judgement
	// fallen are the services that lost a badge within the last day.
	fallen map[string]bool
	// statuses are those of checks by service, as they are now.
	statuses map[string]map[string]scoring.Status
}

func (p *past) ago(d time.Duration) time.Time { return p.Now.Add(-d).Truncate(time.Minute) }

// at is the judgement of a time.
func (p *past) at(t time.Time) *ledger.Judgement {
	if j := p.byTime[t]; j != nil {
		return j
	}
	j := &ledger.Judgement{At: t, Framework: p.criteria, Badges: map[string]scoring.BadgeState{}}
	j.Framework.ActivatedAt = p.ago(reworked)
	if t.Before(j.Framework.ActivatedAt) {
		j.Framework = ledger.Framework{
			Name: p.criteria.Name, Version: versionBefore, Hash: "before-" + p.criteria.Hash, ActivatedAt: p.ago(installed),
		}
	}
	p.byTime[t] = j
	return j
}

// step is a badge that a service got or lost.
type step struct {
	at    time.Time
	to    framework.Badge
	cause scoring.Cause
}

// live is the history of one service.
func (p *past) live(s *company.Service) {
	l := luck{p.Seed, "past\x00" + s.Name}
	days := func(subject string, low, high float64) time.Time {
		return p.ago(time.Duration(l.between(subject, low, high) * float64(day)))
	}
	first := p.ago(installed)
	if newcomer(l) {
		first = days("listed", 150, 180)
	}
	start, steps := p.steps(s, l, days)
	badge := scoring.BadgeState{
		Badge: start, Since: first, FirstJudged: first, At: first,
		FrameworkHash: p.at(first).Framework.Hash, SupportHash: p.at(first).Framework.Hash,
	}
	j := p.at(first)
	if start > framework.NoBadge {
		t := scoring.Transition{Service: s.Name, At: first, To: start, Cause: scoring.CauseInitial}
		j.Transitions = append(j.Transitions, t)
		badge.LastTransition = &t
	}
	j.Badges[s.Name] = badge
	var changes []scoring.Transition
	for from, i := start, 0; i < len(steps); i++ {
		t := scoring.Transition{
			Service: s.Name, At: steps[i].at, From: from, To: steps[i].to, Cause: steps[i].cause,
			Announced: steps[i].at.Sub(first) >= scoring.DefaultObserveFor,
		}
		t.Flips = p.flips(s, l, t)
		changes, from = append(changes, t), t.To
	}
	p.rememberStatuses(s.Name, first, changes)
	for i, step := range steps {
		j, t := p.at(step.at), changes[i]
		j.Transitions = append(j.Transitions, t)
		badge.Become(step.to, step.at)
		badge.At, badge.LastTransition = step.at, &t
		badge.FrameworkHash, badge.SupportHash = j.Framework.Hash, j.Framework.Hash
		j.Badges[s.Name] = badge
	}
}

// steps is what became of a service's badge after the first one. It ends with
// the badge that the service's practice is enough for.
func (p *past) steps(
	s *company.Service, l luck, days func(subject string, low, high float64) time.Time,
) (start framework.Badge, steps []step) {
	goal := s.Goal
	recently := days("last", 10, 60)
	loss := p.loss(l)
	lost := func(subject string) step {
		if loss == scoring.CauseEvidence {
			return step{days(subject, 65, 92), goal - 1, loss}
		}
		// RememberEvidence has evidence alone to say why.
		return step{days(subject, 100, 140), goal - 1, loss}
	}
	switch kind := l.roll("kind"); {
	case p.fallen[s.Name]:
		fell := p.ago(time.Duration(l.between("fell", float64(fellAfter), float64(fellBefore))))
		return goal, []step{{days("rose", 45, 90), goal + 1, scoring.CauseEvidence}, {fell, goal, scoring.CauseEvidence}}
	case goal == framework.NoBadge && kind < 0.6, kind < 0.15:
		return goal, nil
	case goal == framework.NoBadge:
		return framework.Bronze, []step{{recently, goal, scoring.CauseEvidence}}
	case kind < 0.6:
		if l.chance("slip", 0.4) && !newcomer(l) {
			// It rose, fell back, and rose again.
			return goal - 1, []step{
				{days("early", 150, 170), goal, scoring.CauseEvidence}, lost("slipped"), {recently, goal, scoring.CauseEvidence},
			}
		}
		return goal - 1, []step{{recently, goal, scoring.CauseEvidence}}
	case kind < 0.7:
		// New criteria asked for more.
		return goal, []step{{p.ago(reworked), goal - 1, scoring.CauseCriteria}, {recently, goal, scoring.CauseEvidence}}
	}
	return goal, []step{lost("fell back"), {recently, goal, scoring.CauseEvidence}}
}

// newcomer reports whether the service was listed after the collector began.
func newcomer(l luck) bool { return l.chance("newcomer", 0.12) }

// loss is why a badge was lost: mostly because the evidence said so.
func (p *past) loss(l luck) scoring.Cause {
	switch roll := l.roll("loss"); {
	case roll < 0.65:
		return scoring.CauseEvidence
	case roll < 0.85:
		return scoring.CauseLapse
	case roll < 0.95:
		return scoring.CauseExemption
	}
	return scoring.CauseService
}

// pickFallen picks the services that lost a badge within the last day: those
// that fail a check that any machine or ticket sees.
func (p *past) pickFallen() map[string]bool {
	type candidate struct {
		name string
		roll float64
	}
	var list []candidate
	for _, s := range p.Services {
		if s.Goal >= framework.Bronze && s.Goal < framework.Platinum && len(p.failing(s, s.Goal+1)) > 0 {
			list = append(list, candidate{s.Name, luck{p.Seed, s.Name}.roll("fallen")})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if a.roll < b.roll {
			return -1
		}
		return 1
	})
	fallen := map[string]bool{}
	for _, c := range list[:min(fallenToday, len(list))] {
		fallen[c.name] = true
	}
	return fallen
}

// failing are the checks of a level that the service surely fails, and where it
// shows.
func (p *past) failing(s *company.Service, level framework.Badge) []string {
	return p.of(s, level, func(h company.Habit) bool { return !h.Done && h.Shown != framework.ByAttested })
}

// of are the checks of a level that apply to the service and are as asked.
func (p *past) of(s *company.Service, level framework.Badge, which func(company.Habit) bool) []string {
	var ids []string
	for _, c := range p.checks {
		if c.Level == int(level) && c.Unconditional(s.Tier) && which(s.Practice[c.ID]) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// flips are the checks that made the difference between two badges.
func (p *past) flips(s *company.Service, l luck, t scoring.Transition) []scoring.Flip {
	level := max(t.From, t.To)
	if level > s.Goal {
		return p.flipsAbove(s, level, t)
	}
	ids := p.of(s, level, func(h company.Habit) bool { return h.Done && h.Shown != framework.ByAttested })
	ids = slices.DeleteFunc(ids, isEntangled)
	if len(ids) == 0 {
		return nil
	}
	start := int(l.roll("flip") * float64(len(ids)))
	var flips []scoring.Flip
	for n := range min(2, len(ids)) {
		flip := scoring.Flip{Check: ids[(start+n)%len(ids)], Before: scoring.Fail.String(), After: scoring.Pass.String()}
		if t.To < t.From {
			flip.Before, flip.After = lost(t.Cause)
		}
		flips = append(flips, flip)
	}
	slices.SortFunc(flips, func(a, b scoring.Flip) int { return strings.Compare(a.Check, b.Check) })
	return flips
}

// isEntangled reports whether the evidence that a check fails says something about another
// check, too, so that it does not change alone.
func isEntangled(check string) bool {
	// Without metrics there are no golden signals either, and without progressive delivery
	// nothing is reverted.
	return check == "obs.metrics-collected" || check == "cicd.progressive-delivery"
}

// flipsAbove are the checks of a level that the service does not hold now: each one that does
// not pass now passed as long as it held the badge.
func (p *past) flipsAbove(s *company.Service, level framework.Badge, t scoring.Transition) []scoring.Flip {
	var flips []scoring.Flip
	for _, c := range p.checks {
		status := p.statuses[s.Name][c.ID]
		if c.Level != int(level) || status != scoring.Fail && status != scoring.Unknown {
			continue
		}
		flip := scoring.Flip{Check: c.ID, Before: status.String(), After: scoring.Pass.String()}
		if t.To < t.From {
			flip.Before, flip.After = flip.After, flip.Before
		}
		flips = append(flips, flip)
	}
	slices.SortFunc(flips, func(a, b scoring.Flip) int { return strings.Compare(a.Check, b.Check) })
	return flips
}

// lost is what a check was and became when its badge was lost for a cause.
func lost(cause scoring.Cause) (before, after string) {
	was := map[scoring.Cause]scoring.Status{
		scoring.CauseExemption: scoring.Exempt, scoring.CauseCriteria: scoring.Scheduled,
		scoring.CauseService: scoring.NotApplicable,
	}
	if status, ok := was[cause]; ok {
		return status.String(), scoring.Fail.String()
	}
	if cause == scoring.CauseLapse {
		return scoring.Pass.String(), scoring.Unknown.String()
	}
	return scoring.Pass.String(), scoring.Fail.String()
}

// statusesNow are the statuses of checks by service that the first judgement of the demo
// will find, as far as the practice of a service says. Where nothing says, a check is left
// out.
func statusesNow(c *company.Company, f *framework.Framework) map[string]map[string]scoring.Status {
	in := scoring.Inputs{Framework: f, Evidence: func(string) evidence.Row { return nil }}
	for _, s := range c.Services {
		entry := entry(c.Seed, s)
		in.Subjects = append(in.Subjects, scoring.NewSubject(&facts.Service{
			Name: s.Name, Tier: s.Tier, Runtime: entry.Runtime, Exposure: entry.Exposure, Stateful: entry.Stateful,
			DataClass: entry.DataClass,
		}, f.Facts(), nil))
	}
	out := map[string]map[string]scoring.Status{}
	for _, card := range scoring.Judge(in, c.Now) {
		s, _ := c.Service(card.Service)
		own := map[string]scoring.Status{}
		for i := range card.Checks {
			id, status := card.Checks[i].Check.ID, card.Checks[i].Status
			habit, practised := s.Practice[id]
			switch {
			case status != scoring.Unknown:
				own[id] = status
			case !practised:
			case habit.Done:
				own[id] = scoring.Pass
			case seenToFail(s, card.Checks[i].Check):
				own[id] = scoring.Fail
			default:
				own[id] = scoring.Unknown
			}
		}
		out[card.Service] = own
	}
	return out
}

// seenToFail reports whether any source says of a service that does not fulfil a check that
// it does not.
func seenToFail(s *company.Service, check *framework.Check) bool {
	if check.Proofs[0].By == framework.ByAttested {
		return true // without a claim it fails
	}
	if s.Registration == company.DanglingID && check.Module.ID == "inc" && check.ID != "inc.registered" {
		return false // PagerDuty knows nothing of it
	}
	switch check.ID {
	case "cicd.self-reverting":
		return true
	case "rel.redundant", "sec.no-exposed-secrets", "sec.no-stale-criticals", "sec.least-privilege", "sec.hardened",
		"sec.self-patching":
		return namespace(s) != "" && s.Odd != company.Unwatched // elsewhere nothing looks
	case "rel.fault-injected", "data.restore-tested", "data.continuous-assurance", "sec.verified-artifacts",
		"obs.metrics-collected", "cicd.deployed-by-automation":
		return false // who does not do it has no exporter that would say so
	case "rel.slo-met":
		return s.Does("obs.slo-defined")
	case "cicd.change-failure":
		return s.Does("cicd.changes-announced")
	}
	return s.Practice[check.ID].Shown != framework.ByAttested
}

// rememberStatuses adds the statuses of the checks of a service to the judgements: those
// of now, as its changes of badges led to them.
func (p *past) rememberStatuses(service string, first time.Time, changes []scoring.Transition) {
	then := maps.Clone(p.statuses[service])
	for _, change := range slices.Backward(changes) {
		for _, flip := range change.Flips {
			then[flip.Check] = statusNamed(flip.Before)
		}
	}
	for _, check := range slices.Sorted(maps.Keys(then)) {
		j := p.at(first)
		j.Statuses = append(j.Statuses, ledger.CheckStatus{
			Service: service, Check: check, Status: then[check], Since: first,
		})
	}
	for _, change := range changes {
		j := p.at(change.At)
		for _, flip := range change.Flips {
			j.Statuses = append(j.Statuses, ledger.CheckStatus{
				Service: service, Check: flip.Check, Status: statusNamed(flip.After), Since: change.At,
			})
		}
	}
}

// statusNamed is the status of a flip.
func statusNamed(name string) scoring.Status {
	for _, s := range scoring.Statuses() {
		if s.String() == name {
			return s
		}
	}
	return scoring.Unknown
}
