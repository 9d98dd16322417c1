package correlation

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// replicaGap is by how much the times of one firing differ between replicas, and
// alerts that are as near to each other are one firing. A source reads alerts with
// the same tolerance.
const replicaGap = 3 * time.Minute

// watcher is the group of a source, or the source that is in none.
func (a Alerts) watcher(source string) string { return cmp.Or(a.ReplicaOf[source], source) }

// spans are when each source or group of replicas was watching: when any of its
// members was.
func (a Alerts) spans() map[string][]evidence.Span {
	out := map[string][]evidence.Span{}
	for source, sight := range a.Sights {
		out[a.watcher(source)] = append(out[a.watcher(source)], sight.Spans...)
	}
	for watcher, list := range out {
		out[watcher] = joined(list)
	}
	return out
}

// joined are spans by start and without overlaps.
func joined(spans []evidence.Span) []evidence.Span {
	slices.SortFunc(spans, func(a, b evidence.Span) int { return a.From.Compare(b.From) })
	var out []evidence.Span
	for _, s := range spans {
		if n := len(out); n > 0 && !s.From.After(out[n-1].Until) {
			out[n-1].Until = later(out[n-1].Until, s.Until)
			continue
		}
		out = append(out, s)
	}
	return out
}

// united are the firings, with those that several replicas of a group have seen as
// one: of the group, from the first start to the last end. spans are those of Spans.
func (a Alerts) united(spans map[string][]evidence.Span) []evidence.AlertFiring {
	type alert struct{ watcher, fingerprint string }
	var out []evidence.AlertFiring
	byAlert := map[alert][]evidence.AlertFiring{}
	for _, f := range a.Firings {
		if a.ReplicaOf[f.Source] == "" {
			out = append(out, f)
			continue
		}
		key := alert{a.watcher(f.Source), f.Fingerprint}
		byAlert[key] = append(byAlert[key], a.settled(f, spans[key.watcher]))
	}
	for key, firings := range byAlert {
		slices.SortFunc(firings, func(x, y evidence.AlertFiring) int { return x.StartedAt.Compare(y.StartedAt) })
		one := firings[0]
		for _, f := range firings[1:] {
			if !one.EndedAt.IsZero() && f.StartedAt.Sub(one.EndedAt) > replicaGap {
				one.Source = key.watcher
				out = append(out, one)
				one = f
				continue
			}
			switch {
			case one.EndedAt.IsZero() || f.EndedAt.IsZero():
				one.EndedAt = time.Time{}
			default:
				one.EndedAt = later(one.EndedAt, f.EndedAt)
			}
			one.Paging = one.Paging || f.Paging
		}
		one.Source = key.watcher
		out = append(out, one)
	}
	return out
}

// settled ends an open firing at the last moment at which its source was watching,
// if another replica has watched since then: its firings say what came later.
func (a Alerts) settled(f evidence.AlertFiring, group []evidence.Span) evidence.AlertFiring {
	own := a.Sights[f.Source].Spans
	if !f.EndedAt.IsZero() || len(own) == 0 || len(group) == 0 {
		return f
	}
	last := own[len(own)-1].Until
	if last.After(f.StartedAt) && group[len(group)-1].Until.After(last.Add(replicaGap)) {
		f.EndedAt = last
	}
	return f
}
