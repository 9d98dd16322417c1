package config

import (
	"reflect"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// fields are the keys that a mapping may have.
type fields struct {
	names []string
	types map[string]reflect.Type
	// any is the type of the values when every key is allowed.
	any reflect.Type
}

func (f fields) typeOf(key string) reflect.Type {
	if t, ok := f.types[key]; ok {
		return t
	}
	return f.any
}

// fieldsOf reads the keys of a struct off its yaml tags.
func fieldsOf(t reflect.Type) fields {
	f := fields{types: map[string]reflect.Type{}}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case !field.IsExported() || name == "-":
		case strings.Contains(options, "inline") && field.Type.Kind() == reflect.Map:
			f.any = field.Type.Elem()
		case strings.Contains(options, "inline"):
			inner := fieldsOf(field.Type)
			f.names = append(f.names, inner.names...)
			for key, t := range inner.types {
				f.types[key] = t
			}
		case strings.HasSuffix(name, "_ref"):
			// Names in a secret manager, which this program does not have.
		default:
			f.names = append(f.names, name)
			f.types[name] = field.Type
		}
	}
	return f
}

// isLeaf reports whether a type is written as one scalar.
func isLeaf(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[Secret](), reflect.TypeFor[Date](), reflect.TypeFor[promconfig.URL]():
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64, reflect.Uint16:
		return true
	}
	return false
}

// wanted says in words what a key takes.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "a duration such as 90s, 4m, 1h30m or 14d"
	case reflect.TypeFor[Date]():
		return "a day such as 2027-03-31"
	case reflect.TypeFor[promconfig.URL]():
		return "an address such as https://host:port"
	case reflect.TypeFor[promconfig.TLSVersion]():
		return "TLS10, TLS11, TLS12 or TLS13"
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

// typeAt finds the type of a key outside of lists; nil when there is none. known
// is how many of its parts exist.
func typeAt(t reflect.Type, keys []string) (found reflect.Type, known int) {
	for i, key := range keys {
		if t.Kind() != reflect.Struct || isLeaf(t) {
			return nil, i
		}
		next, ok := fieldsOf(t).types[key]
		if !ok {
			return nil, i
		}
		t = next
	}
	return t, len(keys)
}
