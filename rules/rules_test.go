package rules

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write "+fileName+" anew")

// TestTheCommittedRulesAreThoseOfTheDefaults: the file in the repository is what the
// template says with the default values.
func TestTheCommittedRulesAreThoseOfTheDefaults(t *testing.T) {
	t.Parallel()
	texts, err := All(Defaults())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(fileName, texts[fileName], 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := Files.ReadFile(fileName)
	if err != nil {
		t.Fatal(err)
	}
	if string(texts[fileName]) != string(committed) {
		t.Errorf("%s is not what readiness.rules.tmpl says: go test ./rules -update", fileName)
	}
	if faults := Defaults().Faults(func(string) error { return nil }); len(faults) > 0 {
		t.Errorf("faults of the defaults: %v", faults)
	}
}

// ruleOf is what the tests read of a rule.
type ruleOf struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         model.Duration    `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func rulesOf(t *testing.T, v Values) []ruleOf {
	t.Helper()
	texts, err := All(v)
	if err != nil {
		t.Fatal(err)
	}
	var all []ruleOf
	for file, text := range texts {
		var rules struct {
			Groups []struct {
				Rules []ruleOf `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(text, &rules); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, g := range rules.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

// TestRulesAreFitted: with odd values, each expression parses, and alerts lead to the
// addresses of the installation.
func TestRulesAreFitted(t *testing.T) {
	t.Parallel()
	const name = `no "team"$1: #`
	v := Defaults()
	v.Without, v.Runbooks, v.Grafana = name, "https://wiki.example.com/run{{books", "https://grafana.example.com/x/"
	v.CollectorTeam = name
	v.Severity.Service = Severities{Tier1: "page", Tier2: "ticket", Tier3: "page", Other: "none"}
	syntax, quoted, alerts, byTier, ofCollector := parser.NewParser(parser.Options{}), 0, 0, 0, 0
	for _, r := range rulesOf(t, v) {
		e, err := syntax.ParseExpr(r.Expr)
		if err != nil {
			t.Fatalf("%s: %v", r.Expr, err)
		}
		parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
			if s, ok := n.(*parser.StringLiteral); ok && s.Val == strings.ReplaceAll(name, "$", "$$") {
				quoted++
			}
			return nil
		})
		if r.Alert == "" {
			continue
		}
		alerts++
		if r.For > 0 && r.For < model.Duration(10*time.Minute) {
			t.Errorf("%s waits for %s: what waits less than 10 minutes begins anew when Prometheus restarts", r.Alert, r.For)
		}
		// Who gets it: the team of the service, or that of the collector.
		switch team, ofService := r.Labels["team"], strings.Contains(r.Expr, "group_left (team, org, tier)"); {
		case !ofService && team == name:
			ofCollector++
		case !ofService, team != "":
			t.Errorf("%s has the team %q", r.Alert, team)
		}
		if url := r.Annotations["runbook_url"]; url != "https://wiki.example.com/run%7B%7Bbooks/"+r.Alert+".md" {
			t.Errorf("the runbook is at %s", url)
		}
		if url := r.Annotations["dashboard_url"]; !strings.HasPrefix(url, "https://grafana.example.com/x/d/readiness-") {
			t.Errorf("the dashboard is at %s", url)
		}
		const want = `{{ if eq $labels.tier "1" "3" }}page{{ else if eq $labels.tier "2" }}ticket{{ else }}none{{ end }}`
		if r.Labels["severity"] == want {
			byTier++
		}
	}
	if quoted != 2 || alerts < 23 || byTier < 9 || ofCollector < 11 {
		t.Errorf("the name is there %d times, want 2; %d alerts, %d with a severity by tier, %d of the collector", quoted,
			alerts, byTier, ofCollector)
	}
	v.Severity.Service = Severities{Tier1: "warning", Tier2: "warning", Tier3: "warning", Other: "warning"}
	for _, r := range rulesOf(t, v) {
		if r.Alert == "ReadinessTargetLate" && r.Labels["severity"] != "warning" {
			t.Errorf("one severity for all tiers is %q", r.Labels["severity"])
		}
	}
}

// TestEveryThresholdIsUsed: each value of the file changes the rules.
func TestEveryThresholdIsUsed(t *testing.T) {
	t.Parallel()
	standard, err := All(Defaults())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Thresholds){
		"news_for":             func(th *Thresholds) { th.NewsFor *= 3 },
		"badge_lapses_in":      func(th *Thresholds) { th.BadgeLapsesIn *= 3 },
		"minimum_badge":        func(th *Thresholds) { th.MinimumBadge = "gold" },
		"oncall_gap_in":        func(th *Thresholds) { th.OnCallGapIn *= 3 },
		"source_failing_ratio": func(th *Thresholds) { th.SourceFailing = 0.77 },
		"budget_left_ratio":    func(th *Thresholds) { th.BudgetLeft = 0.77 },
		"exemption_ends_in":    func(th *Thresholds) { th.ExemptionEndsIn *= 3 },
		"pin_ends_in":          func(th *Thresholds) { th.PinEndsIn *= 3 },
		"token_expires_in":     func(th *Thresholds) { th.TokenExpiresIn *= 3 },
		"target_late_by":       func(th *Thresholds) { th.TargetLateBy *= 3 },
		"review_overdue_by":    func(th *Thresholds) { th.ReviewOverdueBy *= 3 },
		"drifted_for":          func(th *Thresholds) { th.DriftedFor *= 3 },
		"noise_ratio":          func(th *Thresholds) { th.NoiseRatio = 0.77 },
		"noise_incidents":      func(th *Thresholds) { th.NoiseIncidents = 77 },
	} {
		v := Defaults()
		change(&v.Thresholds)
		texts, err := All(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(texts[fileName]) == string(standard[fileName]) {
			t.Errorf("%s changes no rule", name)
		}
	}
}

// TestValuesThatCannotBeUsed are refused, each by its key.
func TestValuesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	v := Values{Thresholds: Thresholds{NoiseRatio: 1.5, MinimumBadge: "gild"}}
	v.Severity.Service.Tier1 = "{{ boom }}"
	said := map[string]string{}
	for _, f := range v.Faults(func(string) error { return errors.New("no address") }) {
		said[f.Path] = f.Text
	}
	if len(said) != 27 {
		t.Errorf("%d faults, want 27: %v", len(said), said)
	}
	for path, want := range map[string]string{
		"severity.service.tier_1":  `"{{ boom }}" is not a severity`,
		"thresholds.minimum_badge": `"gild" is not a badge: want bronze`,
		"thresholds.noise_ratio":   "1.5 is not a share",
		"thresholds.pin_ends_in":   "want a second or more",
		"grafana_url":              "no address",
		"collector_team":           "give the team that runs",
		"without":                  "give services without a team a name",
	} {
		if !strings.Contains(said[path], want) {
			t.Errorf("%s: %q, want %q", path, said[path], want)
		}
	}
}

// TestTheManifestHasTheSameRules: a PrometheusRule differs from the file in its head alone.
func TestTheManifestHasTheSameRules(t *testing.T) {
	t.Parallel()
	v := Defaults()
	v.Kubernetes = Kubernetes{Name: "ready", Namespace: "monitoring", Labels: map[string]string{"release": "true"}}
	files, err := All(v)
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Groups []any `yaml:"groups"`
	}
	if err := yaml.Unmarshal(files[fileName], &want); err != nil {
		t.Fatal(err)
	}
	manifests, err := Manifests(v)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		APIVersion string     `yaml:"apiVersion"`
		Kind       string     `yaml:"kind"`
		Metadata   objectMeta `yaml:"metadata"`
		Spec       struct {
			Groups []any `yaml:"groups"`
		} `yaml:"spec"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(manifests[manifestName]))
	decoder.KnownFields(true)
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(want.Groups) != 2 || !reflect.DeepEqual(want.Groups, got.Spec.Groups) {
		t.Error("the manifest has other rules than the file")
	}
	if got.APIVersion != "monitoring.coreos.com/v1" || got.Kind != "PrometheusRule" ||
		!reflect.DeepEqual(got.Metadata, objectMeta(v.Kubernetes)) {
		t.Errorf("%s %s %+v", got.APIVersion, got.Kind, got.Metadata)
	}
}
