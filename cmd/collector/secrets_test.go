package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The secrets of the test, by the place they stand in.
var (
	planted = map[string]string{
		"a PagerDuty key in a file":              "pagerduty-key-s3cret/1+1&a",
		"a PagerDuty key in a variable":          "pagerduty-variable-s3cret-2",
		"the secret of an OAuth app":             "client-secret-s3cret/3",
		"a Jira API token":                       "jira-token-s3cret+4=",
		"a Jira PAT in a variable":               "jira-pat-s3cret-5",
		"a Prometheus credentials_file":          "prometheus-bearer-s3cret-6",
		"a Prometheus password_file":             "prometheus-password-s3cret-7",
		"a file of http_headers":                 "header-s3cret/8<b>",
		"the secret of http_client.oauth2":       "oauth2-s3cret-10",
		"the password of the proxy":              "proxy-s3cret-11",
		"the access token of the token endpoint": issuedToken,
	}
	users = map[string]string{
		"a Jira API token": "us@example.com", "a Prometheus password_file": "reader",
		"the password of the proxy": "pr0xyuser",
	}
)

// leaks searches text for secrets and says where each stood.
func leaks(t *testing.T, where string, text []byte) {
	t.Helper()
	for place, secret := range planted {
		forms := secretForms(secret)
		if user := users[place]; user != "" {
			forms = append(
				forms, base64.StdEncoding.EncodeToString([]byte(user+":"+secret)), url.UserPassword(user, secret).String(),
			)
		}
		for _, form := range forms {
			if i := bytes.Index(text, []byte(form)); i >= 0 {
				t.Errorf("%s shows %s as %q: …%s…", where, place, form, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}

// searchFiles goes through every byte that the program has written.
func (s *site) searchFiles() {
	s.t.Helper()
	found := 0
	for _, pattern := range []string{"readiness.db*"} {
		names, err := filepath.Glob(filepath.Join(s.folder, pattern))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				s.t.Fatal(err)
			}
			found += len(text)
			leaks(s.t, filepath.Base(name), text)
		}
	}
	if found < 10000 {
		s.t.Errorf("the store has %d bytes only", found)
	}
}

// leakySite has every kind of source, with a secret in every place that takes
// one, and all of them are the hostile server.
func leakySite(t *testing.T) (*site, *hostile, int) {
	t.Helper()
	s, h := newSite(t), newHostile(t)
	secret := func(name, place string) string {
		s.write(name, planted[place]+"\n")
		return name
	}
	s.environ = []string{
		"PD_KEY=" + planted["a PagerDuty key in a variable"], "JIRA_PAT=" + planted["a Jira PAT in a variable"],
		"HTTP_PROXY=" + strings.Replace(
			h.URL, "http://", "http://"+users["the password of the proxy"]+":"+planted["the password of the proxy"]+"@", 1,
		),
		"NO_PROXY=127.0.0.1",
	}
	source := `schedule: "@every 1s", timeout: 30s, rate: {per_minute: 100000, share: 1}`
	sources := []string{
		"pagerduty",
		fmt.Sprintf(
			"{name: key, endpoint: '%s/pd-key', token_file: %s, %s}", h.URL, secret("s1", "a PagerDuty key in a file"), source,
		),
		"", fmt.Sprintf("{name: variable, endpoint: '%s/pd-variable', token_env: PD_KEY, %s}", h.URL, source),
		"",
		fmt.Sprintf(
			"{name: app, endpoint: '%s/pd-app', %s, oauth: {client_id: app, subdomain: shop, client_secret_file: %s, token_url: '%s/pd/oauth/token'}}",
			h.URL, source, secret("s3", "the secret of an OAuth app"), h.URL,
		),
		"jira",
		fmt.Sprintf(
			"{name: cloud, url: '%s/jira-cloud', email: us@example.com, token_file: %s, %s, incidents: {jql: type = Incident}}",
			h.URL, secret("s4", "a Jira API token"), source,
		),
		"",
		fmt.Sprintf(
			"{name: center, deployment: datacenter, url: '%s/jira-center', token_env: JIRA_PAT, %s, incidents: {jql: type = Incident}}",
			h.URL, source,
		),
		"",
		fmt.Sprintf(
			"{name: oauth, url: '%s/jira-oauth', %s, incidents: {jql: type = Incident}, http_client: {oauth2: {client_id: app, client_secret_file: %s, token_url: '%s/jira/oauth/token'}}}",
			h.URL, source, secret("s10", "the secret of http_client.oauth2"), h.URL,
		),
		"prometheus",
		fmt.Sprintf(
			"{name: bearer, url: '%s/prom-bearer', presets: [kubernetes], %s, http_client: {authorization: {credentials_file: %s}, http_headers: {X-Api-Key: {files: [%s]}}}}",
			h.URL, source, secret("s6", "a Prometheus credentials_file"), secret("s8", "a file of http_headers"),
		),
		"",
		fmt.Sprintf(
			"{name: basic, url: '%s/prom-basic', presets: [kubernetes], %s, http_client: {basic_auth: {username: reader, password_file: %s}}}",
			h.URL, source, secret("s7", "a Prometheus password_file"),
		),
		"",
		fmt.Sprintf(
			"{name: proxied, url: 'http://prometheus.invalid', presets: [kubernetes], %s, http_client: {proxy_from_environment: true}}",
			source,
		),
	}
	text := `store: {url: readiness.db}
server: {listen_address: "127.0.0.1:0"}
evaluation: {interval: 1s}
log: {level: debug}
catalog:
  teams: [{name: payments, org: shop}]
  services:
    - {name: checkout, team: payments, org: shop, tier: 1, pagerduty: [{account: key, service_id: PCHECK}], jira: [{site: cloud, project: SHOP}]}
sources:
`
	for i := 0; i < len(sources); i += 2 {
		if sources[i] != "" {
			text += "  " + sources[i] + ":\n"
		}
		text += "    - " + sources[i+1] + "\n"
	}
	s.write("collector.yaml", text)
	return s, h, len(sources) / 2
}

// TestNoSecretIsShown provokes every failure and then looks for the secrets in
// everything that the program has said and written.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel() // it waits more than it works
	s, h, sources := leakySite(t)
	d := s.start()
	ended := func() (n float64) {
		for _, family := range []string{
			"pagerduty/key", "pagerduty/variable", "pagerduty/app", "jira/cloud", "jira/center", "jira/oauth",
			"prometheus/bearer", "prometheus/basic", "prometheus/proxied",
		} {
			for _, outcome := range []string{"failure", "partial", "success"} {
				v, _ := d.value("readiness_collector_runs_total", "source", family, "outcome", outcome)
				n += v
			}
		}
		return n
	}
	for _, mode := range []struct {
		name   string
		tokens bool
	}{
		// Those that open no circuit come first.
		{"401", true}, {"403", true}, {"404", true}, {"422", true}, {"a page", true}, {"garbage", true},
		{"an error in a 200", true},
		{"elsewhere", true}, {"401", false}, {"429", true}, {"500", true}, {"reset", true}, {"no protocol", true},
	} {
		h.play(mode.name, mode.tokens)
		before := ended()
		d.eventually(fmt.Sprintf("every source meets %q", mode.name), func() bool { return h.asked(mode.name) >= sources })
		d.eventually("their rounds end", func() bool { return ended() >= before+float64(sources) })
		for _, path := range []string{"/metrics", "/api/v1/services", "/api/v1/services/checkout", "/"} {
			_, body := d.get(path)
			leaks(t, path+" after "+mode.name, []byte(body))
		}
	}
	// A token file that is no more, or holds no token.
	for _, name := range []string{"s1", "s3", "s4", "s6", "s8"} {
		if err := os.Remove(filepath.Join(s.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := ended()
	d.eventually("rounds without the files end", func() bool { return ended() >= before+2*float64(sources) })
	_ = d.stop(os.Interrupt)
	leaks(t, "the log", []byte(d.log.String()))
	if log := d.log.String(); !strings.Contains(log, "<secret>") || !strings.Contains(log, "level=DEBUG") {
		t.Error("no secret was taken out of anything: the test provokes too little")
	}
	if len(h.stolen) > 0 {
		t.Errorf("the server that redirects lead to was asked: %s", h.stolen)
	}
	s.searchFiles()
}

// TestCommandsShowNoSecret is the same for commands that end by themselves.
func TestCommandsShowNoSecret(t *testing.T) {
	s, h, sources := leakySite(t)
	for _, mode := range []string{"401", "422", "an error in a 200", "a page", "elsewhere"} {
		h.play(mode, mode != "422")
		for _, command := range [][]string{{"check", "--online"}, {"collect", "--once"}, {"collect", "--once", "--dry-run"}} {
			out, errs, code := s.run(command...)
			leaks(t, fmt.Sprint(command, " with ", mode), []byte(out+errs))
			if code != 1 {
				t.Errorf("%v with %s exits %d:\n%s%s", command, mode, code, out, errs)
			}
		}
		if h.asked(mode) < sources {
			t.Errorf("%d sources of %d met %s", h.asked(mode), sources, mode)
		}
	}
	s.searchFiles()
}

// TestSecretsInTheWrongPlaceAreNotShown: a person who writes a secret where it
// does not belong must not find it in the terminal and the logs of a build.
func TestSecretsInTheWrongPlaceAreNotShown(t *testing.T) {
	const secret = "misplaced-s3cret-Z9"
	pagerduty, jira, prometheus := "sources: {pagerduty: [{name: main, ", "sources: {jira: [{name: main, url: 'http://j', email: a@example.com, ", "sources: {prometheus: [{name: main, url: 'http://p', "
	for name, text := range map[string]string{
		"token_file":      pagerduty + "token_file: " + secret + "}]}",
		"token_env":       pagerduty + "token_env: " + secret + "}]}",
		"token":           pagerduty + "token: " + secret + "}]}",
		"endpoint":        pagerduty + "endpoint: 'https://us:" + secret + "@api.pagerduty.com', token_env: HOME}]}",
		"token_expires":   pagerduty + "token_expires: " + secret + ", token_env: HOME}]}",
		"client secret":   pagerduty + "oauth: {client_id: a, subdomain: b, client_secret: " + secret + "}}]}",
		"secret file":     pagerduty + "oauth: {client_id: a, subdomain: b, client_secret_file: " + secret + "}}]}",
		"secret variable": pagerduty + "oauth: {client_id: a, subdomain: b, client_secret_env: " + secret + "}}]}",
		"subdomain":       pagerduty + "oauth: {client_id: a, subdomain: " + secret + "!, client_secret_env: HOME}}]}",
		"scopes": pagerduty + "oauth: {client_id: a, subdomain: b, scopes: [" + secret +
			"], client_secret_env: HOME}}]}",
		"token_url": pagerduty + "oauth: {client_id: a, subdomain: b, token_url: 'https://us:" + secret +
			"@id', client_secret_env: HOME}}]}",
		"credentials": jira + "http_client: {authorization: {credentials: " + secret + "}}}]}",
		"password":    prometheus + "http_client: {basic_auth: {username: a, password: " + secret + "}}}]}",
		"oauth2": prometheus + "http_client: {oauth2: {client_id: a, token_url: 'http://t', client_secret: " +
			secret + "}}}]}",
		"oauth2 token_url":  prometheus + "http_client: {oauth2: {client_id: a, client_secret_file: four.yaml, token_url: 'http://us:" + secret + "@t'}}}]}",
		"http_headers":      prometheus + "http_client: {http_headers: {X-Api-Key: {secrets: [" + secret + "]}}}}]}",
		"proxy_url":         prometheus + "http_client: {proxy_url: 'http://us:" + secret + "@proxy:1'}}]}",
		"proxy header":      prometheus + "http_client: {proxy_url: 'http://proxy:1', proxy_connect_header: {Proxy-Authorization: [" + secret + "]}}}]}",
		"url":               "sources: {prometheus: [{name: main, url: 'http://us:" + secret + "@p'}]}",
		"url with a query":  "sources: {prometheus: [{name: main, url: 'http://p/?token=" + secret + "'}]}",
		"store":             "store: {url: 'postgres://us:" + secret + "@127.0.0.1:1/x?sslmode=" + secret + "'}",
		"broken YAML":       "sources: {pagerduty: [{name: main, token_file: [" + secret,
		"a list for a text": pagerduty + "token_file: [" + secret + "]}]}",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.write("collector.yaml", text+"\n")
			out, errs, code := s.run("check", "--log.level=debug")
			if name == "store" {
				out, errs, code = s.run("collect", "--once", "--log.level=debug")
			}
			if code == 0 || strings.Contains(out+errs, secret) {
				t.Errorf("exits %d:\n%s%s", code, out, errs)
			}
		})
	}
}
