package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/config"
)

// files is a file system in memory.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func load(t *testing.T, text string, environ ...string) *config.Valid {
	t.Helper()
	valid, err := config.Load(options(text, environ...))
	if err != nil {
		t.Fatal(err)
	}
	return valid
}

func options(text string, environ ...string) config.Options {
	disk := files{
		"/etc/readiness/config.yaml": text, "/etc/readiness/secrets/token": " token-in-file\n",
		"/run/url": "postgres://u:hunter2@db/readiness\n",
	}
	return config.Options{Path: "/etc/readiness/config.yaml", Environ: environ, ReadFile: disk.read}
}

func TestDefaultsWithoutAnything(t *testing.T) {
	valid, err := config.Load(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := valid.Store().URL.Reveal(); got != "readiness.db" {
		t.Errorf("store.url = %q", got)
	}
	if !reflect.DeepEqual(valid.Server(), config.Default().Server) || valid.Log() != config.Default().Log ||
		valid.Evaluation() != config.Default().Evaluation {
		t.Error("the defaults are not those of Default")
	}
}

func TestEmptyFilesAreDefaults(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "log:\n", "sources:\n  pagerduty:\n", "{}"} {
		if got := load(t, text).Log().Level; got != "info" {
			t.Errorf("%q: log.level = %q", text, got)
		}
	}
}

func TestLayersWinInOrder(t *testing.T) {
	file := "log: {level: warn, format: json}\nserver: {listen_address: \":1\"}\n"
	o := options(
		file, "READINESS__LOG__LEVEL=error", "READINESS__SERVER__LISTEN_ADDRESS=:2", "READINESS_PORT=tcp://10.0.0.1:80",
		"OTHER=x",
	)
	o.Flags = pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(o.Flags)
	o.Flags.String("config", "", "not a key")
	if err := o.Flags.Parse([]string{"--server.listen-address=:3", "--config=x"}); err != nil {
		t.Fatal(err)
	}
	valid, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	if got := valid.Log(); got.Level != "error" || got.Format != "json" {
		t.Errorf("log = %+v, want level from the environment and format from the file", got)
	}
	if got := valid.Server().ListenAddress; got != ":3" {
		t.Errorf("listen_address = %q, want that of the flag", got)
	}
}

func TestFlagsOfAddFlagsAreKeys(t *testing.T) {
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	args := []string{}
	flags.VisitAll(func(f *pflag.Flag) { args = append(args, "--"+f.Name+"="+f.DefValue) })
	if err := flags.Parse(args); err != nil || len(args) < 5 {
		t.Fatal(err, args)
	}
	if _, err := config.Load(config.Options{Flags: flags}); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentKeepsTextAndReadsLists(t *testing.T) {
	valid := load(t, "sources: {prometheus: [{name: gone, url: http://gone}]}\ncatalog: {backstage: [old/*.yaml]}\n",
		"READINESS__STORE__URL=evidence: #1.db",
		"READINESS__EXPOSITION__CHECK_STATUS_PASS=true",
		"READINESS__EXPOSITION__DETAIL=full",
		"READINESS__EVALUATION__OBSERVE_FOR=7d",
		"READINESS__CATALOG__BACKSTAGE=/a/*.yaml, /b/*.yaml",
		"READINESS__SOURCES__PROMETHEUS=[{name: env, url: 'http://prometheus:9090/'}]",
	)
	if got := valid.Store().URL.Reveal(); got != "evidence: #1.db" {
		t.Errorf("store.url = %q", got)
	}
	if !valid.Exposition().CheckStatusPass {
		t.Error("check_status_pass is not set")
	}
	if got := valid.Exposition().Detail; got != "full" {
		t.Errorf("exposition.detail = %q", got)
	}
	if got := time.Duration(valid.Evaluation().ObserveFor); got != 7*24*time.Hour {
		t.Errorf("observe_for = %v", got)
	}
	if got := strings.Join(valid.Catalog().Backstage, "|"); got != "/a/*.yaml|/b/*.yaml" {
		t.Errorf("backstage = %q", got)
	}
	if got := valid.Sources().Prometheus; len(got) != 1 || got[0].Name != "env" ||
		got[0].URL != "http://prometheus:9090" || got[0].Schedule != "@every 5m" {
		t.Errorf("prometheus = %+v", got)
	}
}

// Text from the environment is text, also where YAML would see something else.
func TestEnvironmentIsNotYAMLForText(t *testing.T) {
	for _, text := range []string{"null", "~", "true", "1.10", "*x", "[a", "a: b", "\"a"} {
		valid := load(t, "", "READINESS__SERVER__LISTEN_ADDRESS=:1", "READINESS__STORE__URL="+text)
		if got := valid.Store().URL.Reveal(); got != text {
			t.Errorf("store.url = %q, want %q", got, text)
		}
	}
}

func TestSeveritiesReplaceTheDefaultOnes(t *testing.T) {
	site := "sources: {jira: [{name: main, deployment: datacenter, url: 'https://jira.example.com', incidents: {jql: x"
	own := load(t, site+", severities: {Blocker: 1}}}]}").Sources().Jira[0].Incidents
	if len(own.Severities) != 1 || own.Severities["Blocker"] != 1 || own.Severity.Field != "priority" {
		t.Errorf("got %+v, want the map replaced and the rest as it was", own)
	}
	if got := load(t, site+"}}]}").Sources().Jira[0].Incidents.Severities; len(got) != 5 {
		t.Errorf("got %v, want the default words", got)
	}
}

func TestAliasesMayMakeAFileTenTimesLarger(t *testing.T) {
	text := func(copies int) string {
		entry := "    - &a {name: s0, url: 'http://x', presets: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]}\n"
		return "sources:\n  prometheus:\n" + entry + strings.Repeat("    - {<<: *a, name: s}\n", copies)
	}
	_, err := config.Load(options(text(20)))
	if err == nil || strings.Contains(err.Error(), "aliases") {
		t.Errorf("20 copies: got %v, want only the repeated names refused", err)
	}
	bomb := "a: &a [" + strings.Repeat("x, ", 2000) + "]\nb: [" + strings.Repeat("*a, ", 2000) + "]\n"
	if _, err := config.Load(options(bomb)); err == nil || !strings.Contains(err.Error(), "ten times larger") {
		t.Errorf("2000 copies of 2000 words: got %v", err)
	}
}

func TestBadEnvironment(t *testing.T) {
	tests := []struct{ variable, want string }{
		{
			"READINESS__STORE__COLOUR=hunter2",
			`environment variable READINESS__STORE__COLOUR: store: unknown key "colour"; the keys here are url, url_file, retention`,
		},
		{
			"READINESS__STORE__ULR=hunter2",
			`environment variable READINESS__STORE__ULR: store: unknown key "ulr", did you mean "url"?`,
		},
		{
			"READINESS__STORE__RETENTION__HISTROY=hunter2",
			`environment variable READINESS__STORE__RETENTION__HISTROY: store.retention: unknown key "histroy", did you mean "history"?`,
		},
		{
			"READINESS__STORE=hunter2",
			`environment variable READINESS__STORE: store: this is a section; name one of its keys: url, url_file, retention`,
		},
		{
			"READINESS__SOURCES__PAGERDUTY__0__TOKEN=hunter2",
			`environment variable READINESS__SOURCES__PAGERDUTY__0__TOKEN: sources.pagerduty: a variable or flag replaces the whole list, not one entry of it; write the list as YAML or use the file`,
		},
		{
			"READINESS__LOG__LEVEL__X=hunter2",
			`environment variable READINESS__LOG__LEVEL__X: log.level: there are no keys below this one; name it alone`,
		},
		{
			"READINESS__EVALUATION__INTERVAL=hunter2",
			`environment variable READINESS__EVALUATION__INTERVAL: evaluation.interval: want a duration such as 90s, 4m, 1h30m or 14d`,
		},
		{
			"READINESS__LOG__LEVEL=hunter2",
			`environment variable READINESS__LOG__LEVEL: log.level: unknown word; use one of debug, info, warn, error`,
		},
		{
			"READINESS__SOURCES__JIRA=[{nmae: hunter2}]",
			`environment variable READINESS__SOURCES__JIRA: sources.jira[0]: unknown key "nmae", did you mean "name"?`,
		},
		{
			"READINESS__SOURCES__JIRA=[hunter2",
			`environment variable READINESS__SOURCES__JIRA: sources.jira: the list cannot be read; write it as YAML: [a, b]`,
		},
		{
			"READINESS__=hunter2",
			`environment variable READINESS__: unknown key ""; the keys here are store, server, log, evaluation, framework, exposition, incidents, reviews, targets, exemptions, catalog, sources`,
		},
	}
	for _, test := range tests {
		_, err := config.Load(options("", test.variable))
		if err == nil {
			t.Errorf("%s: no error", test.variable)
			continue
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		if first != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.variable, first, test.want)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the value is shown", test.variable)
		}
	}
}

func TestTheWholeFileIsChecked(t *testing.T) {
	_, err := config.Load(
		options("logg: {}\nlog: {level: 3x}\nevaluation: {interval: soon}\nserver: {listen_address: x}\n"),
	)
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Fatalf("got %d problems, want 4:\n%v", len(problems), err)
	}
	for i, p := range problems {
		if p.Place.Line != i+1 {
			t.Errorf("problem %d is at line %d", i, p.Place.Line)
		}
	}
}

func TestUnreadableFile(t *testing.T) {
	o := options("")
	o.Path = "/etc/readiness/other.yaml"
	_, err := config.Load(o)
	want := "/etc/readiness/other.yaml: the configuration cannot be read: file does not exist; check the name and the permissions"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTextKeepsItsForm(t *testing.T) {
	valid := load(t, `
catalog:
  services:
    - name: checkout
      tier: 1
      labels: {app.kubernetes.io/version: 1.10, on: yes, 007: 0x10, "~": null}
      environment: 2026-11-05
`)
	labels := valid.Catalog().Services[0].Labels
	for key, want := range map[string]string{"app.kubernetes.io/version": "1.10", "on": "yes", "007": "0x10"} {
		if labels[key] != want {
			t.Errorf("label %s = %q, want %q", key, labels[key], want)
		}
	}
	if got := valid.Catalog().Services[0].Environment; got != "2026-11-05" {
		t.Errorf("environment = %q", got)
	}
}

func TestAliasesAndMergeKeys(t *testing.T) {
	valid := load(t, `
sources:
  prometheus:
    - &first
      name: first
      url: http://one
      http_client: &client
        follow_redirects: false
    - name: second
      url: http://two
      http_client: *client
    - <<: *first
      name: third
`)
	servers := valid.Sources().Prometheus
	if servers[1].HTTPClient.FollowRedirects || !servers[1].HTTPClient.EnableHTTP2 {
		t.Errorf("second: %+v, want what it says and the defaults of the rest", servers[1].HTTPClient)
	}
	if servers[2].Name != "third" || servers[2].URL != "http://one" {
		t.Errorf("third = %s %s", servers[2].Name, servers[2].URL)
	}
}

func TestOriginsReachTheCatalog(t *testing.T) {
	valid := load(t, `catalog:
  teams:
    - name: payments
  services:
    - name: checkout
      team: payments
      tier: 1

    - tier: 2
      name: cart
`)
	c := valid.Catalog()
	if got := c.Teams[0].Origin.String(); got != "/etc/readiness/config.yaml:3" {
		t.Errorf("team at %s", got)
	}
	if got := c.Services[1].Origin.String(); got != "/etc/readiness/config.yaml:9" {
		t.Errorf("second service at %s", got)
	}
}

func TestFilesAreRelativeToTheFileThatNamesThem(t *testing.T) {
	o := options(
		"framework: {file: framework.yaml}\ncatalog: {backstage: [services/*.yaml, /abs/*.yaml]}\n",
		"READINESS__SERVER__WEB_CONFIG_FILE=web.yaml",
	)
	var read []string
	inner := o.ReadFile
	o.ReadFile = func(name string) ([]byte, error) {
		read = append(read, name)
		if filepath.Base(name) != "config.yaml" {
			return nil, nil
		}
		return inner(name)
	}
	valid, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	if got := valid.Framework().File; got != "/etc/readiness/framework.yaml" {
		t.Errorf("framework.file = %s", got)
	}
	if got := valid.Server().WebConfigFile; got != "web.yaml" {
		t.Errorf("web_config_file = %s, want it relative to where the program runs", got)
	}
	if got := strings.Join(valid.Catalog().Backstage, "|"); got != "/etc/readiness/services/*.yaml|/abs/*.yaml" {
		t.Errorf("backstage = %s", got)
	}
	if len(read) != 3 {
		t.Errorf("read %v, want the configuration and two files", read)
	}
}

func TestTeamsMayBeInCatalogFiles(t *testing.T) {
	text := "catalog:\n  services: [{name: checkout, tier: 1, team: payments}]\n"
	if _, err := config.Load(options(text)); err == nil {
		t.Error("a team that is nowhere was accepted")
	}
	load(
		t,
		text+"  backstage: [services/*.yaml]\nexemptions: [{check: a.b, services: [cart], reason: r, requested_by: b, approver: a, expires: 2027-01-01}]\n",
	)
}

func TestExemptionEndsAfterItsLastDay(t *testing.T) {
	valid := load(t, "exemptions: [{check: a.b, tiers: [4], reason: r, requested_by: b, approver: a, expires: 2026-12-31}]\n")
	if got, want := valid.Exemptions()[0].Until(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("until %v, want %v", got, want)
	}
}

func TestStoreURLFile(t *testing.T) {
	valid := load(t, "store: {url_file: /run/url}\n")
	if got := valid.Store().URL.Reveal(); got != "postgres://u:hunter2@db/readiness" {
		t.Errorf("url = %q", got)
	}
	valid = load(t, "store: {url_file: /run/url}\n", "READINESS__STORE__URL=other.db")
	if got := valid.Store().URL.Reveal(); got != "other.db" {
		t.Errorf("url = %q, want that of the environment", got)
	}
	if _, err := config.Load(options("store: {url_file: /run/url, url: readiness.db}\n")); err == nil {
		t.Error("url beside url_file was accepted")
	}
}

func TestValidateChecksWhatCodeMade(t *testing.T) {
	c := config.Default()
	account := config.DefaultPagerDuty()
	account.Name = "main"
	account.TokenEnv = "TOKEN"
	c.Sources.PagerDuty = []config.PagerDuty{account}
	valid, err := c.Validate(config.Options{Environ: []string{"TOKEN=abc"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := valid.SourceNames().PagerDuty; len(got) != 1 || got[0] != "main" {
		t.Errorf("names = %v", got)
	}
	c.Sources.PagerDuty[0].Endpoint = "x"
	_, err = c.Validate(config.Options{Environ: []string{"TOKEN=abc"}})
	if want := "sources.pagerduty[0].endpoint: the endpoint is not a web address; write it as https://host/path"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	valid := load(t, "sources: {pagerduty: [{name: main, token_env: PD}, {name: file, token_file: secrets/token}]}\n",
		"READINESS__STORE__URL=postgres://u:hunter2@db/readiness", "PD=hunter2")
	secret := config.NewSecret("hunter2")
	token := valid.Sources().PagerDuty[0].Credential()
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{
			valid, *valid, valid.Store(), valid.Sources(), secret, &secret, token, &token, []config.Secret{secret},
			struct{ s config.Secret }{secret},
		} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
	}
	logger := slog.New(slog.NewJSONHandler(&printed, nil))
	logger.Info("x", "secret", secret, "store", valid.Store(), "token", token)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "secret", secret, "store", valid.Store(), "token", token)
	for _, value := range []any{secret, valid.Store(), valid.Sources().PagerDuty[0].TokenEnv} {
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		asYAML, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		printed.Write(asJSON)
		printed.Write(asYAML)
	}
	for _, leak := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), "token-in-file"} {
		if strings.Contains(printed.String(), leak) {
			t.Errorf("%q was printed", leak)
		}
	}
	if !strings.Contains(printed.String(), "<secret>") {
		t.Error("nothing stands for the secret")
	}
	if secret.Reveal() != "hunter2" {
		t.Error("the secret is lost")
	}
}

func FuzzLoad(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(names, example) {
		text, err := readExample(example)
		if name != example {
			text, err = readRaw(name)
		}
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "READINESS__LOG__LEVEL=debug")
	}
	f.Add("", "READINESS__CATALOG__BACKSTAGE=[a")
	f.Fuzz(func(t *testing.T, text, variable string) {
		valid, err := config.Load(options(text, variable))
		if (valid == nil) == (err == nil) {
			t.Errorf("got %v and %v, want one of both", valid, err)
		}
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if strings.TrimSpace(line) == "" {
					t.Errorf("an empty line in %q", err)
				}
			}
		}
	})
}
