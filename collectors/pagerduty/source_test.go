package pagerduty_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

// noon is when every test takes place.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// world is a simulated account, and the source that looks at it over HTTP.
type world struct {
	t      testing.TB
	fake   *pagerdutytest.Server
	source *pagerduty.Source
	// options are those of the source.
	options pagerduty.Options
	log     *strings.Builder

	services []*catalog.Service
	// store is what rounds have stored; nil for a store that keeps nothing, so
	// that every round is a first one.
	store *stored
	// progress is called with the progress of long steps.
	progress func(collectors.Progress)
	// anonymous says that there is no key for hashes of people.
	anonymous bool
	mu        sync.Mutex
	now       time.Time
}

// stored is as much of a store as a source needs.
type stored struct {
	cursors   map[string]string
	incidents map[string]evidence.Incident
	// entries are those of incidents, by id.
	entries map[string]evidence.LogEntry
}

func newStored() *stored {
	return &stored{
		cursors: map[string]string{}, incidents: map[string]evidence.Incident{}, entries: map[string]evidence.LogEntry{},
	}
}

// keep makes rounds go on from what earlier ones have stored.
func (w *world) keep() {
	w.store = newStored()
}

func (s *stored) commit(b evidence.Batch) {
	for name, value := range b.Cursors {
		if s.cursors[name] = value; value == "" {
			delete(s.cursors, name)
		}
	}
	for _, in := range b.Incidents {
		s.incidents[in.ID] = in
	}
	for _, e := range b.LogEntries {
		if old, stored := s.entries[e.ID]; !stored || old.Kind == evidence.LogUndecodable ||
			e.Words != "" && e.Words != old.Words {
			s.entries[e.ID] = e
		}
	}
}

func (s *stored) listEntries(_ context.Context, incidents []string, each func(evidence.LogEntry) error) error {
	wanted := map[string]bool{}
	for _, id := range incidents {
		wanted[id] = true
	}
	for _, e := range s.entries {
		if wanted[e.Incident] {
			if err := each(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stored) list(_ context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error) error {
	for _, id := range slices.Sorted(maps.Keys(s.incidents)) {
		in := s.incidents[id]
		lasts := in.ResolvedAt.IsZero() || !in.ResolvedAt.Before(span.Since)
		within := (!in.StartedAt.Before(span.Since) || span.Lasting && lasts) && (span.Until.IsZero() ||
			in.StartedAt.Before(span.Until))
		within = within && (!span.Merged || in.MergedInto != "") && (span.IDs == nil || slices.Contains(span.IDs, id))
		if !in.Gone && within {
			if err := each(in); err != nil {
				return err
			}
		}
	}
	return nil
}

// later moves the clock.
func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// restart makes a new source, as a new process would.
func (w *world) restart() {
	w.t.Helper()
	var err error
	if w.source, err = pagerduty.New(w.options); err != nil {
		w.t.Fatal(err)
	}
}

type setting func(*pagerdutytest.Options, *pagerduty.Options, *transport.Config)

func start(t testing.TB, account pagerdutytest.Account, services []*catalog.Service, settings ...setting) *world {
	t.Helper()
	w := &world{t: t, services: services, log: &strings.Builder{}, now: noon}
	clock := func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
	fakeOptions := pagerdutytest.Options{
		Account: account, Now: clock, Token: "of-the-file", Fail: func(msg string) { t.Error(msg) },
	}
	options := pagerduty.Options{
		Name: "main", OnlyAccount: true, Now: clock,
		Logger: slog.New(slog.NewTextHandler(w.log, nil)),
		// Tests of the history ask for more.
		History: pagerduty.LeastHistory,
	}
	out := transport.Config{
		Source: "pagerduty/main", Now: clock, RatePerMinute: transport.Unlimited,
		HTTP: config.HTTPClientConfig{Authorization: &config.Authorization{Type: "Token", Credentials: "token=of-the-file"}},
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.now = w.now.Add(d)
			return ctx.Err()
		},
	}
	for _, set := range settings {
		set(&fakeOptions, &options, &out)
	}
	w.fake = pagerdutytest.New(fakeOptions)
	server := httptest.NewServer(w.fake)
	t.Cleanup(server.Close)
	client, err := transport.New(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	options.HTTPClient, options.Endpoint = client, server.URL+"/"
	w.options = options
	w.restart()
	return w
}

// result is what one round emitted, put together as a store would.
type result struct {
	err         error
	records     map[string]evidence.Record // by service and fact
	withdrawals map[string]evidence.Missing
	incidents   map[string]evidence.Incident
	covered     map[string]evidence.Coverage
	skipped     map[string]int
	uncounted   []evidence.Uncounted
	doubts      []evidence.IncidentDoubt
	batches     int
}

func (w *world) collect() *result {
	w.t.Helper()
	return w.collectWith(w.t.Context(), func(evidence.Batch) error { return nil })
}

func (w *world) collectWith(ctx context.Context, store func(evidence.Batch) error) *result {
	w.t.Helper()
	r := &result{
		records: map[string]evidence.Record{}, withdrawals: map[string]evidence.Missing{},
		incidents: map[string]evidence.Incident{}, covered: map[string]evidence.Coverage{}, skipped: map[string]int{},
	}
	definitions, err := evidence.NewFacts(w.source.Facts())
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	now := w.now
	w.mu.Unlock()
	request := collectors.Request{Services: w.services, Now: now, Progress: w.progress}
	if !w.anonymous {
		request.Person = func(id string) string { return "hash of " + id }
	}
	kept := w.store
	if kept == nil {
		kept = newStored() // what the round itself stores can be read in it
	}
	request.Cursors, request.Incidents, request.LogEntries = maps.Clone(kept.cursors), kept.list, kept.listEntries
	r.err = w.source.Collect(ctx, request, func(b evidence.Batch) error {
		if err := store(b); err != nil {
			return err
		}
		kept.commit(b)
		r.batches++
		for _, v := range b.Records {
			d, err := definitions.Lookup(v.Fact)
			if err != nil {
				w.t.Error(err)
			}
			if v.Value.Kind() != d.Kind || v.Source != w.source.ID() || !v.ObservedAt.Equal(now) || !v.Since.IsZero() ||
				v.Detail == "" {
				w.t.Errorf("bad record %+v", v)
			}
			r.records[v.Service+" "+v.Fact] = v
		}
		for _, v := range b.Withdrawals {
			r.withdrawals[v.Service+" "+v.Fact] = v.Reason
		}
		for _, v := range b.Incidents {
			if old, twice := r.incidents[v.ID]; twice && reflect.DeepEqual(old, v) {
				w.t.Errorf("incident %s emitted twice", v.ID)
			}
			r.incidents[v.ID] = v
		}
		for _, v := range b.Covered {
			r.covered[v.Group] = v
		}
		for kind, n := range b.Skipped {
			r.skipped[kind] += n
		}
		if b.Uncounted != nil {
			r.uncounted = b.Uncounted
		}
		if b.IncidentDoubts != nil {
			r.doubts = b.IncidentDoubts
		}
		return nil
	})
	return r
}

// every names the groups but those that are left out.
func every(but ...string) string {
	return strings.Join(slices.DeleteFunc(pagerduty.Groups(), func(g string) bool { return slices.Contains(but, g) }), " ")
}

// groups are the names of the covered groups.
func (r *result) groups() string {
	return strings.Join(slices.Sorted(maps.Keys(r.covered)), " ")
}

// value is the value of a fact, or why there is none.
func (r *result) value(service, fact string) string {
	key := service + " pagerduty." + fact
	if v, ok := r.records[key]; ok {
		return v.Value.String()
	}
	if why, ok := r.withdrawals[key]; ok {
		return string(why)
	}
	for _, c := range r.covered {
		if slices.Contains(c.Facts, "pagerduty."+fact) {
			return "except " + string(c.Except[service])
		}
	}
	return "not covered"
}

// want compares facts of a service.
func (r *result) want(t *testing.T, service string, facts map[string]string) {
	t.Helper()
	for fact, want := range facts {
		if got := r.value(service, fact); got != want {
			t.Errorf("%s %s is %q, want %q (%s)", service, fact, got, want, r.records[service+" pagerduty."+fact].Detail)
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

func refers(name string, ids ...string) *catalog.Service {
	s := &catalog.Service{Name: name}
	for _, id := range ids {
		s.PagerDuty = append(s.PagerDuty, catalog.PagerDutyRef{ServiceID: id})
	}
	return s
}

// shop is a small account: a good service, a bad one, and one without a reference.
func shop() (pagerdutytest.Account, []*catalog.Service) {
	rotation := func(id string, users ...string) pagerdutytest.Schedule {
		return pagerdutytest.Schedule{
			ID: id, Name: "Rotation " + id, Users: users, Start: noon.Add(-100 * day), Shift: 7 * day,
		}
	}
	account := pagerdutytest.Account{
		Services: []pagerdutytest.Service{
			{
				ID: "PGOOD", Name: "Checkout", EscalationPolicy: "EGOOD",
				Integrations: []string{
					"events_api_v2_inbound_integration", "generic_email_inbound_integration", "nagios_inbound_integration",
				},
				AckTimeout: 30 * time.Minute, AutoResolve: 4 * time.Hour, AlertGrouping: "intelligent", AutoPause: true,
			},
			{ID: "PBAD", Name: "Reports", EscalationPolicy: "EBAD", Status: "disabled", AlertGrouping: "time", AutoPause: true},
		},
		EscalationPolicies: []pagerdutytest.EscalationPolicy{
			{ID: "EGOOD", Name: "Shop", Levels: []pagerdutytest.Level{
				{Schedules: []string{"S1"}}, {Schedules: []string{"S2"}}, {}, {Users: []string{"UBOSS", "U1"}},
			}},
			{ID: "EBAD", Name: "Reports", Levels: []pagerdutytest.Level{
				{Schedules: []string{"S3"}}, {Users: []string{"ULONE"}},
			}},
		},
		Schedules: []pagerdutytest.Schedule{
			rotation("S1", "U1", "U2", "U3"), rotation("S2", "U2", "U3", "U1"),
			{
				ID: "S3", Users: []string{"ULONE"}, Start: noon.Add(-30 * day), Shift: 7 * day, From: 6, To: 18,
				Gaps: []pagerdutytest.Span{{Start: noon.Add(3 * day), End: noon.Add(4 * day)}},
			},
		},
	}
	return account, []*catalog.Service{refers("checkout", "PGOOD"), refers("reports", "PBAD"), refers("plain")}
}

func TestSetupEscalationAndOnCall(t *testing.T) {
	w := start(t, first(shop()), second(shop()))
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	if got := r.groups(); got != every() {
		t.Errorf("covered %q", got)
	}
	r.want(t, "checkout", map[string]string{
		"service_exists": "true", "service_enabled": "true", "integrations": "2",
		"ack_timeout_seconds": "1800", "adaptive_alerting": "true",
		"escalation_levels": "3",
		"oncall_now":        "3", "escalation_people": "4", "lone_levels": "false", "coverage_ratio_14d": "1",
		"coverage_ratio_30d": "1", "rotation_people": "3",
		"mtta_p90_seconds_90d": "too_few", "unacknowledged_ratio_90d": "too_few", "noise_ratio_30d": "0",
		"sleep_interruptions_30d": "0",
		"change_events_30d":       "0", "change_failure_ratio_90d": "too_few", "automatic_workflows": "0",
		"orchestrated_actions": "0",
		"high_urgency_90d":     "0", "machine_detected_ratio_90d": "too_few", "repeat_manual_templates_90d": "0",
		"page_load_per_week": "0",
	})
	r.want(t, "reports", map[string]string{
		"service_exists": "true", "service_enabled": "false", "integrations": "0",
		"ack_timeout_seconds": "0", "adaptive_alerting": "false",
		"escalation_levels": "2",
		// Level 1 has somebody 12 hours a day without one day, of 14, and level 2 always.
		"oncall_now": "1", "escalation_people": "1", "lone_levels": "true", "coverage_ratio_14d": "1",
		"coverage_ratio_30d": "1", "rotation_people": "1", "level1_coverage_ratio_14d": "0.4643",
		"level1_coverage_gaps_30d": "30", "next_gap_hours": "never", "coverage_gaps_30d": "0",
	})
	if got, want := r.records["reports pagerduty.level1_coverage_ratio_14d"].Detail,
		"the first from 2026-03-04T18:00:00Z to 2026-03-05T06:00:00Z on S3"; !strings.Contains(got, want) {
		t.Errorf("detail %q, want %q in it", got, want)
	}
	for group, c := range r.covered {
		if got := fmt.Sprint(c.Except); got != "map[plain:no_reference]" {
			t.Errorf("%s excepts %s", group, got)
		}
		if !c.At.Equal(noon) {
			t.Errorf("%s covered at %s", group, c.At)
		}
	}
	for _, v := range r.records {
		if strings.Contains(v.Detail, "Somebody") || strings.Contains(v.Detail, "ULONE") {
			t.Errorf("a person in the detail %q", v.Detail)
		}
	}
}

func first(a pagerdutytest.Account, _ []*catalog.Service) pagerdutytest.Account { return a }
func second(_ pagerdutytest.Account, s []*catalog.Service) []*catalog.Service   { return s }

func TestReferencesToServicesThatDoNotExist(t *testing.T) {
	account, _ := shop()
	services := []*catalog.Service{
		refers("gone", "PGONE"), refers("half", "PGONE", "PGOOD"), refers("both", "PGOOD", "PBAD"),
	}
	r := start(t, account, services).collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "gone", map[string]string{
		"service_exists": "false", "service_enabled": "not_found", "integrations": "not_found",
		"escalation_levels": "not_found", "oncall_now": "not_found", "high_urgency_90d": "not_found",
		"machine_detected_ratio_90d": "not_found",
	})
	r.want(
		t, "half",
		map[string]string{"service_exists": "true", "integrations": "2", "oncall_now": "3", "high_urgency_90d": "0"},
	)
	r.want(t, "both", map[string]string{
		"service_exists": "true", "service_enabled": "false", "integrations": "2", "adaptive_alerting": "false",
		"ack_timeout_seconds": "0", "escalation_levels": "2", "lone_levels": "true", "level1_coverage_ratio_14d": "0.4643",
	})
}

func TestReferencesOfOtherAccounts(t *testing.T) {
	account, _ := shop()
	services := []*catalog.Service{
		{Name: "ours", PagerDuty: []catalog.PagerDutyRef{{Account: "main", ServiceID: "PGOOD"}}},
		{Name: "theirs", PagerDuty: []catalog.PagerDutyRef{{Account: "other", ServiceID: "PGOOD"}}},
		{Name: "whose", PagerDuty: []catalog.PagerDutyRef{{ServiceID: "PGOOD"}}},
	}
	for only, want := range map[bool]string{
		true: "true except no_reference true", false: "true except no_reference except no_reference",
	} {
		w := start(
			t, account, services,
			func(_ *pagerdutytest.Options, o *pagerduty.Options, _ *transport.Config) { o.OnlyAccount = only },
		)
		r := w.collect()
		got := r.value("ours", "service_exists") + " " + r.value("theirs", "service_exists") + " " +
			r.value("whose", "service_exists")
		if got != want {
			t.Errorf("only account %t: %s, want %s", only, got, want)
		}
		if w.source.Answers(services[0], "pagerduty.oncall_now") != true ||
			w.source.Answers(services[1], "pagerduty.oncall_now") ||
			w.source.Answers(services[2], "pagerduty.oncall_now") != only || w.source.Answers(services[0], "jira.oncall") {
			t.Errorf("only account %t: Answers disagrees", only)
		}
	}
}

func TestDefinitionsAreSound(t *testing.T) {
	facts, err := evidence.NewFacts(pagerduty.Definitions())
	if err != nil {
		t.Fatal(err)
	}
	if facts.Len() == 0 {
		t.Error("no facts")
	}
	for i := range facts.Len() {
		d := facts.At(i)
		incident := slices.Contains(d.Permissions, "incidents.read")
		if d.Outcome != incident || d.Absent == "" || d.Pack != "pagerduty" {
			t.Errorf("definition %+v", d)
		}
		if onCall := slices.Contains(d.Permissions, "oncalls.read"); onCall != (d.ValidFor == day) {
			t.Errorf("%s is valid for %s", d.Name, d.ValidFor)
		}
		if everyRound := incident && d.Name != "pagerduty.sleep_interruptions_30d" &&
			d.Name != "pagerduty.change_failure_ratio_90d"; everyRound != (d.FreshAtLeast == 0) || d.FreshFor != 0 {
			t.Errorf("%s is fresh for %s, at least %s", d.Name, d.FreshFor, d.FreshAtLeast)
		}
	}
}

func TestOptions(t *testing.T) {
	client := &http.Client{}
	for want, o := range map[string]pagerduty.Options{
		"the name is missing":               {HTTPClient: client},
		"the HTTP client is missing":        {Name: "main"},
		"the endpoint is not a base URL":    {Name: "main", HTTPClient: client, Endpoint: "api.pagerduty.com"},
		"page limit 101: want 1 to 100":     {Name: "main", HTTPClient: client, PageLimit: 101},
		"history 1h0m0s: incident facts ne": {Name: "main", HTTPClient: client, History: time.Hour},
	} {
		if _, err := pagerduty.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
