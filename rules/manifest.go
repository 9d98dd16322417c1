package rules

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// manifestName is the file of the PrometheusRule.
const manifestName = "readiness.prometheusrule.yaml"

// Kubernetes says what the manifest of the rules is called and labelled.
type Kubernetes struct {
	// Name and Namespace are those of the object; without a namespace it has that of
	// whoever applies it.
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace"`
	// Labels are those by which a Prometheus selects its rules.
	Labels map[string]string `yaml:"labels"`
}

// objectMeta is the metadata of an object of Kubernetes.
type objectMeta struct {
	Name      string            `yaml:"name"`
	Namespace string            `yaml:"namespace,omitempty"`
	Labels    map[string]string `yaml:"labels,omitempty"`
}

// Manifests are the rules as objects PrometheusRule of the Prometheus operator, by the names
// of their files.
func Manifests(v Values) (map[string][]byte, error) {
	texts, err := All(v)
	if err != nil {
		return nil, err
	}
	head, groups, found := bytes.Cut(texts[fileName], []byte("\ngroups:\n"))
	if !found {
		return nil, errors.New("the embedded rules have no line groups")
	}
	var out bytes.Buffer
	out.Write(head)
	out.WriteByte('\n')
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(struct {
		APIVersion string     `yaml:"apiVersion"`
		Kind       string     `yaml:"kind"`
		Metadata   objectMeta `yaml:"metadata"`
	}{"monitoring.coreos.com/v1", "PrometheusRule", objectMeta(v.Kubernetes)}); err != nil {
		return nil, fmt.Errorf("encoding the head of a PrometheusRule: %w", err)
	}
	out.WriteString("spec:\n  groups:\n")
	for line := range bytes.Lines(groups) {
		if len(bytes.TrimSpace(line)) > 0 {
			out.WriteString("  ")
		}
		out.Write(line)
	}
	return map[string][]byte{manifestName: out.Bytes()}, nil
}
