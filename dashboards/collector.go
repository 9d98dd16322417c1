package main

import "github.com/grafana/grafana-foundation-sdk/go/dashboard"

// collector is the dashboard of whoever runs the collector. Its figures are of the program
// and not of services: the filters are only kept for the links.
func collector(titles map[string]string) (dashboard.Dashboard, error) {
	return assemble(filters(begin(collectorUID, "now-2d"), true),
		section{"At a glance", collectorGlance()},
		section{"Sources", collectorSources()},
		section{"Requests", collectorRequests()},
		section{"What could not be used", collectorUncounted(titles)},
		section{"Judging and replicas", collectorJudging()},
		empty("collector-health",
			"Nothing at all: Prometheus does not scrape the collector, or does not have the rules (`rules/readiness.rules.yaml`).",
			"Figures of the collector and none of services: its last judgement is older than three evaluation intervals, or the configuration was refused.",
			"No budget: the source does not say how many requests it allows.",
			"No days of a token: `token_expires` is not configured for the source.",
		),
	)
}

func collectorGlance() []made {
	yes := func(no, yes string, t tone) []dashboard.ValueMapping {
		return marked(map[string]word{"0": {no, plain()}, "1": {yes, t}})
	}
	return []made{
		panel{
			title: "Judged", width: 4, height: 4, unit: duration(), steps: oldSteps(180, 600), none: "Not at all",
			help:    "How long ago the figures of the dashboards were made.",
			queries: []query{{expr: age(`readiness:snapshot_timestamp_seconds`)}},
		}.number(),
		panel{
			title: "Replicas", width: 4, height: 4, unit: count(), none: "None",
			help:    "How many replicas of the collector Prometheus scrapes.",
			queries: []query{{expr: `count(readiness:build_info)`}},
		}.number(),
		panel{
			title: "Config", width: 4, height: 4, none: "Unknown",
			help:     "Whether the last reload of the configuration was accepted by every replica. A refused one is named in the collector's log.",
			mappings: marked(map[string]word{"0": {"Refused", bad()}, "1": {"Accepted", plain()}}),
			queries:  []query{{expr: `readiness:collector_reload_success`}},
		}.number(),
		panel{
			title: "Loaded", width: 4, height: 4, unit: duration(), none: "Never",
			help:    "How long ago the configuration was last loaded with success, by the replica that did so first.",
			queries: []query{{expr: age(`readiness:collector_reload_timestamp_seconds`)}},
		}.number(),
		panel{
			title: "Clock", width: 4, height: 4, none: "Unknown",
			help:     "Whether the clock of a replica is probably wrong. Nothing old is deleted then, and nothing of the sources' answers is stored.",
			mappings: yes("Right", "In doubt", bad()),
			queries:  []query{{expr: `readiness:collector_clock_in_doubt`}},
		}.number(),
		panel{
			title: "Criteria", width: 4, height: 4, unit: duration(), none: "Unknown",
			help:    "For how long services have been judged by these criteria. A step in every score at that time is the criteria and not the services.",
			queries: []query{{expr: age(`readiness:framework_activated_timestamp_seconds`), legend: "{{name}} {{version}}"}},
		}.numbers(),
	}
}

func collectorSources() []made {
	rounds := func(outcome string) query {
		return query{expr: `sum by (source) (readiness:collector_runs:rate1d{outcome="` + outcome + `"}) * 86400`}
	}
	return []made{panel{
		title: "Sources and rounds", width: 24, height: 9,
		help: "How long ago each source last answered completely; its rounds of 24 hours by outcome, of which partial ones covered some facts and not others; how long nine tenths of them took at most; whether requests are left unsent because too many have failed; and how long its credential is still good.",
		queries: []query{
			{expr: `max by (source) (` + age(`readiness:collector_last_success_timestamp_seconds`) + `)`},
			rounds("success"), rounds("partial"), rounds("failure"), rounds("skipped"),
			{expr: `ceil(max by (source) (readiness:collector_run_duration_seconds:p90_1d))`},
			{expr: `max by (source) (readiness:collector_circuit_open)`},
			{expr: `max by (source) (` + left(`readiness:collector_token_expiry_timestamp_seconds`) + `)`},
		},
	}.rows("Source", false,
		textColumn("source", "Source", 130).wide(),
		timeColumn("A", "Last success", oldSteps(86400, 2*86400)...),
		figureColumn("B", "Success", count()),
		figureColumn("C", "Partial", count(), anySteps(notice())...),
		figureColumn("D", "Failed", count(), anySteps(bad())...),
		figureColumn("E", "Skipped", count(), anySteps(notice())...),
		timeColumn("F", "p90"),
		wordColumn("G", "Circuit", 75, map[string]word{"0": {"Closed", plain()}, "1": {"Open", bad()}}),
		leftColumn("H", "Token", "Expired"),
	)}
}

func collectorRequests() []made {
	return []made{
		panel{
			title: "Requests a minute by reason", width: 16, height: 9, unit: rate(), min: new(0.0), none: "No request",
			help:    "Requests to the sources within the hour before, by why they failed; ok are those that did not.",
			queries: []query{{expr: `sum by (reason) (readiness:collector_requests:rate1h) * 60 > 0`, legend: "{{reason}}"}},
			colors:  map[string]string{"ok": good().mark},
		}.stacked(),
		panel{
			title: "Budget left", width: 8, height: 9, unit: share(), min: new(0.0), max: new(1.0), none: "No source tells",
			help:    "Share of the requests that the source allows in its own window and that are left in it, as it last said.",
			steps:   []step{{0, bad()}, {0.1, notice()}, {0.25, plain()}},
			queries: []query{{expr: `readiness:collector_rate_limit_remaining / on (source) (readiness:collector_rate_limit > 0)`, legend: "{{source}}"}},
		}.bars(),
	}
}

func collectorUncounted(titles map[string]string) []made {
	return []made{
		panel{
			title: "Records of no service", width: 24, height: 9, none: "Everything was used",
			help:    "What the last complete round of a source has found and could not use, or only in part: mostly gaps in the catalog and faults in the data of the source.",
			queries: []query{{expr: `readiness:uncounted_records * 1`}},
		}.rows("Records", true,
			textColumn("source", "Source", 150), textColumn("kind", "Kind", 100), textColumn("reason", "Reason", 180).wide(),
			figureColumn("A", "Records", count()),
		),
		panel{
			title: "The largest groups of them", width: 24, height: 9, none: "Everything was used",
			help:    "The groups that most of these records belong to, by name: a service of PagerDuty, a project of Jira, or a label that the catalog does not know.",
			queries: []query{{expr: `topk(30, readiness:uncounted_largest_records * 1)`}},
		}.rows("Records", true,
			textColumn("source", "Source", 130), textColumn("kind", "Kind", 80), textColumn("reason", "Reason", 140),
			textColumn("name", "Name", 200).wide(), figureColumn("A", "Records", count()),
		),
		panel{
			title: "Objects that could not be decoded", width: 12, height: 7, none: "None within 24 hours",
			help:    "Objects of a source that could not be decoded within 24 hours, by their kind. Each costs only itself.",
			queries: []query{{expr: `(readiness:collector_skipped_records:increase1d > 0) * 1`}},
		}.rows("Objects", true,
			textColumn("source", "Source", 130).wide(), textColumn("kind", "Kind", 100),
			figureColumn("A", "Objects", count(), anySteps(notice())...),
		),
		panel{
			title: "Errors of expressions", width: 12, height: 7, none: "None within 24 hours",
			help:    "Run-time errors of the expressions of a check within 24 hours, each of which makes it unknown for a service.",
			queries: []query{{expr: `(readiness:collector_expression_errors:increase1d > 0) * 1`}},
		}.rows("Errors", true, checkColumn(titles), figureColumn("A", "Errors", count(), anySteps(bad())...)),
	}
}

func collectorJudging() []made {
	return []made{
		panel{
			title: "Judging takes (p90)", width: 12, height: 8, unit: duration(), min: new(0.0), none: "Not judged",
			help:    "Nine tenths of the judgements of the hour before took at most this long.",
			colors:  map[string]string{"p90": good().mark},
			queries: []query{{expr: `readiness:collector_evaluation_duration_seconds:p90_1h`, legend: "p90"}},
		}.lines(),
		panel{
			title: "Samples of a scrape", width: 12, height: 8, unit: count(), min: new(0.0), none: "Not scraped",
			help:    "Number of samples that each replica serves to a scrape.",
			queries: []query{{expr: `readiness:replica_scrape:samples`, legend: "{{instance}}"}},
		}.lines(),
		panel{
			title: "Replicas and versions", width: 24, height: 6, none: "None is scraped",
			help: "What each replica runs, and how old the figures are that it serves. One that serves none is behind the store, or its configuration was refused.",
			queries: []query{
				{expr: `readiness:build_info * 1`, only: true},
				{expr: `readiness:replica_snapshot:age_seconds * 1`},
			},
		}.rows("Replica", false,
			textColumn("instance", "Replica", 160).wide(), textColumn("version", "Version", 120),
			textColumn("revision", "Revision", 120), textColumn("goversion", "Go", 100),
			timeColumn("B", "Figures", oldSteps(180, 600)...),
		),
		panel{
			title: "Size of the store", width: 12, height: 8, unit: unit{"bytes", 0}, min: new(0.0), none: "Not measured",
			help:    "How large the database is: of SQLite its file, of PostgreSQL everything in the database.",
			colors:  map[string]string{"Store": good().mark},
			queries: []query{{expr: `readiness:collector_store_bytes`, legend: "Store"}},
		}.lines(),
		panel{
			title: "Judgements of 24 hours", width: 12, height: 8, unit: count(), min: new(0.0), none: "None",
			help:    "Judgements of all replicas within 24 hours by their outcome.",
			queries: []query{{expr: `readiness:collector_evaluations:increase1d`, legend: "{{outcome}}"}},
			colors:  map[string]string{"success": good().mark, "failure": bad().mark},
		}.bars(),
	}
}
