package catalog

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/strictyaml"
)

// EntityRules say how entities of Backstage become services.
type EntityRules struct {
	// Types are the types of components that are services; none means every type.
	// A component that says no type is one of them.
	Types []string `yaml:"types"`
	// ExceptLifecycles are lifecycles of components that are left out.
	ExceptLifecycles []string `yaml:"except_lifecycles"`
	// TierLabels are labels and annotations that hold the tier, besides
	// readiness/tier.
	TierLabels []string `yaml:"tier_labels"`
	// TierWords are the tiers of words: {critical: 1}.
	TierWords map[string]int `yaml:"tier_words"`
	// Names is one of Namings; empty is NamesShort.
	Names string `yaml:"names"`
	// MaxRefusedRatio is the share of entities, 0 to 1, that may be refused.
	MaxRefusedRatio float64 `yaml:"max_refused_ratio"`
}

// DefaultEntityRules are those of an empty configuration.
func DefaultEntityRules() EntityRules {
	return EntityRules{
		Types: []string{"service"}, ExceptLifecycles: []string{"deprecated", "experimental"},
		TierLabels: []string{"tier"}, TierWords: map[string]int{}, Names: NamesShort, MaxRefusedRatio: 0.2,
	}
}

// entity is what is read of a Backstage entity. All other keys are ignored.
type entity struct {
	Metadata struct {
		Name        string            `yaml:"name"`
		Namespace   string            `yaml:"namespace"`
		Title       string            `yaml:"title"`
		Tags        []string          `yaml:"tags"`
		Annotations map[string]string `yaml:"annotations"`
		Labels      map[string]string `yaml:"labels"`
		Links       []struct {
			URL   string `yaml:"url"`
			Title string `yaml:"title"`
			Type  string `yaml:"type"`
		} `yaml:"links"`
	} `yaml:"metadata"`
	Spec struct {
		Type      string `yaml:"type"`
		Owner     string `yaml:"owner"`
		Lifecycle string `yaml:"lifecycle"`
		Tier      string `yaml:"tier"`
		Parent    string `yaml:"parent"`
		Profile   struct {
			DisplayName string `yaml:"displayName"`
		} `yaml:"profile"`
		Target   string   `yaml:"target"`
		Targets  []string `yaml:"targets"`
		Presence string   `yaml:"presence"`
	} `yaml:"spec"`
}

// ParseBackstage reads a catalog-info.yaml file: one or more documents, of which
// those of kind Component become services, those of kind Group teams, and those of
// kind Location targets, which the caller has to read. Other kinds are ignored.
// Join keys are read from the annotations that plugins of Backstage use, and from
// our own under readiness/.
//
// An entity with a fault is refused and costs the others nothing; what follows a
// fault of syntax cannot be read. The checks that need the whole catalog are
// Build's.
func (rules EntityRules) ParseBackstage(file string, data []byte) Entries {
	p := fileParser{rules: rules, file: file, isTemplate: hasPlaceholders(data), known: Annotations()}
	documents, syntax := strictyaml.ParseAll(data)
	for _, document := range documents {
		p.document(document)
	}
	if syntax != nil {
		line := 0
		if fault, ok := syntax.(*strictyaml.SyntaxError); ok { //nolint:errorlint // it is documented not to be wrapped
			line = fault.Line
		}
		p.refuse(Origin{file, max(line, 1)}, "", evidence.UncountedUnreadable, syntax.Error())
	}
	return p.entries
}

// hasPlaceholders reports whether a text has placeholders of the usual template
// languages.
func hasPlaceholders(data []byte) bool {
	return bytes.Contains(data, []byte("{{")) || bytes.Contains(data, []byte("{%")) || bytes.Contains(data, []byte("<%"))
}

// fileParser reads the documents of one file.
type fileParser struct {
	rules EntityRules
	file  string
	// isTemplate says that the file has placeholders, which explains most faults.
	isTemplate bool
	// known are the annotations that are read.
	known   []Annotation
	entries Entries
}

// refuse leaves an entity out, or all that follows in the file.
func (p *fileParser) refuse(origin Origin, subject string, reason evidence.UncountedReason, texts ...string) {
	if p.isTemplate && reason == evidence.UncountedUnreadable {
		reason = evidence.UncountedTemplate
		texts = []string{"this is a template: it has placeholders without values; leave templates out of catalog.backstage"}
	}
	p.entries.Refused = append(p.entries.Refused, Refusal{origin, SourceBackstage, subject, reason, texts})
}

func (p *fileParser) document(document *strictyaml.Document) {
	if document.Values == nil {
		return
	}
	origin := Origin{File: p.file, Line: document.Positions[""].Line}
	values, ok := document.Values.(map[string]any)
	if !ok {
		p.refuse(origin, "", evidence.UncountedUnreadable,
			"not a Backstage entity: want keys with values, got "+strictyaml.KindOf(document.Values))
		return
	}
	kind, version := scalarAt(values, "kind"), scalarAt(values, "apiVersion")
	if kind == "" {
		p.refuse(origin, "", evidence.UncountedUnreadable,
			"not a Backstage entity: there is no kind; name entity files only under catalog.backstage")
		return
	}
	// Other programs have kinds of the same names: Dapr has a Component, too.
	if version != "" && !strings.HasPrefix(version, "backstage.io/") {
		return
	}
	kind = strings.ToLower(kind)
	if !slices.Contains([]string{"component", "group", "user", "location"}, kind) {
		return
	}
	metadata, _ := values["metadata"].(map[string]any)
	name := scalarAt(metadata, "name")
	subject := fmt.Sprintf("%s %q", kind, name)
	if kind == "component" {
		if why := p.rules.unwanted(values); why != "" {
			p.entries.LeftOut = append(p.entries.LeftOut, LeftOut{origin, subject, why})
			return
		}
	}
	if strings.Contains(name, "{{") {
		p.refuse(origin, subject, evidence.UncountedUnreadable)
		return
	}
	p.dropForeign(metadata)
	var e entity
	if faults := (strictyaml.Decoder{AllowUnknownKeys: true}).Decode(document, &e); len(faults) > 0 {
		var texts []string
		for _, fault := range faults {
			text := fault.Text
			if fault.Path != "" && fault.Key == "" {
				text = fault.Path + ": " + text
			}
			texts = append(texts, fmt.Sprintf("not a Backstage entity: line %d: %s", max(fault.Position.Line, 1), text))
		}
		p.refuse(origin, subject, evidence.UncountedUnreadable, texts...)
		return
	}
	p.entity(kind, &e, origin, subject)
}

func (p *fileParser) entity(kind string, e *entity, origin Origin, subject string) {
	switch kind {
	case "component":
		r := componentReader{entity: e, rules: p.rules, known: p.known, origin: origin, subject: subject}
		s := r.service()
		if len(r.faults) > 0 {
			p.refuse(origin, subject, evidence.UncountedBadValue, r.faults...)
			return
		}
		p.entries.Services = append(p.entries.Services, s)
		p.entries.Notes = append(p.entries.Notes, r.notes...)
	case "group":
		p.entries.Teams = append(p.entries.Teams, Team{
			Name: e.Metadata.Name, Namespace: e.Metadata.Namespace, Title: e.Spec.Profile.DisplayName,
			Org: reference(e.Spec.Parent), Origin: origin, Source: SourceBackstage,
		})
	case "user":
		user := Team{Namespace: e.Metadata.Namespace}
		p.entries.Users = append(p.entries.Users, qualified(user.namespace(), e.Metadata.Name))
	case "location":
		for _, path := range append([]string{e.Spec.Target}, e.Spec.Targets...) {
			if path != "" {
				p.entries.Targets = append(p.entries.Targets, Target{origin, path, e.Spec.Presence == "optional"})
			}
		}
	}
}

// scalarAt is the text of a key; empty where it is something else.
func scalarAt(values map[string]any, path ...string) string {
	for _, key := range path[:len(path)-1] {
		values, _ = values[key].(map[string]any)
	}
	switch v := values[path[len(path)-1]].(type) {
	case string:
		return v
	case strictyaml.Plain:
		return string(v)
	}
	return ""
}

// unwanted says what an entity is that is not wanted in the catalog; empty for
// one that is.
func (rules EntityRules) unwanted(values map[string]any) string {
	has := func(words []string, word string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, strings.TrimSpace(word)) })
	}
	kind, lifecycle := scalarAt(values, "spec", "type"), scalarAt(values, "spec", "lifecycle")
	switch {
	case scalarAt(values, "metadata", "annotations", annotationPrefix+"ignore") == "true":
		return annotationPrefix + "ignore"
	case kind != "" && len(rules.Types) > 0 && !has(rules.Types, kind):
		return "type " + kind
	case has(rules.ExceptLifecycles, lifecycle):
		return "lifecycle " + lifecycle
	}
	return ""
}

// dropForeign removes annotations and labels that are not read and no text:
// what other programs write is not ours to judge.
func (p *fileParser) dropForeign(metadata map[string]any) {
	for _, part := range []string{"annotations", "labels"} {
		values, _ := metadata[part].(map[string]any)
		for name, value := range values {
			if strictyaml.KindOf(value) != "a single value" && !p.isRead(name) {
				delete(values, name)
			}
		}
	}
}

// isRead reports whether an annotation or a label of the name is read.
func (p *fileParser) isRead(name string) bool {
	return slices.Contains(p.rules.TierLabels, name) || slices.ContainsFunc(p.known, func(a Annotation) bool {
		return a.Name == name || a.Label && strings.TrimPrefix(a.Name, annotationPrefix) == name
	})
}

// reference is the name in an entity reference, with the namespace unless that is
// the default one: payments of group:default/payments, shop/payments of
// group:shop/payments. Backstage compares references without regard to letter case.
func reference(ref string) string {
	ref = strings.TrimSpace(ref)
	if _, name, ok := strings.Cut(ref, ":"); ok {
		ref = name
	}
	if namespace, name, ok := strings.Cut(ref, "/"); ok && strings.EqualFold(namespace, DefaultNamespace) {
		return name
	}
	return ref
}

// isPerson reports whether an entity reference is to a person.
func isPerson(ref string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(ref)), "user:") || strings.Contains(ref, "@")
}

// componentReader turns one component into a service.
type componentReader struct {
	entity  *entity
	rules   EntityRules
	known   []Annotation
	origin  Origin
	subject string
	faults  []string
	notes   []Note

	// What several annotations say together.
	account, site      string
	pagerDuty          []string
	integrationKeys    []string
	projects           []string
	components, labels []string
}

func (r *componentReader) fail(where, format string, args ...any) {
	r.faults = append(r.faults, where+": "+fmt.Sprintf(format, args...))
}

func (r *componentReader) note(format string, args ...any) {
	r.notes = append(r.notes, Note{r.origin, r.subject, fmt.Sprintf(format, args...)})
}

// said is what a component says under the name of an annotation.
func (r *componentReader) said(a Annotation) string {
	m := r.entity.Metadata
	if word := strings.TrimPrefix(a.Name, annotationPrefix); a.Label {
		for _, name := range []string{word, a.Name} {
			if v, ok := m.Labels[name]; ok {
				return v
			}
		}
		if v, ok := m.Annotations[word]; ok {
			return v
		}
	}
	return m.Annotations[a.Name]
}

func (r *componentReader) service() Service {
	m, spec := r.entity.Metadata, r.entity.Spec
	s := Service{
		Name: m.Name, Title: m.Title, Labels: m.Labels, Tags: m.Tags, Origin: r.origin,
		Source: SourceBackstage, Namespace: m.Namespace, Type: spec.Type, Lifecycle: spec.Lifecycle,
		Team: r.teamOf("owner", spec.Owner), Tier: r.tier(),
	}
	for _, a := range r.known {
		if value := r.said(a); value != "" {
			a.set(r, &s, value)
		}
	}
	s.PagerDuty = r.pagerDutyServices()
	s.Jira = r.jira()
	for _, link := range m.Links {
		s.Links = append(s.Links, Link{Title: link.Title, URL: link.URL, Type: link.Type})
		if link.Type == "production" {
			s.PublicURLs = append(s.PublicURLs, link.URL)
		}
	}
	r.unread()
	return s
}

// teamOf is the team that a reference names; a person is none.
func (r *componentReader) teamOf(where, ref string) string {
	if isPerson(ref) {
		r.note("the %s is a person, who is not taken for a team; name a group", where)
		return ""
	}
	kind, _, isKind := strings.Cut(strings.ToLower(strings.TrimSpace(ref)), ":")
	if isKind && slices.Contains([]string{"component", "resource", "system", "domain", "api"}, kind) {
		r.note("the %s is a %s, which owns nothing; name a group", where, kind)
		return ""
	}
	team := reference(ref)
	if namespace := r.entity.Metadata.Namespace; namespace != "" && namespace != DefaultNamespace &&
		strings.Contains(ref, "/") && !strings.Contains(team, "/") {
		team = qualified(DefaultNamespace, team) // and not the one of its own namespace
	}
	return team
}

// tier is what the component says in any of the places for it. They must agree.
func (r *componentReader) tier() int {
	type saying struct{ place, word string }
	var said []saying
	add := func(place, word string) {
		if word = strings.TrimSpace(word); word != "" {
			said = append(said, saying{place, word})
		}
	}
	m := r.entity.Metadata
	for _, name := range append([]string{annotationPrefix + "tier"}, r.rules.TierLabels...) {
		add("the label "+name, m.Labels[name])
		add("the annotation "+name, m.Annotations[name])
	}
	add("spec.tier", r.entity.Spec.Tier)
	for _, tag := range m.Tags {
		if number, ok := strings.CutPrefix(strings.ToLower(tag), "tier-"); ok {
			add("the tag "+tag, number)
		}
	}
	tier, first := 0, ""
	for _, s := range said {
		n, ok := r.tierWord(s.word)
		switch {
		case !ok:
			r.fail("tier", "%q is not a number (%s); write 1 to 4, or map the word under catalog.entities.tier_words",
				s.word, s.place)
			return 0
		case n < HighestTier || n > LowestTier:
			r.fail("tier", "tier %.30q does not exist (%s); use 1 (customers and revenue, at any hour) to 4 (best effort)",
				s.word, s.place)
			return 0
		case tier != 0 && n != tier:
			r.fail("tier", "%s says %d and %s says %d; keep one of them", first, tier, s.place, n)
			return 0
		}
		tier, first = n, s.place
	}
	return tier
}

func (r *componentReader) tierWord(word string) (tier int, ok bool) {
	for known, tier := range r.rules.TierWords {
		if strings.EqualFold(known, word) {
			return tier, true
		}
	}
	n, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(word), "tier-"), 64)
	if err != nil || n != math.Trunc(n) {
		return 0, false
	}
	// A number beyond those of int has no value there.
	return int(max(min(n, math.MaxInt32), math.MinInt32)), true
}

func (r *componentReader) number(where, text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		r.fail(where, "%q is not a number", text)
	}
	return n
}

func (r *componentReader) boolean(where, text string) bool {
	if text != "true" && text != "false" {
		r.fail(where, "%q: want true or false", text)
	}
	return text == "true"
}

func (r *componentReader) addProjects(value string) {
	for _, project := range split(value) {
		if !slices.Contains(r.projects, project) {
			r.projects = append(r.projects, project)
		}
	}
}

func (r *componentReader) addComponents(value string) {
	for _, component := range split(value) {
		if !slices.Contains(r.components, component) {
			r.components = append(r.components, component)
		}
	}
}

// pagerDutyServices makes a reference of every service id, and of every integration key
// if there are no ids. With ids the keys stand beside them, to be compared.
func (r *componentReader) pagerDutyServices() []PagerDutyRef {
	var refs []PagerDutyRef
	for i := range max(len(r.pagerDuty), len(r.integrationKeys)) {
		ref := PagerDutyRef{Account: r.account}
		if len(r.pagerDuty) > 0 {
			ref.ServiceID = r.pagerDuty[min(i, len(r.pagerDuty)-1)]
		}
		if i < len(r.integrationKeys) {
			ref.IntegrationKey = NewIntegrationKey(r.integrationKeys[i])
		}
		refs = append(refs, ref)
	}
	return refs
}

// jira makes a reference of every project, component and label. A project may
// have its site before a slash.
func (r *componentReader) jira() []JiraRef {
	var refs []JiraRef
	all := func(words []string) []string {
		if len(words) == 0 {
			return []string{""}
		}
		return words
	}
	for _, project := range r.projects {
		site := r.site
		if instance, key, ok := strings.Cut(project, "/"); ok {
			project = key
			if site == "" && instance != DefaultNamespace {
				site = instance
			}
		}
		for _, component := range all(r.components) {
			for _, label := range all(r.labels) {
				ref := JiraRef{Site: site, Project: project, Component: component, Label: label}
				if !slices.Contains(refs, ref) {
					refs = append(refs, ref)
				}
			}
		}
	}
	return refs
}

func split(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// prometheus reads readiness/prometheus: one line per server, such as
// `prod-eu: job=checkout, namespace=shop` or, for every server,
// `job=checkout`. The matcher cluster names the cluster.
func (r *componentReader) prometheus(text string) []PrometheusRef {
	var refs []PrometheusRef
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		ref := PrometheusRef{Matchers: map[string]string{}}
		if server, rest, ok := strings.Cut(line, ":"); ok && !strings.Contains(server, "=") {
			ref.Server, line = strings.TrimSpace(server), rest
		}
		for _, matcher := range split(line) {
			name, value, ok := strings.Cut(matcher, "=")
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			if !ok || name == "" || value == "" {
				r.fail(annotationPrefix+"prometheus", "matcher %q: want label=value", matcher)
				continue
			}
			if name == "cluster" {
				ref.Cluster = value
				continue
			}
			ref.Matchers[name] = value
		}
		refs = append(refs, ref)
	}
	return refs
}
