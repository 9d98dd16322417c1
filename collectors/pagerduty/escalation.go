package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/prodready/collector/evidence"
)

// listedPolicies is the complete list of the account's escalation policies.
type listedPolicies struct {
	byID map[string]*policy
	bad  map[string]bool
}

// of finds a service's policy: in the list, or as the service's own record
// has it, which a policy made after the list was begun needs.
func (l *listedPolicies) of(s *serviceRecord) (*policy, evidence.Missing) {
	id := s.policyID()
	if p, ok := l.byID[id]; ok {
		return p, ""
	}
	switch {
	case s.Policy == nil || id == "":
		return nil, evidence.MissingNoData
	case s.Policy.Rules != nil:
		return s.Policy, ""
	case l.bad[id]:
		return nil, evidence.MissingUndecodable
	}
	return nil, evidence.MissingNotFound
}

// listEscalation lists the escalation policies and observes the facts of the
// escalation group.
func (r *round) listEscalation(ctx context.Context) error {
	if r.services == nil || !r.due(listingPolicies, slowEvery) {
		return nil
	}
	listed := &listedPolicies{byID: map[string]*policy{}, bad: map[string]bool{}}
	err := r.list(ctx, "escalation_policies", map[string][]string{}, func(raw json.RawMessage) {
		p, err := decode[policy](raw)
		if err == nil {
			listed.byID[p.ID] = &p
			return
		}
		id := idOf(raw, "id")
		r.skip("escalation_policy", id, err)
		listed.bad[id] = true
	})
	if err != nil {
		return err
	}
	r.policies = listed
	return r.done(listingPolicies, r.observe(groupEscalation, func(s *serviceRecord) evidence.Missing {
		_, why := listed.of(s)
		return why
	}))
}

func escalationLevels() fact {
	return fact{
		Definition: evidence.Definition{
			Name: "pagerduty.escalation_levels", Kind: evidence.KindInt, Pack: "pagerduty",
			Help:         "Levels with at least one target of the service's policy in GET /escalation_policies; of several services, the least.",
			Permissions:  []string{"services.read", "escalation_policies.read"},
			Absent:       "unknown for a service without a policy",
			Merge:        evidence.MergeMin,
			FreshAtLeast: slowFresh,
		},
		group: groupEscalation,
		part: func(r *round, s *serviceRecord) answer {
			p, why := r.policies.of(s)
			if why != "" {
				return answer{missing: why}
			}
			levels := 0
			for _, rule := range *p.Rules {
				if rule.manned() {
					levels++
				}
			}
			return count(levels, fmt.Sprintf("escalation policy %s", p.ID))
		},
	}
}
