package scoring_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/scoring"
)

// The badge machine is held against a model of its own, which reads no result of Judge
// and no clock of Advance: it knows a random framework as it was drawn, what the sources
// have answered, and the definitions of docs/glossary.md.

const (
	freshFor = 90 * time.Minute
	validFor = 7 * day
	// topLevel is the highest level that the drawn frameworks have.
	topLevel = 3
	// modelStep is the longest time between two judgements that counts.
	modelStep = 6 * time.Hour
)

// modelCheck is a check with a proof of a machine, and perhaps weaker ones.
type modelCheck struct {
	id                         string
	level                      int
	machine, catalog, attested string
	// older is only in the first version of the framework, tierOne only for tier 1.
	older, tierOne bool
}

// model is what is known of the service from outside.
type model struct {
	checks      []modelCheck
	maxAttested int
	// newer is whether the second version of the framework is in force.
	newer  bool
	tier   int64
	seen   map[string]*evidence.Observation
	exempt map[string]time.Time
	// no is when a machine last said no to a check that has weaker proofs.
	no map[string]time.Time
	// given says which badges an announced change has begun to prove: they are awarded
	// with the one below.
	given [topLevel + 1]bool
	// asked says which checks tier and exemptions let count, announced which of them began
	// to count so and have not passed since: they take a badge without a dwell.
	asked, announced map[string]bool
	// failed says which checks failed when the badge held was last proved, asked or not.
	failed map[string]bool
	// proved and contradicted are clocks by badge: the time since which a badge is proved
	// without interruption, and for how long it was contradicted.
	proved       [topLevel + 1]time.Duration
	observations [topLevel + 1]int
	contradicted [topLevel + 1]time.Duration
	// unproved is for how long a badge was without proof while the sources that might have
	// given it were healthy; answers says at which levels they were, at the last judgement.
	unproved [topLevel + 1]time.Duration
	answers  [topLevel + 1]bool
}

// drawModel draws a framework in two versions: two modules with two checks on each level,
// of which the first may be missing.
func drawModel(dice *rand.Rand) (m *model, texts [2]string, definitions []evidence.Definition) {
	m = &model{
		tier: 1, maxAttested: dice.IntN(3), seen: map[string]*evidence.Observation{}, exempt: map[string]time.Time{},
		no: map[string]time.Time{}, asked: map[string]bool{}, announced: map[string]bool{},
	}
	var first, second strings.Builder
	both := func(format string, values ...any) {
		fmt.Fprintf(&first, format, values...)
		fmt.Fprintf(&second, format, values...)
	}
	both("apiVersion: readiness/v1\nkind: Framework\nname: drawn\n")
	first.WriteString("version: 1.0.0\n")
	second.WriteString("version: 2.0.0\n")
	both("requirements: {gold: {max_attested: %d}}\nmodules:\n", m.maxAttested)
	fact := func(source string) string {
		name := fmt.Sprintf("%s.f%d", source, len(definitions))
		definitions = append(definitions, evidence.Definition{Name: name, Kind: evidence.KindBool, Help: "x"})
		return name
	}
	for _, module := range []string{"a", "b"} {
		both("  - id: %s\n    checks:\n", module)
		for n := range 2 * topLevel {
			source := []string{"m", "m", "pd"}[dice.IntN(3)]
			c := modelCheck{id: fmt.Sprintf("%s.c%d", module, n), level: n/2 + 1, machine: fact(source)}
			proofs := []string{"{by: machine, pass: " + c.machine + "}"}
			if dice.IntN(3) == 0 {
				c.catalog = fact("c")
				proofs = append(proofs, "{by: catalog, pass: "+c.catalog+"}")
			}
			// While pd is silent, attestations alone may prove all of its checks.
			if source == "pd" || dice.IntN(3) == 0 {
				c.attested = fact("attest")
				proofs = append(proofs, "{by: attested, pass: "+c.attested+"}")
			}
			scope := ""
			if n%2 == 0 {
				c.older, c.tierOne = dice.IntN(4) == 0, dice.IntN(4) == 0
			}
			if c.tierOne {
				scope = "scope: {tiers: [1]}, "
			}
			m.checks = append(m.checks, c)
			line := fmt.Sprintf("      - {id: %s, level: %d, title: x, %sproofs: [%s]}\n", c.id, c.level, scope,
				strings.Join(proofs, ", "))
			first.WriteString(line)
			if !c.older {
				second.WriteString(line)
			}
		}
	}
	return m, [2]string{first.String(), second.String()}, definitions
}

// applies reports whether the check is asked of the service now.
func (m *model) applies(c modelCheck) bool {
	return (!c.older || !m.newer) && (!c.tierOne || m.tier == 1)
}

// fresh is what a fact says now: known is false if nothing fresh says anything.
func (m *model) fresh(fact string, now time.Time) (says, known bool) {
	o := m.seen[fact]
	if o == nil || o.Missing != "" || now.After(o.FreshUntil) {
		return false, false
	}
	return o.Value == evidence.Bool(true), true
}

// verdict is what fresh evidence says of a check: passed, failed, or neither.
func (m *model) verdict(c modelCheck, now time.Time) (passed, failed, byAttestation bool) {
	machine, known := m.fresh(c.machine, now)
	if known {
		return machine, !machine, false
	}
	for _, weaker := range []string{c.catalog, c.attested} {
		if weaker == "" {
			continue
		}
		says, known := m.fresh(weaker, now)
		no, remembered := m.no[c.id]
		if known && says && (!remembered || m.seen[weaker].Since.After(no)) {
			return true, false, weaker == c.attested
		}
		if known {
			return false, false, false // it says no, and the machine may say yes
		}
	}
	return false, false, false
}

// look reads the answers of now: which badges are proved and which contradicted.
func (m *model) look(now time.Time) (proved, contradicted [topLevel + 1]bool) {
	for id, at := range m.no {
		if at.After(now) {
			m.no[id] = now
		}
	}
	attested := 0
	var lacking, failing [topLevel + 2]bool
	for _, c := range m.checks {
		if !m.applies(c) {
			continue
		}
		passed, failed, byAttestation := m.verdict(c, now)
		if says, known := m.fresh(c.machine, now); known && !says && (c.catalog != "" || c.attested != "") {
			m.no[c.id] = now
		}
		if until, ok := m.exempt[c.id]; ok && now.Before(until) {
			continue
		}
		if byAttestation && passed && c.level == topLevel {
			attested++
		}
		lacking[c.level] = lacking[c.level] || !passed
		failing[c.level] = failing[c.level] || failed
	}
	proved[0] = true
	for level := 1; level <= topLevel; level++ {
		// The machine of an attested check is silent and may yet say yes, so that too many
		// attestations are no contradiction.
		over := level == topLevel && attested > m.maxAttested
		proved[level] = proved[level-1] && !lacking[level] && !over
		contradicted[level] = contradicted[level-1] || failing[level]
	}
	return proved, contradicted
}

// announce notes which checks announced changes have made count: the end of an exemption or
// another tier. What other criteria ask for has its dwell.
func (m *model) announce(now time.Time, first bool) {
	for _, c := range m.checks {
		until, exempt := m.exempt[c.id]
		asked := (!c.tierOne || m.tier == 1) && (!exempt || !now.Before(until))
		m.announced[c.id] = asked && (m.announced[c.id] || !m.asked[c.id] && !first)
		m.asked[c.id] = asked
		if passed, _, _ := m.verdict(c, now); passed && m.applies(c) {
			m.announced[c.id] = false
		}
	}
}

// announcedTakes reports whether a check that an announced change has made count fails.
func (m *model) announcedTakes(badge int, now time.Time) bool {
	for _, c := range m.checks {
		if _, failed, _ := m.verdict(c, now); failed && m.applies(c) && m.announced[c.id] && c.level <= badge {
			return true
		}
	}
	return false
}

// keep notes which checks fail while the badge held is proved.
func (m *model) keep(now time.Time) {
	m.failed = map[string]bool{}
	for _, c := range m.checks {
		_, m.failed[c.id], _ = m.verdict(c, now)
	}
}

// failsSince reports whether a check of a badge that is asked only since a change fails,
// and did not when the badge was last proved: its answer has changed, and not only what is
// asked.
func (m *model) failsSince(change scoring.Cause, badge int, now time.Time) bool {
	for _, c := range m.checks {
		isNew := change == scoring.CauseCriteria && c.older || change == scoring.CauseService && c.tierOne
		_, failed, _ := m.verdict(c, now)
		if isNew && failed && m.applies(c) && c.level <= badge && !m.failed[c.id] {
			return true
		}
	}
	return false
}

// healthy reports by level whether the sources of all machines were there to be asked
// whose checks are not proved: only then is it the service that lacks something.
func (m *model) healthy(now time.Time) (answers [topLevel + 1]bool) {
	for level := range answers {
		answers[level] = true
	}
	for _, c := range m.checks {
		passed, _, _ := m.verdict(c, now)
		until, exempt := m.exempt[c.id]
		_, known := m.fresh(c.machine, now)
		if !m.applies(c) || passed || exempt && now.Before(until) || known || !now.After(m.seen[c.machine].HealthyUntil) {
			continue
		}
		for level := c.level; level <= topLevel; level++ {
			answers[level] = false
		}
	}
	return answers
}

// advance moves the clocks of the model by the time since the last judgement.
func (m *model) advance(looked time.Duration, proved, contradicted, answers [topLevel + 1]bool) {
	before := m.answers
	m.answers = answers
	for level := range proved {
		switch {
		case !proved[level]:
			m.proved[level], m.observations[level] = 0, 0
			if before[level] || answers[level] {
				m.unproved[level] += looked
			}
		default:
			if m.observations[level] > 0 {
				m.proved[level] += looked
			}
			m.observations[level]++
			m.unproved[level] = 0
		}
		switch {
		case contradicted[level]:
			m.contradicted[level] += looked
		case proved[level]:
			m.contradicted[level] = max(0, m.contradicted[level]-looked)
		}
	}
}

// happened is what a transition may have come of: what was changed at this judgement and
// ever, and what would be proved and contradicted without the change.
type happened struct {
	wasExempt, changed              bool
	wasNewer, wasReclassified       bool
	only                            scoring.Cause
	provedBefore, contradictsBefore [topLevel + 1]bool
}

// wrongCause is what is wrong about the cause of a transition, empty if nothing is.
func (w happened) wrongCause(tr scoring.Transition) string {
	switch {
	case tr.Cause == scoring.CauseCriteria && !w.wasNewer:
		return "the cause is the criteria, which have not changed"
	case tr.Cause == scoring.CauseService && !w.wasReclassified:
		return "the cause is the service, which has not changed"
	case tr.Cause == scoring.CauseExemption && !w.wasExempt:
		return "the cause is an exemption, and there was none"
	case w.only == "" || tr.Cause == w.only || tr.Cause == scoring.CauseInitial || tr.Cause == scoring.CauseLapse:
		return ""
	case tr.To > tr.From && !w.provedBefore[tr.From+1]:
		return fmt.Sprintf("without the change of %s nothing above %s was proved", w.only, tr.From)
	case tr.To < tr.From && !w.contradictsBefore[tr.From]:
		return fmt.Sprintf("without the change of %s nothing contradicted %s", w.only, tr.From)
	}
	return ""
}

// fault is what is wrong about a transition, empty if nothing is.
func (m *model) fault(tr scoring.Transition, proved, contradicted [topLevel + 1]bool, w happened) string {
	// A badge that was proved before the change is proved by evidence.
	isEvidence := tr.Cause == scoring.CauseEvidence && (tr.To > tr.From && m.observations[tr.From+1] > 1 ||
		tr.To < tr.From && m.failsSince(w.only, int(tr.From), tr.At))
	if wrong := w.wrongCause(tr); wrong != "" && !isEvidence {
		return wrong
	}
	if len(tr.Flips) == 0 && tr.Cause != scoring.CauseInitial && tr.Cause != scoring.CauseCriteria {
		return "it names no check that made it"
	}
	if tr.To > tr.From {
		switch to := int(tr.To); {
		case to > topLevel || !proved[to]:
			return "there is no fresh proof of it within its bounds"
		case tr.Cause == scoring.CauseInitial:
		case tr.Cause == scoring.CauseLapse:
			return "a lapse awards nothing"
		default:
			// With a badge come those that an announced change has proved since.
			for to > int(tr.From) && m.given[to] {
				to--
			}
			if to > int(tr.From) && (m.proved[to] < framework.DefaultAwardDwell || m.observations[to] < 2) {
				return fmt.Sprintf("%d is proved for %s in %d judgements", to, m.proved[to], m.observations[to])
			}
		}
		return ""
	}
	for badge := int(tr.To) + 1; badge <= int(tr.From); badge++ {
		switch {
		case tr.Cause == scoring.CauseLapse:
			if proved[badge] || m.unproved[badge] < validFor {
				return fmt.Sprintf("%d has lapsed and was without proof for %s while sources answered", badge, m.unproved[badge])
			}
		case !contradicted[badge]:
			return fmt.Sprintf("no fresh evidence contradicts %d", badge)
		case m.contradicted[badge] < framework.DefaultDwell && !m.announcedTakes(badge, tr.At):
			return fmt.Sprintf("%d was contradicted for %s", badge, m.contradicted[badge])
		}
	}
	return ""
}

// collect lets the sources that are up answer.
func (m *model) collect(now time.Time, truth map[string]bool, down map[string]bool, facts *evidence.Facts) {
	for i := range facts.Len() {
		name := facts.At(i).Name
		if down[evidence.Pack(name)] {
			if m.seen[name] == nil {
				m.seen[name] = &evidence.Observation{Missing: evidence.MissingNotCollected}
			}
			continue
		}
		o := &evidence.Observation{HealthyUntil: now.Add(freshFor), Missing: evidence.MissingNoData, ObservedAt: now}
		if says, known := truth[name]; known {
			o.Value, o.Missing, o.Since = evidence.Bool(says), "", now
			o.FreshUntil, o.ValidUntil = now.Add(freshFor), now.Add(validFor)
			if old := m.seen[name]; old != nil && old.Missing == "" && old.Value == o.Value {
				o.Since = old.Since
			}
		}
		m.seen[name] = o
	}
}

// disturb changes one thing in the world.
func (m *model) disturb(
	dice *rand.Rand, now time.Time, truth, down map[string]bool, facts *evidence.Facts,
) (exempted bool) {
	fact := facts.At(dice.IntN(facts.Len())).Name
	switch dice.IntN(12) {
	case 0, 1:
		truth[fact] = true
	case 2:
		truth[fact] = false
	case 3:
		delete(truth, fact)
	case 4:
		down[[]string{"m", "pd", "c", "attest"}[dice.IntN(4)]] = true
	case 5, 6:
		clear(down)
	case 7, 8, 9:
		for i := range facts.Len() {
			truth[facts.At(i).Name] = true
		}
	case 10:
		for _, c := range m.checks {
			truth[c.machine] = c.level <= dice.IntN(topLevel+1)
		}
	case 11:
		if dice.IntN(4) == 0 {
			clear(m.exempt)
			m.exempt[m.checks[dice.IntN(len(m.checks))].id] = now.Add(time.Duration(1+dice.IntN(72)) * time.Hour)
			return true
		}
	}
	return false
}

// play plays one history of a drawn framework and returns the number of transitions.
func play(t *testing.T, seed uint64, steps int) (transitions int) {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 9))
	m, texts, definitions := drawModel(dice)
	versions := [2]*framework.Framework{compileLadder(t, texts[0], definitions), compileLadder(t, texts[1], definitions)}
	f := versions[0]
	subject := scoring.Subject{Name: "shop", Attributes: framework.Attributes{Tier: 1, Runtime: "other"}}
	state := scoring.State{Options: scoring.Options{MaxStep: modelStep}}
	truth, down := map[string]bool{}, map[string]bool{}
	now, w := midday, happened{}
	var exemptions []scoring.Exemption
	inForce := ""
	for step := range steps {
		d := time.Duration(dice.IntN(4*3600)) * time.Second
		switch dice.IntN(60) {
		case 0:
			d = -time.Duration(dice.IntN(5*24)) * time.Hour
		case 1:
			d = time.Duration(dice.IntN(5*24)) * time.Hour
		}
		now = now.Add(d)
		if dice.IntN(6) == 0 && m.disturb(dice, now, truth, down, f.Facts()) {
			w.wasExempt, exemptions = true, nil
			for id, until := range m.exempt {
				exemptions = append(exemptions, scoring.Exemption{
					Check: id, Selector: scoring.Selector{Services: []string{"shop"}}, Reason: "x", Approver: "x", Expires: until,
				})
			}
		}
		m.collect(now, truth, down, f.Facts())
		w.only = ""
		w.provedBefore, w.contradictsBefore = m.look(now)
		// Half of the histories have one framework and tier throughout.
		switch change := dice.IntN(120); {
		case seed%2 == 0:
		case change == 0:
			m.newer, w.wasNewer, w.only = !m.newer, true, scoring.CauseCriteria
			f = versions[map[bool]int{true: 1}[m.newer]]
		case change == 1:
			m.tier, w.wasReclassified, w.only = 3-m.tier, true, scoring.CauseService
			subject.Tier = m.tier
		}
		row := make(evidencetest.Row, f.Facts().Len())
		for i := range row {
			row[i] = m.seen[f.Facts().At(i).Name]
		}
		cards := scoring.Judge(scoring.Inputs{
			Framework: f, Subjects: []scoring.Subject{subject}, Exemptions: exemptions,
			Evidence: evidencetest.Rows{"shop": row}.Row, Invalidated: state.Invalidated,
		}, now)
		// The model looks before the machine moves.
		proved, contradicted := m.look(now)
		looked := min(max(d, 0), modelStep)
		if step == 0 {
			looked = 0
		}
		m.advance(looked, proved, contradicted, m.healthy(now))
		exempt := ""
		for id, until := range m.exempt {
			if now.Before(until) {
				exempt = id
			}
		}
		m.announce(now, step == 0)
		w.changed = exempt != inForce || w.only == scoring.CauseService
		if exempt != inForce {
			w.only = ""
		}
		inForce = exempt
		for level := range proved {
			m.given[level] = proved[level] && (m.given[level] || w.changed && m.observations[level] == 1)
		}
		var moved []scoring.Transition
		state, moved = scoring.Advance(state, cards, now)
		for _, tr := range moved {
			transitions++
			if fault := m.fault(tr, proved, contradicted, w); fault != "" {
				t.Fatalf("seed %d, step %d: %s → %s (%s): %s", seed, step, tr.From, tr.To, tr.Cause, fault)
			}
		}
		if held := int(state.Badges["shop"].Badge); held <= topLevel && proved[held] {
			m.keep(now)
		}
		if dice.IntN(20) == 0 {
			state.Badges = map[string]scoring.BadgeState{"shop": restarted(t, state.Badges["shop"])}
		}
	}
	return transitions
}

// restarted is the badge after its way through the store.
func restarted(t *testing.T, b scoring.BadgeState) scoring.BadgeState {
	t.Helper()
	restored := reread[scoring.BadgeState](t, b)
	if b.Support != nil {
		support := reread[scoring.Basis](t, b.Support)
		restored.Support = &support
	}
	if b.Before != nil {
		restored.Before = reread[map[framework.Badge]*scoring.Basis](t, b.Before)
	}
	return restored
}

// TestTheBadgeMachineAgainstAModel plays random histories with outages, restarts, clock
// jumps, exemptions, attestations, other criteria and tiers: no award without fresh proof
// within its bounds for as long as it takes, no loss without contradiction for the dwell, no
// cause but a true one. READINESS_TEST_STEPS is the number of judgements.
func TestTheBadgeMachineAgainstAModel(t *testing.T) {
	race.Skip(t, "it has no goroutine")
	steps := 100_000
	if text := os.Getenv("READINESS_TEST_STEPS"); text != "" {
		var err error
		if steps, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const each, parts = 500, 8
	var transitions atomic.Int64
	t.Run("histories", func(t *testing.T) {
		for part := range parts {
			t.Run(strconv.Itoa(part), func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < steps/each; seed += parts {
					transitions.Add(int64(play(t, uint64(seed), each)))
				}
			})
		}
	})
	n := int(transitions.Load())
	t.Logf("%d judgements, %d transitions, no violation", steps, n)
	if n < steps/each {
		t.Errorf("%d transitions in %d judgements: the properties were not tried", n, steps)
	}
}
