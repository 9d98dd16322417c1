package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/framework"
)

// fleet is the dashboard of all services, for whoever answers for them.
func fleet(titles map[string]string) (dashboard.Dashboard, error) {
	return assemble(filters(begin(fleetUID, "now-30d"), false),
		section{"At a glance", fleetGlance()},
		section{"Badges", fleetBadges()},
		section{"Act on this first", []made{belowTheirTarget("Below their target")}},
		section{"By organisation and team", fleetGroups()},
		section{"What moved in 30 days", fleetMoved()},
		section{"One fix, many badges", fleetWork(titles)},
		section{"Coming up", fleetComing()},
		section{"Scores and evidence", fleetScores()},
		empty("fleet-readiness",
			"No service at all: the rules are not loaded, or the collector is not scraped. Collector health says which.",
			"No change against 30 days ago: the rules have recorded for less than that.",
			"No target: the framework has none for these tiers.",
			"No incident: none is stored, or no source has any. A median needs half of them to be resolved.",
		),
	)
}

func fleetGlance() []made {
	mean := func(family string) (now, change string) {
		return `avg(` + family + chosenOnly + `)`, `avg((` + family + ` - ` + monthAgo(family) + `)` + chosenOnly + `)`
	}
	score, scoreChange := mean(`readiness:score_ratio`)
	coverage, coverageChange := mean(`readiness:evidence_coverage_ratio`)
	incidents := `readiness:incidents{window="30d"}`
	regressed := `badge_last_transition_timestamp_seconds{direction="regress", cause="evidence"}`
	info := `readiness:service_info{org=~"$org", team=~"$team", tier=~"$tier", service_name=~"$service"}`
	return []made{
		panel{
			title: "Services", width: 4, height: 6, unit: count(),
			help: "Number of services that the filters choose, and by how much it has changed.",
		}.changing(`count(`+selected+`)`, `count(`+selected+`) - count(`+monthAgo(info)+`)`, count()),
		panel{
			title: "On target", width: 4, height: 6, unit: share(), steps: shareSteps(), none: "No target",
			help: "Share of the services with a target that hold the badge they should, and its change: how many held today's target 30 days ago.",
		}.changing(`avg((`+onTarget+`)`+chosenOnly+`)`,
			`avg((`+onTarget+`)`+chosenOnly+`) - avg((`+onTargetBefore()+`)`+chosenOnly+`)`, share()),
		panel{
			title: "Mean score", width: 4, height: 6, unit: share(), steps: shareSteps(),
			help: "Mean of the services' scores and the mean change of those that were there 30 days ago. A score is the weighted share of passing checks; what is unknown counts as failing.",
		}.changing(score, scoreChange, share()),
		panel{
			title: "Coverage", width: 4, height: 6, unit: share(), steps: shareSteps(),
			help: "Mean share of the checks that fresh evidence decides, and the mean change. The rest is unknown or rests on old evidence.",
		}.changing(coverage, coverageChange, share()),
		panel{
			title: "Incidents", width: 4, height: 6, unit: count(), none: "None known",
			help: "Incidents of these services that began within 30 days, and how many more or fewer there are than in the 30 days before. One that happened to several services counts for each.",
		}.changing(`sum(`+incidents+chosenOnly+`)`,
			`sum(`+incidents+chosenOnly+`) - sum(`+monthAgo(incidents)+chosenOnly+`)`, count()),
		panel{
			title: "Regressed", width: 4, height: 6, unit: count(), steps: anySteps(bad()),
			help: "Services whose last change of badge was a loss by evidence within 30 days, and how many more or fewer there are than 30 days ago.",
		}.changing(
			`count(readiness:`+regressed+` > time() - `+month+chosenOnly+`) or vector(0)`,
			`(count(readiness:`+regressed+` > time() - `+month+chosenOnly+`) or vector(0)) - (count(`+
				monthAgo(`readiness:`+regressed)+` > time() - 2 * `+month+chosenOnly+`) or vector(0))`,
			count(),
		),
	}
}

func fleetBadges() []made {
	byBadge := panel{
		title: "Services by badge", width: 8, height: 10, unit: count(), min: new(0.0), colors: map[string]string{},
		help: "Number of services that hold each badge now.",
	}
	overTime := panel{
		title: "Badges over time", width: 16, height: 10, unit: count(), min: new(0.0), colors: map[string]string{},
		help: "How many services held each badge.",
	}
	for _, badge := range framework.Badges() {
		// No service is 0 only where there are services.
		held := fmt.Sprintf(`count(readiness:badge{badge=%q}%s) or count(%s) * 0`, badge.String(), chosenOnly, selected)
		title := badgeTitle(badge)
		for _, p := range []*panel{&byBadge, &overTime} {
			p.queries = append(p.queries, query{expr: held, legend: title})
			p.colors[title] = badgeColor(badge)
		}
	}
	return []made{overTime.stacked(), byBadge.bars()}
}

// belowTheirTarget lists what is to be acted on first.
func belowTheirTarget(title string) made {
	return panel{
		title: title, width: 24, height: 10, none: "Every service with a target holds its badge",
		help: "Services that do not hold the badge they should, most critical first. Those with at most 3 checks to go are nearly there. Choose a service to see what it lacks.",
		queries: []query{
			{expr: with("team, tier", belowTarget)},
			{expr: with("team, tier", `readiness:target_badge_level > on (service_name) readiness:badge_level`)},
			{expr: with("team, tier", `readiness:target_gap_checks`)},
			{expr: with("team, tier", left(`readiness:target_due_timestamp_seconds and on (service_name) (`+belowTarget+`)`))},
			{expr: with("team, tier",
				`count by (service_name) (readiness:check_status{status="fail"}) and on (service_name) (`+belowTarget+`)`)},
			{expr: with("team, tier", age(`readiness:target_late_since_timestamp_seconds`))},
		},
	}.rows("Tier", false,
		tierColumn(), serviceColumn().wide(), teamColumn(),
		badgeColumn("A", "Badge"), otherBadgeColumn("B", "Target"),
		figureColumn("C", "To go", count(), step{0, good()}, step{4, plain()}),
		figureColumn("E", "Failing", count()),
		leftColumn("D", "Due in", "Overdue"),
		timeColumn("F", "Late for"),
	)
}

func fleetGroups() []made {
	by := func(group, title string, height uint32, first column) made {
		mean := func(of string) string { return `avg by (` + group + `) (` + with(group, of) + `)` }
		return panel{
			title: title, width: 24, height: height,
			help: "Services, the share of them on target, their mean score, the incidents of 30 days and the time within which half of these were resolved.",
			queries: []query{
				{expr: `count by (` + group + `) (` + selected + `)`},
				{expr: mean(onTarget)},
				{expr: mean(`readiness:score_ratio`)},
				{expr: oneOf(group, "", `readiness:group_incidents`)},
			},
		}.rows("On target", false,
			first,
			figureColumn("A", "Services", count()),
			figureColumn("B", "On target", share(), shareSteps()...),
			figureColumn("C", "Score", share(), shareSteps()...),
			figureColumn("D", "Incidents", count()),
		)
	}
	return []made{by("org", "Organisations", 7, orgColumn().wide()), by("team", "Teams", 10, teamColumn().wide())}
}

// movedRows lists changes of badges.
func movedRows(title, help, none, expr string, width uint32) made {
	return panel{
		title: title, width: width, height: 10, none: none, help: help,
		queries: []query{{
			expr: `max by (service_name, team, direction, cause, from, to) (` + with("team", age(expr)) + `)`,
		}},
	}.rows("Ago", false,
		timeColumn("A", "Ago"), serviceColumn().wide(), teamColumn(),
		wordColumn("direction", "Change", 95, map[string]word{"award": {"Reached", good()}, "regress": {"Lost", bad()}}),
		otherBadgeColumn("from", "From"), badgeColumn("to", "To"),
		textColumn("cause", "Cause", 90),
	)
}

func fleetMoved() []made {
	// What was before the day begins up to 5 minutes before it, or its first change is lost.
	perDay := `sum by (cause) (
  max_over_time(readiness:badge_transitions_total{direction=%[1]q}[1d] offset -1d)
  - min_over_time(readiness:badge_transitions_total{direction=%[1]q}[1d5m] offset -1d)
) > 0`
	daily := func(title, direction, help string) made {
		return panel{
			title: title + ofAll, width: 8, height: 8, unit: count(), min: new(0.0), none: "None in this time", help: help,
			colors:  causeColors(),
			queries: []query{{expr: fmt.Sprintf(perDay, direction), legend: "{{cause}}"}},
		}.daily()
	}
	return []made{
		movedRows("Regressions and promotions",
			"The last change of each service within 30 days, newest first. Only evidence is news about the service: initial is its first judgement, criteria a change of the framework, service a change in the catalog, lapse the end of a hold.",
			"No badge has changed within 30 days", moved, 24),
		panel{
			title: "Services by their last change", width: 8, height: 8, unit: count(), min: new(0.0),
			help: "Services by what last changed their badge within 30 days.", none: "No badge has changed",
			queries: []query{{expr: reachedOrLost(`count by (direction, cause) (` + moved + chosenOnly + `)`), legend: "{{way}}: {{cause}}"}},
		}.bars(),
		daily("Awards a day", "award", "Badges awarded on each day (UTC), by cause."),
		daily("Regressions a day", "regress", "Badges lost on each day (UTC), by cause."),
	}
}

// causeColors are those of series that are called by what changed a badge.
func causeColors() map[string]string {
	return map[string]string{
		"evidence": good().mark, "lapse": bad().mark, "exemption": notice().mark,
		"criteria": quiet().mark, "service": faint().mark, "initial": plain().mark,
	}
}

func fleetWork(titles map[string]string) []made {
	of := func(status, more string) string {
		return `count by (module, check) (readiness:check_status{status="` + status + `"}` + more + chosenOnly + `)`
	}
	near := ` and on (service_name) (` + toGo + ` > 0 <= 3)`
	worst := `topk(30, ` + of("fail", "") + `)`
	return []made{
		panel{
			title: "Checks by what they would bring", width: 24, height: 12, none: "No check fails",
			help: "The 30 checks that most services fail: how many of those services have at most 3 checks to go to their next badge, how many fail it in all, and for how many there is no proof either way. One improvement that many services share comes first.",
			queries: []query{
				{expr: of("fail", near) + ` and on (module, check) ` + worst},
				{expr: worst},
				{expr: of("unknown", "") + ` and on (module, check) ` + worst},
			},
		}.rows("Nearly there", true,
			checkColumn(titles), moduleColumn(),
			figureColumn("A", "Nearly there", count()),
			figureColumn("B", "Failing", count()),
			figureColumn("C", "Unknown", count()),
		),
		said(titles),
	}
}

// said is what people wrote about checks.
func said(titles map[string]string) made {
	of := func(kind string) query {
		return query{expr: `sum by (check) (readiness:check_feedback{kind="` + kind + `"})`}
	}
	return panel{
		title: "What teams say about checks" + ofAll, width: 24, height: 7, none: "No issue is labelled readiness-feedback",
		help:    "Issues with feedback about a check, by kind. What they say is where the next version of the criteria starts.",
		queries: []query{of("unclear"), of("overkill"), of("wrong-evidence"), of("missing-docs")},
	}.rows("Wrong evidence", true,
		checkColumn(titles),
		figureColumn("A", "Unclear", count()),
		figureColumn("B", "Overkill", count()),
		figureColumn("C", "Wrong evidence", count(), anySteps(notice())...),
		figureColumn("D", "Missing docs", count()),
	)
}

func fleetComing() []made {
	return []made{
		panel{
			title: "Nobody on call within 7 days", width: 12, height: 8, none: "No gap within 7 days",
			help: "Services with a time within the next 7 days at which nobody is on call, and how long it is until then.",
			queries: []query{{expr: with("team",
				left(`readiness:oncall_gap_start_timestamp_seconds < time() + 7 * 86400`))}},
		}.rows("In", false,
			serviceColumn().wide(), teamColumn(), leftColumn("A", "In", "Now")),
		panel{
			title: "Badges on hold", width: 12, height: 8, none: "No badge is on hold",
			help: "Services that keep their badge although evidence neither proves nor contradicts it any more, and when it lapses if nothing changes. The clock stands still while the source that should prove it is down.",
			queries: []query{
				{expr: with("", `readiness:badge_level and on (service_name) (readiness:badge_on_hold == 1)`)},
				{expr: with("", left(`readiness:badge_lapse_timestamp_seconds`))},
			},
		}.rows("Lapses in", false,
			serviceColumn().wide(), badgeColumn("A", "Badge"), leftColumn("B", "Lapses in", "")),
	}
}

func fleetScores() []made {
	return []made{
		panel{
			title: "Scores over time", width: 12, height: 8, unit: share(), min: new(0.0), max: new(1.0),
			help:   "Mean score of the services, and what it would be if every unknown check passed. The gap is what evidence does not tell.",
			colors: map[string]string{"If unknown fails": good().mark, "If unknown passes": quiet().mark},
			queries: []query{
				{expr: `avg(readiness:score_ratio` + chosenOnly + `)`, legend: "If unknown fails"},
				{expr: `avg(readiness:score_upper_ratio` + chosenOnly + `)`, legend: "If unknown passes"},
			},
		}.lines(),
		panel{
			title: "Evidence coverage over time", width: 12, height: 8, unit: share(), min: new(0.0), max: new(1.0),
			help:   "Share of the checks that fresh evidence decides: of the middle service, and of the one that nine of ten are better than.",
			colors: map[string]string{"Middle service": good().mark, "Worst tenth": notice().mark},
			queries: []query{
				{expr: `quantile(0.5, readiness:evidence_coverage_ratio` + chosenOnly + `)`, legend: "Middle service"},
				{expr: `quantile(0.1, readiness:evidence_coverage_ratio` + chosenOnly + `)`, legend: "Worst tenth"},
			},
		}.lines(),
		panel{
			title: "Least covered services", width: 12, height: 9,
			help:    "The ten services about which the sources say least. Mend their references in the catalog, or their exporters, before judging them.",
			queries: []query{{expr: with("team", `bottomk(10, readiness:evidence_coverage_ratio`+chosenOnly+`)`)}},
		}.rows("Coverage", false,
			serviceColumn().wide(), teamColumn(), figureColumn("A", "Coverage", share(), shareSteps()...)),
		panel{
			title: "Verdicts by module", width: 12, height: 9,
			help: "Verdicts of all checks of each module: how many pass, fail, or have no proof either way, and the mean score.",
			queries: []query{
				{expr: `sum by (module) (readiness:module_checks{status="pass"}` + chosenOnly + `)`},
				{expr: `sum by (module) (readiness:module_checks{status="fail"}` + chosenOnly + `)`},
				{expr: `sum by (module) (readiness:module_checks{status="unknown"}` + chosenOnly + `)`},
				{expr: `avg by (module) (readiness:module_score_ratio` + chosenOnly + `)`},
			},
		}.rows("Score", false,
			moduleColumn().wide(),
			figureColumn("A", "Pass", count()),
			figureColumn("B", "Fail", count()),
			figureColumn("C", "Unknown", count()),
			figureColumn("D", "Score", share(), shareSteps()...),
		),
	}
}
