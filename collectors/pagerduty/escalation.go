package pagerduty

import "github.com/prodready/collector/evidence"

// listedPolicies is the complete list of the account's escalation policies.
type listedPolicies struct {
	byID map[string]*policy
	bad  *idSet
}

// of is the policy of a service: from the list, or from the service's record,
// which alone has a policy that was made while the list was read.
func (l *listedPolicies) of(s *serviceRecord) (*policy, evidence.Missing) {
	id := s.policyID()
	if p, ok := l.byID[id]; ok {
		return p, ""
	}
	switch {
	case id == "":
		return nil, evidence.MissingNoData
	case s.Policy.Rules != nil:
		return &s.Policy, ""
	case l.bad.ids[id]:
		return nil, evidence.MissingUndecodable
	}
	return nil, evidence.MissingNotFound
}

// policiesListing declares the list of escalation policies.
func policiesListing() listing {
	listed := &listedPolicies{byID: map[string]*policy{}, bad: newIDSet()}
	return listing{
		path: "escalation_policies", scope: "escalation_policies.read",
		records: "escalation policies", every: slowEvery,
		read: decoded("escalation_policy", func(p *policy) { listed.byID[p.ID] = p }, listed.bad.addUndecodable),
		groups: []group{{
			name: "escalation",
			facts: []fact{perService(evidence.Definition{
				Name: "pagerduty.escalation_levels", Kind: evidence.KindInt, Merge: evidence.MergeMin,
				Help: "Levels with at least one target of the service's policy in GET /escalation_policies; of " +
					"several services, the least.",
				Absent: "unknown for a service without a policy",
			}, func(_ *round, s *serviceRecord) answer {
				p, why := listed.of(s)
				if why != "" {
					return unknown(why)
				}
				return count(countIf(p.Rules, escalationRule.hasTarget), "escalation policy "+p.ID)
			})},
			unknown: func(_ *round, s *serviceRecord) evidence.Missing {
				_, why := listed.of(s)
				return why
			},
		}},
	}
}
