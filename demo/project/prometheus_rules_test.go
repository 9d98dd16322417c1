package project

import (
	"strings"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// rulesSay looks at the rules as the server has them.
func rulesSay(t *testing.T, o *observed) {
	found, err := o.api.Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]bool{}
	groups := map[string]v1.RuleGroup{}
	for _, g := range found.Groups {
		groups[g.Name] = g
		for _, r := range g.Rules {
			switch r := r.(type) {
			case v1.AlertingRule:
				switch r.Health {
				case v1.RuleHealthGood:
				case v1.RuleHealthBad:
					broken[g.Name] = true
					if !strings.Contains(r.LastError, "found duplicate series") {
						t.Errorf("%s fails: %s", r.Name, r.LastError)
					}
				default:
					t.Errorf("%s has not been evaluated", r.Name)
				}
			case v1.RecordingRule:
				if r.Health != v1.RuleHealthGood {
					t.Errorf("%s: %s", r.Name, r.LastError)
				}
			}
		}
	}
	if len(broken) == 0 || len(broken) > 2 {
		t.Errorf("%d services have broken rules, want one or two", len(broken))
	}
	for _, s := range o.company.Services {
		if _, there := groups[s.Name]; there != s.Does("obs.alert-exists") {
			t.Errorf("%s has rules: %t", s.Name, there)
		}
		if broken[s.Name] && s.Does("obs.runbooks") {
			t.Errorf("%s has a broken rule, and should not", s.Name)
		}
	}
	if _, ok := groups["platform"]; !ok {
		t.Error("there are no rules for the fleet")
	}
	firing, err := o.api.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range firing.Alerts {
		if a.Labels["severity"] == "critical" && a.State == v1.AlertStateFiring {
			t.Errorf("%s fires right after the start", a.Labels["alertname"])
		}
	}
}
