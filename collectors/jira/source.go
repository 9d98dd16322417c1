// Package jira observes services through Jira's REST API, read only: incidents,
// production readiness reviews with the claims made on them, and facts about
// tickets that are declared in data. It knows Jira Cloud and Jira Data Center.
//
// Everything comes from searches over all services at once, so requests grow
// with searches and pages of issues and never with services. The one exception
// is the web link of a claim that names no address in its description.
package jira

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Deployment is the kind of a site: their search calls differ.
type Deployment string

// The kinds of sites.
const (
	Cloud      Deployment = "cloud"
	DataCenter Deployment = "datacenter"
)

// Defaults and bounds of Options.
const (
	DefaultPageLimit = 100
	MaxPageLimit     = 1000
	// DefaultHistory is how far back incidents are collected. LeastHistory is
	// the span that incident facts look back over, with some room.
	DefaultHistory = 760 * day
	LeastHistory   = majorWindow + 10*day
	// DefaultSweep is how often everything is listed anew.
	DefaultSweep = 6 * time.Hour
)

const day = 24 * time.Hour

// Options configure a Source.
type Options struct {
	// Name is the instance's name; its ID is jira/Name. Required.
	Name string
	// Deployment is Cloud when empty.
	Deployment Deployment
	// URL is the site's address, under which rest/api/2 is. Required.
	URL string
	// BrowseURL is the address that people open, by default URL.
	BrowseURL string
	// HTTPClient sends the requests; see collectors/transport. Required. It
	// brings the credential: basic authentication with e-mail and API token for
	// Cloud, type Bearer with a personal access token for Data Center or with an
	// OAuth token. The account needs to browse the projects, and on Cloud to see
	// itself (read:jira-work and read:jira-user).
	HTTPClient *http.Client
	// Now is the clock for requests that carry no time; nil means time.Now.
	Now func() time.Time
	// OnlySite says that catalog references without a site mean this instance.
	OnlySite bool
	// PageLimit is the number of issues asked for at once, 1 to MaxPageLimit, by
	// default DefaultPageLimit. The server may grant less.
	PageLimit int
	// Sweep is how often incidents, reviews and claims are listed completely, by
	// default DefaultSweep; in between only what has changed is. Only then are
	// deleted issues noticed, and those that left a query.
	Sweep time.Duration
	// Incidents and Reviews say which tickets are incidents and reviews.
	Incidents Incidents
	Reviews   Reviews
	// Facts are the facts declared in data; nil means DefaultFacts.
	Facts []Fact
	// Attestations are the claims that may be made on reviews.
	Attestations []Attestation
	// Opinions are the checks that issues may be feedback about.
	Opinions []Opinion
	// Logger gets issues that could not be used; nil discards them.
	Logger *slog.Logger
}

// Reviews says which tickets are production readiness reviews.
type Reviews struct {
	// JQL selects the tickets, without an order; empty means that the site has
	// none, and then there are no claims either.
	JQL string
	// Services says how a ticket names its service.
	Services ServiceLink
}

// Source is one Jira site. It implements collectors.Source, collectors.Checker
// and collectors.Planner.
type Source struct {
	id, name     string
	deployment   Deployment
	browse       string
	onlySite     bool
	sweep        time.Duration
	incidents    Incidents
	reviews      Reviews
	facts        []Fact
	attestations []Attestation
	opinions     []Opinion
	// labels are those of all claims, whether or not there are reviews.
	labels []string
	given  map[string]bool
	now    func() time.Time
	log    *slog.Logger
	api    *api
	// hash changes when the options read incidents otherwise than before.
	hash string

	// What was logged as undecodable in the last round, so that an issue is
	// logged once and not every round.
	logged map[string]bool
	// categories are those of the statuses, as last seen, and statusIDs the ids
	// of statuses by their names in lower case.
	categories map[string]string
	statusIDs  map[string][]string
	// badIncidents are incidents that could not be decoded, by key, until they
	// can or are listed no more.
	badIncidents map[string]suspicion
	// remembered is what was read of reviews and claims; nil before the first
	// complete listing.
	remembered *remembered
	// heard is when feedback was last listed.
	heard time.Time
	// observed is when each fact that is searched for was last observed, by name.
	observed map[string]observation
}

// suspicion is which services an issue that could not be decoded may belong to.
// why is set when the issue is not known for another reason.
type suspicion struct {
	services []string
	any      bool
	why      evidence.Missing
}

var (
	_ collectors.Source  = (*Source)(nil)
	_ collectors.Checker = (*Source)(nil)
	_ collectors.Planner = (*Source)(nil)
)

// New makes a source. The error names every option that is wrong.
func New(o Options) (*Source, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("source jira/%s: %w", o.Name, err)
	}
	s := &Source{
		id: "jira/" + o.Name, name: o.Name, deployment: o.Deployment, browse: o.BrowseURL,
		onlySite: o.OnlySite, sweep: o.Sweep, incidents: o.Incidents, reviews: o.Reviews,
		given: map[string]bool{}, now: o.Now, log: o.Logger.With("source", "jira/"+o.Name),
		badIncidents: map[string]suspicion{}, opinions: slices.Clone(o.Opinions), observed: map[string]observation{},
	}
	if s.api, err = newAPI(o); err != nil {
		return nil, fmt.Errorf("source jira/%s: the URL: %w", o.Name, err)
	}
	for _, a := range o.Attestations {
		s.labels = append(s.labels, a.Label)
	}
	for _, f := range o.Facts {
		if !f.Mode.ofIncidents() || o.Incidents.JQL != "" {
			s.facts = append(s.facts, f)
		}
	}
	if o.Reviews.JQL != "" {
		s.attestations = slices.Clone(o.Attestations)
	}
	for _, d := range s.Facts() {
		s.given[d.Name] = true
	}
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%q", fmt.Sprint(o.Incidents, o.BrowseURL))
	s.hash = fmt.Sprintf("%016x", sum.Sum64())
	return s, nil
}

func (o Options) withDefaults() (Options, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.Name == "" {
		bad("the name is missing")
	}
	if o.HTTPClient == nil {
		bad("the HTTP client is missing")
	}
	if o.Deployment == "" {
		o.Deployment = Cloud
	}
	if o.Deployment != Cloud && o.Deployment != DataCenter {
		bad("deployment %q: want %s or %s", o.Deployment, Cloud, DataCenter)
	}
	o.URL = strings.TrimRight(o.URL, "/")
	if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" ||
		u.RawQuery != "" {
		bad("the URL is not an address such as https://example.atlassian.net")
	}
	if o.BrowseURL = strings.TrimRight(o.BrowseURL, "/"); o.BrowseURL == "" {
		o.BrowseURL = o.URL
	}
	if o.PageLimit == 0 {
		o.PageLimit = DefaultPageLimit
	}
	if o.PageLimit < 1 || o.PageLimit > MaxPageLimit {
		bad("page limit %d: want 1 to %d", o.PageLimit, MaxPageLimit)
	}
	if o.Sweep == 0 {
		o.Sweep = DefaultSweep
	}
	if o.Sweep < 0 {
		bad("sweep %s: want more than 0", o.Sweep)
	}
	o.Incidents = o.Incidents.withDefaults()
	if err := o.Incidents.check(); err != nil {
		bad("incidents: %w", err)
	}
	for what, jql := range map[string]string{"incidents": o.Incidents.JQL, "reviews": o.Reviews.JQL} {
		if jql == "" {
			continue
		}
		if err := checkJQL(jql); err != nil {
			bad("%s: jql: %w", what, err)
		}
	}
	for what, link := range map[string]ServiceLink{"incidents": o.Incidents.Services, "reviews": o.Reviews.Services} {
		if err := link.check(); err != nil {
			bad("%s: %w", what, err)
		}
	}
	if o.Facts == nil {
		facts, err := DefaultFacts()
		if err != nil {
			bad("%w", err)
		}
		o.Facts = facts
	}
	names := map[string]bool{}
	for _, f := range o.Facts {
		if names[f.Name] {
			bad("fact %s is given twice", f.Name)
		}
		names[f.Name] = true
	}
	for _, a := range o.Attestations {
		if a.Check == "" || a.Label == "" || a.Fact.Name == "" || a.Level < 1 || names[a.Fact.Name] {
			bad("attestation of %q: want a check, its level, a label, and a fact of its own", a.Check)
		}
		names[a.Fact.Name] = true
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, errors.Join(errs...)
}

// ID is jira/ and the instance's name.
func (s *Source) ID() string { return s.id }

// Facts lists the definitions of the facts that the configuration can give:
// those of incidents and claims need a query of the tickets.
func (s *Source) Facts() []evidence.Definition {
	definitions := DefinitionsOf(s.facts, s.incidents.JQL)
	for _, a := range s.attestations {
		definitions = append(definitions, a.Fact)
	}
	return definitions
}

// Answers reports whether the fact is one of ours and the service refers to
// this site.
func (s *Source) Answers(service *catalog.Service, name string) bool {
	return s.given[name] && len(s.references(service)) > 0
}

// CatalogKey names what refers to a project.
func (s *Source) CatalogKey(*catalog.Service, string) string { return "jira.project" }

// references are the service's projects and components on this site.
func (s *Source) references(service *catalog.Service) []catalog.JiraRef {
	var refs []catalog.JiraRef
	for _, ref := range service.Jira {
		ours := ref.Site == s.name || ref.Site == "" && s.onlySite
		if ours && strings.TrimSpace(ref.Project) != "" {
			refs = append(refs, ref)
		}
	}
	return refs
}

// Check makes the cheapest call that needs the credential. A Data Center site
// may be readable without one.
func (s *Source) Check(ctx context.Context) error {
	if s.deployment == Cloud {
		return s.api.whoAmI(ctx)
	}
	_, _, err := s.api.statuses(ctx)
	return err
}

// Collect lists incidents, the issues of the declared facts, reviews and claims.
// When a search fails, the facts that need it are not observed. See
// collectors.Source.
func (s *Source) Collect(ctx context.Context, req collectors.Request, emit func(evidence.Batch) error) error {
	r := s.round(req)
	r.emit = emit
	var errs []error
	for _, step := range r.steps() {
		err := step.collect(ctx)
		if err == nil {
			continue
		}
		errs = append(errs, err)
		if hopeless(ctx, err) {
			break
		}
	}
	if len(r.skipped) > 0 && !hopeless(ctx, errors.Join(errs...)) {
		if err := r.send(evidence.Batch{}); err != nil {
			errs = append(errs, err)
		}
	}
	s.logged = r.logging
	return errors.Join(errs...)
}

// round begins a round, without any call.
func (s *Source) round(req collectors.Request) *round {
	if req.Now.IsZero() {
		req.Now = s.now()
	}
	return &round{
		Source: s, now: req.Now.UTC(), request: req, mapping: newMapping(s, req.Services),
		skipped: map[string]int{}, logging: map[string]bool{}, absent: map[string]bool{},
	}
}

// hopeless reports whether the other calls of the round would fail like this
// one, or must not be made.
func hopeless(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	var failed *collectors.CallError
	if _, ok := errors.AsType[*unknownHere](err); ok {
		return true
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return hopeless(ctx, err) })
	}
	return errors.As(err, &failed) && (failed.Reason == evidence.ReasonUnauthorized ||
		failed.Reason == evidence.ReasonStore)
}
