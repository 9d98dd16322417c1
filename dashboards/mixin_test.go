package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-jsonnet"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/grafana"
	"github.com/prodready/collector/rules"
)

// mixed is what kube-prometheus takes from a mixin.
type mixed struct {
	Alerts     any            `json:"alerts"`
	Rules      any            `json:"rules"`
	Dashboards map[string]any `json:"dashboards"`
	Config     map[string]any `json:"config"`
}

// evaluate makes what a mixin has, vendored as jsonnet-bundler does, with some
// configuration.
func evaluate(t *testing.T, config string) mixed {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	vendor := t.TempDir()
	place := filepath.Join(vendor, "github.com", "prodready")
	if err := os.MkdirAll(place, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(place, "collector")); err != nil {
		t.Fatal(err)
	}
	vm := jsonnet.MakeVM()
	vm.Importer(&jsonnet.FileImporter{JPaths: []string{vendor}})
	text, err := vm.EvaluateAnonymousSnippet("main.jsonnet", fmt.Sprintf(`
		local m = (import 'github.com/prodready/collector/mixin/mixin.libsonnet') + { _config+:: %s };
		{ alerts: m.prometheusAlerts, rules: m.prometheusRules, dashboards: m.grafanaDashboards, config: m._config }`, config))
	if err != nil {
		t.Fatal(err)
	}
	var m mixed
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// generic is a value as JSON has it.
func generic(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTheMixinIsWhatIsGenerated: it has the rules, alerts and dashboards of the repository,
// and those of an installation with its addresses.
func TestTheMixinIsWhatIsGenerated(t *testing.T) {
	t.Parallel()
	ours := rules.Defaults()
	ours.Grafana, ours.Runbooks = "https://grafana.example.com/x", "https://wiki.example.com/runbooks"
	for _, c := range []struct {
		config string
		rules  rules.Values
		boards grafana.Values
	}{
		{"{}", rules.Defaults(), grafana.Values{Pages: grafana.DefaultPages, Docs: grafana.DefaultDocs}},
		{`{ grafanaUrl: 'https://grafana.example.com/x', runbooksUrl: 'https://wiki.example.com/runbooks',
			pagesUrl: 'https://readiness.example.com', docsUrl: 'https://wiki.example.com/docs' }`,
			ours, grafana.Values{Pages: "https://readiness.example.com", Docs: "https://wiki.example.com/docs"}},
	} {
		m := evaluate(t, c.config)
		texts, err := rules.All(c.rules)
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Groups []map[string]any `yaml:"groups"`
		}
		if err := yaml.Unmarshal(texts["readiness.rules.yaml"], &want); err != nil || len(want.Groups) != 2 {
			t.Fatalf("%d groups: %v", len(want.Groups), err)
		}
		for i, got := range []any{m.Rules, m.Alerts} {
			if !reflect.DeepEqual(got, generic(t, map[string]any{"groups": want.Groups[i : i+1]})) {
				t.Errorf("%s: the rules of group %d differ from those of `collector rules`", c.config, i)
			}
		}
		names, err := grafana.Names()
		if err != nil || len(m.Dashboards) != len(names) {
			t.Fatalf("%d dashboards, want %d: %v", len(m.Dashboards), len(names), err)
		}
		for _, name := range names {
			text, err := grafana.Committed(name)
			if err != nil {
				t.Fatal(err)
			}
			text = []byte(strings.NewReplacer(
				`"`+grafana.DefaultPages+`"`, `"`+c.boards.Pages+`"`, `"`+grafana.DefaultDocs+`"`, `"`+c.boards.Docs+`"`,
			).Replace(string(text)))
			if !reflect.DeepEqual(m.Dashboards["readiness-"+name], generic(t, json.RawMessage(text))) {
				t.Errorf("%s: %s differs from the committed dashboard", c.config, name)
			}
		}
	}
}
