// Package helm tests the chart with Helm's own engine. The module is apart, because only
// these tests need Helm and the types of Kubernetes.
package helm

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the manifests of deploy/kubernetes and the golden file anew")

const (
	chartFolder = "readiness-collector"
	release     = "readiness-collector"
	// image is what a test has to give besides: the chart of the repository has no image.
	image = "image: {tag: 1.2.3}\n"
	// minimal are values that install something.
	minimal = image + "config: {sources: {pagerduty: [{name: main, token_file: secrets/pagerduty}]}}\n"
)

var loaded = sync.OnceValues(func() (*chart.Chart, error) { return loader.Load(chartFolder) })

// render is what helm template prints, in the order of an installation, as one text for each
// object, and the notes.
func render(name, values string) (objects []string, notes string, err error) {
	c, err := loaded()
	if err != nil {
		return nil, "", err
	}
	var given map[string]any
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		return nil, "", err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.34.0", Major: "1", Minor: "34"}
	options := chartutil.ReleaseOptions{Name: name, Namespace: "readiness", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, given, options, capabilities)
	if err != nil {
		return nil, "", err
	}
	texts, err := engine.Render(c, all)
	if err != nil {
		return nil, "", err
	}
	maps.DeleteFunc(texts, func(path, text string) bool {
		if strings.HasSuffix(path, "NOTES.txt") {
			notes = text
			return true
		}
		return strings.TrimSpace(text) == ""
	})
	_, manifests, err := releaseutil.SortManifests(texts, capabilities.APIVersions, releaseutil.InstallOrder)
	for _, m := range manifests {
		objects = append(objects, strings.TrimSpace(m.Content)+"\n")
	}
	return objects, notes, err
}

// example are the objects with the values of a file in values/.
func example(t *testing.T, name string) []string {
	t.Helper()
	values, err := os.ReadFile(filepath.Join("values", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	objects, _, err := render(release, string(values))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// goldens are the files that the chart is rendered into, with what stands above the objects.
func goldens() []struct{ name, file, head string } {
	const made = "# Made from the chart in deploy/helm with deploy/helm/values/%s.yaml, by make generate.\n"
	return []struct{ name, file, head string }{
		{"sqlite", "../kubernetes/sqlite.yaml", `# One replica with SQLite in a volume. Write your services and sources into the ConfigMap
# and your tokens into the Secret first (see docs/install.md), then:
# kubectl apply -n readiness -f sqlite.yaml
# After a change of the configuration: kubectl -n readiness rollout restart deployment
#
` + fmt.Sprintf(made, "sqlite")},
		{"replicas", "../kubernetes/replicas.yaml", `# Two replicas over PostgreSQL. Write your services and sources into the ConfigMap, and your
# tokens and the address of the database into the Secret first (see docs/replicas.md), then:
# kubectl apply -n readiness -f replicas.yaml
# After a change of the configuration: kubectl -n readiness rollout restart deployment
#
` + fmt.Sprintf(made, "replicas")},
		{"everything", "testdata/everything.yaml", fmt.Sprintf(made, "everything")},
	}
}

// ofHelm are the labels that say which release of which chart an object is from. What people
// apply by themselves is from none.
var ofHelm = regexp.MustCompile(`(?m)^ +(?:helm\.sh/chart|app\.kubernetes\.io/(?:version|managed-by)): .*\n`)

// bulk is what the golden file leaves out, because other tests compare it with its source:
// the text of a dashboard, and the rules.
var bulk = regexp.MustCompile(`(?ms)(^    \{"uid": ).*?$|(^  groups:\n).*`)

func TestGoldens(t *testing.T) {
	for _, golden := range goldens() {
		t.Run(golden.name, func(t *testing.T) {
			objects := example(t, golden.name)
			for i := range objects {
				objects[i] = bulk.ReplaceAllString(objects[i], "$1$2...\n")
			}
			text := golden.head + strings.Join(objects, "---\n")
			if strings.HasPrefix(golden.file, "../") {
				text = ofHelm.ReplaceAllString(text, "")
			}
			if *update {
				if err := os.WriteFile(golden.file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden.file)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != text {
				t.Errorf("%s is not what the chart renders; make generate writes it. First difference:\n%s",
					golden.file, difference(string(want), text))
			}
		})
	}
}

// difference is the first line that two texts do not have in common.
func difference(want, got string) string {
	wanted, found := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(wanted), len(found)) {
		if wanted[i] != found[i] {
			return fmt.Sprintf("line %d: %s\nrendered: %s", i+1, wanted[i], found[i])
		}
	}
	return fmt.Sprintf("%d lines, rendered: %d", len(wanted), len(found))
}

// TestLint: helm lint has nothing to say but that the chart has no icon.
func TestLint(t *testing.T) {
	for _, name := range []string{"sqlite", "replicas", "everything"} {
		values, err := chartutil.ReadValuesFile(filepath.Join("values", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		result := lint.AllWithKubeVersion(chartFolder, values, "readiness",
			&chartutil.KubeVersion{Version: "v1.34.0", Major: "1", Minor: "34"})
		for _, message := range result.Messages {
			if message.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, message)
			}
		}
	}
}
