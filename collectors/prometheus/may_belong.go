package prometheus

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/nearest"
)

// A series that no key of the catalog names may still be of a service: a probe of the
// service's host under another path, a job that has got a suffix. Such a series and
// the service have a clue in common. If no series is matched to the service, it is
// unknown whether it has one.

// clues say what a series and the services that it may belong to have in common. A join
// without clues has keys that are exact: what they do not name is of others.
type clues struct {
	// ofSeries are the clues of a series, the most telling first. keys are the possible
	// keys of the series.
	ofSeries func(m model.Metric, keys []string) []string
	// ofService are the clues of a service with the key.
	ofService func(s *catalog.Service, key string) []string
}

// byName is for keys that are names which people write in several ways.
func byName() *clues {
	return &clues{
		ofSeries:  func(_ model.Metric, keys []string) []string { return nameCluesOfSeries(keys...) },
		ofService: func(_ *catalog.Service, key string) []string { return nameCluesOfService(key) },
	}
}

// byNamespace is for keys with a name that need not be the workload's.
func byNamespace() *clues {
	return &clues{
		ofSeries:  func(m model.Metric, _ []string) []string { return clue("namespace", firstLabel(m, namespaceLabels)) },
		ofService: func(s *catalog.Service, _ string) []string { return clue("namespace", namespaceOf(s)) },
	}
}

// byWorkload is for series that lack the namespace of the key, and for keys that are
// written wrong.
func byWorkload() *clues {
	return &clues{
		ofSeries: func(m model.Metric, keys []string) (list []string) {
			if firstLabel(m, namespaceLabels) == "" {
				return clue("workload", firstLabel(m, workloadLabels))
			}
			for _, key := range keys {
				list = append(list, clue(slipOf, key)...)
			}
			return list
		},
		ofService: func(s *catalog.Service, key string) []string {
			return append(clue("workload", s.Kubernetes.Workload), clue(named, key)...)
		},
	}
}

// byHost is for addresses: one with another scheme, port or path has the same host.
func byHost() *clues {
	return &clues{
		ofSeries: func(_ model.Metric, keys []string) (list []string) {
			for _, key := range keys {
				list = append(list, clue("host", host(key))...)
			}
			return list
		},
		ofService: func(_ *catalog.Service, key string) []string { return clue("host", host(key)) },
	}
}

// byObjective is for objectives: by a name, or else by the namespace or the team that
// the objective is in.
func byObjective() *clues {
	return &clues{
		ofSeries: func(m model.Metric, keys []string) []string {
			return objectiveClues(keys, firstLabel(m, namespaceLabels), firstLabel(m, teamLabels))
		},
		ofService: func(s *catalog.Service, key string) []string {
			list := append(nameCluesOfService(key), clue("namespace", namespaceOf(s))...)
			for _, name := range serviceNames(s) {
				list = append(list, nameCluesOfService(name)...)
			}
			return append(list, clue("team", s.Team)...)
		},
	}
}

// teamLabels are the labels with which people say whose an objective is.
var teamLabels = []string{"team", "owner"}

func objectiveClues(names []string, namespace, team string) []string {
	list := append(nameCluesOfSeries(names...), clue("namespace", namespace)...)
	return append(list, clue("team", team)...)
}

// Kinds of clues. A series with a slip of a name has a clue in common with the services
// of that name.
const (
	named  = "name"
	slipOf = "slip of"
)

func clue(kind, value string) []string {
	if value == "" {
		return nil
	}
	return []string{kind + " " + value}
}

// nameCluesOfSeries are the clues of names that a series has: the names without
// regard to case, then without one suffix after another. Then comes what only a longer
// name of a service begins with, and last a name that is written wrong.
func nameCluesOfSeries(names ...string) (list []string) {
	var whole, slips []string
	for _, name := range names {
		name = plainName(name)
		list = append(list, clue(named, name)...)
		whole = append(whole, clue("begins", name)...)
		slips = append(slips, clue(slipOf, name)...)
	}
	for _, name := range names {
		for name = withoutSuffix(plainName(name)); name != ""; name = withoutSuffix(name) {
			list = append(list, clue(named, name)...)
		}
	}
	return slices.Concat(list, whole, slips)
}

// nameCluesOfService are the clues of a name in the catalog.
func nameCluesOfService(name string) []string {
	name = plainName(name)
	return append(clue(named, name), clue("begins", withoutSuffix(name))...)
}

// plainName is a name without the path before it, in one way of writing.
func plainName(name string) string {
	return strings.NewReplacer("_", "-", ".", "-", ":", "-").Replace(
		strings.ToLower(name[strings.LastIndexByte(name, '/')+1:]))
}

// withoutSuffix is a plain name without its last part, or "".
func withoutSuffix(name string) string { return name[:max(strings.LastIndexByte(name, '-'), 0)] }

// host is the host of an address, which may lack its scheme.
func host(address string) string {
	if !strings.Contains(address, "//") {
		address = "//" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// clueIndex finds by clues what has them.
type clueIndex[T comparable] struct {
	byClue map[string][]T
	// names are those of the index. isName reports whether the catalog has a name: such a
	// name is a slip of no other.
	names  nearest.Names
	isName func(name string) bool
}

func newClueIndex[T comparable](s *scope) *clueIndex[T] {
	return &clueIndex[T]{byClue: map[string][]T{}, isName: s.isName}
}

// add notes that something has the clues. It is called once for each.
func (x *clueIndex[T]) add(one T, clues []string) {
	slices.Sort(clues)
	for _, clue := range slices.Compact(clues) {
		x.byClue[clue] = append(x.byClue[clue], one)
		if name, ok := strings.CutPrefix(clue, named+" "); ok {
			x.names.Add(name)
		}
	}
}

// first are those that have the first clue which any has that may be meant.
func (x *clueIndex[T]) first(clues []string, mayBe func(T) bool) []T {
	for _, clue := range clues {
		var found []T
		for _, one := range x.find(clue) {
			if mayBe(one) {
				found = append(found, one)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// find are those that have a clue, or a name of which it is a slip.
func (x *clueIndex[T]) find(text string) (found []T) {
	name, isSlip := strings.CutPrefix(text, slipOf+" ")
	if !isSlip {
		return x.byClue[text]
	}
	if x.isName(name) {
		return nil
	}
	for _, meant := range x.names.SlipOf(name) {
		for _, one := range x.byClue[named+" "+meant] {
			if !slices.Contains(found, one) {
				found = append(found, one)
			}
		}
	}
	return found
}

// plainNamesOf are the names of services, each in one way of writing.
func plainNamesOf(services []*catalog.Service) map[string]bool {
	names := map[string]bool{}
	for _, s := range services {
		for _, name := range serviceNames(s) {
			names[plainName(name)] = true
		}
	}
	return names
}

// mayBelong are the parts of services that a series may belong to, although none of its
// keys is in the catalog.
func (x *keyIndex) mayBelong(m model.Metric) []int {
	if x.join.clues == nil {
		return nil
	}
	clues := x.join.clues.ofSeries(m, x.join.candidates(m))
	return x.byClue().first(clues, func(part int) bool { return x.isInCluster(part, m) })
}

// partsByClue are the parts with each clue.
func (x *keyIndex) partsByClue() *clueIndex[int] {
	byClue := newClueIndex[int](x.scope)
	ofPart := make([][]string, len(x.scope.parts))
	for key, parts := range x.parts {
		for _, i := range parts {
			ofPart[i] = append(ofPart[i], x.join.clues.ofService(x.scope.services[x.scope.parts[i].service], key)...)
		}
	}
	for i, clues := range ofPart {
		byClue.add(i, clues)
	}
	return byClue
}

// scopeLabels say where a service runs. Services have them in common, and they are
// spelled in one way.
var scopeLabels = []string{"cluster", labelNamespace, "environment", "env"}

// mayBelong are the parts that a series may belong to, although it has not all labels
// that the catalog matches on: one is lacking, or is a name written in another way.
// None may contradict.
func (x *matcherIndex) mayBelong(m model.Metric) []int {
	var found []int
	byClue := x.byClue()
	named := false
	for _, name := range byClue.labels {
		isScope := slices.Contains(scopeLabels, name)
		if isScope && named {
			break // its name is like none here, so that it is of others, wherever they run
		}
		named = named || !isScope && label(m, name) != ""
		mayBe := func(row *clueRow) bool { return !slices.Contains(found, row.part) && row.allows(m) }
		for _, row := range byClue.rows[name].first(matcherCluesOfSeries(name, label(m, name)), mayBe) {
			if !slices.Contains(found, row.part) {
				found = append(found, row.part)
			}
		}
	}
	return found
}

// matcherClues are the matchers of the catalog by label and clue.
type matcherClues struct {
	labels []string
	rows   map[string]*clueIndex[*clueRow]
}

// cluesOfMatchers are the matchers of all parts. Labels with names come before those
// that say where a service runs.
func (x *matcherIndex) cluesOfMatchers() matcherClues {
	out := matcherClues{rows: map[string]*clueIndex[*clueRow]{}}
	for i, p := range x.scope.parts {
		for _, ref := range p.refs {
			row := &clueRow{i, ref}
			for name, value := range ref.Matchers {
				if out.rows[name] == nil {
					out.rows[name] = newClueIndex[*clueRow](x.scope)
					out.labels = append(out.labels, name)
				}
				out.rows[name].add(row, matcherCluesOfService(name, value))
			}
		}
	}
	slices.SortFunc(out.labels, func(a, b string) int {
		if scope := slices.Contains(scopeLabels, a); scope != slices.Contains(scopeLabels, b) {
			if scope {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	return out
}

// clueRow is an entry of the catalog for a part.
type clueRow struct {
	part int
	ref  catalog.PrometheusRef
}

// allows reports whether no label of a series contradicts the matchers.
func (r clueRow) allows(m model.Metric) bool {
	if cluster := label(m, "cluster"); cluster != "" && r.ref.Cluster != "" && cluster != r.ref.Cluster {
		return false
	}
	names := 0
	for name, value := range r.ref.Matchers {
		seen := label(m, name)
		if !slices.Contains(scopeLabels, name) {
			if names++; seen == "" {
				continue
			}
			if !isNameLike(seen, value) {
				return false
			}
			continue
		}
		if seen != "" && seen != value {
			return false
		}
	}
	return names > 0
}

// isNameLike reports whether the name that a series has may be that of a service.
func isNameLike(seen, known string) bool {
	mine := nameCluesOfService(known)
	return nearest.IsSlip(plainName(seen), plainName(known)) || slices.ContainsFunc(nameCluesOfSeries(seen),
		func(clue string) bool { return slices.Contains(mine, clue) })
}

func matcherCluesOfSeries(label, value string) []string {
	if slices.Contains(scopeLabels, label) {
		return clue("is", value)
	}
	return nameCluesOfSeries(given(value)...)
}

func matcherCluesOfService(label, value string) []string {
	if slices.Contains(scopeLabels, label) {
		return clue("is", value)
	}
	return nameCluesOfService(value)
}

// addClues notes what a rule may have in common with a service.
func (s *identities) addClues(i int, id identity, team string) {
	list := append(clue("team", team), clue("namespace", strings.Join(id[labelNamespace], " "))...)
	for name, values := range id {
		if !slices.Contains(scopeLabels, name) && !slices.Contains(objectiveLabels, name) {
			for _, value := range values {
				list = append(list, nameCluesOfService(value)...)
			}
		}
	}
	s.byClue.add(i, list)
}

// mayCover are the services that a rule may be about which names none of the catalog: by
// a name that is written in another way, and of an objective by its namespace or team,
// too. No label may say that it runs elsewhere.
func (s *identities) mayCover(rule ruleRecord, text ruleText) []int {
	return s.mayBelong(rule.names(text))
}

// mayBelong are the services that something may be about which has these labels.
func (s *identities) mayBelong(says map[string]string) []int {
	var names, objectives []string
	for _, name := range identityLabels() {
		switch {
		case slices.Contains(objectiveLabels, name):
			objectives = append(objectives, given(says[name])...)
		case name == labelNamespace:
		case len(s.byLabel[name][says[name]]) > 0:
			return nil // it names a service, and something else says that it is not about that
		default:
			names = append(names, given(says[name])...)
		}
	}
	clues := nameCluesOfSeries(names...)
	if len(objectives) > 0 {
		clues = objectiveClues(append(names, objectives...), says[labelNamespace], cmp.Or(says["team"], says["owner"]))
	}
	isHere := func(i int) bool {
		return !slices.ContainsFunc(scopeLabels, func(name string) bool {
			known, value := s.of[i][name], says[name]
			return value != "" && len(known) > 0 && !slices.Contains(known, value)
		})
	}
	return s.byClue.first(clues, isHere)
}

// names are the labels with their values that a rule and the selectors of its expression
// name. Templates have no value yet.
func (r *ruleRecord) names(text ruleText) map[string]string {
	found := map[string]string{}
	for _, v := range text.selectors {
		for _, m := range v.LabelMatchers {
			if m.Type == labels.MatchEqual && !isExporterLabel(v, m) {
				found[m.Name] = m.Value
			}
		}
	}
	for name, value := range r.Labels {
		if !strings.Contains(value, "{{") {
			found[name] = value
		}
	}
	return found
}
