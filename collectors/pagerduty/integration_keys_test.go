package pagerduty_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
)

// Keys of integrations: of PGOOD, of PBAD and of none.
const (
	goodKey = "600d600d600d600d600d600d600d600d"
	badKey  = "bad0bad0bad0bad0bad0bad0bad0bad0"
	noKey   = "0123456789abcdef0123456789abcdef"
)

// keyed is the small account with known keys, and an incident of each service.
func keyed() pagerdutytest.Account {
	account, _ := shop()
	account.Services[0].IntegrationKeys = []string{goodKey}
	account.Services[1].Integrations = []string{"events_api_v2_inbound_integration"}
	account.Services[1].IntegrationKeys = []string{badKey}
	account.Incidents = append(crowd("PGOOD", 1, 0), crowd("PBAD", 1, 0)...)
	for i := range account.Incidents {
		// A round does not read so much of the log again.
		in := &account.Incidents[i]
		in.CreatedAt, in.ResolvedAt = in.CreatedAt.Add(-3*day), in.ResolvedAt.Add(-3*day)
	}
	return account
}

func refersByKey(name string, keys ...string) *catalog.Service {
	s := &catalog.Service{Name: name}
	for _, key := range keys {
		s.PagerDuty = append(s.PagerDuty, catalog.PagerDutyRef{IntegrationKey: catalog.NewIntegrationKey(key)})
	}
	return s
}

// everything that a round has emitted, as text.
func (r *result) text(w *world) string {
	return fmt.Sprintf("%+v %+v %+v %+v %+v %v %v %s %v", r.records, r.withdrawals, r.incidents, r.covered, r.uncounted,
		r.doubts, r.err, w.log, w.store)
}

// A reference by the key of an integration is one to the service that has it, with the
// same requests, facts and incidents as one by its id. The key leaves the source nowhere.
func TestIntegrationKeysAreLookedUp(t *testing.T) {
	facts := map[string]map[string]evidence.Value{}
	requests := map[string][]pagerdutytest.Request{}
	for how, services := range map[string][]*catalog.Service{
		"id":  {refers("checkout", "PGOOD"), refers("reports", "PBAD"), refers("both", "PGOOD", "PBAD")},
		"key": {refersByKey("checkout", goodKey), refersByKey("reports", badKey), refersByKey("both", goodKey, badKey)},
	} {
		w := start(t, keyed(), services)
		w.keep()
		for range 2 {
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			for key, record := range r.records {
				if facts[how] == nil {
					facts[how] = map[string]evidence.Value{}
				}
				facts[how][key] = record.Value
			}
			if text := r.text(w); strings.Contains(text, goodKey) || strings.Contains(text, badKey) {
				t.Errorf("a key in what a round emits: %s", text)
			}
			w.later(time.Hour)
		}
		if got := w.store.incidents["QPGOOD000000"].Services; !reflect.DeepEqual(got, []string{"checkout", "both"}) {
			t.Errorf("by %s: the incident is of %v", how, got)
		}
		requests[how] = w.fake.Requests()
	}
	if len(facts["id"]) < 100 || !reflect.DeepEqual(facts["id"], facts["key"]) {
		t.Errorf("%d facts by id and %d by key differ", len(facts["id"]), len(facts["key"]))
	}
	if n := len(requests["id"]); n != len(requests["key"]) {
		t.Errorf("%d requests by id and %d by key", n, len(requests["key"]))
	}
}

// A service whose key no integration has has no facts, for that reason, and its incidents
// are not known. The others have theirs.
func TestAnIntegrationKeyOfNoIntegration(t *testing.T) {
	services := []*catalog.Service{
		refersByKey("lost", noKey), refersByKey("half", goodKey, noKey), refers("checkout", "PGOOD"),
	}
	w := start(t, keyed(), services)
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	for _, d := range w.source.Facts() {
		if !w.source.Answers(services[0], d.Name) {
			t.Errorf("%s is not asked for", d.Name)
		}
		fact := strings.TrimPrefix(d.Name, "pagerduty.")
		r.want(t, "lost", map[string]string{fact: "unknown_key"})
		r.want(t, "half", map[string]string{fact: "unknown_key"})
	}
	r.want(t, "checkout", map[string]string{"service_exists": "true", "integrations": "2", "high_urgency_90d": "1"})
	var doubted []string
	for _, d := range r.doubts {
		doubted = append(doubted, d.Service)
	}
	if got := strings.Join(doubted, " "); got != "half lost" {
		t.Errorf("incidents are not known of %q", got)
	}
	if text := r.text(w); strings.Contains(text, noKey) {
		t.Errorf("a key in what a round emits: %s", text)
	}
}

// An id counts before a key, whatever integration has it.
func TestAServiceIDCountsBeforeAnIntegrationKey(t *testing.T) {
	for _, key := range []string{goodKey, badKey, noKey} {
		service := refers("checkout", "PGOOD")
		service.PagerDuty[0].IntegrationKey = catalog.NewIntegrationKey(key)
		w := start(t, keyed(), []*catalog.Service{service})
		r := w.collect()
		r.want(t, "checkout", map[string]string{"service_enabled": "true", "integrations": "2"})
		if got := r.incidents["QPGOOD000000"].Services; len(got) != 1 || len(r.incidents["QPBAD000000"].Services) > 0 {
			t.Errorf("with %s the incident is of %v", key, got)
		}
	}
}

// A key that moves to an integration of another service is one of that service, with its
// incidents, once the services are listed again.
func TestAnIntegrationKeyMoves(t *testing.T) {
	account := keyed()
	w := start(t, account, []*catalog.Service{refersByKey("checkout", goodKey)})
	w.keep()
	w.collect().want(t, "checkout", map[string]string{"service_enabled": "true"})
	account.Services[0].IntegrationKeys, account.Services[1].IntegrationKeys = []string{badKey}, []string{goodKey}
	w.fake.SetAccount(account)
	w.later(61 * time.Minute)
	w.collect().want(t, "checkout", map[string]string{"service_enabled": "false"})
	good, bad := w.store.incidents["QPGOOD000000"], w.store.incidents["QPBAD000000"]
	if len(good.Services) > 0 || !reflect.DeepEqual(bad.Services, []string{"checkout"}) {
		t.Errorf("the incidents are of %v and %v", good.Services, bad.Services)
	}
}

// A record that cannot be read may have the integration. A service that was found before
// is still referred to.
func TestAnIntegrationKeyOfAServiceThatCannotBeRead(t *testing.T) {
	unreadable := pagerdutytest.Fault{Call: "GET /services", Records: []string{`{"id":"PGOOD","status":7}`}}
	account := keyed()
	readable := account.Services
	w := start(t, account, []*catalog.Service{refersByKey("checkout", goodKey), refersByKey("reports", badKey)})
	w.keep()
	account.Services = readable[1:]
	w.fake.SetAccount(account)
	w.fake.Inject(unreadable)
	r := w.collect()
	r.want(t, "checkout", map[string]string{
		"service_exists": "except undecodable", "high_urgency_90d": "except undecodable",
	})
	r.want(t, "reports", map[string]string{"service_exists": "true"})

	w.fake.Heal()
	account.Services = readable
	w.fake.SetAccount(account)
	w.later(61 * time.Minute)
	w.collect().want(t, "checkout", map[string]string{"service_exists": "true"})
	account.Services = readable[1:]
	w.fake.SetAccount(account)
	w.fake.Inject(unreadable)
	w.later(61 * time.Minute)
	w.collect().want(t, "checkout", map[string]string{"service_exists": "except undecodable"})
	if got := w.store.incidents["QPGOOD000000"].Services; len(got) != 1 {
		t.Errorf("the incident is of %v", got)
	}
}

// A credential that sees no keys does not show that a key is of no integration.
func TestIntegrationKeysThatAreNotShown(t *testing.T) {
	account := keyed()
	account.Services[0].IntegrationKeys, account.Services[1].IntegrationKeys = []string{"", "", ""}, []string{""}
	w := start(t, account, []*catalog.Service{refersByKey("checkout", goodKey)})
	w.collect().want(t, "checkout", map[string]string{"service_exists": "except undecodable"})
	got := w.source.Verify(t.Context(), w.services)[0]
	if got.Err == nil || len(got.Absent) > 0 || !strings.Contains(got.Err.Error(), "…600d of checkout") {
		t.Errorf("got %+v", got)
	}
}

// Before the services have once been listed it is not known whose an incident is: a new
// process that cannot list them must not store it as one of no service.
func TestIncidentsWaitForIntegrationKeys(t *testing.T) {
	w := start(t, keyed(), []*catalog.Service{refersByKey("checkout", goodKey)})
	w.keep()
	w.collect()
	w.restart()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /services", Status: http.StatusForbidden})
	if r := w.collect(); len(r.incidents) > 0 || calls(r.err) != "GET /services forbidden" {
		t.Errorf("%d incidents, error %v", len(r.incidents), r.err)
	}
	if got := w.store.incidents["QPGOOD000000"].Services; !reflect.DeepEqual(got, []string{"checkout"}) {
		t.Errorf("the incident is of %v", got)
	}
}

// A key that no integration has is a wrong name, and one of another service than the id
// beside it is worth a note. One listing answers for all.
func TestVerifyLooksIntegrationKeysUp(t *testing.T) {
	beside := func(name, key string) *catalog.Service {
		s := refers(name, "PGOOD")
		s.PagerDuty[0].IntegrationKey = catalog.NewIntegrationKey(key)
		return s
	}
	w := start(t, keyed(), []*catalog.Service{
		refersByKey("checkout", goodKey), refersByKey("lost", noKey), refersByKey("missing", noKey),
		beside("same", goodKey), beside("other", badKey), beside("stale", noKey),
	})
	got := w.source.Verify(t.Context(), w.services)
	if len(got) != 3 {
		t.Fatalf("got %+v", got)
	}
	services, keys := got[0], got[1]
	if want := "1 found; the integration key …bad0 of other is of PBAD (Reports); the service id PGOOD counts; " +
		"the integration key …cdef of stale is of no integration; the service id PGOOD counts"; services.Summary() != want ||
		len(services.Faults()) > 0 {
		t.Errorf("got %s, faults %v, want %s", services.Summary(), services.Faults(), want)
	}
	if want := `["…cdef" of lost, missing: no integration of the account has this integration key, or the credential ` +
		`cannot see it]`; keys.Found != 1 || fmt.Sprint(keys.Faults()) != want {
		t.Errorf("%d found, faults %v, want %s", keys.Found, keys.Faults(), want)
	}
	if n := w.fake.Count("GET /services"); n != 1 {
		t.Errorf("%d requests for services, want 1", n)
	}
	if text := fmt.Sprintf("%+v %s", got, w.log); strings.Contains(text, goodKey) || strings.Contains(text, noKey) {
		t.Errorf("a key in the answer: %s", text)
	}
}
