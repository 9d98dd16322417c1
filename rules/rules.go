// Package rules holds the recording and alerting rules with their unit tests and runbooks,
// and fits the rules to an installation.
package rules

import (
	"bytes"
	"embed"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"
)

// Files are the rules with the default values (*.rules.yaml), their unit tests in
// promtool's format (tests/*.yaml) and the runbooks (runbooks/*.md).
//
//go:embed *.rules.yaml tests/*.yaml runbooks/*.md
var Files embed.FS

// source is the template of the rules.
//
//go:embed readiness.rules.tmpl
var source string

// fileName is that of the rules.
const fileName = "readiness.rules.yaml"

// All are the texts of the rule files by their names, with the values of an installation,
// which Check has accepted.
func All(v Values) (map[string][]byte, error) {
	// The texts of alerts are templates of Prometheus, whose marks are braces.
	t, err := template.New(fileName).Delims("<<", ">>").Option("missingkey=error").Funcs(template.FuncMap{
		"quoted":   quoted,
		"text":     strconv.Quote,
		"seconds":  func(d model.Duration) string { return strconv.FormatInt(int64(time.Duration(d)/time.Second), 10) },
		"severity": Severities.label,
		"level":    level,
		"links":    v.links,
	}).Parse(source)
	if err != nil {
		return nil, fmt.Errorf("parsing the embedded template of the rules: %w", err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, v); err != nil {
		return nil, fmt.Errorf("fitting the rules: %w", err)
	}
	return map[string][]byte{fileName: text.Bytes()}, nil
}

// quoted is a string of PromQL for label_replace. A dollar sign in the value is one, and
// no reference to a group.
func quoted(value string) string { return strconv.Quote(strings.ReplaceAll(value, "$", "$$")) }

// links are the annotations that lead from an alert to its runbook and to a dashboard, that
// of the service with the service chosen.
func (v Values) links(alert, board string) (string, error) {
	runbooks, err := base(v.Runbooks)
	if err != nil {
		return "", err
	}
	grafana, err := base(v.Grafana)
	if err != nil {
		return "", err
	}
	query := ""
	if board == "service" {
		query = "?var-service={{ $labels.service_name | urlquery }}"
	}
	return fmt.Sprintf("runbook_url: %s/%s.md\n          dashboard_url: %s/d/readiness-%s%s",
		runbooks, alert, grafana, board, query), nil
}

// base is an address without a slash at its end. What would mean something in YAML or in a
// template of Prometheus is escaped.
func base(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("the base address %q: %w", address, err)
	}
	return strings.TrimRight(u.String(), "/"), nil
}
