package framework

import "testing"

// TestConstantExpressions: what always has the same answer judges nobody; what compares on
// both sides of a number does.
func TestConstantExpressions(t *testing.T) {
	t.Parallel()
	facts := testFacts(t)
	proofs, err := NewCompiler(facts)
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		"pagerduty.oncall_now >= 1 || pagerduty.oncall_now < 5":                              "true",
		"pagerduty.oncall_now >= 5 && pagerduty.oncall_now < 5":                              "false",
		"pagerduty.coverage_ratio_14d > 0.5 && pagerduty.coverage_ratio_14d < 0.4":           "false",
		"pagerduty.coverage_ratio_14d > 0.4 && pagerduty.coverage_ratio_14d < 0.5":           "",
		"pagerduty.oncall_now > 4 && pagerduty.oncall_now < 5":                               "false",
		"pagerduty.oncall_now >= 1.5 || !(pagerduty.oncall_now >= 2)":                        "true",
		"deploy.automated || !deploy.automated":                                              "true",
		"deploy.automated || true":                                                           "true",
		"deploy.automated && service.tier == 5":                                              "false",
		"deploy.automated || service.tier in [1, 2, 3, 4]":                                   "true",
		"deploy.automated || service.tier in [1, 2, 3]":                                      "",
		"deploy.automated && service.runtime == 'kubernetes' && service.runtime == 'lambda'": "false",
		"deploy.automated && service.runtime == 'kubernetes'":                                "",
		"pagerduty.coverage_ratio_14d >= service.coverage_target":                            "",
		"pagerduty.oncall_now >= (service.tier == 1 ? 3 : 2)":                                "",
		"pagerduty.oncall_now >= (service.tier == 1 ? 3 : 2) || pagerduty.oncall_now < 3":    "true",
		"pagerduty.oncall_now * 2 >= 3 || pagerduty.oncall_now < 1":                          "",
		"pagerduty.oncall_now >= 1":                                                          "",
	} {
		e, err := proofs.Compile(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got := ""
		if e.isConstant {
			got = e.constant.String()
		}
		if got != want {
			t.Errorf("%s is always %q, want %q", source, got, want)
		}
	}
}
