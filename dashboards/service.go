package main

import (
	"fmt"
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/scoring"
)

// this keeps the series of the chosen service.
const this = `{service_name="$service"}`

// service is the dashboard of one service.
func service() (dashboard.Dashboard, error) {
	b := begin("Readiness: service", serviceUID,
		"What one service has, what it lacks for the next badge, and how it got there.").
		WithVariable(asked("service", "Service", "label_values(readiness:service_info, service_name)")).
		Annotation(changes(
			`readiness:badge_last_transition_timestamp_seconds{service_name="$service", direction="award"} * 1000`, green,
			"Awards",
		)).
		Annotation(changes(
			`readiness:badge_last_transition_timestamp_seconds{service_name="$service", direction="regress"} * 1000`, red,
			"Regressions",
		))
	d, err := assemble(b,
		section{"At a glance", serviceBadge()},
		section{"The way to the next badge", serviceModules()},
		section{"Checks", serviceChecks()},
		section{"Evidence", serviceEvidence()},
		section{"Incidents", serviceIncidents()},
		section{"Alerts", serviceAlerts()},
	)
	toOther(&d, "Fleet", "All services", "apps", fleetUID)
	return d, err
}

func serviceBadge() []made {
	badge := func(title, help, expr string) made {
		return panel{
			title: title, help: help, width: 4, height: 4, mappings: badgeNames(), none: "None is set",
			queries: []query{{expr: expr}},
		}.tile()
	}
	return []made{
		badge("Badge", "The badge that the service holds.", `readiness:badge_level`+this),
		badge("Target", "The badge that the service should hold for its tier.", `readiness:target_badge_level`+this),
		badge("Within reach", "The highest badge that the checks which apply to the service can prove.",
			`readiness:badge_ceiling_level`+this),
		panel{
			title: "Score", width: 4, height: 4,
			help: "Weighted share of passing checks; what is unknown counts as failing.",
			unit: unitShare, decimals: new(0.0), steps: shareSteps(),
			queries: []query{{expr: `readiness:score_ratio` + this}},
		}.number(),
		panel{
			title: "Evidence coverage", width: 4, height: 4,
			help: "Share of the checks that fresh evidence decides.",
			unit: unitShare, decimals: new(0.0), steps: shareSteps(),
			queries: []query{{expr: `readiness:evidence_coverage_ratio` + this}},
		}.number(),
		panel{
			title: "Owner", width: 4, height: 4,
			help:    "The team, organisation and tier of the service in the catalog.",
			queries: []query{{expr: `readiness:service_info` + this, legend: "{{team}}, {{org}}, tier {{tier}}"}},
		}.label(),
		panel{
			title: "Held since", width: 4, height: 4,
			help: "Since when the service has held its badge.",
			unit: unitFromNow, queries: []query{{expr: `readiness:badge_since_timestamp_seconds` + this + ` * 1000`}},
		}.number(),
		panel{
			title: "On hold", width: 4, height: 4,
			help:     "Whether the badge is kept although evidence neither proves nor contradicts it any more.",
			mappings: named(map[string]word{"0": {"No", green}, "1": {"On hold", yellow}}),
			queries:  []query{{expr: `readiness:badge_on_hold` + this}},
		}.number(),
		panel{
			title: "Lapses", width: 4, height: 4,
			help: "When a badge on hold lapses if nothing changes. The clock stands still while the source that should prove it is down.",
			unit: unitFromNow, none: "Not on hold",
			queries: []query{{expr: `readiness:badge_lapse_timestamp_seconds` + this + ` * 1000`}},
		}.number(),
		panel{
			title: "Target due", width: 4, height: 4,
			help: "When the service should hold its target badge.",
			unit: unitFromNow, none: "No date",
			queries: []query{{expr: `readiness:target_due_timestamp_seconds` + this + ` * 1000`}},
		}.number(),
		panel{
			title: "Last change", width: 8, height: 4,
			help: "The last award or regression, and what caused it: evidence, criteria, an exemption, the service's own attributes, or the end of a hold.",
			none: "Never changed",
			queries: []query{{
				expr:   `readiness:badge_last_transition_timestamp_seconds` + this,
				legend: "{{direction}} from {{from}} to {{to}} by {{cause}}",
			}},
		}.label(),
	}
}

func serviceModules() []made {
	return []made{
		panel{
			title: "Checks to the next badge", width: 8, height: 8,
			help: "Number of checks of each module that are missing to the next badge. Zero everywhere means that it is being proved, or that the badge is as high as it can be.",
			unit: unitCount, decimals: new(0.0), min: new(0.0), steps: anySteps(orange),
			queries: []query{{`readiness:badge_gap_checks` + this, "{{module}}"}},
		}.bars(),
		panel{
			title: "Level of each module", width: 8, height: 8,
			help: "The level reached in each module, 0 to 5, in the colour of the badge it allows. The lowest decides. Of a pass or fail module 1 means passed.",
			unit: unitCount, decimals: new(0.0), min: new(0.0), max: new(5.0), steps: levelSteps(),
			queries: []query{{`readiness:module_level` + this, "{{module}}"}},
		}.bars(),
		panel{
			title: "Score of each module", width: 8, height: 8,
			help: "Weighted share of passing checks within each module.",
			unit: unitShare, decimals: new(0.0), min: new(0.0), max: new(1.0), steps: shareSteps(),
			queries: []query{{`readiness:module_score_ratio` + this, "{{module}}"}},
		}.bars(),
	}
}

// statusWords are the statuses that the timeline shows, by the number that
// stands for each. Passes are not exported by default and show as no bar.
func statusWords() (expr string, words map[string]word) {
	words = map[string]word{}
	number := 0
	for _, s := range []struct {
		status scoring.Status
		word
	}{
		{scoring.Fail, word{"Fails", red}},
		{scoring.Unknown, word{"Unknown", grey}},
		{scoring.Exempt, word{"Exempt", blue}},
		{scoring.Scheduled, word{"Scheduled", yellow}},
	} {
		number++
		words[strconv.Itoa(number)] = s.word
		if expr != "" {
			expr += " or "
		}
		expr += fmt.Sprintf(`readiness:check_status{service_name="$service", status=%q} * %d`, s.status, number)
	}
	return `max by (check) (` + expr + `)`, words
}

func serviceChecks() []made {
	timeline, words := statusWords()
	states := panel{
		title: "What did not pass, over time", width: 16, height: 14,
		help:     "Each check that did not pass at some time of the range: failing, or without proof either way; with `exposition.detail: full` also exempt, or scheduled for later. No bar means that it passed or did not count.",
		mappings: named(words), none: "Every check passes",
		queries: []query{{timeline, "{{check}}"}},
	}
	return []made{
		states.states(),
		panel{
			title: "What does not pass now", width: 8, height: 14,
			help: "The checks that fail or lack proof; with `exposition.detail: full` also those that are exempt. `collector score` names the evidence and the next step of each.",
			none: "Every check passes",
			queries: []query{{
				expr: `max by (module, check, status) (readiness:check_status{service_name="$service", status!="not_applicable"})`,
			}},
		}.rows("Status", false,
			column{from: "status", header: "Status", width: 100, mappings: named(map[string]word{
				"fail": {"Fails", red}, "unknown": {"Unknown", grey}, "exempt": {"Exempt", blue},
				"scheduled": {"Scheduled", yellow}, "pass": {"Passes", green},
			})},
			column{from: "check", header: "Check"},
			column{from: "module", header: "Module", width: 80},
			column{from: "A", header: "Checks", width: 70},
		),
	}
}

func serviceEvidence() []made {
	return []made{
		panel{
			title: "Score and coverage over time", width: 8, height: 8,
			help: "The score, what it would be if every unknown check passed, and the share of the checks that fresh evidence decides.",
			unit: unitShare, min: new(0.0), max: new(1.0),
			colors: map[string]string{"Score": blue, "Score if unknown passes": grey, "Coverage": orange},
			queries: []query{
				{`readiness:score_ratio` + this, "Score"},
				{`readiness:score_upper_ratio` + this, "Score if unknown passes"},
				{`readiness:evidence_coverage_ratio` + this, "Coverage"},
			},
		}.lines(),
		panel{
			title: "Verdicts over time", width: 8, height: 8,
			help: "Number of checks that pass, fail, or have no proof either way.",
			unit: unitCount, decimals: new(0.0), min: new(0.0),
			colors: map[string]string{"Pass": green, "Fail": red, "Unknown": grey},
			queries: []query{
				{`sum(readiness:module_checks{service_name="$service", status="pass"})`, "Pass"},
				{`sum(readiness:module_checks{service_name="$service", status="fail"})`, "Fail"},
				{`sum(readiness:module_checks{service_name="$service", status="unknown"})`, "Unknown"},
			},
		}.stacked(),
		panel{
			title: "Exemptions", width: 8, height: 8,
			help:    "Checks that the service is excused from, and until when. The badge is judged without them until then.",
			none:    "None",
			queries: []query{{expr: `max by (check) (readiness:exemption_expiry_timestamp_seconds` + this + `) * 1000`}},
		}.rows("Ends", false,
			column{from: "check", header: "Check"},
			column{from: "A", header: "Ends", unit: unitFromNow},
		),
	}
}

func serviceIncidents() []made {
	return []made{
		panel{
			title: "Open incidents", width: 4, height: 4,
			help: "Incidents of the service that are open now, however old.",
			unit: unitCount, steps: anySteps(red), none: "Never had one",
			queries: []query{{expr: `readiness:incidents_open` + this}},
		}.number(),
		panel{
			title: "Resolved in (p50)", width: 4, height: 4,
			help: "Half of the incidents of 30 days are resolved within this time; open ones count as lasting at least until now.",
			unit: unitSeconds, steps: hoursSteps(), none: "Too few resolved",
			queries: []query{{expr: `readiness:incident_resolution_p50_seconds{service_name="$service", window="30d"}`}},
		}.number(),
		panel{
			title: "Resolved in (p90)", width: 4, height: 4,
			help: "Nine tenths of the incidents of 30 days are resolved within this time. Read it beside the number of incidents.",
			unit: unitSeconds, steps: hoursSteps(), none: "Too few resolved",
			queries: []query{{expr: `readiness:incident_resolution_p90_seconds{service_name="$service", window="30d"}`}},
		}.number(),
		panel{
			title: "Acknowledged in 15 minutes", width: 4, height: 4,
			help: "Share of the high-urgency incidents of 30 days that a person acknowledged within 15 minutes, the never acknowledged included.",
			unit: unitShare, decimals: new(0.0), steps: shareSteps(), none: "No such incident",
			queries: []query{
				{expr: `readiness:incident_acknowledged_within_ratio{service_name="$service", window="30d", minutes="15"}`},
			},
		}.number(),
		panel{
			title: "Noise", width: 4, height: 4,
			help: "Share of the high-urgency incidents of 30 days that nobody had to do anything about, or that came again and again.",
			unit: unitShare, decimals: new(0.0), none: "No such incident",
			steps: []step{{color: green}, {from: 0.25, color: yellow}, {from: 0.5, color: red}},
			queries: []query{{expr: `readiness:incident_noise{service_name="$service", window="30d", class="any_noise"}
/ ignoring (class) (readiness:incident_noise{service_name="$service", window="30d", class="all"} > 0)`}},
		}.number(),
		panel{
			title: "Last readiness review", width: 4, height: 4,
			help: "When the last production readiness review of the service was completed.",
			unit: unitFromNow, none: "Never",
			queries: []query{{expr: `readiness:review_completed_timestamp_seconds` + this + ` * 1000`}},
		}.number(),
		panel{
			title: "Next on-call gap", width: 4, height: 8,
			help: "When nobody is on the first level of on-call next, within 30 days. In the past: nobody is, since then.",
			unit: unitFromNow, none: "None in 30 days",
			queries: []query{{expr: `readiness:oncall_gap_start_timestamp_seconds` + this + ` * 1000`}},
		}.number(),
		panel{
			title: "Incidents of 30 days by severity", width: 10, height: 8,
			help: "Number of incidents that began within the 30 days before, by severity: 1 is the worst.",
			unit: unitCount, decimals: new(0.0), min: new(0.0), none: "No incident",
			queries: []query{{`readiness:incidents{service_name="$service", window="30d"}`, "Severity {{severity}}"}},
		}.stacked(),
		panel{
			title: "Resolution time over time", width: 10, height: 8,
			help: "Half and nine tenths of the incidents of the 30 days before were resolved within this time. A quantile that too few incidents reach is not drawn.",
			unit: unitSeconds, min: new(0.0), colors: map[string]string{"p50": blue, "p90": orange}, none: "Too few resolved",
			queries: []query{
				{`readiness:incident_resolution_p50_seconds{service_name="$service", window="30d"}`, "p50"},
				{`readiness:incident_resolution_p90_seconds{service_name="$service", window="30d"}`, "p90"},
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
			title: "Pages without an incident", width: 6, height: 4,
			help: "Share of the paging alerts of 30 days without an incident of the service that was open or began near them. They woke nobody, or nobody wrote it down. Read it beside the number of pages.",
			unit: unitShare, decimals: new(0.0), none: unknown,
			steps:   []step{{color: green}, {from: 0.25, color: yellow}, {from: 0.5, color: red}},
			queries: []query{{expr: of30d("alert_unpaged_ratio")}},
		}.number(),
		panel{
			title: "Fires for (p50)", width: 6, height: 4,
			help: "Half of the alerts of 30 days fired for at most this long; those that still fire count as lasting at least until now.",
			unit: unitSeconds, none: unknown, steps: anySteps(blue),
			queries: []query{{expr: of30d("alert_firing_duration_p50_seconds")}},
		}.number(),
		panel{
			title: "Fires for (p90)", width: 6, height: 4,
			help: "Nine tenths of the alerts of 30 days fired for at most this long.",
			unit: unitSeconds, none: unknown, steps: anySteps(blue),
			queries: []query{{expr: of30d("alert_firing_duration_p90_seconds")}},
		}.number(),
		panel{
			title: "Alerts known", width: 6, height: 4,
			help: "Share of the 30 days for which it is known whether alerts fired. What Prometheus did not see or has forgotten is not known, and while that is more than 2 hours nothing else is shown.",
			unit: unitShare, decimals: new(1.0), steps: shareSteps(), none: "Nobody watches",
			queries: []query{{expr: of30d("alert_history_covered_ratio")}},
		}.number(),
		panel{
			title: "Alerts of 30 days", width: 24, height: 8,
			help: "How often alerts of the service began to fire within the 30 days before: all of them, those that wake somebody, and those that came again within half an hour.",
			unit: unitCount, decimals: new(0.0), min: new(0.0), none: unknown,
			colors: map[string]string{"All": blue, "Paging": red, "Flapping": orange},
			queries: []query{
				{of30d("alert_firings"), "All"},
				{of30d("alert_paging_firings"), "Paging"},
				{of30d("alert_flapping_firings"), "Flapping"},
			},
		}.lines(),
	}
}
