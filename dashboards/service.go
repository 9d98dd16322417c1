package main

import (
	"fmt"
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/scoring"
)

// this keeps the series of the chosen service.
const this = `{service_name="$service"}`

// service is the dashboard of one service, for those who own it.
func service(titles map[string]string) (dashboard.Dashboard, error) {
	moves := func(direction string) string {
		return `readiness:badge_last_transition_timestamp_seconds{service_name="$service", direction="` + direction + `"} * 1000`
	}
	b := oneService(begin(serviceUID, "now-30d")).
		Annotation(changes(moves("award"), good(), "Awards")).
		Annotation(changes(moves("regress"), bad(), "Regressions"))
	return assemble(b,
		section{"Badge, risk and the way to the next badge", append(serviceBadge(), serviceWay(titles)...)},
		section{"Against its tier", serviceTier()},
		section{"Modules", serviceModules()},
		section{"Checks over time", serviceChecks()},
		section{"Evidence", serviceEvidence(titles)},
		section{"Incidents and on-call", append(serviceIncidents(), serviceIncidentsOverTime()...)},
		section{"Alerts", serviceAlerts()},
		empty("service-scorecard",
			"Unknown service: the name has no series. It may have left the catalog, or the rules are not loaded.",
			"No median, no percentile: less than half, or nine tenths, of the incidents are resolved, or there are none.",
			"Nothing about alerts: nobody watches for them, or more than 2 hours of the 30 days are not known.",
			"Exempt and scheduled checks are shown with `exposition.detail: full` only.",
		),
	)
}

func serviceBadge() []made {
	return []made{
		panel{
			title: "Badge", width: 4, height: 4, mappings: badgeLevels(), none: "Unknown service",
			help: "The badge that the service holds.", queries: []query{{expr: `readiness:badge_level` + this}},
		}.tile(),
		panel{
			title: "Target", width: 4, height: 4, mappings: notHeld(), none: "No target",
			help: "The badge that the service should hold.", queries: []query{{expr: `readiness:target_badge_level` + this}},
		}.number(),
		panel{
			title: "To go", width: 4, height: 4, unit: count(), none: "Unknown service",
			help:    "How many checks are missing to the next badge. 0 means that it is being proved, or that the badge is as high as it can be.",
			queries: []query{{expr: `sum(readiness:badge_gap_checks` + this + `)`}},
		}.number(),
		panel{
			title: "On hold", width: 4, height: 4, none: "Unknown service",
			help:     "Whether the badge is kept although evidence neither proves nor contradicts it any more.",
			mappings: marked(map[string]word{"0": {"No", plain()}, "1": {"On hold", notice()}}),
			queries:  []query{{expr: `readiness:badge_on_hold` + this}},
		}.number(),
		panel{
			title: "Lapses in", width: 4, height: 4, unit: duration(), steps: soonSteps(), none: "Not on hold",
			help:    "When a badge on hold lapses if nothing changes. The clock stands still while the source that should prove it is down.",
			queries: []query{{expr: left(`readiness:badge_lapse_timestamp_seconds` + this)}},
		}.number(),
		panel{
			title: "Target due", width: 4, height: 4, unit: duration(), steps: soonSteps(), none: "No date",
			help:    "How long it is until the service should hold its target badge.",
			queries: []query{{expr: left(`readiness:target_due_timestamp_seconds` + this)}},
		}.number(),
		panel{
			title: "Held for", width: 4, height: 4, unit: duration(), none: "Unknown service",
			help:    "For how long the service has held its badge.",
			queries: []query{{expr: age(`readiness:badge_since_timestamp_seconds` + this)}},
		}.number(),
		panel{
			title: "Ceiling", width: 4, height: 4, mappings: notHeld(), none: "No limit",
			help:    "The highest badge that the checks which apply to the service can prove, where that is not Diamond. It is a limit and no promise.",
			queries: []query{{expr: `readiness:badge_ceiling_level` + this + ` < 5`}},
		}.number(),
		panel{
			title: "Owner", width: 8, height: 4, none: "Unknown service",
			help:    "The team, organisation and tier of the service in the catalog.",
			queries: []query{{expr: `readiness:service_info` + this, legend: "{{team}}, {{org}}, tier {{tier}}"}},
		}.label(),
		panel{
			title: "Last change", width: 8, height: 4, none: "Never changed",
			help: "The last award or regression, and what caused it: evidence, criteria, an exemption, the service's own attributes, or the end of a hold.",
			queries: []query{{
				expr:   reachedOrLost(`readiness:badge_last_transition_timestamp_seconds` + this),
				legend: "{{way}}: {{from}} to {{to}}, by {{cause}}",
			}},
		}.label(),
	}
}

// notHeld are the names of badges without their colours: neither a target nor a ceiling is
// a badge that the service has.
func notHeld() []dashboard.ValueMapping { return uncoloured(badgeLevels()) }

// statuses are the words for the statuses of a check.
func statuses() map[string]word {
	return map[string]word{
		"fail": {"Fails", bad()}, "unknown": {"Unknown", quiet()}, "exempt": {"Exempt", good()},
		"scheduled": {"Scheduled", notice()}, "pass": {"Passes", plain()},
	}
}

func serviceWay(titles map[string]string) []made {
	const failing = `readiness:check_status{service_name="$service", status!="not_applicable"}`
	now := `max by (module, check, status) (` + failing + `)`
	// Counted every 3 hours, in which a gap of Prometheus does not matter.
	during := `count_over_time(last_over_time(` + failing + `[185m])[30d:3h]) * 3 * 3600`
	return []made{
		panel{
			title: "What does not pass, and for how long", width: 16, height: 12,
			none: "Every check passes, or the service is unknown",
			help: "The checks that fail or lack proof; with `exposition.detail: full` also those that are exempt. The last column is for how much of the last 30 days that was so. A check leads to what it asks and how to mend it.",
			queries: []query{
				{expr: now, only: true},
				{expr: `max by (module, check, status) (` + during + `)
and on (module, check, status) ` + now},
			},
		}.rows("Status", false,
			wordColumn("status", "Status", 85, statuses()),
			checkColumn(titles), moduleColumn(),
			timeColumn("B", "In 30 days"),
		),
		panel{
			title: "To the next badge, by module", width: 8, height: 12, unit: count(), min: new(0.0),
			help:    "Number of checks of each module that are missing to the next badge.",
			none:    "Unknown service",
			queries: []query{{expr: `readiness:badge_gap_checks` + this, legend: "{{module}}"}},
		}.bars(),
	}
}

// ofTier keeps the services of the tier of the chosen one.
const ofTier = ` and on (service_name) (readiness:service_info and on (tier) readiness:service_info{service_name="$service"})`

func serviceTier() []made {
	against := func(title string, width uint32, help string, u unit, own, all string) made {
		return panel{
			title: title, width: width, height: 5, unit: u, min: new(0.0), help: help, none: "None known",
			queries: []query{
				{expr: own, legend: "This service"},
				{expr: `quantile(0.5, ` + all + ofTier + `)`, legend: "Median of its tier"},
			},
			colors: map[string]string{"This service": good().mark, "Median of its tier": quiet().mark},
		}.bars()
	}
	resolution := func(of string) string { return `readiness:incident_resolution_p50_seconds{` + of + `window="30d"}` }
	incidents := func(of string) string {
		return `sum by (service_name) (readiness:incidents{` + of + `window="30d"})`
	}
	const own = `service_name="$service", `
	return []made{
		against("Score", 5, "Weighted share of passing checks; what is unknown counts as failing.", share(),
			`readiness:score_ratio`+this, `readiness:score_ratio`),
		against("Coverage", 5, "Share of the checks that fresh evidence decides.", share(),
			`readiness:evidence_coverage_ratio`+this, `readiness:evidence_coverage_ratio`),
		against("Incidents in 30 days", 6, "Number of incidents that began within the 30 days before, of services that ever had one.", count(),
			incidents(own), incidents("")),
		against("Resolved in (p50)", 8, "The time within which half of the incidents of 30 days are resolved, of services where that is known.",
			duration(), resolution(own), resolution("")),
	}
}

func serviceModules() []made {
	return []made{
		panel{
			title: "Level of each module", width: 12, height: 9, unit: count(), min: new(0.0), max: new(5.0), none: "Unknown service",
			help:    "The level reached in each module, 0 to 5. The lowest decides. Of a pass or fail module 1 means passed.",
			queries: []query{{expr: `readiness:module_level` + this, legend: "{{module}}"}},
		}.bars(),
		panel{
			title: "Score of each module", width: 12, height: 9, unit: share(), min: new(0.0), max: new(1.0), steps: shareSteps(),
			help: "Weighted share of passing checks within each module.", none: "Unknown service",
			queries: []query{{expr: `readiness:module_score_ratio` + this, legend: "{{module}}"}},
		}.bars(),
	}
}

// timeline are the statuses of checks over time, by the number that each is drawn as. A
// service whose checks all pass has one row that says so.
func timeline() (expr string, words map[string]word) {
	words = map[string]word{"0": {"Passes", good()}}
	shown := statuses()
	for i, status := range []scoring.Status{scoring.Fail, scoring.Unknown, scoring.Scheduled, scoring.Exempt} {
		number := i + 1
		word := shown[status.String()]
		if status == scoring.Exempt {
			word.tone = faint()
		}
		words[strconv.Itoa(number)] = word
		expr += fmt.Sprintf(`readiness:check_status{service_name="$service", status=%q} * %d or `, status.String(), number)
	}
	rest := `label_replace(sum by (service_name) (readiness:module_checks{service_name="$service"}) * 0
  unless on (service_name) readiness:check_status{service_name="$service", status=~"fail|unknown|scheduled|exempt"},
  "check", "every check passes", "service_name", ".*")`
	return "max by (check) (\n" + expr + rest + "\n)", words
}

func serviceChecks() []made {
	expr, words := timeline()
	return []made{panel{
		title: "What did not pass, over time", width: 24, height: 14, mappings: marked(words), none: "Unknown service",
		help:    "Each check that did not pass at some time of the range: failing, or without proof either way; with `exposition.detail: full` also exempt, or scheduled for later. No bar means that it passed or did not count. While all pass, one row says so. Less than 4 hours without figures are bridged.",
		queries: []query{{expr: expr, legend: "{{check}}"}},
		links:   toCheck("${__field.labels.check:percentencode}"),
	}.states()}
}

func serviceEvidence(titles map[string]string) []made {
	verdicts := func(status string) string {
		return `sum(readiness:module_checks{service_name="$service", status="` + status + `"})`
	}
	return []made{
		panel{
			title: "Score and coverage over time", width: 12, height: 8, unit: share(), min: new(0.0), max: new(1.0),
			help:   "The score, what it would be if every unknown check passed, and the share of the checks that fresh evidence decides.",
			colors: map[string]string{"Score": good().mark, "If unknown passes": quiet().mark, "Coverage": notice().mark},
			queries: []query{
				{expr: `readiness:score_ratio` + this, legend: "Score"},
				{expr: `readiness:score_upper_ratio` + this, legend: "If unknown passes"},
				{expr: `readiness:evidence_coverage_ratio` + this, legend: "Coverage"},
			},
		}.lines(),
		panel{
			title: "Verdicts over time", width: 12, height: 8, unit: count(), min: new(0.0),
			help:   "Number of checks that pass, fail, or have no proof either way.",
			colors: map[string]string{"Pass": good().mark, "Fail": bad().mark, "Unknown": quiet().mark},
			queries: []query{
				{expr: verdicts("pass"), legend: "Pass"},
				{expr: verdicts("fail"), legend: "Fail"},
				{expr: verdicts("unknown"), legend: "Unknown"},
			},
		}.stacked(),
		panel{
			title: "Exemptions", width: 24, height: 6, none: "No exemption",
			help:    "Checks that the service is excused from, and for how long. The badge is judged without them until then.",
			queries: []query{{expr: `max by (check) (` + left(`readiness:exemption_expiry_timestamp_seconds`+this) + `)`}},
		}.rows("Ends in", false, checkColumn(titles), leftColumn("A", "Ends in", "")),
	}
}
