package jira_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

// noon is when every test begins, a Wednesday.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// world is a simulated site, and the source that looks at it over HTTP.
type world struct {
	t       testing.TB
	fake    *jiratest.Server
	source  *jira.Source
	options jira.Options
	log     *strings.Builder

	services []*catalog.Service
	mu       sync.Mutex
	now      time.Time
	// What a store would keep.
	cursors   map[string]string
	incidents map[string]evidence.Incident
	reviews   map[string]evidence.Review
	// exemptions are those of tickets.
	exemptions []evidence.TicketExemption
	storeless  bool
	// mergedReads counts how often the merged incidents were read.
	mergedReads int
	person      func(id string) string
	progress    []collectors.Progress
}

// setup is what a test changes before it starts.
type setup struct {
	fake *jiratest.Options
	jira *jira.Options
	out  *transport.Config
}

type setting func(setup)

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

const incidentsJQL, reviewsJQL = `issuetype = "Incident"`, `project = "PRR" AND issuetype = "Review"`

// attestations are one attestation of each kind of level.
func attestations() []jira.Attestation {
	make := func(check string, level int) jira.Attestation {
		name := strings.NewReplacer(".", "_", "-", "_").Replace(check)
		validFor := 365 * day
		if level >= 4 {
			validFor = 180 * day
		}
		return jira.Attestation{
			Check: check, Level: level, Label: "attest-" + strings.ReplaceAll(check, ".", "-"),
			NeedsLink: level >= 3, NeedsSecondPerson: level >= 4, ValidFor: validFor,
			Fact: evidence.Definition{Name: "attest." + name, Kind: evidence.KindBool, Help: "An attestation.", Pack: "attest"},
		}
	}
	return []jira.Attestation{make("cicd.change-reviewed", 2), make("data.access-reviewed", 3),
		make("rel.failover-proven", 4)}
}

func start(t testing.TB, dataCenter bool, site jiratest.Site, services []*catalog.Service, settings ...setting) *world {
	t.Helper()
	w := &world{
		t: t, services: services, log: &strings.Builder{}, now: noon, cursors: map[string]string{},
		incidents: map[string]evidence.Incident{}, reviews: map[string]evidence.Review{},
	}
	fakeOptions := jiratest.Options{
		Site: site, DataCenter: dataCenter, Now: w.clock, Email: "us@example.com", Token: "of-the-file", Prefix: "/jira",
		Fail: func(msg string) { t.Error(msg) },
	}
	w.options = jira.Options{
		Name: "main", Deployment: jira.Cloud, OnlySite: true, Now: w.clock, BrowseURL: "https://jira.example.com/",
		Incidents:    jira.Incidents{JQL: incidentsJQL, LinkFields: []string{"customfield_10020"}},
		Reviews:      jira.Reviews{JQL: reviewsJQL, Services: jira.ServiceLink{By: "label", Prefix: "service-"}},
		Attestations: attestations(),
		Logger:       slog.New(slog.NewTextHandler(w.log, nil)),
	}
	out := transport.Config{
		Source: "jira/main", Now: w.clock, RatePerMinute: transport.Unlimited,
		HTTP: config.HTTPClientConfig{BasicAuth: &config.BasicAuth{Username: "us@example.com", Password: "of-the-file"}},
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.pass(d)
			return ctx.Err()
		},
	}
	if dataCenter {
		w.options.Deployment = jira.DataCenter
		out.HTTP = config.HTTPClientConfig{Authorization: &config.Authorization{Type: "Bearer", Credentials: "of-the-file"}}
	}
	for _, set := range settings {
		set(setup{&fakeOptions, &w.options, &out})
	}
	w.fake = jiratest.New(fakeOptions)
	server := httptest.NewServer(w.fake)
	t.Cleanup(server.Close)
	client, err := transport.New(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	w.options.HTTPClient, w.options.URL = client, server.URL+"/jira/"
	w.restart()
	return w
}

// restart makes the source anew, as a restart of the program would.
func (w *world) restart() {
	w.t.Helper()
	source, err := jira.New(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.source = source
}

// both runs a test against both deployments.
func both(t *testing.T, test func(t *testing.T, dataCenter bool)) {
	t.Helper()
	t.Run("cloud", func(t *testing.T) { test(t, false) })
	t.Run("datacenter", func(t *testing.T) { test(t, true) })
}

// searchCall is the search of the deployment.
func searchCall(dataCenter bool) string {
	if dataCenter {
		return "GET /rest/api/2/search"
	}
	return "GET /rest/api/2/search/jql"
}

// result is what one round emitted, put together as a store would.
type result struct {
	err       error
	records   map[string]evidence.Record // by service and fact
	incidents map[string]evidence.Incident
	reviews   map[string]evidence.Review // by key and service
	covered   map[string]evidence.Coverage
	skipped   map[string]int
	batches   int
	emitted   int // incidents, each time counted
	feedback  []evidence.Feedback
	// exemptions are those that the store has after the round.
	exemptions []evidence.TicketExemption
	uncounted  []evidence.Uncounted
	doubts     []evidence.IncidentDoubt
}

func (w *world) collect() *result {
	w.t.Helper()
	return w.collectWith(w.t.Context(), func(evidence.Batch) error { return nil })
}

// mustCollect is collect of a round without an error.
func (w *world) mustCollect() *result {
	w.t.Helper()
	r := w.collect()
	if r.err != nil {
		w.t.Fatal(r.err)
	}
	return r
}

func (w *world) collectWith(ctx context.Context, store func(evidence.Batch) error) *result {
	w.t.Helper()
	r := &result{
		records: map[string]evidence.Record{}, incidents: map[string]evidence.Incident{},
		reviews: map[string]evidence.Review{},
		covered: map[string]evidence.Coverage{}, skipped: map[string]int{},
	}
	definitions, err := evidence.NewFacts(w.source.Facts())
	if err != nil {
		w.t.Fatal(err)
	}
	now := w.clock()
	request := collectors.Request{
		Services: w.services, Now: now, Cursors: maps.Clone(w.cursors), Person: w.person,
		Progress: func(p collectors.Progress) { w.progress = append(w.progress, p) },
	}
	if !w.storeless {
		request.Exemptions = func(context.Context) ([]evidence.TicketExemption, error) {
			return slices.Clone(w.exemptions), nil
		}
		request.Incidents = w.stored
		request.Reviews = func(context.Context) ([]evidence.Review, error) {
			list := []evidence.Review{{Source: "jira/other", Key: "X-1", Service: "x", CreatedAt: noon}}
			for _, v := range w.reviews {
				if !v.Gone {
					list = append(list, v)
				}
			}
			return list, nil
		}
	}
	r.err = w.source.Collect(ctx, request, func(b evidence.Batch) error {
		if err := store(b); err != nil {
			return err
		}
		r.batches++
		if b.Exemptions != nil {
			w.exemptions = b.Exemptions
		}
		r.exemptions = w.exemptions
		w.keep(r, definitions, now, b)
		return nil
	})
	return r
}

// stored hands on the incidents that a span selects, as the store does.
func (w *world) stored(_ context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error) error {
	if span.Merged {
		w.mergedReads++
	}
	for _, in := range w.incidents {
		lasting := span.Lasting && (in.ResolvedAt.IsZero() || !in.ResolvedAt.Before(span.Since))
		isChosen := (!span.Merged || in.MergedInto != "") && (span.IDs == nil || slices.Contains(span.IDs, in.ID))
		if !in.Gone && isChosen && (lasting || !in.StartedAt.Before(span.Since)) {
			if err := each(in); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep checks a batch and stores it.
func (w *world) keep(r *result, definitions *evidence.Facts, now time.Time, b evidence.Batch) {
	w.t.Helper()
	w.keepRecords(r, definitions, now, b.Records)
	r.emitted += len(b.Incidents)
	for _, v := range b.Incidents {
		if v.StartedAt.IsZero() || v.UpdatedAt.IsZero() || v.Source != "jira/main" {
			w.t.Errorf("bad incident %+v", v)
		}
		r.incidents[v.Name()] = v
		if old := w.incidents[v.ID]; !v.UpdatedAt.Before(old.UpdatedAt) {
			w.incidents[v.ID] = v
		}
	}
	for _, v := range b.Reviews {
		r.reviews[v.Name()+" "+v.Service] = v
		w.reviews[v.ID+" "+v.Service] = v
	}
	for _, v := range b.Covered {
		if _, twice := r.covered[v.Group]; twice || len(v.Facts) == 0 {
			w.t.Errorf("bad coverage of %s", v.Group)
		}
		r.covered[v.Group] = v
	}
	if b.Feedback != nil {
		r.feedback = b.Feedback
	}
	if b.Uncounted != nil {
		r.uncounted = b.Uncounted
	}
	if b.IncidentDoubts != nil {
		r.doubts = b.IncidentDoubts
	}
	for kind, n := range b.Skipped {
		r.skipped[kind] += n
	}
	maps.Copy(w.cursors, b.Cursors)
}

// keepRecords checks records and adds them to the result.
func (w *world) keepRecords(r *result, definitions *evidence.Facts, now time.Time, records []evidence.Record) {
	w.t.Helper()
	for _, v := range records {
		d, err := definitions.Lookup(v.Fact)
		if err != nil {
			w.t.Error(err)
		}
		attestation := strings.HasPrefix(v.Fact, "attest.") && v.Value.Truth()
		if v.Value.Kind() != d.Kind || v.Source != "jira/main" || !v.ObservedAt.Equal(now) || v.Detail == "" ||
			attestation == v.Since.IsZero() {
			w.t.Errorf("bad record %+v", v)
		}
		if strings.Contains(v.Detail, "Somebody") || strings.Contains(v.Detail, "@") || strings.Contains(v.Detail, "557058") {
			w.t.Errorf("a person in the detail %q", v.Detail)
		}
		r.records[v.Service+" "+v.Fact] = v
	}
}

// groups are the names of the covered groups that are no fact's own.
func (r *result) groups() string {
	return strings.Join(slices.Sorted(maps.Keys(r.covered)), " ")
}

// value is the value of a fact, or why there is none.
func (r *result) value(service, fact string) string {
	if v, ok := r.records[service+" "+fact]; ok {
		return v.Value.String()
	}
	for _, c := range r.covered {
		if slices.Contains(c.Facts, fact) {
			return "except " + string(c.Except[service])
		}
	}
	return "not covered"
}

// want compares facts of a service. Names without a pack are of jira.
func (r *result) want(t *testing.T, service string, facts map[string]string) {
	t.Helper()
	for fact, want := range facts {
		name := fact
		if !strings.Contains(fact, ".") {
			name = "jira." + fact
		}
		if got := r.value(service, name); got != want {
			t.Errorf("%s %s is %q, want %q (%s)", service, fact, got, want, r.records[service+" "+name].Detail)
		}
	}
}

// calls describes the CallErrors of a round.
func calls(err error) string {
	if err == nil {
		return ""
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	var words []string
	for _, err := range list {
		var failed *collectors.CallError
		if !errors.As(err, &failed) {
			return fmt.Sprintf("%v is no CallError", err)
		}
		words = append(words, failed.Call+" "+string(failed.Reason))
	}
	return strings.Join(words, ", ")
}

// refers is a service with references PROJECT or PROJECT/component.
func refers(name string, places ...string) *catalog.Service {
	s := &catalog.Service{Name: name}
	for _, place := range places {
		project, component, _ := strings.Cut(place, "/")
		s.Jira = append(s.Jira, catalog.JiraRef{Project: project, Component: component})
	}
	return s
}

// shop has a project with two components, a project of one service, and the
// projects of incidents and reviews.
func shop(issues ...jiratest.Issue) (jiratest.Site, []*catalog.Service) {
	return jiratest.Site{Projects: []string{"SHOP", "REP", "INC", "PRR"}, Issues: issues},
		[]*catalog.Service{refers("checkout", "SHOP/checkout"), refers("cart", "shop/Cart"), refers("reports", "REP"),
			refers("plain")}
}

const allGroups = "incidents jira.last_access_review_age_days jira.last_failover_test_age_days jira.last_gameday_age_days " +
	"jira.last_privacy_review_age_days jira.last_restore_test_age_days jira.last_threat_model_age_days " +
	"jira.overdue_postmortem_actions jira.overdue_privacy_issues jira.overdue_security_issues " +
	"jira.postmortem_ratio_180d jira.undated_security_issues reviews"

func TestAnEmptySiteIsObservedAbsence(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop()
		w := start(t, dataCenter, site, services)
		r := w.mustCollect()
		if got := r.groups(); got != allGroups {
			t.Errorf("covered %q", got)
		}
		for _, service := range []string{"checkout", "cart", "reports"} {
			r.want(t, service, map[string]string{
				"last_gameday_age_days": "never", "last_privacy_review_age_days": "never",
				"overdue_security_issues": "0", "undated_security_issues": "0", "overdue_postmortem_actions": "0",
				"major_incidents_180d": "0", "postmortem_ratio_180d": "1",
				"attest.cicd_change_reviewed": "false", "attest.rel_failover_proven": "false",
			})
		}
		for group, c := range r.covered {
			if got := fmt.Sprint(c.Except); got != "map[plain:no_reference]" || !c.At.Equal(noon) {
				t.Errorf("%s excepts %s at %s", group, got, c.At)
			}
		}
		if err := w.source.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestReferencesOfOtherSites(t *testing.T) {
	site, _ := shop()
	services := []*catalog.Service{
		{Name: "ours", Jira: []catalog.JiraRef{{Site: "main", Project: "SHOP"}}},
		{Name: "theirs", Jira: []catalog.JiraRef{{Site: "other", Project: "SHOP"}}},
		{Name: "whose", Jira: []catalog.JiraRef{{Project: "SHOP"}}},
	}
	for only, want := range map[bool]string{true: "0 except no_reference 0",
		false: "0 except no_reference except no_reference"} {
		w := start(t, false, site, services, func(s setup) { s.jira.OnlySite = only })
		r := w.mustCollect()
		const fact = "jira.overdue_security_issues"
		if got := r.value("ours", fact) + " " + r.value("theirs", fact) + " " + r.value("whose", fact); got != want {
			t.Errorf("only site %t: %s, want %s", only, got, want)
		}
		if !w.source.Answers(services[0], fact) || w.source.Answers(services[1], fact) ||
			w.source.Answers(services[2], fact) != only ||
			w.source.Answers(services[0], "pagerduty.oncall_now") {
			t.Errorf("only site %t: Answers disagrees", only)
		}
	}
}

func TestWithoutQueriesThereAreNoSuchFacts(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop()
		w := start(t, dataCenter, site, services, func(s setup) { s.jira.Incidents.JQL, s.jira.Reviews.JQL = "", "" })
		r := w.mustCollect()
		if n := len(w.source.Facts()); n != 10 || len(r.covered) != 10 ||
			w.source.Answers(services[0], "jira.major_incidents_180d") ||
			w.source.Answers(services[0], "attest.cicd_change_reviewed") {
			t.Errorf("%d facts, covered %q", n, r.groups())
		}
	})
}

func TestOptions(t *testing.T) {
	client := &http.Client{}
	good := jira.Options{Name: "main", HTTPClient: client, URL: "https://example.atlassian.net"}
	with := func(change func(*jira.Options)) jira.Options { o := good; change(&o); return o }
	for want, o := range map[string]jira.Options{
		"the name is missing":          with(func(o *jira.Options) { o.Name = "" }),
		"the HTTP client is missing":   with(func(o *jira.Options) { o.HTTPClient = nil }),
		"the URL is not an address":    with(func(o *jira.Options) { o.URL = "example.atlassian.net" }),
		`deployment "server"`:          with(func(o *jira.Options) { o.Deployment = "server" }),
		"page limit 1001":              with(func(o *jira.Options) { o.PageLimit = 1001 }),
		"reconcile every -1h0m0s":      with(func(o *jira.Options) { o.ReconcileEvery = -time.Hour }),
		"incidents: jql: a parenthesi": with(func(o *jira.Options) { o.Incidents.JQL = `project = "A") OR (project = "B"` }),
		"reviews: jql: it has ORDER":   with(func(o *jira.Options) { o.Reviews.JQL = `project = "A" order  BY rank` }),
		"and no field is named":        with(func(o *jira.Options) { o.Reviews.Services.By = "field" }),
		`linked by "team"`:             with(func(o *jira.Options) { o.Incidents.Services.By = "team" }),
		"attestation of":               with(func(o *jira.Options) { o.Attestations = []jira.Attestation{{Check: "a.b"}} }),
	} {
		if _, err := jira.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := jira.New(good); err != nil {
		t.Error(err)
	}
}
