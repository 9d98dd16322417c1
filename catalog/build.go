package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// Values of a service whose entry does not declare them. They are the strict
// ones, so that leaving a key out makes no check easier.
const (
	DefaultExposure       = "external"
	DefaultCoverageTarget = 0.7
	DefaultRPOMinutes     = 15
	// UndeclaredDataClass is what checks take undeclared data for.
	UndeclaredDataClass = "confidential"
)

// LowestCoverageTarget is the least test coverage a team may promise.
const LowestCoverageTarget = 0.5

// The range of tiers.
const (
	HighestTier = 1
	LowestTier  = 4
)

// maxText bounds names and words that become labels.
const maxText = 200

// Sources are the names of the configured source instances, which catalog
// entries refer to.
type Sources struct{ PagerDuty, Jira, Prometheus []string }

// Rules say how entries become a catalog.
type Rules struct {
	Sources Sources
	// Defaults are for services whose entries leave keys out.
	Defaults Defaults
	// Entities are for those that Backstage files hold.
	Entities EntityRules
}

// Build merges entries, which may come from several files, checks them and
// fills in defaults. The entries are not changed.
//
// A tier that neither the entry nor Rules.Defaults declare is an error: a guess
// would set the target of the service.
// A team that does not exist is not an error here but the fact
// catalog.owner_declared, since owners in catalog files often lag behind.
//
// A fault of an inline entry is an error; an entity of a file, or one that was
// discovered, is refused and costs the others nothing. Of two with one name the
// first wins.
//
// The error is of type Problems and holds everything that is wrong inline, or else
// it is a *TooManyRefused.
func (r Rules) Build(in Entries) (*Catalog, error) {
	in = r.Qualify(in)
	entries := in.Services
	b := &builder{
		refs:   r.Sources,
		rules:  r,
		names:  map[string]int{},
		owners: map[string]int{},
		cat: &Catalog{
			byName:  make(map[string]*Service, len(entries)),
			byAlias: map[string]*Service{},
			teams:   make(map[string]Team, len(in.Teams)),
			refused: slices.Clone(in.Refused), leftOut: in.LeftOut, notes: in.Notes,
		},
	}
	for i, team := range in.Teams {
		b.addTeam(i, team)
	}
	for i := range entries {
		b.addService(i, entries)
	}
	for i := range entries {
		b.addAliases(i, entries)
	}
	if len(b.problems) > 0 {
		slices.SortStableFunc(b.problems, func(p, q Problem) int {
			return cmp.Or(cmp.Compare(q.List, p.List), p.Index-q.Index) // teams before services
		})
		return nil, b.problems
	}
	for _, s := range b.cat.services {
		b.cat.addFullName(s)
	}
	slices.SortFunc(b.cat.services, func(s, t *Service) int { return cmp.Compare(s.Name, t.Name) })
	slices.SortStableFunc(b.cat.refused, func(p, q Refusal) int {
		return cmp.Or(cmp.Compare(p.Origin.File, q.Origin.File), cmp.Compare(p.Origin.Line, q.Origin.Line))
	})
	return b.cat, r.tooMany(b.cat)
}

// addFullName lets a component be found by namespace/name, too.
func (c *Catalog) addFullName(s *Service) {
	full := qualified(s.namespace(), s.Name)
	if _, taken := c.Resolve(full); !taken && s.Source == SourceBackstage {
		c.byAlias[full] = s
	}
}

// tooMany is an error where too large a share of the entities of files is refused.
// What discovery finds is not counted: a rule for names fits some of them only.
func (r Rules) tooMany(c *Catalog) error {
	e := &TooManyRefused{Limit: r.Entities.MaxRefusedRatio}
	for _, refused := range c.refused {
		if refused.Source == SourceBackstage {
			e.Refused = append(e.Refused, refused)
		}
	}
	for _, s := range c.services {
		if s.Source == SourceBackstage {
			e.Services++
		}
	}
	if all := len(e.Refused) + e.Services; float64(len(e.Refused)) <= e.Limit*float64(all) {
		return nil
	}
	return e
}

type builder struct {
	rules    Rules
	refs     Sources
	cat      *Catalog
	names    map[string]int // service name → index of its entry
	owners   map[string]int // alias → index of the entry that has it
	problems Problems
}

// entry collects the problems of one entry.
type entry struct {
	b       *builder
	list    List
	index   int
	origin  Origin
	source  EntrySource
	subject string
	// found are its problems so far.
	found *Problems
}

// refused ends an entry with problems: they are errors where the entry is inline,
// and else the entry is refused. It reports whether there were any.
func (e entry) refused() bool {
	if len(*e.found) == 0 {
		return false
	}
	if e.source == SourceInline {
		e.b.problems = append(e.b.problems, *e.found...)
		return true
	}
	r := Refusal{Origin: e.origin, Source: e.source, Subject: e.subject, Reason: (*e.found)[0].Reason}
	for _, p := range *e.found {
		r.Texts = append(r.Texts, p.text())
	}
	e.b.cat.refused = append(e.b.cat.refused, r)
	return true
}

func (e entry) problem(field, remedy, format string, args ...any) {
	e.fault(field, fmt.Sprintf(format, args...)+"; "+remedy)
}

// fault is a problem whose text has its remedy.
func (e entry) fault(field, text string) { e.because(evidence.UncountedBadValue, field, text) }

func (e entry) because(reason evidence.UncountedReason, field, text string) {
	*e.found = append(*e.found, Problem{
		List: e.list, Index: e.index, Origin: e.origin, Subject: e.subject, Reason: reason, Field: field, Text: text,
	})
}

// word checks an optional word that becomes a label.
func (e entry) word(field, value string) {
	switch {
	case len(value) > maxText:
		e.problem(field, fmt.Sprintf("use at most %d bytes", maxText), "the text is too long")
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		e.problem(field, "use printable text", "the text holds control characters")
	case value != strings.TrimSpace(value):
		e.problem(field, "remove it", "the text begins or ends with white space")
	}
}

// oneOf checks an optional word of a closed vocabulary.
func (e entry) oneOf(field, value string, vocabulary []string) {
	if err := unknownWord(value, vocabulary); err != nil {
		e.fault(field, err.Error())
	}
}

// unknownWord is an error where a word is given that the vocabulary does not
// have.
func unknownWord(value string, vocabulary []string) error {
	if value == "" || slices.Contains(vocabulary, value) {
		return nil
	}
	return fmt.Errorf("unknown word %q%s; use one of %s", value, nearest.Suggest(value, vocabulary),
		strings.Join(vocabulary, ", "))
}

func tierOutOfRange(tier int) error {
	return fmt.Errorf("tier %d does not exist; use 1 (customers and revenue, at any hour) to 4 (best effort)", tier)
}

// whereTier says where a tier can be written, by the kind of the entry.
func whereTier(source EntrySource) string {
	const for4 = "declare 1 (customers and revenue, at any hour) to 4 (best effort) "
	const all = ", or for many services at once under catalog.defaults"
	switch source {
	case SourceBackstage:
		return for4 + `as the label tier: "2" (metadata.labels), the annotation readiness/tier: "2"` + all
	case SourcePagerDuty:
		return for4 + "as entry.tier of the rule under catalog.pagerduty, or as a group (?P<tier>[1-4]) of its name" + all
	}
	return for4 + "as tier: 2 in the entry" + all
}

func (b *builder) addTeam(i int, team Team) {
	e := entry{
		b: b, list: ListTeams, index: i, origin: team.Origin, source: team.source(), found: &Problems{},
		subject: fmt.Sprintf("team %q", team.Name),
	}
	if team.Name == "" {
		e.subject = "team without a name"
		e.problem("name", "name the team", "the name is missing")
	}
	e.word("name", team.Name)
	e.word("title", team.Title)
	e.word("org", team.Org)
	if first, dup := b.cat.teams[team.Name]; dup {
		e.because(evidence.UncountedSameName, "name", fmt.Sprintf(
			"the team is declared twice, first at %s; remove or rename one of them", first.Origin))
	}
	if e.refused() {
		return
	}
	team.Title = cmp.Or(team.Title, team.Name)
	b.cat.teams[team.Name] = team
}

var serviceName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`)

// service is the entry of a service, for its problems.
func (b *builder) service(i int, s *Service) entry {
	return entry{
		b: b, list: ListServices, index: i, origin: s.Origin, source: s.source(), found: &Problems{},
		subject: s.subject(),
	}
}

func (b *builder) addService(i int, entries []Service) {
	s := entries[i]
	b.rules.Defaults.apply(&s)
	e := b.service(i, &s)
	e.name(&s)
	if first, dup := b.names[s.Name]; dup && s.Name != "" {
		e.because(evidence.UncountedSameName, "name", fmt.Sprintf(
			"the service is declared twice, first at %s; remove or rename one of them", entries[first].Origin))
	} else if s.source() == SourceInline {
		b.names[s.Name] = i // a fault of it ends the build anyway
	}
	switch {
	case s.Tier == 0:
		e.because(evidence.UncountedNoTier, "tier", "the tier is missing; "+whereTier(s.source()))
	case s.Tier < HighestTier || s.Tier > LowestTier:
		e.fault("tier", tierOutOfRange(s.Tier).Error())
	}
	e.values(&s)
	e.references(&s, b.refs)
	if e.refused() {
		return
	}
	b.fill(&s)
	b.names[s.Name] = i
	b.cat.services = append(b.cat.services, &s)
	b.cat.byName[s.Name] = &s
}

// name checks the name. Only a component of Backstage may have its namespace in
// front.
func (e *entry) name(s *Service) {
	if s.Name == "" {
		e.subject = "service without a name"
		e.problem("name", "name the service", "the name is missing")
		return
	}
	parts := []string{s.Name}
	if s.Source == SourceBackstage {
		parts = []string{s.namespace(), s.short()}
	}
	for _, part := range parts {
		if !serviceName.MatchString(part) {
			e.problem("name",
				"use at most 100 letters, digits, dots, dashes and underscores, and begin and end with a letter or "+
					"digit", "the name cannot be used in labels and addresses")
			return
		}
	}
}

// values checks words and numbers.
func (e entry) values(s *Service) {
	for _, w := range []struct{ field, value string }{
		{"title", s.Title}, {"team", s.Team}, {"org", s.Org}, {"environment", s.Environment}, {"data_owner", s.DataOwner},
	} {
		e.word(w.field, w.value)
	}
	for _, w := range []struct{ field, value string }{{"team", s.Team}, {"data_owner", s.DataOwner}} {
		if isPerson(w.value) {
			e.problem(w.field, "name a team; a person is never a label", "this is a person")
		}
	}
	e.oneOf("runtime", s.Runtime, Runtimes[:])
	e.oneOf("exposure", s.Exposure, Exposures[:])
	e.oneOf("data_class", s.DataClass, DataClasses[:])
	// The comparison is written so that NaN fails it too.
	if s.CoverageTarget != 0 && !(s.CoverageTarget >= LowestCoverageTarget && s.CoverageTarget <= 1) {
		e.problem("coverage_target",
			fmt.Sprintf("use a ratio of %g to 1", LowestCoverageTarget), "the coverage target is out of range")
	}
	if s.RPOMinutes != 0 && !(s.RPOMinutes > 0 && s.RPOMinutes <= 525600) {
		e.problem("rpo_minutes",
			"use a number of minutes above 0 and of at most a year", "the recovery point objective is out of range")
	}
}

func (b *builder) addAliases(i int, entries []Service) {
	s, accepted := b.cat.byName[entries[i].Name]
	if first := b.names[entries[i].Name]; entries[i].source() != SourceInline && (!accepted || first != i) {
		return // it is refused
	}
	e := b.service(i, &entries[i])
	for j, alias := range entries[i].Aliases {
		field := fmt.Sprintf("aliases[%d]", j)
		if alias == "" {
			e.problem(field, "remove it", "the alias is empty")
			continue
		}
		e.word(field, alias)
		if other, ok := b.names[alias]; ok {
			if other == i {
				e.problem(field, "remove it", "the alias %q is the service's own name", alias)
			} else {
				e.problem(field,
					"remove the alias or rename the service",
					"the alias %q is the name of the service at %s", alias, entries[other].Origin)
			}
			continue
		}
		if other, ok := b.owners[alias]; ok {
			e.problem(field, "remove one of them", "the alias %q is also given at %s", alias, entries[other].Origin)
			continue
		}
		b.owners[alias] = i
		b.cat.byAlias[alias] = s
	}
	if e.refused() && e.source != SourceInline {
		b.remove(s)
	}
}

// remove takes back a service whose aliases turned out to be those of another.
func (b *builder) remove(s *Service) {
	delete(b.cat.byName, s.Name)
	i := b.names[s.Name]
	delete(b.names, s.Name)
	maps.DeleteFunc(b.owners, func(_ string, of int) bool { return of == i })
	maps.DeleteFunc(b.cat.byAlias, func(_ string, of *Service) bool { return of == s })
	b.cat.services = slices.DeleteFunc(b.cat.services, func(of *Service) bool { return of == s })
}

// fill sets the defaults of keys that the entry does not have.
func (b *builder) fill(s *Service) {
	s.Title = cmp.Or(s.Title, s.Name)
	s.Org = cmp.Or(s.Org, b.cat.teams[s.Team].Org)
	s.ExposureAssumed = s.Exposure == ""
	s.Exposure = cmp.Or(s.Exposure, DefaultExposure)
	s.CoverageTarget = cmp.Or(s.CoverageTarget, DefaultCoverageTarget)
	s.RPOMinutes = cmp.Or(s.RPOMinutes, DefaultRPOMinutes)
	if len(b.refs.PagerDuty) == 1 {
		s.PagerDuty = slices.Clone(s.PagerDuty)
		for i := range s.PagerDuty {
			s.PagerDuty[i].Account = cmp.Or(s.PagerDuty[i].Account, b.refs.PagerDuty[0])
		}
	}
	if len(b.refs.Jira) == 1 {
		s.Jira = slices.Clone(s.Jira)
		for i := range s.Jira {
			s.Jira[i].Site = cmp.Or(s.Jira[i].Site, b.refs.Jira[0])
		}
	}
}

// EffectiveDataClass is the data class that conditions of checks read:
// undeclared data counts as confidential.
func (s *Service) EffectiveDataClass() string {
	if s.DataClass == "" {
		return UndeclaredDataClass
	}
	return s.DataClass
}
