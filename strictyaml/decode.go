package strictyaml

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/prodready/collector/nearest"
)

// Fault is one thing that is wrong with a document.
type Fault struct {
	// Path is the key whose value is wrong; for an unknown key the one above it.
	Path string
	// Position is where the fault is; zero when it is not known.
	Position Position
	// Text is what is wrong and what to do about it.
	Text string
	// Refused is set when the value was not decoded. Further faults of the same
	// path would only follow from it.
	Refused bool
	// Key is a key that is unknown or given twice, which Text names; empty for
	// other faults. Meant is the path of the key that was probably meant, whose
	// absence need not be reported, too.
	Key, Meant string
}

// Faults is everything that is wrong with a file.
type Faults struct {
	File string
	List []Fault
}

// Error has one line for each fault: file, line, key, what is wrong.
func (f *Faults) Error() string {
	lines := make([]string, len(f.List))
	for i, fault := range f.List {
		lines[i] = fmt.Sprintf("%s:%d: ", f.File, max(fault.Position.Line, 1))
		if fault.Path != "" && fault.Key == "" {
			lines[i] += fault.Path + ": "
		}
		lines[i] += fault.Text
	}
	return strings.Join(lines, "\n")
}

// Below reports whether a fault is at a path or below it.
func (f *Faults) Below(path string) bool {
	return f != nil && slices.ContainsFunc(f.List, func(fault Fault) bool {
		rest, below := strings.CutPrefix(fault.Path, path)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// Line is a field that gets the line in which the keys of its type begin.
type Line int

// Defaulter is a type that has other values than zero where a document gives
// none. SetDefaults is called before the keys of the document are decoded.
type Defaulter interface{ SetDefaults() }

// Wanter is a type that describes what it is decoded from, such as "a
// duration such as 5m".
type Wanter interface{ Wants() string }

// Decoder puts plain values into Go types. The keys of a struct are the names in
// its yaml tags. The zero Decoder is strict.
type Decoder struct {
	// Words say what a type of another package is decoded from; see Wanter.
	Words map[reflect.Type]string
	// KeyWords say it of keys whose type says too little.
	KeyWords map[string]string
	// HideValues keeps refused values, which may be secrets, out of faults.
	HideValues bool
	// AllowUnknownKeys passes keys over that a type does not have.
	AllowUnknownKeys bool
	// Unsupported reports keys of a type of another package that are to be
	// unknown; nil for none.
	Unsupported func(key string) bool
}

// Read parses the only document of a file and decodes it. The error is of type
// *Faults and holds everything that is wrong. With a document there is an error
// where a part of it could not be decoded.
func Read(file string, text []byte, into any) (*Document, error) {
	document, err := Parse(text)
	if err != nil {
		return nil, Located(file, err)
	}
	if document.Values == nil {
		return nil, &Faults{file, []Fault{{Text: "the file is empty"}}}
	}
	if faults := (Decoder{}).Decode(document, into); len(faults) > 0 {
		return document, &Faults{file, faults}
	}
	return document, nil
}

// Located is an error of Parse or ParseAll with the name of the file.
func Located(file string, err error) error {
	fault := Fault{Text: err.Error()}
	if syntax, ok := errors.AsType[*SyntaxError](err); ok {
		fault.Position.Line = syntax.Line
	}
	return &Faults{file, []Fault{fault}}
}

// Decode puts a document into the value that into points to, and returns all
// its faults in the order of the text. Where a value is wrong, what was there
// before stays.
func (d Decoder) Decode(document *Document, into any) []Fault {
	run := run{Decoder: d, positions: document.Positions, faults: document.Faults}
	return run.decode(document.Values, "", into)
}

// DecodeValues is Decode for values that have no positions. path is that of the
// values.
func (d Decoder) DecodeValues(values any, path string, into any) []Fault {
	run := run{Decoder: d}
	return run.decode(values, path, into)
}

// run is one run of a decoder.
type run struct {
	Decoder
	positions map[string]Position
	faults    []Fault
	types     map[reflect.Type]fields
	// decoded are the paths of all keys with values that were decoded.
	decoded map[string]bool
}

func (r *run) decode(values any, path string, into any) []Fault {
	r.types, r.decoded = map[reflect.Type]fields{}, map[string]bool{}
	r.value(values, reflect.ValueOf(into).Elem(), path)
	if r.AllowUnknownKeys {
		r.faults = slices.DeleteFunc(r.faults, func(f Fault) bool { return !f.Refused && !r.decoded[f.Path] })
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int {
		return cmp.Or(a.Position.Line-b.Position.Line, a.Position.Column-b.Position.Column)
	})
	return r.faults
}

// value decodes one value. A null leaves what is there.
func (r *run) value(value any, to reflect.Value, path string) {
	if value == nil {
		return
	}
	mapping, isMapping := value.(map[string]any)
	_, isList := value.([]any)
	r.decoded[path] = true
	switch t := to.Type(); {
	case t.Kind() == reflect.Pointer:
		to.Set(reflect.New(t.Elem()))
		r.value(value, to.Elem(), path)
	case t.Kind() == reflect.Interface:
		to.Set(reflect.ValueOf(native(value)))
	case r.isScalar(t) || !isMapping && !isList && readsText(t):
		r.scalar(value, to, path)
	case t.Kind() == reflect.Slice:
		r.list(value, to, path)
	case !isMapping:
		r.refuse(path, "want keys with values, got %s", KindOf(value))
	case t.Kind() == reflect.Map:
		to.Set(reflect.MakeMap(t))
		for _, key := range slices.Sorted(maps.Keys(mapping)) {
			entry := reflect.New(t.Elem()).Elem()
			r.value(mapping[key], entry, Join(path, key))
			to.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), entry)
		}
	default:
		if d, ok := reflect.TypeAssert[Defaulter](to.Addr()); ok {
			d.SetDefaults()
		}
		r.structure(mapping, to, path)
	}
}

func (r *run) list(value any, to reflect.Value, path string) {
	list, ok := value.([]any)
	if !ok {
		r.refuse(path, "want a list, got %s; begin every entry with a dash", KindOf(value))
		return
	}
	to.Set(reflect.MakeSlice(to.Type(), len(list), len(list)))
	for i, entry := range list {
		r.value(entry, to.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (r *run) structure(mapping map[string]any, to reflect.Value, path string) {
	known := r.fields(to.Type())
	if known.line != nil {
		to.FieldByIndex(known.line).SetInt(int64(r.positions[path].Line))
	}
	rest := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(mapping)) {
		if index, ok := known.index[key]; ok {
			r.value(mapping[key], to.FieldByIndex(index), Join(path, key))
		} else if known.rest != nil {
			rest[key] = mapping[key]
		} else if !r.AllowUnknownKeys {
			r.unknown(key, known.names, path)
		}
	}
	if known.rest != nil {
		r.value(rest, to.FieldByIndex(known.rest), path)
	}
}

// unknown reports a key that a type does not have. Where a file can be named in
// place of the value, that is what is probably meant.
func (r *run) unknown(key string, known []string, path string) {
	fault := Fault{Path: path, Position: r.positions[Join(path, key)], Key: key}
	meant, found := key+"_file", slices.Contains(known, key+"_file")
	if !found {
		meant, found = nearest.Name(key, known)
	}
	if found {
		fault.Meant = Join(path, meant)
	}
	fault.Text = UnknownKey(key, meant, known)
	r.faults = append(r.faults, fault)
}

// UnknownKey is the message about an unknown key: with the key that was meant,
// or with all known ones where that is empty.
func UnknownKey(key, meant string, known []string) string {
	if meant != "" {
		return fmt.Sprintf("unknown key %.60q, did you mean %q?", key, meant)
	}
	return fmt.Sprintf("unknown key %.60q; the keys here are %s", key, strings.Join(known, ", "))
}

// scalar decodes a scalar the way YAML does. The error of the YAML decoder is
// not shown, since it names Go types.
func (r *run) scalar(value any, to reflect.Value, path string) {
	t := to.Type()
	if kind := KindOf(value); kind != "a single value" {
		r.refuse(path, "want %s, got %s", r.wants(t, path), kind)
		return
	}
	node := scalarNode(value)
	if t.Kind() == reflect.String && !decodesItself(t) {
		to.SetString(node.Value)
		return
	}
	// The YAML decoder would cut 1.5 to 1.
	fraction := to.CanInt() && !decodesItself(t) && node.ShortTag() != "!!int"
	decoded := reflect.New(t)
	if err := node.Decode(decoded.Interface()); err == nil && !fraction && finite(decoded.Elem()) {
		to.Set(decoded.Elem())
	} else if r.HideValues {
		r.refuse(path, "want %s", r.wants(t, path))
	} else {
		r.refuse(path, "want %s, got %.60q", r.wants(t, path), node.Value)
	}
}

// finite is false for .nan and .inf: no quantity is one of them, and JSON has no word
// for them.
func finite(v reflect.Value) bool {
	return !v.CanFloat() || !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0)
}

func (r *run) refuse(path, format string, args ...any) {
	fault := Fault{Path: path, Position: r.positions[path], Text: fmt.Sprintf(format, args...), Refused: true}
	r.faults = append(r.faults, fault)
}

// wants says in words what a key of a type is decoded from.
func (r *run) wants(t reflect.Type, path string) string {
	if words, ok := r.KeyWords[path[strings.LastIndexByte(path, '.')+1:]]; ok {
		return words
	}
	if words, ok := r.Words[t]; ok {
		return words
	}
	if w, ok := reflect.TypeAssert[Wanter](reflect.New(t)); ok {
		return w.Wants()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return "text"
}

// native is a value as YAML reads it where no type says what it is.
func native(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, entry := range v {
			out[key] = native(entry)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, entry := range v {
			out[i] = native(entry)
		}
		return out
	case Plain:
		var out any
		if err := scalarNode(v).Decode(&out); err != nil {
			return string(v)
		}
		return out
	}
	return value
}

// isScalar reports whether a type is decoded from one scalar: it is neither a
// list nor a map, and has no keys.
func (r *run) isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return false
	case reflect.Struct:
		f := r.fields(t)
		return len(f.names) == 0 && f.rest == nil
	}
	return true
}

// decodesItself reports whether a type has a method that decodes YAML or text.
func decodesItself(t reflect.Type) bool {
	_, decodes := reflect.PointerTo(t).MethodByName("UnmarshalYAML")
	return decodes || readsText(t)
}

// readsText reports whether a type may be written as one scalar, even though it
// may have keys.
func readsText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (r *run) fields(t reflect.Type) fields {
	f, ok := r.types[t]
	if !ok {
		f = fieldsOf(t, r.Unsupported)
		r.types[t] = f
	}
	return f
}

// fields are the keys of a struct.
type fields struct {
	names []string
	index map[string][]int
	// rest is the field that takes all other keys, line the one of type Line; nil
	// without one.
	rest, line []int
}

func fieldsOf(t reflect.Type, unsupported func(string) bool) fields {
	f := fields{index: map[string][]int{}}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case !field.IsExported():
		case field.Type == reflect.TypeFor[Line]():
			f.line = field.Index
		case strings.Contains(options, "inline") && field.Type.Kind() == reflect.Map:
			f.rest = field.Index
		case name == "" || name == "-" || unsupported != nil && unsupported(name):
		default:
			f.names = append(f.names, name)
			f.index[name] = field.Index
		}
	}
	return f
}

// Keys are the keys of a struct in the order of its fields; none for types that
// are no structs.
func Keys(t reflect.Type) []string {
	if t.Kind() != reflect.Struct {
		return nil
	}
	return fieldsOf(t, nil).names
}

// TypeOf is the type of a key of a struct; nil when t has no such key.
func TypeOf(t reflect.Type, key string) reflect.Type {
	if !slices.Contains(Keys(t), key) {
		return nil
	}
	return t.FieldByIndex(fieldsOf(t, nil).index[key]).Type
}
