package framework

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Lint is an error with everything that people who read the framework would miss, each
// with its file and line: an objective, a reason, steps, an example. Judging needs none
// of it, so a framework without it compiles.
func (d *Document) Lint() error {
	l := lint{}
	l.header(d)
	for i := range d.modules {
		m := &d.modules[i]
		l.module(m)
		for j := range m.Checks {
			if !m.Checks[j].isStep {
				l.check(&m.Checks[j])
			}
		}
	}
	return errors.Join(l.faults...)
}

type lint struct {
	where  string
	faults []error
}

// needs reports a text that is missing, and what it has to say.
func (l *lint) needs(key, text, says string) {
	if strings.TrimSpace(text) == "" {
		l.fail("%s is missing: %s", key, says)
	}
}

func (l *lint) fail(format string, args ...any) {
	l.faults = append(l.faults, fmt.Errorf("%s: %w", l.where, fmt.Errorf(format, args...)))
}

const levelCount = int(Diamond)

func (l *lint) header(d *Document) {
	h := d.header
	l.where = d.place("levels")
	if len(h.Levels) != levelCount {
		l.fail("levels has %d entries: give each of the five levels a name, a meaning, and what to rely on", len(h.Levels))
	}
	for i, level := range h.Levels {
		l.where = fmt.Sprintf("%s: levels[%d]", d.place(fmt.Sprintf("levels[%d]", i)), i)
		l.needs("name", level.Name, "say in two or three words what the level is")
		l.needs("meaning", level.Meaning, "say what a service at this level does")
		l.needs("what_to_rely_on", level.Relies, "say what others can rely on")
	}
}

func (l *lint) module(m *moduleDoc) {
	l.where = fmt.Sprintf("%s:%d: module %s", m.file, m.Line, m.ID)
	l.needs("objective", m.Objective, "say in one sentence what the module is for")
	if len(m.Levels) != levelCount && m.Scale != string(PassFail) {
		l.fail("levels has %d entries: say for each of the five levels what a service does at it", len(m.Levels))
	}
	l.links(m.Links)
	l.gaps(m)
}

// gaps reports levels without a check: what a module says of its level means nothing for a
// tier that has no check there. A module that ends below level 5 has no gap.
func (l *lint) gaps(m *moduleDoc) {
	if m.Scale == string(PassFail) {
		return
	}
	var has [lowestTier + 1][levelCount + 1]bool
	highest := 0
	for _, c := range m.Checks {
		tiers := c.Scope.Tiers
		if len(tiers) == 0 {
			tiers = allTiers()
		}
		for _, tier := range tiers {
			if tier >= 1 && tier <= lowestTier && c.Level >= 1 && c.Level <= levelCount {
				has[tier][c.Level] = true
				highest = max(highest, c.Level)
			}
		}
	}
	for level := 1; level <= highest; level++ {
		var without []string
		for _, tier := range allTiers() {
			if !has[tier][level] {
				without = append(without, strconv.Itoa(tier))
			}
		}
		if len(without) > 0 {
			l.fail("level %d has no check for tier %s, and level %d has one: add a check, or move one down", level,
				strings.Join(without, ", "), highest)
		}
	}
}

func (l *lint) check(c *checkDoc) {
	l.where = c.place()
	l.needs("objective", c.Objective, "say in one sentence what is to be reached")
	l.needs("why", c.Why, "say what goes wrong without it")
	l.needs("judged", c.Judged, "say in words what the proofs compare; the expressions are shown beside it")
	if len(c.Remediation) < 2 {
		l.fail("remediation has %d steps: list at least two, in the order in which they are done", len(c.Remediation))
	}
	l.needs("example.text", c.Example.Text, "give a text that a team can begin with")
	l.needs("example.language", c.Example.Language, "say what reads the text, such as yaml or promql")
	l.needs("example.shows", c.Example.Shows, "say what the text does")
	l.needs("since", c.Since, "give the version of the framework that brought the check")
	if !slices.Contains(effortWords(), c.Effort) && len(effort(c.Effort)) != 1 {
		l.fail("effort %q: want %s", c.Effort, strings.Join(effortWords(), ", "))
	}
	if c.attested() {
		l.needs("attest", c.Attest, "say what a ticket that attests the check has to show")
	} else if c.Attest != "" {
		l.fail("attest is given and no proof reads %s", AttestationFact(c.ID))
	}
	l.links(c.Links)
}

// attested reports whether a proof reads the attestation of the check.
func (c *checkDoc) attested() bool {
	return slices.ContainsFunc(c.Proofs, func(p proofDoc) bool { return strings.Contains(p.Pass, AttestationFact(c.ID)) })
}

func (l *lint) links(list []linkDoc) {
	if len(list) == 0 {
		l.fail("links is missing: name at least one page of public documentation")
	}
	for i, link := range list {
		address, err := url.Parse(link.URL)
		if err != nil || address.Scheme != "https" || address.Host == "" {
			l.fail("links[%d]: url %q: want an address that begins with https://", i, link.URL)
		}
		l.needs(fmt.Sprintf("links[%d].title", i), link.Title, "give the title of the page")
	}
}
