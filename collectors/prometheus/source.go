// Package prometheus observes services through the HTTP API of a Prometheus
// server, or of one that has the same API: Thanos, Mimir, VictoriaMetrics.
//
// PromQL facts are declared in data, one file for each preset; see presets/.
// Every query asks for all services at once, and its series are joined to the
// catalog by their labels, so requests grow with facts and never with
// services. Facts about alerting rules come from the rules API.
package prometheus

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

// Defaults of Options.
const (
	// DefaultConcurrency is how many queries are under way at once.
	DefaultConcurrency = 4
	// DefaultQueryTimeout is less than the time limit of a request, so that the
	// server stops a query before the client does.
	DefaultQueryTimeout = 25 * time.Second
)

// Options configure a Source.
type Options struct {
	// Name is the instance's name; its ID is prometheus/Name. Required.
	Name string
	// ReplicaOf is the name of the group of servers that scrape the same targets and
	// evaluate the same rules; empty for a server that has no replica.
	ReplicaOf string
	// URL is the address below which /api/v1 is. Required.
	URL string
	// HTTPClient sends the requests; see collectors/transport. Required.
	HTTPClient *http.Client
	// Facts are what the server is asked for; see Load. Required.
	Facts *Facts
	// PagingSeverities are the values of the label severity of alerts that page a
	// person; empty means critical and page.
	PagingSeverities []string
	// AlertLabels are the labels that, beside its name and the services that it is
	// about, tell one alert from another; nil means those of the
	// configuration.
	AlertLabels []string
	// ReplicaLabels are the labels with which replicas of the server mark their copies of
	// a series or rule; nil means those of the configuration.
	ReplicaLabels []string
	// RunbookAnnotations and SummaryAnnotations are those of which a paging rule has
	// one at least, to have a runbook and a text; empty means the configuration's
	// defaults.
	RunbookAnnotations, SummaryAnnotations []string
	// RulesURL is the address below which /api/v1/rules is, where another server
	// evaluates the rules, as with vmalert; empty means URL.
	RulesURL string
	// Parameters are sent with every request: partial_response of Thanos,
	// extra_label of VictoriaMetrics.
	Parameters map[string]string
	// Relabel changes the labels of series before they are joined to services, and
	// after the rules of the files of facts.
	Relabel []Relabel
	// Memory is how far back the server's data goes; 0 reads it from the server's
	// series `up`.
	Memory time.Duration
	// AlertHistory is how far back the first round reads when alerts fired; later
	// rounds continue from there. 0 reads nothing; see DefaultAlertHistory.
	AlertHistory time.Duration
	// Concurrency is how many queries are under way at once, by default
	// DefaultConcurrency.
	Concurrency int
	// QueryTimeout is how long the server may evaluate one query, by default
	// DefaultQueryTimeout.
	QueryTimeout time.Duration
	// Now is the clock for requests that carry no time; nil means time.Now.
	Now func() time.Time
	// Logger gets the server's remarks and the series that match no service;
	// nil discards them.
	Logger *slog.Logger
}

// Source is one Prometheus server. It implements collectors.Source and the optional
// interfaces that are listed below it.
type Source struct {
	id          string
	server      serverName
	api         *api
	ruler       *api
	relabel     *relabelling
	facts       []fact
	index       map[string]int
	rules       bool
	definitions []evidence.Definition
	// paging are the severities of alerts that page a person.
	paging []string
	// runbook and summary are the annotations of a rule that has them.
	runbook, summary []string
	// alertLabels tell alerts of one name and service apart.
	alertLabels []string
	// replicaLabels name the replica of the server that has a copy.
	replicaLabels []string
	memory        time.Duration
	// alertHistory is how far back alerts are read, 0 for not at all.
	alertHistory time.Duration
	concurrency  int
	now          func() time.Time
	log          *slog.Logger

	notices collectors.Notices
}

var (
	_ collectors.Source  = (*Source)(nil)
	_ collectors.Checker = (*Source)(nil)
	_ collectors.Planner = (*Source)(nil)

	_ collectors.AlertWatcher = (*Source)(nil)
	_ collectors.Replica      = (*Source)(nil)
)

// New makes a source. The error names every option that is wrong.
func New(o Options) (*Source, error) {
	o.RulesURL = cmp.Or(o.RulesURL, o.URL)
	o.Concurrency = cmp.Or(o.Concurrency, DefaultConcurrency)
	o.QueryTimeout = cmp.Or(o.QueryTimeout, DefaultQueryTimeout)
	if len(o.PagingSeverities) == 0 {
		o.PagingSeverities = []string{"critical", "page"}
	}
	defaults := config.DefaultPrometheus()
	if len(o.RunbookAnnotations) == 0 {
		o.RunbookAnnotations = defaults.RunbookAnnotations
	}
	if len(o.SummaryAnnotations) == 0 {
		o.SummaryAnnotations = defaults.SummaryAnnotations
	}
	if o.AlertLabels == nil {
		o.AlertLabels = defaults.AlertLabels
	}
	if o.ReplicaLabels == nil {
		o.ReplicaLabels = defaults.ReplicaLabels
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Source{
		id: "prometheus/" + o.Name, server: serverName{o.Name, o.ReplicaOf}, index: map[string]int{}, paging: o.PagingSeverities,
		runbook: o.RunbookAnnotations, summary: o.SummaryAnnotations, alertLabels: slices.Clone(o.AlertLabels),
		replicaLabels: slices.Clone(o.ReplicaLabels),
		memory:        o.Memory, alertHistory: o.AlertHistory, concurrency: o.Concurrency,
		now: o.Now, log: o.Logger.With("source", "prometheus/"+o.Name),
	}
	err := o.check()
	if err == nil {
		s.relabel, err = newRelabelling(o.Relabel)
	}
	if err == nil {
		s.api, err = newAPI(o.URL, o.HTTPClient, o.QueryTimeout, o.Parameters)
	}
	if err == nil {
		s.ruler, err = newAPI(o.RulesURL, o.HTTPClient, o.QueryTimeout, o.Parameters)
	}
	if err != nil {
		return nil, fmt.Errorf("source prometheus/%s: %w", o.Name, collectors.WithoutURL(err))
	}
	s.facts, s.rules, s.definitions = o.Facts.facts, o.Facts.rules, o.Facts.Definitions()
	for i, f := range s.facts {
		s.index[f.Name] = i
	}
	return s, nil
}

// check reports all that is wrong with the options.
func (o Options) check() error {
	var faults collectors.OptionFaults
	faults.If(o.Name == "", "the name is missing")
	faults.If(o.HTTPClient == nil, "the HTTP client is missing")
	faults.If(o.Facts == nil, "the facts are missing")
	faults.If(!transport.IsAddress(o.URL), "the URL is not an address such as https://prometheus.example.org")
	faults.If(o.RulesURL != o.URL && !transport.IsAddress(o.RulesURL),
		"the URL of the rules is not an address such as https://vmalert.example.org")
	for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
		faults.If(slices.Contains(ownParameters(), name), "the parameter %s is set by every request itself: leave it out", name)
	}
	_, err := newRelabelling(o.Relabel)
	faults.If(err != nil, "%w", err)
	faults.If(o.Concurrency < 0 || o.QueryTimeout < 0 || o.Memory < 0 || o.AlertHistory < 0,
		"concurrency, query timeout, memory and alert history must not be negative")
	return faults.Err()
}

// ID is prometheus/ and the instance's name.
func (s *Source) ID() string { return s.id }

// ReplicaOf is prometheus/ and the name of the group. It implements collectors.Replica.
func (s *Source) ReplicaOf() string {
	if s.server.group == "" {
		return ""
	}
	return "prometheus/" + s.server.group
}

// Facts lists the definitions of the configured presets and files.
func (s *Source) Facts() []evidence.Definition { return slices.Clone(s.definitions) }

// Answers reports whether the source has the fact and the catalog says how the
// service's series are found on this server.
func (s *Source) Answers(service *catalog.Service, name string) bool {
	i, ok := s.index[name]
	if !ok {
		return s.rules && slices.Contains(ruleFacts(), name) && identifiable(service, s.server)
	}
	return s.facts[i].expectedOf(service, s.server)
}

// CatalogKey names the key that the catalog entry lacks, so that the service's
// series cannot be found on this server: for a fact with several queries, the key
// for the first of them.
func (s *Source) CatalogKey(service *catalog.Service, name string) string {
	if refs, all := onServer(service, s.server); len(refs) == 0 && !all {
		return "prometheus.server: " + cmp.Or(s.server.group, s.server.name)
	}
	i, ok := s.index[name]
	if !ok {
		return keyMatchers
	}
	for _, p := range s.facts[i].providers {
		if key := p.join.lacks(service); key != "" {
			return key
		}
	}
	return ""
}

// Check asks for a constant, the cheapest call that needs a credential.
func (s *Source) Check(ctx context.Context) error {
	_, _, err := s.api.query(ctx, "vector(1)", s.now())
	return err
}
