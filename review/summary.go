package review

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// mostActions is how many actions the first screen has.
const mostActions = 3

func (b *builder) summary(r *Review) Summary {
	s := Summary{Numbers: b.numbers(r), Actions: b.actions(r)}
	s.Direction, s.Sentence = b.direction(r)
	return s
}

// tally counts what has changed within the period.
type tally struct {
	// rose and fell are services by evidence, levels the badges that they have gained.
	rose, fell, levels int
	// lapsed and other are changes that are no news about a service.
	lapsed, other int
	// mended and broken are checks that were definite at both ends.
	mended, broken int
}

func (b *builder) tally(changes []Change) tally {
	var t tally
	rose, fell := map[string]bool{}, map[string]bool{}
	for i := range changes {
		switch c := &changes[i]; {
		case c.news():
			t.levels += levelOf(c.To) - levelOf(c.From)
			if c.Rose() {
				rose[c.Service] = true
			} else {
				fell[c.Service] = true
			}
		case c.Announced && c.Cause == string(scoring.CauseLapse):
			t.lapsed++
		case c.Announced:
			t.other++
		}
	}
	t.rose, t.fell = len(rose), len(fell)
	for _, im := range b.flipped() {
		t.mended += im.Mended
		t.broken += im.Broken
	}
	return t
}

// direction says in one sentence whether readiness rose or fell and why. Only what
// evidence has changed counts: a badge that lapsed because evidence was missing, and one
// that moved with the criteria, says nothing about a service.
func (b *builder) direction(r *Review) (Direction, string) {
	switch {
	case len(b.services) == 0:
		return Unknown, "Whether readiness rose or fell is not known: no service is judged."
	case b.badgesSince.IsZero():
		return Unknown, "Whether readiness rose or fell is not known: no service has been judged completely yet."
	case !b.badgesSince.Before(b.end):
		return Unknown, "Whether readiness rose or fell is not known: the store knows badges from " +
			dayText(b.badgesSince) + " on, which is after this period."
	}
	t := b.tally(r.Changes)
	way, text := t.words()
	if check, n := b.mostFlipped(r.Changes, way); n > 0 {
		text += fmt.Sprintf(", most often because of %s (%s)", check, report.Plural(n, "service"))
	}
	text += "."
	var not []string
	if t.lapsed > 0 {
		not = append(not, report.Plural(t.lapsed, "badge")+" that lapsed because evidence was missing")
	}
	if t.other > 0 {
		not = append(not, report.Plural(t.other, "badge")+" that moved with criteria, exemptions or the catalog")
	}
	if len(not) > 0 {
		text += " Not counted: " + strings.Join(not, ", and ") + "."
	}
	if b.badgesSince.After(b.Period.From) {
		text += " What was before " + dayText(b.badgesSince) + " is not known."
	}
	return way, text
}

// words are the direction, and the sentence without why and full stop.
func (t tally) words() (Direction, string) {
	badges := fmt.Sprintf("%s gained a badge on evidence and %s lost one", report.Plural(t.rose, "service"),
		strings.Replace(thousands(t.fell), "0", "none", count(t.fell == 0)))
	checks := fmt.Sprintf("%s that failed %s now, and %s that passed %s",
		report.Plural(t.mended, "check"), agree(t.mended, "passes", "pass"), thousands(t.broken),
		agree(t.broken, "fails", "fail"))
	few := ""
	if t.rose+t.fell < few5 {
		few = " (a small number)"
	}
	switch {
	case t.levels > 0:
		return Rose, "Readiness rose: " + badges + few
	case t.levels < 0:
		return Fell, "Readiness fell: " + badges + few
	case t.rose+t.fell > 0:
		return Unchanged, "Readiness did not change on the whole: " + badges
	case t.mended > t.broken:
		return Rose, "Readiness rose a little: no badge moved on evidence, but " + checks
	case t.mended < t.broken:
		return Fell, "Readiness fell a little: no badge moved on evidence, but " + checks
	}
	return Unchanged, "Readiness did not change: no badge moved on evidence"
}

// few5 is the number of changed services below which the sentence says that it is small.
const few5 = 5

// mostFlipped is the check that most services gained, or lost, their badge by.
func (b *builder) mostFlipped(changes []Change, way Direction) (check string, services int) {
	if way != Rose && way != Fell {
		return "", 0
	}
	after := map[Direction]string{Rose: scoring.Pass.String(), Fell: scoring.Fail.String()}[way]
	of := map[string]map[string]bool{}
	for i := range changes {
		c := &changes[i]
		if !c.news() || c.Rose() != (way == Rose) {
			continue
		}
		for _, f := range c.Checks {
			if f.After == after && f.Before != after {
				if of[f.Check] == nil {
					of[f.Check] = map[string]bool{}
				}
				of[f.Check][c.Service] = true
			}
		}
	}
	for _, id := range sortedKeys(of) {
		if n := len(of[id]); n > services {
			check, services = id, n
		}
	}
	return check, services
}

// numbers are the three of the first screen.
func (b *builder) numbers(r *Review) []Number {
	list := []Number{b.badgeNumber()}
	for _, name := range []string{nameIncidents, nameResolution} {
		n := Number{Name: name, Unit: unitCount, Why: r.Incidents.Why}
		if name == nameResolution {
			n.Unit = unitSeconds
		}
		for _, known := range r.Incidents.Figures {
			if known.Name == name {
				n = known
			}
		}
		list = append(list, n)
	}
	return list
}

// badgeNumber is the share of services on their target, or with a badge where the
// framework has no targets.
func (b *builder) badgeNumber() Number {
	n := Number{Name: "Services on target", Unit: unitRatio}
	targets := slices.ContainsFunc(sortedKeys(b.ofName), func(name string) bool {
		return b.rows[name].HasTarget()
	})
	if !targets {
		n.Name = "Services with a badge"
	}
	share := func(at time.Time) (*float64, int) {
		judged, good := 0, 0
		for _, s := range b.services {
			target, wanted := b.Snapshot.TargetOf(s)
			badge, known := b.heldAt(s.Entry.Name, at)
			if !known || targets && !wanted {
				continue
			}
			judged++
			good += count(targets && badge >= target.Badge || !targets && badge > framework.NoBadge)
		}
		if judged == 0 {
			return nil, 0
		}
		ratio := float64(good) / float64(judged)
		return &ratio, judged
	}
	n.Value, n.Of = share(b.end)
	n.Previous, n.PreviousOf = share(b.previous.To)
	compareRatios(&n)
	switch {
	case n.Value == nil:
		n.Why = "badges were not known at the end of the period"
	case n.Previous == nil:
		n.Why = "badges were not known at the end of the previous period"
	}
	return n
}

func pointsText(points float64) string { return report.Plural(int(points), "percentage point") }

// actions are what is worth most: first a time without anyone on call that is near, then
// the checks that keep most services from their next badge.
func (b *builder) actions(r *Review) []Action {
	list := []Action{}
	var near []string
	for _, gap := range r.OnCall.Gaps {
		if gap.Now || gap.Start.Before(b.at.Add(14*day)) {
			near = append(near, gap.Service)
		}
	}
	if len(near) > 0 {
		start := r.OnCall.Gaps[0]
		why := "nobody is on call for " + start.Service + " from " + minuteText(start.Start) + " on"
		if start.Now {
			why = "nobody is on call for " + start.Service + " now"
		}
		if len(near) > 1 {
			why += fmt.Sprintf("; %s have a gap within 14 days", report.Plural(len(near), "service"))
		}
		list = append(list, Action{Text: "Close the on-call gap of " + names(near, 3), Why: why, Services: near})
	}
	return first(append(list, b.checkActions()...), mostActions)
}

// candidate is a check that keeps services from their next badge.
type candidate struct {
	check    *framework.Check
	services []string
	unlocks  int
	failing  int
}

// checkActions are the checks that keep services below their target from the next
// badge, those that bring most of them on first.
func (b *builder) checkActions() []Action {
	of := map[string]*candidate{}
	for _, s := range b.services {
		row := b.rows[s.Entry.Name]
		next, err := framework.ParseBadge(row.NextBadge)
		if err != nil || next == framework.NoBadge || row.OnTarget == string(snapshot.OnTarget) {
			continue
		}
		missing := report.InTheWay(s, next)
		for _, result := range missing {
			c := of[result.Check.ID]
			if c == nil {
				c = &candidate{check: result.Check}
				of[result.Check.ID] = c
			}
			c.services = append(c.services, s.Entry.Name)
			c.failing += count(result.Status == scoring.Fail)
			c.unlocks += count(len(missing) == 1)
		}
	}
	candidates := slices.SortedFunc(maps.Values(of), func(x, y *candidate) int {
		return cmp.Or(cmp.Compare(y.unlocks, x.unlocks), cmp.Compare(len(y.services), len(x.services)),
			cmp.Compare(effort(x.check), effort(y.check)), cmp.Compare(x.check.Index, y.check.Index))
	})
	var list []Action
	for _, c := range first(candidates, mostActions) {
		list = append(list, c.action())
	}
	return list
}

func effort(c *framework.Check) int { return strings.Index("SML", c.Effort) }

func (c *candidate) action() Action {
	a := Action{Check: c.check.ID, Effort: c.check.Effort, Services: c.services, Unlocks: c.unlocks,
		Text: c.check.Title + ": give evidence of it"}
	if c.failing > 0 && len(c.check.Remediation) > 0 {
		a.Text = c.check.Title + ": " + strings.TrimSuffix(c.check.Remediation[0], ".")
	}
	if c.failing > 0 {
		a.Why = fmt.Sprintf("%s %s it", report.Plural(c.failing, "service"), agree(c.failing, "lacks", "lack"))
	}
	if unknown := len(c.services) - c.failing; unknown > 0 {
		also := "for "
		if a.Why != "" {
			also = a.Why + "; for "
		}
		a.Why = also + report.Plural(unknown, "service") + " evidence is missing"
	}
	if c.unlocks > 0 {
		a.Why += fmt.Sprintf("; for %s of them nothing else is in the way of the next badge", thousands(c.unlocks))
	}
	return a
}
