package prometheus

import (
	"math"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/evidence"
)

// Replicas of a server that write to one storage leave a copy of each series there,
// and of each rule, which differs in a label that names the replica. Copies are one
// series. Firings need no such list: only alertLabels tell them apart.

// isReplicaLabel reports whether a label says which replica of a server has something.
// One that is configured to tell alerts apart does not.
func (s *Source) isReplicaLabel(name string) bool {
	return slices.Contains(s.replicaLabels, name) && !slices.Contains(s.alertLabels, name)
}

// withoutReplica is the series without the labels that name a replica. copied is false
// for a series without any.
func (s *Source) withoutReplica(m model.Metric) (own model.Metric, copied bool) {
	for _, name := range s.replicaLabels {
		if _, has := m[model.LabelName(name)]; !has || !s.isReplicaLabel(name) {
			continue
		}
		if !copied {
			own, copied = m.Clone(), true
		}
		delete(own, model.LabelName(name))
	}
	return own, copied
}

// unite makes one sample of the copies of a series. A copy that is no number does not
// count where another is one.
func unite(d evidence.Definition, samples []sample) []sample {
	var out []sample
	at := map[string]int{}
	for _, s := range samples {
		n, copied := at[s.id]
		if !copied {
			at[s.id] = len(out)
			out = append(out, s)
			continue
		}
		switch first := out[n]; {
		case math.IsNaN(s.value):
		case math.IsNaN(first.value):
			out[n] = s
		default:
			out[n] = []sample{first, s}[d.ReplicaMerge().Of([]float64{first.value, s.value}, 0).At]
		}
	}
	return out
}
