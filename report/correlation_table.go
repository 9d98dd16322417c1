package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
)

// correlationWords say of the effects on resolution time what can be said: of one in a
// paragraph, of several who has a verdict.
func correlationWords(effects []*correlation.Effect) string {
	switch {
	case len(effects) == 0:
		return "No verdict: there are no services."
	case len(effects) == 1:
		return EffectWords(effects[0])
	case effects[0].Scope == correlation.ScopeTeam:
		return "Teams are too small for verdicts: these are estimates. One whose bounds include 1 cannot be told from chance."
	}
	groups := map[effect.Verdict][]string{}
	for _, e := range effects {
		groups[e.Verdict] = append(groups[e.Verdict], e.Group)
	}
	var parts []string
	for _, one := range []struct {
		verdict effect.Verdict
		words   string
	}{
		{effect.Improved, "faster in"}, {effect.Worsened, "longer in"},
		{effect.Inconclusive, "not to be told from chance in"},
		{effect.InsufficientData, "not known, for want of data, in"},
	} {
		if names := groups[one.verdict]; len(names) > 0 {
			tiers := "tier "
			if len(names) > 1 {
				tiers = "tiers "
			}
			parts = append(parts, one.words+" "+tiers+strings.Join(names, ", "))
		}
	}
	return "The time to resolve after a review: " + strings.Join(parts, "; ") + "."
}

// WriteTable writes what can be said in words, and then the figures.
func (c Correlation) WriteTable(w io.Writer, style Style) error {
	if style.Width <= 0 || style.Width > tableWidth {
		style.Width = tableWidth
	}
	p := &prose{style: style}
	for _, missing := range c.Incomplete {
		c.say(p, "Incomplete. "+missing)
		p.blank()
	}
	c.say(p, c.Words)
	if c.NoIncidents == "" {
		c.writeEffects(p)
		c.writeGold(p)
		c.writeCompared(p)
		p.blank()
		c.say(p, "A ratio is what happened as a multiple of what was to be expected, with bounds of 95 %; below 1 there "+
			"was less. docs/statistics.md says how each figure is made. -o json has all of them.")
	}
	return flush(w, p.b.String(), "correlation")
}

func (c Correlation) say(p *prose, text string) {
	p.b.WriteString(Wrap("", clean(text), 0, p.style.Width) + "\n")
}

func (c Correlation) section(p *prose, title string, g *grid) {
	if len(g.rows) == 0 {
		return
	}
	p.blank()
	p.b.WriteString(bold.on(title, p.style) + "\n")
	g.write(&p.b, p.style)
}

// writeEffects writes the effects of each group: all outcomes of one, or of several
// groups each.
func (c Correlation) writeEffects(p *prose) {
	if c.Scope == string(correlation.ScopeTeam) && c.Group == "" {
		c.section(p, "Teams, estimates without verdicts", c.teams())
		return
	}
	for _, group := range c.groups() {
		own := c.of(group)
		name := ""
		if c.Scope != string(correlation.ScopeFleet) {
			name = ", " + c.Scope + " " + clean(group)
		}
		c.section(p, "After reviews"+name, effectsGrid(own))
		for _, e := range own {
			if e.Missing != "" {
				p.b.WriteString(Wrap("", outcomeWord(e.Outcome)+": missing "+e.Missing, 2, p.style.Width) + "\n")
			}
		}
		c.section(p, "Before reviews"+name+" (days before the ticket)", leadsGrid(own))
		c.section(p, "Severities of the incidents of resolution time"+name, severityGrid(own[0].Severities))
	}
}

// groups are the groups of the effects in their order.
func (c Correlation) groups() []string {
	var names []string
	for i := range c.Effects {
		if name := c.Effects[i].Group; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (c Correlation) of(group string) []*ReviewEffect {
	var own []*ReviewEffect
	for i := range c.Effects {
		if c.Effects[i].Group == group {
			own = append(own, &c.Effects[i])
		}
	}
	return own
}

func effectsGrid(effects []*ReviewEffect) *grid {
	g := &grid{columns: []column{
		{head: "OUTCOME"}, {head: "RATIO", right: true}, {head: "BOUNDS"}, {head: "VERDICT"},
		{head: "PLACEBO", right: true, drop: 1}, {head: "SERVICES", right: true}, {head: "EVENTS", right: true},
	}}
	for _, e := range effects {
		verdict := strings.TrimSuffix(e.Verdict, "_data")
		if e.Withdrawn {
			verdict = "withdrawn"
		}
		placebo := none
		if e.Placebo != nil {
			placebo = RoundedPercent(*e.Placebo)
		}
		g.rows = append(g.rows, []string{
			outcomeWord(e.Outcome), e.Ratio.value(), e.Ratio.bounds(), cmp.Or(verdict, none), placebo,
			strconv.Itoa(e.Services), strconv.Itoa(e.EventsAfter),
		})
	}
	return g
}

// teams are the effects of all teams in one table.
func (c Correlation) teams() *grid {
	g := &grid{columns: []column{
		{head: "TEAM", min: 8, wrap: true}, {head: "OUTCOME"}, {head: "RATIO", right: true}, {head: "BOUNDS"},
		{head: "SERVICES", right: true}, {head: "EVENTS", right: true, drop: 1},
	}}
	for i := range c.Effects {
		e := &c.Effects[i]
		g.rows = append(g.rows, []string{
			clean(e.Group), outcomeWord(e.Outcome), e.Ratio.value(), e.Ratio.bounds(), strconv.Itoa(e.Services),
			strconv.Itoa(e.EventsAfter),
		})
	}
	return g
}

func leadsGrid(effects []*ReviewEffect) *grid {
	g := &grid{columns: []column{{head: "OUTCOME"}}}
	for _, lead := range effects[0].Leads {
		g.columns = append(g.columns, column{head: fmt.Sprintf("%d TO %d", lead.FromDays, lead.ToDays)})
	}
	for _, e := range effects {
		row, known := []string{outcomeWord(e.Outcome)}, false
		for _, lead := range e.Leads {
			known = known || lead.Ratio != nil
			row = append(row, lead.Ratio.text())
		}
		if known {
			g.rows = append(g.rows, row)
		}
	}
	return g
}

func severityGrid(mix []SeverityMix) *grid {
	g := &grid{columns: []column{
		{head: "SEVERITY"}, {head: "BEFORE", right: true}, {head: "SHARE", right: true}, {head: "AFTER", right: true},
		{head: "SHARE", right: true},
	}}
	before, after := 0, 0
	for _, m := range mix {
		before, after = before+m.Before, after+m.After
	}
	share := func(n, of int) string {
		if of == 0 {
			return none
		}
		return RoundedPercent(float64(n) / float64(of))
	}
	for _, m := range mix {
		severity := "unknown"
		if m.Severity > 0 {
			severity = strconv.Itoa(m.Severity)
		}
		g.rows = append(g.rows, []string{
			severity, strconv.Itoa(m.Before), share(m.Before, before), strconv.Itoa(m.After), share(m.After, after),
		})
	}
	return g
}

func (c Correlation) writeGold(p *prose) {
	if c.Gold == nil {
		return
	}
	p.blank()
	text := "Services that reached Gold (observational: chance does not decide who does): "
	switch g := c.Gold; {
	case g.Ratio == nil:
		c.say(p, text+"not known. Missing: "+g.Missing+".")
	case g.Verdict == string(effect.Improved) || g.Verdict == string(effect.Worsened):
		c.say(p, text+"the time to resolve afterwards is "+g.Ratio.text()+" of what was to be expected.")
	default:
		c.say(p, text+"a change of the time to resolve cannot be told from chance, "+g.Ratio.text()+".")
	}
}

// writeCompared writes the cross-section.
func (c Correlation) writeCompared(p *prose) {
	if c.Compared == nil {
		return
	}
	m := c.Compared
	badges := &grid{columns: []column{
		{head: "TIER", right: true}, {head: "BADGE"}, {head: "SERVICES", right: true}, {head: "DAYS", right: true},
		{head: "EPISODES", right: true}, {head: "IN 30 DAYS", right: true}, {head: "HALF WITHIN"},
	}}
	for _, b := range m.Badges {
		rate, half := none, none
		if b.Rate != nil {
			rate = fmt.Sprintf("%.2f", *b.Rate*30)
		}
		if b.P50Seconds != nil {
			half = lasting(time.Duration(*b.P50Seconds * float64(time.Second)))
		}
		badges.rows = append(badges.rows, []string{
			strconv.Itoa(b.Tier), b.Badge, strconv.Itoa(b.Services), strconv.Itoa(int(b.ServiceDays)),
			strconv.Itoa(b.Episodes), rate, half,
		})
	}
	c.section(p, fmt.Sprintf("By the badge held before, since %s (what goes together, not why)", day(m.Since)), badges)
	ranks := &grid{columns: []column{
		{head: "OUTCOME"}, {head: "SPEARMAN", right: true}, {head: "BOUNDS"}, {head: "SERVICES", right: true},
	}}
	for _, r := range m.Correlations {
		ranks.rows = append(ranks.rows, []string{
			outcomeWord(r.Outcome), fmt.Sprintf("%.2f", r.Spearman), fmt.Sprintf("%.2f to %.2f", r.Lower, r.Upper),
			strconv.Itoa(r.Services),
		})
	}
	c.section(p, "Score and outcome within tiers (below 0: ready services have less)", ranks)
	c.writeChecks(p)
}

func (c Correlation) writeChecks(p *prose) {
	checks := &grid{columns: []column{
		{head: "CHECK", min: 20, whole: true}, {head: "RATIO", right: true}, {head: "BOUNDS"}, {head: "P", right: true},
		{head: "FAIL", right: true}, {head: "PASS", right: true},
	}}
	few := 0
	var drop []string
	for _, a := range c.Compared.Checks {
		if a.Ratio == nil {
			few++
			continue
		}
		checks.rows = append(checks.rows, []string{
			clean(a.Check), a.Ratio.value(), a.Ratio.bounds(), probability(*a.P), strconv.Itoa(a.FailingServices),
			strconv.Itoa(a.PassingServices),
		})
		if a.Drop {
			name := clean(a.Check)
			if said := feedbackWords(a.Feedback); said != "" {
				name += " (people say: " + clean(said) + ")"
			}
			drop = append(drop, name)
		}
	}
	c.section(p, "Rate of episodes of services that fail a check, compared with those that pass", checks)
	if few > 0 {
		p.blank()
		c.say(p, fmt.Sprintf("%s not compared: insufficient data. Fewer than %d services fail or pass, or too few episodes "+
			"are to be expected of either side.", Plural(few, "check"), correlation.LeastAssociated))
	}
	if len(drop) > 0 {
		p.blank()
		c.say(p, "No relation with incidents, candidates to drop: "+strings.Join(drop, ", ")+".")
	}
}

// probability is a p-value in a table.
func probability(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// outcomeWord is an outcome in a table.
func outcomeWord(outcome string) string {
	if outcome == string(correlation.AcknowledgementTime) {
		return "acknowledgement"
	}
	return strings.ReplaceAll(outcome, "_", " ")
}

func (r *Ratio) value() string {
	if r == nil {
		return none
	}
	return fmt.Sprintf("%.2f", r.Value)
}

func (r *Ratio) bounds() string {
	if r == nil {
		return none
	}
	bound := func(v *float64) string {
		if v == nil {
			return "unknown"
		}
		return fmt.Sprintf("%.2f", *v)
	}
	return bound(r.Lower) + " to " + bound(r.Upper)
}

func (r *Ratio) text() string {
	if r == nil {
		return none
	}
	return r.value() + " (" + r.bounds() + ")"
}
