package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// shownEvents is how many incidents, and how many alerts, a table lists unless
// all are asked for: a first round finds years of them.
const shownEvents = 20

// shownRows is how many records, reviews and withdrawals of a source a table
// lists unless all, or those of one service, are asked for.
const shownRows = 40

// shownNames is how many facts of a call, and services of a reason, are named.
const shownNames = 3

// roundWidth is the width of a round that is not written to a terminal: queries
// and reasons would make lines of thousands of columns.
const roundWidth = 120

// bounded is the style with a width.
func bounded(style Style) Style {
	if style.Width <= 0 {
		style.Width, style.noCut = roundWidth, true
	}
	return style
}

// first is the beginning of a list, and what is left out.
func (r *Round) first(n int, style Style) (shown, left int) {
	if style.All || len(r.only) > 0 || n <= shownRows {
		return n, 0
	}
	return shownRows, n - shownRows
}

// more says how many there are after those that are shown.
func (p *prose) more(left int, thing string) {
	if left > 0 {
		p.indented(fmt.Sprintf("and %s more; --all lists them, --service NAME those of one", Plural(left, thing)))
		p.blank()
	}
}

// names lists names, the first few of them unless all are asked for.
func names(list []string, style Style) string {
	if style.All || len(list) <= shownNames+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:shownNames], ", "), len(list)-shownNames)
}

// newest is the end of a list that is in order of time, and what is left out.
func newest[T any](list []T, style Style) (shown []T, left int) {
	if left = len(list) - shownEvents; style.All || left <= 0 {
		return list, 0
	}
	return list[left:], left
}

// before says how many there are before those that are shown.
func (p *prose) before(left int, thing string) {
	if left > 0 {
		p.indented(fmt.Sprintf("and %s before them; --all lists them", Plural(left, thing)))
		p.blank()
	}
}

// WritePlan writes what the round asks for.
func (r *Round) WritePlan(w io.Writer, style Style) error {
	style = bounded(style)
	p := &prose{style: style}
	p.heading(r.Source)
	p.indented("It starts " + clean(r.StartsFrom) + ".")
	if len(r.only) > 0 {
		p.indented("Planned calls and requests are those of the whole source, not of the service alone.")
	}
	p.blank()
	switch {
	case r.Unplanned:
		p.indented("This source cannot tell in advance what it asks for.")
	case len(r.Planned) == 0:
		p.indented("Nothing is to be asked: the catalog refers to nothing of this source.")
	default:
		t := &grid{columns: []column{
			{head: "PLANNED CALL", min: 18, whole: true}, {head: "REQUESTS", min: 8, wrap: true},
			{head: "QUERY", min: 24, wrap: true}, {head: "FACTS", min: 24, whole: true, fold: true},
		}}
		for _, c := range r.Planned {
			t.rows = append(t.rows, []string{clean(c.Call), clean(c.Requests), clean(orNone(queryText(c.Query))),
				clean(orNone(names(c.Facts, style)))})
		}
		t.write(&p.b, style)
	}
	p.blank()
	return flush(w, p.b.String(), "plan")
}

// queryText gives a query places to be wrapped at: between parameters, and where
// an expression has white space.
func queryText(query string) string {
	if !strings.Contains(query, " ") {
		query = strings.ReplaceAll(query, "&", " &")
	}
	return strings.Join(strings.Fields(query), " ")
}

// WriteTable writes what the round found: values with their provenance, then
// everything else, and what was asked.
func (r *Round) WriteTable(w io.Writer, style Style) error {
	p := &prose{style: bounded(style)}
	r.writeRecords(p)
	r.writeIncidents(p)
	r.writeReviews(p)
	r.writeAlerts(p)
	r.writeFeedback(p)
	r.writeWithdrawals(p)
	r.writeCovered(p)
	for _, u := range r.Uncounted {
		writeUncounted(p, []SourceUncounted{{r.Source, u}})
	}
	r.writeNotes(p)
	r.writeRequests(p)
	r.writeSummary(p)
	return flush(w, p.b.String(), "round")
}

func (r *Round) writeNotes(p *prose) {
	for _, note := range r.Notes {
		p.indented(clean(note) + ".")
		p.blank()
	}
}

func (r *Round) writeRecords(p *prose) {
	shown, left := r.first(len(r.Records), p.style)
	detail := 16
	if p.style.noCut {
		detail = 26 // the object that a value is from stays in one line
	}
	p.section(&grid{columns: []column{
		{head: "SERVICE", min: 12, whole: true}, {head: "FACT", min: 24, whole: true},
		{head: "VALUE", min: 10, wrap: true}, {head: "OBSERVED AT", drop: 2},
		{head: "GROUP", min: 8, drop: 1}, {head: "DETAIL", min: detail, wrap: true, fold: true},
	}}, shown, func(i int) []string {
		x := r.Records[i]
		return []string{clean(x.Service), clean(x.Fact), clean(x.Value.Text(x.Unit)), clean(minute(x.ObservedAt)),
			clean(orNone(x.Group)), clean(orNone(x.Detail))}
	})
	p.more(left, "record")
}

func (r *Round) writeIncidents(p *prose) {
	shown, left := newest(r.Incidents, p.style)
	p.section(&grid{columns: []column{
		{head: "INCIDENT"}, {head: "SERVICES", min: 12}, {head: "STARTED"}, {head: "ACKNOWLEDGED", drop: 2},
		{head: "RESOLVED"}, {head: "BY", drop: 3}, {head: "URGENCY", drop: 1}, {head: "TITLE", min: 12},
	}}, len(shown), func(i int) []string {
		x := shown[i]
		acknowledged, resolved, urgency := "unknown", "open", "low"
		switch {
		case !x.AcknowledgedAt.IsZero():
			acknowledged = "after " + lasting(x.AcknowledgedAt.Sub(x.StartedAt))
		case !x.MachineAcknowledgedAt.IsZero():
			acknowledged = "by a machine"
		case x.AcksKnown:
			acknowledged = "never"
		}
		switch {
		case x.Gone:
			resolved = "gone: " + clean(x.whyGone())
		case x.MergedInto != "":
			resolved = "merged into " + clean(x.MergedInto)
		case x.EndUnknown:
			resolved = "at an unknown time"
		case !x.ResolvedAt.IsZero():
			resolved = "after " + lasting(x.ResolvedAt.Sub(x.StartedAt))
		}
		if x.Urgent {
			urgency = "high"
		}
		return []string{clean(x.Name()), clean(orNone(strings.Join(x.Services, ", "))), clean(minute(x.StartedAt)),
			clean(acknowledged), clean(resolved), clean(orNone(string(x.Resolver))), clean(urgency), clean(orNone(x.Template))}
	})
	p.before(left, "incident")
}

func (r *Round) writeAlerts(p *prose) {
	shown, left := newest(r.Alerts, p.style)
	p.section(&grid{columns: []column{
		{head: "ALERT", min: 16, whole: true}, {head: "SERVICES", min: 12, wrap: true}, {head: "FIRED"}, {head: "UNTIL"},
		{head: "SEVERITY", min: 8, drop: 1}, {head: "PAGES", drop: 2},
	}}, len(shown), func(i int) []string {
		x := shown[i]
		until, pages := "still firing", "no"
		if !x.EndedAt.IsZero() {
			until = "after " + lasting(x.EndedAt.Sub(x.StartedAt))
		}
		if x.Paging {
			pages = "yes"
		}
		return []string{clean(x.Alert), clean(orNone(strings.Join(x.Services, ", "))), clean(minute(x.StartedAt)),
			clean(until), clean(orNone(x.Severity)), clean(pages)}
	})
	p.before(left, "alert")
}

func (r *Round) writeFeedback(p *prose) {
	p.section(&grid{columns: []column{
		{head: "FEEDBACK ON", min: 16, whole: true}, {head: "SAYS"}, {head: "ISSUES", right: true},
	}}, len(r.Feedback), func(i int) []string {
		x := r.Feedback[i]
		return []string{clean(x.Check), clean(string(x.Kind)), clean(thousands(x.Count))}
	})
}

func (r *Round) writeReviews(p *prose) {
	shown, left := r.first(len(r.Reviews), p.style)
	p.section(&grid{columns: []column{
		{head: "REVIEW"}, {head: "SERVICE", min: 12}, {head: "STATUS"}, {head: "CREATED"}, {head: "COMPLETED"},
	}}, shown, func(i int) []string {
		x := r.Reviews[i]
		status := strings.ReplaceAll(string(x.Status), "_", " ")
		if x.Gone {
			status = "gone"
		}
		return []string{clean(x.Name()), clean(orNone(x.Service)), clean(status), clean(minute(x.CreatedAt)),
			clean(minuteOrNone(x.CompletedAt))}
	})
	p.more(left, "review")
}

// writeWithdrawals writes what is withdrawn, and apart from it what never was
// stored and is unknown.
func (r *Round) writeWithdrawals(p *prose) {
	withdrawn, unknown := r.withdrawn()
	for _, part := range []struct {
		head, thing string
		list        []RoundWithdrawal
	}{{"WITHDRAWN FROM", "withdrawal", withdrawn}, {"UNKNOWN FOR", "unknown fact", unknown}} {
		shown, left := r.first(len(part.list), p.style)
		p.section(&grid{columns: []column{
			{head: part.head, min: 12, whole: true}, {head: "FACT", min: 24, whole: true},
			{head: "BECAUSE", min: 20, wrap: true, fold: true},
		}}, shown, func(i int) []string {
			x := part.list[i]
			return []string{clean(x.Service), clean(x.Fact), clean(r.missingWords(x.Reason))}
		})
		p.more(left, part.thing)
	}
}

// withdrawn parts the withdrawals of stored values from those of none.
func (r *Round) withdrawn() (withdrawn, unknown []RoundWithdrawal) {
	for _, x := range r.Withdrawals {
		if x.Unstored {
			unknown = append(unknown, x)
		} else {
			withdrawn = append(withdrawn, x)
		}
	}
	return withdrawn, unknown
}

func (r *Round) writeCovered(p *prose) {
	p.section(&grid{columns: []column{
		{head: "COVERED GROUP"}, {head: "FACTS", right: true}, {head: "EXCEPT", min: 24, wrap: true, fold: true},
	}}, len(r.Covered), func(i int) []string {
		x := r.Covered[i]
		return []string{clean(x.Group), clean(strconv.Itoa(len(x.Facts))), clean(orNone(r.exceptions(x.Except, p.style)))}
	})
}

// exceptions says for whom a group is not complete, each reason once, that of
// most services first.
func (r *Round) exceptions(except map[string]evidence.Missing, style Style) string {
	byReason := map[string][]string{}
	for _, service := range slices.Sorted(maps.Keys(except)) {
		reason := string(except[service])
		byReason[reason] = append(byReason[reason], service)
	}
	reasons := slices.SortedFunc(maps.Keys(byReason), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(byReason[b]), len(byReason[a])), cmp.Compare(a, b))
	})
	var parts []string
	for _, reason := range reasons {
		services, words := byReason[reason], r.missingWords(reason)
		switch n := len(services); {
		case n > 1 && n == r.services:
			parts = append(parts, fmt.Sprintf("all %d: %s", n, words))
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d: %s (%s)", n, names(services, style), words))
		default:
			parts = append(parts, services[0]+" ("+words+")")
		}
	}
	return strings.Join(parts, "; ")
}

// missingWords says why the source has no value for a service.
func (r *Round) missingWords(reason string) string {
	return Fact{Missing: reason, Source: r.Source}.missingWords()
}

func (r *Round) writeRequests(p *prose) {
	p.section(&grid{columns: []column{
		{head: "REQUEST MADE", min: 18, whole: true}, {head: "ENDED", min: 8, wrap: true}, {head: "TIMES", right: true},
	}}, len(r.Requests), func(i int) []string {
		x := r.Requests[i]
		ended := clean(x.Outcome)
		if x.Outcome != "ok" {
			ended = red.on(ended, p.style)
		}
		return []string{clean(x.Call), ended, clean(thousands(x.Count))}
	})
}

func (r *Round) writeSummary(p *prose) {
	for _, kind := range slices.Sorted(maps.Keys(r.Skipped)) {
		p.b.WriteString(yellow.on(fmt.Sprintf("skipped: %s of %s could not be read", Plural(r.Skipped[kind], "object"),
			clean(kind)), p.style) + "\n")
	}
	parts := []string{Plural(len(r.Records), "record"), Plural(len(r.Incidents), "incident"),
		Plural(len(r.Reviews), "review")}
	if len(r.Alerts) > 0 {
		parts = append(parts, Plural(len(r.Alerts), "alert"))
	}
	withdrawn, unknown := r.withdrawn()
	if len(unknown) > 0 {
		parts = append(parts, thousands(len(unknown))+" unknown")
	}
	parts = append(parts, Plural(len(withdrawn), "withdrawal"), Plural(len(r.Covered), "group")+" covered")
	summary := fmt.Sprintf("%s: %s in %s;", clean(r.Source), strings.Join(parts, ", "),
		lasting(time.Duration(r.Seconds*float64(time.Second))))
	gap := " "
	if textWidth(summary+" nothing was stored") > p.style.Width {
		gap = "\n"
	}
	p.b.WriteString(strings.Join(wrap(summary, p.style.Width), "\n") + gap + "nothing was stored\n")
	if r.Error != "" {
		p.wrapped(red, "not complete: "+clean(r.Error))
	}
}

// section writes a table of that many rows.
func (p *prose) section(t *grid, rows int, row func(i int) []string) {
	for i := range rows {
		t.rows = append(t.rows, row(i))
	}
	p.table(t)
}

// table writes a table and a blank line, or nothing when it has no rows.
func (p *prose) table(t *grid) {
	if len(t.rows) > 0 {
		t.write(&p.b, p.style)
		p.blank()
	}
}

func minuteOrNone(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return minute(t)
}
