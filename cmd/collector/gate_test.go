package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/report"
)

// TestTheGate: Silver of checkout is proven, cart has one level of escalation only, and the
// service of ghost does not exist, so that nothing is known of it.
func TestTheGate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for arguments, want := range map[string]struct {
		code int
		text string
	}{
		"checkout --badge silver":                             {exitOK, "Proven: checkout proves Silver: 3 checks"},
		"checkout --badge Silver --module inc":                {exitOK, "proves Silver in inc"},
		"cart --badge bronze":                                 {exitOK, "proves Bronze"},
		"cart --badge silver":                                 {exitFailure, "NOT PROVEN: cart does not prove Silver: 1 check failing"},
		"cart --badge silver --dry-run":                       {exitOK, "NOT PROVEN"},
		"cart --check inc.someone-on-call":                    {exitOK, "proves inc.someone-on-call"},
		"cart --badge bronze --check inc.escalates":           {exitFailure, "escalation_levels is 1; wanted pagerduty."},
		"ghost --check inc.someone-on-call":                   {exitUnknown, "CANNOT TELL: whether ghost proves inc.someone-on-call"},
		"ghost --check inc.someone-on-call --dry-run":         {exitOK, "CANNOT TELL"},
		"checkout --badge silver --server http://127.0.0.1:1": {exitUnknown, "is it running"},
		". --badge silver --server http://127.0.0.1:1":        {exitConfig, "name a service"},
		"checkout --badge silver --server nonsense":           {exitConfig, "want an address"},
		"chekout --badge silver":                              {exitConfig, `did you mean "checkout"?`},
		"checkout --badge golden":                             {exitConfig, `did you mean "gold"?`},
		"checkout --badge none":                               {exitConfig, "every service proves no badge"},
		"checkout --badge silver --module incc":               {exitConfig, `did you mean "inc"?`},
		"checkout --check inc.escalate":                       {exitConfig, `did you mean "inc.escalates"?`},
		"checkout --badge silver --max-age soon":              {exitConfig, "want a duration"},
		"checkout --check inc.escalates --module inc":         {exitConfig, "--module needs --badge"},
		"checkout": {exitConfig, "nothing is asked, and checkout has no target"},
	} {
		out, errs, code := s.run(append([]string{"gate"}, strings.Fields(arguments)...)...)
		if said := strings.Join(strings.Fields(out+errs), " "); code != want.code || !strings.Contains(said, want.text) {
			t.Errorf("gate %s: exit %d, want %d with %q:\n%s", arguments, code, want.code, want.text, said)
		}
	}

	_, _, code := s.run("gate", "cart", "--badge", "silver", "--save", "verdict.json", "-o", "json")
	var saved report.Gate
	if err := json.Unmarshal([]byte(s.read("verdict.json")), &saved); err != nil || code != exitFailure {
		t.Fatalf("exit %d: %v", code, err)
	}
	if saved.Service != "cart" || saved.Framework.Version != "1.0.0" || saved.Framework.Hash == "" || saved.At.IsZero() ||
		saved.JudgedAt.IsZero() || saved.Verdict != report.GateNotProven || len(saved.Checks) != 3 ||
		len(saved.Checks[2].Evidence) == 0 || saved.Checks[2].Evidence[0].ObservedAt.IsZero() {
		t.Errorf("the verdict file lacks something: %+v", saved)
	}
	out, _, _ := s.run("gate", "cart", "--badge", "silver", "-o", "junit")
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal([]byte(out), &suites); err != nil || suites.Tests != 3 || suites.Failures != 1 {
		t.Errorf("JUnit: %+v, %v:\n%s", suites, err, out)
	}
	out, _, _ = s.run("gate", "cart", "--badge", "silver", "-o", "sarif")
	var log struct {
		Version string
		Runs    []struct {
			Results []struct{ RuleID, Level string }
		}
	}
	if err := json.Unmarshal([]byte(out), &log); err != nil || log.Version != "2.1.0" || len(log.Runs[0].Results) != 1 ||
		log.Runs[0].Results[0].RuleID != "inc.escalates" || log.Runs[0].Results[0].Level != "error" {
		t.Errorf("SARIF: %+v, %v:\n%s", log, err, out)
	}
	out, _, _ = s.run("gate", "cart", "--badge", "silver", "-o", "md")
	if !strings.Contains(out, "### Readiness of cart: NOT PROVEN") || !strings.Contains(out, "| A missed page finds") {
		t.Errorf("Markdown:\n%s", out)
	}
	plain := s.read("collector.yaml")
	s.write("collector.yaml", plain+"targets:\n  - {badge: silver, services: [\"c*\"], by: 2020-06-30, reason: all are reviewed}\n"+
		"  - {badge: bronze, services: [ghost]}\n")
	for arguments, want := range map[string]struct {
		code int
		text string
	}{
		"checkout":           {exitOK, "Proven: checkout proves its target Silver: 3 checks"},
		"cart":               {exitFailure, "NOT PROVEN: cart does not prove its target Silver: 1 check failing"},
		"ghost --module inc": {exitFailure, "ghost does not prove its target Bronze in inc"},
		"cart --badge bronze": {exitOK, "Target Silver by 2020-06-30: due, 13 days left, since the service is new; 1 check to go. " +
			"Why: all are reviewed."},
	} {
		out, errs, code := s.run(append([]string{"gate"}, strings.Fields(arguments)...)...)
		if said := strings.Join(strings.Fields(out+errs), " "); code != want.code || !strings.Contains(said, want.text) {
			t.Errorf("gate %s: exit %d, want %d with %q:\n%s", arguments, code, want.code, want.text, said)
		}
	}
	s.write("collector.yaml", plain)
	s.exemptions(s.read("collector.yaml"), "{check: inc.escalates, services: [cart], reason: it is new, requested_by: a, "+
		"approver: b, expires: "+time.Now().AddDate(0, 1, 0).Format(time.DateOnly)+"}")
	out, errs, code := s.run("gate", "cart", "--badge", "silver")
	if code != exitOK || !strings.Contains(out, "of which 1 exempt") || !strings.Contains(out, "inc.escalates  exempt") {
		t.Errorf("an exempt check: exit %d: %s%s", code, out, errs)
	}
}

// TestTheExamplesOfPipelines runs the commands of docs/ci as a shell of a pipeline does,
// against a running daemon.
func TestTheExamplesOfPipelines(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.start()
	d.eventually("cart is judged", func() bool {
		_, body := d.get("/api/v1/services/cart/gate?badge=silver")
		return strings.Contains(body, `"verdict":"not_proven"`)
	})
	folder := t.TempDir()
	if err := os.Symlink(s.command().Path, filepath.Join(folder, "collector")); err != nil {
		t.Fatal(err)
	}
	run := func(script, service string) (string, int) {
		cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "READINESS_SERVER="+d.url,
			"SERVICE="+service, "GITHUB_STEP_SUMMARY=summary.md")
		out, err := cmd.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return string(out), exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		return string(out), 0
	}
	for file, scripts := range map[string]*regexp.Regexp{
		"github-actions.yaml": regexp.MustCompile(`(?m)^          (collector .*)$`),
		"pull-request.yaml":   regexp.MustCompile(`(?m)^          (collector .*)$`),
		"gitlab-ci.yaml":      regexp.MustCompile(`(?m)^    - (collector .*)$`),
		"Jenkinsfile":         regexp.MustCompile(`(?m)^        sh '(collector .*)'$`),
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci", file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".yaml") {
			if err := yaml.Unmarshal(text, new(any)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		found := scripts.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s has no command", file)
		}
		for _, m := range found {
			wantFailure := exitFailure
			if strings.Contains(m[1], "--dry-run") {
				wantFailure = exitOK
			}
			for service, want := range map[string]int{"checkout": exitOK, "cart": wantFailure} {
				if out, code := run(m[1], service); code != want {
					t.Errorf("%s, %s of %s: exit %d, want %d: %s", file, m[1], service, code, want, out)
				}
			}
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci", "argo-rollouts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Spec struct {
			Metrics []struct {
				Provider struct{ Web struct{ URL string } }
			}
		}
	}
	if err := yaml.Unmarshal(text, &template); err != nil || len(template.Spec.Metrics) != 1 {
		t.Fatalf("%v: %+v", err, template)
	}
	for service, want := range map[string]string{"checkout": "proven", "cart": "not_proven"} {
		address := strings.NewReplacer("{{args.server}}", d.url, "{{args.service}}", service, "{{args.badge}}", "silver").
			Replace(template.Spec.Metrics[0].Provider.Web.URL)
		response, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		var gate struct{ Verdict string }
		err = json.NewDecoder(response.Body).Decode(&gate)
		if err != nil || gate.Verdict != want || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %+v, %v", address, response.StatusCode, gate, err)
		}
		_ = response.Body.Close()
	}
}

// TestTheGateOfADaemonThatDoesNotAnswer: it says nothing about the service, in any format, and
// a CI server sees an error. An address of something else is no fault of the command line.
func TestTheGateOfADaemonThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for _, server := range []string{"http://127.0.0.1:1", other.URL} {
		for _, format := range []string{"text", "json", "md", "junit"} {
			out, errs, code := s.run("gate", "checkout", "--badge", "silver", "--server", server, "-o", format)
			if code != exitUnknown || !strings.Contains(out, "is this its address?") {
				t.Errorf("%s, %s: exit %d: %s%s", server, format, code, out, errs)
			}
			for _, invented := range []string{"0001-01-01", "no badge", "badge_held", "0 of 0", "?.", `errors="0"`} {
				if strings.Contains(out, invented) {
					t.Errorf("%s, %s: %q in\n%s", server, format, invented, out)
				}
			}
		}
	}
	for _, service := range []string{"", ".", ".."} {
		for _, command := range [][]string{{"gate", service, "--badge", "gold"}, {"score", service}} {
			out, errs, code := s.run(append(command, "--server", other.URL)...)
			if code != exitConfig || !strings.Contains(errs, "name a service") {
				t.Errorf("%q: exit %d: %s%s", command, code, out, errs)
			}
		}
	}
}
