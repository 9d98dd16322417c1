package helm

import (
	"maps"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestValuesThatCannotWork: each is refused before anything is installed, and the message
// names the key and what to do about it.
func TestValuesThatCannotWork(t *testing.T) {
	for values, want := range map[string][]string{
		// Typos and values of the wrong form.
		"replica: 2":                                   {"replica"},
		"image: {tags: 1.2.3}":                         {"image", "tags"},
		"image: {digest: 0123}":                        {"image", "digest"},
		"store: {type: sqllite}":                       {"store", "type", "sqlite", "postgresql"},
		"store: {sqlite: {sise: 1Gi}}":                 {"sise"},
		"store: {sqlite: {size: 5 GB}}":                {"size"},
		"store: {sqlite: {accessMode: ReadWriteMany}}": {"accessMode"},
		"replicas: two":                                {"replicas", "integer"},
		"service: {port: 0}":                           {"port"},
		"monitor: {kind: Probe}":                       {"monitor", "kind", "PodMonitor"},
		"monitor: {interval: half a minute}":           {"interval"},
		"addresses: {grafana: grafana.example.com}":    {"grafana"},
		`addresses: {grafana: "https://x/\"}}"}`:       {"grafana"},
		"podLabels: {app.kubernetes.io/name: other}":   {"app.kubernetes.io/name"},
		"podAnnotations: {prometheus.io/scrape: true}": {"podAnnotations", "string"},
		"webConfig: {secret: x}":                       {"webConfig", "secret"},
		"secret: {token: abc}":                         {"secret", "token"},
		"files: {a/b: x}":                              {"a/b"},
		// Values that do not go together.
		"replicas: 2":                                   {"replicas", "SQLite", "store.type to postgresql"},
		"config: {}":                                    {"--set-file config=collector.yaml"},
		"existingConfigMap: mine":                       {"existingConfigMap", "config", "remove"},
		"config: 'sources: ['":                          {"config", "not a map of YAML"},
		"config: just words":                            {"config", "not a map of YAML"},
		"config: {server: {listen_address: ':80'}}":     {"config.server.listen_address", "remove it"},
		"config: {server: {web_config_file: w.yml}}":    {"webConfig.existingSecret"},
		"config: {store: {url: a.db}}":                  {"config.store.url", "store.type to postgresql"},
		"config: {store: {url_file: a}}":                {"config.store.url", "store.type to postgresql"},
		"store: {type: postgresql}\nsecret: {name: ''}": {"secret.name", "store.postgresql.urlKey"},
		"ingress: {enabled: true}":                      {"ingress.hosts"},
		"webConfig: {tls: true}":                        {"webConfig.existingSecret"},
		"config: {server: x}":                           {"config.server", "keys with values"},
		"store: {type: postgresql}\nconfig: {store: {url: 'postgres://h/d?password=x'}}": {"no place for a password"},
		"files: {secrets: x}": {"files", "choose another"},
		"image: {tag: ''}":    {"image.tag", "image.digest"},
		"replicas: 2\nstore: {type: postgresql}\npodDisruptionBudget: {minAvailable: 2}":             {"podDisruptionBudget.minAvailable", "below replicas"},
		"store: {type: postgresql}\nconfig: {store: {url: 'postgres://u:secret-word@db/readiness'}}": {"no place for a password"},
	} {
		_, _, err := render(release, overMinimal(t, values))
		if err == nil {
			t.Errorf("%s is accepted", values)
			continue
		}
		for _, word := range want {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: the message does not name %q: %v", values, word, err)
			}
		}
		if strings.Contains(err.Error(), "secret-word") {
			t.Errorf("the message shows a password: %v", err)
		}
	}
}

// overMinimal are the minimal values with others in the place of those of the same key.
func overMinimal(t *testing.T, values string) string {
	t.Helper()
	var base, over map[string]any
	if err := yaml.Unmarshal([]byte(minimal), &base); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(values), &over); err != nil {
		t.Fatalf("%s: %v", values, err)
	}
	maps.Copy(base, over)
	text, err := yaml.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestValuesThatWork: what people set instead of the defaults.
func TestValuesThatWork(t *testing.T) {
	for _, values := range []string{
		"replicas: 0",
		"secret: {name: ''}",
		"store: {type: postgresql}\nconfig: {store: {url: 'postgres://readiness@db/readiness'}}\nsecret: {name: ''}",
		"store: {sqlite: {existingClaim: data}}",
		"global: {anything: 1}",
		"image: {tag: '', digest: 'sha256:" + strings.Repeat("0", 64) + "'}",
		"monitor: {enabled: true, interval: 1m30s, endpoint: {scheme: https, path: /other}}",
	} {
		objects, _, err := render(release, overMinimal(t, values))
		if err != nil {
			t.Errorf("%s: %v", values, err)
		}
		for _, object := range objects {
			decode(t, object)
		}
	}
}

// TestConfigurationComesThrough: what the ConfigMap has means what the values say, whatever
// characters are in it, and values are no templates.
func TestConfigurationComesThrough(t *testing.T) {
	const config = `
text: "{{ .Release.Name }} {{ fail \"no\" }} it's: \"quoted\" # no comment"
date: 2027-03-31
large: 123456789
ratio: 0.81
version: "1.10"
"on": "yes"
lines: "a\nb\n\n"
empty: {}
none: []
umlaut: "Zürich \u2028 ✓"
`
	for _, values := range []string{
		"config:" + strings.ReplaceAll(config, "\n", "\n  ") + "\n",
		"config: |" + strings.ReplaceAll(config, "\n", "\n  ") + "\n",
	} {
		objects, _, err := render(release, image+values)
		if err != nil {
			t.Fatal(err)
		}
		found, ok := decodeAll(t, objects)["ConfigMap"].(*core.ConfigMap)
		if !ok {
			t.Fatal("there is no ConfigMap")
		}
		var want, got map[string]any
		if err := yaml.Unmarshal([]byte(config), &want); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(found.Data["collector.yaml"]), &got); err != nil {
			t.Fatal(err)
		}
		for key, value := range want {
			a, errA := yaml.Marshal(value)
			b, errB := yaml.Marshal(got[key])
			if errA != nil || errB != nil || string(a) != string(b) {
				t.Errorf("%s is %s and not %s (%v, %v)", key, b, a, errA, errB)
			}
		}
	}
}

// TestANewConfigurationIsARollout: and the same one is none.
func TestANewConfigurationIsARollout(t *testing.T) {
	checksum := func(values string) string {
		objects, _, err := render(release, values)
		if err != nil {
			t.Fatal(err)
		}
		deployment, ok := decodeAll(t, objects)["Deployment"].(*apps.Deployment)
		if !ok {
			t.Fatal("there is no Deployment")
		}
		return deployment.Spec.Template.Annotations["checksum/config"]
	}
	first := checksum(minimal)
	if first == "" || checksum(minimal+"service: {port: 80}\n") != first {
		t.Errorf("the checksum %q is not that of the configuration", first)
	}
	for _, change := range []string{
		strings.Replace(minimal, "main", "other", 1), minimal + "files: {a.yaml: x}\n",
		minimal + "addresses: {grafana: 'https://grafana.example.com'}\n",
	} {
		if checksum(change) == first {
			t.Errorf("nothing rolls out:\n%s", change)
		}
	}
}
