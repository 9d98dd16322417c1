package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// identity is a token endpoint in front of the fake PagerDuty, which only
// answers those who show the newest token.
type identity struct {
	*httptest.Server
	vendor http.Handler

	mu      sync.Mutex
	secrets []string
	given   int
	used    string // the secret that the last token was given for
}

func newIdentity(t *testing.T, vendor http.Handler) *identity {
	t.Helper()
	i := &identity{vendor: vendor, secrets: []string{"first-secret"}}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *identity) want(secrets ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.secrets = secrets
}

func (i *identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.URL.Path != "/oauth/token" {
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", i.given) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Header.Set("Authorization", "Token token=the-secret-token")
		w.Header().Set("Ratelimit-Limit", "960")
		w.Header().Set("Ratelimit-Remaining", "931")
		i.vendor.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	scopes := strings.Fields(r.PostFormValue("scope"))
	if r.PostFormValue("client_id") != "app" || !slices.Contains(i.secrets, r.PostFormValue("client_secret")) ||
		len(scopes) < 2 || scopes[0] != "as_account-eu.shop" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"error":"invalid_client","error_description":"not %s"}`, r.PostFormValue("client_secret"))
		return
	}
	i.given++
	i.used = r.PostFormValue("client_secret")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": fmt.Sprintf("token-%d", i.given), "token_type": "bearer", "expires_in": 2,
	})
}

// TestPagerDutyApp runs a daemon on an OAuth app: tokens are got, renewed when
// they end, got with a secret that was rotated, and refused.
func TestPagerDutyApp(t *testing.T) {
	s := newSite(t)
	i := newIdentity(t, s.vendor)
	s.write("client-secret", "first-secret\n")
	s.edit(
		"collector.yaml", "token_file: token,",
		"oauth: {client_id: app, client_secret_file: client-secret, subdomain: shop, region: eu, token_url: '"+i.URL+
			"/oauth/token'}, token_expires: 2020-01-01,",
	)
	text, err := os.ReadFile(s.folder + "/collector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), `endpoint: "`)
	address, _, _ := strings.Cut(after, `"`)
	s.edit("collector.yaml", address, i.URL)

	out, errs, code := s.run("check", "--online")
	if code != 1 || !strings.Contains(out, "credentials accepted") ||
		!strings.Contains(out, "FAIL  pagerduty/main token: it expired on 2020-01-01") {
		t.Errorf("a token that has expired exits %d: %s%s", code, out, errs)
	}
	soon := time.Now().UTC().AddDate(0, 0, 10)
	s.edit("collector.yaml", "2020-01-01", soon.Format(time.DateOnly))
	out, errs, code = s.run("check")
	if want := fmt.Sprintf(
		"warn  pagerduty/main token: it expires on %s, in 9 days: make a new one soon", soon.Format(time.DateOnly),
	); code != 0 || !strings.Contains(out, want) {
		t.Errorf("a token that expires soon exits %d: %s%s", code, out, errs)
	}

	d := s.start()
	tokens := func(reason string) float64 {
		n, _ := d.value(
			"readiness_collector_requests_total", "source", "pagerduty/main", "call", "POST /oauth/token", "reason", reason,
		)
		return n
	}
	d.eventually("tokens are renewed", func() bool { return tokens("ok") >= 3 })
	if n, _ := d.value(
		"readiness_collector_requests_total", "source", "pagerduty/main", "reason", "unauthorized",
	); n != 0 {
		t.Errorf("%v requests met a token that had ended", n)
	}
	day, _ := time.Parse(time.DateOnly, soon.Format(time.DateOnly))
	if v, ok := d.value("readiness_collector_token_expiry_timestamp_seconds", "source", "pagerduty/main"); !ok ||
		v != float64(day.Unix()) {
		t.Errorf("the token expires at %v, %v", v, ok)
	}
	for name, want := range map[string]float64{
		"readiness_collector_rate_limit": 960, "readiness_collector_rate_limit_remaining": 931,
	} {
		if v, ok := d.value(name, "source", "pagerduty/main"); !ok || v != want {
			t.Errorf("%s is %v, %v; the token endpoint has no say in it", name, v, ok)
		}
	}
	if v, ok := d.value("readiness_collector_circuit_open", "source", "pagerduty/main"); !ok || v != 0 {
		t.Errorf("the circuit is %v, %v", v, ok)
	}
	i.want("first-secret", "second-secret") // as vendors do while a secret is rotated
	s.write("client-secret", "second-secret")
	d.eventually("the rotated secret is used", func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.used == "second-secret"
	})
	i.want("third-secret")
	d.eventually("the refusal is counted", func() bool { return tokens("unauthorized") >= 1 })
	d.eventually("the refusal is logged", func() bool {
		return strings.Contains(d.log.String(), "no OAuth token: the token endpoint refused: invalid_client")
	})
	if log := d.log.String(); strings.Contains(log, "first-secret") || strings.Contains(log, "second-secret") {
		t.Errorf("the log shows the secret: %s", log)
	}
}
