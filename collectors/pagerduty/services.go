package pagerduty

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/evidence"
)

// listedServices is the complete list of the account's services.
type listedServices struct {
	byID map[string]*serviceRecord
	// bad are the ids of services that could not be decoded, and nameless
	// counts those of which not even the id could be.
	bad      map[string]bool
	nameless int
}

// find splits ids into services and ids that do not exist. why is set when the
// existence of one is unknown.
func (l *listedServices) find(ids []string) (found []*serviceRecord, gone []string, why evidence.Missing) {
	for _, id := range ids {
		s, ok := l.byID[id]
		switch {
		case ok:
			found = append(found, s)
		case l.bad[id], l.nameless > 0:
			// A record without a readable id may be this one.
			why = evidence.MissingUndecodable
		default:
			gone = append(gone, id)
		}
	}
	return found, gone, why
}

// servicesListing declares the list of services, which all facts need.
func servicesListing() listing {
	listed := &listedServices{byID: map[string]*serviceRecord{}, bad: map[string]bool{}}
	return listing{
		path: "services", scope: "services.read", records: "services", every: slowEvery,
		include: []string{"escalation_policies", "integrations", "teams", "auto_pause_notifications_parameters"},
		read: decoded("service", func(s *serviceRecord) { listed.byID[s.ID] = s }, func(id string, _ json.RawMessage) {
			if id == "" {
				listed.nameless++
			} else {
				listed.bad[id] = true
			}
		}),
		complete: func(r *round) { r.services, r.memory.services = listed, listed },
		groups: []group{{name: "setup", facts: []fact{
			serviceExists(),
			serviceEnabled(),
			integrations(),
			ackTimeout(),
			autoResolveTimeout(),
			autoPause(),
			teams(),
			urgencyVaries(),
			urgencyCanBeHigh(),
		}}},
	}
}

func serviceExists() fact {
	absent := evidence.Bool(false)
	return fact{
		Definition: evidence.Definition{
			Name: "pagerduty.service_exists", Kind: evidence.KindBool, Pack: "pagerduty",
			Help:         "The referenced service is in GET /services.",
			FreshAtLeast: slowFresh,
			Absent:       "false: a complete listing without the id is observed absent",
		},
		part: func(*round, *serviceRecord) answer { return yes(true, "listed") },
		gone: &absent,
	}
}

func serviceEnabled() fact {
	return fact{
		Definition: evidence.Definition{
			Name: "pagerduty.service_enabled", Kind: evidence.KindBool, Pack: "pagerduty",
			Help:         "The status of the service in GET /services is not disabled; of several services, of all.",
			FreshAtLeast: slowFresh,
			Absent:       "unknown",
			Merge:        evidence.MergeAll,
		},
		part: func(_ *round, s *serviceRecord) answer {
			if s.Status == "disabled" {
				return yes(false, "disabled")
			}
			// Active, warning and critical come and go with incidents; a detail
			// that told them apart would change all the time.
			return yes(true, "not disabled")
		},
	}
}

func integrations() fact {
	return fact{
		Definition: evidence.Definition{
			Name: "pagerduty.integrations", Kind: evidence.KindInt, Pack: "pagerduty",
			Help:         "Integrations of the service in GET /services, e-mail integrations not counted.",
			FreshAtLeast: slowFresh,
			Absent:       "0 when the service lists none",
		},
		part: func(_ *round, s *serviceRecord) answer {
			machine, mail := 0, 0
			for _, i := range s.Integrations {
				switch {
				case i == nil:
				case strings.Contains(i.Type, "email"):
					mail++
				default:
					machine++
				}
			}
			return count(machine, fmt.Sprintf("%d integrations, and %d by e-mail", machine, mail))
		},
	}
}

func ackTimeout() fact {
	return fact{
		Definition: evidence.Definition{
			Name: "pagerduty.ack_timeout_seconds", Kind: evidence.KindInt, Unit: "seconds", Pack: "pagerduty",
			Help: "Time after which an acknowledged incident is triggered again, acknowledgement_timeout in " +
				"GET /services; 0 when it is off.",
			FreshAtLeast: slowFresh,
			Absent:       "0: null means that the time-out is off",
			// Off is the worst answer and the smallest number.
			Merge: evidence.MergeMin,
		},
		part: func(_ *round, s *serviceRecord) answer {
			if s.AckTimeout == nil {
				return count(0, "acknowledgement time-out is off")
			}
			return count(int(*s.AckTimeout), fmt.Sprintf("acknowledgement time-out %.0f s", *s.AckTimeout))
		},
	}
}

func autoResolveTimeout() fact {
	return fact{
		Definition: evidence.Definition{
			Name: "pagerduty.auto_resolve_timeout_seconds", Kind: evidence.KindInt, Unit: "seconds", Pack: "pagerduty",
			Help: "Time after which an open incident is resolved by itself, auto_resolve_timeout in GET " +
				"/services; 0 when it is off; of several services, the least.",
			FreshAtLeast: slowFresh,
			Absent:       "0: null means that the time-out is off",
			Merge:        evidence.MergeMin,
		},
		part: func(_ *round, s *serviceRecord) answer {
			if s.AutoResolveTimeout == nil {
				return count(0, "auto-resolve time-out is off")
			}
			return count(int(*s.AutoResolveTimeout), fmt.Sprintf("auto-resolve time-out %.0f s", *s.AutoResolveTimeout))
		},
	}
}

func autoPause() fact {
	return fact{
		Definition: evidence.Definition{
			Name: "pagerduty.auto_pause", Kind: evidence.KindBool, Pack: "pagerduty",
			Help: "Notifications of transient alerts are paused, auto_pause_notifications_parameters in GET " +
				"/services; of several services, of all.",
			FreshAtLeast: slowFresh,
			Absent:       "false when the service does not have the setting",
			Merge:        evidence.MergeAll,
		},
		part: func(_ *round, s *serviceRecord) answer {
			return yes(s.pauses(), fmt.Sprintf("auto-pause %t", s.pauses()))
		},
	}
}

func teams() fact {
	return fact{
		Definition: evidence.Definition{
			Name: "pagerduty.teams", Kind: evidence.KindInt, Pack: "pagerduty",
			Help:         "Teams that the service belongs to in GET /services; of several services, the least.",
			FreshAtLeast: slowFresh,
			Absent:       "0 when the service lists none",
			Merge:        evidence.MergeMin,
		},
		part: func(_ *round, s *serviceRecord) answer {
			n := 0
			for _, t := range s.Teams {
				if t != nil && t.ID != "" {
					n++
				}
			}
			return count(n, fmt.Sprintf("%d teams", n))
		},
	}
}

func urgencyDefinition(name, help string) evidence.Definition {
	return evidence.Definition{
		Name: name, Kind: evidence.KindBool, Pack: "pagerduty", Help: help,
		FreshAtLeast: slowFresh,
		Absent:       "unknown for a service without a rule, or with one of a kind that is not known",
		Merge:        evidence.MergeAll,
	}
}

func urgencyVaries() fact {
	d := urgencyDefinition("pagerduty.urgency_varies", "The urgency of incidents goes by their severity, or is "+
		"another within support hours than outside, incident_urgency_rule in GET /services; of several services, of "+
		"all.")
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		list := s.Urgency.urgencies()
		if len(list) == 0 {
			return answer{missing: evidence.MissingNoData}
		}
		varies := list[0] == "severity_based" || list[0] != list[len(list)-1]
		return yes(varies, "urgency "+strings.Join(list, " within support hours, outside "))
	}}
}

func urgencyCanBeHigh() fact {
	d := urgencyDefinition("pagerduty.urgency_can_be_high", "Incidents can be of high urgency, at some time or with "+
		"some severity, incident_urgency_rule in GET /services; of several services, of all.")
	return fact{Definition: d, part: func(_ *round, s *serviceRecord) answer {
		list := s.Urgency.urgencies()
		if len(list) == 0 {
			return answer{missing: evidence.MissingNoData}
		}
		can := slices.ContainsFunc(list, func(urgency string) bool { return urgency != "low" })
		return yes(can, "urgency "+strings.Join(list, " within support hours, outside "))
	}}
}
