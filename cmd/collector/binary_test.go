package main

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/internal/storetest"
)

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
		t.Errorf("the first page answers %d", code)
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
	d := s.start("--server.enable-lifecycle")
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
	if _, page := d.get("/"); !strings.Contains(page, "The configuration was not reloaded at") ||
		strings.Contains(page, "tier: 9") {
		t.Errorf("the page after a reload that was refused:\n%s", page)
	}
	s.edit("collector.yaml", "tier: 9", "tier: 4")
	if status, _ := d.reload("evil.example"); status != http.StatusMisdirectedRequest {
		t.Errorf("a reload under another name: %d", status)
	}
	if status, text := d.reload(""); status != http.StatusOK {
		t.Fatalf("reload: %d %s", status, text)
	}
	if status, text := d.reload(""); status != http.StatusTooManyRequests {
		t.Errorf("a second reload at once: %d %s", status, text)
	}
	d.eventually("the new tier is served", func() bool {
		_, ok := d.value("readiness_service_info", "service_name", "cart", "tier", "4")
		return ok
	})
	if v, _ := d.value("readiness_collector_reload_success"); v != 1 {
		t.Errorf("reload success is %v", v)
	}
	if _, page := d.get("/"); strings.Contains(page, "not reloaded") {
		t.Errorf("the page after a reload that worked:\n%s", page)
	}
}

// reload asks for a reload over HTTP under the name, or that of the address.
func (d *daemon) reload(host string) (status int, text string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+"/-/reload", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestAReloadAsksNoSourceAgain whose configuration has not changed.
func TestAReloadAsksNoSourceAgain(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	s.edit("collector.yaml", "@every 1s", "@every 1h")
	d := s.start()
	if status, text := d.reload(""); status != http.StatusNotFound {
		t.Errorf("a reload over HTTP that is not enabled: %d %s", status, text)
	}
	success := func() (float64, bool) {
		return d.value("readiness_collector_last_success_timestamp_seconds", "source", "pagerduty/main")
	}
	d.eventually("the round is over", func() bool { _, ok := success(); return ok })
	s.vendor.Forget()
	reload := func(n int) {
		t.Helper()
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		d.eventually("it is reloaded", func() bool {
			return strings.Count(d.log.String(), "the configuration was reloaded") == n
		})
	}
	s.edit("collector.yaml", "interval: 1s", "interval: 2s")
	for n := range 5 {
		reload(n + 1)
	}
	if requests := s.vendor.Requests(); len(requests) > 0 {
		t.Errorf("reloads ask for %v", requests)
	}
	s.edit("collector.yaml", "timeout: 30s", "timeout: 29s")
	reload(6)
	d.eventually("the changed source is asked", func() bool { return len(s.vendor.Requests()) > 0 })
}
