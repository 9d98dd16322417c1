package ruletest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// file is a file of unit tests as promtool reads it. Keys of promtool that no
// test here needs are refused, not ignored.
type file struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	GroupEvalOrder     []string       `yaml:"group_eval_order"`
	Tests              []unitTest     `yaml:"tests"`
}

// unitTest is what is fed in and what is expected at which times.
type unitTest struct {
	Name     string         `yaml:"name"`
	Interval model.Duration `yaml:"interval"`
	Input    []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Alerts      []alertCase `yaml:"alert_rule_test"`
	Expressions []exprCase  `yaml:"promql_expr_test"`
}

// alertCase names the alerts that fire at a time.
type alertCase struct {
	At       model.Duration `yaml:"eval_time"`
	Name     string         `yaml:"alertname"`
	Expected []struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

// exprCase is the value of an expression at a time.
type exprCase struct {
	Expr     string         `yaml:"expr"`
	At       model.Duration `yaml:"eval_time"`
	Expected []struct {
		Labels string  `yaml:"labels"`
		Value  float64 `yaml:"value"`
	} `yaml:"exp_samples"`
}

func read(path string) (file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return file{}, err
	}
	var f file
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil {
		return file{}, fmt.Errorf("%s: %w", path, err)
	}
	for i, name := range f.RuleFiles {
		f.RuleFiles[i] = filepath.Join(filepath.Dir(path), name)
	}
	if f.EvaluationInterval <= 0 {
		return file{}, fmt.Errorf("%s: evaluation_interval is missing", path)
	}
	return f, nil
}

// input is the series in the engine's own notation.
func (u unitTest) input() string {
	var b strings.Builder
	fmt.Fprintf(&b, "load %s\n", u.Interval)
	for _, s := range u.Input {
		fmt.Fprintf(&b, "  %s %s\n", s.Series, s.Values)
	}
	return b.String()
}

// end is the last time that something is expected at.
func (u unitTest) end() model.Duration {
	var end model.Duration
	for _, a := range u.Alerts {
		end = max(end, a.At)
	}
	for _, e := range u.Expressions {
		end = max(end, e.At)
	}
	return end
}
