package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/config"
)

func TestPagerDutyApp(t *testing.T) {
	tests := []struct {
		name, keys, endpoint, scope string
		file                        bool
	}{
		{"US", "client_secret_file: ./token", "https://api.pagerduty.com", "as_account-us.shop", true},
		{"EU", "region: eu, client_secret_file: ./token", "https://api.eu.pagerduty.com", "as_account-eu.shop", true},
		{"from the environment", "client_secret_env: PD", "https://api.pagerduty.com", "as_account-us.shop", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, tokenFile := write(t,
				"sources: {pagerduty: [{name: main, http_client: {proxy_url: 'http://proxy:1'}, token_expires: 2027-03-01, "+
					"oauth: {client_id: app, subdomain: shop, "+test.keys+"}}]}\n", "secret\n")
			valid, err := config.Load(config.Options{Path: path, Environ: []string{"PD=from-env"}})
			if err != nil {
				t.Fatal(err)
			}
			account := valid.Sources().PagerDuty[0]
			client, err := account.Client()
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Validate(); err != nil {
				t.Error(err)
			}
			o := client.OAuth2
			if o == nil || client.Authorization != nil || o.ClientID != "app" ||
				o.TokenURL != "https://identity.pagerduty.com/oauth/token" {
				t.Fatalf("client = %+v", client)
			}
			if (o.ClientSecretFile == tokenFile) != test.file || (string(o.ClientSecret) == "from-env") == test.file {
				t.Errorf("the secret is %q of the file %q", string(o.ClientSecret), o.ClientSecretFile)
			}
			if len(o.Scopes) != 9 || o.Scopes[0] != test.scope {
				t.Errorf("scopes = %v", o.Scopes)
			}
			for _, s := range o.Scopes[1:] {
				if !strings.HasSuffix(s, ".read") {
					t.Errorf("the token may more than read: %s", s)
				}
			}
			if o.ProxyURL.URL == nil || o.ProxyURL.Host != "proxy:1" {
				t.Errorf("tokens do not come through the proxy: %v", o.ProxyURL)
			}
			if account.Endpoint != test.endpoint {
				t.Errorf("endpoint = %s, want %s", account.Endpoint, test.endpoint)
			}
			if want := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC); !account.TokenExpires.Equal(want) {
				t.Errorf("expires %v", account.TokenExpires)
			}
			if account.HTTPClient.OAuth2 != nil {
				t.Error("the configuration itself was changed")
			}
		})
	}
}

// The scopes that are asked for are those that the documentation lists.
func TestDefaultScopesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range config.DefaultPagerDuty().OAuth.Scopes {
		if !strings.Contains(string(text), "`"+scope+"`") {
			t.Errorf("docs/sources.md does not name the scope %s", scope)
		}
	}
}
