package pagerduty_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

// fewAttempts bounds attempts.
func fewAttempts(_ *pagerdutytest.Options, _ *pagerduty.Options, c *transport.Config) {
	c.Timeout, c.MaxAttempts = 30*time.Second, 2
}

func TestOneCallFails(t *testing.T) {
	race.Skip(t, "the contract has the same faults")
	faults := map[evidence.Reason]pagerdutytest.Fault{
		evidence.ReasonForbidden:   {Status: 403},
		evidence.ReasonNotFound:    {Status: 404},
		evidence.ReasonGone:        {Status: 410},
		evidence.ReasonRateLimited: {Status: 429},
		evidence.ReasonServerError: {Status: 503},
		evidence.ReasonRejected:    {Status: 400},
		evidence.ReasonUnreachable: {Reset: true},
		evidence.ReasonIncomplete:  {AlwaysMore: true, NoRecords: true},
	}
	undecodable := map[string]pagerdutytest.Fault{
		"truncated":      {Truncate: true},
		"a login page":   {Body: "<html>", ContentType: "text/html"},
		"an empty JSON":  {Body: "{}"},
		"a null list":    {Body: `{"services":null,"escalation_policies":null,"oncalls":null,"incidents":null,"log_entries":null,"users":null,"change_events":null,"alert_grouping_settings":null,"triggers":null,"actions":null,"maintenance_windows":null,"more":false}`},
		"without more":   {Body: `{"services":[],"escalation_policies":[],"oncalls":[],"incidents":[],"log_entries":[],"users":[],"change_events":[],"maintenance_windows":[],"actions":"none","triggers":"none"}`},
		"not an object":  {Body: `[]`},
		"an error in OK": {Body: `{"error":{"message":"Not Found","code":2100}}`},
	}
	left := map[string]string{
		"GET /services": "", "GET /escalation_policies": every("escalation"), "GET /oncalls": every("oncall"),
		"GET /incidents":                   every("incidents", "pages", "urgency", "response", "change_failure", "sleep"),
		"GET /log_entries":                 every("response", "change_failure", "sleep"),
		"GET /maintenance_windows":         every("urgency", "response"),
		"GET /change_events":               every("changes", "change_failure"),
		"GET /users":                       every("sleep"),
		"GET /alert_grouping_settings":     every("grouping"),
		"GET /incident_workflows/triggers": every("workflows"),
		"GET /automation_actions/actions":  every("automation"),
	}
	for call, groups := range left {
		check := func(name string, reason evidence.Reason, fault pagerdutytest.Fault) {
			t.Run(call+" "+name, func(t *testing.T) {
				account, services := shop()
				w := start(t, account, services, fewAttempts)
				fault.Call = call
				w.fake.Inject(fault)
				r := w.collect()
				want := call + " " + string(reason)
				if call == "GET /incidents" {
					want += ", " + want
				}
				if got := calls(r.err); got != want {
					t.Errorf("error %q, want %q", got, want)
				}
				if got := r.groups(); got != groups {
					t.Errorf("covered %q, want %q", got, groups)
				}
				if asked := w.fake.Count(call); reason == evidence.ReasonIncomplete && asked > 2 {
					t.Errorf("asked %d times for pages that are empty", asked)
				}
				if fault.ContentType != "" && !strings.Contains(r.err.Error(), "is the endpoint PagerDuty's API?") {
					t.Errorf("error %v does not tell of the content type", r.err)
				}
				if strings.Contains(fmt.Sprint(r.err), "of-the-file") || strings.Contains(fmt.Sprint(r.err), "127.0.0.1:") &&
					reason != evidence.ReasonUnreachable {
					t.Errorf("the error has too much in it: %v", r.err)
				}
				w.fake.Heal()
				if r := w.collect(); r.err != nil || r.groups() != every() {
					t.Errorf("after healing: covered %q, error %v", r.groups(), r.err)
				}
			})
		}
		for reason, fault := range faults {
			check(string(reason), reason, fault)
		}
		for name, fault := range undecodable {
			check(name, evidence.ReasonUndecodable, fault)
		}
	}
}

func TestUnauthorizedEndsTheRound(t *testing.T) {
	account, services := shop()
	w := start(
		t, account, services,
		func(o *pagerdutytest.Options, _ *pagerduty.Options, _ *transport.Config) { o.Token = "another" },
	)
	r := w.collect()
	if got := calls(r.err); got != "GET /services unauthorized" || len(r.covered) != 0 || r.batches != 0 {
		t.Errorf("error %q, covered %v", got, r.covered)
	}
	if n := len(w.fake.Requests()); n != 1 {
		t.Errorf("%d requests after the credential was refused, want 1", n)
	}
	var failed *collectors.CallError
	if err := w.source.Check(t.Context()); !errors.As(err, &failed) || failed.Reason != evidence.ReasonUnauthorized ||
		failed.Status != 401 {
		t.Errorf("check: %v", err)
	}
}

func TestMissingScopeCostsItsFactsAndNamesItself(t *testing.T) {
	account, services := shop()
	w := start(t, account, services)
	for scope, groups := range map[string]string{
		"oncalls.read": every("oncall"), "escalation_policies.read": every("escalation"), "users.read": every("sleep"),
		"incidents.read":     every("incidents", "pages", "urgency", "response", "change_failure", "sleep"),
		"change_events.read": every("changes", "change_failure"), "incident_workflows.read": every("workflows"),
		"automation_actions.read": every("automation"),
	} {
		w.fake.Deny(scope)
		r := w.collect()
		if got := r.groups(); got != groups {
			t.Errorf("without %s covered %q, want %q", scope, got, groups)
		}
		if r.err == nil || !strings.Contains(r.err.Error(), scope) {
			t.Errorf("error %v does not name the scope %s", r.err, scope)
		}
		w.fake.Allow(scope)
	}
	// A refusal that says nothing.
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /users", Status: http.StatusForbidden})
	if r := w.collect(); r.err == nil || !strings.Contains(r.err.Error(), "users.read") {
		t.Errorf("error %v does not name the scope", r.err)
	}
	if err := w.source.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
}

func TestSecondPageFails(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 250, time.Hour)
	for i := range 150 {
		account.Services = append(
			account.Services, pagerdutytest.Service{ID: fmt.Sprintf("PX%d", i), EscalationPolicy: "EGOOD"},
		)
	}
	t.Run("of incidents", func(t *testing.T) {
		w := start(t, account, services)
		w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Skip: 1, Times: 4, Status: http.StatusBadGateway})
		r := w.collect()
		if got := calls(r.err); got != "GET /incidents server_error" {
			t.Errorf("error %q", got)
		}
		if len(r.incidents) != 100 ||
			r.groups() != every("incidents", "pages", "urgency", "response", "change_failure", "sleep") {
			t.Errorf("%d incidents kept, covered %q", len(r.incidents), r.groups())
		}
	})
	t.Run("of services", func(t *testing.T) {
		w := start(t, account, services)
		w.fake.Inject(pagerdutytest.Fault{Call: "GET /services", Skip: 1, Status: http.StatusBadGateway})
		r := w.collect()
		if got := calls(r.err); got != "GET /services server_error" {
			t.Errorf("error %q", got)
		}
		if len(r.incidents) != 250 || r.groups() != "" || len(r.records) != 0 || len(r.withdrawals) != 0 {
			t.Errorf(
				"%d incidents, covered %q, %d records, %d withdrawals", len(r.incidents), r.groups(), len(r.records),
				len(r.withdrawals),
			)
		}
	})
}

func TestSmallerPagesThanAsked(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 130, time.Hour)
	w := start(t, account, services)
	w.fake.Inject(pagerdutytest.Fault{PageLimit: 1, Call: "GET /services"})
	w.fake.Inject(pagerdutytest.Fault{PageLimit: 30, Call: "GET /incidents"})
	r := w.collect()
	if r.err != nil || len(r.incidents) != 130 {
		t.Errorf("%d incidents, error %v", len(r.incidents), r.err)
	}
	r.want(t, "reports", map[string]string{"service_exists": "true"})
}

func TestListingWithoutEndIsAnError(t *testing.T) {
	account, services := shop()
	w := start(t, account, services)
	w.fake.Inject(pagerdutytest.Fault{
		Call: "GET /services", AlwaysMore: true, NoRecords: true, Records: nil,
		Body: `{"services":[{"id":"PGOOD","status":"active"}],"more":true}`,
	})
	r := w.collect()
	if got := calls(r.err); got != "GET /services incomplete" {
		t.Errorf("error %q", got)
	}
	if n := w.fake.Count("GET /services"); n > 1000 {
		t.Errorf("%d requests", n)
	}
}

// Answers on which the vendor's own types fail, panic or lose what was said.
func TestOnlyUndecodableRecordsAreLost(t *testing.T) {
	for name, tc := range map[string]struct {
		call, record string
		kind         string
		wants        map[string]map[string]string
	}{
		"a service's number is text": {
			"GET /services", `{"id":"PGOOD","status":"active","acknowledgement_timeout":"long"}`, "", nil,
		},
		"a service without a status": {
			"GET /services", `{"id":"PODD"}`, "service",
			map[string]map[string]string{
				"odd":      {"service_exists": "except undecodable", "oncall_now": "except undecodable"},
				"checkout": {"integrations": "2"},
			},
		},
		"a service that may be any": {
			"GET /services", `{"id":7}`, "service",
			map[string]map[string]string{
				"odd": {"service_exists": "except undecodable"}, "checkout": {"service_exists": "true"},
			},
		},
		"null among services": {
			"GET /services", `null`, "service",
			map[string]map[string]string{
				"odd": {"service_exists": "except undecodable"}, "checkout": {"service_exists": "true"},
			},
		},
		"a policy without rules": {
			"GET /escalation_policies", `{"id":"EODD"}`, "escalation_policy",
			map[string]map[string]string{"checkout": {"escalation_levels": "3"}},
		},
		"permanent on-call": {
			"GET /oncalls",
			`{"escalation_policy":{"id":"EBAD"},"escalation_level":1,"user":{"id":"U9"},"schedule":null,"start":null,"end":null}`, "",
			map[string]map[string]string{"reports": {"coverage_ratio_14d": "1", "oncall_now": "2", "lone_levels": "false"}},
		},
		"permanent on-call in empty words": {
			"GET /oncalls", `{"escalation_policy":{"id":"EBAD"},"escalation_level":1,"user":{"id":"U9"},"start":"","end":""}`,
			"",
			map[string]map[string]string{"reports": {"coverage_ratio_14d": "1"}},
		},
		"a shift at no time": {
			"GET /oncalls",
			`{"escalation_policy":{"id":"EBAD"},"escalation_level":1,"user":{"id":"U9"},"start":"tomorrow","end":null}`,
			"oncall",
			map[string]map[string]string{
				"reports": {"coverage_ratio_14d": "except undecodable"}, "checkout": {"coverage_ratio_14d": "1"},
			},
		},
		"a shift without a user": {
			"GET /oncalls", `{"escalation_policy":null,"escalation_level":1,"user":{"id":"U9"}}`, "oncall",
			map[string]map[string]string{"reports": {"level1_coverage_ratio_14d": "0.4643", "coverage_ratio_14d": "1"}},
		},
		"an incident whose channel has no type": {
			"GET /incidents",
			`{"id":"Q9","status":"triggered","urgency":"high","created_at":"2026-03-04T11:00:00Z","service":{"id":"PGOOD"},"first_trigger_log_entry":{"channel":{"type":null}},"priority":null,"body":{"details":{"a":1}},"last_status_change_by":null,"escalation_policy":null}`, "",
			map[string]map[string]string{"checkout": {"high_urgency_90d": "2"}},
		},
		"an incident without a channel": {
			"GET /incidents",
			`{"id":"Q9","status":"triggered","urgency":"high","created_at":"2026-03-04T11:00:00+01:00","service":{"id":"PGOOD"},"first_trigger_log_entry":{"channel":null}}`, "",
			map[string]map[string]string{"checkout": {"high_urgency_90d": "2"}},
		},
		"an incident of no time": {
			"GET /incidents", `{"id":"Q9","status":"triggered","urgency":"high","created_at":null,"service":{"id":"PGOOD"}}`,
			"incident",
			map[string]map[string]string{
				"checkout": {"high_urgency_90d": "except undecodable", "noise_ratio_30d": "except undecodable"},
				"reports":  {"high_urgency_90d": "0", "page_load_per_week": "0"},
			},
		},
		"an incident without a status": {
			"GET /incidents", `{"id":"Q9","urgency":"high","created_at":"2026-03-04T11:00:00Z","service":{"id":"PGOOD"}}`,
			"incident",
			map[string]map[string]string{
				"checkout": {"high_urgency_90d": "except undecodable"}, "reports": {"high_urgency_90d": "0"},
			},
		},
		"an incident of no service": {
			"GET /incidents", `{"id":"Q9","status":"triggered","created_at":"2026-03-04T11:00:00Z","service":null}`,
			"incident",
			map[string]map[string]string{"checkout": {"high_urgency_90d": "1"}},
		},
		"an incident resolved at no time": {
			"GET /incidents",
			`{"id":"Q9","status":"resolved","urgency":"high","created_at":"2026-03-04T11:00:00Z","service":{"id":"PGOOD"}}`,
			"",
			map[string]map[string]string{"checkout": {"high_urgency_90d": "2"}},
		},
		"an incident that is text": {
			"GET /incidents", `"Q9"`, "incident",
			map[string]map[string]string{
				"checkout": {"high_urgency_90d": "except undecodable"}, "reports": {"high_urgency_90d": "except undecodable"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = crowd("PGOOD", 1, 0)
			w := start(t, account, append(services, refers("odd", "PODD")))
			w.fake.Inject(pagerdutytest.Fault{Call: tc.call, Records: []string{tc.record}})
			r := w.collect()
			if r.err != nil || r.groups() != every() {
				t.Fatalf("covered %q, error %v", r.groups(), r.err)
			}
			for service, facts := range tc.wants {
				r.want(t, service, facts)
			}
			lines := strings.Count(w.log.String(), "\n")
			if tc.kind != "" && (r.skipped[tc.kind] == 0 || lines != 1) {
				t.Errorf("skipped %v, logged %d lines", r.skipped, lines)
			}
			if w.collect(); strings.Count(w.log.String(), "\n") != lines {
				t.Errorf("logged again without a change:\n%s", w.log)
			}
		})
	}
}

func TestStoreFailsAndContextEnds(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 250, time.Hour)
	w := start(t, account, services)
	full := errors.New("the disk is full")
	pages, refused := 0, false
	r := w.collectWith(t.Context(), func(b evidence.Batch) error {
		if refused {
			t.Error("a batch after one that could not be stored")
		}
		if len(b.Incidents) > 0 {
			pages++
		}
		if refused = pages == 2; refused {
			return full
		}
		return nil
	})
	if !errors.Is(r.err, full) || !strings.HasSuffix(calls(r.err), "store") || len(r.incidents) != 100 {
		t.Errorf("error %v after %d batches", r.err, r.batches)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r = w.collectWith(ctx, func(b evidence.Batch) error {
		if len(b.Incidents) > 0 {
			cancel()
		}
		return nil
	})
	if got := calls(r.err); got != "GET /incidents canceled" ||
		r.groups() != every("changes", "change_failure", "incidents", "pages", "response", "sleep", "urgency") {
		t.Errorf("error %q, covered %q", got, r.groups())
	}
}

func TestRateLimitIsWaitedFor(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = crowd("PGOOD", 1500, time.Hour)
	w := start(t, account, services, func(o *pagerdutytest.Options, _ *pagerduty.Options, c *transport.Config) {
		o.RateLimit, c.BudgetShare = 5, 1
	})
	r := w.collect()
	if r.err != nil || len(r.incidents) != 1500 {
		t.Errorf("%d incidents, error %v", len(r.incidents), r.err)
	}
	for _, q := range w.fake.Requests() {
		if q.Status == http.StatusTooManyRequests {
			t.Errorf("the budget was overdrawn by %s", q.Call)
		}
	}
}
