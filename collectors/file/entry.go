package file

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

// entry is one record of a file as it was written.
type entry struct {
	line int
	// fields are the values by key: text in quotation marks is a string, any
	// other value strictyaml.Plain, and null is nil.
	fields map[string]any
	// fault is set when the entry is no mapping of single values.
	fault error
}

// The keys of an entry.
const (
	keyService    = "service"
	keyFact       = "fact"
	keyValue      = "value"
	keyObservedAt = "observed_at"
	keyDetail     = "detail"
)

func keys() []string { return []string{keyService, keyFact, keyValue, keyObservedAt, keyDetail} }

// decode reads the list of entries of a file: JSON by the end of its name, else
// YAML. A wrong entry does not affect the others.
func decode(name string, data []byte) ([]entry, error) {
	if strings.EqualFold(filepath.Ext(name), ".json") {
		return decodeJSON(data)
	}
	return decodeYAML(data)
}

func decodeYAML(data []byte) ([]entry, error) {
	document, err := strictyaml.Parse(data)
	if err != nil {
		return nil, err
	}
	list, isList := document.Values.([]any)
	if !isList {
		return nil, errors.New("this is not a list of entries; write [] for a list without entries")
	}
	// A list in square brackets shows where it ends, a list of dashes does not.
	if !bytes.HasSuffix(data, []byte("\n")) && !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return nil, errors.New("the last line does not end, so the file may be cut off; end it with a line break")
	}
	faults, twice := map[string]error{}, map[string][]string{}
	for _, fault := range document.Faults {
		faults[fault.Path] = errors.New(fault.Text)
		twice[fault.Path] = append(twice[fault.Path], fault.Key)
	}
	entries := make([]entry, len(list))
	for i, value := range list {
		path := fmt.Sprintf("[%d]", i)
		entries[i] = newEntry(document.Positions[path].Line, value, faults[path])
		entries[i].without(twice[path])
	}
	return entries, nil
}

// newEntry makes an entry of a plain value; fault is an error that was found before.
func newEntry(line int, value any, fault error) entry {
	fields, isMapping := value.(map[string]any)
	if !isMapping && fault == nil {
		fault = errors.New("this is not an entry with keys and values")
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if kind := strictyaml.KindOf(fields[key]); kind != "a single value" && fault == nil {
			fault = fmt.Errorf("%s: want a single value, got %s", key, kind)
		}
	}
	return entry{line: line, fields: fields, fault: fault}
}

// without removes keys that are given twice: which of the values is meant is not known.
func (e *entry) without(twice []string) {
	for _, key := range twice {
		delete(e.fields, key)
	}
}

func decodeJSON(data []byte) ([]entry, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	at := func(offset int64) int { return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n")) }
	if open, err := decoder.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.New("this is not a JSON list of entries")
	}
	var entries []entry
	for decoder.More() {
		begin := decoder.InputOffset()
		begin += int64(len(data[begin:]) - len(bytes.TrimLeft(data[begin:], ", \t\r\n")))
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, fmt.Errorf("line %d: %w", at(decoder.InputOffset()), err)
		}
		value, twice, err := decodeValue(raw)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", at(decoder.InputOffset()), err)
		}
		if fields, isMapping := value.(map[string]any); isMapping {
			for key, field := range fields {
				fields[key] = plain(field)
			}
		}
		var fault error
		if len(twice) > 0 {
			fault = fmt.Errorf("the key %q is given twice; remove one of them", twice[0])
		}
		e := newEntry(at(begin), value, fault)
		e.without(twice)
		entries = append(entries, e)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("line %d: the list does not end: %w", at(decoder.InputOffset()), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: there is something behind the list", at(decoder.InputOffset()))
	}
	return entries, nil
}

// decodeValue reads one JSON value, and the keys that it gives twice if it is an object.
func decodeValue(raw json.RawMessage) (value any, twice []string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, nil, err
	}
	if _, isObject := value.(map[string]any); !isObject {
		return value, nil, nil
	}
	decoder = json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, nil, err
		}
		key, _ := token.(string)
		if seen[key] {
			twice = append(twice, key)
		}
		seen[key] = true
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			return nil, nil, err
		}
	}
	return value, twice, nil
}

// plain is a JSON value as strictyaml has it.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		return strictyaml.Plain(v)
	case bool:
		return strictyaml.Plain(strconv.FormatBool(v))
	}
	return value
}

// text is a value as it was written; quoted reports that it was written as text.
func text(value any) (written string, quoted bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case strictyaml.Plain:
		return string(v), false
	}
	return "", false
}

// observation is an entry that was understood.
type observation struct {
	at time.Time
	// value is of the fact's kind. It is not set if withdrawn, when the entry's
	// value was null.
	value     evidence.Value
	withdrawn bool
	detail    string
	// contradicted reports that another entry has another value for the same time.
	contradicted bool
}

// names are the service and the fact of an entry, as far as it has them.
func (e entry) names() (service, fact string) {
	service, _ = text(e.fields[keyService])
	fact, _ = text(e.fields[keyFact])
	return service, fact
}

// says reports whether the value of a key is there, as text.
func (e entry) says(key string) bool {
	written, isText := text(e.fields[key])
	return isText && written != ""
}

// observedAt is the time of the observation; written is what the entry has for it.
func (e entry) observedAt() (at time.Time, written string, err error) {
	written, _ = text(e.fields[keyObservedAt])
	at, err = time.Parse(time.RFC3339, written)
	return at, written, err
}

// place names an entry for people: by its fact and service, as far as it has them, and
// by its file.
func (e entry) place(file string) string {
	service, fact := e.names()
	switch name := filepath.Base(file); {
	case service != "" && fact != "":
		return fmt.Sprintf("%s of %s in %s", fact, service, name)
	case cmp.Or(service, fact) != "":
		return fmt.Sprintf("an entry of %s in %s", cmp.Or(service, fact), name)
	default:
		return "an entry in " + name
	}
}

// fault is an error about a time that cannot be right.
type fault struct {
	reason evidence.UncountedReason
	text   string
}

func (f *fault) Error() string { return f.text }

func notAnInstant(format string, args ...any) error {
	return &fault{evidence.UncountedNotAnInstant, fmt.Sprintf(format, args...)}
}

func inFuture(format string, args ...any) error {
	return &fault{evidence.UncountedInFuture, fmt.Sprintf(format, args...)}
}

// reasonOf is why an entry with this error cannot be used.
func reasonOf(err error) evidence.UncountedReason {
	if f, isTime := errors.AsType[*fault](err); isTime {
		return f.reason
	}
	return evidence.UncountedUnreadable
}

// parse checks an entry against the facts. Nothing is clamped or guessed: what
// contradicts itself is an error.
func (e entry) parse(facts *evidence.Facts, now time.Time) (observation, error) {
	if e.fault != nil {
		return observation{}, e.fault
	}
	for _, key := range slices.Sorted(maps.Keys(e.fields)) {
		if !slices.Contains(keys(), key) {
			meant, _ := nearest.Name(key, keys())
			return observation{}, errors.New(strictyaml.UnknownKey(key, meant, keys()))
		}
	}
	for _, key := range []string{keyService, keyFact} {
		if !e.says(key) {
			return observation{}, fmt.Errorf("%s is missing, or is no text", key)
		}
	}
	for _, key := range []string{keyValue, keyObservedAt} {
		if _, given := e.fields[key]; !given {
			return observation{}, fmt.Errorf("%s is missing", key)
		}
	}
	_, fact := e.names()
	detail, _ := text(e.fields[keyDetail])
	out := observation{detail: evidence.Clean(detail, 512)}
	definition, err := facts.Lookup(fact)
	if err != nil {
		return out, err
	}
	var written string
	if out.at, written, err = e.observedAt(); err != nil {
		return out, notAnInstant("observed_at %q is not an instant; write it as 2026-03-01T12:00:00Z", written)
	}
	if out.at.After(now) {
		return out, inFuture("observed_at %s is %s in the future", written, since(out.at, now))
	}
	if out.withdrawn = e.fields[keyValue] == nil; out.withdrawn {
		return out, nil
	}
	out.value, err = parseValue(definition, e.fields[keyValue], out.at)
	return out, err
}

// parseValue reads a value of the fact that was observed at a time.
func parseValue(d evidence.Definition, value any, at time.Time) (evidence.Value, error) {
	written, quoted := text(value)
	number, err := strconv.ParseFloat(written, 64)
	isNumber := !quoted && err == nil
	switch {
	case d.Kind == evidence.KindBool:
		if quoted || written != "true" && written != "false" {
			return evidence.Value{}, fmt.Errorf("value %q: %s wants true or false", written, d.Name)
		}
		return evidence.Bool(written == "true"), nil
	case d.Clock != evidence.NoClock && !isNumber:
		return parseMoment(d, written, at)
	case !isNumber || math.IsInf(number, 0) || math.IsNaN(number):
		return evidence.Value{}, fmt.Errorf("value %q: %s wants a number", written, d.Name)
	case d.Kind == evidence.KindInt && number != math.Trunc(number):
		return evidence.Value{}, fmt.Errorf("value %s: %s wants a whole number", written, d.Name)
	case d.Clock == evidence.Elapsed && number < 0:
		return evidence.Value{}, fmt.Errorf("value %s: the age %s is negative", written, d.Name)
	}
	return observe(d, number, written, at)
}

func observe(d evidence.Definition, number float64, written string, at time.Time) (evidence.Value, error) {
	observed, ok := d.Observe(number, at)
	if !ok {
		return evidence.Value{}, fmt.Errorf("value %s: %s cannot hold it", written, d.Name)
	}
	return observed, nil
}

// parseMoment reads the value of a fact with a clock that was written as an
// instant, or as never.
func parseMoment(d evidence.Definition, written string, at time.Time) (evidence.Value, error) {
	if written == evidence.Never().String() {
		return evidence.Never(), nil
	}
	moment, err := time.Parse(time.RFC3339, written)
	if err != nil {
		return evidence.Value{}, notAnInstant(
			"value %q: %s wants a number of %s, an instant such as 2026-03-01T12:00:00Z, or never", written, d.Name, d.Unit)
	}
	if d.Clock == evidence.Elapsed && moment.After(at) {
		return evidence.Value{}, inFuture("value %s lies after observed_at", written)
	}
	return evidence.Instant(moment), nil
}
