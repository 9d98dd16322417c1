package pagerduty

import (
	"fmt"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// listedServices is the complete list of the account's services.
type listedServices struct {
	byID map[string]*serviceRecord
	// bad are the services that could not be decoded.
	bad *idSet
	// keys are of the integrations of all of them.
	keys integrationKeys
}

func newListedServices() *listedServices {
	return &listedServices{byID: map[string]*serviceRecord{}, bad: newIDSet(), keys: newIntegrationKeys()}
}

func (l *listedServices) add(s *serviceRecord) {
	l.byID[s.ID] = s
	l.keys.add(s.ID, s.Integrations)
}

// withKey is the id of the service that has an integration with the key. If no service
// has one, why is the reason. It is also set if that cannot be decided: the services have
// not been listed yet, or a record that cannot be read may have the key.
func (l *listedServices) withKey(key catalog.IntegrationKey) (id string, why evidence.Missing) {
	if l == nil {
		return "", evidence.MissingNotCollected
	}
	id, sure := l.keys.find(key)
	switch {
	case id != "":
		return id, ""
	case !sure || len(l.bad.ids) > 0:
		return "", evidence.MissingUndecodable
	}
	return "", evidence.MissingUnknownKey
}

// unreadable reports whether a service that was not read may be in the list: a record
// without a readable id may be this one.
func (l *listedServices) unreadable(id string) bool { return l.bad.ids[id] || l.bad.nameless > 0 }

// find splits ids into services and ids that do not exist. why is set when the
// existence of one is unknown.
func (l *listedServices) find(ids []string) (found []*serviceRecord, gone []string, why evidence.Missing) {
	for _, id := range ids {
		s, ok := l.byID[id]
		switch {
		case ok:
			found = append(found, s)
		case l.unreadable(id):
			why = evidence.MissingUndecodable
		default:
			gone = append(gone, id)
		}
	}
	return found, gone, why
}

// servicesListing declares the list of services, which all facts need.
func servicesListing() listing {
	listed := newListedServices()
	return listing{
		path: "services", scope: "services.read", records: "services", every: slowEvery,
		include:  []string{"escalation_policies", includeIntegrations, "teams", "auto_pause_notifications_parameters"},
		read:     decoded("service", listed.add, listed.bad.addUndecodable),
		complete: func(r *round) { r.found(listed) },
		groups:   []group{{name: "setup", facts: setupFacts()}},
	}
}

// setupFacts are made of the records of services alone.
func setupFacts() []fact {
	notThere := evidence.Bool(false)
	return []fact{
		{
			Definition: evidence.Definition{
				Name: "pagerduty.service_exists", Kind: evidence.KindBool,
				Help:   "The referenced service is in GET /services.",
				Absent: "false: a complete listing without the id is observed absent",
			},
			part: func(*round, *serviceRecord) answer { return yes(true, "listed") },
			gone: &notThere,
		},
		perService(evidence.Definition{
			Name: "pagerduty.service_enabled", Kind: evidence.KindBool, Merge: evidence.MergeAll,
			Help:   "The status of the service in GET /services is not disabled; of several services, of all.",
			Absent: "unknown",
		}, func(_ *round, s *serviceRecord) answer {
			if s.Status == "disabled" {
				return yes(false, "disabled")
			}
			// Active, warning and critical change with incidents: a detail with the
			// status would change as often.
			return yes(true, "not disabled")
		}),
		perService(evidence.Definition{
			Name: "pagerduty.integrations", Kind: evidence.KindInt,
			Help:   "Integrations of the service in GET /services, e-mail integrations not counted.",
			Absent: "0 when the service lists none",
		}, func(_ *round, s *serviceRecord) answer {
			all := countIf(s.Integrations, func(i integration) bool { return i.reference != reference{} })
			mail := countIf(s.Integrations, func(i integration) bool { return strings.Contains(i.Type, "email") })
			return count(all-mail, fmt.Sprintf("%d integrations, and %d by e-mail", all-mail, mail))
		}),
		perService(evidence.Definition{
			// Off is the worst answer and the smallest number.
			Name: "pagerduty.ack_timeout_seconds", Kind: evidence.KindInt, Unit: "seconds", Merge: evidence.MergeMin,
			Help: "Time after which an acknowledged incident is triggered again, acknowledgement_timeout in " +
				"GET /services; 0 when it is off.",
			Absent: "0: null means that the time-out is off",
		}, func(_ *round, s *serviceRecord) answer { return timeout("acknowledgement", s.AckTimeout) }),
		perService(evidence.Definition{
			Name: "pagerduty.auto_resolve_timeout_seconds", Kind: evidence.KindInt, Unit: "seconds", Merge: evidence.MergeMin,
			Help: "Time after which an open incident is resolved by itself, auto_resolve_timeout in GET " +
				"/services; 0 when it is off; of several services, the least.",
			Absent: "0: null means that the time-out is off",
		}, func(_ *round, s *serviceRecord) answer { return timeout("auto-resolve", s.AutoResolveTimeout) }),
		perService(evidence.Definition{
			Name: "pagerduty.auto_pause", Kind: evidence.KindBool, Merge: evidence.MergeAll,
			Help: "Notifications of transient alerts are paused, auto_pause_notifications_parameters in GET " +
				"/services; of several services, of all.",
			Absent: "false when the service does not have the setting",
		}, func(_ *round, s *serviceRecord) answer {
			return yes(s.pauses(), fmt.Sprintf("auto-pause %t", s.pauses()))
		}),
		perService(evidence.Definition{
			Name: "pagerduty.teams", Kind: evidence.KindInt, Merge: evidence.MergeMin,
			Help:   "Teams that the service belongs to in GET /services; of several services, the least.",
			Absent: "0 when the service lists none",
		}, func(_ *round, s *serviceRecord) answer {
			n := countIf(s.Teams, func(t reference) bool { return t.ID != "" })
			return count(n, fmt.Sprintf("%d teams", n))
		}),
		urgencyFact("pagerduty.urgency_varies", "The urgency of incidents goes by their severity, or is another within "+
			"support hours than outside, incident_urgency_rule in GET /services; of several services, of all.",
			func(list []string) bool { return list[0] == "severity_based" || list[0] != list[len(list)-1] }),
		urgencyFact("pagerduty.urgency_can_be_high", "Incidents can be of high urgency, at some time or with some "+
			"severity, incident_urgency_rule in GET /services; of several services, of all.",
			func(list []string) bool { return list[0] != "low" || list[len(list)-1] != "low" }),
	}
}

// timeout is the answer with a time-out of a service in seconds.
func timeout(name string, seconds *float64) answer {
	if seconds == nil {
		return count(0, name+" time-out is off")
	}
	return count(int(*seconds), fmt.Sprintf("%s time-out %.0f s", name, *seconds))
}

// urgencyFact is a fact about the one or two urgencies that the rule of a service
// can give.
func urgencyFact(name, help string, is func(urgencies []string) bool) fact {
	return perService(evidence.Definition{
		Name: name, Kind: evidence.KindBool, Merge: evidence.MergeAll, Help: help,
		Absent: "unknown for a service without a rule, or with one of a kind that is not known",
	}, func(_ *round, s *serviceRecord) answer {
		list := s.Urgency.urgencies()
		if len(list) == 0 {
			return unknown(evidence.MissingNoData)
		}
		return yes(is(list), "urgency "+strings.Join(list, " within support hours, outside "))
	})
}
