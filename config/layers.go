package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	promconfig "github.com/prometheus/common/config"
	"github.com/spf13/pflag"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

// EnvPrefix begins the names of environment variables that set a key. Keys are
// separated by two underscores, READINESS__STORE__URL: Kubernetes makes names
// with single ones for every service it finds.
const EnvPrefix = "READINESS__"

// maxFile bounds the configuration file: ten thousand services fit well.
const maxFile = 64 << 20

// decoder decodes the configuration. Refused values may be secrets.
func decoder() strictyaml.Decoder {
	return strictyaml.Decoder{
		HideValues: true,
		Words: map[reflect.Type]string{
			reflect.TypeFor[Duration]():              "a duration such as 90s, 4m, 1h30m or 14d",
			reflect.TypeFor[Date]():                  "a day such as 2027-03-31",
			reflect.TypeFor[promconfig.URL]():        "an address such as https://host:port",
			reflect.TypeFor[promconfig.TLSVersion](): "TLS10, TLS11, TLS12 or TLS13",
		},
		KeyWords: map[string]string{
			"tier": "1 (customers and revenue, at any hour) to 4 (best effort)",
		},
		// Names in a secret manager, which this program does not have.
		Unsupported: func(key string) bool { return strings.HasSuffix(key, "_ref") },
	}
}

// layers merges what file, environment and flags set; the later wins. Their
// faults are reported.
type layers struct {
	*report
	merged *koanf.Koanf
	// positions are those of the keys of the file.
	positions map[string]strictyaml.Position
}

// Unmarshal parses the text of the file. It is koanf's interface of a parser;
// koanf's own would make 1.1 of the version 1.10.
func (l *layers) Unmarshal(text []byte) (map[string]any, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("the file is larger than %d MiB; move services to catalog files", maxFile>>20)
	}
	document, err := strictyaml.Parse(text)
	if err != nil {
		return nil, err
	}
	l.positions = document.Positions
	for path, position := range document.Positions {
		l.places[path] = Place{File: l.root.File, Line: position.Line}
	}
	values, isMapping := document.Values.(map[string]any)
	if isMapping {
		l.addFaults(document.Faults)
	} else {
		l.addFaults(decoder().Decode(document, &Config{}))
	}
	l.places[""] = l.root
	return values, nil
}

// Marshal completes koanf's interface of a parser.
func (l *layers) Marshal(map[string]any) ([]byte, error) {
	return nil, errors.New("the configuration is only read")
}

// load decodes the file, the environment and the flags into config, one over
// the other. The error is one after which nothing can be decoded.
func (l *layers) load(text []byte, o Options, config *Config) error {
	if err := l.merged.Load(rawbytes.Provider(text), l); err != nil {
		return err //nolint:wrapcheck // it is the file's and says what to do
	}
	// Sorted, so that faults come in one order.
	environ := slices.Sorted(slices.Values(o.Environ))
	err := l.merged.Load(env.Provider(".", env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			path := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, EnvPrefix)), "__", ".")
			return l.override(path, value, Place{Other: "environment variable " + name})
		},
	}), nil)
	if err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	if o.Flags != nil {
		if err := l.merged.Load(posflag.ProviderWithFlag(o.Flags, ".", nil, l.flag), nil); err != nil {
			return fmt.Errorf("reading the flags: %w", err)
		}
	}
	l.addFaults(decoder().Decode(&strictyaml.Document{Values: l.merged.Raw(), Positions: l.positions}, config))
	return nil
}

// flag sets a key by a flag that was given and is named like it, with dashes for
// underscores. Flags without a dot in their name are not those of keys.
func (l *layers) flag(f *pflag.Flag) (string, any) {
	path := strings.ReplaceAll(f.Name, "-", "_")
	if !f.Changed || !strings.Contains(path, ".") {
		return "", nil
	}
	return l.override(path, f.Value.String(), Place{Other: "flag --" + f.Name})
}

// override is a key and its value from outside the file. The key is empty when
// it was refused.
func (l *layers) override(path, text string, place Place) (string, any) {
	t, at := reflect.TypeFor[Config](), ""
	for key := range strings.SplitSeq(path, ".") {
		inner := strictyaml.TypeOf(t, key)
		if inner == nil {
			l.addAt(place, at, "%s", noSuchKey(t, key))
			return "", nil
		}
		t, at = inner, strictyaml.Join(at, key)
		if replaced := l.merged.Get(at); !isSection(t) || strictyaml.KindOf(replaced) != "keys with values" {
			// What is replaced must be valid, too.
			l.addFaults(decoder().DecodeValues(replaced, at, reflect.New(t).Interface()))
		}
	}
	if isSection(t) {
		l.addAt(place, path, "this is a section; name one of its keys: %s", strings.Join(strictyaml.Keys(t), ", "))
		return "", nil
	}
	// No fault of the file is about the new value.
	delete(l.spoilt, path)
	delete(l.refused, path)
	maps.DeleteFunc(l.places, func(below string, _ Place) bool { return strings.HasPrefix(below, path+"[") })
	l.places[path] = place
	switch {
	case t.Kind() == reflect.Slice:
		list, err := l.list(t, path, text)
		if err != nil {
			l.addAt(place, path, "the list cannot be read; write it as YAML: [a, b]")
			return "", nil
		}
		return path, list
	case t.Kind() == reflect.String || t == reflect.TypeFor[Secret]():
		return path, text
	}
	return path, strictyaml.PlainScalar(text)
}

func isSection(t reflect.Type) bool { return len(strictyaml.Keys(t)) > 0 }

// noSuchKey says why a variable or flag cannot set the key of a value.
func noSuchKey(t reflect.Type, key string) string {
	switch {
	case t.Kind() == reflect.Slice:
		return "a variable or flag replaces the whole list, not one entry of it; write the list as YAML or use the file"
	case !isSection(t):
		return "there are no keys below this one; name it alone"
	}
	meant, _ := nearest.Name(key, strictyaml.Keys(t))
	return strictyaml.UnknownKey(key, meant, strictyaml.Keys(t))
}

// list reads a list from a variable or flag: YAML, or words with commas between
// them.
func (l *layers) list(t reflect.Type, path, text string) (any, error) {
	text = strings.TrimSpace(text)
	list := []any{}
	if t.Elem().Kind() == reflect.String && text != "" && !strings.ContainsAny(text[:1], "[-") {
		for word := range strings.SplitSeq(text, ",") {
			list = append(list, strings.TrimSpace(word))
		}
	}
	if len(list) > 0 || text == "" {
		return list, nil
	}
	document, err := strictyaml.Parse([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", path, err)
	}
	for _, fault := range document.Faults {
		l.add(path+fault.Path, "%s", fault.Text)
	}
	return document.Values, nil
}
