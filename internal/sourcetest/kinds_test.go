package sourcetest

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

// changes makes an outcome of a good one for each run; nil changes nothing.
type changes []func(*outcome)

// made is an outcome of a world with three facts.
func made(change func(*outcome)) *outcome {
	o := &outcome{
		now: noon, known: map[key]string{{"x", "mine"}: "1", {"x", "other"}: "2", {"y", "mine"}: "3"},
		missing: map[key]evidence.Missing{},
		reviews: map[string]evidence.ReviewStatus{}, reasons: map[evidence.UncountedReason]int{},
		groups: map[evidence.UncountedGroup]bool{},
		incidents: map[string]evidence.Incident{"Q1": {
			ID: "Q1", StartedAt: noon.Add(-2 * time.Hour), ResolvedAt: noon.Add(-time.Hour), AcksKnown: true,
			AcknowledgedAt: noon.Add(-90 * time.Minute), Resolver: evidence.ResolverPerson, Channel: "email",
		}},
	}
	if change != nil {
		change(o)
	}
	return o
}

// lacks makes a fact unknown.
func (o *outcome) lacks(fact, service string) {
	delete(o.known, key{fact, service})
	o.missing[key{fact, service}] = evidence.MissingUncounted
}

// counts counts a group.
func (o *outcome) counts(reason evidence.UncountedReason, name string) {
	o.groups[evidence.UncountedGroup{Name: name, Reason: reason, Count: 1}] = true
	o.reasons[reason]++
}

// changes changes the incident.
func (o *outcome) changes(change func(*evidence.Incident)) {
	in := o.incidents["Q1"]
	change(&in)
	o.incidents["Q1"] = in
}

// TestWhatComesOfAKindIsJudged: each mistake of a source, and each scenario that proves
// nothing, is a fault with the words.
func TestWhatComesOfAKindIsJudged(t *testing.T) {
	mine, others := map[string][]string{"mine": {"x"}}, map[string][]string{"other": {"x"}}
	counted := func(reason evidence.UncountedReason) []evidence.UncountedGroup {
		return []evidence.UncountedGroup{{Name: "stray", Reason: reason, Count: 1}}
	}
	const unknown, reversed, unread = evidence.UncountedUnknownService, evidence.UncountedEndBeforeStart,
		evidence.UncountedUnreadable
	stray := Scenario{Counted: counted(unknown), Unknown: mine, Same: others}
	late := Scenario{Counted: counted(reversed), Same: others}
	known := func(o *outcome) { o.counts(unknown, "stray") }
	good := func(o *outcome) { o.counts(unknown, "stray"); o.lacks("x", "mine") }
	endless := func(o *outcome) {
		o.counts(reversed, "stray")
		o.changes(func(in *evidence.Incident) { in.ResolvedAt, in.EndUnknown = time.Time{}, true })
	}
	value := func(v string) func(*outcome) { return func(o *outcome) { o.known[key{"x", "mine"}] = v } }
	ended := func(by evidence.Resolver, v string) func(*outcome) {
		return func(o *outcome) {
			value(v)(o)
			o.changes(func(in *evidence.Incident) { in.Resolver = by })
		}
	}
	second := func(o *outcome) { o.incidents["Q2"] = evidence.Incident{ID: "Q2"} }
	part := func(o *outcome) { o.incidents["Q2"] = evidence.Incident{ID: "Q2", MergedInto: "Q1"} }
	byMachine := func(o *outcome) {
		value("0")(o)
		o.changes(func(in *evidence.Incident) {
			in.AcknowledgedAt, in.MachineAcknowledgedAt = time.Time{}, in.AcknowledgedAt
		})
	}
	acks := Scenario{Deed: Acknowledges, Changed: mine}
	unreadable := Scenario{Counted: counted(unread), Unknown: mine, Same: others}
	for name, tc := range map[string]struct {
		judge    func(*check, *Scenario, []*outcome)
		scenario Scenario
		runs     changes
		want     string
	}{
		"stray":             {judgeNoService, stray, changes{nil, good}, ""},
		"stray, not named":  {judgeNoService, stray, changes{nil, func(o *outcome) { o.lacks("x", "mine") }}, "is not named"},
		"stray, and a fact": {judgeNoService, stray, changes{nil, known}, "x of mine is 1"},
		"stray, too much": {judgeNoService, stray, changes{nil, func(o *outcome) { good(o); o.lacks("x", "other") }},
			"x of other is unknown"},
		"stray, another value": {judgeNoService, stray, changes{nil, func(o *outcome) {
			good(o)
			o.known[key{"x", "other"}] = "5"
		}}, `x of other is "2"`},
		"stray, counted twice": {judgeNoService, stray, changes{nil, func(o *outcome) { good(o); o.counts(unknown, "2") }},
			"counted map[unknown_service:2], want map[unknown_service:1]"},
		"stray, never known": {judgeNoService, stray, changes{func(o *outcome) { o.lacks("x", "mine") }, good},
			"right: x of mine is unknown: uncounted"},
		"nothing is counted": {judgeNoService, Scenario{Unknown: mine, Same: others}, changes{nil, good},
			"the scenario counts nothing"},
		"nothing is unknown": {judgeNoService, Scenario{Counted: counted(unknown), Same: others}, changes{nil, good},
			"makes facts unknown, or else says why"},

		"reversed": {judgeTime(reversed), late, changes{nil, endless}, ""},
		"clamped": {judgeTime(reversed), late, changes{nil, func(o *outcome) {
			o.counts(reversed, "stray")
			o.changes(func(in *evidence.Incident) { in.ResolvedAt = in.StartedAt })
		}}, "which the source does not say"},
		"open": {judgeTime(reversed), late, changes{nil, func(o *outcome) {
			endless(o)
			o.changes(func(in *evidence.Incident) { in.EndUnknown = false })
		}}, "and is open"},
		"believed": {judgeTime(reversed), late, changes{nil, func(o *outcome) { o.counts(reversed, "stray") }},
			"no time and no fact has become unknown"},
		"another reason": {judgeTime(evidence.UncountedInFuture), late, changes{nil, endless}, "the scenario counts"},

		"not done": {judgeNotDone, Scenario{Changed: mine}, changes{nil, ended("", "0"), ended("", "0")}, ""},
		"it proves work": {judgeNotDone, Scenario{Changed: mine}, changes{nil, nil, ended("", "0")},
			"with the data done and with the data not done"},
		"it is something else": {judgeNotDone, Scenario{Changed: mine}, changes{nil, ended("", "0"), ended("", "5")},
			"with the data no work"},
		"a review": {judgeNotDone, Scenario{Changed: mine}, changes{nil, func(o *outcome) {
			ended("", "0")(o)
			o.reviews["PRR-1 mine"] = evidence.ReviewDone
		}, ended("", "0")}, "the review PRR-1 mine is done"},
		"resolved by a person": {judgeNotDone, Scenario{Changed: mine}, changes{nil,
			ended(evidence.ResolverPerson, "0"), ended("", "0")}, "was resolved by a person"},

		"renamed": {judgeSameID, Scenario{Same: mine}, changes{nil, nil}, ""},
		"doubled": {judgeSameID, Scenario{}, changes{nil, second}, "2 events"},
		"another review": {judgeSameID, Scenario{Same: mine}, changes{nil, func(o *outcome) {
			o.reviews["7 mine"] = evidence.ReviewOpen
		}}, "reviews map[7 mine:open]"},
		"nothing":      {judgeSameID, Scenario{}, changes{func(o *outcome) { clear(o.incidents) }}, "neither an event"},
		"another fact": {judgeSameID, Scenario{Same: mine}, changes{nil, value("0")}, "with the data after"},

		"a machine":        {judgeAgents, acks, changes{nil, byMachine, byMachine}, ""},
		"a machine for us": {judgeAgents, acks, changes{nil, value("0"), value("0")}, "does not say who acknowledges it"},
		"the channel":      {judgeAgents, acks, changes{nil, byMachine, nil}, "by a machine, through another channel"},
		"who opens": {judgeAgents, Scenario{Deed: Opens}, changes{nil, nil, nil},
			"by a machine: the incident Q1 does not say who opens it"},
		"who resolves": {judgeAgents, Scenario{Deed: Resolves}, changes{nil, ended("timeout", "1"), nil},
			"by a machine: the incident Q1 does not say who resolves it"},

		"merged":         {judgeTwice, Scenario{Same: mine}, changes{nil, part}, ""},
		"counted double": {judgeTwice, Scenario{}, changes{nil, second}, "2 events"},
		"a fact doubles": {judgeTwice, Scenario{Same: mine}, changes{nil, value("2")}, "with the data twice"},

		"unreadable": {judgeUnreadable, unreadable, changes{nil, func(o *outcome) {
			o.counts(unread, "stray")
			o.lacks("x", "mine")
		}}, ""},
		"unreadable, and skipped": {judgeUnreadable, Scenario{Unknown: mine, Same: others}, changes{nil,
			func(o *outcome) { o.lacks("x", "mine"); o.skipped = 1 }}, ""},
		"unreadable, not counted": {judgeUnreadable, Scenario{Unknown: mine, Same: others}, changes{nil,
			func(o *outcome) { o.lacks("x", "mine") }}, "is not counted"},
		"unreadable, and known": {judgeUnreadable, unreadable, changes{nil, func(o *outcome) { o.counts(unread, "stray") }},
			"x of mine is 1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &check{}
			var runs []*outcome
			for _, change := range tc.runs {
				runs = append(runs, made(change))
			}
			tc.judge(c, &tc.scenario, runs)
			found := strings.Join(c.faults, "\n")
			if !strings.Contains(found, tc.want) || (tc.want == "") != (found == "") {
				t.Errorf("found %q, want %q", found, tc.want)
			}
		})
	}
}
