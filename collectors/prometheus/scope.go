package prometheus

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/catalog"
)

// scope is the catalog as one server can see it in one round.
type scope struct {
	services []*catalog.Service
	// here reports for each service whether the server may watch it, as the catalog
	// says.
	here []bool
	// parts are the answers expected: one for each service, or one for each
	// cluster of it where the catalog names several.
	parts []part
	// partsOf are the indexes of the parts of each service, by its name.
	partsOf map[string][]int
	// lookups are the indexes of series keys, by join.
	lookups map[string]lookup
	// names are the names of all services. They are made when the first series of no
	// service comes.
	names func() map[string]bool
}

// isName reports whether a service has the plain name.
func (s *scope) isName(name string) bool { return s.names()[name] }

// part is one answer that is expected for a service.
type part struct {
	service int
	// cluster is the value of the cluster label, where series have one; empty for
	// any cluster.
	cluster string
	refs    []catalog.PrometheusRef
}

// lookup finds the parts that a series is about, and those that one of no service may
// be about.
type lookup interface {
	find(m model.Metric) []int
	mayBelong(m model.Metric) []int
}

// serverName is how catalog entries refer to a server: by its name, or by that of the
// group of replicas that it is in, which is empty for none.
type serverName struct{ name, group string }

// is reports whether an entry names the server. An entry without a name means every
// server.
func (s serverName) is(name string) bool { return name == "" || name == s.name || name == s.group }

// onServer are the service's entries for a server. all is true when the
// catalog does not say where the service is to be found.
func onServer(s *catalog.Service, server serverName) (refs []catalog.PrometheusRef, all bool) {
	for _, ref := range s.Prometheus {
		if server.is(ref.Server) {
			refs = append(refs, ref)
		}
	}
	return refs, len(s.Prometheus) == 0
}

// expected reports whether a server is expected to have series of the service
// by this join.
func expected(s *catalog.Service, server serverName, j *join) bool {
	refs, all := onServer(s, server)
	switch {
	case j.byMatchers():
		return len(refs) > 0
	case !j.everywhere && len(refs) == 0 && !all:
		return false
	}
	return len(j.known(s)) > 0
}

func newScope(services []*catalog.Service, server serverName, used []*join) *scope {
	s := &scope{services: services, here: make([]bool, len(services)), partsOf: map[string][]int{},
		lookups: map[string]lookup{},
		names:   sync.OnceValue(func() map[string]bool { return plainNamesOf(services) })}
	for i, service := range services {
		refs, all := onServer(service, server)
		s.here[i] = all || len(refs) > 0
		for _, cluster := range clusters(refs) {
			p := part{service: i, cluster: cluster}
			for _, ref := range refs {
				if cluster == "" || ref.Cluster == cluster {
					p.refs = append(p.refs, ref)
				}
			}
			s.partsOf[service.Name] = append(s.partsOf[service.Name], len(s.parts))
			s.parts = append(s.parts, p)
		}
	}
	for _, j := range used {
		if j.byMatchers() {
			s.lookups[j.name] = newMatcherIndex(s)
		} else {
			s.lookups[j.name] = newKeyIndex(s, j)
		}
	}
	return s
}

// clusters are the distinct clusters of the entries, or one empty name when an
// entry has none.
func clusters(refs []catalog.PrometheusRef) []string {
	var names []string
	for _, ref := range refs {
		if !slices.Contains(names, ref.Cluster) {
			names = append(names, ref.Cluster)
		}
	}
	if len(names) == 0 || slices.Contains(names, "") {
		return []string{""}
	}
	return names
}

// keyIndex finds parts by a key made of labels.
type keyIndex struct {
	join  *join
	parts map[string][]int
	scope *scope
	// byClue are the parts by what a series may have in common with their services. It is
	// made when the first series of no service comes.
	byClue func() *clueIndex[int]
}

func newKeyIndex(s *scope, j *join) *keyIndex {
	x := &keyIndex{join: j, parts: map[string][]int{}, scope: s}
	x.byClue = sync.OnceValue(x.partsByClue)
	for i, p := range s.parts {
		if !j.everywhere && !s.here[p.service] {
			continue
		}
		for _, key := range j.known(s.services[p.service]) {
			if at := x.parts[key]; len(at) == 0 || at[len(at)-1] != i {
				x.parts[key] = append(at, i)
			}
		}
	}
	return x
}

func (x *keyIndex) find(m model.Metric) []int {
	for _, key := range x.join.candidates(m) {
		if found := x.parts[key]; len(found) > 0 {
			return x.inCluster(found, m)
		}
	}
	return nil
}

// inCluster are the parts whose cluster is that of a series.
func (x *keyIndex) inCluster(found []int, m model.Metric) []int {
	var agreed []int
	for _, i := range found {
		if x.isInCluster(i, m) {
			agreed = append(agreed, i)
		}
	}
	return agreed
}

// isInCluster reports whether the cluster of a series may be that of a part.
func (x *keyIndex) isInCluster(part int, m model.Metric) bool {
	cluster, own := label(m, "cluster"), x.scope.parts[part].cluster
	return x.join.everywhere || cluster == "" || own == "" || own == cluster
}

// matcherIndex finds parts by the label matchers of the catalog. Services that
// match on the same labels share a table.
type matcherIndex struct {
	tables []matcherTable
	scope  *scope
	byClue func() matcherClues
}

type matcherTable struct {
	labels []string
	rows   map[string][]matcherRow
}

type matcherRow struct {
	part    int
	cluster string
}

func newMatcherIndex(s *scope) *matcherIndex {
	x := &matcherIndex{scope: s}
	x.byClue = sync.OnceValue(x.cluesOfMatchers)
	at := map[string]int{}
	for i, p := range s.parts {
		for _, ref := range p.refs {
			if len(ref.Matchers) == 0 {
				continue
			}
			names := slices.Sorted(maps.Keys(ref.Matchers))
			values := make([]string, len(names))
			for n, name := range names {
				values[n] = ref.Matchers[name]
			}
			signature := strings.Join(names, separator)
			t, ok := at[signature]
			if !ok {
				t = len(x.tables)
				at[signature] = t
				x.tables = append(x.tables, matcherTable{labels: names, rows: map[string][]matcherRow{}})
			}
			key := strings.Join(values, separator)
			x.tables[t].rows[key] = append(x.tables[t].rows[key], matcherRow{part: i, cluster: ref.Cluster})
		}
	}
	return x
}

// separator is in no label value, since the API's answers are valid UTF-8.
const separator = "\xff"

func (x *matcherIndex) find(m model.Metric) []int {
	var found []int
	cluster := label(m, "cluster")
	for _, t := range x.tables {
		values := make([]string, len(t.labels))
		for i, name := range t.labels {
			values[i] = label(m, name)
		}
		for _, row := range t.rows[strings.Join(values, separator)] {
			if (row.cluster == "" || cluster == "" || row.cluster == cluster) && !slices.Contains(found, row.part) {
				found = append(found, row.part)
			}
		}
	}
	return found
}
