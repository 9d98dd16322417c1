package main

func serviceIncidents() []made {
	of30d := func(family, more string) string {
		return `readiness:` + family + `{service_name="$service", window="30d"` + more + `}`
	}
	return []made{
		panel{
			title: "Open incidents", width: 6, height: 4, unit: count(), steps: anySteps(bad()), none: "Never had one",
			help:    "Incidents of the service that are open now, however old.",
			queries: []query{{expr: `readiness:incidents_open` + this}},
		}.number(),
		panel{
			title: "Resolved in (p90)", width: 6, height: 4, unit: duration(), steps: durationSteps(), none: "Too few resolved",
			help:    "Nine tenths of the incidents of 30 days are resolved within this time; open ones count as lasting at least until now. Read it beside the number of incidents.",
			queries: []query{{expr: of30d("incident_resolution_p90_seconds", "")}},
		}.number(),
		panel{
			title: "Answered in 15 min", width: 6, height: 4, unit: share(), steps: shareSteps(), none: "No such incident",
			help:    "Share of the high-urgency incidents of 30 days that a person acknowledged within 15 minutes, the never acknowledged included.",
			queries: []query{{expr: of30d("incident_acknowledged_within_ratio", `, minutes="15"`)}},
		}.number(),
		panel{
			title: "Noise", width: 6, height: 4, unit: share(), steps: noiseSteps(), none: "No such incident",
			help: "Share of the high-urgency incidents of 30 days that nobody had to do anything about, or that came again and again.",
			queries: []query{{expr: of30d("incident_noise", `, class="any_noise"`) + `
/ ignoring (class) (` + of30d("incident_noise", `, class="all"`) + ` > 0)`}},
		}.number(),
		panel{
			title: "Next on-call gap in", width: 6, height: 4, unit: duration(), steps: soonSteps(), none: "None in 30 days",
			help:    "How long it is until nobody is on any level of on-call. In the past: nobody is, since then.",
			queries: []query{{expr: left(`readiness:oncall_gap_start_timestamp_seconds` + this)}},
		}.number(),
		panel{
			title: "Last review", width: 6, height: 4, unit: duration(), none: "Never",
			help:    "How long ago the last production readiness review of the service was completed.",
			queries: []query{{expr: age(`readiness:review_completed_timestamp_seconds` + this)}},
		}.number(),
		panel{
			title: "Next review due in", width: 6, height: 4, unit: duration(), steps: soonSteps(), none: "No date",
			help:    "How long it is until the next production readiness review is due, if the configuration says when reviews are.",
			queries: []query{{expr: left(`readiness:review_due_timestamp_seconds` + this)}},
		}.number(),
		panel{
			title: "Drifted checks", width: 6, height: 4, unit: count(), steps: anySteps(notice()), none: "None",
			help:    "Checks that a review has attested and of which a machine says no.",
			queries: []query{{expr: `readiness:review_drift_checks` + this}},
		}.number(),
	}
}

func serviceIncidentsOverTime() []made {
	return []made{
		panel{
			title: "Incidents of 30 days by severity", width: 12, height: 8, unit: count(), min: new(0.0), none: "No incident",
			help:    "Number of incidents that began within the 30 days before, by severity: 1 is the worst.",
			queries: []query{{expr: `readiness:incidents{service_name="$service", window="30d"}`, legend: "Severity {{severity}}"}},
			colors:  severityColors(),
		}.stacked(),
		panel{
			title: "Resolution time over time", width: 12, height: 8, unit: duration(), min: new(0.0), none: "Too few resolved",
			help:   "Half and nine tenths of the incidents of the 30 days before were resolved within this time. A quantile that too few incidents reach is not drawn.",
			colors: map[string]string{"p50": good().mark, "p90": notice().mark},
			queries: []query{
				{expr: `readiness:incident_resolution_p50_seconds{service_name="$service", window="30d"}`, legend: "p50"},
				{expr: `readiness:incident_resolution_p90_seconds{service_name="$service", window="30d"}`, legend: "p90"},
			},
		}.lines(),
	}
}

func serviceAlerts() []made {
	const unknown = "Not known"
	of30d := func(family string) string {
		return `readiness:` + family + `{service_name="$service", window="30d"}`
	}
	return []made{
		panel{
			title: "Pages, no incident", width: 6, height: 4, unit: share(), steps: noiseSteps(), none: unknown,
			help:    "Share of the paging alerts of 30 days without an incident of the service that was open or began near them. They woke nobody, or nobody wrote it down. Read it beside the number of pages.",
			queries: []query{{expr: of30d("alert_unpaged_ratio")}},
		}.number(),
		panel{
			title: "Fires for (p50)", width: 6, height: 4, unit: duration(), none: unknown,
			help:    "Half of the alerts of 30 days fired for at most this long; those that still fire count as lasting at least until now.",
			queries: []query{{expr: of30d("alert_firing_duration_p50_seconds")}},
		}.number(),
		panel{
			title: "Fires for (p90)", width: 6, height: 4, unit: duration(), none: unknown,
			help:    "Nine tenths of the alerts of 30 days fired for at most this long.",
			queries: []query{{expr: of30d("alert_firing_duration_p90_seconds")}},
		}.number(),
		panel{
			title: "Alerts known", width: 6, height: 4, unit: share(), steps: shareSteps(), none: "Nobody watches",
			help:    "Share of the 30 days for which it is known whether alerts fired. What Prometheus did not see or has forgotten is not known, and while that is more than 2 hours nothing else is shown.",
			queries: []query{{expr: of30d("alert_history_covered_ratio")}},
		}.number(),
		panel{
			title: "Alerts of 30 days", width: 24, height: 8, unit: count(), min: new(0.0), none: unknown,
			help:   "How often alerts of the service began to fire within the 30 days before: all of them, those that wake somebody, and those that came again within half an hour.",
			colors: map[string]string{"All": good().mark, "Paging": bad().mark, "Flapping": notice().mark},
			queries: []query{
				{expr: of30d("alert_firings"), legend: "All"},
				{expr: of30d("alert_paging_firings"), legend: "Paging"},
				{expr: of30d("alert_flapping_firings"), legend: "Flapping"},
			},
		}.lines(),
	}
}
