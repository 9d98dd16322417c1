package scoring

import (
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// kubernetesPack is the family of facts that only a workload on Kubernetes has.
const kubernetesPack = "k8s"

// runsOnKubernetes reports whether there is evidence of a workload on Kubernetes.
func runsOnKubernetes(facts *evidence.Facts, row evidence.Row) bool {
	for i := range row.Len() {
		if evidence.Pack(facts.Name(i)) != kubernetesPack {
			continue
		}
		if o := row.At(i); o.Value.Kind() != evidence.KindInvalid {
			return true
		}
	}
	return false
}

// NewSubject makes the subject of judgement from a catalog entry. An undeclared
// runtime is taken from what is observed: kubernetes when the entry says where
// on Kubernetes it runs or any evidence of it exists, else other.
func NewSubject(service *catalog.Service, facts *evidence.Facts, row evidence.Row) Subject {
	runtime := service.Runtime
	if runtime == "" {
		runtime = "other"
		if service.Kubernetes != (catalog.KubernetesRef{}) {
			runtime = "kubernetes"
		}
		if row != nil && runsOnKubernetes(facts, row) {
			runtime = "kubernetes"
		}
	}
	exposure := service.Exposure
	if exposure == "" {
		exposure = "external"
	}
	return Subject{Name: service.Name, Attributes: framework.Attributes{
		Tier: int64(service.Tier), Runtime: runtime, Exposure: exposure, Stateful: service.Stateful,
		DataClass: service.EffectiveDataClass(), CoverageTarget: service.CoverageTarget, RPOMinutes: service.RPOMinutes,
	}, Owner: Owner{Team: service.Team, Org: service.Org}}
}
