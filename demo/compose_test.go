package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	alertmanager "github.com/prometheus/alertmanager/config"
	prometheus "github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"
)

// compose is what the test reads of compose.yaml.
type compose struct {
	Services map[string]struct {
		Build   struct{ Dockerfile string }
		Command []string
		Volumes []string
		Ports   []string
	}
}

// TestCompose: what compose.yaml mounts is there and is read by what reads it, its addresses
// lead to each other, and nothing is open to other machines.
func TestCompose(t *testing.T) {
	t.Parallel()
	var c compose
	text, err := os.ReadFile(filepath.Join("..", "compose.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &c)
	}
	if err != nil || len(c.Services) != 4 {
		t.Fatalf("%+v, %v", c, err)
	}
	for name, service := range c.Services {
		for _, volume := range service.Volumes {
			file, _, _ := strings.Cut(volume, ":")
			if _, err := os.Stat(filepath.Join("..", file)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: %s is open to other machines", name, port)
			}
		}
	}
	if _, err := os.Stat(filepath.Join("..", c.Services["demo"].Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	o, err := parse(c.Services["demo"].Command, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, collector, _ := net.SplitHostPort(o.listen)
	_, own, _ := net.SplitHostPort(o.prometheusListen)
	loaded, err := prometheus.LoadFile(filepath.Join("..", "deploy", "compose", "prometheus.yml"), false,
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	scraped, err := yaml.Marshal(loaded.ScrapeConfigs[0].ServiceDiscoveryConfigs)
	if err != nil || len(loaded.RuleFiles) != 1 || !strings.Contains(string(scraped), "demo:"+collector) {
		t.Errorf("scraped %s, rules %v, %v", scraped, loaded.RuleFiles, err)
	}
	if _, err := alertmanager.LoadFile(filepath.Join("..", "deploy", "alertmanager.yml")); err != nil {
		t.Error(err)
	}
	var provisioned struct {
		Datasources []struct{ URL string }
		Providers   []struct{ Options struct{ Path string } }
	}
	for _, name := range []string{"datasources", "dashboards"} {
		text, err := os.ReadFile(filepath.Join("..", "deploy", "compose", "grafana", "provisioning", name, "readiness.yaml"))
		if err == nil {
			err = yaml.Unmarshal(text, &provisioned)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if provisioned.Datasources[0].URL != "http://demo:"+own ||
		!strings.Contains(strings.Join(c.Services["grafana"].Volumes, " "), ":"+provisioned.Providers[0].Options.Path+":") {
		t.Errorf("%+v", provisioned)
	}
}
