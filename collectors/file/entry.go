package file

import (
	"bytes"
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

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// entry is one record of a file as it was written.
type entry struct {
	line   int
	fields map[string]scalar
	// fault is set when the entry is no mapping of scalars.
	fault error
}

// scalar is one value of an entry: its text, and what it was written as.
type scalar struct {
	kind scalarKind
	text string
}

type scalarKind int

const (
	scalarText scalarKind = iota
	scalarNull
	scalarBool
	scalarNumber
)

// The keys of an entry.
const (
	keyService    = "service"
	keyFact       = "fact"
	keyValue      = "value"
	keyObservedAt = "observed_at"
	keyDetail     = "detail"
)

func keys() []string { return []string{keyService, keyFact, keyValue, keyObservedAt, keyDetail} }

// decode reads the list of entries that a file holds: JSON where its name says
// so, else YAML. An entry that is wrong costs itself alone.
func decode(name string, data []byte) ([]entry, error) {
	if strings.EqualFold(filepath.Ext(name), ".json") {
		return decodeJSON(data)
	}
	return decodeYAML(data)
}

func decodeYAML(data []byte) ([]entry, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; write [] for a list without entries")
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is a second document; keep one list of entries in a file")
	}
	list := document.Content[0]
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("line %d: this is not a list of entries", list.Line)
	}
	if !bytes.HasSuffix(data, []byte("\n")) && list.Style&yaml.FlowStyle == 0 {
		return nil, errors.New("the last line does not end, so the file may be cut off; end it with a line break")
	}
	entries := make([]entry, 0, len(list.Content))
	for _, node := range list.Content {
		e := entry{line: node.Line, fields: map[string]scalar{}}
		if node.Kind != yaml.MappingNode {
			e.fault = errors.New("this is not an entry with keys and values")
		}
		for i := 0; e.fault == nil && i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if _, twice := e.fields[key.Value]; twice {
				e.fault = fmt.Errorf("the key %s is given twice", key.Value)
			}
			if value.Kind != yaml.ScalarNode {
				e.fault = fmt.Errorf("%s is not a single value", key.Value)
			}
			e.fields[key.Value] = scalar{yamlKind(value), value.Value}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func yamlKind(node *yaml.Node) scalarKind {
	switch node.ShortTag() {
	case "!!null":
		return scalarNull
	case "!!bool":
		return scalarBool
	case "!!int", "!!float":
		return scalarNumber
	}
	return scalarText
}

func decodeJSON(data []byte) ([]entry, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if open, err := decoder.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.New("this is not a JSON list of entries")
	}
	var entries []entry
	for decoder.More() {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, fmt.Errorf("line %d: %w", lineAt(data, decoder.InputOffset()), err)
		}
		e := entry{line: lineAt(data, decoder.InputOffset()-int64(len(raw))), fields: map[string]scalar{}}
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil || object == nil {
			e.fault = errors.New("this is not an entry with keys and values")
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			value, err := jsonScalar(object[key])
			if err != nil && e.fault == nil {
				e.fault = fmt.Errorf("%s is not a single value", key)
			}
			e.fields[key] = value
		}
		entries = append(entries, e)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("line %d: the list does not end: %w", lineAt(data, decoder.InputOffset()), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: there is something behind the list", lineAt(data, decoder.InputOffset()))
	}
	return entries, nil
}

// jsonScalar reads a value that is not an object or a list.
func jsonScalar(raw json.RawMessage) (scalar, error) {
	switch raw[0] {
	case '"':
		s := scalar{kind: scalarText}
		return s, json.Unmarshal(raw, &s.text)
	case 'n':
		return scalar{kind: scalarNull}, nil
	case 't', 'f':
		return scalar{scalarBool, string(raw)}, nil
	case '{', '[':
		return scalar{}, errors.New("not a scalar")
	}
	return scalar{scalarNumber, string(raw)}, nil
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n"))
}

// observation is an entry that was understood.
type observation struct {
	at time.Time
	// value is of the fact's kind; withdrawn says that there is none.
	value     evidence.Value
	withdrawn bool
	detail    string
	// contradicted says that another entry tells another value for the same time.
	contradicted bool
}

// names are the service and the fact of an entry, as far as it tells them.
func (e entry) names() (service, fact string) {
	return e.fields[keyService].text, e.fields[keyFact].text
}

// parse checks an entry against the facts. Nothing is clamped or guessed: what
// contradicts itself is an error.
func (e entry) parse(facts *evidence.Facts, now time.Time) (observation, error) {
	if e.fault != nil {
		return observation{}, e.fault
	}
	for _, key := range slices.Sorted(maps.Keys(e.fields)) {
		if !slices.Contains(keys(), key) {
			return observation{}, fmt.Errorf("unknown key %q%s", key, nearest.Hint(key, keys()))
		}
	}
	for _, key := range []string{keyService, keyFact, keyValue, keyObservedAt} {
		if s, given := e.fields[key]; !given || key != keyValue && (s.kind != scalarText || s.text == "") {
			return observation{}, fmt.Errorf("%s is missing, or is no text", key)
		}
	}
	out := observation{detail: evidence.Clean(e.fields[keyDetail].text, 512)}
	definition, err := facts.Lookup(e.fields[keyFact].text)
	if err != nil {
		return out, err
	}
	written := e.fields[keyObservedAt].text
	if out.at, err = time.Parse(time.RFC3339, written); err != nil {
		return out, fmt.Errorf("observed_at %q is not an instant; write it as 2026-03-01T12:00:00Z", written)
	}
	if out.at.After(now) {
		return out, fmt.Errorf("observed_at %s is %s in the future", written, since(out.at, now))
	}
	value := e.fields[keyValue]
	if out.withdrawn = value.kind == scalarNull; out.withdrawn {
		return out, nil
	}
	out.value, err = parseValue(definition, value, out.at)
	return out, err
}

// parseValue reads a value of the fact that was observed at a time.
func parseValue(d evidence.Definition, s scalar, at time.Time) (evidence.Value, error) {
	if d.Kind == evidence.KindBool {
		truth, err := strconv.ParseBool(s.text)
		if s.kind != scalarBool || err != nil {
			return evidence.Value{}, fmt.Errorf("value %q: %s wants true or false", s.text, d.Name)
		}
		return evidence.Bool(truth), nil
	}
	if d.Clock != evidence.NoClock && s.kind == scalarText {
		return parseMoment(d, s.text, at)
	}
	number, err := strconv.ParseFloat(s.text, 64)
	if s.kind != scalarNumber || err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return evidence.Value{}, fmt.Errorf("value %q: %s wants a number", s.text, d.Name)
	}
	if d.Kind == evidence.KindInt && number != math.Trunc(number) {
		return evidence.Value{}, fmt.Errorf("value %s: %s wants a whole number", s.text, d.Name)
	}
	if d.Clock == evidence.Elapsed && number < 0 {
		return evidence.Value{}, fmt.Errorf("value %s: the age %s is negative", s.text, d.Name)
	}
	value, ok := d.Observe(number, at)
	if !ok {
		return evidence.Value{}, fmt.Errorf("value %s: %s cannot hold it", s.text, d.Name)
	}
	return value, nil
}

// parseMoment reads the value of a fact with a clock that was written as an
// instant, or as never.
func parseMoment(d evidence.Definition, text string, at time.Time) (evidence.Value, error) {
	if text == evidence.Never().String() {
		return evidence.Never(), nil
	}
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return evidence.Value{}, fmt.Errorf("value %q: %s wants a number of %s, an instant such as 2026-03-01T12:00:00Z, or never", text, d.Name, d.Unit)
	}
	if d.Clock == evidence.Elapsed && moment.After(at) {
		return evidence.Value{}, fmt.Errorf("value %s lies after observed_at", text)
	}
	return evidence.Instant(moment), nil
}
