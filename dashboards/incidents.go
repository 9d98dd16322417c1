package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// incidents is the dashboard of an operational review of incidents.
func incidents(titles map[string]string) (dashboard.Dashboard, error) {
	return assemble(filters(begin(incidentsUID, "now-90d"), false),
		section{"Incidents of 30 days" + ofAll, incidentsGlance()},
		section{"Over time", incidentsOverTime()},
		section{"By team, organisation and tier", incidentsGroups()},
		section{"By badge and tier" + ofAll, incidentsBadges()},
		section{"Do reviews change incidents?" + ofAll, incidentsEffect()},
		section{"What goes together with readiness" + ofAll, incidentsTogether(titles)},
		section{"Noise", incidentsNoise()},
		section{"Alerts", incidentsAlerts()},
		empty("incidents-and-readiness",
			"No incident: no source has any yet. The first rounds read 90 days, older ones follow in parts.",
			"No percentile: less than half, or nine tenths, of the incidents are estimated to have been resolved.",
			"No effect: it is estimated on the first of a month and needs 10 reviewed and 10 other services, and 50 incidents before and after.",
			"No rate by badge: a service is counted from its first judgement on.",
			"No share of noise: it is not known of an incident who acknowledged it.",
		),
	)
}

// ofFleet is a figure of the incidents of all services.
func ofFleet(family, more string) string {
	return `readiness:` + family + `{scope="fleet", window="30d"` + more + `}`
}

func incidentsGlance() []made {
	return []made{
		panel{
			title: "Incidents", width: 6, height: 6, unit: count(), none: "None known",
			help: "Incidents of all services that began within 30 days, and how many more or fewer there are than in the 30 days before: the n of the figures beside.",
		}.changing(ofFleet("group_incidents", ""),
			ofFleet("group_incidents", "")+` - `+monthAgo(ofFleet("group_incidents", "")), count()),
		panel{
			title: "Resolved in (p50)", width: 6, height: 6, unit: duration(), steps: durationSteps(), none: "Too few resolved",
			help: "Half of the incidents of 30 days are resolved within this time, and its change in the 30 days before; open ones count as lasting at least until now.",
		}.changing(ofFleet("group_incident_resolution_p50_seconds", ""), ofFleet("group_incident_resolution_p50_seconds", "")+
			` - `+monthAgo(ofFleet("group_incident_resolution_p50_seconds", "")), duration()),
		panel{
			title: "Resolved in (p90)", width: 6, height: 6, unit: duration(), steps: durationSteps(), none: "Too few resolved",
			help: "Nine tenths of the incidents of 30 days are resolved within this time, and its change in the 30 days before.",
		}.changing(ofFleet("group_incident_resolution_p90_seconds", ""), ofFleet("group_incident_resolution_p90_seconds", "")+
			` - `+monthAgo(ofFleet("group_incident_resolution_p90_seconds", "")), duration()),
		panel{
			title: "Resolved in an hour", width: 6, height: 6, unit: share(), steps: shareSteps(), none: "Too few ended",
			help:    "Estimated share of the incidents of 30 days that were resolved within an hour. Read it beside their number.",
			queries: []query{{expr: ofFleet("group_incident_resolved_within_ratio", `, minutes="60"`)}},
		}.number(),
	}
}

// severityColors are those of series that are called by severities.
func severityColors() map[string]string {
	return map[string]string{
		"Severity 1": bad().mark, "Severity 2": notice().mark, "Severity 3": good().mark,
		"Severity 4": faint().mark, "Severity 5": quiet().mark, "Severity unknown": plain().mark,
	}
}

func incidentsOverTime() []made {
	return []made{
		panel{
			title: "Incidents of 30 days by severity", width: 12, height: 9, unit: count(), min: new(0.0), none: "No incident",
			help:    "Number of incidents that began within the 30 days before, of the services that the filters choose: 1 is the worst. One that happened to several of them counts for each.",
			queries: []query{{expr: `sum by (severity) (readiness:incidents{window="30d"}` + chosenOnly + `)`, legend: "Severity {{severity}}"}},
			colors:  severityColors(),
		}.stacked(),
		panel{
			title: "Resolution time" + ofAll, width: 12, height: 9, unit: duration(), min: new(0.0), none: "Too few resolved",
			help:   "Half and nine tenths of the incidents of the 30 days before were resolved within this time. A quantile that too few incidents reach is not drawn.",
			colors: map[string]string{"p50": good().mark, "p90": notice().mark},
			queries: []query{
				{expr: ofFleet("group_incident_resolution_p50_seconds", ""), legend: "p50"},
				{expr: ofFleet("group_incident_resolution_p90_seconds", ""), legend: "p90"},
			},
		}.lines(),
	}
}

func incidentsGroups() []made {
	by := func(scope, title string, width uint32, first column) made {
		return panel{
			title: title, width: width, height: 9, none: "No incident is known",
			help: "Incidents of 30 days, the times within which half and nine tenths of them were resolved, and the share resolved within an hour. An incident that happened to several services of a group is one.",
			queries: []query{
				{expr: oneOf(scope, "", `readiness:group_incidents`)},
				{expr: oneOf(scope, "", `readiness:group_incident_resolution_p50_seconds`)},
				{expr: oneOf(scope, "", `readiness:group_incident_resolution_p90_seconds`)},
				{expr: oneOf(scope, `minutes="60", `, `readiness:group_incident_resolved_within_ratio`)},
			},
		}.rows("Incidents", true,
			first.wide(), figureColumn("A", "Incidents", count()),
			timeColumn("B", "p50", durationSteps()...), timeColumn("C", "p90", durationSteps()...),
			figureColumn("D", "In an hour", share(), shareSteps()...),
		)
	}
	return []made{
		by("team", "Teams", 24, teamColumn()),
		by("org", "Organisations", 24, orgColumn()),
		by("tier", "Tiers", 24, tierColumn()),
	}
}

func incidentsBadges() []made {
	p := panel{
		title: "Incidents per service and month", width: 24, height: 9, none: "No incident has begun since services were first judged",
		help: "Incidents of 90 days for each 30 days that a service held the badge before them, by tier, and the number of incidents that this rests on. Important services may both hold higher badges and have more incidents, so compare badges within a tier; a difference is not yet an effect of readiness.",
	}
	for tier := 1; tier <= 4; tier++ {
		p.queries = append(p.queries, query{expr: fmt.Sprintf(
			`max by (badge) (readiness:badge_incident_rate_per_service_day{tier="%d", window="90d"}) * 30`, tier,
		)})
	}
	p.queries = append(p.queries,
		query{expr: `max by (badge) (readiness:badge_incidents{tier="all", window="90d"})`},
		query{expr: `max by (badge) (readiness:badge_incident_resolution_p50_seconds{tier="all", window="90d"})`},
	)
	return []made{p.rows("Incidents", true,
		badgeColumn("badge", "Badge before"),
		figureColumn("A", "Tier 1", rate()), figureColumn("B", "Tier 2", rate()),
		figureColumn("C", "Tier 3", rate()), figureColumn("D", "Tier 4", rate()),
		figureColumn("E", "Incidents", count()), timeColumn("F", "p50").wide(),
	)}
}

func outcomes() map[string]word {
	return map[string]word{
		"resolution_time": {"Resolution time", plain()}, "acknowledgement_time": {"Time to acknowledge", plain()},
		"incident_rate": {"Incidents per service", plain()}, "noise_share": {"Share of noise", plain()},
	}
}

func incidentsEffect() []made {
	of := func(family string) query {
		return query{expr: `readiness:` + family + `{scope=~"fleet|tier/.*"} * 1`}
	}
	verdict := of("review_effect_verdict")
	verdict.only = true
	return []made{
		panel{
			title: "After a review, against what was to be expected", width: 24, height: 9, none: "Not estimated yet",
			help: "What happened within 180 days after a readiness review, as a multiple of what was to be expected without one: below 1 is less. The interval of 95 % covers both ways to estimate it. Chance is the share of estimates with shuffled review dates that had an effect: above 8 % there is no verdict. Quote a verdict with its interval.",
			queries: []query{
				verdict, of("review_effect_ratio"), of("review_effect_lower_ratio"), of("review_effect_upper_ratio"),
				of("review_effect_placebo_ratio"), of("review_effect_services"),
			},
		}.rows("Scope", false,
			textColumn("scope", "Scope", 65),
			wordColumn("outcome", "Outcome", 150, outcomes()).wide(),
			wordColumn("verdict", "Verdict", 150, map[string]word{
				"improved": {"Improved", good()}, "worsened": {"Worsened", bad()},
				"inconclusive": {"Cannot be told", plain()}, "insufficient_data": {"Not enough data", plain()},
			}),
			figureColumn("B", "Times", ratio()), figureColumn("C", "From", ratio()), figureColumn("D", "To", ratio()),
			figureColumn("E", "Chance", share(), step{0.08, notice()}),
			figureColumn("F", "Services", count()),
		),
		panel{
			title: "Before a review, against what was usual", width: 24, height: 8, none: "Not estimated yet",
			help: "What happened in a time before readiness reviews, by days before them, as a multiple of what was usual before that. Above 1, reviews follow bad times, and part of what gets better after them would have without them.",
			queries: []query{
				{expr: `readiness:review_effect_lead_ratio{scope="fleet"} * 1`},
				{expr: `readiness:review_effect_lead_lower_ratio{scope="fleet"} * 1`},
				{expr: `readiness:review_effect_lead_upper_ratio{scope="fleet"} * 1`},
			},
		}.rows("Outcome", false,
			textColumn("scope", "Scope", 65), wordColumn("outcome", "Outcome", 150, outcomes()).wide(),
			textColumn("days", "Days before", 95),
			figureColumn("A", "Times", ratio()), figureColumn("B", "From", ratio(), step{1, notice()}),
			figureColumn("C", "To", ratio()),
		),
		panel{
			title: "Reviewed against not (not an effect)", width: 24, height: 6, none: "No service was reviewed",
			help: "Services with and without a completed review, side by side. Reviews go to important services and follow bad months, so this is not what reviews do; the panel above is.",
			queries: []query{
				both(func(of string) string { return `count(` + of + `)` }, `readiness:service_info`),
				both(func(of string) string { return `avg(` + of + `)` }, `sum by (service_name) (readiness:incidents{window="30d"})`),
				both(func(of string) string { return `quantile(0.5, ` + of + `)` }, `readiness:incident_resolution_p50_seconds{window="30d"}`),
				both(func(of string) string { return `avg(` + of + `)` }, `readiness:score_ratio`),
			},
		}.rows("Reviewed", true,
			textColumn("reviewed", "Reviewed", 110).wide(),
			figureColumn("A", "Services", count()), figureColumn("B", "Incidents each", rate()),
			timeColumn("C", "Middle p50"), figureColumn("D", "Score", share()),
		),
	}
}

// both are a figure of the services with a review and of those without.
func both(of func(string) string, series string) query {
	const reviewed = ` on (service_name) readiness:review_completed_timestamp_seconds`
	named := func(expr, word string) string {
		return `label_replace(` + expr + `, "reviewed", "` + word + `", "", "")`
	}
	return query{expr: named(of(series+` and`+reviewed), "yes") + ` or ` + named(of(series+` unless`+reviewed), "no")}
}

func incidentsTogether(titles map[string]string) []made {
	of := func(family string) query { return query{expr: `readiness:` + family + ` * 1`} }
	return []made{
		panel{
			title: "Checks that go together with more incidents", width: 24, height: 9,
			none: "Too few services or incidents to tell",
			help: "The rate of incidents while services fail a check, as a multiple of that while they pass it, within tiers, with its interval of 95 %. It is no proof that mending the check means fewer incidents, but a good place to begin.",
			queries: []query{
				of("check_incident_rate_ratio"), of("check_incident_rate_lower_ratio"), of("check_incident_rate_upper_ratio"),
				{expr: `count by (check) (readiness:check_status{status="fail"}) and on (check) readiness:check_incident_rate_ratio`},
			},
		}.rows("At least", true,
			checkColumn(titles),
			figureColumn("A", "Times", ratio()), figureColumn("B", "At least", ratio(), step{1, notice()}),
			figureColumn("C", "At most", ratio()), figureColumn("D", "Failing", count()),
		),
		panel{
			title: "Scores and what happened afterwards", width: 18, height: 7, none: "Too few services to tell",
			help: "Rank correlation of scores with an outcome afterwards, within tiers, -1 to 1: below 0, ready services have less. Scores are without checks that read incidents or alerts.",
			queries: []query{
				of("correlation_spearman"), of("correlation_spearman_lower"), of("correlation_spearman_upper"),
				of("correlation_services"),
			},
		}.rows("Outcome", false,
			wordColumn("outcome", "Outcome", 150, outcomes()).wide(),
			figureColumn("A", "Correlation", ratio()), figureColumn("B", "From", ratio()), figureColumn("C", "To", ratio()),
			figureColumn("D", "Services", count()),
		),
		panel{
			title: "Estimated", width: 6, height: 7, unit: duration(), none: "Not yet",
			help:    "How long ago the effects of reviews and the correlations were estimated: once a month.",
			queries: []query{{expr: age(`readiness:correlation_timestamp_seconds`)}},
		}.number(),
	}
}

// noiseClasses are the classes of noise and what they are called. They overlap.
func noiseClasses() [][2]string {
	return [][2]string{
		{"any_noise", "Any"}, {"noisy", "Noisy"}, {"suspected", "Suspected"}, {"flapping", "Flapping"},
		{"confirmed_false", "False"},
	}
}

func incidentsNoise() []made {
	const family = `readiness:group_incident_noise`
	ofAllTeams := panel{
		title: "Classes of noise" + ofAll, width: 24, height: 10, unit: count(), min: new(0.0), none: "Not known",
		help:    "High-urgency incidents of 30 days, and those of them in each class of noise. The classes overlap: do not sum them.",
		queries: []query{{expr: ofFleet("group_incident_noise", `, class="all"`), legend: "Incidents"}},
	}
	perTeam := panel{
		title: "Noise by team", width: 24, height: 9, none: "It is not known who acknowledged incidents",
		help:    "High-urgency incidents of 30 days, the share of them in any class of noise, and their number in each: resolved by an integration within 5 minutes without anybody (noisy), acknowledged and then resolved by an integration (suspected), the same again within 30 minutes (flapping), and called a false alarm by a person. The classes overlap.",
		queries: []query{{expr: oneOf("team", `class="all", `, family)}},
	}
	columns := []column{teamColumn().wide(), figureColumn("A", "Incidents", count())}
	for i, class := range noiseClasses() {
		expr, u := oneOf("team", `class="`+class[0]+`", `, family), count()
		c := figureColumn(ref(i+1), class[1], u)
		if class[0] == "any_noise" {
			expr = `(` + expr + `) / on (team) (` + oneOf("team", `class="all", `, family) + ` > 0)`
			c = figureColumn(ref(i+1), class[1], share(), noiseSteps()...)
		}
		ofAllTeams.queries = append(ofAllTeams.queries, query{expr: ofFleet("group_incident_noise", `, class="`+class[0]+`"`), legend: class[1]})
		perTeam.queries = append(perTeam.queries, query{expr: expr})
		columns = append(columns, c)
	}
	return []made{
		ofAllTeams.bars(),
		perTeam.rows("Any", true, columns...),
	}
}

func incidentsAlerts() []made {
	return []made{
		panel{
			title: "Alerts of 30 days" + ofAll, width: 24, height: 8, unit: count(), min: new(0.0), none: "Nobody watches for alerts",
			help:   "How often alerts began to fire within the 30 days before: all of them, those that wake somebody, and those that came again within half an hour.",
			colors: map[string]string{"All": good().mark, "Paging": bad().mark, "Flapping": notice().mark},
			queries: []query{
				{expr: ofFleet("group_alert_firings", ""), legend: "All"},
				{expr: ofFleet("group_alert_paging_firings", ""), legend: "Paging"},
				{expr: ofFleet("group_alert_flapping_firings", ""), legend: "Flapping"},
			},
		}.lines(),
		panel{
			title: "Alerts by team", width: 24, height: 9, none: "Nobody watches for alerts",
			help: "How often alerts of 30 days began to fire, how many of these wake somebody or came again within half an hour, and the share of pages without an incident.",
			queries: []query{
				{expr: oneOf("team", "", `readiness:group_alert_firings`)},
				{expr: oneOf("team", "", `readiness:group_alert_paging_firings`)},
				{expr: oneOf("team", "", `readiness:group_alert_flapping_firings`)},
				{expr: oneOf("team", "", `readiness:group_alert_unpaged_ratio`)},
			},
		}.rows("Paging", true,
			teamColumn().wide(), figureColumn("A", "Firings", count()), figureColumn("B", "Paging", count()),
			figureColumn("C", "Flapping", count()), figureColumn("D", "No incident", share(), noiseSteps()...),
		),
	}
}
