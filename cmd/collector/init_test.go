package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// landscape is three sources that init asks.
type landscape struct {
	*site
	jira                                 *jiratest.Server
	pagerDutyURL, jiraURL, prometheusURL string
	// labels are what the Prometheus server knows, by label, guarded by mu.
	mu     sync.Mutex
	labels map[string][]string
}

func newLandscape(t *testing.T, services []pagerdutytest.Service) *landscape {
	t.Helper()
	l := &landscape{site: newFolder(t)}
	serve := func(h http.Handler) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	l.vendor = pagerdutytest.New(pagerdutytest.Options{
		Token: "the-secret-token", Fail: func(msg string) { t.Error(msg) },
		Account: pagerdutytest.Account{
			Services: services,
			Teams:    []pagerdutytest.Team{{ID: "TPAY", Name: "Payments"}, {ID: "TIDLE", Name: "Idle Team"}},
		},
	})
	l.pagerDutyURL = serve(l.vendor)
	now := time.Now()
	issue := func(key, kind, component string) jiratest.Issue {
		return jiratest.Issue{
			Key: key, Type: kind, Components: []string{component}, Created: now.Add(-time.Hour), Summary: "x",
		}
	}
	l.jira = jiratest.New(jiratest.Options{
		Email: "me@example.com", Token: "the-secret-token",
		Fail: func(msg string) {
			if !strings.Contains(msg, "issuetyp =") { // which one test sends on purpose
				t.Error(msg)
			}
		},
		Site: jiratest.Site{
			Projects: []string{"OPS", "PRR"}, Issues: []jiratest.Issue{
				issue("SHOP-1", "Incident", "Checkout"), issue("SHOP-2", "Task", "warehouse"),
				issue("PRR-1", "Readiness Review", "Cart"),
			},
			Descriptions: map[string]string{
				"SHOP/Checkout": "Takes the money. Code: [here|https://github.com/shop/till/tree/main].",
				"PRR/Cart":      "https://gitlab.com/shop/basket and https://github.com/shop/trolley",
			},
		},
	})
	l.jiraURL = serve(l.jira)
	l.labels = map[string][]string{
		"__name__": {"up", "http_requests_total"}, "cluster": nil, "namespace": {"shop", "cart"},
		"job": {"shop/checkout", "node-exporter"},
	}
	l.prometheusURL = serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var data any
		if parts := strings.Split(r.URL.Path, "/"); len(parts) == 6 && parts[3] == "label" && parts[5] == "values" {
			l.mu.Lock()
			values, known := l.labels[parts[4]]
			l.mu.Unlock()
			if !known {
				http.Error(w, "no", http.StatusNotFound)
				return
			}
			data = append([]string{}, values...)
		} else if r.URL.Path == "/api/v1/rules" {
			data = map[string]any{"groups": []any{}}
		} else if r.URL.Path == "/api/v1/query" {
			targets := []any{}
			if r.FormValue("query") == "up" {
				for _, labels := range []map[string]string{{"job": "shop/checkout", "namespace": "shop"}, {"namespace": "cart"}} {
					targets = append(targets, map[string]any{"metric": labels, "value": []any{0, "1"}})
				}
			}
			data = map[string]any{"resultType": "vector", "result": targets}
		} else {
			t.Errorf("unknown request %s", r.URL)
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
	}))
	l.write("token", "the-secret-token\n")
	return l
}

func (l *landscape) args(more ...string) []string {
	return append([]string{
		"init", "--pagerduty-token-file", "token", "--pagerduty-endpoint", l.pagerDutyURL,
		"--jira-url", l.jiraURL, "--jira-email", "me@example.com", "--jira-token-file", "token", "--prometheus-url",
		l.prometheusURL,
	}, more...)
}

// knows changes what the Prometheus server knows of a label; nil makes it refuse.
func (l *landscape) knows(label string, values []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.labels[label] = values
	if values == nil {
		delete(l.labels, label)
	}
}

var shopServices = []pagerdutytest.Service{
	{ID: "PCHECK", Name: "Checkout", Teams: []string{"TPAY"}},
	{ID: "PCART", Name: "cart"},
	{ID: "POLD", Name: "Old Shop", Status: "disabled"},
	{ID: "PWARE", Name: "Ware House", Teams: []string{"TPAY"}},
}

func TestInitWritesWhatTheCredentialsSee(t *testing.T) {
	l := newLandscape(t, shopServices)
	out, errs, code := l.run(l.args()...)
	if code != exitOK || out != "" || !strings.Contains(errs, "3 services, 1 team;") {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	text := l.read("collector.yaml")
	for _, want := range []string{
		"    - name: cart\n      pagerduty:\n        - {service_id: PCART}\n      jira:\n        - {project: PRR, component: Cart}\n      prometheus:\n        - {matchers: {namespace: cart}}\n      kubernetes: {namespace: cart}\n",
		"    - name: checkout\n      title: Checkout\n      team: payments\n      pagerduty:\n        - {service_id: PCHECK}\n      jira:\n        - {project: SHOP, component: Checkout}\n      prometheus:\n        - {matchers: {job: shop/checkout}}\n",
		"    # not found: jira, prometheus\n    - name: ware-house\n", "    # not found: team\n    - name: cart\n",
		"    - {name: payments, title: Payments}\n    # - {name: idle-team}\n",
		"  defaults:\n    tier: 3 # choose\n",
		"# Left out, since they are disabled in PagerDuty: Old Shop (POLD).",
		"# Teams of PagerDuty that own none of these services: Idle Team.",
		"SHOP/warehouse", "node-exporter",
		`incidents: {jql: issuetype = "Incident"}`, `reviews: {jql: issuetype = "Readiness Review"}`,
		"token_file: token\n", "email: me@example.com", "presets: [", "signals",
		"# Checks that are not measurable with these",
		"      github: shop/till # as Jira links it\n",
		"      # gitlab: shop/basket # found: is it?\n", "      # github: shop/trolley # found: is it?\n",
		"      # team: TEAM # inc.registered\n", "      # data_owner: TEAM # data.owned\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !strings.Contains(errs, "WHAT IS MISSING, AND WHAT IT BLOCKS\n") ||
		!regexp.MustCompile(`catalog key data_owner +3 +Bronze +data.owned\n`).MatchString(errs) {
		t.Errorf("init does not close with what is missing\n%s", errs)
	}
	if strings.Contains(text, "the-secret-token") {
		t.Error("the secret is in the file")
	}
	if out, errs, code := l.run("check"); code != exitOK || !strings.Contains(out, "3 services, 1 team\n") {
		t.Errorf("what init wrote is not valid: exit %d\n%s%s", code, out, errs)
	}
	if out, errs, code := l.run("check", "--online"); code != exitOK {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}

	l.edit("collector.yaml", "email: me@example.com", "email: me@example.com\n      not_done: [Verworfen]")
	if out, errs, code := l.run("check", "--online"); code != exitOK || !strings.Contains(errs+out,
		"warn  jira/main resolutions: the site has Cannot Reproduce, Done, Duplicate, Won't Do; none of them is in not_done") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}

	// Each name that the source does not have is reported on a separate line.
	for old, wrong := range map[string]string{
		"service_id: PCART": "service_id: https://x.pagerduty.com/services/PCART", "component: Cart": "component: Card",
		"project: SHOP": "project: SHOPP", "job: shop/checkout": "job: shop/chekout",
		`issuetype = "Incident"`: `issuetyp = "Incident"`,
	} {
		l.edit("collector.yaml", old, wrong)
	}
	out, errs, code = l.run("check", "--online")
	if code != exitFailure {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{
		`FAIL  pagerduty/main services: "https://x.pagerduty.com/services/PCART" of cart: `, "did you mean PCART (cart)?",
		`FAIL  jira/main projects: "SHOPP" of checkout: `, `did you mean "SHOP"?`,
		`FAIL  jira/main components: "Card" of cart: `, `did you mean "Cart"?`,
		`FAIL  jira/main searches: "issuetyp = \"Incident\"" of incidents.jql: `,
		`FAIL  prometheus/main prometheus.matchers: "job=shop/chekout" of checkout: `, `did you mean "shop/checkout"?`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	l.write("collector.yaml", text)

	// A file is kept, and nobody is asked for one that will not be written.
	before := len(l.vendor.Requests())
	if _, errs, code := l.run(l.args()...); code != exitConfig || !strings.Contains(errs, "--force") ||
		len(l.vendor.Requests()) != before {
		t.Errorf("exit %d: %s", code, errs)
	}
	if _, errs, code := l.run(l.args("--force")...); code != exitOK || l.read("collector.yaml") != text {
		t.Errorf("the second time is not the first: exit %d: %s", code, errs)
	}
	if out, errs, code := l.run(l.args("-")...); code != exitOK || out != text {
		t.Errorf("the standard output is not the file: exit %d: %s\n%s", code, errs, out)
	}
	// In another folder the names of files are relative to it.
	if err := os.Mkdir(filepath.Join(l.folder, "conf"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := l.run(l.args("conf/c.yaml")...); code != exitOK ||
		!strings.Contains(l.read("conf/c.yaml"), "token_file: ../token\n") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if out, errs, code := l.run("check", "--config", "conf/c.yaml"); code != exitOK {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if names, _ := filepath.Glob(filepath.Join(l.folder, ".collector*")); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

// TestInitWritesTheRest has one source after the other fail.
func TestInitWritesTheRest(t *testing.T) {
	l := newLandscape(t, shopServices)
	for _, c := range []struct {
		name       string
		breaks     func()
		heal       func()
		want, lost string
	}{
		{
			"pagerduty", func() { l.vendor.Inject(pagerdutytest.Fault{Status: 401}) }, l.vendor.Heal, "name: warehouse",
			"- {service_id",
		},
		{"jira", func() { l.jira.Inject(jiratest.Fault{Status: 401}) }, l.jira.Heal, "service_id: PCHECK", "- {project"},
		{
			"prometheus", func() { l.knows("__name__", nil) }, func() { l.knows("__name__", []string{"up"}) },
			"service_id: PCHECK", "presets:",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.breaks()
			defer c.heal()
			_, errs, code := l.run(l.args("--force")...)
			if code != exitFailure || !strings.Contains(errs, "written without what did not answer: "+c.name+"/main: ") {
				t.Errorf("exit %d: %s", code, errs)
			}
			text := l.read("collector.yaml")
			if !strings.Contains(text, "# It did not answer, so nothing here is from it:") || !strings.Contains(text, c.want) ||
				strings.Contains(text, c.lost) {
				t.Errorf("in\n%s", text)
			}
			if out, errs, code := l.run("check"); code != exitOK {
				t.Errorf("exit %d\n%s%s", code, out, errs)
			}
		})
	}
	if err := os.Remove(filepath.Join(l.folder, "collector.yaml")); err != nil {
		t.Fatal(err)
	}
	l.vendor.Inject(pagerdutytest.Fault{Status: 403})
	_, errs, code := l.run("init", "--pagerduty-token-file", "token", "--pagerduty-endpoint", l.pagerDutyURL)
	if code != exitFailure || !strings.Contains(errs, "no source has answered") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(l.folder, "collector.yaml")); err == nil {
		t.Error("a file was written from nothing")
	}
}

// TestInitOfHostileNames wants a valid file whatever services are called.
// Tiers are chosen while the file is written; what is chosen asks for no choice.
func TestInitWithTiers(t *testing.T) {
	l := newLandscape(t, shopServices)
	_, errs, code := l.run(l.args("--tier", "4", "--tier", "checkout=2", "--tier", "c.*=1")...)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	text := l.read("collector.yaml")
	for _, want := range []string{
		"      team: payments\n      tier: 2\n", "    - name: cart\n      tier: 1\n", "    tier: 4 # choose\n", "      team: payments\n      pagerduty:\n        - {service_id: PWARE}\n",
		"#   4  best effort\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if out, errs, _ := l.run(l.args("-", "--tier", "team:payments=2")...); strings.Count(out, "tier: 2\n") != 2 ||
		!strings.Contains(out, "    tier: 3 # choose") {
		t.Errorf("the tier of a team: %s%s", out, errs)
	}
	_, errs, code = l.run(l.args("--force", "--tier", "chekout=1", "--tier", "team:paymens=2")...)
	if code != exitConfig || !strings.Contains(errs, `tier "chekout=1" fits no service, did you mean "checkout"?`) ||
		!strings.Contains(errs, `tier "team:paymens=2" fits no service, did you mean "payments"?`) {
		t.Errorf("exit %d: %s", code, errs)
	}
	_, errs, code = l.run(l.args("--force", "--tier", "c.*=1", "--tier", "checkout=2")...)
	if code != exitConfig || !strings.Contains(errs, `tier "checkout=2" chooses nothing: "c.*=1" is before it`) {
		t.Errorf("exit %d: %s", code, errs)
	}
	if l.read("collector.yaml") != text {
		t.Error("a wrong tier has written the file")
	}
}

// What init says to do makes a valid file: the team of an entry, the backup that is
// lacking, a tier by a selector.
func TestTheAdviceOfInitCanBeFollowed(t *testing.T) {
	l := newLandscape(t, []pagerdutytest.Service{{ID: "PCART", Name: "cart"}})
	_, errs, code := l.run(l.args("--tier", "team:edge=2")...)
	if code != exitConfig || !strings.Contains(errs, "no service has a team; choose by name, such as cart=2") {
		t.Errorf("exit %d: %s", code, errs)
	}
	l.knows("namespace", []string{"cart", "edge"})
	if _, errs, code = l.run(l.args()...); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, commented := range []string{
		"  # teams:\n", "  #   - {name: idle-team}\n", "      # team: TEAM #",
		"    # selectors:\n", "    #   - {select: {name: NAME}, tier: 2}\n",
	} {
		text := l.read("collector.yaml")
		if !strings.Contains(text, commented) {
			t.Fatalf("no %q in\n%s", commented, text)
		}
		l.edit("collector.yaml", commented, strings.Replace(commented, "# ", "", 1))
	}
	l.edit("collector.yaml", "team: TEAM", "team: idle-team")
	l.edit("collector.yaml", "name: NAME", "name: cart")
	out, errs, code := l.run("check")
	if code != exitOK || !strings.Contains(out, "1 service") {
		t.Errorf("exit %d\n%s%s\n%s", code, out, errs, l.read("collector.yaml"))
	}
}

// Prometheus names no services: what was seen is there as comments.
func TestInitOfPrometheusAlone(t *testing.T) {
	l := newLandscape(t, nil)
	l.knows("job", []string{"shop/checkout", "x: {y}\n# z"})
	_, errs, code := l.run("init", "--prometheus-url", l.prometheusURL)
	if code != exitOK || strings.Contains(errs, "Choose the tiers") ||
		!strings.Contains(errs, "No source names services: write them under catalog.services, where the jobs") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	text := l.read("collector.yaml")
	line := "  #   - {name: checkout, prometheus: [{matchers: {job: shop/checkout}}]}\n"
	if !strings.Contains(text, line) {
		t.Fatalf("no %q in\n%s", line, text)
	}
	if out, errs, code := l.run("check"); code != exitOK {
		t.Errorf("exit %d\n%s%s\n%s", code, out, errs, text)
	}
	l.edit("collector.yaml", "  services: []\n", "  services:\n"+strings.Replace(line, "# ", "", 1))
	if out, errs, code := l.run("check"); code != exitOK || !strings.Contains(out, "1 service") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestInitOfHostileNames(t *testing.T) {
	var services []pagerdutytest.Service
	for i, name := range []string{
		"a: b", "- x", "# comment", "{flow}", "[list]", "*alias", "&anchor", "!tag", "| block", "> fold", "%YAML", "@at",
		"`tick`", `"quoted`, "'single",
		"true", "null", "1.10", "~", "two\nlines", "--- doc", "line\u2028sep", "bom\ufeff", "tab\tin",
		"カート", "naïve café",
		"Checkout", "checkout", "CHECKOUT!",
		strings.Repeat("long ", 50), "....", "x", "\x7f bell \x07", "{service}", "$1", "${x}",
	} {
		services = append(
			services, pagerdutytest.Service{ID: "P" + string(rune('A'+i/26)) + string(rune('A'+i%26)), Name: name},
		)
	}
	l := newLandscape(t, services)
	l.knows("job", []string{"a-b", "x: {y}\n# z", "true"})
	l.knows("namespace", []string{"null", "1.10"})
	if _, errs, code := l.run(l.args()...); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	out, errs, code := l.run("check")
	if code != exitOK || !regexp.MustCompile(`catalog: 29 services`).MatchString(out) {
		t.Errorf("exit %d\n%s%s\n%s", code, out, errs, l.read("collector.yaml"))
	}
}

func TestInitFromTheEnvironment(t *testing.T) {
	l := newLandscape(t, shopServices)
	l.environ = []string{
		"PAGERDUTY_TOKEN=the-secret-token", "JIRA_URL=" + l.jiraURL, "JIRA_EMAIL=me@example.com",
		"JIRA_TOKEN=the-secret-token", "PROMETHEUS_URL=" + l.prometheusURL,
	}
	if _, errs, code := l.run("init", "--pagerduty-endpoint", l.pagerDutyURL, "--tier", "2"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	text := l.read("collector.yaml")
	for _, want := range []string{
		"token_env: PAGERDUTY_TOKEN", "token_env: JIRA_TOKEN", "email: me@example.com", "tier: 2 # choose",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if out, errs, code := l.run("check"); code != exitOK {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	// A token with scopes has another address to ask.
	out, errs, code := l.run(
		"init", "--pagerduty-endpoint", l.pagerDutyURL, "--jira-url", "https://example.atlassian.net", "--jira-api-url",
		l.jiraURL, "-",
	)
	if code != exitOK || !strings.Contains(out, "url: https://example.atlassian.net\n      api_url: "+l.jiraURL) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestInitRefusesWhatCannotWork(t *testing.T) {
	l := newLandscape(t, shopServices)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{}, "no source is named"},
		{[]string{"a", "b"}, "one file at a time"},
		{[]string{"--jira-token-file", "token"}, "--jira-url is missing"},
		{[]string{"--prometheus-token-file", "token"}, "--prometheus-url is missing"},
		{[]string{"--jira-url", l.jiraURL, "--jira-deployment", "datacentre"}, `did you mean "datacenter"?`},
		{[]string{"--pagerduty-token-file", "missing"}, "token_file"},
		{[]string{"--pagerduty-token-env", "NOT_SET"}, "token_env"},
		{[]string{"--pagerduty-token-file", "token", "--tier", "7"}, "tier 7 does not exist"},
		{[]string{"--pagerduty-token-file", "token", "--tier", "cart=7"}, "tier 7 does not exist"},
		{[]string{"--pagerduty-token-file", "token", "--tier", "cart"}, "want a number such as 3, NAME=N or team:TEAM=N"},
		{[]string{"--pagerduty-token-file", "token", "--tier", "(=1"}, "no regular expression"},
		{[]string{"--pagerduty-token-file", "token", "--pagerduty-endpoint", "nonsense"}, "endpoint"},
		{[]string{"--jira-url", l.jiraURL, "--jira-token-file", "token"}, "email"},
	} {
		_, errs, code := l.run(append([]string{"init"}, c.args...)...)
		if code != exitConfig || !strings.Contains(errs, c.want) {
			t.Errorf("%v exits %d: %s", c.args, code, errs)
		}
	}
	if n := len(l.vendor.Requests()) + len(l.jira.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
	if _, errs, code := l.run(
		"init", "--pagerduty-token-file", "token", "--pagerduty-endpoint", l.pagerDutyURL, "nowhere/c.yaml",
	); code == exitOK || errs == "" {
		t.Errorf("a folder that is not there: exit %d: %s", code, errs)
	}
}
