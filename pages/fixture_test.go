package pages

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// now is the time of the snapshot.
func now() time.Time { return time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC) }

const day = 24 * time.Hour

// hostile is a text as a source may send it.
const hostile = `<script>alert("1")</script>'"><img src=x onerror=alert(2)> & </style>`

// company is a fleet, and what the store knows of its past.
type company struct {
	t         testing.TB
	framework *framework.Framework
	facts     *evidence.Facts
	subjects  []scoring.Subject
	rows      evidencetest.Rows
	snapshot  *snapshot.Snapshot
	moves     []scoring.Transition
	incidents []report.Incident
	err       error
}

func newCompany(t testing.TB) *company {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "framework.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := framework.Parse([]framework.File{{Name: "framework.yaml", Data: data}})
	if err != nil {
		t.Fatal(err)
	}
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "pagerduty.oncall_now", Kind: evidence.KindInt, Help: "People on call."},
		{Name: "pagerduty.next_gap_hours", Kind: evidence.KindDouble, Unit: "hours", Clock: evidence.Remaining,
			Help: "Time until nobody is on call."},
		{Name: "attest.inc_rehearsed", Kind: evidence.KindBool, Help: "The claim was made."},
		{Name: "attest.inc_runbook", Kind: evidence.KindBool, Help: "The claim was made."},
		{Name: "runbook.share", Kind: evidence.KindDouble, Help: "Alerts with a runbook.",
			Exporters: []string{"the exporter of runbooks"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatal(err)
	}
	return &company{t: t, framework: f, facts: facts, rows: evidencetest.Rows{},
		snapshot: &snapshot.Snapshot{At: now(), Framework: f}}
}

func seen(v evidence.Value, source string) *evidence.Observation {
	return &evidence.Observation{
		Value: v, Source: source, Since: now().Add(-3 * day), ObservedAt: now().Add(-5 * time.Minute),
		FreshUntil: now().Add(time.Hour), ValidUntil: now().Add(7 * day), HealthyUntil: now().Add(time.Hour),
	}
}

// add adds a service: how many people are on call, -1 for unknown, and whether an incident
// was rehearsed.
func (c *company) add(
	name, team, org string, tier int, badge framework.Badge, people int, rehearsed bool,
) *catalog.Service {
	c.t.Helper()
	row := make(evidencetest.Row, c.facts.Len())
	set := func(fact string, o *evidence.Observation) {
		index, ok := c.facts.Index(fact)
		if !ok {
			c.t.Fatalf("unknown fact %s", fact)
		}
		row[index] = o
	}
	if people >= 0 {
		set("pagerduty.oncall_now", seen(evidence.Int(int64(people)), "pagerduty/main"))
	}
	set("pagerduty.next_gap_hours", seen(evidence.Instant(now().Add(3*day)), "pagerduty/main"))
	set("attest.inc_rehearsed", seen(evidence.Bool(rehearsed), "jira/main"))
	entry := &catalog.Service{Name: name, Title: name, Team: team, Org: org, Tier: tier,
		PagerDuty: []catalog.PagerDutyRef{{ServiceID: "P" + name}}}
	c.rows[name] = row
	c.subjects = append(c.subjects, scoring.NewSubject(entry, c.facts, row))
	c.snapshot.Services = append(c.snapshot.Services, snapshot.Service{Entry: entry, Evidence: row,
		Badge: scoring.BadgeState{Badge: badge, FirstJudged: now().Add(-60 * day), Since: now().Add(-30 * day), At: now()}})
	return entry
}

// site judges the services and makes their site.
func (c *company) site(change ...func(*Options)) *Site {
	c.t.Helper()
	cards := scoring.Judge(scoring.Inputs{Framework: c.framework, Subjects: c.subjects, Evidence: c.rows.Row}, now())
	for i := range c.snapshot.Services {
		c.snapshot.Services[i].Card = &cards[i]
	}
	o := Options{Current: func() *snapshot.Snapshot { return c.snapshot }, Past: c, Version: "1.2.3"}
	for _, f := range change {
		f(&o)
	}
	site, err := New(o)
	if err != nil {
		c.t.Fatal(err)
	}
	return site
}

func (c *company) Moves(context.Context, time.Time) ([]scoring.Transition, error) {
	return c.moves, c.err
}

func (c *company) History(
	_ context.Context, s *snapshot.Snapshot, service string, since time.Time,
) (report.History, error) {
	var own []scoring.Transition
	for _, t := range c.moves {
		if t.Service == service {
			own = append(own, t)
		}
	}
	return report.NewHistory(report.HistoryInput{Snapshot: s, Service: service, Since: since, KeptSince: since,
		Transitions: own}), c.err
}

func (c *company) Incidents(
	_ context.Context, s *snapshot.Snapshot, q report.IncidentQuery,
) (report.Incidents, error) {
	out := report.NewIncidents(nil, nil, correlation.Window(q.Window), "", s.At)
	out.Incidents = c.incidents
	return out, c.err
}

func (c *company) Reviews(context.Context) ([]string, error) { return []string{"2026-W47"}, c.err }

// planted is a company with all that pages show, and with hostile texts.
func planted(t *testing.T) *company {
	t.Helper()
	c := newCompany(t)
	c.add("cart", "payments", "shop", 1, framework.Silver, 2, true).Title = hostile
	c.add("checkout", "payments", "shop", 1, framework.Bronze, 1, false).Aliases = []string{"old-checkout"}
	c.add("lab", hostile, hostile, 2, framework.NoBadge, 0, false)
	c.add("quiet", "", "", 3, framework.NoBadge, -1, false)
	c.reviewed(t)
	c.moves = []scoring.Transition{
		{Service: "cart", At: now().Add(-40 * day), From: framework.NoBadge, To: framework.Bronze, Cause: scoring.CauseInitial},
		{Service: "cart", At: now().Add(-9 * day), From: framework.Bronze, To: framework.Silver, Announced: true,
			Cause: scoring.CauseEvidence, Flips: []scoring.Flip{{Check: "inc.rehearsed", Before: "fail", After: "pass"}}},
		{Service: "checkout", At: now().Add(-2 * day), From: framework.Silver, To: framework.Bronze, Announced: true,
			Cause: scoring.CauseEvidence, Flips: []scoring.Flip{{Check: "inc.rehearsed", Before: "pass", After: "fail"}}},
	}
	c.incidents = []report.Incident{{Title: hostile, Severity: 2, Started: &report.IncidentTime{At: now().Add(-day)},
		Records: []report.IncidentRecord{
			{Source: "pagerduty/main", Name: "Q1", URL: "https://example.pagerduty.com/incidents/Q1"},
			{Source: "jira/main", Name: "INC-1", URL: "javascript:alert(3)"},
		}}}
	c.snapshot.Sources = []snapshot.SourceStatus{
		{ID: "pagerduty/main", LastSuccess: now().Add(-time.Minute)}, {ID: "jira/main", Error: "GET /search: " + hostile},
	}
	return c
}

// reviewed adds readiness reviews, one that drifted, and incidents to compare with.
func (c *company) reviewed(t *testing.T) {
	t.Helper()
	services := c.snapshot.Services
	services[0].Reviews = &correlation.Reviews{Completed: now().Add(-3 * day), LastName: "PRR-7",
		Last: correlation.Reference{Source: "jira/main", ID: "10007"}, Open: 1}
	services[0].ReviewDue = now().Add(362 * day)
	services[2].Reviews = &correlation.Reviews{Completed: now().Add(-500 * day), LastName: hostile,
		Last: correlation.Reference{Source: "jira/main", ID: "10008"}}
	services[2].ReviewDue = now().Add(-135 * day)
	half, _ := evidence.Double(0.5)
	nothing := &evidence.Observation{Missing: evidence.MissingNoData, Source: "prometheus/main",
		ObservedAt: now().Add(-5 * time.Minute), HealthyUntil: now().Add(time.Hour)}
	for _, known := range []struct {
		service, fact string
		is            *evidence.Observation
	}{
		{"cart", "runbook.share", seen(half, "prometheus/main")},
		{"cart", "attest.inc_runbook", seen(evidence.Bool(true), "jira/main")},
		{"lab", "runbook.share", nothing},
	} {
		index, ok := c.facts.Index(known.fact)
		if !ok {
			t.Fatalf("unknown fact %s", known.fact)
		}
		row, _ := c.rows[known.service].(evidencetest.Row)
		row[index] = known.is
	}
	figures := func(n int) correlation.Figures {
		return correlation.Figures{Windows: []correlation.WindowFigures{{Window: correlation.DefaultWindow, Incidents: n,
			Resolution: correlation.Summary{P50: correlation.Estimate{Value: time.Hour, Known: true}},
			Noise:      &correlation.Noise{All: 4, Counts: [5]int{correlation.AnyNoise: 1}}}}}
	}
	c.snapshot.ActivatedAt = now().Add(-200 * day)
	c.snapshot.Groups = []correlation.GroupFigures{
		{Scope: correlation.ScopeFleet, Group: correlation.FleetGroup, Services: 4, Figures: figures(10)},
		{Scope: correlation.ScopeTeam, Group: "payments", Services: 2, Figures: figures(7)},
	}
}

// has fails unless the page has the status and every text.
func (a Answer) has(t *testing.T, what string, status int, texts ...string) {
	t.Helper()
	if a.Status != status {
		t.Errorf("%s: status %d, want %d", what, a.Status, status)
	}
	for _, text := range texts {
		if !strings.Contains(string(a.Body), text) {
			t.Errorf("%s lacks %q:\n%s", what, text, main(a))
		}
	}
}

// main is the page without its frame.
func main(a Answer) string {
	_, body, _ := strings.Cut(string(a.Body), "<main")
	body, _, _ = strings.Cut(body, "</main>")
	return body
}

// element is an element of a page with its attributes.
type element struct {
	name       string
	attributes map[string]string
}

// elements reads a page, which has to be well-formed: each element is closed, or is one
// that has no end.
func elements(page []byte) ([]element, error) {
	d := xml.NewDecoder(strings.NewReader(string(page)))
	d.Strict = false
	d.AutoClose = []string{"meta", "link", "input", "img", "br"}
	d.Entity = xml.HTMLEntity
	var out []element
	var open []string
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			found := element{e.Name.Local, map[string]string{}}
			for _, a := range e.Attr {
				found.attributes[a.Name.Local] = a.Value
			}
			out = append(out, found)
			if e.Name.Space == "" && !strings.Contains(" meta link input img br ", " "+e.Name.Local+" ") {
				open = append(open, e.Name.Local)
			}
		case xml.EndElement:
			if strings.Contains(" meta link input img br ", " "+e.Name.Local+" ") {
				continue
			}
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				return nil, fmt.Errorf("</%s> closes %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("not closed: %v", open)
	}
	return out, nil
}
