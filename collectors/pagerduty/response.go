package pagerduty

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// Facts about how incidents are answered, from the log: who acknowledged
// them, and when. Explicit acknowledgements by people count alone, and incidents
// inside a maintenance window of their service not at all. Those of machines are a
// share of their own.

const (
	// shortLife is the longest life of an incident that need not be answered.
	shortLife = 5 * time.Minute
	// flapsWithin is how soon after its end a problem begins again that is flapping.
	flapsWithin = 30 * time.Minute
)

// disturbing reports whether the incident is of high urgency and outside the
// maintenance windows of its service.
func (k *trackedIncident) disturbing() bool { return k.Urgent && !k.Maintenance }

// acknowledged reports whether a person acknowledged the incident.
func (k *trackedIncident) acknowledged() bool { return !k.AcknowledgedAt.IsZero() }

// answerKnown reports whether the incident is disturbing, and it is known that a
// person acknowledged it, or how long it lasted without an acknowledgement.
func (k *trackedIncident) answerKnown() bool {
	return k.disturbing() && k.followed && (k.acknowledged() || !k.undecodable && !k.EndUnknown)
}

// markNoise puts the ids of incidents into noise that are noisy (an integration
// resolved them within five minutes, never acknowledged) or flapping (the same
// problem again within half an hour of its end; the first is not). The list is
// of one PagerDuty service and in order of time.
func markNoise(list []*trackedIncident, noise map[string]bool) {
	ends := map[string]time.Time{}
	for _, k := range list {
		noisy := k.Resolver == evidence.ResolverIntegration && !k.ResolvedAt.IsZero() &&
			k.ResolvedAt.Sub(k.StartedAt) <= shortLife && k.followed && !k.acknowledged() && !k.undecodable
		end, before := ends[k.Template]
		flapping := before && k.Template != "" && !k.StartedAt.Before(end) && k.StartedAt.Sub(end) <= flapsWithin
		if noisy || flapping {
			noise[k.ID] = true
		}
		if k.ResolvedAt.After(end) {
			ends[k.Template] = k.ResolvedAt
		}
	}
}

func mttaP90Seconds90d() fact {
	return together(evidence.Definition{
		Name: "pagerduty.mtta_p90_seconds_90d", Kind: evidence.KindDouble,
		Unit: "seconds", Round: 1, Merge: evidence.MergeMax,
		Help: "Time to the first explicit acknowledgement by a person that nine of ten acknowledged incidents of high urgency of " +
			"the last 90 days did not exceed, acknowledge_log_entry in GET /log_entries, outside maintenance windows, " +
			"GET /maintenance_windows.",
		Absent: fmt.Sprintf("unknown under %d incidents that people acknowledged", minIncidents),
	}, func(r *round, all []*serviceRecord) answer {
		var times []float64
		for _, k := range r.incidents.of(all) {
			if k.disturbing() && k.followed && k.acknowledged() && !k.undecodable {
				times = append(times, k.AcknowledgedAt.Sub(k.StartedAt).Seconds())
			}
		}
		if len(times) < minIncidents {
			return unknown(evidence.MissingTooFew)
		}
		slices.Sort(times)
		// The nearest rank: a time that was really taken.
		at := int(math.Ceil(0.9*float64(len(times)))) - 1
		return number(times[at], fmt.Sprintf("of %d acknowledged incidents with urgency high", len(times)))
	})
}

func unacknowledgedRatio90d() fact {
	return together(evidence.Definition{
		Name: "pagerduty.unacknowledged_ratio_90d", Kind: evidence.KindDouble, Unit: "ratio", Merge: evidence.MergeMax,
		Help: "Share of the service's incidents of high urgency of the last 90 days that lived longer than 5 minutes " +
			"and no person ever explicitly acknowledged, GET /log_entries; outside maintenance windows, GET " +
			"/maintenance_windows.",
		Absent: fmt.Sprintf("unknown under %d incidents of high urgency", minIncidents),
	}, func(r *round, all []*serviceRecord) answer {
		urgent := countIf(r.incidents.of(all), (*trackedIncident).answerKnown)
		unanswered := countIf(r.incidents.of(all), func(k *trackedIncident) bool {
			end := k.ResolvedAt
			if k.Open() {
				end = r.now
			}
			return k.answerKnown() && !k.acknowledged() && end.Sub(k.StartedAt) > shortLife
		})
		return share(unanswered, urgent, minIncidents, "%d of %d incidents with urgency high")
	})
}

func machineAcknowledgedRatio90d() fact {
	return together(evidence.Definition{
		Name: "pagerduty.machine_acknowledged_ratio_90d", Kind: evidence.KindDouble, Unit: "ratio", Merge: evidence.MergeMax,
		Help: "Share of the service's incidents of high urgency of the last 90 days that an integration or a service " +
			"acknowledged, whether or not a person did, too, acknowledge_log_entry in GET /log_entries; outside " +
			"maintenance windows, GET /maintenance_windows.",
		Absent: fmt.Sprintf("unknown under %d incidents of high urgency", minIncidents),
	}, func(r *round, all []*serviceRecord) answer {
		known := func(k *trackedIncident) bool { return k.disturbing() && k.followed && !k.undecodable }
		urgent := countIf(r.incidents.of(all), known)
		machine := countIf(r.incidents.of(all), func(k *trackedIncident) bool {
			return known(k) && !k.MachineAcknowledgedAt.IsZero()
		})
		return share(machine, urgent, minIncidents, "machines acknowledged %d of %d incidents with urgency high")
	})
}

func noiseRatio30d() fact {
	const window = 30 * day
	return together(evidence.Definition{
		Name: "pagerduty.noise_ratio_30d", Kind: evidence.KindDouble, Unit: "ratio",
		Window: window, Merge: evidence.MergeMax,
		Help: "Share of the service's incidents of high urgency of the last 30 days that were noisy (an integration " +
			"resolved them within 5 minutes, never acknowledged) or flapping (the same again within 30 minutes of the " +
			"last resolution), GET /incidents and GET /log_entries; outside maintenance windows, GET " +
			"/maintenance_windows.",
		Absent: fmt.Sprintf("0 when there were fewer than %d incidents", minIncidents),
	}, func(r *round, all []*serviceRecord) answer {
		recent := func(k *trackedIncident) bool { return k.disturbing() && !k.StartedAt.Before(r.now.Add(-window)) }
		urgent := countIf(r.incidents.of(all), recent)
		if urgent < minIncidents {
			return number(0, fmt.Sprintf("fewer than %d incidents with urgency high", minIncidents))
		}
		noise := countIf(r.incidents.of(all), func(k *trackedIncident) bool { return recent(k) && r.incidents.noise[k.ID] })
		return share(noise, urgent, minIncidents, "%d of %d incidents with urgency high")
	})
}
