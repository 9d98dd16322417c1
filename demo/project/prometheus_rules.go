package project

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/demo/company"
)

const (
	checkAlerts     = "obs.alert-exists"
	checkRunbooks   = "obs.runbooks"
	checkBurnRate   = "obs.burn-rate-alerts"
	checkPredictive = "obs.predictive"
)

// The keys of a rule file.
type (
	ruleFile struct {
		Groups []ruleGroup `yaml:"groups"`
	}
	ruleGroup struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	}
	rule struct {
		Record      string            `yaml:"record,omitempty"`
		Alert       string            `yaml:"alert,omitempty"`
		Expr        string            `yaml:"expr"`
		For         string            `yaml:"for,omitempty"`
		Labels      map[string]string `yaml:"labels,omitempty"`
		Annotations map[string]string `yaml:"annotations,omitempty"`
	}
)

// Rules is the company's rule file: what each team alerts on, the rules that
// Sloth made of objectives, and those of the platform for the whole fleet,
// which are about no single service.
func Rules(c *company.Company) ([]byte, error) {
	file := ruleFile{Groups: []ruleGroup{fleetRules()}}
	broken := 0
	for _, s := range c.Services {
		r := ruler{Service: s, luck: luck{c.Seed, s.Name}}
		flaw := r.flaw()
		if broken < maxBroken && r.breakable() {
			broken++
			flaw = flawBroken
		}
		if proves(s, checkObjective) {
			file.Groups = append(file.Groups, r.recorded())
		}
		if s.Does(checkAlerts) {
			file.Groups = append(file.Groups, r.alerts(flaw))
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(file); err != nil {
		return nil, fmt.Errorf("writing the company's alerting rules: %w", err)
	}
	return out.Bytes(), nil
}

// maxBroken is how many services have broken rules: few enough to be noticed.
const maxBroken = 2

func fleetRules() ruleGroup {
	page := func(alert, expr, summary string) rule {
		return rule{
			Alert: alert, Expr: expr, For: "15m", Labels: map[string]string{"severity": "critical"},
			Annotations: map[string]string{"summary": summary},
		}
	}
	return ruleGroup{Name: "platform", Rules: []rule{
		page(
			"KubePodCrashLooping", `increase(kube_pod_container_status_restarts_total[15m]) > 3`,
			"{{ $labels.namespace }}/{{ $labels.pod }} is crash looping",
		),
		page("TargetDown", `up == 0`, "{{ $labels.job }} cannot be scraped"),
		page(
			"ErrorBudgetGone", `slo:period_error_budget_remaining:ratio < -10`,
			"{{ $labels.sloth_service }} has no error budget",
		),
		{
			Alert: "BackupLate", Expr: `pgbackrest_backup_since_last_completion_seconds > 14 * 86400`, For: "1h",
			Labels: map[string]string{"severity": "warning"},
		},
	}}
}

// flaw is what is wrong with the pages of a service.
type flaw int

const (
	flawNone flaw = iota
	flawNoRunbook
	flawNoSummary
	flawNoPage
	flawBroken
)

// ruler writes the rules of one service.
type ruler struct {
	*company.Service
	luck
}

// breakable reports whether a broken rule of the service changes no verdict.
func (r ruler) breakable() bool {
	return r.Does(checkAlerts) && !r.Does(checkRunbooks) && r.Runtime == "kubernetes" && r.Does(checkRedundant)
}

func (r ruler) flaw() flaw {
	if r.Does(checkRunbooks) || !r.Does(checkAlerts) {
		return flawNone
	}
	roll := r.roll("flaw of the rules")
	switch {
	case roll < 0.4 && !r.Does(checkBurnRate):
		return flawNoPage
	case roll < 0.8:
		return flawNoSummary
	}
	return flawNoRunbook
}

// camel makes PaymentsApi of payments-api.
func camel(name string) string {
	var out strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		if word != "" {
			out.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return out.String()
}

// annotations are those of a page, less what the flaw leaves out.
func (r ruler) annotations(flaw flaw, topic, summary string) map[string]string {
	a := map[string]string{"summary": summary, "runbook_url": "https://runbooks.example.com/" + r.Name + "#" + topic}
	switch flaw {
	case flawNoRunbook:
		delete(a, "runbook_url")
	case flawNoSummary:
		delete(a, "summary")
	}
	return a
}

func (r ruler) labels(severity string) map[string]string {
	return map[string]string{"severity": severity, "team": r.TeamName}
}

// alerts are the rules of the team.
func (r ruler) alerts(flaw flaw) ruleGroup {
	severity := "critical"
	if flaw == flawNoPage {
		severity = "warning"
	}
	g := ruleGroup{Name: r.Name}
	name := camel(r.Name)
	g.Rules = append(g.Rules, rule{
		Alert: name + "ErrorsHigh", For: "10m", Labels: r.labels(severity),
		Expr:        r.errorRatio("10m") + " > 0.05",
		Annotations: r.annotations(flaw, "errors", `{{ $value | humanizePercentage }} of the requests to `+r.Name+` fail`),
	}, rule{
		Alert: name + "Down", For: "5m", Labels: r.labels("warning"),
		Expr:        fmt.Sprintf(`up{job=%q} == 0`, r.Name),
		Annotations: r.annotations(flawNone, "down", r.Name+" cannot be scraped"),
	})
	if r.Runtime == "kubernetes" {
		g.Rules = append(g.Rules, rule{
			Alert: name + "Restarts", Labels: r.labels("warning"),
			Expr: fmt.Sprintf(
				`max by (namespace, pod) (increase(kube_pod_container_status_restarts_total{namespace=%q}[1d])) > 0.5`, r.Name,
			),
			Annotations: r.annotations(flawNone, "restarts", `{{ $labels.pod }} restarts`),
		})
	}
	if r.Does(checkPredictive) {
		g.Rules = append(g.Rules, r.forecast(name))
	}
	if r.Does(checkBurnRate) {
		g.Rules = append(g.Rules, r.burnRates(flaw, name)...)
	}
	if flaw == flawBroken {
		// Two pods answer to one, which only the evaluation finds out.
		g.Rules = append(g.Rules, rule{
			Alert: name + "MemoryHigh", For: "5m", Labels: r.labels("critical"),
			Expr: fmt.Sprintf(
				`container_memory_working_set_bytes{namespace=%[1]q} / on (namespace) kube_pod_container_resource_requests{namespace=%[1]q, resource="memory"} > 2`,
				r.Name,
			),
			Annotations: r.annotations(flawNone, "memory", `{{ $labels.pod }} needs more memory than it asked for`),
		})
	}
	return g
}

func (r ruler) errorRatio(window string) string {
	const requests = "http_server_request_duration_seconds_count"
	return fmt.Sprintf(
		`sum by (job) (rate(%[1]s{job=%[2]q, http_response_status_code=~"5.."}[%[3]s])) / sum by (job) (rate(%[1]s{job=%[2]q}[%[3]s]))`,
		requests, r.Name, window,
	)
}

// forecast warns of what runs out within half a day.
func (r ruler) forecast(name string) rule {
	expr := fmt.Sprintf(`predict_linear(node_filesystem_avail_bytes{job=%q}[6h], 12 * 3600) < 0`, r.Name)
	switch r.Runtime {
	case "kubernetes":
		expr = fmt.Sprintf(
			`predict_linear(container_memory_working_set_bytes{namespace=%[1]q}[6h], 12 * 3600) > on (namespace, pod, container) 10 * kube_pod_container_resource_requests{namespace=%[1]q, resource="memory"}`,
			r.Name,
		)
	case "serverless":
		expr = fmt.Sprintf(`predict_linear(http_server_request_duration_seconds_sum{job=%q}[6h], 12 * 3600) < 0`, r.Name)
	}
	labels := r.labels("ticket")
	labels["service"] = r.Name
	return rule{
		Alert: name + "WillBeFull", For: "30m", Labels: labels, Expr: expr,
		Annotations: r.annotations(flawNone, "forecast", r.Name+" will be full within half a day"),
	}
}

// slo are the labels that Sloth puts on what it records.
func (r ruler) slo() map[string]string {
	return map[string]string{"sloth_id": r.Name + "-availability", "sloth_service": r.Name, "sloth_slo": "availability"}
}

// recorded are the error ratios that Sloth records of the service's requests.
func (r ruler) recorded() ruleGroup {
	g := ruleGroup{Name: "sloth-slo-sli-recordings-" + r.Name}
	for _, window := range []string{"5m", "1h"} {
		labels := r.slo()
		labels["sloth_window"] = window
		g.Rules = append(
			g.Rules, rule{Record: "slo:sli_error:ratio_rate" + window, Expr: r.errorRatio(window), Labels: labels},
		)
	}
	return g
}

// burnRates page when the error budget of a month is spent in two days, and
// make a ticket when it is in ten.
func (r ruler) burnRates(flaw flaw, name string) []rule {
	var rules []rule
	for _, b := range []struct {
		kind, severity string
		factor         float64
	}{{"page", "critical", 14.4}, {"ticket", "ticket", 3}} {
		labels := r.labels(b.severity)
		labels["sloth_severity"] = b.kind
		side := func(window string) string {
			return fmt.Sprintf(
				`slo:sli_error:ratio_rate%s{sloth_id="%[2]s-availability", sloth_service=%[2]q, sloth_slo="availability"} > (%[3]g * %[4]g)`,
				window, r.Name, b.factor, (100-objectiveTarget)/100,
			)
		}
		rules = append(rules, rule{
			Alert: name + "BurnsErrorBudget", Labels: labels,
			Expr:        fmt.Sprintf(`(%s) and ignoring (sloth_window) (%s)`, side("5m"), side("1h")),
			Annotations: r.annotations(flaw, "error-budget", `{{ $labels.sloth_service }} burns its error budget too fast`),
		})
	}
	return rules
}
