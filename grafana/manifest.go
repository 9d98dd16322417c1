package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kubernetes says what the manifests of the dashboards have besides the dashboards.
type Kubernetes struct {
	// Namespace of the objects; without one they have that of whoever applies them.
	Namespace string
	// Labels are added to those of the objects.
	Labels map[string]string
	// Folder is where Grafana shows the dashboards.
	Folder string
	// Instances are the labels of the Grafana objects that GrafanaDashboards are for.
	Instances map[string]string
}

// sidecarLabel and folderAnnotation are what the sidecar of Grafana's Helm chart looks for.
const (
	sidecarLabel     = "grafana_dashboard"
	folderAnnotation = "grafana_folder"
)

// objectMeta is the metadata of an object of Kubernetes.
type objectMeta struct {
	Name        string            `yaml:"name"`
	Namespace   string            `yaml:"namespace,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// object is an object of Kubernetes that holds a dashboard.
type object struct {
	APIVersion string            `yaml:"apiVersion"`
	Kind       string            `yaml:"kind"`
	Metadata   objectMeta        `yaml:"metadata"`
	Data       map[string]string `yaml:"data,omitempty"`
	Spec       *dashboardSpec    `yaml:"spec,omitempty"`
}

// dashboardSpec is that of a GrafanaDashboard.
type dashboardSpec struct {
	InstanceSelector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	} `yaml:"instanceSelector"`
	Folder string `yaml:"folder,omitempty"`
	JSON   string `yaml:"json"`
}

// OperatorDashboards are the dashboards as objects of the Grafana operator, by the names of
// their files.
func OperatorDashboards(v Values, k Kubernetes) (map[string][]byte, error) {
	return manifests(v, "grafanadashboard", func(name, board string) object {
		spec := &dashboardSpec{Folder: k.Folder, JSON: board}
		spec.InstanceSelector.MatchLabels = k.Instances
		return object{
			APIVersion: "grafana.integreatly.org/v1beta1", Kind: "GrafanaDashboard",
			Metadata: objectMeta{Name: name, Namespace: k.Namespace, Labels: k.Labels}, Spec: spec,
		}
	})
}

// ConfigMaps are the dashboards as ConfigMaps, which the sidecar of Grafana's Helm chart and
// of kube-prometheus-stack finds by their label, by the names of their files.
func ConfigMaps(v Values, k Kubernetes) (map[string][]byte, error) {
	return manifests(v, "configmap", func(name, board string) object {
		meta := objectMeta{Name: name, Namespace: k.Namespace, Labels: map[string]string{sidecarLabel: "1"}}
		maps.Copy(meta.Labels, k.Labels)
		if k.Folder != "" {
			meta.Annotations = map[string]string{folderAnnotation: k.Folder}
		}
		return object{APIVersion: "v1", Kind: "ConfigMap", Metadata: meta, Data: map[string]string{name + ".json": board}}
	})
}

// manifests makes an object of each dashboard. The dashboards are in one line each:
// `kubectl apply` keeps a copy of an object in an annotation, which may have 256 KiB.
func manifests(v Values, kind string, of func(name, board string) object) (map[string][]byte, error) {
	texts, err := All(v)
	if err != nil {
		return nil, err
	}
	objects := map[string][]byte{}
	for file, text := range texts {
		name := "readiness-" + strings.TrimSuffix(file, ".json")
		var board, out bytes.Buffer
		if err := json.Compact(&board, text); err != nil {
			return nil, fmt.Errorf("shortening the dashboard %s: %w", file, err)
		}
		encoder := yaml.NewEncoder(&out)
		encoder.SetIndent(2)
		if err := encoder.Encode(of(name, board.String())); err != nil {
			return nil, fmt.Errorf("encoding the dashboard %s as a %s: %w", file, kind, err)
		}
		objects[name+"."+kind+".yaml"] = out.Bytes()
	}
	return objects, nil
}
