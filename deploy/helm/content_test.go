package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const (
	rulesFile = "../../rules/readiness.rules.yaml"
	boards    = "../../grafana/*.json"
	// monitored has the dashboards and the rules.
	monitored = minimal + "dashboards: {enabled: true}\nprometheusRule: {enabled: true}\n"
	addresses = `addresses: {pages: "https://ready.example.com/", grafana: "https://grafana.example.com/", ` +
		`docs: "https://docs.example.com/d", runbooks: "https://docs.example.com/r/"}` + "\n"
)

// defaults are the base addresses of the committed files.
var defaults = regexp.MustCompile(`http://127\.0\.0\.1:\d+|https://github\.com/prodready/collector/blob/main/(docs|rules/runbooks)`)

func renderAll(t *testing.T, values string) []string {
	t.Helper()
	objects, _, err := render(release, values)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// rulesOf are the groups of the PrometheusRule, as JSON with sorted keys.
func rulesOf(t *testing.T, objects []string) string {
	t.Helper()
	for _, text := range objects {
		if !strings.Contains(text, "\nkind: PrometheusRule\n") {
			continue
		}
		var rule struct{ Spec json.RawMessage }
		if err := yaml.Unmarshal([]byte(text), &rule); err != nil {
			t.Fatal(err)
		}
		return string(rule.Spec)
	}
	t.Fatal("there is no PrometheusRule")
	return ""
}

// TestRules: the PrometheusRule has the rules of the repository, with the templates of
// Prometheus in their texts, and every base address is replaced.
func TestRules(t *testing.T) {
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	want, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	got := rulesOf(t, renderAll(t, monitored))
	var a, b any
	if err := json.Unmarshal(want, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("the PrometheusRule has other rules")
	}
	if !strings.Contains(got, "{{ $labels.service_name }}") {
		t.Error("the texts of alerts have no templates any more")
	}
	moved := rulesOf(t, renderAll(t, monitored+addresses))
	if left := defaults.FindAllString(moved, -1); len(left) > 0 {
		t.Errorf("%d addresses are not replaced: %v", len(left), left)
	}
	for address, kind := range map[string]string{
		`"dashboard_url":"https://grafana.example.com/d/`: "dashboard_url", `"runbook_url":"https://docs.example.com/r/`: "runbook_url",
	} {
		if n, all := strings.Count(moved, address), strings.Count(got, `"`+kind+`":`); n != all || n == 0 {
			t.Errorf("%d of %d alerts have %s", n, all, address)
		}
	}
}

// dashboardsOf are the texts of the dashboards by their file names.
func dashboardsOf(t *testing.T, objects []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, text := range objects {
		_, object := decode(t, text)
		texts, ok := object.(*core.ConfigMap)
		if !ok || texts.Labels["grafana_dashboard"] != "1" {
			continue
		}
		// kubectl apply keeps the object in an annotation, and these have 256 KiB at most.
		if kept, err := json.Marshal(texts); err != nil || len(kept) > 250<<10 {
			t.Errorf("%s has %d bytes: kubectl apply refuses it (%v)", texts.Name, len(kept), err)
		}
		maps.Copy(found, texts.Data)
	}
	return found
}

// TestDashboards: each of the repository is in a ConfigMap, and means what it meant there but
// for the base addresses.
func TestDashboards(t *testing.T) {
	files, err := filepath.Glob(boards)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	plain := dashboardsOf(t, renderAll(t, monitored))
	moved := dashboardsOf(t, renderAll(t, monitored+addresses))
	if len(plain) != len(files) || len(moved) != len(files) {
		t.Errorf("%d and %d dashboards of %d", len(plain), len(moved), len(files))
	}
	for _, file := range files {
		name := "readiness-" + filepath.Base(file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(plain[name]), &got); err != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%s is another dashboard than %s: %v", name, file, err)
		}
		if left := defaults.FindAllString(moved[name], -1); len(left) > 0 || !json.Valid([]byte(moved[name])) {
			t.Errorf("%s: %d addresses are not replaced: %v", name, len(left), left)
		}
		for _, address := range []string{`"https://ready.example.com"`, `"https://docs.example.com/d"`} {
			if !strings.Contains(moved[name], address) {
				t.Errorf("%s does not lead to %s", name, address)
			}
		}
	}
}

// TestAReleaseFits: Helm keeps the chart and what it renders in a Secret, which has 1 MiB at
// most, as gzip in base64 twice.
func TestAReleaseFits(t *testing.T) {
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	packed := gzip.NewWriter(&kept)
	err = json.NewEncoder(packed).Encode(map[string]any{"chart": c, "manifest": renderAll(t, monitored)})
	if err == nil {
		err = packed.Close()
	}
	if size := kept.Len() * 16 / 9; err != nil || size > 700<<10 {
		t.Errorf("a release has %d bytes, %v", size, err)
	}
	for _, file := range c.Raw {
		if strings.HasSuffix(file.Name, ".go") {
			t.Errorf("%s is in the chart", file.Name)
		}
	}
}

// TestNotes: they say how to look whether it works and where the pages are.
func TestNotes(t *testing.T) {
	for values, want := range map[string][]string{
		minimal: {
			"kubectl -n readiness get secret readiness-collector",
			"kubectl -n readiness rollout status deployment/readiness-collector",
			"kubectl -n readiness port-forward service/readiness-collector 9847:9847", "http://127.0.0.1:9847",
			"set monitor.enabled", "see webConfig and networkPolicy",
		},
		minimal + "webConfig: {existingSecret: web, tls: true}\nservice: {port: 443}\n":                 {"9847:443", "https://127.0.0.1:9847"},
		minimal + "ingress: {enabled: true, hosts: [a.example.com], tls: [{hosts: [a.example.com]}]}\n": {"https://a.example.com"},
		minimal + "ingress: {enabled: true, hosts: [a.example.com]}\n":                                  {"http://a.example.com"},
	} {
		_, notes, err := render(release, values)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range want {
			if !strings.Contains(notes, line) {
				t.Errorf("the notes lack %q:\n%s", line, notes)
			}
		}
		for line := range strings.Lines(notes) {
			if len(line) > 100 {
				t.Errorf("too long for a terminal: %s", line)
			}
		}
	}
}

// TestReadme: its tables have every value with its default, and no other; the schema knows
// each of them.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chartFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	want := flatten("", c.Values)
	got := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([\\w.]+)` \\| `(.*?)` \\| \\S").FindAllStringSubmatch(string(text), -1) {
		got[row[1]] = row[2]
	}
	var schema map[string]any
	if err := json.Unmarshal(c.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("the README has %s = %s, and values.yaml has %s", name, got[name], value)
		}
		if !declared(schema, strings.Split(name, ".")) {
			t.Errorf("values.schema.json does not know %s", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("values.yaml has no %s", name)
		}
	}
	example, err := os.ReadFile(filepath.Join("values", "everything.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var used map[string]any
	if err := yaml.Unmarshal(example, &used); err != nil {
		t.Fatal(err)
	}
	for name := range c.Values {
		if _, ok := used[name]; !ok && !slices.Contains(unused(), name) {
			t.Errorf("values/everything.yaml does not set %s", name)
		}
	}
}

// unused are values that everything.yaml leaves out: they replace others of it, or are held
// to the security standard as they are.
func unused() []string {
	return []string{
		"existingConfigMap", "nameOverride", "fullnameOverride", "podSecurityContext", "securityContext", "resources",
		"livenessProbe", "readinessProbe",
	}
}

// whole are values that the README shows as one, although they are maps with content.
func whole() []string {
	return []string{"podSecurityContext", "securityContext", "resources", "dashboards.labels"}
}

// flatten lists the values by their paths, each as JSON.
func flatten(prefix string, values map[string]any) map[string]string {
	flat := map[string]string{}
	for name, value := range values {
		path := prefix + name
		inner, isMap := value.(map[string]any)
		switch {
		case slices.Contains(whole(), path):
			flat[path] = "see values.yaml"
		case isMap && len(inner) > 0:
			maps.Copy(flat, flatten(path+".", inner))
		default:
			text, err := json.Marshal(value)
			if err != nil {
				text = fmt.Append(nil, err)
			}
			flat[path] = string(text)
		}
	}
	return flat
}

// declared reports whether a schema has a property by its name for a path.
func declared(schema map[string]any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	properties, _ := schema["properties"].(map[string]any)
	inner, ok := properties[path[0]].(map[string]any)
	return ok && declared(inner, path[1:])
}
