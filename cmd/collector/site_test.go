package main

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/internal/race"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	// Beside what the go command builds: the folder of the tests' data may be on a
	// disk from which nothing is executed.
	folder, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "collector-test")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(folder, "collector")
	arguments := []string{"build", "-o", binary, "-ldflags", "-X main.revision=0123abcd"}
	if race.Enabled {
		arguments = append(arguments, "-race")
	}
	build := exec.CommandContext(context.Background(), "go", append(arguments, ".")...)
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

const fourChecks = `apiVersion: readiness/v1
kind: Framework
name: four
version: 1.0.0
modules:
  - id: inc
    name: Incident Preparedness
    checks:
      - id: inc.registered
        level: 1
        title: The service can be paged
        remediation: [Create the service in PagerDuty.]
        proofs: [{by: machine, pass: "catalog.owner_declared && pagerduty.service_exists"}]
      - id: inc.someone-on-call
        level: 1
        title: Somebody is on call now
        dwell: 1h
        proofs: [{by: machine, pass: "pagerduty.oncall_now >= 1"}]
      - id: inc.escalates
        level: 2
        title: A missed page finds somebody else
        remediation: [Add a second level.]
        proofs: [{by: machine, pass: "pagerduty.escalation_levels >= 2"}]
      - id: inc.covered
        level: 3
        title: No hole in the next two weeks
        proofs: [{by: machine, pass: "pagerduty.coverage_ratio_14d >= 0.999"}]
`

// site is a folder with a configuration, and a PagerDuty for it.
type site struct {
	t      *testing.T
	folder string
	vendor *pagerdutytest.Server
	// environ is added to the environment.
	environ []string
}

// newFolder makes an empty site.
func newFolder(t *testing.T) *site {
	t.Helper()
	sample := []string{"TestTheDaemonServesWhatItFound", "TestReloadSwapsWholeOrNotAtAll", "TestServicesAreDiscovered"}
	if !slices.Contains(sample, t.Name()) {
		race.Skip(t, "its program starts the same goroutines as that of "+strings.Join(sample, ", "))
	}
	return &site{t: t, folder: t.TempDir()}
}

// checkoutKey is the key of an integration of PCHECK.
const checkoutKey = "5a1e5a1e5a1e600d5a1e5a1e5a1e600d"

func newSite(t *testing.T) *site {
	t.Helper()
	s := newFolder(t)
	start := time.Now().UTC().Truncate(time.Hour).Add(-1000 * time.Hour)
	s.vendor = pagerdutytest.New(pagerdutytest.Options{
		Token: "the-secret-token", Fail: func(msg string) { t.Error(msg) },
		Account: pagerdutytest.Account{
			Services: []pagerdutytest.Service{
				{
					ID: "PCHECK", Name: "Checkout", EscalationPolicy: "EGOOD",
					Integrations: []string{"events_api_v2_inbound_integration"}, IntegrationKeys: []string{checkoutKey},
				},
				{ID: "PCART", Name: "Cart", EscalationPolicy: "ELONE", Integrations: []string{"events_api_v2_inbound_integration"}},
			},
			EscalationPolicies: []pagerdutytest.EscalationPolicy{
				{
					ID: "EGOOD", Name: "Payments",
					Levels: []pagerdutytest.Level{{Schedules: []string{"S1"}}, {Users: []string{"UBOSS"}}},
				},
				{ID: "ELONE", Name: "Cart", Levels: []pagerdutytest.Level{{Users: []string{"UALONE"}}}},
			},
			Schedules: []pagerdutytest.Schedule{{
				ID: "S1", Name: "Payments", Users: []string{"UA", "UB"}, Start: start, Shift: 7 * 24 * time.Hour,
			}},
		},
	})
	server := httptest.NewServer(s.vendor)
	t.Cleanup(server.Close)
	s.write("four.yaml", fourChecks)
	s.write("token", "the-secret-token\n")
	s.write("collector.yaml", `store: {url: readiness.db}
framework: {file: four.yaml}
server: {listen_address: "127.0.0.1:0"}
evaluation: {interval: 1s}
catalog:
  teams: [{name: payments, org: shop}]
  services:
    - {name: checkout, team: payments, org: shop, tier: 1, pagerduty: [{service_id: PCHECK}]}
    - {name: cart, team: payments, org: shop, tier: 2, pagerduty: [{service_id: PCART}]}
    - {name: ghost, team: payments, org: shop, tier: 3, pagerduty: [{service_id: PGONE}]}
sources:
  pagerduty:
    - {name: main, endpoint: "`+server.URL+
		`", token_file: token, schedule: "@every 1s", timeout: 30s, rate: {per_minute: 100000}}
`)
	return s
}

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) edit(name, old, new string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, name))
	if err != nil || !strings.Contains(string(text), old) {
		s.t.Fatalf("%s does not hold %q (%v)", name, old, err)
	}
	s.write(name, strings.Replace(string(text), old, new, 1))
}

func (s *site) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.t.Context(), binary, args...)
	cmd.Dir = s.folder
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "COLUMNS=")
	cmd.Env = append(cmd.Env, s.environ...)
	return cmd
}

// run runs a command to its end.
func (s *site) run(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	cmd := s.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if strings.Contains(out.String()+errs.String(), "the-secret-token") {
		s.t.Errorf("%v prints the token", args)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// refuses wants of each command line that it ends with a text: with the exit code of a failure
// if the text is about a folder, which is then tried to be made, else with that of a command
// line that is not valid.
func (s *site) refuses(texts map[string]string) {
	s.t.Helper()
	for arguments, want := range texts {
		_, errs, code := s.run(strings.Fields(arguments)...)
		wantCode := exitConfig
		if strings.Contains(want, "folder") {
			wantCode = exitFailure
		}
		if code != wantCode || !strings.Contains(errs, want) {
			s.t.Errorf("%s: exit %d: %s", arguments, code, errs)
		}
	}
}
