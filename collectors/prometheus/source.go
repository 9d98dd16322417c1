// Package prometheus observes services through the HTTP API of a Prometheus
// server, or of what speaks like one: Thanos, Mimir, VictoriaMetrics.
//
// PromQL facts are declared in data, one file for each preset; see presets/.
// Every query asks for all services at once, and its series are joined to the
// catalog by their labels, so requests grow with facts and never with
// services. Facts about alerting rules come from the rules API.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Defaults of Options.
const (
	// DefaultConcurrency is how many queries are under way at once.
	DefaultConcurrency = 4
	// DefaultQueryTimeout is below the time an attempt of a request may take, so
	// that the server gives a query up before nobody waits for it any more.
	DefaultQueryTimeout = 25 * time.Second
)

// Options configure a Source.
type Options struct {
	// Name is the instance's name; its ID is prometheus/Name. Required.
	Name string
	// URL is the address below which /api/v1 is. Required.
	URL string
	// HTTPClient sends the requests; see collectors/transport. Required.
	HTTPClient *http.Client
	// Facts are what the server is asked for; see Load. Required.
	Facts *Facts
	// PagingSeverities are the values of the label severity of alerts that wake
	// somebody; empty means critical and page.
	PagingSeverities []string
	// RulesURL is the address below which /api/v1/rules is, where the rules live
	// elsewhere, as with vmalert; empty means URL.
	RulesURL string
	// Parameters are sent with every request: partial_response of Thanos,
	// extra_label of VictoriaMetrics.
	Parameters map[string]string
	// Relabel changes the labels of series before they are joined to services,
	// after what the files of facts change.
	Relabel []Relabel
	// Memory is how far back the server's data goes, where that is known better
	// than the server's series `up` shows it; 0 asks for them.
	Memory time.Duration
	// AlertHistory is how far back the first round reads when alerts fired; later
	// ones go on from there. 0 reads nothing; see DefaultAlertHistory.
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

// Source is one Prometheus server. It implements collectors.Source,
// collectors.Checker and collectors.Planner.
type Source struct {
	id, name    string
	api         *api
	ruler       *api
	relabel     *relabelling
	facts       []fact
	index       map[string]int
	rules       bool
	ruleFacts   map[string]bool
	definitions []evidence.Definition
	paging      map[string]bool
	memory      time.Duration
	// alertHistory is how far back alerts are read, 0 for not at all.
	alertHistory time.Duration
	concurrency  int
	now          func() time.Time
	log          *slog.Logger

	// What was logged in the last round, by subject, so that a lasting remark is
	// logged once.
	noted map[string]string
	// notedStrangers are the groups of series of nobody that were logged last.
	notedStrangers string
}

var (
	_ collectors.Source  = (*Source)(nil)
	_ collectors.Checker = (*Source)(nil)
	_ collectors.Planner = (*Source)(nil)

	_ collectors.AlertWatcher = (*Source)(nil)
)

// New makes a source. The error names every option that is wrong.
func New(o Options) (*Source, error) {
	var errs []error
	if o.Name == "" {
		errs = append(errs, errors.New("the name is missing"))
	}
	if o.HTTPClient == nil {
		errs = append(errs, errors.New("the HTTP client is missing"))
	}
	if o.Facts == nil {
		errs = append(errs, errors.New("the facts are missing"))
		o.Facts = &Facts{}
	}
	if !isAddress(o.URL) {
		errs = append(errs, errors.New("the URL is not an address such as https://prometheus.example.org"))
	}
	if o.RulesURL == "" {
		o.RulesURL = o.URL
	} else if !isAddress(o.RulesURL) {
		errs = append(errs, errors.New("the URL of the rules is not an address such as https://vmalert.example.org"))
	}
	for _, name := range sortedNames(o.Parameters) {
		if slices.Contains(ownParameters(), name) {
			errs = append(errs, fmt.Errorf("the parameter %s is set by every request itself: leave it out", name))
		}
	}
	relabel, err := newRelabelling(o.Relabel)
	if err != nil {
		errs = append(errs, err)
	}
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.QueryTimeout == 0 {
		o.QueryTimeout = DefaultQueryTimeout
	}
	if o.Concurrency < 0 || o.QueryTimeout < 0 || o.Memory < 0 || o.AlertHistory < 0 {
		errs = append(errs, errors.New("concurrency, query timeout, memory and alert history must not be negative"))
	}
	if len(o.PagingSeverities) == 0 {
		o.PagingSeverities = []string{"critical", "page"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("source prometheus/%s: %w", o.Name, err)
	}
	client, err := newAPI(o.URL, o.HTTPClient, o.QueryTimeout, o.Parameters)
	if err != nil {
		return nil, fmt.Errorf("source prometheus/%s: %w", o.Name, withoutURL(err))
	}
	ruler, err := newAPI(o.RulesURL, o.HTTPClient, o.QueryTimeout, o.Parameters)
	if err != nil {
		return nil, fmt.Errorf("source prometheus/%s: %w", o.Name, withoutURL(err))
	}
	s := &Source{
		id: "prometheus/" + o.Name, name: o.Name, api: client, ruler: ruler, relabel: relabel,
		facts: o.Facts.facts, index: map[string]int{}, rules: o.Facts.rules, definitions: o.Facts.Definitions(),
		ruleFacts: map[string]bool{}, paging: map[string]bool{}, memory: o.Memory, alertHistory: o.AlertHistory,
		concurrency: o.Concurrency,
		now:         o.Now, log: o.Logger.With("source", "prometheus/"+o.Name), noted: map[string]string{},
	}
	for i, f := range s.facts {
		s.index[f.Name] = i
	}
	for _, d := range ruleDefinitions() {
		s.ruleFacts[d.Name] = s.rules
	}
	for _, severity := range o.PagingSeverities {
		s.paging[severity] = true
	}
	return s, nil
}

func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && u.RawQuery == ""
}

// ID is prometheus/ and the instance's name.
func (s *Source) ID() string { return s.id }

// Facts lists the definitions of the configured presets and files.
func (s *Source) Facts() []evidence.Definition { return slices.Clone(s.definitions) }

// Answers reports whether the fact is one of ours and the catalog says how the
// service's series are found here.
func (s *Source) Answers(service *catalog.Service, name string) bool {
	i, ok := s.index[name]
	if !ok {
		return s.ruleFacts[name] && identifiable(service, s.name)
	}
	return slices.ContainsFunc(s.facts[i].providers, func(p provider) bool { return expected(service, s.name, p.join) })
}

// CatalogKey names what the catalog lacks so that the service's series could be
// found here: for a fact with several queries, what the first of them needs.
func (s *Source) CatalogKey(service *catalog.Service, name string) string {
	if refs, all := onServer(service, s.name); len(refs) == 0 && !all {
		return "prometheus.server: " + s.name
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

// Collect asks every query once, for the same moment, and then the rules. A
// query that fails costs the facts that need it. See collectors.Source.
func (s *Source) Collect(ctx context.Context, req collectors.Request, emit func(evidence.Batch) error) error {
	if req.Now.IsZero() {
		req.Now = s.now()
	}
	r := &round{
		Source: s, request: req, now: req.Now.UTC(), emit: emit, noting: map[string]string{},
		results: map[string]*result{}, skipped: map[string]int{},
	}
	r.scope = newScope(req.Services, s.name, s.joins())
	err := r.collect(ctx)
	if !hopeless(ctx, err) {
		s.note(r)
	}
	return err
}

// joins lists the joins that the facts use, each once.
func (s *Source) joins() []*join {
	used := map[string]*join{}
	for _, f := range s.facts {
		for _, p := range f.providers {
			used[p.join.name] = p.join
		}
		if f.absent != nil {
			used[f.absent.witness.join.name] = f.absent.witness.join
		}
	}
	return slices.Collect(maps.Values(used))
}

// note logs what has changed among the server's remarks.
func (s *Source) note(r *round) {
	for _, subject := range sortedNames(r.noting) {
		if text := r.noting[subject]; s.noted[subject] != text {
			s.log.Info("the server remarks on an answer", "about", subject, "remark", text)
		}
	}
	s.noted = r.noting
}

// deaf reports whether a failed first query means that the server answers none:
// anything but a complaint about the query itself, or about its cost.
func deaf(ctx context.Context, err error) bool {
	if hopeless(ctx, err) {
		return true
	}
	switch collectors.ReasonOf(ctx, err) {
	case evidence.ReasonRejected, evidence.ReasonTimeout, evidence.ReasonIncomplete:
		return false
	}
	return true
}

// hopeless reports whether the other calls of the round would fail like this
// one, or must not be made.
func hopeless(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	var failed *collectors.CallError
	if !errors.As(err, &failed) {
		return false
	}
	switch failed.Reason {
	case evidence.ReasonUnauthorized, evidence.ReasonUnreachable, evidence.ReasonCanceled, evidence.ReasonStore:
		return true
	}
	return false
}
