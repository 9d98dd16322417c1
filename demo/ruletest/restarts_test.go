package ruletest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// Minutes of the worlds in which the collector is disturbed: every alert that can fire does
// when the disturbance begins, those that wait for a day included.
const (
	disturbed = 26 * 60
	watched   = disturbed + 30
)

// fed is a series of one replica as it is scraped each minute: %s is the label of the
// instance. bad makes alerts fire and good does not.
type fed struct {
	series    string
	bad, good value
}

// value is that of a series at a minute since the process began; began is the minute of that.
// It returns false while the process does not serve the series yet.
type value func(minute, began int) (float64, bool)

// judged is a figure of the snapshot, which a process serves when it has judged once.
func judged(v float64) value {
	return func(minute, began int) (float64, bool) { return v, began == 0 || minute > began }
}

// live is a figure of the process, there from the beginning.
func live(v float64) value { return func(int, int) (float64, bool) { return v, true } }

// later is a figure that a process has some minutes after it has begun; until then it is
// another one, or missing.
func later(v float64, minutes int, until ...float64) value {
	return func(minute, began int) (float64, bool) {
		if began == 0 || minute >= began+minutes {
			return v, true
		}
		return slices.Max(append(until, 0)), len(until) > 0
	}
}

// counted is a counter that a process begins at zero.
func counted(perMinute float64) value {
	return func(minute, began int) (float64, bool) { return perMinute * float64(minute-began), true }
}

// from is a figure that changes at a minute; before it, it is another one, or missing.
func from(at int, after value, before ...value) value {
	return func(minute, began int) (float64, bool) {
		if minute >= at {
			return after(minute, began)
		}
		if len(before) == 0 {
			return 0, false
		}
		return before[0](minute, began)
	}
}

// missing is a series that does not exist.
func missing(int, int) (float64, bool) { return 0, false }

// recent is a success of some minutes ago, as the store remembers it.
func recent(minute, _ int) (float64, bool) { return float64(minute/5) * 300, true }

// of are the series of a service: its attributes, its judgement, and others.
func of(name, tier string, others ...fed) []fed {
	all := []fed{{
		`readiness_service_info{service_name="` + name + `", team="payments", org="shop", tier="` + tier + `", %s}`,
		judged(1), judged(1),
	}}
	for _, f := range others {
		f.series = strings.Replace(f.series, "{", `{service_name="`+name+`", `, 1)
		all = append(all, f)
	}
	return all
}

// world is a fleet and a collector in which alerts fire.
type world struct {
	series []fed
	fires  []string
}

// transition is the newest change of a badge, an hour before the disturbance.
func transition(name, direction, cause string) []fed {
	return of(name, "2",
		fed{
			`readiness_badge_last_transition_timestamp_seconds{direction="` + direction + `", cause="` + cause +
				`", from="silver", to="gold", %s}`,
			judged((disturbed - 60) * 60), judged(0),
		},
		fed{`readiness_badge_last_transition_announced{%s}`, judged(1), judged(1)})
}

// worlds are those in which, together, every alert fires.
func worlds() map[string]world {
	const (
		hour = 3600.0
		day  = 24 * hour
		now  = disturbed * 60.0
	)
	criteria := `name="default", version="1.1.0", hash="bb", %s}`
	first := fed{`readiness_framework_activated_timestamp_seconds{name="default", version="1.0.0", hash="aa", %s}`, judged(-30 * day), judged(-30 * day)}
	snapshots := fed{`readiness_snapshot_timestamp_seconds{%s}`, judged(now), judged(now)}
	services := slices.Concat(
		transition("lost", "regress", "evidence"), transition("lapsed", "regress", "lapse"),
		transition("withdrawn", "regress", "criteria"), transition("reached", "award", "evidence"),
		of("checkout", "1",
			fed{`readiness_badge_lapse_timestamp_seconds{%s}`, judged(now + 2*day), missing},
			fed{`readiness_badge_level{%s}`, judged(0), judged(3)},
			fed{`readiness_oncall_gap_start_timestamp_seconds{%s}`, judged(now + day), judged(now + 20*day)},
			fed{`readiness_review_due_timestamp_seconds{%s}`, judged(now - 3*day), judged(now + 9*day)},
			fed{`readiness_review_drift_checks{%s}`, judged(2), judged(0)},
			fed{`readiness_incident_noise{window="30d", class="any_noise", %s}`, judged(20), judged(2)},
			fed{`readiness_incident_noise{window="30d", class="all", %s}`, judged(30), judged(30)},
			fed{`readiness_target_late_since_timestamp_seconds{%s}`, judged(now - 5*day), missing},
			fed{`readiness_exemption_expiry_timestamp_seconds{check="runbook", %s}`, judged(now + day), judged(now + 40*day)},
		),
	)
	newcomer := of("newcomer", "1",
		fed{`readiness_badge_level{%s}`, judged(0), judged(0)},
		fed{`readiness_grace_end_timestamp_seconds{%s}`, judged(now + day), judged(now + day)},
	)
	sources := []fed{
		// One that fails, one that never succeeded, one whose rounds have stopped; and one
		// that is asked every six hours and is well.
		{`readiness_collector_runs_total{source="jira/main", outcome="failure", %s}`, from(disturbed-120, counted(0.2), live(0)), live(0)},
		{`readiness_collector_runs_total{source="jira/main", outcome="success", %s}`, from(disturbed-120, live(300), counted(0.2)), counted(0.2)},
		{`readiness_collector_last_success_timestamp_seconds{source="jira/main", %s}`, live(now - 2*hour), recent},
		{`readiness_collector_runs_total{source="pagerduty/new", outcome="failure", %s}`, counted(0.2), live(0)},
		{`readiness_collector_runs_total{source="pagerduty/new", outcome="success", %s}`, live(0), counted(0.2)},
		{`readiness_collector_last_success_timestamp_seconds{source="pagerduty/new", %s}`, missing, recent},
		{`readiness_collector_runs_total{source="prometheus/main", outcome="success", %s}`, live(0), counted(0.2)},
		{`readiness_collector_last_success_timestamp_seconds{source="prometheus/main", %s}`, live(now - 3*day), recent},
		{`readiness_collector_runs_total{source="jira/slow", outcome="success", %s}`, counted(1 / 360.0), counted(1 / 360.0)},
		{`readiness_collector_last_success_timestamp_seconds{source="jira/slow", %s}`, live(now - 5*hour), live(now - 5*hour)},
		{`readiness_collector_requests_total{source="jira/main", call="search", reason="server_error", %s}`, counted(4), missing},
		{`readiness_collector_requests_total{source="jira/main", call="search", reason="ok", %s}`, counted(1), counted(4)},
		{`readiness_collector_circuit_open{source="jira/main", %s}`, live(0), live(0)},
		{`readiness_collector_circuit_open{source="jira/slow", %s}`, live(0), live(0)},
		{`readiness_collector_circuit_open{source="pagerduty/new", %s}`, later(1, 5, 0), live(0)},
		{`readiness_collector_circuit_open{source="prometheus/main", %s}`, live(0), live(0)},
		{`readiness_collector_rate_limit{source="jira/main", %s}`, later(900, 2), later(900, 2)},
		{`readiness_collector_rate_limit_remaining{source="jira/main", %s}`, later(10, 2), later(800, 2)},
		{`readiness_collector_token_expiry_timestamp_seconds{source="jira/main", %s}`, live(now + day), live(now + 40*day)},
		{`readiness_collector_token_expiry_timestamp_seconds{source="pagerduty/new", %s}`, live(now - day), live(now + 40*day)},
		{`readiness_collector_reload_success{%s}`, live(0), live(1)},
	}
	fleet := []fed{
		first, snapshots,
		{`readiness_framework_activated_timestamp_seconds{` + criteria, from(disturbed-300, judged(now-5*hour)), missing},
		{`readiness_framework_pin_end_timestamp_seconds{` + criteria, judged(now + day), judged(now + 40*day)},
		{`readiness_framework_services{` + criteria, judged(6), judged(6)},
		{`readiness_service_info{service_name="renamed", exported_team="payments", team="monitoring", org="shop", tier="2", %s}`, judged(1), missing},
	}
	thinner := []fed{first, snapshots}
	for i := range 4 {
		thinner = append(thinner, fed{
			fmt.Sprintf(`readiness_evidence_coverage_ratio{service_name="%d", %%s}`, i),
			from(disturbed-120, judged(0.4), judged(0.9)), judged(0.9),
		})
	}
	return map[string]world{
		"everything goes wrong": {slices.Concat(services, newcomer, sources, fleet), []string{
			"ReadinessBadgeRegressed", "ReadinessBadgeLapsed", "ReadinessBadgeWithdrawn", "ReadinessBadgeReached",
			"ReadinessBadgeLapses", "ReadinessTierOneBelowMinimum", "ReadinessOnCallGapAhead", "ReadinessReviewOverdue",
			"ReadinessReviewDrifted", "ReadinessNoiseHigh", "ReadinessTargetLate", "ReadinessExemptionEnds",
			"ReadinessEvidenceStale", "ReadinessEvidenceStale", "ReadinessEvidenceStale",
			"ReadinessSourceFailing", "ReadinessSourceFailing", "ReadinessRequestBudgetNearlyUsed",
			"ReadinessTokenExpires", "ReadinessTokenExpired", "ReadinessReloadFailed",
			"ReadinessFrameworkChanged", "ReadinessPinEnds", "ReadinessLabelsRenamed",
		}},
		"evidence is thinner": {thinner, []string{"ReadinessCoverageDropped"}},
		"nothing is judged": {
			[]fed{{`readiness_snapshot_timestamp_seconds{%s}`, missing, judged(now)}}, []string{"ReadinessCollectorAbsent"},
		},
	}
}

// outage is what happens to one replica: between two minutes it is not scraped, and after
// them it is another process, perhaps under another name, or the same.
type outage struct {
	replica, to int
	minutes     int
	restarts    bool
}

// outages are what no alert may notice.
func outages() map[string]struct {
	replicas int
	outage
} {
	type of = struct {
		replicas int
		outage
	}
	return map[string]of{
		"one failed scrape":                {1, outage{0, 0, 1, false}},
		"a restart":                        {1, outage{0, 0, 3, true}},
		"a restart under another name":     {1, outage{0, 1, 3, true}},
		"a restart of one of two replicas": {2, outage{1, 1, 3, true}},
		"the end of one of two replicas":   {2, outage{1, 2, 3, true}},
	}
}

// input are the series of a world in the notation of the engine: a sample each minute, but
// each quarter of an hour long before the disturbance, when the rules are not asked more often.
func (w world) input(replicas int, o outage, good bool) string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for _, f := range w.series {
		v := f.bad
		if good {
			v = f.good
		}
		for i := range max(replicas, o.to+1) {
			fmt.Fprintf(&b, "  %s", fmt.Sprintf(f.series, fmt.Sprintf(`job="readiness", instance="%c"`, 'a'+i)))
			before := false
			for minute := range watched + 1 {
				sample, there := 0.0, false
				switch {
				case i == o.replica && minute < disturbed, i < replicas && i != o.replica:
					sample, there = v(minute, 0)
				case i == o.to && minute >= disturbed+o.minutes && o.restarts:
					sample, there = v(minute, disturbed+o.minutes)
				case i == o.to && minute >= disturbed+o.minutes:
					sample, there = v(minute, 0)
				}
				switch {
				case minute < disturbed-75 && minute%15 != 0:
					b.WriteString(" _")
					continue
				case there:
					b.WriteString(" " + strconv.FormatFloat(sample, 'f', -1, 64))
				case before:
					b.WriteString(" stale")
				default:
					b.WriteString(" _")
				}
				before = there
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// TestNoAlertNoticesARestart has every alert fire, and then the collector restart, or one
// scrape fail, or one of two replicas restart: nothing ends, and nothing begins or begins
// again. Where all is well, nothing begins either.
func TestNoAlertNoticesARestart(t *testing.T) {
	fired, read := map[string]bool{}, testFiles(t, nil)["restarts.yaml"]
	versions := map[string]file{"prometheus 3": read, "prometheus 2": testFiles(t, asPrometheus2)["restarts.yaml"]}
	for place, w := range worlds() {
		for _, name := range w.fires {
			fired[name] = true
		}
		for what, o := range outages() {
			for version, f := range versions {
				t.Run(version+"/"+place+"/"+what, func(t *testing.T) {
					t.Parallel()
					firesOn(t, f, w.input(o.replicas, o.outage, false), w.fires)
				})
				t.Run(version+"/all is well where "+place+"/"+what, func(t *testing.T) {
					t.Parallel()
					firesOn(t, f, w.input(o.replicas, o.outage, true), nil)
				})
			}
		}
	}
	syntax := parser.NewParser(parser.Options{})
	for _, g := range load(t, read, unitTest{Interval: model.Duration(time.Minute)}, idle(t, syntax), syntax) {
		for _, r := range g.Rules() {
			if _, ok := r.(*rules.AlertingRule); ok && !fired[r.Name()] {
				t.Errorf("%s fires in no world in which the collector restarts", r.Name())
			}
		}
	}
}

// firesOn fails unless the alerts with these names, and no others, fire when the disturbance
// begins, and are the same, since the same time, in the next half hour; what waits
// is the same at its end.
func firesOn(t *testing.T, f file, input string, want []string) {
	t.Helper()
	syntax := parser.NewParser(parser.Options{})
	engine, err := promqltest.NewLazyLoader(
		input, promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true, Parser: syntax},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	groups := load(t, f, unitTest{Interval: model.Duration(time.Minute)}, engine, syntax)
	var before, waited map[string]string
	want = slices.Sorted(slices.Values(want))
	for minute := 0; minute <= watched; {
		now := time.Unix(int64(minute)*60, 0).UTC()
		evaluate(t, engine, groups, now)
		switch fires, waits := active(groups); {
		case minute == disturbed-1:
			if names := slices.Sorted(maps.Values(fires)); !slices.Equal(names, want) {
				t.Fatalf("before the disturbance fire\n%q, want\n%q", names, want)
			}
			before, waited = fires, waits
		case minute >= disturbed && !maps.Equal(before, fires):
			t.Fatalf("%d minutes after the disturbance began: begun %q, ended %q", minute-disturbed,
				without(fires, before), without(before, fires))
		case minute == watched && !maps.Equal(waited, waits):
			t.Fatalf("half an hour after the disturbance: begun to wait %q, no longer %q", without(waits, waited), without(waited, waits))
		}
		minute += step(minute)
	}
}

// step is after how many minutes the rules are asked again: each minute after the
// disturbance until 20 minutes of ranges are over, more often than these ranges before it and
// a day before it, else now and then.
func step(minute int) int {
	const day = 24 * 60
	switch {
	case minute >= disturbed+20:
		return 5
	case minute >= disturbed-1:
		return 1
	case minute >= disturbed-30:
		return min(2, disturbed-1-minute)
	case minute >= disturbed-75:
		return 15
	case minute < watched-day:
		return 15
	default:
		return min(120, disturbed-75-minute)
	}
}

// active are the names of the alerts that fire, and of those that wait, by their labels and
// the time they began at.
func active(groups []*rules.Group) (fires, waits map[string]string) {
	fires, waits = map[string]string{}, map[string]string{}
	for _, g := range groups {
		for _, r := range g.Rules() {
			alert, ok := r.(*rules.AlertingRule)
			if !ok {
				continue
			}
			for _, a := range alert.ActiveAlerts() {
				to := waits
				if a.State == rules.StateFiring {
					to = fires
				}
				to[a.Labels.String()+" since "+a.ActiveAt.UTC().Format(time.TimeOnly)] = r.Name()
			}
		}
	}
	return fires, waits
}

// without are the keys of one that the other does not have.
func without(one, other map[string]string) []string {
	var out []string
	for key := range one {
		if _, found := other[key]; !found {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}
