package app

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/store"
)

// TestATrialFindsWhatARoundStores makes a dry run, then the real round, and
// compares; then once more an hour later, from cursors, with another incident.
func TestATrialFindsWhatARoundStores(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Hour)
	clock := func() time.Time { return now }
	account := pagerdutytest.Account{
		Services: []pagerdutytest.Service{{
			ID: "PCHECK", Name: "Checkout", EscalationPolicy: "E", Integrations: []string{"events_api_v2_inbound_integration"},
		}},
		EscalationPolicies: []pagerdutytest.EscalationPolicy{{
			ID: "E", Name: "E", Levels: []pagerdutytest.Level{{Users: []string{"UA"}}},
		}},
	}
	for i := range 40 {
		at := now.Add(-time.Duration(80-2*i) * 24 * time.Hour)
		account.Incidents = append(account.Incidents, pagerdutytest.Incident{
			ID: fmt.Sprintf("Q%02d", i), Number: i + 1, Title: "disk full", Service: "PCHECK",
			Channel:   []string{"api", "website"}[i%4/3],
			CreatedAt: at, AcknowledgedAt: at.Add(time.Duration(i) * time.Minute), ResolvedAt: at.Add(3 * time.Hour),
			ResolvedBy: "user_reference",
		})
	}
	// One that is created between the two rounds.
	account.Incidents = append(account.Incidents, pagerdutytest.Incident{
		ID: "QNEW", Number: 99, Title: "late", Service: "PCHECK", Channel: "website", CreatedAt: now.Add(30 * time.Minute),
	})
	vendor := pagerdutytest.New(pagerdutytest.Options{
		Account: account, Now: clock, Fail: func(msg string) { t.Error(msg) },
	})
	server := httptest.NewServer(vendor)
	defer server.Close()
	var issues []jiratest.Issue
	for i := range 5 {
		issues = append(issues, jiratest.Issue{
			Key: fmt.Sprintf("SHOP-%d", i+1), Type: "Incident", Components: []string{"checkout"}, Priority: "Highest",
			Created: now.Add(-time.Duration(60+i) * 24 * time.Hour),
		})
	}
	site := httptest.NewServer(jiratest.New(jiratest.Options{
		Site: jiratest.Site{Issues: issues}, Now: clock, Fail: func(msg string) { t.Error(msg) },
	}))
	defer site.Close()
	folder := t.TempDir()
	place := filepath.Join(folder, "s.db")
	o := Options{
		ConfigPath: filepath.Join(folder, "collector.yaml"), Environ: []string{"TOKEN=x"}, Now: clock,
		Logger: slog.New(slog.DiscardHandler),
	}
	err := os.WriteFile(o.ConfigPath, []byte(`store: {url: `+place+`}
catalog: {services: [{name: checkout, tier: 1, pagerduty: [{service_id: PCHECK}], jira: [{project: SHOP, component: checkout}]}]}
sources:
  pagerduty: [{name: main, endpoint: "`+server.URL+`", token_env: TOKEN, rate: {per_minute: 100000}}]
  jira: [{name: main, url: "`+site.URL+`", email: a@example.com, token_env: TOKEN, rate: {per_minute: 100000}, incidents: {jql: 'issuetype = "Incident"'}}]
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for round, incidents := range []int{40, 1} {
		found, tickets := trialRound(t, o, "pagerduty/main"), trialRound(t, o, "jira/main")
		// The second begins at the cursors of the first.
		if len(found.Incidents) != incidents {
			t.Errorf("round %d: %d incidents", round, len(found.Incidents))
		}
		daemon, err := New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := daemon.CollectOnce(t.Context()); err != nil {
			t.Error(err)
		}
		if err := daemon.Close(); err != nil {
			t.Error(err)
		}
		stored := storedRecords(t, place, daemon.reloader.config().Facts, now)
		figures := 0
		for _, r := range append(found.Records, tickets.Records...) {
			got := r.Value.Text(r.Unit) + " " + r.Detail
			if want := stored[r.Fact]; got != want {
				t.Errorf("round %d: %s is %q, and the round stored %q", round, r.Fact, got, want)
			}
			switch r.Fact {
			case "pagerduty.machine_detected_ratio_90d", "pagerduty.high_urgency_90d", "jira.major_incidents_180d":
				figures++
			}
			delete(stored, r.Fact)
		}
		if figures != 3 || round == 0 && len(stored) > 0 {
			t.Errorf("round %d: %d figures of incidents; stored and not found: %v", round, figures, stored)
		}
		now = now.Add(time.Hour)
	}
}

func trialRound(t *testing.T, o Options, source string) *report.Round {
	t.Helper()
	trial, err := NewTrial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	found, err := trial.Round(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if err := trial.Close(); err != nil {
		t.Error(err)
	}
	return found
}

// storedRecords are the values of the one service with their details, by fact.
func storedRecords(t *testing.T, place string, facts *evidence.Facts, now time.Time) map[string]string {
	t.Helper()
	s, err := store.OpenReadOnly(t.Context(), store.Options{URL: place, Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	loaded, err := s.LoadRecords(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{}
	r := report.NewRound("pagerduty/main", "", facts, 1, now)
	for _, row := range loaded.Rows {
		if row.Source != catalog.SourceID && row.Withdrawn == "" {
			r.Record(row.Record) // facts of two sources have two names
		}
	}
	for _, record := range r.Records {
		stored[record.Fact] = record.Value.Text(record.Unit) + " " + record.Detail
	}
	return stored
}
