package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// More than maxApart checks that changed alike at one time are one line, which names the
// first maxNamed of them.
const maxApart, maxNamed = 3, 5

// line is one event for people: what happened, and the details below it.
type line struct {
	at      time.Time
	kind    EventKind
	text    string
	details []string
}

// lines are the events for people. Checks that changed alike at one time are one line, as
// when a source fails.
func (h History) lines() []line {
	type group struct {
		at    time.Time
		words string
	}
	alike := map[group][]string{}
	for _, e := range h.Events {
		if e.Check != nil {
			g := group{e.At, e.Check.words()}
			alike[g] = append(alike[g], e.Check.Check)
		}
	}
	var lines []line
	for _, e := range h.Events {
		l := line{at: e.At, kind: e.Kind, text: clean(e.Text)}
		switch {
		case e.Check != nil:
			g := group{e.At, e.Check.words()}
			if checks := alike[g]; len(checks) > maxApart {
				if slices.Index(checks, e.Check.Check) > 0 {
					continue
				}
				l.text = fmt.Sprintf("%d checks %s", len(checks), g.words)
				named := strings.Join(checks[:min(maxNamed, len(checks))], ", ")
				if more := len(checks) - maxNamed; more > 0 {
					named += fmt.Sprintf(" and %d more", more)
				}
				l.details = []string{named}
				break
			}
			for _, f := range e.Check.Facts {
				l.details = append(l.details, f.words())
			}
		case e.Transition != nil:
			for _, flip := range e.Transition.Flips {
				l.details = append(l.details, flip.words())
			}
		case e.Incident != nil:
			l.details = []string{clean(e.Incident.Title)}
		}
		lines = append(lines, l)
	}
	return lines
}

// words say what has changed: pagerduty.oncall_now 2 → 0 (pagerduty/main).
func (f FactMoved) words() string {
	return fmt.Sprintf("%s %s → %s (%s)", f.Fact, orNoValue(f.Before), orNoValue(f.After), clean(f.Source))
}

// words say a check that moved a badge, with the values of its facts on both sides where
// they differ.
func (f Flip) words() string {
	text := clean(f.Check) + " " + strings.ReplaceAll(f.Before+" → "+f.After, "_", " ")
	var facts []string
	for name, before := range f.FactsBefore {
		if after := f.FactsAfter[name]; after != before {
			facts = append(facts, fmt.Sprintf("%s %s → %s", name, orNoValue(before), orNoValue(after)))
		}
	}
	for name, after := range f.FactsAfter {
		if _, known := f.FactsBefore[name]; !known && after != "" {
			facts = append(facts, name+" "+after)
		}
	}
	if slices.Sort(facts); len(facts) > 0 {
		text += ": " + clean(strings.Join(facts, ", "))
	}
	return text
}

func orNoValue(text string) string {
	if text == "" {
		return "no value"
	}
	return text
}

// title is the first line: checkout: Gold since 2026-11-12.
func (h History) title() string {
	badge := "no badge"
	if h.Badge.Held != "none" {
		badge = titled(h.Badge.Held)
	}
	text := clean(h.Service) + ": " + badge
	if !h.Badge.Since.IsZero() {
		text += " since " + day(h.Badge.Since)
	}
	if h.Badge.OnHold {
		text += ", on hold"
	}
	return text
}

// span says what the time line is of, and what is not known.
func (h History) span() string {
	text := fmt.Sprintf("%s to %s, the newest first; times are UTC.", day(h.Since), minute(h.At))
	if h.KnownSince.After(h.Since) {
		text += " What was before " + minute(h.KnownSince) + " is not known."
	}
	return text
}

const nothingHappened = "Nothing happened."

// WriteText writes the time line for a terminal.
func (h History) WriteText(w io.Writer, style Style) error {
	p := &prose{style: style}
	p.heading(h.title())
	p.wrapped(plain, h.span())
	last := ""
	for _, l := range h.lines() {
		if today := day(l.at); today != last {
			last = today
			p.blank()
			p.heading(today)
		}
		p.line(l)
	}
	if len(h.Events) == 0 {
		p.blank()
		p.wrapped(plain, nothingHappened)
	}
	return flush(w, p.b.String(), "history")
}

// kindWidth aligns what follows the time and the kind.
const kindWidth = 19

func (p *prose) line(l line) {
	head := l.at.UTC().Format("  15:04  ") + string(l.kind)
	painted := l.at.UTC().Format("  15:04  ") + dim.on(string(l.kind), p.style)
	if l.kind == EventBadge {
		painted = l.at.UTC().Format("  15:04  ") + bold.on(string(l.kind), p.style)
	}
	lead := painted + strings.Repeat(" ", max(1, kindWidth-textWidth(head)))
	room := p.style.prose() - kindWidth - 1
	for _, text := range wrap(l.text, room) {
		p.b.WriteString(lead + text + "\n")
		lead = strings.Repeat(" ", kindWidth)
	}
	for _, detail := range l.details {
		for i, text := range wrap(detail, room-2) {
			p.b.WriteString(strings.Repeat(" ", kindWidth) + map[bool]string{true: "  ", false: "    "}[i == 0] + text + "\n")
		}
	}
}

// WriteMarkdown writes the time line for a wiki page or a ticket.
func (h History) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", Markdown(h.title()), Markdown(h.span()))
	last := ""
	for _, l := range h.lines() {
		if today := day(l.at); today != last {
			last = today
			fmt.Fprintf(&b, "\n## %s\n\n", today)
		}
		kind := string(l.kind)
		if l.kind == EventBadge {
			kind = "**" + kind + "**"
		}
		fmt.Fprintf(&b, "- %s %s: %s\n", l.at.UTC().Format("15:04"), kind, Markdown(l.text))
		for _, detail := range l.details {
			fmt.Fprintf(&b, "  - %s\n", Markdown(detail))
		}
	}
	if len(h.Events) == 0 {
		b.WriteString("\n" + nothingHappened + "\n")
	}
	return flush(w, b.String(), "history")
}
