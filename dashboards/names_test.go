package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/rules"
)

// unread are the families that no recording rule needs, by why.
var unread = map[string]string{
	"readiness_checks":                                     "counts the whole fleet; the dashboards count the services that are chosen",
	"readiness_framework_info":                             "the activation time has the same labels",
	"readiness_incident_resolution_geomean_seconds":        "for comparisons between periods, not for a glance",
	"readiness_incident_acknowledgement_p50_seconds":       "misleads without the never acknowledged; the share within 15 minutes is shown",
	"readiness_incident_acknowledgement_p90_seconds":       "as the median",
	"readiness_incident_acknowledgement_geomean_seconds":   "as the median",
	"readiness_group_incident_resolution_geomean_seconds":  "as of services",
	"readiness_incident_resolution_timed_out_ratio":        "explains a censored share; on the page of one service later",
	"readiness_incident_resolution_censored_ratio":         "beside the geometric mean, for comparisons",
	"readiness_incident_acknowledgement_censored_ratio":    "as above",
	"readiness_group_incident_resolution_censored_ratio":   "as above",
	"readiness_incident_machine_acknowledged_ratio":        "explains a low share of acknowledgements by people",
	"readiness_incidents_incomplete":                       "a panel has no line where a count of 0 is left out",
	"readiness_group_incidents_incomplete":                 "as above",
	"readiness_badge_incidents_incomplete":                 "as above",
	"readiness_group_alerts_incomplete":                    "as above",
	"readiness_incident_resolved_within_ratio":             "beside the median, for comparisons between periods",
	"readiness_incident_resolved_within_lower_ratio":       "as above",
	"readiness_incident_resolved_within_upper_ratio":       "as above",
	"readiness_group_incident_resolved_within_lower_ratio": "as above",
	"readiness_group_incident_resolved_within_upper_ratio": "as above",
	"readiness_incident_interruptions":                     "for comparisons between periods; the operational review counts pages",
	"readiness_incident_interruptions_unknown":             "as above",
	"readiness_group_incident_interruptions":               "as above",
	"readiness_group_incident_interruptions_unknown":       "as above",
	"readiness_incident_noise_unknown":                     "a class of which too little is known has no count",
	"readiness_group_incident_noise_unknown":               "as above",
	"readiness_badge":                                      "the level says it, on every page",
	"readiness_alert_compared_firings":                     "near the number of pages, which is shown beside the share",
	"readiness_group_alert_services":                       "shown for each service, where it can be mended",
	"readiness_group_alert_firing_duration_p50_seconds":    "as above",
	"readiness_group_alert_firing_duration_p90_seconds":    "as above",
	"readiness_group_alert_compared_firings":               "as above",
	"readiness_group_alert_history_covered_ratio":          "as above",
	"readiness_collector_request_duration_seconds":         "of one replica, for whoever runs it",
	"readiness_collector_clock_offset_seconds":             "of one replica, for whoever runs it",
}

const recordedPrefix = "readiness:"

// recorded checks the recording rules against the exporter, and is what they
// make.
func recorded(t *testing.T) vocabulary {
	t.Helper()
	raw, known, made, read := exported(), scraped(), vocabulary{}, set{}
	for _, r := range allRules(t) {
		if r.Record == "" {
			continue
		}
		if !strings.HasPrefix(r.Record, recordedPrefix) {
			t.Errorf("%s: recorded series begin with %s", r.Record, recordedPrefix)
		}
		if made[r.Record] != nil {
			t.Errorf("%s is recorded twice", r.Record)
		}
		labels := reader{t, r.Record, known, read}.labels(parse(t, r.Record, r.Expr))
		made[r.Record] = labels
		// A series of a family's name is that family, with all of its labels.
		family := "readiness_" + strings.TrimPrefix(r.Record, recordedPrefix)
		if !strings.Contains(family, ":") {
			want, ok := raw[family]
			if !ok {
				t.Errorf("%s is recorded from no family %s", r.Record, family)
			}
			for l := range want.and(labels) {
				if want[l] != labels[l] && !ofTarget()[l] {
					t.Errorf("%s: the label %s is of the family: %t, recorded: %t", r.Record, l, want[l], labels[l])
				}
			}
		}
	}
	// A histogram is read by any of its series.
	reads := set{}
	for series := range raw {
		family := series
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if trimmed := strings.TrimSuffix(series, suffix); raw[trimmed+"_bucket"] != nil {
				family = trimmed
			}
		}
		reads[family] = reads[family] || read[series]
	}
	for family, is := range reads {
		if _, listed := unread[family]; listed == is {
			t.Errorf("%s: read by a recording rule: %t, on the list of those that are not: %t", family, is, listed)
		}
	}
	return made
}

// legendLabels finds the labels in a legend.
var legendLabels = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// definitions reads the query of a variable.
var definitions = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// TestEveryNameExists holds rules and dashboards against the declarations of
// the exporter, in both directions: what they read exists, and what is recorded
// is read.
func TestEveryNameExists(t *testing.T) {
	made := recorded(t)
	read := set{}
	for _, r := range allRules(t) {
		if r.Alert != "" {
			labels := reader{t, r.Alert, made, read}.labels(parse(t, r.Alert, r.Expr))
			texts := maps.Clone(r.Annotations)
			texts["label severity"] = r.Labels["severity"]
			for name, text := range texts {
				for _, l := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
					if !labels[l[1]] && r.Labels[l[1]] == "" {
						t.Errorf("%s: the text %s names the label %s, which is not there", r.Alert, name, l[1])
					}
				}
			}
		}
	}
	for name, b := range boards(t) {
		for _, v := range b.Templating.List {
			if v.Type != "query" {
				continue
			}
			parts := definitions.FindStringSubmatch(v.Definition)
			if parts == nil {
				t.Errorf("%s: the variable %s asks %q", name, v.Name, v.Definition)
				continue
			}
			r := reader{t, name + ": the variable " + v.Name, made, read}
			r.require(r.labels(parse(t, r.at, parts[1])), "it", parts[2])
		}
		for _, a := range b.Annotations.List {
			r := reader{t, name + ": an annotation", made, read}
			labels := r.labels(parse(t, r.at, a.Expr))
			for _, l := range legendLabels.FindAllStringSubmatch(a.TitleFormat+a.TextFormat, -1) {
				r.require(labels, "its text", l[1])
			}
			r.require(labels, "its tags", strings.Split(a.TagKeys, ",")...)
			if !a.UseValueForTime {
				t.Errorf("%s: an annotation is not shown at the time that it tells", name)
			}
		}
		for _, p := range b.Panels {
			if p.Type != "row" && p.Type != "text" {
				checkPanel(t, name, p, made, read)
			}
		}
	}
	for metric := range made {
		if !read[metric] {
			t.Errorf("%s is recorded and nothing reads it", metric)
		}
	}
}

func checkPanel(t *testing.T, name string, p boardPanel, made vocabulary, read set) {
	t.Helper()
	shown := set{}
	for _, q := range p.Targets {
		r := reader{t, name + ": " + p.Title + ", query " + q.RefID, made, read}
		labels := r.labels(parse(t, r.at, q.Expr))
		for _, l := range legendLabels.FindAllStringSubmatch(q.LegendFormat, -1) {
			r.require(labels, "the legend", l[1])
		}
		value := "Value #" + q.RefID
		if len(p.Targets) == 1 {
			value = "Value"
		}
		shown = shown.and(labels, of(value))
	}
	if p.Type != "table" {
		return
	}
	placed := set{}
	for _, tr := range p.Transformations {
		if tr.ID == "groupingToMatrix" {
			placed = placed.and(of("Value", tr.Options.RowField, tr.Options.ColumnField))
		}
		for field := range tr.Options.ExcludeByName {
			placed[field] = true
		}
	}
	for field := range headers(p) {
		placed[field] = true
		if !shown[field] {
			t.Errorf("%s: %s: the column %s is filled by no query", name, p.Title, field)
		}
	}
	for field := range shown {
		if !placed[field] {
			t.Errorf("%s: %s: the field %s has no column", name, p.Title, field)
		}
	}
}

// templateMarks are the actions of a template of Prometheus.
var templateMarks = regexp.MustCompile(`\{\{.*?\}\}`)

func TestEveryAlertHasARunbook(t *testing.T) {
	const home = "https://github.com/prodready/collector/blob/main/rules/runbooks/"
	var want, addresses []string
	for _, b := range boards(t) {
		addresses = append(addresses, rules.Defaults().Grafana+"/d/"+b.UID)
	}
	for _, r := range allRules(t) {
		if r.Alert == "" {
			continue
		}
		want = append(want, r.Alert+".md")
		// By tier, severities are between the marks of a template.
		severities := strings.Fields(templateMarks.ReplaceAllString(r.Labels["severity"], " "))
		for _, severity := range severities {
			if !slices.Contains([]string{"critical", "warning", "info"}, severity) {
				t.Errorf("%s: severity is %q", r.Alert, severity)
			}
		}
		if ofService := strings.Contains(r.Annotations["summary"], "$labels.service_name"); len(severities) == 0 {
			t.Errorf("%s: no severity", r.Alert)
		} else if ofService && r.Labels["severity"] == "warning" {
			t.Errorf("%s is about a service, and its severity is not by tier", r.Alert)
		}
		for _, annotation := range []string{"summary", "description"} {
			if r.Annotations[annotation] == "" {
				t.Errorf("%s: no %s", r.Alert, annotation)
			}
		}
		if r.Annotations["runbook_url"] != home+r.Alert+".md" {
			t.Errorf("%s: the runbook is at %q", r.Alert, r.Annotations["runbook_url"])
		}
		if address := r.Annotations["dashboard_url"]; !slices.ContainsFunc(addresses, func(a string) bool {
			rest, is := strings.CutPrefix(address, a)
			return is && (rest == "" || rest == "?var-service={{ $labels.service_name | urlquery }}")
		}) {
			t.Errorf("%s: the dashboard is at %q, want one of %q", r.Alert, address, addresses)
		}
	}
	entries, err := rules.Files.ReadDir("runbooks")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
		text, err := rules.Files.ReadFile("runbooks/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, heading := range []string{"# " + strings.TrimSuffix(e.Name(), ".md"), "## What it means",
			"## What users feel", "## Where to look", "## How to stop the harm"} {
			if !strings.Contains("\n"+string(text), "\n"+heading+"\n") {
				t.Errorf("%s: there is no heading %q", e.Name(), heading)
			}
		}
	}
	slices.Sort(want)
	if !slices.Equal(want, have) {
		t.Errorf("alerts and runbooks differ:\n%q\n%q", want, have)
	}
}
