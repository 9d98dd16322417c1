package main

import "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// team is the dashboard of a team's regular review of its services.
func team(titles map[string]string) (dashboard.Dashboard, error) {
	return assemble(filters(begin(teamUID, "now-30d"), false),
		section{"Against the fleet", teamAgainst()},
		section{"Actions", teamActions(titles)},
		section{"Services and checks", teamMatrix(titles)},
		section{"Movement and kudos", []made{
			movedRows("Reached within 30 days", "Badges that were reached within 30 days, newest first: the kudos of the review.",
				"No badge was reached within 30 days", `readiness:badge_last_transition_timestamp_seconds{direction="award"} > time() - `+month, 24),
			movedRows("Lost within 30 days", "Badges that were lost within 30 days, and why, newest first.",
				"No badge was lost within 30 days", `readiness:badge_last_transition_timestamp_seconds{direction="regress"} > time() - `+month, 24),
		}},
		section{"What is due", teamDue(titles)},
		empty("team-review",
			"No service: choose a team above. `none` are the services without one.",
			"No score of 30 days ago: the rules have recorded for less than that, or the service is younger.",
			"No review due: `reviews.due_after` says for which tiers reviews are due.",
			"No exemption: nobody has asked for one.",
		),
	)
}

func teamAgainst() []made {
	against := func(title, help string, u unit, of func(of string) string, series string, steps ...step) made {
		return panel{
			title: title, width: 6, height: 6, unit: u, help: help, steps: steps, none: "None known",
			queries: []query{
				{expr: of(series + chosenOnly), legend: "chosen"},
				{expr: of(series), legend: "all services", unit: u},
			},
		}.numbers()
	}
	mean := func(of string) string { return `avg(` + of + `)` }
	middle := func(of string) string { return `quantile(0.5, ` + of + `)` }
	return []made{
		against("On target", "Share of the services with a target that hold the badge they should: of the team and of all services.",
			share(), mean, `(`+onTarget+`)`, shareSteps()...),
		against("Mean score", "Mean of the scores of the services: of the team and of all services.",
			share(), mean, `readiness:score_ratio`, shareSteps()...),
		against("Incidents each", "Mean number of incidents of a service in 30 days, of those that ever had one: of the team and of all services.",
			rate(), mean, `sum by (service_name) (readiness:incidents{window="30d"})`),
		against("Resolved in (p50)", "The middle one of the services' median times to resolve incidents of 30 days: of the team and of all services.",
			duration(), middle, `readiness:incident_resolution_p50_seconds{window="30d"}`),
	}
}

func teamActions(titles map[string]string) []made {
	return []made{
		belowTheirTarget("Targets that are not reached"),
		panel{
			title: "Checks to mend", width: 24, height: 10, none: "Every check passes",
			help: "The checks that services of the team fail or lack proof for, the ones first that stand between most services and their next badge.",
			queries: []query{
				{expr: `count by (module, check) (readiness:check_status{status="fail"} and on (service_name) (` + toGo + ` > 0 <= 3)` + chosenOnly + `)`},
				{expr: `count by (module, check) (readiness:check_status{status="fail"}` + chosenOnly + `)`},
				{expr: `count by (module, check) (readiness:check_status{status="unknown"}` + chosenOnly + `)`},
			},
		}.rows("Nearly there", true,
			checkColumn(titles), moduleColumn(),
			figureColumn("A", "Nearly there", count()),
			figureColumn("B", "Failing", count()), figureColumn("C", "Unknown", count()),
		),
	}
}

func teamMatrix(titles map[string]string) []made {
	score := `readiness:score_ratio`
	return []made{
		panel{
			title: "Services", width: 24, height: 8,
			help: "The services with their badge, their score, and its change in 30 days.",
			queries: []query{
				{expr: with("team, tier", `readiness:badge_level`)},
				{expr: with("team, tier", `readiness:target_badge_level`)},
				{expr: with("team, tier", score)},
				{expr: with("team, tier", score+` - `+monthAgo(score))},
				{expr: with("team, tier", toGo)},
				{expr: with("team, tier", `sum by (service_name) (readiness:incidents{window="30d"})`)},
			},
		}.rows("Score", false,
			tierColumn(), serviceColumn().wide(), teamColumn(), badgeColumn("A", "Badge"), otherBadgeColumn("B", "Target"),
			figureColumn("C", "Score", share(), shareSteps()...), figureColumn("D", "Change", share(), step{-1, notice()}, step{-0.005, plain()}),
			figureColumn("E", "To go", count()), figureColumn("F", "Incidents", count()),
		),
		panel{
			title: "Checks that do not pass, by service", width: 24, height: 14, none: "Every check passes",
			help: "A row for each check that a service fails or lacks proof for, a column for each service. Choose one team: columns of more than a dozen services do not fit.",
			queries: []query{{expr: `max by (check, service_name) (
  (readiness:check_status{status="fail"} * 2 or readiness:check_status{status="unknown"})` + chosenOnly + `
)`}},
		}.matrix(checkColumn(titles), "service_name",
			map[string]word{"2": {"Fails", bad()}, "1": {"Unknown", quiet()}}, toService("${__field.name:percentencode}")),
	}
}

func teamDue(titles map[string]string) []made {
	const concerned = ` and on (service_name) (readiness:review_due_timestamp_seconds or readiness:review_drift_checks)`
	return []made{
		panel{
			title: "Reviews overdue or due", width: 24, height: 8, none: "No review is due",
			help: "When the next production readiness review of each service is due, overdue ones first; how long ago the last one was; and how many of the checks that it attested a machine contradicts. Services of which no review is due and no check drifted are left out.",
			queries: []query{
				{expr: with("team, tier", left(`readiness:review_due_timestamp_seconds`))},
				{expr: with("team, tier", age(`readiness:review_completed_timestamp_seconds`+concerned))},
				{expr: with("team, tier", `readiness:review_drift_checks`)},
			},
		}.rows("Due in", false,
			tierColumn(), serviceColumn().wide(), teamColumn(),
			leftColumn("A", "Due in", ""), timeColumn("B", "Last one"),
			figureColumn("C", "Drifted", count(), anySteps(notice())...),
		),
		panel{
			title: "Exemptions that end", width: 24, height: 8, none: "No exemption",
			help:    "Checks that services are excused from, and how long still. From then on they count at once.",
			queries: []query{{expr: with("team", left(`readiness:exemption_expiry_timestamp_seconds`))}},
		}.rows("Ends in", false,
			serviceColumn(), teamColumn(), checkColumn(titles), leftColumn("A", "Ends in", ""),
		),
	}
}
