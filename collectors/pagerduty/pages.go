package pagerduty

import (
	"fmt"

	"github.com/prodready/collector/evidence"
)

// Facts made of the incidents of the last weeks. They are outcomes: checks that
// read them are left out where readiness is compared with incidents.

func incidentDefinition(name string, kind evidence.Kind, help string) evidence.Definition {
	return evidence.Definition{
		Name: name, Kind: kind, Pack: "pagerduty", Help: help,
		Window:  incidentSpan,
		Outcome: true,
	}
}

func highUrgency90d() fact {
	d := incidentDefinition("pagerduty.high_urgency_90d", evidence.KindInt, "Incidents of high urgency of the "+
		"service that were created in the last 90 days, GET /incidents, and not inside one of its maintenance "+
		"windows, GET /maintenance_windows.")
	d.Absent = "0 when a complete listing has none"
	return fact{Definition: d, part: func(r *round, s *serviceRecord) answer {
		n := 0
		for _, in := range r.incidents.byService[s.ID] {
			if in.Urgent && !in.Maintenance {
				n++
			}
		}
		return count(n, "incidents with urgency high outside maintenance")
	}}
}

func machineDetectedRatio90d() fact {
	d := incidentDefinition("pagerduty.machine_detected_ratio_90d", evidence.KindDouble, "Share of the service's "+
		"incidents of the last 90 days that monitoring opened and not a person, by the channel of their first "+
		"trigger in GET /incidents.")
	d.Unit = "ratio"
	d.Absent = fmt.Sprintf("unknown under %d incidents whose channel is known", minIncidents)
	return fact{Definition: d, whole: func(r *round, all []*serviceRecord) answer {
		machine, known := 0, 0
		for _, in := range r.incidents.of(all) {
			if in.Channel != "" {
				known++
			}
			if in.MachineDetected {
				machine++
			}
		}
		if known < minIncidents {
			return answer{missing: evidence.MissingTooFew}
		}
		return double(d, float64(machine)/float64(known), fmt.Sprintf("monitoring opened %d of %d "+
			"incidents", machine, known))
	}}
}

func repeatManualTemplates90d() fact {
	d := incidentDefinition("pagerduty.repeat_manual_templates_90d", evidence.KindInt, "Kinds of incidents, by title "+
		"without its variable parts, that people resolved three or more times in the last 90 days, GET /incidents.")
	d.Absent = "0 when a complete listing has none"
	return fact{Definition: d, whole: func(r *round, all []*serviceRecord) answer {
		times := map[string]int{}
		repeated := 0
		for _, in := range r.incidents.of(all) {
			if in.Resolver != evidence.ResolverPerson || in.Template == "" {
				continue
			}
			if times[in.Template]++; times[in.Template] == repeats {
				repeated++
			}
		}
		return count(repeated, fmt.Sprintf("kinds of incidents resolved by people %d times or more", repeats))
	}}
}

func pageLoadPerWeek() fact {
	d := incidentDefinition("pagerduty.page_load_per_week", evidence.KindDouble, "Incidents of high urgency a week "+
		"that paged the service's escalation policy, from whatever service, mean of the last 8 weeks, GET "+
		"/incidents; of several services, the most.")
	d.Window = loadWeeks * 7 * day
	d.Merge = evidence.MergeMax
	d.Absent = "0 when a complete listing has none; unknown for a service without a policy"
	return fact{Definition: d, part: func(r *round, s *serviceRecord) answer {
		id := s.policyID()
		if id == "" {
			return answer{missing: evidence.MissingNoData}
		}
		return double(d, float64(r.incidents.pages[id])/loadWeeks, "pages of escalation policy "+id)
	}}
}
