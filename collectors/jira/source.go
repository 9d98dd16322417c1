// Package jira observes services through Jira's REST API, read only: incidents,
// production readiness reviews with the attestations on them, and facts about
// tickets that are declared in data. It knows Jira Cloud and Jira Data Center.
//
// Everything comes from searches over all services at once, so requests grow
// with searches and pages of issues and never with services. The one exception
// is the web link of an attestation that names no address in its description.
package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
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
	// DefaultHistory is how far back incidents are collected. MinHistory is the span
	// that incident facts look back over, and ten days more.
	DefaultHistory = 760 * day
	MinHistory     = majorWindow + 10*day
	// DefaultReconcileEvery is how often everything is listed again.
	DefaultReconcileEvery = 6 * time.Hour
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
	// HTTPClient sends the requests; see collectors/transport. Required. It adds
	// the credential: basic authentication with e-mail and API token for Cloud, type
	// Bearer with a personal access token for Data Center or with an OAuth token. The
	// account must be able to browse the projects, and on Cloud to read its own data
	// (read:jira-work and read:jira-user).
	HTTPClient *http.Client
	// Now is the clock for requests that carry no time; nil means time.Now.
	Now func() time.Time
	// OnlySite says that catalog references without a site mean this instance.
	OnlySite bool
	// PageLimit is the number of issues asked for at once, 1 to MaxPageLimit, by
	// default DefaultPageLimit. The server may grant less.
	PageLimit int
	// ReconcileEvery is how often incidents, reviews and attestations are listed
	// completely, by default DefaultReconcileEvery; other rounds list only what has
	// changed. Only a complete listing shows that an issue was deleted or left a
	// query.
	ReconcileEvery time.Duration
	// Incidents and Reviews say which tickets are incidents and reviews.
	Incidents Incidents
	Reviews   Reviews
	// NotDone are the names or ids of the resolutions and statuses with which an issue
	// is closed although its work was not done; nil means those of the configuration's
	// default.
	NotDone []string
	// AutomationUsers are accounts, by id, key or name, that are programs although their
	// type does not say so: accounts of Data Center have no types.
	AutomationUsers []string
	// Facts are the facts declared in data; nil means DefaultFacts.
	Facts []Fact
	// Attestations are the checks that may be attested on reviews.
	Attestations []Attestation
	// Exemptions say which tickets ask for exemptions, Exemptible from which checks.
	// MaxExemption is how long one may last from its approval on; 0 for any time.
	Exemptions   config.JiraExemptions
	Exemptible   []Exemptible
	MaxExemption time.Duration
	// Opinions are the checks that issues may be feedback about.
	Opinions []Opinion
	// Logger gets issues that could not be used; nil discards them.
	Logger *slog.Logger
}

// Source is one Jira site. It implements collectors.Source, collectors.Checker
// and collectors.Planner.
type Source struct {
	id, name       string
	deployment     Deployment
	browse         string
	onlySite       bool
	reconcileEvery time.Duration
	incidents      Incidents
	reviews        Reviews
	// notDone, notIncidents and falseAlarms are what issues are closed as that prove no
	// work, that are no incidents, and in which nothing was wrong.
	notDone, notIncidents, falseAlarms closings
	// configuredNotDone are the names that notDone is made of.
	configuredNotDone []string
	// duplicateLinks are the types of links between a duplicate and the original.
	duplicateLinks linkNames
	history        time.Duration
	facts          []Fact
	attestations   []Attestation
	opinions       []Opinion
	exemptions     config.JiraExemptions
	exemptible     []Exemptible
	maxExemption   time.Duration
	// labels are those of all attestations, whether or not there are reviews.
	labels []string
	given  map[string]bool
	now    func() time.Time
	log    *slog.Logger
	api    *api
	// hash changes when the options read incidents in another way than before.
	hash string

	notices collectors.Notices
	// statuses are those of the last round that could list them; nil before.
	statuses *statuses
	// unclear are incident tickets that may be major incidents of services that do not
	// have them, by id, until they are clear or no longer listed; nil before the first
	// round.
	unclear map[string]unclear
	// marks are what could not be used, by listing, and reported is the last report.
	marks    map[string]*marks
	reported string
	// doubts are whose incidents are not all known.
	doubts collectors.IncidentDoubts
	// parts are the stored duplicates, by id; nil when they may have changed.
	parts map[string]evidence.Incident
	// reviewState is what was read of reviews and attestations; nil before the first
	// complete listing.
	reviewState *reviewState
	// feedbackAt is when feedback was last listed.
	feedbackAt time.Time
	// observed is when each throttled fact was last observed, by name.
	observed map[string]observation
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
		onlySite: o.OnlySite, reconcileEvery: o.ReconcileEvery, incidents: o.Incidents,
		history: time.Duration(o.Incidents.History), reviews: o.Reviews,
		notDone: newClosings(o.NotDone), notIncidents: newClosings(o.Incidents.NotIncidents),
		falseAlarms:       newClosings(o.Incidents.FalseAlarms.Resolutions),
		configuredNotDone: slices.Clone(o.NotDone), duplicateLinks: foldedSet(o.Incidents.DuplicateLinks),
		labels: mapSlice(o.Attestations, func(a Attestation) string { return a.Label }),
		given:  map[string]bool{}, now: o.Now, log: o.Logger.With("source", "jira/"+o.Name),
		marks: map[string]*marks{}, opinions: slices.Clone(o.Opinions), observed: map[string]observation{},
		exemptions: o.Exemptions, exemptible: slices.Clone(o.Exemptible), maxExemption: o.MaxExemption,
	}
	if s.api, err = newAPI(o); err != nil {
		return nil, fmt.Errorf("source jira/%s: the URL: %w", o.Name, err)
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
	s.hash = hashIncidents(o.Incidents, o.BrowseURL, o.AutomationUsers)
	return s, nil
}

func (o Options) withDefaults() (Options, error) {
	o.Deployment = cmp.Or(o.Deployment, Cloud)
	o.URL = strings.TrimRight(o.URL, "/")
	o.BrowseURL = cmp.Or(strings.TrimRight(o.BrowseURL, "/"), o.URL)
	o.PageLimit = cmp.Or(o.PageLimit, DefaultPageLimit)
	o.ReconcileEvery = cmp.Or(o.ReconcileEvery, DefaultReconcileEvery)
	o.Incidents = withDefaults(o.Incidents)
	if o.NotDone == nil {
		o.NotDone = config.JiraNotDone()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if o.Facts == nil {
		o.Facts, err = DefaultFacts()
	}
	return o, errors.Join(err, o.check())
}

// check reports all that is wrong with the options.
func (o Options) check() error {
	var faults collectors.OptionFaults
	faults.If(o.Name == "", "the name is missing")
	faults.If(o.HTTPClient == nil, "the HTTP client is missing")
	faults.If(o.Deployment != Cloud && o.Deployment != DataCenter, "deployment %q: want %s or %s", o.Deployment, Cloud,
		DataCenter)
	faults.If(!transport.IsAddress(o.URL), "the URL is not an address such as https://example.atlassian.net")
	faults.If(o.PageLimit < 1 || o.PageLimit > MaxPageLimit, "page limit %d: want 1 to %d", o.PageLimit, MaxPageLimit)
	faults.If(o.ReconcileEvery < 0, "reconcile every %s: want more than 0", o.ReconcileEvery)
	for _, tickets := range []struct {
		what, jql string
		err, link error
	}{
		{"incidents", o.Incidents.JQL, checkIncidents(o.Incidents), checkLink(o.Incidents.Services)},
		{"reviews", o.Reviews.JQL, nil, checkLink(o.Reviews.Services)},
		{"exemptions", o.Exemptions.JQL, nil, checkLink(o.Exemptions.Services)},
	} {
		if tickets.jql != "" {
			err := checkJQL(tickets.jql)
			faults.If(err != nil, "%s: jql: %w", tickets.what, err)
		}
		for _, err := range []error{tickets.err, tickets.link} {
			faults.If(err != nil, "%s: %w", tickets.what, err)
		}
	}
	names := map[string]bool{}
	for _, f := range o.Facts {
		faults.If(names[f.Name], "fact %s is given twice", f.Name)
		names[f.Name] = true
	}
	for _, a := range o.Attestations {
		faults.If(a.Check == "" || a.Label == "" || a.Fact.Name == "" || a.ValidFor <= 0 || names[a.Fact.Name],
			"attestation of %q: want a check, how long it is valid, a label, and a fact that nothing else has", a.Check)
		names[a.Fact.Name] = true
	}
	return faults.Err()
}

// ID is jira/ and the instance's name.
func (s *Source) ID() string { return s.id }

// Facts lists the definitions of the facts that the configuration can give:
// those of incidents and attestations need a query of the tickets.
func (s *Source) Facts() []evidence.Definition {
	definitions := DefinitionsOf(s.facts, s.incidents.JQL)
	for _, a := range s.attestations {
		definitions = append(definitions, a.Fact)
	}
	return definitions
}

// Answers reports whether the source has the fact and the service refers to this
// site.
func (s *Source) Answers(service *catalog.Service, name string) bool {
	return s.given[name] && len(s.references(service)) > 0
}

// CatalogKey is the key of a catalog entry that refers to a project.
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

// Check makes the cheapest call that needs the credential. A Data Center site may
// allow it without one.
func (s *Source) Check(ctx context.Context) error {
	if s.deployment == Cloud {
		return s.api.whoAmI(ctx)
	}
	_, err := s.api.statuses(ctx)
	return err
}
