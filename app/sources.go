package app

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// kind is one kind of source. Its name begins the ids of its sources and is their
// key under sources: in the configuration.
type kind struct {
	name string
	// declare adds the facts that the kind can give, configured or not.
	declare func(*config.Valid, declarations) error
	// instances makes the configured sources.
	instances func(*config.Valid, sourceDeps) ([]instance, error)
}

// kinds lists every kind of source there is. A new one is a file like
// source_pagerduty.go and a line here. Files come first: what they hold is
// declared in the configuration, and the other kinds know facts that nothing
// asks for.
func kinds() []kind {
	return []kind{fileKind(), pagerdutyKind(), jiraKind(), prometheusKind()}
}

// instance is one configured source with its schedule.
type instance struct {
	source   collectors.Source
	schedule cron.Schedule
	timeout  time.Duration
	// inputs are all that the instance was made of. One that would be made of the same
	// is not made again by a reload.
	inputs any
	// version changes with the entry of the configuration, without its secrets, and the
	// facts. It is the same in other processes.
	version string
}

// sourceDeps is what sources are made with.
type sourceDeps struct {
	options Options
	// observe measures requests; nil measures none.
	observe func(transport.Observation)
	// circuit is called when the circuit breaker of a source opens and closes; it
	// may be nil.
	circuit func(source string, open bool)
	// previous are the instances in force: one that would be made of the same inputs is
	// used again, with what it remembers and with its limits of requests.
	previous []instance
	// attestations are those that the framework's proofs read.
	attestations []framework.Attestation
	// checks are the ids of the framework's checks, and maxExemption is how long an
	// exemption from one may last.
	checks       []string
	maxExemption time.Duration
}

// instances makes a source of each entry of the configuration. rounds reads from
// an entry when its rounds start and how long one may take. source also returns what
// it has made the source of beside the entry.
func instances[E any](
	entries []E, rounds func(E) (schedule string, timeout config.Duration),
	source func(E) (made collectors.Source, inputs []any, err error),
) ([]instance, error) {
	var out []instance
	for _, entry := range entries {
		s, inputs, err := source(entry)
		if err != nil {
			return nil, err
		}
		spec, timeout := rounds(entry)
		when, err := config.ParseSchedule(spec)
		if err != nil {
			return nil, fmt.Errorf("schedule %q of %s: %w", spec, s.ID(), err)
		}
		settings, err := yaml.Marshal(entry) // without secrets
		if err != nil {
			return nil, fmt.Errorf("the configuration of %s: %w", s.ID(), err)
		}
		version, err := hashOf(settings, s.Facts())
		if err != nil {
			return nil, err
		}
		out = append(out, instance{
			source: s, schedule: when, timeout: time.Duration(timeout), inputs: append([]any{entry}, inputs...),
			version: version,
		})
	}
	return out, nil
}

// httpClient makes the client of a source, whose requests are measured.
func (d sourceDeps) httpClient(c transport.Config) (*http.Client, error) {
	c.Observe = d.observe
	if d.circuit != nil {
		c.Circuit = func(open bool) { d.circuit(c.Source, open) }
	}
	return transport.New(c)
}

// reused is the previous instance of the same inputs, or the new one.
func (d sourceDeps) reused(made instance) instance {
	for _, p := range d.previous {
		if p.source.ID() == made.source.ID() && reflect.DeepEqual(p.inputs, made.inputs) {
			return p
		}
	}
	return made
}

// declarations are the facts that sources declare, by name.
type declarations map[string]declaration

// declaration is a fact, and the source or kind of source that declared it
// first: jira/main.
type declaration struct {
	evidence.Definition
	owner string
}

// add adds the facts of one source. Two sources of one kind may answer one fact
// with different queries, which are then all part of its definition. Two shapes
// of one name, or two definitions of different kinds of source, are an error:
// records would be read with the wrong unit, or mean two things.
func (d declarations) add(owner string, facts []evidence.Definition) error {
	for _, f := range facts {
		known, declared := d[f.Name]
		switch {
		case !declared:
			known = declaration{f, owner}
		case known.Shape() != f.Shape() || kindOf(known.owner) != kindOf(owner) && known.Hash() != f.Hash():
			return fmt.Errorf("facts of %s: %s is declared by %s with another type, unit, window or query; "+
				"give one of them another name",
				owner, f.Name, known.owner)
		case known.Query == "":
			known.Query = f.Query
		case f.Query != "" && !slices.Contains(strings.Split(known.Query, otherSource), f.Query):
			queries := append(strings.Split(known.Query, otherSource), f.Query)
			slices.Sort(queries)
			known.Query = strings.Join(queries, otherSource)
		}
		d[f.Name] = known
	}
	return nil
}

// addEmbedded adds those facts of a kind of source that no configured source of
// it has, so that a framework may ask for them: their checks are not measurable.
// A fact that another kind gives is left to it, since nothing asks for it here.
func (d declarations) addEmbedded(kind string, facts []evidence.Definition) error {
	return d.add(kind, slices.DeleteFunc(slices.Clone(facts), func(f evidence.Definition) bool {
		known, declared := d[f.Name]
		return declared && (kindOf(known.owner) == kind || known.Shape() == f.Shape())
	}))
}

// kindOf is the kind of a source: jira of jira/main.
func kindOf(source string) string {
	kind, _, _ := strings.Cut(source, "/")
	return kind
}

// otherSource separates the queries of different sources in a definition.
const otherSource = "\nOTHER SOURCE\n"
