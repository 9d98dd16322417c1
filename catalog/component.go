package catalog

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

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

// tierSaying is what a component says in one of the places for the tier.
type tierSaying struct {
	place, word string
	// ours is set for the place that is for the tier alone. What others hold may be a
	// word of another program.
	ours bool
}

func (r *componentReader) tierSayings() []tierSaying {
	var said []tierSaying
	own := annotationPrefix + "tier"
	add := func(place, name, word string) {
		if word = strings.TrimSpace(word); word != "" {
			said = append(said, tierSaying{place + name, word, name == own})
		}
	}
	m := r.entity.Metadata
	for _, name := range append([]string{own}, r.rules.TierLabels...) {
		add("the label ", name, m.Labels[name])
		add("the annotation ", name, m.Annotations[name])
	}
	add("spec.tier", "", r.entity.Spec.Tier)
	for _, tag := range m.Tags {
		if number, ok := strings.CutPrefix(strings.ToLower(tag), "tier-"); ok {
			add("the tag ", tag, number)
		}
	}
	return said
}

// tier is what the component says in any of the places for it. They must agree. A word
// that is no tier is a fault only in the place that is ours; elsewhere it says nothing, and
// is noted where no other place says the tier.
func (r *componentReader) tier() int {
	tier, first := 0, ""
	var foreign *tierSaying
	for _, s := range r.tierSayings() {
		n, ok := r.tierWord(s.word)
		exists := ok && n >= HighestTier && n <= LowestTier
		switch {
		case exists && tier != 0 && n != tier:
			r.fail("tier", "%s says %d and %s says %d; keep one of them", first, tier, s.place, n)
			return 0
		case exists:
			tier, first = n, s.place
		case !s.ours:
			foreign = &s
		case ok:
			r.fail("tier", "tier %.30q does not exist (%s); use 1 (customers and revenue, at any hour) to 4 (best effort)",
				s.word, s.place)
			return 0
		default:
			r.fail("tier", "%q is not a number (%s); write 1 to 4, or map the word under catalog.entities.tier_words",
				s.word, s.place)
			return 0
		}
	}
	if tier == 0 && foreign != nil {
		r.note("%s says %.30q, which is no tier and is not read; write 1 to 4 as the annotation %stier, or map the word "+
			"under catalog.entities.tier_words", foreign.place, foreign.word, annotationPrefix)
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
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		r.fail(where, "%q is not a number", text)
		return 0
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
