package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// sampleRound has one of everything, and names that would harm a terminal.
func sampleRound(t *testing.T) *Round {
	t.Helper()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	age := evidence.Definition{Name: "backup.age_hours", Kind: evidence.KindDouble, Unit: "hours",
		Clock: evidence.Elapsed, Help: "x"}
	facts, err := evidence.NewFacts([]evidence.Definition{age,
		{Name: "pagerduty.oncall_now", Kind: evidence.KindInt, Help: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	backup, _ := age.Observe(5, now)
	half, _ := evidence.Double(0.5)
	r := NewRound("pagerduty/main", "as a first round: there is no store to read", facts, 3, now)
	r.Plan([]collectors.PlannedCall{
		{Call: "GET /services", Query: "limit=100&include[]=teams", Requests: "one for each 100 services",
			Facts: []string{"pagerduty.integrations", "pagerduty.service_exists"}},
		{Call: "POST /api/v1/query", Query: "sum by (job) (\n  up\n)", Requests: "1"},
	})
	var incidents []evidence.Incident
	for i := range 23 {
		incidents = append(incidents, evidence.Incident{ID: fmt.Sprintf("Q%02d", i), Services: []string{"checkout"},
			StartedAt: now.Add(-time.Duration(100-i) * time.Hour), AcksKnown: true})
	}
	incidents[20].AcknowledgedAt, incidents[20].ResolvedAt = incidents[20].StartedAt.Add(3*time.Minute),
		incidents[20].StartedAt.Add(2*time.Hour)
	incidents[20].Resolver, incidents[20].Urgent, incidents[20].Responders = evidence.ResolverPerson, true,
		[]string{"aa", "bb"}
	incidents[21].Services, incidents[21].AcksKnown, incidents[21].Template = []string{"cart", "checkout"}, false,
		"disk of \x1b[31m# full\n"
	incidents[22].Gone, incidents[22].GoneWhy = true, "it left the query"
	for _, in := range []evidence.Record{
		{Service: "checkout", Fact: "pagerduty.oncall_now", Value: evidence.Int(2), Detail: "EGOOD level 1", ObservedAt: now},
		{Service: "cart", Fact: "backup.age_hours", Value: backup,
			Detail: "max by (job) (backup_age) of prometheus/main, a detail that is far too long for the width of any terminal", ObservedAt: now.Add(-time.Minute)},
		{Service: "カート", Fact: "undeclared.fact", Value: half, ObservedAt: now},
	} {
		r.Record(in)
	}
	for _, in := range incidents {
		r.Incidents = append(r.Incidents, RoundIncident{in})
	}
	r.Reviews = []evidence.Review{{ID: "101", Key: "PRR-1", Service: "cart", Status: evidence.ReviewInProgress,
		CreatedAt: now.Add(-48 * time.Hour)}}
	r.Alerts = []evidence.AlertFiring{{Fingerprint: "f", Alert: "Slow", Services: []string{"cart"}, Severity: "page",
		Paging: true, StartedAt: now.Add(-time.Hour)}}
	r.Feedback = []evidence.Feedback{{Check: "inc.covered", Kind: evidence.FeedbackUnclear, Count: 1234}}
	r.Withdrawals = []RoundWithdrawal{{Service: "ghost", Fact: "pagerduty.oncall_now",
		Reason: string(evidence.MissingNotFound)}}
	r.Covered = []evidence.Coverage{{Group: "oncall", Facts: []string{"pagerduty.oncall_now"}, At: now,
		Except: map[string]evidence.Missing{"ghost": evidence.MissingNotFound, "cart": evidence.MissingNoReference}}}
	r.Skipped = map[string]int{"GET /incidents": 3}
	r.Asked(map[Request]int{{"GET /services", "ok"}: 12, {"GET /oncalls", "forbidden"}: 1})
	r.Error = "GET /oncalls: forbidden (HTTP 403): no; give the credential the scope"
	r.Finish(1500 * time.Millisecond)
	return r
}

func TestARoundLooksAsItDid(t *testing.T) {
	r := sampleRound(t)
	for name, write := range map[string]func(io.Writer) error{
		"round-plan.txt":    func(w io.Writer) error { return r.WritePlan(w, Style{}) },
		"round-plan-80.txt": func(w io.Writer) error { return r.WritePlan(w, Style{Width: 80}) },
		"round.txt":         func(w io.Writer) error { return r.WriteTable(w, Style{}) },
		"round-all-100.txt": func(w io.Writer) error { return r.WriteTable(w, Style{Width: 100, All: true}) },
		"round-colour.txt":  func(w io.Writer) error { return r.WriteTable(w, Style{Colour: true, Width: 60}) },
		"round.json":        Rounds{Sources: []*Round{r}}.WriteJSON,
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
			if name != "round-colour.txt" && bytes.Contains(out.Bytes(), []byte("\x1b")) {
				t.Error("an escape sequence came through")
			}
		})
	}
}

func TestARoundOfOneServiceKeepsWhatConcernsIt(t *testing.T) {
	r := sampleRound(t)
	r.Of("cart")
	if len(r.Records) != 1 || len(r.Incidents) != 1 || len(r.Reviews) != 1 || len(r.Alerts) != 1 ||
		len(r.Withdrawals) != 0 || len(r.Covered[0].Except) != 1 || len(r.Requests) != 2 {
		t.Errorf("%+v", r)
	}
	r.Of("nobody")
	if len(r.Records)+len(r.Incidents)+len(r.Reviews)+len(r.Alerts)+len(r.Covered[0].Except) != 0 {
		t.Errorf("%+v", r)
	}
}

// TestARoundFitsItsWidth has a fleet of which most is excepted, and a query and
// facts that fill many lines.
func TestARoundFitsItsWidth(t *testing.T) {
	var calls []string
	except := map[string]evidence.Missing{}
	var gone []RoundWithdrawal
	var records []evidence.Record
	for i := range 45 {
		name := fmt.Sprintf("service-%02d", i)
		calls, except[name] = append(calls, "prometheus.fact_"+name), evidence.MissingNoReference
		gone = append(gone, RoundWithdrawal{Service: name, Fact: "backup.age_hours", Reason: string(evidence.MissingTooFew),
			Unstored: i > 0})
		records = append(records, evidence.Record{Service: name, Fact: "pagerduty.oncall_now", Value: evidence.Int(1)})
	}
	six := map[string]evidence.Missing{}
	for i := range 6 {
		six[fmt.Sprintf("service-%02d", i)] = evidence.MissingNoData
	}
	r := sampleRound(t)
	r = NewRound(r.Source, r.StartsFrom, r.facts, 45, r.At)
	r.Plan([]collectors.PlannedCall{{Call: "POST /api/v1/query", Query: strings.Repeat("sum by (job) (up) or ", 60),
		Requests: "1", Facts: calls}})
	for _, in := range records {
		r.Record(in)
	}
	r.Withdrawals, r.Covered = gone, []evidence.Coverage{{Group: "all", Except: except}, {Group: "six", Except: six}}
	r.Finish(time.Second)
	for _, style := range []Style{{}, {Width: 80}, {Width: 200, All: true}} {
		var out bytes.Buffer
		if err := errors.Join(r.WritePlan(&out, style), r.WriteTable(&out, style)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := textWidth(strings.TrimSuffix(line, "\n")); n > bounded(style).Width {
				t.Errorf("%d columns at width %d: %s", n, style.Width, line)
			}
		}
		if style.Width > 0 {
			continue
		}
		for _, want := range []string{
			"all 45: needs a catalog entry for pagerduty/main", "6: service-00, service-01, service-02 and 3 more (the source",
			"and 5 records more; --all lists them, --service NAME", "45 records, ", "44 unknown, 1 withdrawal,",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, out.String())
			}
		}
	}
}

// TestWithoutATerminalIdentifiersAreNeverCut has names that are longer than a
// line: programs read them.
func TestWithoutATerminalIdentifiersAreNeverCut(t *testing.T) {
	service, fact := strings.Repeat("service-", 12)+"1", "pagerduty."+strings.Repeat("long_", 14)+"name"
	r := sampleRound(t)
	r = NewRound(r.Source, r.StartsFrom, r.facts, 1, r.At)
	r.Plan([]collectors.PlannedCall{{Call: "GET /oncalls", Requests: "1", Facts: []string{fact}}})
	detail := "found in " + strings.Repeat("many words ", 20) + "end"
	record := evidence.Record{Service: service, Fact: fact, Value: evidence.Int(1), Detail: detail}
	incident := evidence.Incident{ID: "Q1", Services: []string{"cart", service}, StartedAt: r.At}
	r.Record(record)
	r.Incidents = append(r.Incidents, RoundIncident{incident})
	r.Finish(time.Second)
	var out bytes.Buffer
	if err := errors.Join(r.WritePlan(&out, Style{}), r.WriteTable(&out, Style{})); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.Count(text, service) != 2 || strings.Count(text, fact) != 2 || !strings.Contains(text, "OBSERVED AT") {
		t.Errorf("a name is cut or a column left out:\n%s", text)
	}
	if strings.Contains(text, "…") || !strings.Contains(text, "end\n") {
		t.Errorf("a detail is cut:\n%s", text)
	}
}
