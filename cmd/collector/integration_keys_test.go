package main

import (
	"strings"
	"testing"
)

// TestIntegrationKeys are looked up by the program, which never shows a whole one: not in
// what it prints, and not in its files.
func TestIntegrationKeys(t *testing.T) {
	const lost = "0123456789abcdef0123456789abcdef"
	s := newSite(t)
	s.edit("collector.yaml", "service_id: PCHECK", "integration_key: "+checkoutKey)
	s.edit("collector.yaml", "service_id: PGONE", "service_id: PCART, integration_key: "+checkoutKey)
	s.edit("collector.yaml", "catalog:\n", "catalog:\n  backstage: [till.yaml]\n")
	s.write("till.yaml", "kind: Component\nmetadata:\n  name: till\n  labels: {tier: \"2\"}\n"+
		"  annotations: {pagerduty.com/integration-key: "+lost+"}\nspec: {type: service}\n")
	var said string
	run := func(want int, args ...string) string {
		t.Helper()
		out, errs, code := s.run(args...)
		if said += out + errs; code != want {
			t.Errorf("%v: exit %d\n%s%s", args, code, out, errs)
		}
		return out
	}
	out := run(exitFailure, "check", "--online")
	for _, want := range []string{
		`"…cdef" of till: no integration of the account has this integration key, or the credential cannot see it`,
		"the integration key …600d of ghost is of PCHECK (Checkout); the service id PCART counts",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("check --online lacks %q:\n%s", want, out)
		}
	}
	run(exitOK, "collect", "--once")
	if out := run(exitOK, "score", "checkout", "--output", "json"); !strings.Contains(out, "PagerDuty service PCHECK") {
		t.Errorf("checkout has no facts of its PagerDuty service:\n%s", out)
	}
	if out := run(exitOK, "score", "till", "--output", "json"); !strings.Contains(out, "unknown_key") {
		t.Errorf("till lacks the reason:\n%s", out)
	}
	said += s.read("readiness.db")
	for _, key := range []string{checkoutKey, lost} {
		if end := key[len(key)-8:]; strings.Contains(said, end) {
			t.Errorf("the program shows %s", end)
		}
	}
}
