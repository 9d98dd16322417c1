package config_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prodready/collector/config"
)

func readRaw(name string) ([]byte, error) { return os.ReadFile(name) }

// write makes a configuration on disk with a token beside it.
func write(t *testing.T, text, token string) (path, tokenFile string) {
	t.Helper()
	folder := t.TempDir()
	path, tokenFile = filepath.Join(folder, "config.yaml"), filepath.Join(folder, "token")
	for name, content := range map[string]string{path: text, tokenFile: token} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path, tokenFile
}

func TestPagerDutyClientFollowsTheKeyFile(t *testing.T) {
	path, tokenFile := write(t, "sources: {pagerduty: [{name: main, token_file: ./token}]}\n", "first\n")
	valid, err := config.Load(config.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	account := valid.Sources().PagerDuty[0]
	for _, want := range []string{"first", "second"} {
		if err := os.WriteFile(tokenFile, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		client, err := account.Client()
		if err != nil {
			t.Fatal(err)
		}
		if header, err := account.Authorize()(); err != nil || header != "Token token="+want {
			t.Errorf("header = %q, %v", header, err)
		}
		if got := client.Authorization; got.Type != "Token" || string(got.Credentials) != "token="+want {
			t.Errorf("authorization = %s %s, want the key %s", got.Type, string(got.Credentials), want)
		}
		if err := client.Validate(); err != nil {
			t.Error(err)
		}
	}
	if account.HTTPClient.Authorization != nil {
		t.Error("the configuration itself was changed")
	}
	if err := os.Remove(tokenFile); err != nil {
		t.Fatal(err)
	}
	if _, err := account.Authorize()(); err == nil || strings.Contains(err.Error(), "second") {
		t.Errorf("header without the file: %v", err)
	}
	if _, err := account.Client(); err == nil {
		t.Error("no error for a key file that is gone")
	}
}

func TestJiraClient(t *testing.T) {
	tests := []struct {
		name, keys              string
		username, password      string
		passwordFile, tokenFile bool
		bearer                  string
		oauth                   bool
		api                     string
	}{
		{name: "cloud", keys: "email: bot@example.com, token_file: ./token", username: "bot@example.com", passwordFile: true},
		{
			name: "cloud from the environment", keys: "email: bot@example.com, token_env: JIRA", username: "bot@example.com",
			password: "from-env",
		},
		{name: "data center", keys: "deployment: datacenter, token_file: ./token", tokenFile: true},
		{name: "data center from the environment", keys: "deployment: datacenter, token_env: JIRA", bearer: "from-env"},
		{name: "open data center", keys: "deployment: datacenter"},
		{name: "oauth token", keys: "auth: bearer, token_file: ./token", tokenFile: true},
		{
			name:  "oauth client credentials",
			keys:  "auth: bearer, http_client: {oauth2: {client_id: collector, client_secret_file: ./token, token_url: 'https://auth.example.com/token'}}",
			oauth: true,
		},
		{
			name:     "a gateway",
			keys:     "email: bot@example.com, token_file: ./token, api_url: 'https://api.atlassian.com/ex/jira/1122/'",
			username: "bot@example.com", passwordFile: true, api: "https://api.atlassian.com/ex/jira/1122",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, tokenFile := write(
				t, "sources: {jira: [{name: main, url: 'https://jira.example.com/', "+test.keys+"}]}\n", "abc\n",
			)
			valid, err := config.Load(config.Options{Path: path, Environ: []string{"JIRA=from-env"}})
			if err != nil {
				t.Fatal(err)
			}
			site := valid.Sources().Jira[0]
			if site.BrowseURL != "https://jira.example.com" {
				t.Errorf("browse_url = %s", site.BrowseURL)
			}
			if api := cmp.Or(test.api, "https://jira.example.com"); site.APIURL != api {
				t.Errorf("api_url = %s, want %s", site.APIURL, api)
			}
			client, err := site.Client()
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Validate(); err != nil {
				t.Error(err)
			}
			if (client.OAuth2 != nil) != test.oauth {
				t.Errorf("oauth2 = %v", client.OAuth2)
			}
			basic, auth := client.BasicAuth, client.Authorization
			if (basic != nil) != (test.username != "") {
				t.Fatalf("basic auth = %v", basic)
			}
			if basic != nil && (basic.Username != test.username || string(basic.Password) != test.password ||
				(basic.PasswordFile == tokenFile) != test.passwordFile) {
				t.Errorf("basic auth = %+v", basic)
			}
			if (auth != nil) != (test.tokenFile || test.bearer != "") {
				t.Fatalf("authorization = %v", auth)
			}
			if auth != nil && (auth.Type != "Bearer" || string(auth.Credentials) != test.bearer ||
				(auth.CredentialsFile == tokenFile) != test.tokenFile) {
				t.Errorf("authorization = %+v", auth)
			}
		})
	}
}
