package review

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
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
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// now is the time of the snapshot: the Monday after the week that is reviewed.
func now() time.Time { return at(23, 6) }

// at is an hour of a day of November 2026. 16 is a Monday.
func at(date, hour int) time.Time { return time.Date(2026, 11, date, hour, 0, 0, 0, time.UTC) }

// began is when the store of the company began.
func began() time.Time { return time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC) }

// hostile is a title as a person may write it.
const hostile = `<script>alert("x")</script> | *disk* [full](https://evil.example) & <img src=x>`

func week(t *testing.T) Period {
	t.Helper()
	p, err := ParsePeriod("week", now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func smallFramework(t *testing.T) (*framework.Framework, *evidence.Facts) {
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
		{Name: "backup.age_days", Kind: evidence.KindDouble, Unit: "days", Clock: evidence.Elapsed,
			Help: "Age of the backup."},
		{Name: "backup.restore_works", Kind: evidence.KindBool, Help: "The last restore worked."},
		{Name: "attest.inc_rehearsed", Kind: evidence.KindBool, Help: "The claim was made."},
		{Name: "attest.rel_restored", Kind: evidence.KindBool, Help: "The claim was made."},
	})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatal(err)
	}
	compiled.Hash = "0123456789ab" // the review is tested, not the hash
	return compiled, facts
}

type observations map[string]*evidence.Observation

// seen is a fresh observation.
func seen(v evidence.Value, source string) *evidence.Observation {
	return &evidence.Observation{Value: v, Source: source, Since: now().Add(-72 * time.Hour),
		ObservedAt: now().Add(-4 * time.Minute), FreshUntil: now().Add(41 * time.Minute),
		ValidUntil: now().Add(7 * day), HealthyUntil: now().Add(time.Hour)}
}

// complete is what a service without fault shows.
func complete() observations {
	return observations{
		"pagerduty.oncall_now":     seen(evidence.Int(2), "pagerduty/main"),
		"pagerduty.next_gap_hours": seen(evidence.Never(), "pagerduty/main"),
		"backup.age_days":          seen(evidence.Instant(now().Add(-day)), "prometheus/main"),
		"backup.restore_works":     seen(evidence.Bool(true), "prometheus/main"),
		"attest.inc_rehearsed":     seen(evidence.Bool(true), "jira/main"),
		"attest.rel_restored":      seen(evidence.Bool(true), "jira/main"),
	}
}

func (o observations) with(changes observations) observations {
	maps.Copy(o, changes)
	return o
}

// company is a small fleet: two orgs, of which one lags.
type company struct {
	t         *testing.T
	framework *framework.Framework
	facts     *evidence.Facts
	in        Input
	services  []snapshot.Service
}

func (c *company) add(name, team, org string, tier int, badge framework.Badge, known observations) {
	c.t.Helper()
	row := make(evidencetest.Row, c.facts.Len())
	for fact, observation := range known {
		index, ok := c.facts.Index(fact)
		if !ok {
			c.t.Fatalf("unknown fact %s", fact)
		}
		row[index] = observation
	}
	entry := &catalog.Service{Name: name, Title: name, Team: team, Org: org, Tier: tier,
		PagerDuty: []catalog.PagerDutyRef{{ServiceID: "P" + name}}}
	c.services = append(c.services, snapshot.Service{Entry: entry, Evidence: row,
		Badge: scoring.BadgeState{Badge: badge, FirstJudged: began(), Since: began(), At: now()}})
}

func (c *company) moved(
	at time.Time, service string, from, to framework.Badge, cause scoring.Cause, flips ...scoring.Flip,
) {
	c.in.Transitions = append(c.in.Transitions, scoring.Transition{Service: service, At: at, From: from, To: to,
		Cause: cause, Announced: cause != scoring.CauseInitial, Flips: flips})
}

// incident is one that paged and lasted some minutes; 0 is open.
func (c *company) incident(service, title string, start time.Time, minutes int, change ...func(*correlation.Incident)) {
	in := &correlation.Incident{Records: []correlation.Reference{{Source: "pagerduty/main",
		ID: fmt.Sprintf("Q%03d", len(c.in.Incidents))}}, Services: []string{service}, StartedAt: start, AcksKnown: true,
		Resolver: evidence.ResolverPerson, Urgent: true, Severity: 2, Template: title}
	if minutes > 0 {
		in.ResolvedAt = start.Add(time.Duration(minutes) * time.Minute)
		in.AcknowledgedAt = start.Add(3 * time.Minute)
	}
	for _, f := range change {
		f(in)
	}
	c.in.Incidents = append(c.in.Incidents, in)
}

func noisyOne(in *correlation.Incident) {
	in.Resolver, in.AcknowledgedAt = evidence.ResolverIntegration, time.Time{}
}

func planted(t *testing.T) Input {
	t.Helper()
	c := &company{t: t}
	c.framework, c.facts = smallFramework(t)
	c.add("billing", "payments", "shop", 2, framework.Gold, complete().with(observations{
		"backup.restore_works": seen(evidence.Bool(false), "prometheus/main")}))
	c.add("checkout", "payments", "shop", 1, framework.Gold, complete().with(observations{
		"pagerduty.next_gap_hours": seen(evidence.Instant(at(27, 18)), "pagerduty/main")}))
	old := seen(evidence.Int(1), "pagerduty/main")
	old.ObservedAt, old.FreshUntil = now().Add(-2*day), now().Add(-2*day+time.Hour)
	c.add("index", "search", "shop", 3, framework.Bronze, complete().with(observations{"pagerduty.oncall_now": old}))
	c.add("lab-a", "research", "labs", 1, framework.NoBadge, complete().with(observations{
		"pagerduty.oncall_now": seen(evidence.Int(0), "pagerduty/main"),
		"attest.inc_rehearsed": seen(evidence.Bool(false), "jira/main")}))
	c.add("lab-b", "research", "labs", 2, framework.NoBadge, complete().with(observations{
		"pagerduty.oncall_now": seen(evidence.Int(0), "pagerduty/main")}))
	c.add("query", "search", "shop", 2, framework.Bronze, complete().with(observations{
		"pagerduty.next_gap_hours": nil}))
	rows := evidencetest.Rows{}
	in := scoring.Inputs{Framework: c.framework}
	c.in.Exemptions = []scoring.Exemption{{Check: "rel.restored", Selector: scoring.Selector{Services: []string{"query"}},
		RequestedBy: "team search", Approver: "head of operations", Reason: "moves to another store", Expires: at(30, 0)}}
	in.Exemptions = c.in.Exemptions
	for _, s := range c.services {
		rows[s.Entry.Name] = s.Evidence
		in.Subjects = append(in.Subjects, scoring.NewSubject(s.Entry, c.facts, s.Evidence))
	}
	in.Evidence = rows.Row
	cards := scoring.Judge(in, now())
	for i := range c.services {
		c.services[i].Card = &cards[i]
	}

	first := began().Add(24 * time.Hour)
	c.moved(first, "billing", framework.NoBadge, framework.Silver, scoring.CauseInitial)
	c.moved(first, "checkout", framework.NoBadge, framework.Silver, scoring.CauseInitial)
	c.moved(first, "index", framework.NoBadge, framework.Silver, scoring.CauseInitial)
	c.moved(first, "lab-a", framework.NoBadge, framework.Bronze, scoring.CauseInitial)
	c.moved(at(17, 9), "checkout", framework.Silver, framework.Gold, scoring.CauseEvidence,
		scoring.Flip{Check: "inc.rehearsed", Before: "fail", After: "pass"})
	c.moved(at(18, 9), "lab-a", framework.Bronze, framework.NoBadge, scoring.CauseEvidence,
		scoring.Flip{Check: "inc.on-call", Before: "pass", After: "fail"})
	c.moved(at(18, 10), "billing", framework.Silver, framework.Gold, scoring.CauseEvidence,
		scoring.Flip{Check: "inc.rehearsed", Before: "fail", After: "pass"})
	c.moved(at(19, 9), "index", framework.Silver, framework.Bronze, scoring.CauseLapse)
	c.moved(at(20, 9), "query", framework.NoBadge, framework.Bronze, scoring.CauseCriteria)
	c.in.Statuses = []StatusSpan{
		{"billing", "inc.rehearsed", scoring.Fail, began(), at(18, 9)},
		{"billing", "inc.rehearsed", scoring.Pass, at(18, 9), time.Time{}},
		{"checkout", "inc.rehearsed", scoring.Fail, began(), at(16, 9)},
		{"checkout", "inc.rehearsed", scoring.Pass, at(16, 9), time.Time{}},
		{"lab-a", "inc.on-call", scoring.Pass, began(), at(17, 9)},
		{"lab-a", "inc.on-call", scoring.Fail, at(17, 9), time.Time{}},
		{"query", "rel.backup", scoring.Unknown, began(), at(17, 9)}, // it was not known: no improvement
		{"query", "rel.backup", scoring.Pass, at(17, 9), time.Time{}},
	}
	for i := range 6 {
		c.incident("billing", "Queue of payments is long", at(9+i%5, 2+i), 50+10*i)
	}
	for i := range 4 {
		c.incident("checkout", hostile, at(16+i, 3), 3, noisyOne)
	}
	c.incident("checkout", hostile, at(20, 4), 4, noisyOne, func(in *correlation.Incident) { in.Flapping = true })
	c.incident("billing", "Queue of payments is long", at(19, 14), 35)
	c.incident("lab-a", "Model is slow", at(20, 14), 0)
	c.incident("lab-b", "Disk", at(21, 14), 60, func(in *correlation.Incident) { in.Maintenance = true })
	c.in.Period = week(t)
	c.in.IncidentsSince, c.in.IncidentsUntil = at(23, 0).Add(-97*day), now()
	c.in.Reviews = []evidence.Review{
		{Source: "jira/main", ID: "1", Key: "PRR-1", Service: "billing", Status: evidence.ReviewDone,
			CreatedAt: at(2, 0), CompletedAt: at(17, 12)},
		{Source: "jira/main", ID: "2", Key: "PRR-2", Service: "checkout", Status: evidence.ReviewStatus("open"),
			CreatedAt: at(3, 0)},
	}
	c.in.Snapshot = &snapshot.Snapshot{At: now(), Framework: c.framework, Services: c.services,
		Feedback: []evidence.Feedback{
			{Check: "inc.rehearsed", Kind: evidence.FeedbackOverkill, Count: 4},
			{Check: "inc.on-call", Kind: evidence.FeedbackUnclear, Count: 1},
		}}
	reviews := correlation.PerServiceReviews(c.in.Reviews, now())
	for i := range c.services {
		if r, ok := reviews[c.services[i].Entry.Name]; ok {
			c.services[i].Reviews = &r
		}
	}
	return c.in
}

// golden compares with a file in testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has changed; look at the difference, and run the test with -update:\n%s", name,
			strings.Join(firstDifference(string(want), string(got)), "\n"))
	}
}

func firstDifference(want, got string) []string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return []string{fmt.Sprintf("line %d", i+1), "want " + w[i], "got  " + g[i]}
		}
	}
	return []string{fmt.Sprintf("want %d lines, got %d", len(w), len(g))}
}
