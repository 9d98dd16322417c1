package review

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/report"
)

// document is a review as people read it. All formats for people are written from it,
// so that they show the same numbers. Its texts are plain: each format escapes them.
type document struct {
	title    string
	about    []string
	sentence string
	numbers  table
	actions  []item
	sections []section
}

// section is one part, with a heading.
type section struct {
	id, title string
	// parts are shown in their order.
	parts []part
}

// part is one of a paragraph, a table, or a chart with the table that it is drawn of.
type part struct {
	text  string
	list  []string
	chart *chart
	table *table
}

// table has a caption, a head and rows of plain text.
type table struct {
	caption string
	head    []column
	rows    [][]string
}

type column struct {
	name string
	// right is true for numbers, which stand at the right.
	right bool
}

// item is something to do, and why.
type item struct{ text, why string }

// cols are columns by name; those of numbers begin with >.
func cols(names ...string) []column {
	list := make([]column, len(names))
	for i, name := range names {
		list[i].name, list[i].right = strings.CutPrefix(name, ">")
	}
	return list
}

// mostRows bounds what a table for people lists; the JSON has all.
const mostRows = 50

// bounded is a table of at most mostRows rows, with how many are left out.
func bounded(t table) []part {
	more := len(t.rows) - mostRows
	if more <= 0 {
		return []part{{table: &t}}
	}
	t.rows = t.rows[:mostRows]
	return []part{{table: &t}, {text: fmt.Sprintf("And %s more; the JSON has all.", thousands(more))}}
}

// document is the review as people read it.
func (r *Review) document() document {
	d := document{title: "Operational review: " + r.Period.Text(), sentence: r.Summary.Sentence}
	d.about = append(d.about, r.aboutText())
	for _, text := range []string{r.Known.Badges, r.Known.Incidents} {
		if text != "" {
			d.about = append(d.about, text)
		}
	}
	d.numbers = numbersTable("Three numbers", r.Summary.Numbers)
	for _, a := range r.Summary.Actions {
		text := a.Text
		if a.Check != "" {
			text += " (" + a.Check + effortText(a.Effort) + ")"
		}
		d.actions = append(d.actions, item{text, a.Why + ": " + names(a.Services, 5)})
	}
	d.sections = []section{
		r.changesSection(), r.kudosSection(), r.regressionsSection(), r.teamsSection(), r.adoptionSection(),
		r.incidentsSection(), r.noisiestSection(), r.onCallSection(), r.staleSection(), r.exemptionsSection(),
		r.reviewsSection(), r.lateSection(), r.feedbackSection(), r.effectSection(),
	}
	return d
}

func effortText(effort string) string {
	switch effort {
	case "S":
		return ", hours of work"
	case "M":
		return ", days of work"
	case "L":
		return ", weeks of work"
	}
	return ""
}

func (r *Review) aboutText() string {
	scope := "All of the catalog"
	switch {
	case r.Scope.Team != "" && r.Scope.Org != "":
		scope = "Team " + r.Scope.Team + " of org " + r.Scope.Org
	case r.Scope.Team != "":
		scope = "Team " + r.Scope.Team
	case r.Scope.Org != "":
		scope = "Org " + r.Scope.Org
	}
	text := fmt.Sprintf("%s, %s. Compared with %s. Judged by %s %s, made at %s. Days are those of UTC.", scope,
		report.Plural(r.Scope.Services, "service"), r.Previous.Text(), r.Framework.Name, r.Framework.Version,
		minuteText(r.MadeAt))
	if r.Known.Unfinished {
		text += " The period is not over."
	}
	return text
}

// numbersTable shows figures beside those of the previous period.
func numbersTable(caption string, numbers []Number) table {
	t := table{caption: caption, head: cols("Figure", ">Now", ">Before", "Change", "Based on")}
	for i := range numbers {
		n := &numbers[i]
		t.rows = append(t.rows, []string{n.Name, n.nowText(), n.beforeText(), orText(n.Change, none), n.basis()})
	}
	return t
}

func (n *Number) nowText() string { return valueText(n.Value, n.Unit) }

func (n *Number) beforeText() string { return valueText(n.Previous, n.Unit) }

// basis is the sample size, the interval, and why something is not known.
func (n *Number) basis() string {
	var parts []string
	if n.Unit != unitCount && (n.Value != nil || n.Previous != nil) {
		parts = append(parts, fmt.Sprintf("%s now, %s before", thousands(n.Of), thousands(n.PreviousOf)))
	}
	if text := intervalText(n.Lower, n.Upper, n.Unit); text != "" {
		parts = append(parts, text)
	}
	if text := intervalText(n.PreviousLower, n.PreviousUpper, n.Unit); text != "" {
		parts = append(parts, "before "+strings.TrimPrefix(text, "95 % interval "))
	}
	if n.Why != "" {
		parts = append(parts, strings.TrimSuffix(n.Why, "."))
	}
	return orText(strings.Join(parts, "; "), none)
}

func badgeText(badge string) string {
	if badge == "none" {
		return "no badge"
	}
	return strings.ToUpper(badge[:1]) + badge[1:]
}

func moveText(from, to string) string { return badgeText(from) + " to " + badgeText(to) }

// causeText is a cause in words.
func (c *Change) causeText() string {
	text, ok := map[string]string{
		"initial": "first judgement", "evidence": "evidence", "criteria": "the criteria changed",
		"exemption": "an exemption", "service": "the catalog entry changed", "lapse": "evidence was missing for long",
	}[c.Cause]
	if !ok {
		text = c.Cause
	}
	if len(c.Contributing) > 0 {
		text += " (also " + strings.Join(c.Contributing, ", ") + ")"
	}
	if !c.Announced && c.Cause != "initial" {
		text += ", new service"
	}
	return text
}

func (c *Change) checksText() string {
	var list []string
	for _, f := range c.Checks {
		list = append(list, f.Check+" "+f.Before+" to "+f.After)
	}
	return orText(names(list, 3), none)
}

func (r *Review) changesSection() section {
	s := section{id: "changes", title: "Badge changes"}
	if len(r.Changes) == 0 {
		s.parts = []part{{text: "No badge has changed, as far as is known."}}
		return s
	}
	t := table{caption: "Changes of badges, the oldest first",
		head: cols("When", "Service", "Team", ">Tier", "Change", "Cause", "Checks")}
	for i := range r.Changes {
		c := &r.Changes[i]
		t.rows = append(t.rows, []string{dateText(c.At), c.Service, orText(c.Team, none), tierText(c.Tier),
			moveText(c.From, c.To), c.causeText(), c.checksText()})
	}
	s.parts = bounded(t)
	return s
}

func tierText(tier int) string {
	if tier == 0 {
		return none
	}
	return strconv.Itoa(tier)
}

func (r *Review) kudosSection() section {
	s := section{id: "kudos", title: "Kudos"}
	var list []string
	for i := range r.Kudos.Promotions {
		c := &r.Kudos.Promotions[i]
		list = append(list, fmt.Sprintf("%s%s went from %s.", c.Service, teamText(c.Team), moveText(c.From, c.To)))
	}
	for _, im := range r.Kudos.Improved {
		list = append(list, fmt.Sprintf("%s%s mended %s: %s.", im.Service, teamText(im.Team),
			report.Plural(im.Mended, "check"), names(im.Checks, 3)))
	}
	for _, k := range r.Kudos.Streaks {
		list = append(list, fmt.Sprintf("Team %s has lost no badge for %s%s.", k.Team, atLeast(k.AtLeast),
			report.Plural(k.Days, "day")))
	}
	for _, k := range r.Kudos.Quiet {
		list = append(list, fmt.Sprintf("Nobody was paged for the services of team %s for %s%s.", k.Team, atLeast(k.AtLeast),
			report.Plural(k.Days, "day")))
	}
	switch {
	case len(list) > 0:
		s.parts = []part{{list: list}}
	default:
		s.parts = []part{{text: "Nothing that is known deserves praise here."}}
	}
	if r.Kudos.QuietWhy != "" {
		s.parts = append(s.parts, part{text: "No quiet on-call is named: " + r.Kudos.QuietWhy + "."})
	}
	return s
}

func teamText(team string) string {
	if team == "" {
		return ""
	}
	return " (team " + team + ")"
}

func atLeast(is bool) string {
	if is {
		return "at least "
	}
	return ""
}

func (r *Review) regressionsSection() section {
	s := section{id: "regressions", title: "Regressions"}
	if len(r.Regressions) == 0 {
		s.parts = []part{{text: "No service has lost a badge, as far as is known."}}
		return s
	}
	t := table{caption: "Services that lost a badge, with their owners",
		head: cols("Service", "Team", "Org", ">Tier", "When", "Change", "Cause", "Checks", "Regained")}
	for i := range r.Regressions {
		c := &r.Regressions[i]
		t.rows = append(t.rows, []string{c.Service, orText(c.Team, "no team"), orText(c.Org, none), tierText(c.Tier),
			dateText(c.At), moveText(c.From, c.To), c.causeText(), c.checksText(), yesNo(c.Regained)})
	}
	s.parts = bounded(t)
	return s
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func (r *Review) teamsSection() section {
	s := section{id: "teams", title: "Teams behind their targets"}
	if len(r.Teams) == 0 {
		s.parts = []part{{text: "No team is behind its targets."}}
		return s
	}
	t := table{caption: "Teams with services below their target, the furthest first",
		head: cols("Team", "Org", ">On target", ">Late", ">Badges missing", ">Checks to go", "Furthest")}
	for _, lag := range r.Teams {
		t.rows = append(t.rows, []string{lag.Team, orText(lag.Org, none),
			thousands(lag.OnTarget) + " of " + thousands(lag.Services), thousands(lag.Late), thousands(lag.Levels),
			thousands(lag.Checks), lag.Furthest})
	}
	s.parts = append([]part{{text: "Counted at " + minuteText(r.MadeAt) + ". A badge is missing for each step from the " +
		"badge held to the target: from Bronze to Gold two. Checks to go are those that the targets need."}}, bounded(t)...)
	return s
}

func (r *Review) adoptionSection() section {
	s := section{id: "adoption", title: "Adoption"}
	if len(r.Adoption.Groups) == 0 {
		s.parts = []part{{text: "No service is judged."}}
		return s
	}
	t := table{caption: "Services with a badge, of those that were judged", head: cols("End of")}
	c := &chart{title: "Share of services with a badge, by org", kind: lines, unit: unitRatio}
	for _, g := range shownGroups(r.Adoption.Groups) {
		t.head = append(t.head, column{name: orgName(g.Org), right: true})
		series := series{name: orgName(g.Org)}
		for i := range r.Adoption.At {
			ratio, ok := g.Ratio(i)
			series.values = append(series.values, known(ratio, ok))
		}
		c.series = append(c.series, series)
	}
	for i, at := range r.Adoption.At {
		label := dateText(at.Add(-time.Nanosecond))
		c.labels = append(c.labels, at.Add(-time.Nanosecond).UTC().Format("2 Jan"))
		row := []string{label}
		for _, g := range shownGroups(r.Adoption.Groups) {
			text := notKnown
			if ratio, ok := g.Ratio(i); ok {
				text = fmt.Sprintf("%s (%s of %s)", report.RoundedPercent(ratio), thousands(*g.Badged[i]), thousands(*g.Services[i]))
			}
			row = append(row, text)
		}
		t.rows = append(t.rows, row)
	}
	s.parts = []part{{text: "By the catalog of today. The share of services that hold their present target is in the JSON."},
		{chart: c, table: &t}}
	if more := len(r.Adoption.Groups) - len(shownGroups(r.Adoption.Groups)); more > 0 {
		s.parts = append(s.parts, part{text: report.Plural(more, "org") + " more in the JSON."})
	}
	return s
}

// mostGroups is how many orgs a chart can show so that one can tell them apart.
const mostGroups = 7

func shownGroups(groups []AdoptionOf) []AdoptionOf { return first(groups, mostGroups) }

func orgName(org string) string {
	if org == "all" {
		return "All"
	}
	return org
}

func (r *Review) incidentsSection() section {
	s := section{id: "incidents", title: "Incidents"}
	in := &r.Incidents
	if in.Why != "" {
		s.parts = []part{{text: in.Why}}
		return s
	}
	figures := numbersTable("Incidents outside maintenance, as they were known at the end of the period", in.Figures)
	s.parts = []part{{table: &figures}, {text: "Times to resolve leave out noisy incidents, which an integration resolved " +
		"within five minutes before anyone acknowledged them."}}
	if len(in.Incomplete) > 0 {
		s.parts = append(s.parts, part{text: "There may have been more incidents, which could not be used, of " +
			names(in.Incomplete, 10) + "."})
	}
	s.parts = append(s.parts, part{chart: r.incidentsChart(), table: r.bucketsTable()})
	t := table{caption: "By severity", head: cols("Severity", ">Now", ">Before")}
	for _, c := range in.Severities {
		name := "severity " + strconv.Itoa(c.Severity)
		if c.Severity == 0 {
			name = "severity unknown"
		}
		t.rows = append(t.rows, []string{name, thousands(c.Incidents), thousands(c.Previous)})
	}
	if len(t.rows) > 0 {
		s.parts = append(s.parts, part{table: &t})
	}
	noise := table{caption: fmt.Sprintf("Noise, in classes that overlap: %s now and %s before paged and could be classified",
		thousands(in.NoiseOf), thousands(in.NoisePreviousOf)), head: cols("Class", ">Now", ">Before")}
	for _, c := range in.Noise {
		noise.rows = append(noise.rows, []string{classText(c.Class), c.Now.text(), c.Before.text()})
	}
	s.parts = append(s.parts, part{table: &noise})
	if len(in.Teams) > 0 {
		teams := table{caption: "By team", head: cols("Team", ">Now", ">Before", ">Paged", ">Median to resolve", ">Resolved")}
		for _, t := range in.Teams {
			teams.rows = append(teams.rows, []string{t.Team, thousands(t.Incidents), countText(t.Previous),
				thousands(t.Urgent), valueText(t.P50Seconds, unitSeconds), thousands(t.Ended)})
		}
		s.parts = append(s.parts, bounded(teams)...)
	}
	return s
}

// classText is a class of noise in words.
func classText(class string) string {
	text, ok := map[string]string{
		"noisy": "noisy", "suspected": "suspected: nothing to do", "flapping": "flapping",
		"confirmed_false": "confirmed false", "any_noise": "any of them",
	}[class]
	if !ok {
		return class
	}
	return text
}

func (a *AtLeast) text() string {
	switch {
	case a == nil, a.Count == 0 && a.Unknown > 0:
		return notKnown
	case a.Unknown > 0:
		return "at least " + thousands(a.Count)
	}
	return thousands(a.Count)
}

func countText(n *int) string {
	if n == nil {
		return notKnown
	}
	return thousands(*n)
}

func (r *Review) incidentsChart() *chart {
	c := &chart{title: "Incidents that began, by day", kind: bars, unit: unitCount}
	all, urgent := series{name: "All"}, series{name: "Paged a person"}
	for _, b := range r.Incidents.Over {
		if b.To.Sub(b.From) > day {
			c.title = "Incidents that began, by week"
		}
		c.labels = append(c.labels, b.From.Format("2 Jan"))
		all.values = append(all.values, asFloat(b.Incidents))
		urgent.values = append(urgent.values, asFloat(b.Urgent))
	}
	c.series = []series{all, urgent}
	return c
}

func asFloat(n *int) *float64 {
	if n == nil {
		return nil
	}
	return of(*n)
}

func (r *Review) bucketsTable() *table {
	t := table{caption: "Incidents that began, over both periods", head: cols("From", ">All", ">Paged a person")}
	for _, b := range r.Incidents.Over {
		t.rows = append(t.rows, []string{dateText(b.From), countText(b.Incidents), countText(b.Urgent)})
	}
	return &t
}

func (r *Review) noisiestSection() section {
	s := section{id: "noisiest", title: "Noisiest problems"}
	if len(r.Noisiest.Templates) == 0 {
		text := "No incident that paged is known to have been noise."
		if r.Incidents.Why != "" {
			text = r.Incidents.Why
		}
		s.parts = []part{{text: text}}
		return s
	}
	t := table{caption: "Problems that paged without need, by the title of their incidents",
		head: cols("Title", "Services", "Teams", ">Paged", ">Noise", ">Noisy", ">Suspected", ">Flapping", ">False")}
	for _, n := range r.Noisiest.Templates {
		t.rows = append(t.rows, []string{orText(n.Title, "(no title)"), names(n.Services, 3), orText(names(n.Teams, 3), none),
			thousands(n.Incidents), thousands(n.Noise), thousands(n.Noisy), thousands(n.Suspected), thousands(n.Flapping),
			thousands(n.False)})
	}
	s.parts = bounded(t)
	if r.Noisiest.More > 0 {
		s.parts = append(s.parts, part{text: "And " + report.Plural(r.Noisiest.More, "other problem") + " with noise."})
	}
	return s
}

func (r *Review) onCallSection() section {
	s := section{id: "on-call", title: "On-call gaps ahead"}
	known := fmt.Sprintf("Known of %s; not known of %s that PagerDuty should know.",
		report.Plural(r.OnCall.Known, "service"), thousands(r.OnCall.Unknown))
	if len(r.OnCall.Gaps) == 0 {
		s.parts = []part{{text: "No gap in the next 30 days is known. " + known}}
		return s
	}
	t := table{caption: "The next time without anyone on call", head: cols("Service", "Team", ">Tier", "From")}
	for _, g := range r.OnCall.Gaps {
		from := minuteText(g.Start)
		if g.Now {
			from = "now, since " + from
		}
		t.rows = append(t.rows, []string{g.Service, orText(g.Team, "no team"), tierText(g.Tier), from})
	}
	s.parts = append(bounded(t), part{text: known})
	return s
}

func (r *Review) staleSection() section {
	s := section{id: "stale", title: "Stale evidence"}
	if len(r.Stale) == 0 {
		s.parts = []part{{text: "No evidence that counts is stale."}}
		return s
	}
	t := table{caption: "Facts whose last value still counts and moves no badge",
		head: cols("Fact", "Source", ">Services", "Oldest seen", "Of")}
	for _, f := range r.Stale {
		t.rows = append(t.rows, []string{f.Fact, f.Source, thousands(len(f.Services)), minuteText(f.Oldest),
			names(f.Services, 3)})
	}
	s.parts = bounded(t)
	if r.StaleMore > 0 {
		s.parts = append(s.parts, part{text: "And " + report.Plural(r.StaleMore, "fact") + " more."})
	}
	return s
}

func (r *Review) exemptionsSection() section {
	s := section{id: "exemptions", title: "Exemptions about to end"}
	if len(r.Exemptions) == 0 {
		s.parts = []part{{text: "No exemption ends in the next 30 days."}}
		return s
	}
	t := table{caption: "Exemptions that end in the next 30 days",
		head: cols("Ends", "Check", "Services", "Reason", "Requested by", "Approver")}
	for _, e := range r.Exemptions {
		t.rows = append(t.rows, []string{minuteText(e.Expires), e.Check, names(e.Services, 5), e.Reason,
			orText(e.RequestedBy, none), orText(e.Approver, e.Ticket)})
	}
	s.parts = bounded(t)
	return s
}

func (r *Review) reviewsSection() section {
	s := section{id: "reviews", title: "Readiness reviews"}
	v := &r.Reviews
	s.parts = []part{{text: fmt.Sprintf("%s within the period; %s open.", report.Plural(v.Completed, "review")+
		agree(v.Completed, " was completed", " were completed"), thousands(v.Open)+agree(v.Open, " is", " are"))}}
	if len(v.Never) > 0 {
		s.parts = append(s.parts, part{text: fmt.Sprintf("%s never had one that was completed: %s.",
			report.Plural(len(v.Never), "service"), names(v.Never, 10))})
	}
	if v.OverdueWhy != "" {
		s.parts = append(s.parts, part{text: "Which reviews are overdue is not known. " + v.OverdueWhy})
	}
	if len(v.Overdue) > 0 {
		t := table{caption: "Reviews that are overdue", head: cols("Service", "Team", ">Tier", "Due", "Last review")}
		for _, o := range v.Overdue {
			t.rows = append(t.rows, []string{o.Service, orText(o.Team, "no team"), tierText(o.Tier), dateText(o.Due),
				dateText(o.Reviewed)})
		}
		s.parts = append(s.parts, bounded(t)...)
	} else if v.OverdueWhy == "" {
		s.parts = append(s.parts, part{text: "No review is overdue."})
	}
	if len(v.Drifted) > 0 {
		t := table{caption: "Attested in a review, and a machine says no now",
			head: cols("Service", "Team", ">Tier", "Last review", "Checks")}
		for _, d := range v.Drifted {
			t.rows = append(t.rows, []string{d.Service, orText(d.Team, "no team"), tierText(d.Tier), dateText(d.Reviewed),
				names(d.Checks, 5)})
		}
		s.parts = append(s.parts, bounded(t)...)
	}
	return s
}

func (r *Review) lateSection() section {
	s := section{id: "late", title: "Targets that are late or due"}
	if len(r.Late)+len(r.Due) == 0 {
		s.parts = []part{{text: "No service has missed its target, and none has to reach it within 30 days."}}
		return s
	}
	for _, list := range []struct {
		caption string
		of      []BelowTarget
	}{
		{"Services that should hold their target by now", r.Late},
		{"Services below a target that is due within 30 days", r.Due},
	} {
		if len(list.of) == 0 {
			continue
		}
		t := table{caption: list.caption, head: cols("Service", "Team", ">Tier", "Badge", "Target", "By", "How it stands")}
		for i := range list.of {
			l := &list.of[i]
			by := "no date"
			if !l.Due.IsZero() {
				by = dateText(l.Due)
			}
			t.rows = append(t.rows, []string{l.Service, orText(l.Team, "no team"), tierText(l.Tier), badgeText(l.Badge),
				badgeText(l.Target), by, l.Words})
		}
		s.parts = append(s.parts, bounded(t)...)
	}
	return s
}

func (r *Review) feedbackSection() section {
	s := section{id: "feedback", title: "What teams say about checks"}
	if len(r.Feedback) == 0 {
		s.parts = []part{{text: "No issue is labelled as feedback about a check, and of no check it is known that it " +
			"predicts nothing."}}
		return s
	}
	t := table{caption: "Issues about checks, and what the checks predict",
		head: cols("Check", "Title", "Issues", "Incident rate, failing to passing", "Advice", "Why")}
	for _, f := range r.Feedback {
		var said []string
		for _, k := range f.Kinds {
			said = append(said, thousands(k.Count)+" "+k.Kind)
		}
		t.rows = append(t.rows, []string{f.Check, f.Title, orText(strings.Join(said, ", "), none), predictionText(f.Predicts),
			string(f.Advice), f.Why})
	}
	s.parts = bounded(t)
	return s
}

func predictionText(p *report.Prediction) string {
	if p == nil {
		return notKnown
	}
	return p.Words()
}

func (p RateRatio) text() string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", p.Ratio, p.Lower, p.Upper)
}

func (r *Review) effectSection() section {
	s := section{id: "effect", title: "Do readiness reviews work?"}
	s.parts = []part{{text: r.Effect.Words}}
	if e := r.Effect.Ratio; e != nil {
		s.parts = append(s.parts, part{text: "Time to resolve after a review, divided by what was to be expected without " +
			"one: " + e.text() + ". Of the whole catalog; how it is made is in docs/statistics.md."})
	}
	return s
}
