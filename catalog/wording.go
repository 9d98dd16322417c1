package catalog

import (
	"regexp"
	"slices"
	"strings"
)

// Wording writes advice in the words of the kind of entry that a service comes from: an
// inline entry and the entry of a rule have keys, a component of Backstage has
// annotations.
type Wording struct {
	backstage bool
	// annotations are by key, keys by annotation.
	annotations, keys map[string]string
}

// Wording is that of the service's entry.
func (s *Service) Wording() Wording {
	w := Wording{backstage: s.source() == SourceBackstage, keys: map[string]string{},
		annotations: map[string]string{"team": "spec.owner", "public_urls": "metadata.links", "links": "metadata.links",
			"labels": "metadata.labels", "title": "metadata.title"}}
	for _, a := range Annotations() {
		key := plainKey(a.Key)
		if key == "" {
			continue
		}
		w.keys[a.Name] = key
		if a.Label {
			w.keys[strings.TrimPrefix(a.Name, annotationPrefix)] = key
		}
		if w.annotations[key] == "" {
			w.annotations[key] = a.Name
		}
	}
	return w
}

// plainKey is a key as messages name it: pagerduty.service_id of pagerduty[].service_id,
// and prometheus of prometheus.matchers, which are one annotation.
func plainKey(key string) string {
	return strings.TrimSuffix(strings.ReplaceAll(key, "[]", ""), ".matchers")
}

// Key is what the entry calls an inline key; a key that only inline entries have stays.
func (w Wording) Key(key string) string {
	if name := w.annotations[plainKey(key)]; w.backstage && name != "" {
		return name
	}
	return key
}

// Keys is Key for a text of several with " and " and " or " between them.
func (w Wording) Keys(text string) string {
	return keyWord.ReplaceAllStringFunc(text, w.Key)
}

var (
	keyWord = regexp.MustCompile(`[a-z_.]+`)
	// quotedName is a name in back quotes, alone or before a colon and a value.
	quotedName = regexp.MustCompile("`[A-Za-z][A-Za-z0-9_./-]*[`:]")
	// annotationName is the name of an annotation without quotes.
	annotationName = regexp.MustCompile(`[a-z][a-z.]*/[a-z]+(?:-[a-z]+)*`)
)

// Text writes a text that names keys in back quotes, or annotations, in the words of the
// entry. All else stays as it is.
func (w Wording) Text(text string) string {
	text = quotedName.ReplaceAllStringFunc(text, func(quoted string) string {
		name, end := quoted[1:len(quoted)-1], quoted[len(quoted)-1:]
		if key := w.keys[name]; key != "" && !w.backstage {
			return "`" + key + end
		}
		return "`" + w.Key(name) + end
	})
	if w.backstage {
		return text
	}
	return annotationName.ReplaceAllStringFunc(text, func(name string) string {
		if key := w.keys[name]; key != "" {
			return key
		}
		return name
	})
}

// Names reports whether a text names an inline key, in back quotes and in either wording.
func (w Wording) Names(text, key string) bool {
	return slices.ContainsFunc(quotedName.FindAllString(text, -1), func(quoted string) bool {
		name := quoted[1 : len(quoted)-1]
		return name == key || w.keys[name] == key
	})
}
