package pagerduty

import (
	"fmt"

	"github.com/prodready/collector/evidence"
)

// aboutIncidents is what the definitions of facts have in common that are made of
// the incidents of the last weeks. They are outcomes: checks that read them are
// left out where readiness is compared with incidents.
func aboutIncidents() evidence.Definition {
	return evidence.Definition{Window: incidentSpan, Outcome: true}
}

func highUrgency90d() fact {
	return together(evidence.Definition{
		Name: "pagerduty.high_urgency_90d", Kind: evidence.KindInt,
		Help: "Incidents of high urgency of the service that were created in the last 90 days, GET /incidents, and " +
			"not inside one of its maintenance windows, GET /maintenance_windows.",
		Absent: "0 when a complete listing has none",
	}, func(r *round, all []*serviceRecord) answer {
		n := countIf(r.incidents.of(all), (*trackedIncident).disturbing)
		return count(n, "incidents with urgency high outside maintenance")
	})
}

func machineDetectedRatio90d() fact {
	return together(evidence.Definition{
		Name: "pagerduty.machine_detected_ratio_90d", Kind: evidence.KindDouble, Unit: "ratio",
		Help: "Share of the service's incidents of the last 90 days that monitoring opened and not a person, by the " +
			"agent of their first trigger in GET /incidents.",
		Absent: fmt.Sprintf("unknown under %d incidents of which that is known", minIncidents),
	}, func(r *round, all []*serviceRecord) answer {
		incidents := r.incidents.of(all)
		machine := countIf(incidents, func(k *trackedIncident) bool { return k.MachineDetected })
		known := countIf(incidents, func(k *trackedIncident) bool { return k.Channel != "" })
		return share(machine, known, minIncidents, "monitoring opened %d of %d incidents")
	})
}

func repeatManualTemplates90d() fact {
	return together(evidence.Definition{
		Name: "pagerduty.repeat_manual_templates_90d", Kind: evidence.KindInt,
		Help: "Kinds of incidents, by title without its variable parts, that people resolved three or more times in " +
			"the last 90 days, GET /incidents.",
		Absent: "0 when a complete listing has none",
	}, func(r *round, all []*serviceRecord) answer {
		times := map[string]int{}
		repeated := countIf(r.incidents.of(all), func(k *trackedIncident) bool {
			if k.Resolver != evidence.ResolverPerson || k.Template == "" {
				return false
			}
			times[k.Template]++
			return times[k.Template] == repeats
		})
		return count(repeated, fmt.Sprintf("kinds of incidents resolved by people %d times or more", repeats))
	})
}

func pageLoadPerWeek() fact {
	return perService(evidence.Definition{
		Name: "pagerduty.page_load_per_week", Kind: evidence.KindDouble,
		Window: loadWeeks * 7 * day, Merge: evidence.MergeMax,
		Help: "Incidents of high urgency a week that paged the service's escalation policy, from whatever service, " +
			"mean of the last 8 weeks, GET /incidents; of several services, the most.",
		Absent: "0 when a complete listing has none; unknown for a service without a policy, and for all services of a " +
			"policy that an incident which cannot be read may have paged",
	}, func(r *round, s *serviceRecord) answer {
		id := s.policyID()
		if id == "" {
			return unknown(evidence.MissingNoData)
		}
		return number(float64(r.incidents.pages[id])/loadWeeks, "pages of escalation policy "+id)
	})
}
