package helm

import (
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	strict "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// kinds are the types of the objects that the chart may have.
func kinds() map[string]func() meta.Object {
	return map[string]func() meta.Object{
		"v1/ConfigMap":                            func() meta.Object { return &core.ConfigMap{} },
		"v1/Service":                              func() meta.Object { return &core.Service{} },
		"v1/ServiceAccount":                       func() meta.Object { return &core.ServiceAccount{} },
		"v1/PersistentVolumeClaim":                func() meta.Object { return &core.PersistentVolumeClaim{} },
		"apps/v1/Deployment":                      func() meta.Object { return &apps.Deployment{} },
		"policy/v1/PodDisruptionBudget":           func() meta.Object { return &policy.PodDisruptionBudget{} },
		"networking.k8s.io/v1/Ingress":            func() meta.Object { return &networking.Ingress{} },
		"networking.k8s.io/v1/NetworkPolicy":      func() meta.Object { return &networking.NetworkPolicy{} },
		"monitoring.coreos.com/v1/PodMonitor":     func() meta.Object { return &monitoring.PodMonitor{} },
		"monitoring.coreos.com/v1/ServiceMonitor": func() meta.Object { return &monitoring.ServiceMonitor{} },
		"monitoring.coreos.com/v1/PrometheusRule": func() meta.Object { return &monitoring.PrometheusRule{} },
	}
}

// decode reads an object as the API server does with --validate=strict: a key that the kind
// does not have, or that is there twice, is an error.
func decode(t *testing.T, text string) (kind string, object meta.Object) {
	t.Helper()
	var head meta.TypeMeta
	data, err := yaml.YAMLToJSONStrict([]byte(text))
	if err == nil {
		err = yaml.Unmarshal(data, &head)
	}
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	made, known := kinds()[head.APIVersion+"/"+head.Kind]
	if !known {
		t.Fatalf("the kind %s/%s is not known", head.APIVersion, head.Kind)
	}
	object = made()
	faults, err := strict.UnmarshalStrict(data, object)
	if err != nil || len(faults) > 0 {
		t.Fatalf("%s: %v %v in\n%s", head.Kind, err, faults, text)
	}
	return head.Kind, object
}

// decodeAll are the objects by kind; of the ConfigMaps, the one with the configuration.
func decodeAll(t *testing.T, texts []string) map[string]meta.Object {
	t.Helper()
	found, names := map[string]meta.Object{}, map[string]bool{}
	for _, text := range texts {
		kind, object := decode(t, text)
		if texts, ok := object.(*core.ConfigMap); !ok || texts.Data["collector.yaml"] != "" {
			found[kind] = object
		}
		if names[kind+object.GetName()] {
			t.Errorf("two objects are %s %s", kind, object.GetName())
		}
		names[kind+object.GetName()] = true
		if wrong := validation.IsDNS1123Label(object.GetName()); len(wrong) > 0 {
			t.Errorf("%s %q: %v", kind, object.GetName(), wrong)
		}
		for key, value := range object.GetLabels() {
			if wrong := slices.Concat(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)); len(wrong) > 0 {
				t.Errorf("%s %s: the label %s: %q: %v", kind, object.GetName(), key, value, wrong)
			}
		}
	}
	return found
}

// TestObjects: what Kubernetes reads of the chart with each file of values holds together.
func TestObjects(t *testing.T) {
	for _, name := range []string{"sqlite", "replicas", "everything"} {
		t.Run(name, func(t *testing.T) {
			checkObjects(t, decodeAll(t, example(t, name)))
		})
	}
}

// TestLongNames: Helm allows names of releases of 53 characters.
func TestLongNames(t *testing.T) {
	objects, _, err := render(strings.Repeat("long-", 10)+"end",
		minimal+"dashboards: {enabled: true}\nprometheusRule: {enabled: true}\nmonitor: {enabled: true}\n")
	if err != nil {
		t.Fatal(err)
	}
	checkObjects(t, decodeAll(t, objects))
}

// TestNamesThatYAMLReadsAsOtherThanText are written in quotes.
func TestNamesThatYAMLReadsAsOtherThanText(t *testing.T) {
	objects, _, err := render("123", image+`
config: {sources: {pagerduty: [{name: main, token_file: secrets/pagerduty}]}}
nameOverride: "true"
secret: {name: "123"}
priorityClassName: "1"
serviceAccount: {name: "12"}
store: {sqlite: {storageClassName: "10"}}
dashboards: {enabled: true, namespace: "123"}
ingress: {enabled: true, hosts: [readiness.example.com], className: "1"}
`)
	if err != nil {
		t.Fatal(err)
	}
	checkObjects(t, decodeAll(t, objects))
}

func checkObjects(t *testing.T, found map[string]meta.Object) {
	t.Helper()
	deployment, ok := found["Deployment"].(*apps.Deployment)
	if !ok {
		t.Fatal("there is no Deployment")
	}
	checkSelectors(t, found, deployment.Spec.Template.Labels)
	pod := deployment.Spec.Template.Spec
	checkRestricted(t, pod)
	checkVolumes(t, found, pod)
	if *deployment.Spec.Replicas > 1 {
		budget, ok := found["PodDisruptionBudget"].(*policy.PodDisruptionBudget)
		rolling := deployment.Spec.Strategy.RollingUpdate
		if !ok || budget.Spec.MinAvailable.IntValue() != 1 || rolling == nil || rolling.MaxUnavailable.IntValue() != 0 ||
			len(pod.TopologySpreadConstraints) == 0 {
			t.Errorf("a drain or a rollout may leave no replica: %+v, %+v", budget, rolling)
		}
	}
	if account, ok := found["ServiceAccount"]; ok && pod.ServiceAccountName != account.GetName() {
		t.Errorf("the pods have the account %q and not %q", pod.ServiceAccountName, account.GetName())
	}
	if ingress, ok := found["Ingress"].(*networking.Ingress); ok {
		backend := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
		service, ok := found["Service"].(*core.Service)
		if !ok || backend.Name != service.Name || backend.Port.Name != service.Spec.Ports[0].Name {
			t.Errorf("the Ingress leads to %+v", backend)
		}
	}
}

// checkSelectors: each selector selects the pods, and that of the ServiceMonitor the Service.
func checkSelectors(t *testing.T, found map[string]meta.Object, labels map[string]string) {
	t.Helper()
	selects := func(kind string, selector, of map[string]string) {
		t.Helper()
		if len(selector) < 2 {
			t.Errorf("the %s selects by %v, which another release may have too", kind, selector)
		}
		for key, value := range selector {
			if of[key] != value {
				t.Errorf("the %s selects %s: %s of %v", kind, key, value, of)
			}
		}
	}
	for kind, object := range found {
		switch o := object.(type) {
		case *apps.Deployment:
			selects(kind, o.Spec.Selector.MatchLabels, labels)
		case *core.Service:
			selects(kind, o.Spec.Selector, labels)
		case *policy.PodDisruptionBudget:
			selects(kind, o.Spec.Selector.MatchLabels, labels)
		case *networking.NetworkPolicy:
			selects(kind, o.Spec.PodSelector.MatchLabels, labels)
		case *monitoring.PodMonitor:
			selects(kind, o.Spec.Selector.MatchLabels, labels)
			if !o.Spec.PodMetricsEndpoints[0].HonorLabels {
				t.Error("the labels of the scrape replace those of the figures")
			}
		case *monitoring.ServiceMonitor:
			selects(kind, o.Spec.Selector.MatchLabels, found["Service"].GetLabels())
			if !o.Spec.Endpoints[0].HonorLabels {
				t.Error("the labels of the scrape replace those of the figures")
			}
		}
	}
}

// checkRestricted: the pod meets the Pod Security Standard "restricted".
func checkRestricted(t *testing.T, pod core.PodSpec) {
	t.Helper()
	outer := pod.SecurityContext
	if outer == nil || outer.RunAsNonRoot == nil || !*outer.RunAsNonRoot || outer.RunAsUser == nil ||
		*outer.RunAsUser == 0 || outer.SeccompProfile == nil ||
		outer.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod: %+v", outer)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the token of the account is mounted")
	}
	for _, container := range pod.Containers {
		inner := container.SecurityContext
		if inner == nil || inner.AllowPrivilegeEscalation == nil || *inner.AllowPrivilegeEscalation ||
			inner.ReadOnlyRootFilesystem == nil || !*inner.ReadOnlyRootFilesystem || inner.Capabilities == nil ||
			!slices.Equal(inner.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("the container: %+v", inner)
		}
	}
}

// checkVolumes: each mount has its volume and the reverse, and each key of the ConfigMap that
// is mounted is in it.
func checkVolumes(t *testing.T, found map[string]meta.Object, pod core.PodSpec) {
	t.Helper()
	volumes, mounted := map[string]core.Volume{}, map[string]bool{}
	for _, volume := range pod.Volumes {
		volumes[volume.Name] = volume
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		mounted[mount.Name] = true
		volume, ok := volumes[mount.Name]
		if !ok {
			t.Errorf("%s has no volume", mount.MountPath)
		}
		if mount.Name != "configuration" {
			continue
		}
		texts, ok := found["ConfigMap"].(*core.ConfigMap)
		if !ok || volume.ConfigMap.Name != texts.Name || texts.Data[mount.SubPath] == "" {
			t.Errorf("%s mounts the key %s of the ConfigMap %s, which is not there", mount.MountPath, mount.SubPath,
				volume.ConfigMap.Name)
		}
	}
	for name, volume := range volumes {
		if !mounted[name] {
			t.Errorf("the volume %s is mounted nowhere", name)
		}
		claim := volume.PersistentVolumeClaim
		if claim != nil && claim.ClaimName != found["PersistentVolumeClaim"].GetName() {
			t.Errorf("the claim is %s", claim.ClaimName)
		}
	}
}
