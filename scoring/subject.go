package scoring

import (
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// kubernetesPack is the family of facts that only a workload on Kubernetes has.
const kubernetesPack = "k8s"

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
		for i, o := range row {
			if o != nil && o.Value.Kind() != evidence.KindInvalid && evidence.Pack(facts.At(i).Name) == kubernetesPack {
				runtime = "kubernetes"
				break
			}
		}
	}
	exposure := service.Exposure
	if exposure == "" {
		exposure = "external"
	}
	return Subject{Name: service.Name, Attributes: framework.Attributes{
		Tier: int64(service.Tier), Runtime: runtime, Exposure: exposure, Stateful: service.Stateful,
		DataClass: service.EffectiveDataClass(), CoverageTarget: service.CoverageTarget, RPOMinutes: service.RPOMinutes,
	}}
}
