package jira

import (
	"context"
	"hash/fnv"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// keySet is a set of keys that holds eight bytes of each, since a history has
// many. Among a hundred thousand keys two have the same bytes in one of billions
// of cases.
type keySet map[uint64]struct{}

func (s keySet) add(key string) { s[fingerprint(key)] = struct{}{} }

func (s keySet) has(key string) bool { _, ok := s[fingerprint(key)]; return ok }

func fingerprint(key string) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(key))
	return sum.Sum64()
}

// keySum is a sum over a set of keys, in any order.
type keySum struct{ sum, count uint64 }

func (s *keySum) add(key string) { s.sum += fingerprint(key); s.count++ }

// eachStored calls each with the stored incidents of the history, page by page;
// with none when there is no store. Its own errors are *CallError.
func (r *round) eachStored(ctx context.Context, each func(evidence.Incident) error) error {
	return r.eachStoredOf(ctx, evidence.IncidentSpan{Since: r.now.Add(-r.history), Lasting: true}, each)
}

func (r *round) eachStoredOf(ctx context.Context, span evidence.IncidentSpan,
	each func(evidence.Incident) error) error {
	if r.request.Incidents == nil {
		return nil
	}
	var ours error
	err := r.request.Incidents(ctx, span, func(in evidence.Incident) error {
		ours = each(in)
		return ours
	})
	if err != nil && ours == nil {
		return collectors.Failed(evidence.ReasonStore, "read incidents of "+r.id, "%w", err)
	}
	return ours
}

// isStored reports whether the incident was stored before this round.
func (r *round) isStored(ctx context.Context, key string) (bool, error) {
	if r.known == nil {
		known := keySet{}
		if err := r.eachStored(ctx, func(in evidence.Incident) error { known.add(in.ID); return nil }); err != nil {
			return false, err
		}
		r.known = known
	}
	return r.known.has(key), nil
}
