// Package pagerduty observes services through PagerDuty's REST API, read only:
// their set-up, escalation, on-call cover, incidents, changes and automation.
//
// Everything comes from list calls, so requests grow with pages and never with
// services. A first round lists everything. Later ones ask for open incidents
// and for what the log says since the last round, and list only now and then
// what changes slowly; once a day all incidents are listed again. Facts are
// declared beside the code that observes them, one file per subject; facts.go
// lists them.
package pagerduty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

// Defaults and bounds of Options.
const (
	DefaultEndpoint = "https://api.pagerduty.com"
	MaxPageLimit    = 100
	// LeastHistory is the span that incident facts look back over.
	LeastHistory = 90 * day
	// DefaultHistory is two years and a month: the effect of reviews is to be
	// estimated over two years. No figure reads that far back yet.
	DefaultHistory = 760 * day
)

const day = 24 * time.Hour

// Options configure a Source.
type Options struct {
	// Name is the instance's name; its ID is pagerduty/Name. Required.
	Name string
	// Endpoint is the base URL of the account's service region, by default
	// DefaultEndpoint; accounts in the EU have https://api.eu.pagerduty.com.
	Endpoint string
	// HTTPClient sends the requests; see collectors/transport. Required. It
	// brings the credential, as PagerDuty expects it: authorization type Token
	// with credentials token=KEY for an API key, or type Bearer for OAuth.
	HTTPClient *http.Client
	// Now is the clock for requests that carry no time; nil means time.Now.
	Now func() time.Time
	// OnlyAccount says that catalog references without an account mean this
	// instance.
	OnlyAccount bool
	// PageLimit is the number of records asked for at once, 1 to 100, by
	// default 100.
	PageLimit int
	// History is how far back incidents are listed, at least LeastHistory and by
	// default DefaultHistory.
	History time.Duration
	// Severities are the severities, 1 to 5, of priorities by name, whatever its case.
	// Others have that of their place among the account's priorities.
	Severities map[string]int
	// IncidentTypes are the names of the types of incidents that count, whatever their
	// case; empty means all.
	IncidentTypes []string
	// FalseAlarmNotes are the words of a note with which a person says that nothing was
	// wrong, and FalseAlarmFields the values of fields that say so, by the name of the
	// field. No letter case matters.
	FalseAlarmNotes  []string
	FalseAlarmFields map[string][]string
	// Logger gets what cost a record but not the round; nil discards it.
	Logger *slog.Logger
}

// Source is one PagerDuty account. It implements collectors.Source and
// collectors.Checker.
type Source struct {
	id          string
	definitions []evidence.Definition
	facts       map[string]bool
	name        string
	onlyAccount bool
	history     time.Duration
	severities  map[string]int
	// types are the names of the types that count, by folded name.
	types  map[string]string
	alarms falseAlarms
	now    func() time.Time
	log    *slog.Logger
	api    *api

	// What was logged as undecodable, so that a record is logged once and not
	// in every round that lists it.
	logged map[string]bool
	// slices is into how many windows on-calls had to be cut.
	slices int
	// refused are the parts of incidents that the account does not list; see
	// eachIncident.
	refused map[string]bool
	// memory is what is known from earlier rounds.
	memory *memory
}

var (
	_ collectors.Source  = (*Source)(nil)
	_ collectors.Checker = (*Source)(nil)
	_ collectors.Planner = (*Source)(nil)
	_ collectors.Resumer = (*Source)(nil)
)

// New makes a source. The error names every option that is wrong.
func New(o Options) (*Source, error) {
	// A trailing slash would make paths such as //services, which are not found.
	o.Endpoint = strings.TrimRight(cmp.Or(o.Endpoint, DefaultEndpoint), "/")
	o.PageLimit, o.History = cmp.Or(o.PageLimit, MaxPageLimit), cmp.Or(o.History, DefaultHistory)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	var faults collectors.OptionFaults
	faults.If(o.Name == "", "the name is missing")
	faults.If(o.HTTPClient == nil, "the HTTP client is missing")
	faults.If(!transport.IsAddress(o.Endpoint), "the endpoint is not a base URL such as %s", DefaultEndpoint)
	faults.If(o.PageLimit < 1 || o.PageLimit > MaxPageLimit, "page limit %d: want 1 to %d", o.PageLimit, MaxPageLimit)
	faults.If(o.History < LeastHistory, "history %s: incident facts need at least %s", o.History, LeastHistory)
	severities := map[string]int{}
	for name, severity := range o.Severities {
		severities[folded(name)] = severity
		faults.If(severity < 1 || severity > leastSevere, "severity %d of %q: want 1 to %d", severity, name, leastSevere)
	}
	if err := faults.Err(); err != nil {
		return nil, fmt.Errorf("source pagerduty/%s: %w", o.Name, err)
	}
	s := &Source{
		definitions: Definitions(), facts: map[string]bool{},
		id: "pagerduty/" + o.Name, name: o.Name, onlyAccount: o.OnlyAccount,
		history: o.History, now: o.Now, log: o.Logger.With("source", "pagerduty/"+o.Name),
		api: newAPI(o), slices: 1, memory: newMemory(), logged: map[string]bool{}, refused: map[string]bool{},
		severities: severities, types: map[string]string{},
		alarms: newFalseAlarms(o.FalseAlarmNotes, o.FalseAlarmFields),
	}
	for _, name := range o.IncidentTypes {
		s.types[folded(name)] = strings.TrimSpace(name)
	}
	for _, d := range s.definitions {
		s.facts[d.Name] = true
	}
	return s, nil
}

// ID is pagerduty/ and the instance's name.
func (s *Source) ID() string { return s.id }

// Facts lists the definitions of all facts; every account can give them all.
func (s *Source) Facts() []evidence.Definition { return slices.Clone(s.definitions) }

// Answers reports whether the fact is one of ours and the service refers to
// this account.
func (s *Source) Answers(service *catalog.Service, name string) bool {
	return s.facts[name] && len(s.references(service)) > 0
}

// CatalogKey names what refers to a PagerDuty service.
func (s *Source) CatalogKey(*catalog.Service, string) string { return "pagerduty.service_id" }

// references are those of the service to PagerDuty services in this account.
func (s *Source) references(service *catalog.Service) []catalog.PagerDutyRef {
	var refs []catalog.PagerDutyRef
	for _, ref := range service.PagerDuty {
		ours := ref.Account == s.name || ref.Account == "" && s.onlyAccount
		if ours && (ref.ServiceID != "" || !ref.IntegrationKey.IsZero()) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// Check asks for one service, the cheapest call that needs a credential.
func (s *Source) Check(ctx context.Context) error {
	_, err := s.api.page(ctx, "services", url.Values{"limit": {"1"}})
	return err
}

// Collect lists what is due. A listing that fails costs the groups that need
// it; all of them need the services. See collectors.Source.
func (s *Source) Collect(ctx context.Context, req collectors.Request, emit func(evidence.Batch) error) error {
	r := s.round(req, emit)
	if deadline, ok := ctx.Deadline(); ok {
		r.span = time.Until(deadline)
	}
	r.remember()
	if !r.due("services", slowEvery) {
		r.services = r.memory.services
	}
	var errs []error
	for _, step := range r.steps() {
		err := step(r, ctx)
		errs = append(errs, err)
		if r.catalog.unlisted {
			// Incidents would be stored as if they belonged to no service.
			return errors.Join(errs...)
		}
		if err != nil && collectors.EndsRound(ctx, err) {
			if ctx.Err() != nil {
				errs = append(errs, r.saveListing())
			}
			return errors.Join(errs...)
		}
	}
	if r.out.Pending() {
		errs = append(errs, r.out.Send(evidence.Batch{}))
	}
	return errors.Join(errs...)
}

// round begins a round, without any request.
func (s *Source) round(req collectors.Request, emit func(evidence.Batch) error) *round {
	if req.Now.IsZero() {
		req.Now = s.now()
	}
	req.Now = req.Now.UTC()
	first := req.Cursors[formatCursor] != format
	if first {
		emit = withFormat(emit)
	}
	return &round{
		Source: s, now: req.Now, listings: listings(), catalog: newReferences(s, req.Services, s.memory.services),
		out: collectors.NewBatches(s.id, req, emit), cursors: req.Cursors, first: first,
		storedIncidents: req.Incidents, storedEntries: req.LogEntries, hash: req.Person, progress: req.Progress,
	}
}

// withFormat adds the cursor of the format to the first batch that is stored.
func withFormat(emit func(evidence.Batch) error) func(evidence.Batch) error {
	begun := false
	return func(b evidence.Batch) error {
		if !begun {
			if b.Cursors == nil {
				b.Cursors = map[string]string{}
			}
			b.Cursors[formatCursor] = format
		}
		err := emit(b)
		begun = begun || err == nil
		return err
	}
}
