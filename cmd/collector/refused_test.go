package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestARefusedCredentialIsFoundInTheConfiguration: the error of every kind of source says
// which key of the configuration has the credential that is refused, and never what it is.
func TestARefusedCredentialIsFoundInTheConfiguration(t *testing.T) {
	var status atomic.Int32
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/given" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"access_token": "given-secret", "token_type": "bearer", "expires_in": 3600}`))
			return
		}
		w.WriteHeader(int(status.Load()))
	}))
	defer vendor.Close()
	const secret = "hunter2-hunter2-hunter2"
	for _, c := range []struct{ what, source, entry, place string }{
		{"a file", "pagerduty", "endpoint: URL, token_file: secret",
			"sources.pagerduty[0].token_file (the secret file"},
		{"a variable", "pagerduty", "endpoint: URL, token_env: PD_TOKEN",
			"sources.pagerduty[0].token_env (the environment variable PD_TOKEN)"},
		{"an app", "pagerduty", "endpoint: URL, oauth: {client_id: app, client_secret_file: ./secret, subdomain: shop, " +
			"token_url: URL/given}", "sources.pagerduty[0].oauth.client_secret_file (the secret file"},
		{"an app without a token", "pagerduty", "endpoint: URL, oauth: {client_id: app, client_secret_file: ./secret, " +
			"subdomain: shop, token_url: URL/refused}", "sources.pagerduty[0].oauth.client_secret_file (the secret file"},
		{"a token", "jira", "deployment: datacenter, url: URL, token_env: PD_TOKEN",
			"sources.jira[0].token_env (the environment variable PD_TOKEN)"},
		{"a client", "jira", "deployment: datacenter, url: URL, http_client: {authorization: {credentials_file: secret}}",
			"sources.jira[0].http_client.authorization.credentials_file (the secret file"},
		{"a password", "prometheus", "url: URL, http_client: {basic_auth: {username: u, password_file: secret}}",
			"sources.prometheus[0].http_client.basic_auth.password_file (the secret file"},
		{"an OAuth client", "prometheus", "url: URL, http_client: {oauth2: {client_id: c, client_secret_file: secret, " +
			"token_url: URL/given}}", "sources.prometheus[0].http_client.oauth2.client_secret_file (the secret file"},
		{"none", "prometheus", "url: URL", "none is configured; sources.prometheus[0].http_client may have one"},
	} {
		t.Run(c.source+", "+c.what, func(t *testing.T) {
			t.Setenv("PD_TOKEN", secret)
			s := newFolder(t)
			s.write("secret", secret+"\n")
			s.write("four.yaml", fourChecks)
			s.write("collector.yaml", fmt.Sprintf("store: {url: readiness.db}\nframework: {file: four.yaml}\n"+
				"catalog: {services: [{name: checkout, tier: 1}]}\nsources:\n  %s: [{name: main, %s}]\n", c.source,
				strings.ReplaceAll(c.entry, "URL", vendor.URL)))
			for code, remedy := range map[int]string{
				http.StatusUnauthorized: "check that the credential is valid",
				http.StatusForbidden:    "give the credential the scope",
			} {
				status.Store(int32(code))
				out, errs, exit := s.run("check", "--online")
				said := strings.Join(strings.Fields(out), " ")
				if exit == exitOK || !strings.Contains(said, remedy) || !strings.Contains(said, c.place) {
					t.Errorf("%d: exit %d without %q and %q:\n%s%s", code, exit, remedy, c.place, out, errs)
				}
				if strings.Contains(out+errs, "hunter2") || strings.Contains(out+errs, "given-secret") {
					t.Errorf("%d: the credential is shown:\n%s%s", code, out, errs)
				}
			}
		})
	}
}
