package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/pages"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/review"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// fourChecksOfAModule have two that the service fails, and is exempt from.
const fourChecksOfAModule = `{apiVersion: readiness/v1, kind: Framework, name: f, version: 1.0.0, modules: [
  {id: m, name: M, checks: [
    {id: m.one, title: One, level: 1, proofs: [{by: machine, pass: f.one}]},
    {id: m.two, title: Two, level: 2, proofs: [{by: machine, pass: f.two}]},
    {id: m.three, title: Three, level: 3, proofs: [{by: machine, pass: f.one}]},
    {id: m.four, title: Four, level: 3, proofs: [{by: machine, pass: f.two}]}]}]}`

// surfaces are everything that shows the service at a time, by name. One of the
// exemptions is of a file, the other of a ticket. change may change the snapshot.
func surfaces(t *testing.T, at time.Time, change func(*snapshot.Snapshot)) map[string]string {
	t.Helper()
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "f.one", Kind: evidence.KindBool, Help: "One."}, {Name: "f.two", Kind: evidence.KindBool, Help: "Two."},
	})
	if err != nil {
		t.Fatal(err)
	}
	document, err := framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(fourChecksOfAModule)}})
	if err != nil {
		t.Fatal(err)
	}
	criteria, err := framework.Compile(document, facts)
	if err != nil {
		t.Fatal(err)
	}
	row := make(evidencetest.Row, facts.Len())
	for name, value := range map[string]bool{"f.one": true, "f.two": false} {
		i, _ := facts.Index(name)
		row[i] = &evidence.Observation{
			Value: evidence.Bool(value), Source: "prometheus/main", Since: at.Add(-time.Hour), ObservedAt: at,
			FreshUntil: at.Add(time.Hour), ValidUntil: at.Add(time.Hour), HealthyUntil: at.Add(time.Hour),
		}
	}
	entry := &catalog.Service{Name: "checkout", Tier: 1, Team: "a", Org: "x"}
	expires := now.Add(6 * 24 * time.Hour)
	exemptions := []scoring.Exemption{
		{Check: "m.two",
			Selector: scoring.Selector{Services: []string{"checkout"}}, Reason: "no support yet",
			RequestedBy: "team a", Approver: "board",
			Expires: expires},
		{Check: "m.four",
			Selector: scoring.Selector{Services: []string{"checkout"}}, Reason: "a move", Ticket: "PRR-7", Expires: expires},
	}
	subject := scoring.NewSubject(entry, facts, row)
	cards := scoring.Judge(scoring.Inputs{
		Framework: criteria, Exemptions: exemptions, Evidence: evidencetest.Rows{"checkout": row}.Row,
		Subjects: []scoring.Subject{subject},
	}, at)
	since := now.Add(-time.Hour)
	s := &snapshot.Snapshot{At: at, Framework: criteria, Exemptions: exemptions, Services: []snapshot.Service{{
		Entry: entry, Card: &cards[0], Evidence: row,
		Badge: scoring.BadgeState{Badge: framework.Gold, FirstJudged: since, Since: since, At: at},
	}}}
	change(s)
	found := map[string]string{}
	add := func(name string, write func(io.Writer) error) {
		t.Helper()
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found[name] = b.String()
	}
	card, _ := report.NewScorecard(s, "checkout")
	add("score", func(w io.Writer) error { return card.WriteText(w, report.Style{Width: 100}) })
	add("score in JSON", card.WriteJSON)
	add("score in CSV", card.WriteCSV)
	add("playbook", report.NewPlaybook(card, report.PlaybookOptions{Badge: framework.Gold}).WriteMarkdown)
	gate, err := report.NewGate(card, report.GateQuery{}, at)
	if err != nil {
		t.Fatal(err)
	}
	add("gate", func(w io.Writer) error { return gate.WriteText(w, report.Style{Width: 100}) })
	add("gate in Markdown", gate.WriteMarkdown)
	add("gate in JSON", gate.WriteJSON)
	fleet := report.NewFleet(s)
	add("fleet", func(w io.Writer) error { return fleet.WriteTable(w, report.Style{Width: 100}) })
	add("fleet in JSON", fleet.WriteJSON)
	history := report.NewHistory(report.HistoryInput{
		Snapshot: s, Service: "checkout", Since: now.Add(-time.Hour), Exemptions: exemptions,
		Statuses: []snapshot.StatusSpan{
			{Check: "m.two", Status: scoring.Fail, Since: now.Add(-2 * time.Hour), Until: now.Add(-time.Minute)},
			{Check: "m.two", Status: cards[0].Checks[1].Status, Since: now.Add(-time.Minute)},
		},
	})
	add("history", func(w io.Writer) error { return history.WriteText(w, report.Style{Width: 100}) })
	period, err := review.ParsePeriod("week", at)
	if err != nil {
		t.Fatal(err)
	}
	reviewed := review.New(review.Input{
		Period: period, Snapshot: s, Exemptions: exemptions, NoIncidents: "None are collected.",
	})
	for _, format := range []review.Format{review.HTML, review.JSON, review.Markdown} {
		add("review "+string(format), func(w io.Writer) error { return reviewed.Write(w, format) })
	}
	page, err := new(exporter.Renderer).Render(s, exporter.Options{Detail: exporter.Full, CheckStatusPass: true})
	if err != nil {
		t.Fatal(err)
	}
	found["metrics"] = string(page.Bytes(exporter.Text))
	o := options(s)
	if o.Pages, err = pages.New(pages.Options{Current: o.Current, Past: noPast{}}); err != nil {
		t.Fatal(err)
	}
	api, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"API": "/api/v1/services/checkout", "API of the fleet": "/api/v1/services", "page of the fleet": "/",
		"page of the service": "/services/checkout", "badge": "/badge/checkout.svg", "page of the check": "/checks/m.two",
	} {
		answer := httptest.NewRecorder()
		api.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
		}
		found[name] = answer.Body.String()
	}
	return found
}

// What is exempt is shown as exempt on every surface, never as passed, and with the first
// moment after its end on none.
func TestExemptIsShownAsExemptEverywhere(t *testing.T) {
	expires := now.Add(6 * 24 * time.Hour)
	goldIsAsked := func(s *snapshot.Snapshot) {
		s.Targets = []scoring.Target{{Selector: scoring.Selector{Tiers: []int{1}}, Badge: framework.Gold}}
	}
	inForce, ended := surfaces(t, now, goldIsAsked), surfaces(t, expires, goldIsAsked)
	for name, texts := range map[string][]string{
		"score":               {"Gold (2 exempt)", "EXEMPT", "6 days left", "requested by team a, approved by board", "approved in PRR-7"},
		"score in JSON":       {`"status": "exempt"`, `"exempt": 2`, `"ticket": "PRR-7"`},
		"score in CSV":        {"m.two,2,silver,Two,exempt", "m.four,3,gold,Four,exempt"},
		"playbook":            {"2 of 4 checks done, 2 exempt", "- **Two** for Silver (m.two), exempt until"},
		"gate":                {"2 exempt", "exempt until"},
		"gate in JSON":        {`"status": "exempt"`},
		"gate in Markdown":    {"exempt until"},
		"fleet":               {"EXEMPT"},
		"fleet in JSON":       {`"exempt": 2`},
		"history":             {"exempt"},
		"review html":         {"PRR-7", "no support yet"},
		"review json":         {`"reason": "no support yet"`, `"ticket": "PRR-7"`},
		"review md":           {"PRR-7", "no support yet"},
		"API":                 {`"status":"exempt"`, `"exempt":2`, `"ticket":"PRR-7"`},
		"API of the fleet":    {`"exempt":2`},
		"page of the fleet":   {"Gold</span> 2 exempt"},
		"page of the service": {"Gold, 2 exempt", "PRR-7", "no support yet"},
		"page of the check":   {"Exempt for a time"},
		"badge":               {"Gold, 2 exempt"},
		"metrics": {
			fmt.Sprintf(`readiness_exemption_expiry_timestamp_seconds{service_name="checkout",check="m.two"} %d`, expires.Unix()),
			`readiness_check_status{service_name="checkout",module="m",check="m.two",status="exempt"} 1`,
		},
	} {
		before, after := compact(name, inForce[name]), compact(name, ended[name])
		for _, want := range texts {
			want = compact(name, want)
			if !strings.Contains(before, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, inForce[name])
			}
			// The history keeps that it was, and says that it has ended.
			if name != "history" && strings.Contains(after, want) {
				t.Errorf("%s still has %q when it has ended:\n%s", name, want, ended[name])
			}
		}
		delete(inForce, name)
	}
	for name := range inForce {
		t.Errorf("nothing is asked of %s", name)
	}
	if !strings.Contains(ended["history"], "ended (no support yet, requested by team a, approved by board)") {
		t.Errorf("the history does not say that it has ended:\n%s", ended["history"])
	}
	var card report.Scorecard
	if err := json.Unmarshal([]byte(ended["API"]), &card); err != nil {
		t.Fatal(err)
	}
	if card.Checks[1].Status != "fail" || card.Checks[3].Status != "fail" {
		t.Errorf("what is not exempt any more is %s and %s", card.Checks[1].Status, card.Checks[3].Status)
	}
}

var blanks = regexp.MustCompile(`\s+`)

// compact makes texts comparable: JSON without blanks, pages without their escapes.
func compact(name, text string) string {
	if strings.Contains(name, "JSON") || strings.Contains(name, "json") || strings.HasPrefix(name, "API") {
		return blanks.ReplaceAllString(text, "")
	}
	return html.UnescapeString(text)
}

// TestATargetIsShownEverywhere, with how far the service is from it and since when.
func TestATargetIsShownEverywhere(t *testing.T) {
	at := now.Add(6 * 24 * time.Hour) // two checks are exempt no longer
	day := func(d int) time.Time { return at.Truncate(24*time.Hour).AddDate(0, 0, d) }
	stands := func(by time.Time) func(s *snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) {
			s.Services[0].Badge.Badge, s.Services[0].Badge.FirstJudged = framework.Bronze, day(-100)
			s.Targets = []scoring.Target{{
				Selector: scoring.Selector{Services: []string{"check*"}}, Badge: framework.Gold, By: by, Reason: "the season",
			}}
		}
	}
	date := func(t time.Time) string { return t.Format(time.DateOnly) }
	late := surfaces(t, at, stands(day(-11)))
	due := surfaces(t, at, stands(day(9)))
	lateText, dueText := "late since "+date(day(-10))+" (10 days); 2 checks to go", "due, 9 days left; 2 checks to go"
	for name, c := range map[string]struct{ late, due []string }{
		"score": {[]string{"Gold by " + date(day(-11)) + ": " + lateText, "Why: the season."},
			[]string{"Gold by " + date(day(9)) + ": " + dueText}},
		"score in JSON":    {[]string{`"on_target": "late"`, `"late_since": "` + date(day(-10))}, []string{`"on_target": "due"`}},
		"score in CSV":     {},
		"playbook":         {},
		"history":          {},
		"badge":            {},
		"fleet":            {},
		"fleet in JSON":    {[]string{`"on_target": "late"`}, []string{`"late_from": "` + date(day(10))}},
		"gate":             {[]string{"its target Gold", lateText}, []string{dueText}},
		"gate in Markdown": {[]string{"its target Gold", lateText}, []string{dueText}},
		"gate in JSON":     {[]string{`"own_target": true`, lateText}, []string{dueText}},
		"review html":      {[]string{lateText}, []string{dueText}},
		"review json":      {[]string{lateText}, []string{dueText}},
		"review md":        {[]string{lateText}, []string{dueText}},
		"API":              {[]string{`"on_target":"late"`, `"target_reason":"the season"`}, []string{`"on_target":"due"`}},
		"API of the fleet": {[]string{`"on_target":"late"`, `"target_gap_checks":`}, []string{`"on_target":"due"`}},
		"page of the fleet": {
			[]string{"late since " + date(day(-10)) + " (10 days)</strong> <small>2 checks to go", "1</b> late"},
			[]string{"due, 9 days left <small>2 checks to go", "0</b> late"},
		},
		"page of the service": {[]string{"Gold by " + date(day(-11)) + ": " + lateText},
			[]string{"Gold by " + date(day(9)) + ": " + dueText}},
		"metrics": {
			[]string{
				`readiness_target_badge_level{service_name="checkout"} 3`,
				fmt.Sprintf(`readiness_target_due_timestamp_seconds{service_name="checkout"} %d`, day(-11).Unix()),
				fmt.Sprintf(`readiness_target_late_since_timestamp_seconds{service_name="checkout"} %d`, day(-10).Unix()),
				`readiness_target_gap_checks{service_name="checkout"} 2`,
			},
			[]string{fmt.Sprintf(`readiness_target_due_timestamp_seconds{service_name="checkout"} %d`, day(9).Unix())},
		},
	} {
		for _, of := range []struct {
			found map[string]string
			wants []string
		}{{late, c.late}, {due, c.due}} {
			for _, want := range of.wants {
				if !strings.Contains(compact(name, of.found[name]), compact(name, want)) {
					t.Errorf("%s lacks %q:\n%s", name, want, of.found[name])
				}
			}
		}
		delete(late, name)
	}
	delete(late, "page of the check") // it is about all services
	if strings.Contains(due["metrics"], "readiness_target_late_since") {
		t.Error("a service that is due is late in the metrics")
	}
	for name := range late {
		t.Errorf("nothing is asked of %s", name)
	}
}
