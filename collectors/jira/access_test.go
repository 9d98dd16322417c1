package jira_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"
)

// Every way to authenticate reaches the site, under its own address or the one
// of Atlassian's gateway, and people get links to where they can look.
func TestAccessThroughEveryAddress(t *testing.T) {
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if r.FormValue("grant_type") != "client_credentials" || id != "collector" || secret != "hush" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"of-the-file","token_type":"Bearer","expires_in":3600}`))
	}))
	defer tokens.Close()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of-the-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const gateway = "/ex/jira/11223344-a1b2-3b33-c444-def123456789"
	for name, tc := range map[string]struct {
		http       config.HTTPClientConfig
		dataCenter bool
	}{
		"an API token": {config.HTTPClientConfig{BasicAuth: &config.BasicAuth{Username: "us@example.com",
			PasswordFile: file}}, false},
		"a personal access token": {config.HTTPClientConfig{Authorization: &config.Authorization{Type: "Bearer",
			CredentialsFile: file}}, true},
		"an OAuth token of a file": {config.HTTPClientConfig{Authorization: &config.Authorization{Type: "Bearer",
			CredentialsFile: file}}, false},
		"OAuth client credentials": {config.HTTPClientConfig{OAuth2: &config.OAuth2{ClientID: "collector",
			ClientSecret: "hush", TokenURL: tokens.URL}}, false},
		"OAuth client credentials at home": {config.HTTPClientConfig{OAuth2: &config.OAuth2{ClientID: "collector",
			ClientSecret: "hush", TokenURL: tokens.URL}}, true},
	} {
		for _, prefix := range []string{"/jira", gateway} {
			t.Run(name+" "+prefix, func(t *testing.T) {
				site, services := shop(incident(1, "cart", noon.Add(-time.Hour)))
				w := start(t, tc.dataCenter, site, services, func(s setup) { s.out.HTTP, s.fake.Prefix = tc.http, prefix })
				w.options.URL = strings.Replace(w.options.URL, "/jira/", prefix+"/", 1)
				w.restart()
				if err := w.source.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				links := w.mustCollect().incidents["SHOP-1"].Links
				if !slices.Contains(links, "https://jira.example.com/browse/SHOP-1") ||
					strings.Contains(strings.Join(links, " "), "127.0.0.1") {
					t.Errorf("links %v", links)
				}
			})
		}
	}
}
