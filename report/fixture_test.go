package report

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// now is the time of every snapshot in these tests.
func now() time.Time { return time.Date(2026, 8, 22, 9, 30, 0, 0, time.UTC) }

// testFacts are the facts that testdata/framework.yaml reads, and one that it
// does not.
func testFacts(t *testing.T) *evidence.Facts {
	t.Helper()
	claim := func(name string) evidence.Definition {
		return evidence.Definition{Name: name, Kind: evidence.KindBool, Help: "The claim was made."}
	}
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "catalog.source_declared", Kind: evidence.KindBool, Help: "The entry says where the source is."},
		{Name: "catalog.data_owner_declared", Kind: evidence.KindBool, Help: "The entry names the data's owner."},
		{Name: "deploy.synced_ratio_7d", Kind: evidence.KindDouble, Unit: "ratio", Help: "Share of time in sync.",
			Needs: "Argo CD's application controller metrics"},
		{Name: "deploy.last_abort_age_days", Kind: evidence.KindDouble, Unit: "days", Clock: evidence.Elapsed,
			Help: "Age of the last abort.", Needs: "Argo Rollouts or Flagger"},
		{Name: "pagerduty.oncall_now", Kind: evidence.KindInt, Help: "People on call.",
			Permissions: []string{"oncalls.read"}},
		{Name: "pagerduty.coverage_ratio_14d", Kind: evidence.KindDouble, Unit: "ratio", Help: "Share of time covered.",
			Permissions: []string{"oncalls.read"}},
		{Name: "pagerduty.ack_p50_minutes", Kind: evidence.KindDouble, Unit: "minutes", Help: "Median time to acknowledge.",
			Outcome: true},
		{Name: "backup.restore_age_days", Kind: evidence.KindDouble, Unit: "days", Clock: evidence.Elapsed,
			Help: "Age of the last restore.", Needs: "Velero with --metrics-address"},
		{Name: "signal.scraped", Kind: evidence.KindBool, Help: "A target is scraped."},
		claim("attest.cicd_reviewed"), claim("attest.cicd_no_drift"), claim("attest.cicd_rollback"),
		claim("attest.legal_signed"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// fixture is a fleet that is judged by the real judge.
type fixture struct {
	t          *testing.T
	facts      *evidence.Facts
	framework  *framework.Framework
	services   []snapshot.Service
	exemptions []scoring.Exemption
	blind      map[string]bool
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "framework.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := framework.Parse([]framework.File{{Name: "framework.yaml", Data: data}})
	if err != nil {
		t.Fatal(err)
	}
	facts := testFacts(t)
	compiled, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatal(err)
	}
	compiled.Hash = "0123456789ab" // the views are tested, not the hash
	return &fixture{t: t, facts: facts, framework: compiled, blind: map[string]bool{}}
}

// observations are what is known of a service, by fact name.
type observations map[string]*evidence.Observation

// seen is a fresh observation made four minutes before now.
func seen(v evidence.Value, source, detail string) *evidence.Observation {
	return &evidence.Observation{
		Value: v, Source: source, Detail: detail,
		Since: now().Add(-72 * time.Hour), ObservedAt: now().Add(-4 * time.Minute),
		FreshUntil: now().Add(41 * time.Minute), ValidUntil: now().Add(7 * 24 * time.Hour),
		HealthyUntil: now().Add(time.Hour),
	}
}

// aged is an observation of the given age that is stale, and missing if it is
// older than a week.
func aged(v evidence.Value, source string, age time.Duration) *evidence.Observation {
	at := now().Add(-age)
	return &evidence.Observation{
		Value: v, Source: source, Since: at.Add(-time.Hour), ObservedAt: at,
		FreshUntil: at.Add(45 * time.Minute), ValidUntil: at.Add(7 * 24 * time.Hour), HealthyUntil: at.Add(time.Hour),
	}
}

func missing(reason evidence.Missing) *evidence.Observation {
	return &evidence.Observation{Missing: reason, HealthyUntil: now().Add(time.Hour)}
}

func double(v float64) evidence.Value {
	value, _ := evidence.Double(v)
	return value
}

func daysAgo(n int) evidence.Value {
	return evidence.Instant(now().Add(-time.Duration(n) * 24 * time.Hour))
}

// complete is what a service without fault shows.
func complete() observations {
	return observations{
		"catalog.source_declared":      seen(evidence.Bool(true), "catalog", "services.yaml:12"),
		"catalog.data_owner_declared":  seen(evidence.Bool(true), "catalog", "services.yaml:12"),
		"deploy.synced_ratio_7d":       seen(double(1), "prometheus/prod-eu", `Argo CD app "checkout"`),
		"deploy.last_abort_age_days":   seen(daysAgo(40), "prometheus/prod-eu", ""),
		"pagerduty.oncall_now":         seen(evidence.Int(2), "pagerduty/main", "service P1ABCD"),
		"pagerduty.coverage_ratio_14d": seen(double(1), "pagerduty/main", "service P1ABCD"),
		"pagerduty.ack_p50_minutes":    seen(double(2.5), "pagerduty/main", "31 incidents"),
		"backup.restore_age_days":      seen(daysAgo(100), "prometheus/prod-eu", ""),
		"signal.scraped":               seen(evidence.Bool(true), "prometheus/prod-eu", ""),
		"attest.cicd_reviewed":         seen(evidence.Bool(true), "jira/main", "PRR-12"),
		"attest.cicd_no_drift":         seen(evidence.Bool(false), "jira/main", "PRR-12"),
		"attest.cicd_rollback":         seen(evidence.Bool(false), "jira/main", "PRR-12"),
		"attest.legal_signed":          seen(evidence.Bool(false), "jira/main", "PRR-12"),
	}
}

// with is a copy with some observations replaced; nil takes one away.
func (o observations) with(changes observations) observations {
	out := observations{}
	maps.Copy(out, o)
	for name, observation := range changes {
		if observation == nil {
			delete(out, name)
			continue
		}
		out[name] = observation
	}
	return out
}

// add lists a service. Services are to be added in name order.
func (f *fixture) add(entry catalog.Service, badge scoring.BadgeState, known observations) {
	f.t.Helper()
	row := make(evidencetest.Row, f.facts.Len())
	for name, observation := range known {
		index, ok := f.facts.Index(name)
		if !ok {
			f.t.Fatalf("unknown fact %s", name)
		}
		row[index] = observation
	}
	flipped := map[string]time.Time{}
	for _, check := range f.framework.Checks {
		flipped[check.ID] = time.Date(2026, 8, 19, 14, 5, 0, 0, time.UTC)
	}
	f.services = append(f.services, snapshot.Service{Entry: &entry, Badge: badge, Evidence: row, FlippedAt: flipped})
}

// snapshot judges the fleet.
func (f *fixture) snapshot() *snapshot.Snapshot {
	rows := evidencetest.Rows{}
	in := scoring.Inputs{Framework: f.framework, Exemptions: f.exemptions, NotMeasurable: f.blind}
	for _, s := range f.services {
		rows[s.Entry.Name] = s.Evidence
		in.Subjects = append(in.Subjects, scoring.NewSubject(s.Entry, f.facts, s.Evidence))
	}
	in.Evidence = rows.Row
	cards := scoring.Judge(in, now())
	for i := range f.services {
		f.services[i].Card = &cards[i]
	}
	return &snapshot.Snapshot{Sources: []snapshot.SourceStatus{{ID: "jira/main", Uncounted: []evidence.Uncounted{{
		Kind: evidence.UncountedTicket, Total: 6,
		Reasons: map[evidence.UncountedReason]int{evidence.UncountedUnknownService: 6},
		Largest: []evidence.UncountedGroup{
			{Name: "component Checkout Service (project SHOP)", Reason: evidence.UncountedUnknownService, Count: 6},
		},
	}}}}, At: now(), Framework: f.framework, NotMeasurable: f.blind, Services: f.services}
}

// held is a badge given on the first of June.
func held(badge framework.Badge) scoring.BadgeState {
	return scoring.BadgeState{Badge: badge, Since: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC), At: now()}
}

// company is a fleet in which every state occurs.
func company(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	f := newFixture(t)
	f.exemptions = []scoring.Exemption{{Check: "inc.acknowledged",
		Selector: scoring.Selector{Services: []string{"ledger"}},
		Reason:   "moves to the new rotation", RequestedBy: "team accounting", Approver: "head of operations",
		Expires: now().Add(30 * 24 * time.Hour)}}
	f.blind["inc.restored"] = true
	noRestore := observations{"backup.restore_age_days": missing(evidence.MissingNoSource)}
	service := func(name, team string, tier int) catalog.Service {
		return catalog.Service{Name: name, Title: name, Team: team, Org: "shop", Tier: tier, Environment: "production",
			Stateful: true}
	}

	// Nothing is known, so nothing counts for or against it.
	f.add(service("attic", "", 4), scoring.BadgeState{}, nil)

	// A red cell: out of sync, and the target rests on it.
	checkout := service("checkout", "payments", 1)
	checkout.Title = "Checkout API"
	badge := held(framework.Silver)
	badge.Since = time.Date(2026, 8, 22, 7, 0, 0, 0, time.UTC)
	badge.LastTransition = &scoring.Transition{
		Service: "checkout", At: badge.Since, From: framework.Gold, To: framework.Silver, Cause: scoring.CauseEvidence,
		Announced: true,
		Flips: []scoring.Flip{{Check: "cicd.no-drift", Before: "pass", After: "fail",
			FactsBefore: map[string]string{"deploy.synced_ratio_7d": "1"},
			FactsAfter:  map[string]string{"deploy.synced_ratio_7d": "0.95"}}},
	}
	f.add(checkout, badge, complete().with(noRestore).with(observations{
		"deploy.synced_ratio_7d": seen(double(0.95), "prometheus/prod-eu",
			`Argo CD app "checkout", out of sync 8 h 20 m`),
		"deploy.last_abort_age_days": seen(evidence.Never(), "prometheus/prod-eu", ""),
	}))

	// Held in doubt: PagerDuty does not answer.
	badge = held(framework.Gold)
	badge.Hold = &scoring.Hold{Since: now().Add(-9 * time.Hour), Reason: "inc.covered, inc.on-call unknown",
		Left: scoring.Stopped(30 * 24 * time.Hour)}
	f.add(service("gateway", "platform", 1), badge, complete().with(noRestore).with(observations{
		"pagerduty.oncall_now":         aged(evidence.Int(2), "pagerduty/main", 9*24*time.Hour),
		"pagerduty.coverage_ratio_14d": nil,
		"pagerduty.ack_p50_minutes":    aged(double(3), "pagerduty/main", 3*time.Hour),
	}))

	// Gold with an exemption and an attestation; about to lose it.
	badge = held(framework.Gold)
	badge.Contradictions = []scoring.ContradictionClock{{Badge: framework.Gold, Dwell: 72 * time.Hour,
		Ran: scoring.Stopped(20 * time.Hour)}}
	f.add(service("ledger", "accounting", 2), badge, complete().with(noRestore).with(observations{
		"pagerduty.ack_p50_minutes": missing(evidence.MissingTooFew),
		"deploy.synced_ratio_7d": {Missing: evidence.MissingNoReference, CatalogKeys: []string{"argocd"},
			HealthyUntil: now().Add(time.Hour)},
		"deploy.last_abort_age_days": seen(daysAgo(400), "prometheus/prod-eu", ""),
		"attest.cicd_rollback":       seen(evidence.Bool(true), "jira/main", "PRR-9"),
	}))

	// Proved, but not for long enough.
	badge = scoring.BadgeState{Awards: map[framework.Badge]scoring.AwardClock{framework.Bronze: {
		Since: now().Add(-3 * time.Hour), Observations: 7,
	}}}
	f.add(service("search", "discovery", 3), badge, complete().with(noRestore).with(observations{
		"catalog.data_owner_declared": seen(evidence.Bool(false), "catalog", "services.yaml:40"),
	}))

	// Evidence is against Bronze, and its names are wide.
	wide := service("在庫管理", "物流チーム", 2)
	wide.Title = "在庫管理サービス"
	f.add(wide, scoring.BadgeState{}, complete().with(noRestore).with(observations{
		"pagerduty.oncall_now": seen(evidence.Int(0), "pagerduty/main", "service P9"),
	}))
	s := f.snapshot()
	s.Feedback = []evidence.Feedback{
		{Check: "cicd.no-drift", Kind: evidence.FeedbackUnclear, Count: 1},
		{Check: "inc.acknowledged", Kind: evidence.FeedbackMissingDocs, Count: 2},
		{Check: "inc.acknowledged", Kind: evidence.FeedbackOverkill, Count: 5},
	}
	return s
}

// golden compares with a file in testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./report -update writes the golden files)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf(
			"%s differs from what was written (go test ./report -update after reading the difference)\ngot:\n%s\nwant:\n%s",
			file, got, want,
		)
	}
}
