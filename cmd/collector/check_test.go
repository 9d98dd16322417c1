package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// All faults are said at once, each with its place, however deep they are found.
func TestCheckSaysAllFaultsWithTheirPlaces(t *testing.T) {
	s := newFolder(t)
	const sources = "sources:\n  prometheus:\n    - {name: main, url: \"http://localhost:1\", presets: [PRESET]}\n"
	s.write("collector.yaml", "catalog:\n  services:\n    - {name: a, tier: 7}\n"+strings.Replace(sources, "PRESET",
		"kubernets", 1))
	_, errs, code := s.run("check")
	for _, want := range []string{
		"collector.yaml:3: catalog.services[0].tier: ",
		`collector.yaml:6: sources.prometheus[0].presets[0]: there is no preset "kubernets", did you mean "kubernetes"?`,
	} {
		if code != exitConfig || !strings.Contains(errs, want) {
			t.Errorf("exit %d, want %q in\n%s", code, want, errs)
		}
	}
	s.write("collector.yaml", "catalog:\n  backstage: [a.yaml, none/*.yaml, b/**/c.yaml]\n  services:\n"+
		"    - {name: a, tier: 1}\nexemptions:\n  - {check: obs.trace, services: [a], reason: r, requested_by: b, approver: a, "+
		"expires: 2099-01-01}\n"+strings.Replace(sources, "PRESET", "kubernetes", 1))
	s.write("a.yaml", "kind: Component\nmetadata: {name: b}\nspec: {type: service}\n")
	_, errs, code = s.run("check")
	for _, want := range []string{
		`collector.yaml:2: catalog.backstage[1]: "none/*.yaml" matches no file`,
		`collector.yaml:2: catalog.backstage[2]: "b/**/c.yaml" matches no file`,
		`collector.yaml:6: exemptions: unknown check "obs.trace", did you mean "obs.traces"?`,
	} {
		if code != exitConfig || !strings.Contains(errs, want) {
			t.Errorf("exit %d, want %q in\n%s", code, want, errs)
		}
	}
}

// What a line of the output says is not said again at the end.
func TestCheckSaysAFaultOnce(t *testing.T) {
	s := newSite(t)
	s.write("token", "another-token\n")
	out, errs, code := s.run("check", "--online")
	if code != exitFailure || !strings.Contains(out, "FAIL  pagerduty/main: ") || !strings.Contains(out, "unauthorized") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if errs != "collector: failed, as said above: pagerduty/main\n" {
		t.Errorf("stderr: %s", errs)
	}
}

// targets is a Prometheus server that scrapes these jobs and has no other series.
func targets(t *testing.T, jobs ...string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := any(jobs)
		if strings.HasSuffix(r.URL.Path, "/query") {
			result := []any{}
			for _, job := range jobs {
				if r.FormValue("query") == "up" {
					result = append(result, map[string]any{"metric": map[string]string{"job": job}, "value": []any{0, "1"}})
				}
			}
			data = map[string]any{"resultType": "vector", "result": result}
		}
		if err := json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// A matcher without a server has to be found on one of them, not on all.
func TestCheckLooksForAMatcherOnAnyServer(t *testing.T) {
	s := newFolder(t)
	a, b := targets(t, "checkout", "search"), targets(t, "cart", "payments")
	s.write("collector.yaml", `catalog:
  services:
    - {name: checkout, tier: 1, prometheus: [{matchers: {job: checkout}}]}
    - {name: cart, tier: 1, prometheus: [{server: a, matchers: {job: cart}}]}
    - {name: till, tier: 1, prometheus: [{matchers: {job: payment}}]}
sources:
  prometheus:
    - {name: a, url: "`+a.URL+`", presets: [signals]}
    - {name: b, url: "`+b.URL+`", presets: [signals]}
`)
	faults := func() (faults []string) {
		out, errs, code := s.run("check", "--online")
		if code != exitFailure {
			t.Errorf("exit %d: %s", code, errs)
		}
		for line := range strings.Lines(out) {
			if fault, is := strings.CutPrefix(line, "FAIL"); is {
				faults = append(faults, strings.TrimSpace(fault))
			}
		}
		return faults
	}
	pinned := `prometheus/a prometheus.matchers: "job=cart" of cart: the server has no series with these labels: no series ` +
		`has job="cart"`
	nowhere := `prometheus/b prometheus.matchers: "job=payment" of till: the server has no series with these labels: no ` +
		`series has job="payment", did you mean "payments"?`
	if got := faults(); !slices.Equal(got, []string{pinned, nowhere}) {
		t.Errorf("got\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), pinned, nowhere)
	}
	// A server that does not answer may have it.
	closed := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(closed.Close)
	s.edit("collector.yaml", b.URL, closed.URL)
	if got := faults(); len(got) != 2 || got[0] != pinned || !strings.HasPrefix(got[1], "prometheus/b: ") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// An exemption that is over does nothing, and one without a near end is none; a
// running daemon keeps both, and the check refuses them.
func TestCheckRefusesExemptionsThatAreOverOrTooLong(t *testing.T) {
	s := newSite(t)
	s.write("four.yaml", strings.Replace(fourChecks, "modules:", "max_exemption: 365d\nmodules:", 1))
	text := s.read("collector.yaml")
	day := func(after time.Duration) string { return time.Now().Add(after).UTC().Format(time.DateOnly) }
	const year = 365 * 24 * time.Hour
	for expires, want := range map[string]struct {
		line string
		code int
	}{
		"2020-01-01":  {"FAIL  exemptions: collector.yaml:", exitConfig},
		day(2 * year): {"the framework allows 365 days at a time: the last possible day is " + day(year), exitConfig},
		day(year / 2): {"ok    exemptions: 1\n", exitOK},
		day(0):        {"ok    exemptions: 1\n", exitOK}, // the last day counts
	} {
		s.write("collector.yaml", text+"\nexemptions:\n  - {check: inc.someone-on-call, services: [cart], reason: r, "+
			"requested_by: b, approver: a, expires: "+expires+"}\n")
		out, errs, code := s.run("check")
		if code != want.code || !strings.Contains(out, want.line) {
			t.Errorf("%s: exit %d\n%s%s", expires, code, out, errs)
		}
		if _, errs, code := s.run("collect", "--once"); code == exitConfig {
			t.Errorf("%s: a round does not start: %s", expires, errs)
		}
	}
	s.write("collector.yaml", text+"\nexemptions:\n  - {check: inc.someone-on-call, tiers: [4], reason: r, requested_by: b, approver: a, "+
		"expires: "+day(year/2)+"}\n")
	if out, _, code := s.run("check"); code != exitOK || !strings.Contains(out, "warn  exemptions: ") ||
		!strings.Contains(out, "it covers no service of the catalog") {
		t.Errorf("exit %d\n%s", code, out)
	}
	s.write("collector.yaml", strings.Replace(text, "pagerduty: [{service_id: PCART}]", "title: Cart", 1))
	if out, _, _ := s.run("check"); !strings.Contains(out, "warn  catalog: ") || !strings.Contains(out, "know cart:") {
		t.Errorf("nothing warns of a service that no source can find\n%s", out)
	}
}
