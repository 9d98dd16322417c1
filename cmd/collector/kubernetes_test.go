package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// manifest is what a test reads of an object of Kubernetes.
type manifest struct {
	Kind string `yaml:"kind"`
	Data map[string]string
	Spec struct {
		Replicas     int `yaml:"replicas"`
		MinAvailable int `yaml:"minAvailable"`
		Strategy     struct {
			Type          string `yaml:"type"`
			RollingUpdate struct {
				MaxUnavailable *int `yaml:"maxUnavailable"`
				MaxSurge       int  `yaml:"maxSurge"`
			} `yaml:"rollingUpdate"`
		} `yaml:"strategy"`
		Template struct {
			Spec struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []struct {
					Args      []string `yaml:"args"`
					Liveness  probe    `yaml:"livenessProbe"`
					Readiness probe    `yaml:"readinessProbe"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type probe struct {
	Get struct {
		Path string `yaml:"path"`
	} `yaml:"httpGet"`
	Open struct {
		Port string `yaml:"port"`
	} `yaml:"tcpSocket"`
}

// readManifests are the objects of a file below deploy by kind; of the ConfigMaps, the one
// with the configuration.
func readManifests(t *testing.T, name string) map[string]manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]manifest{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var m manifest
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, ok := m.Data["collector.yaml"]; ok || m.Kind != "ConfigMap" {
			found[m.Kind] = m
		}
	}
}

// TestManifests checks what the chart renders, which its own tests hold against the types of
// Kubernetes: the configuration is one that check accepts, the probes are paths that the
// program has, and neither a rollout nor a drain leaves no replica.
func TestManifests(t *testing.T) {
	t.Parallel()
	for name, replicas := range map[string]int{
		"kubernetes/replicas.yaml": 2, "kubernetes/sqlite.yaml": 1, "helm/testdata/everything.yaml": 2,
	} {
		t.Run(name, func(t *testing.T) {
			found := readManifests(t, name)
			s := newFolder(t)
			for _, folder := range []string{"secrets", "web"} {
				if err := os.Mkdir(filepath.Join(s.folder, folder), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for file, text := range found["ConfigMap"].Data {
				text = strings.ReplaceAll(text, "/etc/readiness/", s.folder+"/")
				s.write(file, strings.ReplaceAll(text, "/data/", s.folder+"/"))
			}
			s.write("secrets/pagerduty", "a-token")
			for _, key := range []string{"store-url", "postgres-url"} {
				s.write("secrets/"+key, "postgres://readiness:secret@localhost:5432/readiness")
			}
			s.write("web/web-config.yml", "{}\n")
			if out, errs, code := s.run("check"); code != 0 {
				t.Errorf("check refuses the configuration: exit %d\n%s%s", code, out, errs)
			}
			spec := found["Deployment"].Spec
			container := spec.Template.Spec.Containers[0]
			live, ready := probe{}, probe{}
			live.Get.Path, ready.Get.Path = "/-/healthy", "/-/ready"
			if strings.Contains(found["ConfigMap"].Data["collector.yaml"], "web_config_file") {
				// A password covers every path.
				live, ready = probe{}, probe{}
				live.Open.Port, ready.Open.Port = "http", "http"
			}
			if spec.Replicas != replicas || container.Liveness != live || container.Readiness != ready ||
				spec.Template.Spec.Grace <= 10 || container.Args[0] != "run" {
				t.Errorf("the deployment is %+v", spec)
			}
			rolling := spec.Strategy.RollingUpdate
			switch {
			case replicas == 1 && spec.Strategy.Type != "Recreate":
				t.Errorf("two processes would have the file open during a rollout: %s", spec.Strategy.Type)
			case replicas > 1 && (rolling.MaxUnavailable == nil || *rolling.MaxUnavailable != 0 || rolling.MaxSurge != 1):
				t.Errorf("a rollout may leave no replica: %+v", rolling)
			case replicas > 1 && found["PodDisruptionBudget"].Spec.MinAvailable != 1:
				t.Errorf("a drain may leave no replica: %+v", found["PodDisruptionBudget"])
			}
			_, pods := found["PodMonitor"]
			if _, service := found["ServiceMonitor"]; !pods && !service {
				t.Error("nothing scrapes the replicas")
			}
		})
	}
}
