package prometheus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

var _ collectors.Verifier = (*Source)(nil)

const (
	// selectorsPerQuery is how many matchers one query asks for.
	selectorsPerQuery = 10
	// queriesPerKey bounds the queries that look for the values of one key.
	queriesPerKey = 6
)

// Verify asks for a series of every matcher and of every key of the catalog by
// which series are found. One query asks for many: the targets first, then the
// matchers that no target has, and some queries of the configured facts for each
// kind of key. See collectors.Verifier.
func (s *Source) Verify(ctx context.Context, services []*catalog.Service) []collectors.Verified {
	var all []collectors.Verified
	if v, asked := s.verifyMatchers(ctx, services); asked {
		if all = append(all, v); endsRound(ctx, v.Err) {
			return all
		}
	}
	queries := queriesByKey(s.facts)
	for _, what := range slices.Sorted(maps.Keys(queries)) {
		v, asked := s.verifyKeys(ctx, services, what, queries[what])
		if asked {
			all = append(all, v)
		}
		if endsRound(ctx, v.Err) {
			break
		}
	}
	return all
}

// matchers is what one entry of the catalog selects series by.
type matchers struct {
	// names are sorted, and values in their order.
	names, values []string
	cluster       string
}

func (m matchers) String() string {
	var parts []string
	for i, name := range m.names {
		parts = append(parts, name+"="+m.values[i])
	}
	if m.cluster != "" {
		parts = append(parts, "cluster="+m.cluster)
	}
	return strings.Join(parts, " ")
}

// in reports whether a series, as its labels are after relabelling, has them.
func (m matchers) in(series model.Metric) bool {
	cluster := label(series, "cluster")
	if m.cluster != "" && cluster != "" && cluster != m.cluster {
		return false
	}
	for i, name := range m.names {
		if label(series, name) != m.values[i] {
			return false
		}
	}
	return true
}

// wantedMatchers are the distinct matchers of services on this server, by their text,
// the services that have them, and those of these that name no server for them.
func (s *Source) wantedMatchers(
	services []*catalog.Service,
) (wanted map[string]matchers, users, anywhere collectors.NameUsers) {
	wanted, users, anywhere = map[string]matchers{}, collectors.NameUsers{}, collectors.NameUsers{}
	for _, service := range services {
		refs, _ := onServer(service, s.server)
		for _, ref := range refs {
			if len(ref.Matchers) == 0 {
				continue
			}
			m := matchers{names: slices.Sorted(maps.Keys(ref.Matchers)), cluster: ref.Cluster}
			for _, name := range m.names {
				m.values = append(m.values, ref.Matchers[name])
			}
			wanted[m.String()] = m
			users.Add(m.String(), service.Name)
			if ref.Server == "" {
				anywhere.Add(m.String(), service.Name)
			}
		}
	}
	return wanted, users, anywhere
}

// verifyMatchers looks for a series of every matcher. asked is false when there are
// none.
func (s *Source) verifyMatchers(ctx context.Context, services []*catalog.Service) (v collectors.Verified, asked bool) {
	const what = keyMatchers
	wanted, users, anywhere := s.wantedMatchers(services)
	if len(wanted) == 0 {
		return v, false
	}
	failed := func(err error) (collectors.Verified, bool) { return collectors.Verified{What: what, Err: err}, true }
	missing := maps.Clone(wanted)
	if err := s.strike(ctx, "up", missing); err != nil {
		return failed(err)
	}
	// Labels that relabelling sets cannot be asked for.
	var unasked []string
	var rest []matchers
	for _, text := range slices.Sorted(maps.Keys(missing)) {
		m := missing[text]
		if slices.ContainsFunc(m.names, func(name string) bool { return slices.Contains(s.relabel.targets(), name) }) {
			unasked = append(unasked, text)
			delete(missing, text)
			continue
		}
		rest = append(rest, m)
	}
	for part := range slices.Chunk(rest, selectorsPerQuery) {
		if err := s.strike(ctx, selecting(part), missing); err != nil {
			return failed(err)
		}
	}
	suggest, err := s.suggestMatchers(ctx, missing)
	if err != nil {
		return failed(err)
	}
	v = users.LookUp(what, "the server has no series with these labels",
		func(text string) bool { _, absent := missing[text]; return !absent }, suggest)
	v.FoundAnywhere(anywhere)
	if len(unasked) > 0 {
		v.Partly = true
		v.Found -= len(unasked)
		v.Note = fmt.Sprintf("no target has %s, and relabel sets a label of them, so that the server cannot be asked",
			evidence.Clean(strings.Join(unasked, ", "), 300))
	}
	return v, true
}

// strike removes from missing the matchers that a series of the query has.
func (s *Source) strike(ctx context.Context, query string, missing map[string]matchers) error {
	vector, _, err := s.api.query(ctx, query, s.now())
	if err != nil {
		return collectors.About(err, keyMatchers)
	}
	// Matchers on the same labels share a table, so that the work grows with the
	// series and not with series times services.
	tables := map[string][]string{}
	for _, m := range missing {
		tables[strings.Join(m.names, separator)] = m.names
	}
	for _, names := range tables {
		series := map[string][]model.Metric{}
		for _, sample := range vector {
			labels, keep := s.relabel.apply(sample.Metric)
			if !keep {
				continue
			}
			key := strings.Join(valuesOf(labels, names), separator)
			series[key] = append(series[key], labels)
		}
		for text, m := range missing {
			if slices.Equal(m.names, names) && slices.ContainsFunc(series[strings.Join(m.values, separator)], m.in) {
				delete(missing, text)
			}
		}
	}
	return nil
}

func valuesOf(m model.Metric, names []string) []string {
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = label(m, name)
	}
	return values
}

// selecting is a query for series of any of the matchers. A label of the exporter
// may have the prefix that a scrape adds.
func selecting(list []matchers) string {
	var parts []string
	for _, m := range list {
		var by, plain, prefixed []string
		for i, name := range m.names {
			by = append(by, labelName(name), labelName(exported+name))
			plain = append(plain, fmt.Sprintf("%s=%q", labelName(name), m.values[i]))
			prefixed = append(prefixed, fmt.Sprintf("%s=%q", labelName(exported+name), m.values[i]))
		}
		group := "group by (cluster, " + strings.Join(by, ", ") + ") "
		parts = append(parts, group+"({"+strings.Join(plain, ",")+"})", group+"({"+strings.Join(prefixed, ",")+"})")
	}
	return strings.Join(parts, " or ")
}

// labelName is the name as PromQL takes it: one with signs is quoted.
func labelName(name string) string {
	if model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	return fmt.Sprintf("%q", name)
}

// suggestMatchers asks for the values of the labels of missing matchers, and says
// for a missing matcher which of its values does not exist, with the nearest one.
func (s *Source) suggestMatchers(ctx context.Context, missing map[string]matchers) (func(string) string, error) {
	values := map[string][]string{}
	for _, text := range slices.Sorted(maps.Keys(missing)) {
		for _, name := range missing[text].names {
			if _, known := values[name]; known {
				continue
			}
			found, _, err := s.labelValues(ctx, name)
			if err != nil {
				return nil, collectors.About(err, keyMatchers)
			}
			values[name] = found
		}
	}
	return func(text string) string {
		m := missing[text]
		for i, name := range m.names {
			if !slices.Contains(values[name], m.values[i]) {
				return fmt.Sprintf(": no series has %s=%q%s", name, m.values[i],
					collectors.Nearest(values[name])(m.values[i]))
			}
		}
		return ""
	}, nil
}

// queriesByKey are, by the keys of the catalog by which their series are found, the
// queries that do not leave out series by their values. Witnesses come first: they
// show that an exporter watches something, whatever it says of it.
func queriesByKey(facts []fact) map[string][]query {
	witnesses, providers := map[string][]query{}, map[string][]query{}
	add := func(list map[string][]query, q query) {
		what := q.join.keyNames()
		if what != "" && !slices.Contains(list[what], q) && !filters(q.text) {
			list[what] = append(list[what], q)
		}
	}
	for _, f := range facts {
		if f.absent != nil {
			add(witnesses, f.absent.witness.query)
		}
		for _, p := range f.providers {
			add(providers, p.query)
		}
	}
	for what, list := range providers {
		for _, q := range list {
			if !slices.Contains(witnesses[what], q) {
				witnesses[what] = append(witnesses[what], q)
			}
		}
	}
	return witnesses
}

// filters reports whether a query leaves out series by their values, so that a key
// without a series may exist.
func filters(text string) bool {
	e, err := parseQuery(text)
	if err != nil {
		return true // it was parsed when it was loaded
	}
	found := false
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.BinaryExpr:
			found = found || node.Op.IsComparisonOperator() && !node.ReturnBool || node.Op == parser.LUNLESS
		case *parser.AggregateExpr:
			found = found || node.Op == parser.TOPK || node.Op == parser.BOTTOMK
		}
		return nil
	})
	return found
}

// The keys of what Kubernetes lists completely, so that one without a series does not
// exist. What other exporters do not know may only not be measured yet.
const (
	keyNamespace = "kubernetes.namespace"
	keyWorkload  = "kubernetes.namespace/kubernetes.workload"
)

// verifyKeys looks for a series of every value that the catalog has for the keys that
// what names, with the queries whose series have them. asked is false when there is
// none.
func (s *Source) verifyKeys(
	ctx context.Context, services []*catalog.Service, what string, queries []query,
) (v collectors.Verified, asked bool) {
	users, anywhere := collectors.NameUsers{}, collectors.NameUsers{}
	for _, service := range services {
		if join := queries[0].join; expected(service, s.server, join) {
			for _, key := range join.known(service) {
				users.Add(key, service.Name)
				if !namesServer(service, s.server) {
					anywhere.Add(key, service.Name)
				}
			}
		}
	}
	if len(users) == 0 {
		return v, false
	}
	seen, err := s.seeAll(ctx, what, queries, users)
	switch {
	case err != nil:
		return collectors.Verified{What: what, Err: err}, true
	case len(seen) == 0:
		return collectors.Verified{What: what, Note: "nothing could be looked up: the server has no series of the " +
			"exporters that know them"}, true
	}
	v = users.LookUp(what, "the server has such series, and none of this name", func(key string) bool { return seen[key] },
		collectors.Nearest(slices.Sorted(maps.Keys(seen))))
	v.FoundAnywhere(anywhere)
	v.Unsure = what != keyNamespace && what != keyWorkload
	return v, true
}

// namesServer reports whether an entry of the service names the server.
func namesServer(service *catalog.Service, server serverName) bool {
	return slices.ContainsFunc(service.Prometheus, func(ref catalog.PrometheusRef) bool {
		return ref.Server != "" && server.is(ref.Server)
	})
}

// seeAll collects what the series of the queries may be named, until every name that
// is used was seen.
func (s *Source) seeAll(
	ctx context.Context, what string, queries []query, users collectors.NameUsers,
) (map[string]bool, error) {
	seen := map[string]bool{}
	lacks := func() bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(users)), func(key string) bool { return !seen[key] })
	}
	if what == keyNamespace {
		values, _, err := s.labelValues(ctx, labelNamespace)
		for _, value := range values {
			seen[value] = true
		}
		return seen, err
	}
	var failed []error
	for _, q := range queries[:min(len(queries), queriesPerKey)] {
		if !lacks() {
			break
		}
		if err := s.seeKeys(ctx, q, seen); err != nil {
			failed = append(failed, collectors.About(err, what))
		}
	}
	if lacks() {
		return seen, errors.Join(failed...)
	}
	return seen, nil
}

// keyNames are the keys of the catalog entry that make a key of the join.
func (j *join) keyNames() string {
	names := make([]string, len(j.entry))
	for i, r := range j.entry {
		names[i] = r.key
	}
	return strings.Join(names, "/")
}

// seeKeys adds the keys that the series of a query may have.
func (s *Source) seeKeys(ctx context.Context, q query, seen map[string]bool) error {
	vector, _, err := s.api.query(ctx, q.text, s.now())
	if err != nil {
		return err
	}
	for _, sample := range vector {
		labels, keep := q.relabel.apply(sample.Metric)
		if keep {
			labels, keep = s.relabel.apply(labels)
		}
		if !keep {
			continue
		}
		for _, key := range q.join.candidates(labels) {
			seen[key] = true
		}
	}
	return nil
}
