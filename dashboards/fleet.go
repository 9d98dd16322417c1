package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/framework"
)

// selected are the services that the filters choose; chosenOnly keeps their
// series and with brings their attributes along.
const (
	selected   = `readiness:service_info{org=~"$org", team=~"$team", tier=~"$tier"}`
	chosenOnly = ` and on (service_name) ` + selected
)

// with adds attributes of the service to series that have a service.
func with(attributes, expr string) string {
	return fmt.Sprintf("(%s) * on (service_name) group_left (%s) %s", expr, attributes, selected)
}

// onTarget is 1 for services that hold their target badge, else 0.
const onTarget = `readiness:badge_level >= bool on (service_name) readiness:target_badge_level`

// month is how far the panels about changes look back, in seconds.
const month = "30 * 86400"

// fleet is the dashboard of all services.
func fleet() (dashboard.Dashboard, error) {
	b := filters(begin("Readiness: fleet", fleetUID,
		"How ready the services are for production, what has changed, and what to work on next."))
	d, err := assemble(b,
		section{"At a glance", fleetGlance()},
		section{"Badges and targets", fleetBadges()},
		section{"Changes of the last 30 days", fleetChanges()},
		section{"What to work on", fleetWork()},
		section{"Scores and evidence", fleetScores()},
		section{"Incidents", fleetIncidents()},
		section{"The collector", fleetCollector()},
	)
	toOther(&d, "One service", "What one service has and lacks", "doc", serviceUID)
	return d, err
}

func fleetGlance() []made {
	return []made{
		panel{
			title: "Services", width: 3, height: 4,
			help:    "Number of services that the filters choose.",
			unit:    unitCount,
			queries: []query{{expr: `count(` + selected + `)`}},
		}.number(),
		panel{
			title: "On target", width: 3, height: 4,
			help: "Share of the services with a target that hold the badge they should.",
			unit: unitShare, decimals: new(0.0), steps: shareSteps(),
			queries: []query{{expr: `avg((` + onTarget + `)` + chosenOnly + `)`}},
		}.number(),
		panel{
			title: "Average score", width: 3, height: 4,
			help: "Mean of the services' scores. A score is the weighted share of passing checks; what is unknown counts as failing.",
			unit: unitShare, decimals: new(0.0), steps: shareSteps(),
			queries: []query{{expr: `avg(readiness:score_ratio` + chosenOnly + `)`}},
		}.number(),
		panel{
			title: "Evidence coverage", width: 3, height: 4,
			help: "Mean share of the checks that fresh evidence decides. The rest is unknown or rests on old evidence.",
			unit: unitShare, decimals: new(0.0), steps: shareSteps(),
			queries: []query{{expr: `avg(readiness:evidence_coverage_ratio` + chosenOnly + `)`}},
		}.number(),
		panel{
			title: "Badges on hold", width: 3, height: 4,
			help: "Services that keep their badge although evidence neither proves nor contradicts it any more. It lapses if nothing changes.",
			unit: unitCount, steps: anySteps(yellow),
			queries: []query{{expr: `sum(readiness:badge_on_hold` + chosenOnly + `)`}},
		}.number(),
		panel{
			title: "Regressed by evidence", width: 3, height: 4,
			help: "Services whose last change of badge was a loss by evidence within 30 days.",
			unit: unitCount, steps: anySteps(red),
			queries: []query{{expr: `count(readiness:badge_last_transition_timestamp_seconds{direction="regress", cause="evidence"} > time() - ` + month + chosenOnly + `) or vector(0)`}},
		}.number(),
		panel{
			title: "Median resolution time", width: 3, height: 4,
			help: "Half of the fleet's incidents of 30 days are resolved within this time; open ones count as lasting at least until now. All services, whatever the filters say.",
			unit: unitSeconds, steps: hoursSteps(),
			queries: []query{{expr: `readiness:group_incident_resolution_p50_seconds{scope="fleet", window="30d"}`,
				legend: "p50"}},
		}.number(),
		panel{
			title: "Criteria", width: 3, height: 4,
			help:    "Name and version of the criteria that services are judged by.",
			queries: []query{{expr: `readiness:framework_activated_timestamp_seconds`, legend: "{{name}} {{version}}"}},
		}.label(),
	}
}

func fleetBadges() []made {
	byBadge := panel{
		title: "Services by badge", width: 8, height: 8,
		help: "Number of services that hold each badge now.",
		unit: unitCount, decimals: new(0.0), min: new(0.0), colors: map[string]string{},
	}
	overTime := panel{
		title: "Badges over time", width: 8, height: 8,
		help: "How many services held each badge.",
		unit: unitCount, decimals: new(0.0), min: new(0.0), colors: map[string]string{},
	}
	for _, badge := range framework.Badges() {
		held := fmt.Sprintf(`count(readiness:badge{badge=%q}%s) or vector(0)`, badge.String(), chosenOnly)
		title := badgeTitle(badge)
		byBadge.queries = append(byBadge.queries, query{held, title})
		byBadge.colors[title] = badgeColors[badge]
		overTime.queries = append(overTime.queries, query{held, title})
		overTime.colors[title] = badgeColors[badge]
	}
	return []made{
		byBadge.bars(),
		overTime.stacked(),
		panel{
			title: "On target by tier", width: 8, height: 8,
			help: "Share of the services of each tier that hold their target badge. Tier 1 is the most critical.",
			unit: unitShare, decimals: new(0.0), min: new(0.0), max: new(1.0), steps: shareSteps(),
			queries: []query{{expr: `avg by (tier) (` + with("tier", onTarget) + `)`, legend: "Tier {{tier}}"}},
		}.bars(),
		panel{
			title: "Below their target", width: 24, height: 9,
			help: "Services that do not hold the badge they should, most critical first. Choose a service to see what it lacks.",
			none: "Every service with a target holds its badge",
			queries: []query{
				{expr: with("team, tier", `readiness:badge_level < on (service_name) readiness:target_badge_level`)},
				{expr: with("team, tier", `readiness:target_badge_level > on (service_name) readiness:badge_level`)},
				{expr: with(
					"team, tier",
					`(readiness:target_due_timestamp_seconds and on (service_name) (readiness:badge_level < on (service_name) readiness:target_badge_level)) * 1000`,
				)},
				{expr: with(
					"team, tier",
					`sum by (service_name) (readiness:badge_gap_checks) and on (service_name) (readiness:badge_level < on (service_name) readiness:target_badge_level)`,
				)},
			},
		}.rows("Tier", false,
			column{from: "tier", header: "Tier", width: 70},
			column{from: "service_name", header: "Service", links: toService()},
			column{from: "team", header: "Team"},
			column{from: "A", header: "Badge", mappings: badgeNames()},
			column{from: "B", header: "Target", mappings: badgeNames()},
			column{from: "C", header: "Due", unit: unitFromNow},
			column{from: "D", header: "Checks to the next badge", unit: unitCount, decimals: new(0.0)},
		),
	}
}

func fleetChanges() []made {
	recent := `readiness:badge_last_transition_timestamp_seconds > time() - ` + month
	perDay := `sum by (cause) (
  max_over_time(readiness:badge_transitions_total{direction=%[1]q}[1d])
  - min_over_time(readiness:badge_transitions_total{direction=%[1]q}[1d])
)`
	return []made{
		panel{
			title: "Last changes by cause", width: 6, height: 10,
			help: "Services by what last changed their badge within 30 days. Only evidence is news about the service: initial is its first judgement, criteria a change of the framework, service a change in the catalog, lapse the end of a hold.",
			unit: unitCount, decimals: new(0.0), min: new(0.0), none: "No badge has changed",
			queries: []query{{expr: `count by (direction, cause) (` + recent + chosenOnly + `)`,
				legend: "{{direction}}: {{cause}}"}},
		}.bars(),
		panel{
			title: "Last change of each service", width: 18, height: 10,
			help: "The last award or regression of each service within 30 days, newest first.",
			none: "No badge has changed within 30 days",
			queries: []query{
				{expr: `max by (service_name, team, tier, direction, cause, from, to) (` + with("team, tier", recent) + `) * 1000`},
			},
		}.rows("When", true,
			column{from: "A", header: "When", unit: unitDateTime},
			column{from: "service_name", header: "Service", links: toService()},
			column{from: "team", header: "Team"},
			column{from: "tier", header: "Tier", width: 70},
			column{from: "direction", header: "Direction",
				mappings: named(map[string]word{"award": {"Award", green}, "regress": {"Regression", red}})},
			column{from: "from", header: "From", mappings: badgeWords()},
			column{from: "to", header: "To", mappings: badgeWords()},
			column{from: "cause", header: "Cause"},
		),
		panel{
			title: "Awards of the last 24 hours", width: 12, height: 7,
			help: "Badges awarded within the 24 hours before, by cause. All services, whatever the filters say.",
			unit: unitCount, decimals: new(0.0), min: new(0.0),
			queries: []query{{expr: fmt.Sprintf(perDay, "award"), legend: "{{cause}}"}},
		}.columns(),
		panel{
			title: "Regressions of the last 24 hours", width: 12, height: 7,
			help: "Badges lost within the 24 hours before, by cause. All services, whatever the filters say.",
			unit: unitCount, decimals: new(0.0), min: new(0.0),
			queries: []query{{expr: fmt.Sprintf(perDay, "regress"), legend: "{{cause}}"}},
		}.columns(),
	}
}

func fleetWork() []made {
	failing := `count by (module, check) (readiness:check_status{status=%q}` + chosenOnly + `)`
	worst := fmt.Sprintf(`topk(20, `+failing+`)`, "fail")
	perTeam := func(of string) string { return `avg by (team) (` + with("team", of) + `)` }
	return []made{
		panel{
			title: "Checks that fail most", width: 10, height: 12,
			help: "The 20 checks that fail for most services, and for how many more there is no proof either way. Each is one improvement that many services share.",
			none: "No check fails",
			queries: []query{
				{expr: worst},
				{expr: fmt.Sprintf(failing, "unknown") + ` and on (module, check) ` + worst},
			},
		}.rows("Failing", true,
			column{from: "check", header: "Check"},
			column{from: "module", header: "Module", width: 80},
			column{from: "A", header: "Failing", unit: unitCount, decimals: new(0.0), steps: []step{{color: red}}, width: 90},
			column{from: "B", header: "Unknown", unit: unitCount, decimals: new(0.0), steps: []step{{color: grey}}, width: 90},
		),
		panel{
			title: "Teams", width: 14, height: 12,
			help: "Figures of each team's services. Scores and coverage are means, the resolution time is of the team's incidents of 30 days.",
			queries: []query{
				{expr: `count by (team) (` + selected + `)`},
				{expr: perTeam(onTarget)},
				{expr: perTeam(`readiness:score_ratio`)},
				{expr: perTeam(`readiness:evidence_coverage_ratio`)},
				{expr: `sum by (team) (` + with("team", `readiness:badge_on_hold`) + `)`},
				{expr: ofTeam(`readiness:group_incidents`)},
				{expr: ofTeam(`readiness:group_incident_resolution_p50_seconds`)},
			},
		}.rows("Score", false,
			column{from: "team", header: "Team"},
			column{from: "A", header: "Services", unit: unitCount, decimals: new(0.0)},
			column{from: "B", header: "On target", unit: unitShare, decimals: new(0.0), steps: shareSteps()},
			column{from: "C", header: "Score", unit: unitShare, decimals: new(0.0), steps: shareSteps()},
			column{from: "D", header: "Coverage", unit: unitShare, decimals: new(0.0), steps: shareSteps()},
			column{from: "E", header: "On hold", unit: unitCount, decimals: new(0.0), steps: anySteps(yellow)},
			column{from: "F", header: "Incidents", unit: unitCount, decimals: new(0.0)},
			column{from: "G", header: "Resolved in (p50)", unit: unitSeconds, steps: hoursSteps()},
		),
	}
}

// ofTeam is a figure of the teams' incidents with the group as the team.
func ofTeam(family string) string {
	return fmt.Sprintf(
		`sum by (team) (label_replace(%s{scope="team", group=~"$team", window="30d"}, "team", "$1", "group", "(.*)")) and on (team) %s`,
		family, selected,
	)
}

func fleetScores() []made {
	bands := panel{
		title: "Score distribution", width: 8, height: 8,
		help: "How many services have a score in each band.",
		unit: unitCount, decimals: new(0.0), min: new(0.0), colors: map[string]string{},
	}
	for i, color := range []string{red, orange, yellow, "#96d98d", green} {
		within := fmt.Sprintf("readiness:score_ratio >= %.1f < %.1f", float64(i)/5, float64(i+1)/5)
		if i == 4 {
			within = "readiness:score_ratio >= 0.8"
		}
		legend := fmt.Sprintf("%d to %d %%", i*20, (i+1)*20)
		bands.queries = append(bands.queries, query{`count(` + within + chosenOnly + `) or vector(0)`, legend})
		bands.colors[legend] = color
	}
	return []made{
		bands.bars(),
		panel{
			title: "Scores over time", width: 8, height: 8,
			help: "Mean score of the services, and what it would be if every unknown check passed. The gap is what evidence does not tell.",
			unit: unitShare, min: new(0.0), max: new(1.0),
			colors: map[string]string{"If unknown fails": blue, "If unknown passes": grey},
			queries: []query{
				{`avg(readiness:score_ratio` + chosenOnly + `)`, "If unknown fails"},
				{`avg(readiness:score_upper_ratio` + chosenOnly + `)`, "If unknown passes"},
			},
		}.lines(),
		panel{
			title: "Evidence coverage over time", width: 8, height: 8,
			help: "Share of the checks that fresh evidence decides: of the middle service, and of the one that nine of ten are better than.",
			unit: unitShare, min: new(0.0), max: new(1.0),
			colors: map[string]string{"Middle service": blue, "Worst tenth": orange},
			queries: []query{
				{`quantile(0.5, readiness:evidence_coverage_ratio` + chosenOnly + `)`, "Middle service"},
				{`quantile(0.1, readiness:evidence_coverage_ratio` + chosenOnly + `)`, "Worst tenth"},
			},
		}.lines(),
		panel{
			title: "Least covered services", width: 12, height: 8,
			help: "The ten services about which the sources say least. Mend their references in the catalog, or their exporters, before judging them.",
			unit: unitShare, decimals: new(0.0), min: new(0.0), max: new(1.0), steps: shareSteps(),
			queries: []query{{expr: `bottomk(10, readiness:evidence_coverage_ratio` + chosenOnly + `)`,
				legend: "{{service_name}}"}},
		}.bars(),
		panel{
			title: "Verdicts by module", width: 12, height: 8,
			help: "Verdicts of all checks of each module: how many pass, fail, or have no proof either way.",
			queries: []query{
				{expr: `sum by (module) (readiness:module_checks{status="pass"}` + chosenOnly + `)`},
				{expr: `sum by (module) (readiness:module_checks{status="fail"}` + chosenOnly + `)`},
				{expr: `sum by (module) (readiness:module_checks{status="unknown"}` + chosenOnly + `)`},
				{expr: `avg by (module) (readiness:module_score_ratio` + chosenOnly + `)`},
			},
		}.rows("Score", false,
			column{from: "module", header: "Module"},
			column{from: "A", header: "Pass", unit: unitCount, decimals: new(0.0), steps: []step{{color: green}}},
			column{from: "B", header: "Fail", unit: unitCount, decimals: new(0.0), steps: []step{{color: red}}},
			column{from: "C", header: "Unknown", unit: unitCount, decimals: new(0.0), steps: []step{{color: grey}}},
			column{from: "D", header: "Score", unit: unitShare, decimals: new(0.0), steps: shareSteps()},
		),
		panel{
			title: "What teams say about checks", width: 24, height: 7,
			help: "Issues with feedback about a check, by kind, of all teams. What they say is where the next version of the criteria starts.",
			none: "No issue is labelled readiness-feedback",
			queries: []query{
				{expr: `sum by (check) (readiness:check_feedback{kind="unclear"})`},
				{expr: `sum by (check) (readiness:check_feedback{kind="overkill"})`},
				{expr: `sum by (check) (readiness:check_feedback{kind="wrong-evidence"})`},
				{expr: `sum by (check) (readiness:check_feedback{kind="missing-docs"})`},
			},
		}.rows("Wrong evidence", true,
			column{from: "check", header: "Check"},
			column{from: "A", header: "Unclear", unit: unitCount, decimals: new(0.0)},
			column{from: "B", header: "Overkill", unit: unitCount, decimals: new(0.0)},
			column{from: "C", header: "Wrong evidence", unit: unitCount, decimals: new(0.0), steps: anySteps(yellow)},
			column{from: "D", header: "Missing docs", unit: unitCount, decimals: new(0.0)},
		),
	}
}

func fleetIncidents() []made {
	return []made{
		panel{
			title: "Resolution time over time", width: 8, height: 9,
			help: "Half and nine tenths of the fleet's incidents of the last 30 days were resolved within this time. A quantile that too few incidents reach is not drawn.",
			unit: unitSeconds, min: new(0.0), colors: map[string]string{"p50": blue, "p90": orange},
			queries: []query{
				{`readiness:group_incident_resolution_p50_seconds{scope="fleet", window="30d"}`, "p50"},
				{`readiness:group_incident_resolution_p90_seconds{scope="fleet", window="30d"}`, "p90"},
			},
		}.lines(),
		panel{
			title: "Resolution time by badge", width: 8, height: 9,
			help: "Incidents of 90 days by the badge the service held before they began. Services of all tiers are counted together, so a difference is not yet an effect of readiness; mind the number of incidents.",
			none: "No incident has begun since services were first judged",
			queries: []query{
				{expr: `max by (badge) (readiness:badge_incidents{tier="all", window="90d"})`},
				{expr: `max by (badge) (readiness:badge_incident_resolution_p50_seconds{tier="all", window="90d"})`},
				{expr: `max by (badge) (readiness:badge_incident_rate_per_service_day{tier="all", window="90d"}) * 30`},
			},
		}.rows("Incidents", true,
			column{from: "badge", header: "Badge before", mappings: badgeWords()},
			column{from: "A", header: "Incidents", unit: unitCount, decimals: new(0.0)},
			column{from: "B", header: "Resolved in (p50)", unit: unitSeconds, steps: hoursSteps()},
			column{from: "C", header: "Per service and 30 days", unit: unitCount, decimals: new(1.0)},
		),
		panel{
			title: "Resolution time by team", width: 8, height: 9,
			help: "Incidents of the teams' services of 30 days: half and nine tenths were resolved within this time.",
			queries: []query{
				{expr: ofTeam(`readiness:group_incidents`)},
				{expr: ofTeam(`readiness:group_incident_resolution_p50_seconds`)},
				{expr: ofTeam(`readiness:group_incident_resolution_p90_seconds`)},
			},
		}.rows("Incidents", true,
			column{from: "team", header: "Team"},
			column{from: "A", header: "Incidents", unit: unitCount, decimals: new(0.0)},
			column{from: "B", header: "p50", unit: unitSeconds, steps: hoursSteps()},
			column{from: "C", header: "p90", unit: unitSeconds, steps: hoursSteps()},
		),
	}
}

func fleetCollector() []made {
	return []made{
		panel{
			title: "Sources", width: 12, height: 7,
			help: "When each source last answered completely, and its rounds of the last 24 hours. Partial rounds covered some facts and not others.",
			queries: []query{
				{expr: `readiness:collector_last_success_timestamp_seconds * 1000`},
				{expr: `sum by (source) (readiness:collector_runs:rate1d{outcome="success"}) * 86400`},
				{expr: `sum by (source) (readiness:collector_runs:rate1d{outcome="partial"}) * 86400`},
				{expr: `sum by (source) (readiness:collector_runs:rate1d{outcome="failure"}) * 86400`},
			},
		}.rows("Source", false,
			column{from: "source", header: "Source"},
			column{from: "A", header: "Last success", unit: unitFromNow},
			column{from: "B", header: "Successes", unit: unitCount, decimals: new(0.0)},
			column{from: "C", header: "Partial", unit: unitCount, decimals: new(0.0), steps: anySteps(yellow)},
			column{from: "D", header: "Failures", unit: unitCount, decimals: new(0.0), steps: anySteps(red)},
		),
		panel{
			title: "Judged", width: 4, height: 7,
			help: "When the figures of this dashboard were made.",
			unit: unitFromNow, queries: []query{{expr: `readiness:snapshot_timestamp_seconds * 1000`, legend: "Judged"}},
		}.number(),
		panel{
			title: "Criteria in force since", width: 4, height: 7,
			help: "Since when services have been judged by these criteria. A step in every score at this time is the criteria and not the services.",
			unit: unitFromNow, queries: []query{{expr: `readiness:framework_activated_timestamp_seconds * 1000`,
				legend: "{{version}}"}},
		}.number(),
		panel{
			title: "Configuration", width: 4, height: 7,
			help:     "Whether the last reload of the configuration was accepted by every replica. A refused one is named in the collector's log.",
			mappings: named(map[string]word{"0": {"Refused", red}, "1": {"Accepted", green}}),
			queries:  []query{{expr: `readiness:collector_reload_success`}},
		}.number(),
	}
}
