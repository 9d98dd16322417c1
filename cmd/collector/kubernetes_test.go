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
}

func readManifests(t *testing.T, name string) map[string]manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "kubernetes", name))
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
		found[m.Kind] = m
	}
}

// TestManifests checks what the manifests of Kubernetes promise: the configuration in
// them is one that check accepts, the probes are paths that the program has, and
// neither a rollout nor a drain leaves no replica.
func TestManifests(t *testing.T) {
	t.Parallel()
	for name, replicas := range map[string]int{"replicas.yaml": 2, "sqlite.yaml": 1} {
		t.Run(name, func(t *testing.T) {
			found := readManifests(t, name)
			s := newFolder(t)
			configuration := strings.ReplaceAll(found["ConfigMap"].Data["collector.yaml"], "/etc/readiness/", s.folder+"/")
			s.write("collector.yaml", strings.ReplaceAll(configuration, "/data/", s.folder+"/"))
			if err := os.Mkdir(filepath.Join(s.folder, "secrets"), 0o700); err != nil {
				t.Fatal(err)
			}
			s.write("secrets/pagerduty", "a-token")
			s.write("secrets/store-url", "postgres://readiness:secret@localhost:5432/readiness")
			if out, errs, code := s.run("check"); code != 0 {
				t.Errorf("check refuses the configuration: exit %d\n%s%s", code, out, errs)
			}
			spec := found["Deployment"].Spec
			container := spec.Template.Spec.Containers[0]
			if spec.Replicas != replicas || container.Liveness.Get.Path != "/-/healthy" ||
				container.Readiness.Get.Path != "/-/ready" || spec.Template.Spec.Grace <= 10 || container.Args[0] != "run" {
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
			if _, ok := found["PodMonitor"]; !ok {
				t.Error("nothing scrapes the replicas")
			}
		})
	}
}
