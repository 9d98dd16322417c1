package pagerduty

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// Facts about how incidents are answered, from the log: who acknowledged
// them, and when. Explicit acknowledgements count alone, and incidents inside a
// maintenance window of their service not at all.

const (
	// shortLife is the longest life of an incident that need not be answered.
	shortLife = 5 * time.Minute
	// again is how soon after its end a problem that comes back is flapping.
	again = 30 * time.Minute
)

// markNoise puts the ids of incidents into noise that are noisy (an integration
// resolved them within five minutes, never acknowledged) or flapping (the same
// problem again within half an hour of its end; the first is not). The list is
// of one PagerDuty service and in order of time.
func markNoise(list []*trackedIncident, noise map[string]bool) {
	ends := map[string]time.Time{}
	for _, k := range list {
		noisy := !k.open() && k.Resolver == evidence.ResolverIntegration && k.AcknowledgedAt.IsZero() && k.followed &&
			!k.undecodable && k.ResolvedAt.Sub(k.StartedAt) <= shortLife
		end, before := ends[k.Template]
		flapping := before && k.Template != "" && !k.StartedAt.Before(end) && k.StartedAt.Sub(end) <= again
		if noisy || flapping {
			noise[k.ID] = true
		}
		if !k.open() && k.ResolvedAt.After(end) {
			ends[k.Template] = k.ResolvedAt
		}
	}
}

func mttaP90Seconds90d() fact {
	d := incidentDefinition(
		"pagerduty.mtta_p90_seconds_90d", evidence.KindDouble,
		"Time to the first explicit acknowledgement that nine of ten acknowledged incidents of high urgency of the last 90 days did not exceed, acknowledge_log_entry in GET /log_entries, outside maintenance windows, GET /maintenance_windows.",
	)
	d.Unit, d.Round = "seconds", 1
	d.Merge = evidence.MergeMax
	d.Absent = fmt.Sprintf("unknown under %d acknowledged incidents", minIncidents)
	return fact{Definition: d, whole: func(r *round, all []*serviceRecord) answer {
		var times []float64
		for _, in := range r.incidents.of(all) {
			if in.Urgent && !in.Maintenance && in.followed && !in.AcknowledgedAt.IsZero() {
				times = append(times, in.AcknowledgedAt.Sub(in.StartedAt).Seconds())
			}
		}
		if len(times) < minIncidents {
			return answer{missing: evidence.MissingTooFew}
		}
		slices.Sort(times)
		// The nearest rank: a time that was really taken.
		at := int(math.Ceil(0.9*float64(len(times)))) - 1
		return double(d, times[at], fmt.Sprintf("of %d acknowledged incidents with urgency high", len(times)))
	}}
}

func unacknowledgedRatio90d() fact {
	d := incidentDefinition(
		"pagerduty.unacknowledged_ratio_90d", evidence.KindDouble,
		"Share of the service's incidents of high urgency of the last 90 days that lived longer than 5 minutes and were never explicitly acknowledged, GET /log_entries; outside maintenance windows, GET /maintenance_windows.",
	)
	d.Unit = "ratio"
	d.Merge = evidence.MergeMax
	d.Absent = fmt.Sprintf("unknown under %d incidents of high urgency", minIncidents)
	return fact{Definition: d, whole: func(r *round, all []*serviceRecord) answer {
		urgent, silent := 0, 0
		for _, in := range r.incidents.of(all) {
			acknowledged := !in.AcknowledgedAt.IsZero()
			if !in.Urgent || in.Maintenance || !in.followed || in.undecodable && !acknowledged {
				continue
			}
			urgent++
			end := in.ResolvedAt
			if in.open() {
				end = r.now
			}
			if !acknowledged && end.Sub(in.StartedAt) > shortLife {
				silent++
			}
		}
		if urgent < minIncidents {
			return answer{missing: evidence.MissingTooFew}
		}
		return double(d, float64(silent)/float64(urgent), fmt.Sprintf("%d of %d incidents with urgency high", silent, urgent))
	}}
}

func noiseRatio30d() fact {
	d := incidentDefinition(
		"pagerduty.noise_ratio_30d", evidence.KindDouble,
		"Share of the service's incidents of high urgency of the last 30 days that were noisy (an integration resolved them within 5 minutes, never acknowledged) or flapping (the same again within 30 minutes of the last resolution), GET /incidents and GET /log_entries; outside maintenance windows, GET /maintenance_windows.",
	)
	d.Unit, d.Window = "ratio", 30*day
	d.Merge = evidence.MergeMax
	d.Absent = fmt.Sprintf("0 when there were fewer than %d incidents", minIncidents)
	return fact{Definition: d, whole: func(r *round, all []*serviceRecord) answer {
		urgent, noise := 0, 0
		for _, in := range r.incidents.of(all) {
			if !in.Urgent || in.Maintenance || in.StartedAt.Before(r.now.Add(-d.Window)) {
				continue
			}
			urgent++
			if r.incidents.noise[in.ID] {
				noise++
			}
		}
		if urgent < minIncidents {
			return double(d, 0, fmt.Sprintf("fewer than %d incidents with urgency high", minIncidents))
		}
		return double(d, float64(noise)/float64(urgent), fmt.Sprintf("%d of %d incidents with urgency high", noise, urgent))
	}}
}
