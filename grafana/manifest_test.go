package grafana

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// maxAnnotations bounds all annotations of an object of Kubernetes, in bytes.
const maxAnnotations = 256 << 10

// TestManifestsHoldTheDashboards: each object has one dashboard as it is written to a file,
// and is small enough for kubectl apply, which keeps a copy of it as an annotation.
func TestManifestsHoldTheDashboards(t *testing.T) {
	t.Parallel()
	v := Values{Pages: "https://readiness.example.com", Docs: DefaultDocs, Titles: map[string]string{"obs.x": `A "title": {{x}}`}}
	k := Kubernetes{
		Namespace: "monitoring", Folder: "Readiness", Labels: map[string]string{"release": "true"},
		Instances: map[string]string{"dashboards": "grafana"},
	}
	boards, err := All(v)
	if err != nil {
		t.Fatal(err)
	}
	for kind, make := range map[string]func(Values, Kubernetes) (map[string][]byte, error){
		"GrafanaDashboard": OperatorDashboards, "ConfigMap": ConfigMaps,
	} {
		objects, err := make(v, k)
		if err != nil || len(objects) != len(boards) {
			t.Fatalf("%s: %d objects of %d dashboards: %v", kind, len(objects), len(boards), err)
		}
		for file, text := range boards {
			name := "readiness-" + strings.TrimSuffix(file, ".json")
			var o object
			decoder := yaml.NewDecoder(bytes.NewReader(objects[name+"."+strings.ToLower(kind)+".yaml"]))
			decoder.KnownFields(true)
			if err := decoder.Decode(&o); err != nil {
				t.Fatalf("%s of %s: %v", kind, file, err)
			}
			held := o.Data[name+".json"]
			meta := objectMeta{Name: name, Namespace: "monitoring", Labels: map[string]string{"release": "true"}}
			if kind == "GrafanaDashboard" {
				held = o.Spec.JSON
				if o.Spec.Folder != "Readiness" || !reflect.DeepEqual(o.Spec.InstanceSelector.MatchLabels, k.Instances) {
					t.Errorf("%s: folder %q, instances %v", name, o.Spec.Folder, o.Spec.InstanceSelector.MatchLabels)
				}
			} else {
				meta.Labels[sidecarLabel], meta.Annotations = "1", map[string]string{folderAnnotation: "Readiness"}
			}
			if o.Kind != kind || !reflect.DeepEqual(o.Metadata, meta) {
				t.Errorf("%s %+v", o.Kind, o.Metadata)
			}
			var want, got any
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(held), &got); err != nil || !reflect.DeepEqual(want, got) {
				t.Errorf("%s of %s has another dashboard: %v", kind, file, err)
			}
			copied, err := json.Marshal(map[string]string{name: held})
			if err != nil {
				t.Fatal(err)
			}
			if len(copied) > maxAnnotations*9/10 {
				t.Errorf("%s of %s has %d bytes: kubectl apply keeps at most %d", kind, file, len(copied), maxAnnotations)
			}
		}
	}
}
