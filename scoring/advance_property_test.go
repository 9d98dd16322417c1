package scoring_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// criteriaVariants are frameworks that a service may find itself judged by
// from one minute to the next.
func criteriaVariants(t tester) []*framework.Framework {
	replace := func(old, with string) string {
		text := strings.Replace(ladder, old, with, 1)
		if text == ladder {
			t.Fatalf("%q is not in the framework", old)
		}
		return text
	}
	var out []*framework.Framework
	for _, text := range []string{
		ladder,
		replace("title: x, proofs: [{by: machine, pass: m.a3}]", "title: x, proofs: [{by: machine, pass: m.extra}]"),
		replace("      - {id: a.five, level: 5, title: x, proofs: [{by: machine, pass: m.a5}]}\n", ""),
		replace("{id: b.two, level: 2,", "{id: b.two, level: 2, enforce_from: 2026-03-06,"),
		replace(
			"lapse_after:", "requirements: {silver: {max_exempt: 1}, gold: {max_exempt: 0, max_attested: 0}}\nlapse_after:",
		),
		replace("  - id: b\n", "  - id: b\n    scale: pass_fail\n    required_from: silver\n"),
	} {
		out = append(out, compileLadder(t, text, ladderDefinitions()))
	}
	return out
}

// moment is what one judgement saw, and how much time it stands for.
type moment struct {
	looked time.Duration
	card   scoring.Scorecard
}

// history watches a service from outside and knows nothing of its clocks.
type history struct {
	moments []moment
	// announced is true when something was changed that needs no dwell.
	announced bool
}

// provedFor is the time without interruption, and the number of judgements,
// for which the badge has been proved.
func (h *history) provedFor(badge framework.Badge) (time.Duration, int) {
	var total time.Duration
	for i, v := range slices.Backward(h.moments) {
		if v.card.FreshBadge.Lower < badge {
			return total, len(h.moments) - 1 - i
		}
		// The time before the first proof proves nothing.
		if i > 0 && h.moments[i-1].card.FreshBadge.Lower >= badge {
			total += v.looked
		}
	}
	return total, len(h.moments)
}

// contradictedFor is all the time in which fresh evidence spoke against the
// badge.
func (h *history) contradictedFor(badge framework.Badge) time.Duration {
	var total time.Duration
	for _, m := range h.moments {
		if m.card.FreshBadge.Upper < badge {
			total += m.looked
		}
	}
	return total
}

func stands(c *framework.Check, badge framework.Badge) bool {
	if c.Module.Scale == framework.PassFail {
		return badge >= c.Module.RequiredFrom
	}
	return c.Level <= int(badge)
}

// shortestDwell is the least dwell among the checks that fail now and that the
// badge needs.
func shortestDwell(card scoring.Scorecard, badge framework.Badge) time.Duration {
	shortest := framework.DefaultDwell
	found := false
	for _, c := range card.Checks {
		if c.Status.Counted() && c.Fresh == scoring.Fail && stands(c.Check, badge) && (!found || c.Check.Dwell < shortest) {
			shortest, found = c.Check.Dwell, true
		}
	}
	return shortest
}

// checkTransition holds one transition against what was seen.
func (h *history) checkTransition(
	t tester, before scoring.BadgeState, transition scoring.Transition, card scoring.Scorecard,
) {
	t.Helper()
	if transition.From != before.Badge || transition.To == transition.From {
		t.Fatalf("a transition from %s to %s of a service with %s", transition.From, transition.To, before.Badge)
	}
	if !slices.Contains(scoring.Causes(), transition.Cause) {
		t.Fatalf("cause %q", transition.Cause)
	}
	seen := map[scoring.Cause]bool{transition.Cause: true}
	for _, c := range transition.Contributing {
		if seen[c] || !slices.Contains(scoring.Causes(), c) {
			t.Fatalf("cause %s with %v contributing", transition.Cause, transition.Contributing)
		}
		seen[c] = true
	}
	if transition.To > transition.From {
		if card.FreshBadge.Lower < transition.To {
			t.Fatalf("%s awarded (%s) with proof of %s", transition.To, transition.Cause, card.FreshBadge.Lower)
		}
		if transition.To > card.Ceiling {
			t.Fatalf("%s awarded under a ceiling of %s", transition.To, card.Ceiling)
		}
		if transition.Cause == scoring.CauseLapse {
			t.Fatalf("awarded by a lapse")
		}
		proved, observations := h.provedFor(transition.To)
		if transition.Cause != scoring.CauseInitial && !h.announced && (proved < card.Basis.Framework.AwardDwell ||
			observations < 2) {
			t.Fatalf(
				"%s awarded (%s) after proof for %s in %d judgements", transition.To, transition.Cause, proved, observations,
			)
		}
		return
	}
	switch transition.Cause {
	case scoring.CauseInitial:
		t.Fatalf("%s lost by an initial judgement", transition.From)
	case scoring.CauseLapse:
		for _, c := range card.Checks {
			if c.Status.Counted() && c.Fresh != scoring.Pass && stands(c.Check, transition.From) && c.SourceDown {
				t.Fatalf("%s lapsed while the source of %s is down", transition.From, c.Check.ID)
			}
		}
		if card.FreshBadge.Lower >= transition.From {
			t.Fatalf("%s lapsed while it is proved", transition.From)
		}
	default:
		for badge := transition.To + 1; badge <= transition.From; badge++ {
			if card.FreshBadge.Upper >= badge {
				t.Fatalf("%s lost (%s) while fresh evidence supports %s", badge, transition.Cause, card.FreshBadge.Upper)
			}
			if lasted, dwell := h.contradictedFor(badge), shortestDwell(card, badge); !h.announced && lasted < dwell {
				t.Fatalf("%s lost after %s of contradiction, dwell %s", badge, lasted, dwell)
			}
		}
	}
}

// TestBadgeProperties drives one service through random evidence, outages,
// criteria, exemptions, reclassifications, restarts and clock jumps. A twin
// with the same history is restarted before every judgement.
func TestBadgeProperties(t *testing.T) {
	variants := criteriaVariants(t)
	kinds := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		calm := rapid.Bool().Draw(t, "calm")
		w := newSimulationOf(t, variants[0], framework.Badge(rapid.IntRange(0, 5).Draw(t, "first")))
		w.state.Options = scoring.Options{ObserveFor: 3 * day, MaxStep: 12 * time.Hour}
		twin := w.state
		h := &history{}
		fact := rapid.SampledFrom(ladderFacts)
		check := rapid.SampledFrom(variants[0].Checks)
		step := rapid.SampledFrom([]time.Duration{
			0, time.Minute, 20 * time.Minute, time.Hour, time.Hour, 3 * time.Hour, 3 * day, -time.Hour, -5 * day,
		})
		judge := func(d time.Duration) {
			w.now = w.now.Add(d)
			w.collect()
			cards := scoring.Judge(w.inputs(), w.now)
			looked := min(max(d, 0), w.state.Options.MaxStep)
			if _, known := w.state.Badges[w.subject.Name]; !known {
				looked = 0
			}
			h.moments = append(h.moments, moment{looked: looked, card: cards[0]})

			written, _ := json.Marshal(w.state)
			before := w.badge()
			next, transitions := scoring.Advance(w.state, cards, w.now)
			if again, _ := json.Marshal(w.state); string(again) != string(written) {
				t.Fatalf("Advance changed its argument")
			}
			w.state = next
			if len(transitions) > 1 {
				t.Fatalf("%d transitions of one service", len(transitions))
			}
			after := w.badge()
			if after.Badge < framework.NoBadge || after.Badge > framework.Diamond {
				t.Fatalf("badge %d", after.Badge)
			}
			if (len(transitions) == 1) != (after.Badge != before.Badge) {
				t.Fatalf("badge %s → %s with %d transitions", before.Badge, after.Badge, len(transitions))
			}
			for _, transition := range transitions {
				kinds[fmt.Sprintf("%s %s", transition.Direction(), transition.Cause)]++
				h.checkTransition(t, before, transition, cards[0])
				if transition.Announced && (transition.Cause == scoring.CauseInitial || w.now.Sub(after.FirstJudged) < 3*day) {
					t.Fatalf("%s announced %s after the first judgement", transition.Cause, w.now.Sub(after.FirstJudged))
				}
			}
			if _, more := scoring.Advance(w.state, cards, w.now); len(more) > 0 {
				t.Fatalf("judging again without change gives %+v", more)
			}
			if _, more := scoring.Advance(w.state, scoring.Judge(w.inputs(), w.now), w.now); len(more) > 0 {
				t.Fatalf("judging again without change gives %+v", more)
			}

			plain := w.state
			w.state = twin
			if _, known := twin.Badges[w.subject.Name]; known {
				w.restart(true)
			}
			var mirrored []scoring.Transition
			twin, mirrored = scoring.Advance(w.state, cards, w.now)
			w.state = plain
			if got, want := outline(mirrored), outline(transitions); got != want {
				t.Fatalf("restarted: %s, without restart: %s", got, want)
			}
		}
		judge(0)
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			action := rapid.SampledFrom([]string{
				"true", "false", "absent", "outage", "back", "all", "all", "all but one", "all but one",
				"criteria", "blind", "exempt", "relieve", "relieve", "service", "service", "long", "days", "days", "days",
			}).Draw(t, "action")
			switch action {
			case "true":
				w.truth[fact.Draw(t, "fact")] = true
			case "false":
				w.truth[fact.Draw(t, "fact")] = false
			case "absent":
				delete(w.truth, fact.Draw(t, "fact"))
			case "outage":
				w.down[rapid.SampledFrom([]string{"m", "pd", "attest"}).Draw(t, "source")] = true
			case "back":
				clear(w.down)
			case "all":
				w.passAll(framework.Badge(rapid.IntRange(0, 5).Draw(t, "passing")))
			case "all but one":
				w.passAll(framework.Badge(rapid.IntRange(2, 5).Draw(t, "passing")))
				w.truth[fact.Draw(t, "fact")] = false
			case "criteria":
				w.framework = rapid.SampledFrom(variants).Draw(t, "criteria")
				for _, c := range w.framework.Checks {
					h.announced = h.announced || !c.EnforceFrom.IsZero()
				}
			case "blind":
				if w.notMeasurable = nil; rapid.Bool().Draw(t, "blind") {
					w.notMeasurable = map[string]bool{check.Draw(t, "check").ID: true}
				}
			case "relieve":
				for _, c := range h.moments[len(h.moments)-1].card.Checks {
					if !calm && c.Status == scoring.Fail {
						w.exempt(c.Check.ID, 2*day)
						h.announced = true
						break
					}
				}
			case "exempt":
				if !calm {
					w.exempt(check.Draw(t, "check").ID, rapid.SampledFrom([]time.Duration{time.Hour, day, 10 * day}).Draw(t, "for"))
					h.announced = true
				}
			case "service":
				if !calm {
					w.subject.Tier = 5 - w.subject.Tier
					h.announced = true
				}
			case "long":
				for range 35 * 2 {
					judge(12 * time.Hour)
				}
			case "days":
				for range 10 {
					judge(3 * time.Hour)
				}
			}
			judge(step.Draw(t, "step"))
		}
	})
	t.Log("transitions seen:", kinds)
	for _, kind := range []string{"award initial", "award evidence", "regress evidence"} {
		if kinds[kind] == 0 {
			t.Errorf("no history had a transition of the kind %q: the properties were not tried", kind)
		}
	}
}

// outline is what a restart must not change about transitions. The cause is
// not part of it: criteria that are gone cannot be replayed in their place.
func outline(transitions []scoring.Transition) string {
	var out []string
	for _, t := range transitions {
		out = append(out, fmt.Sprintf("%s→%s announced %v at %s", t.From, t.To, t.Announced, t.At))
	}
	return strings.Join(out, ", ")
}

func TestOutagesAndSilence(t *testing.T) {
	for _, name := range []string{"m", "pd"} {
		w := settled(t, framework.Diamond)
		w.down[name] = true
		w.want(w.run(60 * day))
		w.down[name] = false
		w.want(w.run(60 * day))
	}
	w := settled(t, framework.Gold)
	for _, name := range ladderFacts {
		if evidence.Pack(name) == "pd" {
			delete(w.truth, name)
		}
	}
	w.want(w.run(30*day+2*time.Hour), "gold→none lapse")
}
