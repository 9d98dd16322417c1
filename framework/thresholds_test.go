package framework

import (
	"strings"
	"testing"
)

const thresholdCheck = `apiVersion: readiness/v1
kind: Framework
name: test
version: 0.1.0
modules:
  - {id: a, name: A}
`

// TestThresholds: a number is written once, and is in the proofs as it was written.
func TestThresholds(t *testing.T) {
	check := `module: a
id: a.b
level: 1
value: 0.15
values: {days: 180.0, wait: 14400, people: 2, none: 0}
title: At least {people:words} people in {days} days, {value%}, {wait:time}, {none:words}
judged: "{value} of {people}"
remediation: ["Wait {wait:time}."]
remedies: {pagerduty.oncall_now: "Add {people}."}
proofs:
  - by: machine
    pass: pagerduty.coverage_ratio_14d >= {value} && pagerduty.coverage_ratio_14d <= {days}
  - by: machine
    pass: pagerduty.oncall_now >= {people} && pagerduty.oncall_now < {wait} && pagerduty.oncall_now > {none}
`
	doc, err := Parse([]File{{Name: "f.yaml", Data: []byte(thresholdCheck)}, {Name: "b.yaml", Data: []byte(check)}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Compile(doc, testFacts(t))
	if err != nil {
		t.Fatal(err)
	}
	c := f.Checks[0]
	for got, want := range map[string]string{
		c.Title:                            "At least two people in 180 days, 15 %, 4 hours, no",
		c.Judged:                           "0.15 of 2",
		c.Remediation[0]:                   "Wait 4 hours.",
		c.Remedies["pagerduty.oncall_now"]: "Add 2.",
		c.Proofs[0].Pass.Source:            "pagerduty.coverage_ratio_14d >= 0.15 && pagerduty.coverage_ratio_14d <= 180.0",
		c.Proofs[1].Pass.Source: "pagerduty.oncall_now >= 2 && pagerduty.oncall_now < 14400 && " +
			"pagerduty.oncall_now > 0",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTextsWithoutThresholdsStay: braces of a check without thresholds are its own.
func TestTextsWithoutThresholdsStay(t *testing.T) {
	text := strings.NewReplacer("title: B", "title: The {value} of B", "PASS", "deploy.automated").Replace(frame)
	doc, err := Parse([]File{{Name: "f.yaml", Data: []byte(text)}})
	if err != nil || doc.modules[0].Checks[0].Title != "The {value} of B" {
		t.Errorf("%+v, %v", doc, err)
	}
}
