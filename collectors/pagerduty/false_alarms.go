package pagerduty

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prodready/collector/evidence"
)

// A person says that an incident was a false alarm in a note, or in a field of the
// account's own. What a note says is read when it comes with the log, and its text is not
// kept. So the log of the time that facts look back over is read again when other words
// are configured, and notes of before are not known for these.

// wordsCursor names the cursor that says for which words the notes of the log were read.
const wordsCursor = "false_alarm_words"

// falseAlarms are the words and the fields that say so.
type falseAlarms struct {
	// words are folded. Those with a # count wherever they stand in a note, others at the
	// beginning of a line.
	words []string
	// fields are the values that say so, by the name of the field, both folded.
	fields map[string]map[string]bool
	// hash identifies both.
	hash string
}

// newFalseAlarms reads the words and fields of the options.
func newFalseAlarms(words []string, fields map[string][]string) falseAlarms {
	f := falseAlarms{fields: map[string]map[string]bool{}}
	for _, w := range words {
		f.words = append(f.words, folded(w))
	}
	slices.Sort(f.words)
	f.words = slices.Compact(f.words)
	for name, values := range fields {
		name = folded(name)
		f.fields[name] = map[string]bool{}
		for _, v := range values {
			f.fields[name][folded(v)] = true
		}
	}
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%q %v", f.words, f.fields) // maps are printed in the order of their keys
	f.hash = strconv.FormatUint(sum.Sum64(), 36)
	return f
}

// inNote reports whether a note says that nothing was wrong: one of its lines begins with
// one of the words, and that is no question, or a word with a # is in it.
func (f *falseAlarms) inNote(note string) bool {
	for line := range strings.Lines(note) {
		line = folded(line)
		for _, word := range f.words {
			if strings.HasPrefix(word, "#") {
				if slices.ContainsFunc(strings.Fields(line), func(w string) bool {
					return strings.TrimRightFunc(w, unicode.IsPunct) == word
				}) {
					return true
				}
				continue
			}
			rest, begins := strings.CutPrefix(line, word)
			next, _ := utf8.DecodeRuneInString(rest)
			if begins && next != '?' && !unicode.IsLetter(next) && !unicode.IsDigit(next) {
				return true
			}
		}
	}
	return false
}

// inFields says whether a field of the record says so. That is not known of a record
// without fields, if any field is configured.
func (f *falseAlarms) inFields(record *incidentRecord) evidence.Answer {
	if len(f.fields) == 0 {
		return evidence.No
	}
	var list []struct {
		Name    text            `json:"name"`
		Display text            `json:"display_name"`
		Value   json.RawMessage `json:"value"`
	}
	if len(record.CustomFields) == 0 || json.Unmarshal(record.CustomFields, &list) != nil || list == nil {
		return evidence.Unknown
	}
	for _, field := range list {
		for _, name := range [...]text{field.Name, field.Display} {
			values := f.fields[folded(string(name))]
			if slices.ContainsFunc(valuesOf(field.Value), func(v string) bool { return values[folded(v)] }) {
				return evidence.Yes
			}
		}
	}
	return evidence.No
}

// valuesOf are the texts of the value of a field: a text, a yes or no, a number or a list
// of these.
func valuesOf(raw json.RawMessage) []string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return nil
	}
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var texts []string
	for _, v := range list {
		if v != nil {
			texts = append(texts, fmt.Sprint(v))
		}
	}
	return texts
}

// read says of a log entry what its note says. Only a person's word counts.
func (f *falseAlarms) read(e *evidence.LogEntry, of channel) {
	note := string(of.Content) + "\n" + string(of.Summary)
	if e.Kind != evidence.LogAnnotate || strings.TrimSpace(note) == "" {
		return
	}
	says, by := f.inNote(note), endedBy(e.AgentKind)
	if says && by == evidence.ResolverUnknown {
		return // it is not known whether a person wrote it
	}
	e.Words, e.FalseAlarm = f.hash, says && by == evidence.ResolverPerson
}

// heldFor reads the notes of a stored entry again as of the present words: what was read
// for others is not known.
func (f *falseAlarms) heldFor(e evidence.LogEntry) evidence.LogEntry {
	if e.Words != f.hash {
		e.Words, e.FalseAlarm = "", false
	}
	return e
}

// rereadNotes has the log read again, as far as facts look back, if its notes were read
// for other words.
func (r *round) rereadNotes() {
	m := r.memory.incidents
	if r.cursors[wordsCursor] == r.alarms.hash {
		return
	}
	m.otherWords = true
	m.followed = earlier(m.followed, r.factStart().Add(logOverlap))
	m.newest = m.followed
}
