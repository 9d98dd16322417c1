package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/internal/storetest"
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

// daemon is a running `collector run`.
type daemon struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	log *lockedBuffer
	// ended is closed when the process has ended, with err.
	ended chan struct{}
	err   error
}

var servingLine = regexp.MustCompile(`msg=serving address=(\S+)`)

func (s *site) start(args ...string) *daemon {
	s.t.Helper()
	d := s.launch(args...)
	d.eventually("the daemon serves", func() bool {
		if m := servingLine.FindStringSubmatch(d.log.String()); m != nil {
			d.url = "http://" + m[1]
		}
		return d.url != ""
	})
	return d
}

// launch starts a daemon that need not serve yet.
func (s *site) launch(args ...string) *daemon {
	s.t.Helper()
	d := &daemon{
		t: s.t, cmd: s.command(append([]string{"run"}, args...)...), log: &lockedBuffer{}, ended: make(chan struct{}),
	}
	d.cmd.Stderr = d.log
	if err := d.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.ended)
	}()
	s.t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	return d
}

// eventually polls a running program until ok is true. The test fails if the program ends
// before. The program uses the real clock, so that the test cannot advance it.
func (d *daemon) eventually(what string, ok func() bool) {
	d.t.Helper()
	if err := d.wait(ok); err != nil {
		d.t.Fatalf("%s: %v\n%s", what, err, d.log.String())
	}
}

func (d *daemon) wait(ok func() bool) error {
	const limit = 3 * time.Minute // long enough for a busy machine
	deadline := time.Now().Add(limit)
	for {
		// What it has written before its end counts, so that ok is asked after it.
		ended := false
		select {
		case <-d.ended:
			ended = true
		default:
		}
		switch {
		case ok():
			return nil
		case ended:
			return fmt.Errorf("the daemon has ended: %v", d.cmd.ProcessState)
		case time.Now().After(deadline):
			return fmt.Errorf("not within %s", limit)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A test does not wait for a daemon that has ended.
func TestWaitingEndsWithTheDaemon(t *testing.T) {
	d := newFolder(t).launch("--config", "none.yaml")
	if err := d.wait(func() bool { return false }); err == nil || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("%v\n%s", err, d.log.String())
	}
}

func (d *daemon) get(path string) (int, string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (d *daemon) ready() {
	d.t.Helper()
	d.eventually("the daemon is ready", func() bool { code, _ := d.get("/-/ready"); return code == http.StatusOK })
}

// value reads from /metrics the sum of the series that have the labels; ok is
// false when there is none.
func (d *daemon) value(name string, labels ...string) (sum float64, ok bool) {
	d.t.Helper()
	_, body := d.get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, m := range families[name].GetMetric() {
		matches := 0
		for _, l := range m.GetLabel() {
			for i := 0; i < len(labels); i += 2 {
				if l.GetName() == labels[i] && l.GetValue() == labels[i+1] {
					matches++
				}
			}
		}
		if matches == len(labels)/2 {
			sum, ok = sum+m.GetGauge().GetValue()+m.GetCounter().GetValue()+m.GetUntyped().GetValue(), true
		}
	}
	return sum, ok
}

func (d *daemon) stop(how os.Signal) error {
	d.t.Helper()
	if err := d.cmd.Process.Signal(how); err != nil {
		d.t.Fatal(err)
	}
	select {
	case <-d.ended:
		return d.err
	case <-time.After(2 * time.Minute):
		d.t.Fatalf("the daemon did not stop on %s\n%s", how, d.log.String())
		return nil
	}
}

func TestOneRoundPrintsTheFleet(t *testing.T) {
	s := newSite(t)
	out, errs, code := s.run("collect", "--once")
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	for _, want := range []string{
		`(?m)^checkout +payments +1 +Gold`, `(?m)^cart +payments +2 +Bronze`,
		`(?m)^ghost +payments +3 +-|(?m)^ghost +payments +3 +none|(?m)^ghost +payments +3 +None`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no line like %s in\n%s", want, out)
		}
	}
	out, errs, code = s.run("score", "cart")
	if code != 0 || !strings.Contains(out, "inc.escalates") || !strings.Contains(out, "Add a second level.") ||
		!regexp.MustCompile(`  score     \d+(-\d+)?%, from`).MatchString(out) {
		t.Errorf("exit %d; the scorecard does not say what to do next\n%s%s", code, out, errs)
	}
	out, _, _ = s.run("score", "-o", "json")
	var fleet struct {
		Services []struct{ Service, Badge string }
	}
	if err := json.Unmarshal([]byte(out), &fleet); err != nil || len(fleet.Services) != 3 {
		t.Errorf("the fleet as JSON: %v, %+v", err, fleet)
	}
	out, _, _ = s.run("score", "-o", "csv")
	if rows, err := csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil || len(rows) != 4 {
		t.Errorf("the fleet as CSV: %v, %d rows", err, len(rows))
	}
	if out, errs, code = s.run("framework", "coverage"); code != 0 || !strings.Contains(out, "pagerduty.oncall_now") {
		t.Errorf("coverage exits %d\n%s%s", code, out, errs)
	}
	if _, errs, code = s.run("score", "chekout"); code != exitConfig ||
		!strings.Contains(errs, `did you mean "checkout"?`) {
		t.Errorf("an unknown service exits %d: %s", code, errs)
	}
}

func TestTheDaemonServesWhatItFound(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	d := s.start()
	d.ready()
	d.eventually("checkout is Gold", func() bool {
		v, ok := d.value("readiness_badge_level", "service_name", "checkout")
		return ok && v == 3
	})
	if v, ok := d.value("readiness_badge_level", "service_name", "cart"); !ok || v != 1 {
		t.Errorf("cart has badge level %v, %v", v, ok)
	}
	if code, body := d.get("/api/v1/services/cart"); code != http.StatusOK || !strings.Contains(body, "inc.escalates") {
		t.Errorf("the scorecard answers %d: %s", code, body)
	}
	if code, body := d.get("/api/v1/services/crat"); code != http.StatusNotFound || !strings.Contains(body, "cart") {
		t.Errorf("an unknown service answers %d: %s", code, body)
	}
	if code, body := d.get("/"); code != http.StatusOK || !strings.Contains(body, "checkout") {
		t.Errorf("the landing page answers %d", code)
	}
	local, _, _ := s.run("score", "checkout", "-o", "csv")
	remote, errs, code := s.run("score", "checkout", "-o", "csv", "--server", d.url)
	if code != 0 || !strings.Contains(remote, "inc.covered") || strings.Count(remote, "\n") != strings.Count(local, "\n") {
		t.Errorf("the scorecard from the daemon exits %d: %s\n%s\nlocally\n%s", code, errs, remote, local)
	}
	if _, errs, code := s.run("collect", "--once"); code != exitConfig ||
		!strings.Contains(errs, "in use by another process") {
		t.Errorf("a second process on the same file exits %d: %s", code, errs)
	}
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Errorf("the daemon ended with %v\n%s", err, d.log.String())
	}
}

// TestWhatGoesWrongAtRunTime is the table of faults of an upstream: each is
// counted by its reason, logged once, costs nobody a badge, and /metrics goes
// on answering.
func TestWhatGoesWrongAtRunTime(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	s.edit("collector.yaml", "timeout: 30s", "timeout: 30s, max_response_bytes: 100000")
	d := s.start()
	d.eventually("checkout is Gold", func() bool {
		v, ok := d.value("readiness_badge_level", "service_name", "checkout")
		return ok && v == 3
	})
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatalf("the daemon ended with %v\n%s", err, d.log.String())
	}
	bad := http.Header{"Retry-After": {"0"}, "Ratelimit-Reset": {"0"}}
	for _, c := range []struct {
		name, reason string
		fault        pagerdutytest.Fault
	}{
		{"401", "unauthorized", pagerdutytest.Fault{Status: 401}},
		{"403", "forbidden", pagerdutytest.Fault{Status: 403}},
		{"404", "not_found", pagerdutytest.Fault{Status: 404}},
		{"410", "gone", pagerdutytest.Fault{Status: 410}},
		{"429", "rate_limited", pagerdutytest.Fault{Status: 429, Header: bad}},
		{"500", "server_error", pagerdutytest.Fault{Status: 500}},
		{"truncated", "undecodable", pagerdutytest.Fault{Truncate: true}},
		{"reset", "unreachable", pagerdutytest.Fault{Reset: true}},
		{"not JSON", "undecodable", pagerdutytest.Fault{Body: "<html>maintenance</html>", ContentType: "text/html"}},
		{
			"too large", "too_large",
			pagerdutytest.Fault{Body: `{"services":[],"more":false,"x":"` + strings.Repeat("x", 200000) + `"}`},
		},
		{"slow", "timeout", pagerdutytest.Fault{Hang: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.fault.Hang {
				s.edit("collector.yaml", "timeout: 30s", "timeout: 2s")
				defer s.edit("collector.yaml", "timeout: 2s", "timeout: 30s")
			}
			// A process of its own, since the circuit of the last one may be open.
			s.vendor.Heal()
			d := s.start()
			d.eventually("a round succeeds", func() bool {
				n, _ := d.value("readiness_collector_runs_total", "source", "pagerduty/main", "outcome", "success")
				return n >= 1
			})
			failures := func() float64 {
				n, _ := d.value("readiness_collector_runs_total", "source", "pagerduty/main", "outcome", "failure")
				return n
			}
			logged, failed := len(d.log.String()), failures()
			s.vendor.Inject(c.fault)
			d.eventually("two rounds have failed", func() bool { return failures() >= failed+2 })
			log := d.log.String()[logged:]
			if n := strings.Count(log, "reason="+c.reason); n < 1 || n > 2 {
				// Twice where another call fails in the second round.
				t.Errorf("reason %s was logged %d times\n%s", c.reason, n, log)
			}
			// What cannot be decoded is no failure of the request.
			if n, _ := d.value("readiness_collector_requests_total", "source", "pagerduty/main", "reason", c.reason); n < 1 &&
				c.reason != "undecodable" {
				t.Errorf("no request was counted with reason %s", c.reason)
			}
			if v, ok := d.value("readiness_badge_level", "service_name", "checkout"); !ok || v != 3 {
				t.Errorf("the badge level is %v, %v", v, ok)
			}
			if err := d.stop(syscall.SIGTERM); err != nil {
				t.Errorf("the daemon ended with %v\n%s", err, d.log.String())
			}
		})
	}
	d = s.start()
	s.vendor.Heal()
	// One record that cannot be decoded among good ones costs itself.
	s.vendor.Inject(pagerdutytest.Fault{Call: "GET /incidents", Records: []string{`{"id":"QBAD","created_at":7}`}})
	d.eventually("the bad record is counted", func() bool {
		n, ok := d.value("readiness_collector_skipped_records_total", "source", "pagerduty/main")
		return ok && n > 0
	})
	if v, ok := d.value("readiness_badge_level", "service_name", "checkout"); !ok || v != 3 {
		t.Errorf("beside a bad record the badge level is %v, %v", v, ok)
	}
}

func TestKillAndRestartContinue(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	d := s.start()
	d.eventually("checkout is Gold", func() bool {
		v, ok := d.value("readiness_badge_level", "service_name", "checkout")
		return ok && v == 3
	})
	since, _ := d.value("readiness_badge_since_timestamp_seconds", "service_name", "checkout")
	if err := d.stop(syscall.SIGKILL); err == nil {
		t.Error("a killed daemon ended well")
	}
	s.vendor.Inject(pagerdutytest.Fault{Status: 503})
	again := s.start()
	if code, _ := again.get("/-/ready"); code != http.StatusOK {
		t.Errorf("after a restart the daemon is not ready at once: %d", code)
	}
	if v, ok := again.value("readiness_badge_level", "service_name", "checkout"); !ok || v != 3 {
		t.Errorf("after a restart without PagerDuty the badge level is %v, %v", v, ok)
	}
	if v, _ := again.value("readiness_badge_since_timestamp_seconds", "service_name", "checkout"); v != since {
		t.Errorf("the badge is held since %v, before the restart since %v", v, since)
	}
}

// TestTheSameOnPostgreSQL runs the main job on the other database: a round, a
// scorecard, a daemon that is killed and continues.
func TestTheSameOnPostgreSQL(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	address := storetest.StartPostgres(t).Database(t)
	s.environ = []string{"READINESS__STORE__URL=" + address}
	out, errs, code := s.run("collect", "--once")
	if code != 0 || !regexp.MustCompile(`(?m)^checkout +payments +1 +Gold`).MatchString(out) {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if out, errs, code = s.run("score", "cart"); code != 0 || !strings.Contains(out, "inc.escalates") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	d := s.start()
	d.ready()
	since, _ := d.value("readiness_badge_since_timestamp_seconds", "service_name", "checkout")
	_ = d.stop(syscall.SIGKILL)
	s.vendor.Inject(pagerdutytest.Fault{Status: 503})
	again := s.start()
	again.ready()
	if v, ok := again.value("readiness_badge_level", "service_name", "checkout"); !ok || v != 3 {
		t.Errorf("after a restart without PagerDuty the badge level is %v, %v", v, ok)
	}
	if v, _ := again.value("readiness_badge_since_timestamp_seconds", "service_name", "checkout"); v != since {
		t.Errorf("the badge is held since %v, before the restart since %v", v, since)
	}
}

func TestReloadSwapsWholeOrNotAtAll(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	d := s.start()
	d.eventually(
		"checkout is judged",
		func() bool { _, ok := d.value("readiness_badge_level", "service_name", "checkout"); return ok },
	)
	s.edit("collector.yaml", "tier: 2", "tier: 9")
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.eventually(
		"the bad configuration is refused",
		func() bool { v, ok := d.value("readiness_collector_reload_success"); return ok && v == 0 },
	)
	if v, ok := d.value("readiness_service_info", "service_name", "cart", "tier", "2"); !ok || v != 1 {
		t.Error("a refused configuration changed a service")
	}
	s.edit("collector.yaml", "tier: 9", "tier: 4")
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/-/reload", nil)
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("reload: %v, %v", response, err)
	}
	_ = response.Body.Close()
	d.eventually("the new tier is served", func() bool {
		_, ok := d.value("readiness_service_info", "service_name", "cart", "tier", "4")
		return ok
	})
	if v, _ := d.value("readiness_collector_reload_success"); v != 1 {
		t.Errorf("reload success is %v", v)
	}
}
