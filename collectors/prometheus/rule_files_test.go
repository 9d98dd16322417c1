package prometheus_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/catalog"
)

// TestRuleFiles reads rule files in the shapes that mixins and generators give them,
// and compares which service each rule is about, and why a rule is refused, with
// testdata/rules/expected.txt.
func TestRuleFiles(t *testing.T) {
	const folder = "testdata/rules"
	service := func(name, job, namespace string, slo ...string) *catalog.Service {
		return &catalog.Service{Name: name, SLO: slo, Prometheus: []catalog.PrometheusRef{
			{Matchers: map[string]string{"job": job, "namespace": namespace}}},
			Kubernetes: catalog.KubernetesRef{Namespace: namespace, Workload: name}}
	}
	services := []*catalog.Service{
		service("checkout", "shop/checkout", "shop", "checkout-availability"), service("cart", "shop/cart", "shop"),
		service("shop", "shop", "front"), service("kube-state-metrics", "kube-state-metrics", "monitoring"),
	}
	files, err := filepath.Glob(folder + "/*.yaml")
	if err != nil || len(files) != 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var out strings.Builder
	loaded, refused := 0, 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Rules []struct {
					Alert       string            `yaml:"alert"`
					Expr        string            `yaml:"expr"`
					Labels      map[string]string `yaml:"labels"`
					Annotations map[string]string `yaml:"annotations"`
				} `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			t.Fatal(name, err)
		}
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				w := start(t, onlyRules(t), services)
				w.server.replies[rulesPath] = rulesReply(t, alertRule{Name: rule.Alert, Query: rule.Expr, Labels: rule.Labels,
					Annotations: rule.Annotations})
				r := w.collect()
				if r.err != nil {
					t.Fatal(name, r.err)
				}
				line := aboutWhom(r, services)
				if strings.Contains(line, "unknown of") || strings.Contains(line, "unreadable") {
					refused++
					_, why, _ := strings.Cut(w.log.String(), "cannot be read: ")
					why, _, _ = strings.Cut(why, "\n")
					line += ": " + strings.TrimSuffix(why, `"`)
				} else {
					loaded++
				}
				fmt.Fprintf(&out, "%s: %s: %s\n", filepath.Base(name), rule.Alert, line)
			}
		}
	}
	text := fmt.Sprintf("%d rules are read, %d are refused\n%s", loaded, refused, out.String())
	path := filepath.Join(folder, "expected.txt")
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// aboutWhom says for which services a rule counts, for which it makes facts unknown,
// and that it could not be read or names a service that the catalog does not have.
func aboutWhom(r *round, services []*catalog.Service) string {
	var about, unknown []string
	for _, s := range services {
		switch r.value(s.Name, "alert.rules") {
		case "1":
			about = append(about, s.Name)
		case "undecodable":
			unknown = append(unknown, s.Name)
		}
	}
	slices.Sort(about)
	var parts []string
	if len(about) > 0 {
		parts = append(parts, "about "+strings.Join(about, ", "))
	}
	if len(unknown) > 0 {
		parts = append(parts, "unknown of "+strings.Join(unknown, ", "))
	}
	if r.rules != nil {
		for _, g := range r.rules.Largest {
			parts = append(parts, string(g.Reason)+" "+g.Name)
		}
	}
	if len(parts) == 0 {
		return "about the whole fleet"
	}
	return strings.Join(parts, "; ")
}
