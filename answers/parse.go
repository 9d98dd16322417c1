package answers

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

const (
	// MaxBytes is how large a file may be: ten times a playbook of 200 checks.
	MaxBytes = 2 << 20
	// maxValue is how long a name or a reason may be, in bytes.
	maxValue = 1000
	// aheadOfUTC is how far the day in a time zone may be ahead.
	aheadOfUTC = 14 * time.Hour
)

// title is the first line of a check: a box, the title in bold, the badge and the id.
func title() *regexp.Regexp {
	return regexp.MustCompile(`^[-*+]\s+(?:\[([ xX])\]\s+)?\*\*.*\*\* for \w+ \(([^()\s]+)\)`)
}

// fieldLine is a bullet with a key, which may be emphasised.
func fieldLine() *regexp.Regexp {
	return regexp.MustCompile(`^\s*[-*+]\s+[*_]{0,3}([A-Za-z][A-Za-z ]*?)[*_]{0,3}\s*:[*_]{0,3}(?:\s+(.*))?$`)
}

// parser reads a file line by line.
type parser struct {
	now    time.Time
	sheet  *Sheet
	faults []strictyaml.Fault
	// head are the answers' defaults; given are the lines of the fields of the head, then
	// of the present check.
	head    Answer
	given   map[string]int
	current *Answer
	inHead  bool
}

// Parse reads a playbook that was filled in. All that is wrong is reported at once, as
// *strictyaml.Faults; nothing of such a file counts. now is the time by which a day is yet
// to come.
func Parse(file string, text []byte, now time.Time) (*Sheet, error) {
	p := &parser{now: now, inHead: true, given: map[string]int{}, sheet: &Sheet{File: file, Lines: map[string]int{}}}
	if len(text) > MaxBytes {
		p.fail(1, "larger than %d MiB: this is no playbook", MaxBytes>>20)
		return nil, &strictyaml.Faults{File: file, List: p.faults}
	}
	p.lines(text)
	p.finish()
	if len(p.faults) > 0 {
		return nil, &strictyaml.Faults{File: file, List: p.faults}
	}
	return p.sheet, nil
}

func (p *parser) fail(line int, format string, args ...any) {
	p.faults = append(p.faults, faultAt(line, format, args...))
}

func faultAt(line int, format string, args ...any) strictyaml.Fault {
	return strictyaml.Fault{Position: strictyaml.Position{Line: line}, Text: fmt.Sprintf(format, args...)}
}

// lines reads all lines, without what is in blocks of code and in comments.
func (p *parser) lines(text []byte) {
	isTitle, isField := title(), fieldLine()
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	fence, fenceLine, comment := "", 0, 0
	n := 0
	for raw := range bytes.Lines(text) {
		n++
		if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
			p.fail(n, "this line is not UTF-8 text: save the file as UTF-8")
			return
		}
		line := strings.TrimRight(string(raw), "\r\n \t")
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
			continue
		case comment > 0:
			if strings.Contains(line, "-->") {
				comment = 0
			}
			continue
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence, fenceLine = trimmed[:3], n
			continue
		case strings.HasPrefix(trimmed, "<!--"):
			if !strings.Contains(trimmed, "-->") {
				comment = n
			}
			continue
		}
		p.line(n, line, isTitle, isField)
	}
	if fence != "" {
		p.fail(fenceLine, "the block of code that begins here does not end: write %s behind it", fence)
	}
	if comment > 0 {
		p.fail(comment, "the comment that begins here does not end: write --> behind it")
	}
}

func (p *parser) line(n int, line string, isTitle, isField *regexp.Regexp) {
	if m := isTitle.FindStringSubmatch(line); m != nil {
		p.begin(n, unescaped(m[2]), strings.EqualFold(m[1], "x"))
		return
	}
	if strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "- [") {
		p.current, p.inHead = nil, false
		return
	}
	m := isField.FindStringSubmatch(line)
	if m == nil {
		return
	}
	key, value := m[1], plain(m[2])
	if len(value) > maxValue {
		p.fail(n, "%s: longer than %d characters: write the rest where the evidence is", key, maxValue)
		return
	}
	switch {
	case p.inHead:
		p.headField(n, key, value)
	case p.current != nil:
		p.checkField(n, key, value)
	case IsField(key + ":"):
		p.fail(n, "%s: it belongs to no check: the line with the title of the check and its id is missing above; print the "+
			"playbook again and copy it", key)
	}
}

// begin begins a check.
func (p *parser) begin(n int, id string, ticked bool) {
	p.inHead = false
	p.given = map[string]int{}
	p.sheet.Answers = append(p.sheet.Answers, Answer{Check: id, Line: n, AnswerLine: n, Ticked: ticked})
	p.current = &p.sheet.Answers[len(p.sheet.Answers)-1]
	for _, other := range p.sheet.Answers[:len(p.sheet.Answers)-1] {
		if other.Check == id {
			p.fail(n, "%s is in line %d, too: keep one of them", id, other.Line)
			return
		}
	}
}

// known is the field that a key is, in the writing of the playbook.
func known(key string, fields []string) (string, bool) {
	i := slices.IndexFunc(fields, func(f string) bool { return strings.EqualFold(f, key) })
	if i < 0 {
		return "", false
	}
	return fields[i], true
}

// printed are the lines of a check beside its fields.
func printed(key string) bool {
	_, ok := known(key, []string{"Why", "Now", "Effort", "Attest"})
	return ok
}

func (p *parser) headField(n int, key, value string) {
	field, ok := known(key, headFields())
	if !ok {
		if meant, near := suggest(key, headFields()); near {
			p.fail(n, "unknown field %q, did you mean %q?", key, meant)
		}
		return
	}
	if before, twice := p.given[field]; twice {
		p.fail(n, "%s is in line %d, too: keep one of them", field, before)
		return
	}
	p.given[field] = n
	if value == "" {
		return
	}
	p.sheet.Lines[field] = n
	entry := &p.sheet.Entry
	oneOf := func(into *string, values []string) {
		value = strings.ToLower(value)
		if !slices.Contains(values, value) {
			p.fail(n, "%s: unknown value %q%s; want one of %s", field, value, nearest.Suggest(value, values),
				strings.Join(values, ", "))
			return
		}
		*into = value
	}
	switch field {
	case FieldService:
		entry.Name = html.UnescapeString(unescaped(value))
	case FieldTier:
		tier, err := strconv.Atoi(value)
		if err != nil || tier < 1 || tier > 4 {
			p.fail(n, "%s: %q is no tier; want 1 (most critical) to 4", field, value)
			return
		}
		entry.Tier = tier
	case FieldDataClass:
		oneOf(&entry.DataClass, catalog.DataClasses[:])
	case FieldExposure:
		oneOf(&entry.Exposure, catalog.Exposures[:])
	case FieldRuntime:
		oneOf(&entry.Runtime, catalog.Runtimes[:])
	case FieldStateful:
		var text string
		oneOf(&text, []string{"yes", "no"})
		entry.Stateful = text == "yes"
	default:
		p.person(&p.head, n, field, value)
	}
}

func (p *parser) checkField(n int, key, value string) {
	field, ok := known(key, checkFields())
	if !ok {
		if meant, near := suggest(key, checkFields()); near && !printed(key) {
			p.fail(n, "unknown field %q, did you mean %q?", key, meant)
		}
		return
	}
	if before, twice := p.given[field]; twice {
		p.fail(n, "%s of %s is in line %d, too: keep one of them. If this belongs to another check, the line with its title "+
			"and id is missing", field, p.current.Check, before)
		return
	}
	p.given[field] = n
	if field == FieldAnswer {
		p.current.AnswerLine = n
	}
	if value == "" {
		return
	}
	switch field {
	case FieldAnswer:
		p.said(n, value)
	case FieldEvidence:
		if p.current.Evidence = firstAddress(value); p.current.Evidence == "" {
			p.fail(n, "%s: want a link that begins with https:// or http://", field)
		}
	case FieldBecause:
		p.current.Because = value
	default:
		p.person(p.current, n, field, value)
	}
}

// said reads an answer.
func (p *parser) said(n int, value string) {
	word := strings.TrimRight(strings.ToLower(value), ".! ")
	switch word {
	case "yes":
		p.current.Said = Yes
	case "no":
		p.current.Said = No
	case "not applicable", "n/a":
		p.current.Said = NotApplicable
	default:
		p.fail(n, "%s: %q is no answer%s; want yes, no or not applicable", FieldAnswer, value,
			nearest.Suggest(word, []string{"yes", "no", "not applicable"}))
		return
	}
	if p.current.Said == No && p.current.Ticked {
		p.fail(n, "%s is ticked in line %d and answered with no: take one of them back", p.current.Check, p.current.Line)
	}
}

// person reads who answered or agreed, and when.
func (p *parser) person(into *Answer, n int, field, value string) {
	switch field {
	case FieldBy:
		into.By = value
	case FieldAccepted:
		into.AcceptedBy = value
	case FieldOn:
		on, err := time.Parse(time.DateOnly, value)
		switch {
		case err != nil:
			p.fail(n, "%s: %q is no day; want one such as %s", field, value, p.now.UTC().Format(time.DateOnly))
		case on.Year() < 2000:
			p.fail(n, "%s: %s cannot be; want a day such as %s", field, value, p.now.UTC().Format(time.DateOnly))
		case on.After(p.now.Add(aheadOfUTC)):
			p.fail(n, "%s: %s is yet to come; today is %s", field, value, p.now.UTC().Format(time.DateOnly))
		default:
			into.On = on
		}
	}
}

// finish fills in what the head says for all checks.
func (p *parser) finish() {
	for i := range p.sheet.Answers {
		a := &p.sheet.Answers[i]
		if a.By == "" {
			a.By = p.head.By
		}
		if a.AcceptedBy == "" {
			a.AcceptedBy = p.head.AcceptedBy
		}
		if a.On.IsZero() {
			a.On = p.head.On
		}
	}
	if len(p.sheet.Answers) == 0 && len(p.faults) == 0 {
		p.fail(1, "no check is in it: this is no playbook; `collector playbook SERVICE --launch --tier N` prints one")
	}
}

// plain is a value without the marks of Markdown around it.
func plain(value string) string {
	value = strings.TrimSpace(value)
	for _, mark := range []string{"***", "**", "*", "__", "_", "`"} {
		if inner, ok := strings.CutPrefix(value, mark); ok && len(inner) >= len(mark) && strings.HasSuffix(inner, mark) {
			return strings.TrimSpace(strings.TrimSuffix(inner, mark))
		}
	}
	return value
}

// unescaped takes the backslashes of Markdown away.
func unescaped(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && strings.IndexByte("\\`*_[]|~", text[i+1]) >= 0 {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", d/(24*time.Hour)) }
