package main

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/store"
)

// lived is a site whose store has some days of judgements, until now: checkout has all
// checks, cart lacks a part of its on-call coverage, and of ghost that is not known. From
// the middle on cart has one level of escalation.
func lived(t *testing.T, days int) *site {
	t.Helper()
	s := newSite(t)
	s.edit("collector.yaml", "interval: 1s", "interval: 1h")
	s.edit("collector.yaml", "@every 1s", "@every 1h")
	path := filepath.Join(s.folder, "collector.yaml")
	valid, err := config.Load(config.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	c, err := app.Configure(app.Options{ConfigPath: path}, valid)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().UTC().Truncate(time.Hour)
	now := end.AddDate(0, 0, -days)
	clock := func() time.Time { return now }
	url := filepath.Join(s.folder, "readiness.db")
	kept, err := store.Open(t.Context(), store.Options{URL: url, Facts: c.Facts, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := exporter.NewProcessMetrics(prometheus.NewRegistry(), exporter.BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := evaluation.New(t.Context(), evaluation.Options{
		Store: kept, Logger: slog.New(slog.DiscardHandler), Now: clock, Metrics: metrics,
	}, c)
	if err != nil {
		t.Fatal(err)
	}
	middle := now.Add(end.Sub(now) / 2)
	facts := []string{
		"pagerduty.service_exists", "pagerduty.oncall_now", "pagerduty.escalation_levels", "pagerduty.coverage_ratio_14d",
	}
	for ; !now.After(end); now = now.Add(time.Hour) {
		batch := evidence.Batch{Covered: []evidence.Coverage{{Group: "all", Facts: facts, At: now}}}
		put := func(service, fact string, v evidence.Value) {
			batch.Records = append(batch.Records, evidence.Record{Service: service, Fact: fact, Value: v})
		}
		for _, service := range []string{"checkout", "cart", "ghost"} {
			put(service, facts[0], evidence.Bool(true))
			put(service, facts[1], evidence.Int(1))
			levels := int64(2)
			if service == "cart" && now.After(middle) {
				levels = 1
			}
			put(service, facts[2], evidence.Int(levels))
			if service != "ghost" {
				covered, _ := evidence.Double(map[string]float64{"checkout": 1, "cart": 0.5}[service])
				put(service, facts[3], covered)
			}
		}
		if _, err := kept.Commit(t.Context(), "pagerduty/main", 0, now, batch); err != nil {
			t.Fatal(err)
		}
		if err := e.Evaluate(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) preview(args ...string) (report.Preview, string, int) {
	s.t.Helper()
	out, errs, code := s.run(append([]string{"framework", "preview", "-o", "json"}, args...)...)
	var p report.Preview
	if err := json.Unmarshal([]byte(out), &p); err != nil && code != exitConfig {
		s.t.Fatalf("%v: exit %d, %v: %s%s", args, code, err, errs, out)
	}
	return p, errs, code
}

func TestPreview(t *testing.T) {
	t.Parallel()
	s := lived(t, 24)
	stricter := strings.Replace(fourChecks, "escalation_levels >= 2", "escalation_levels >= 3", 1)
	s.write("stricter.yaml", strings.Replace(stricter, "version: 1.0.0", "version: 2.0.0", 1))
	s.write("unseen.yaml", strings.Replace(strings.Replace(fourChecks, "version: 1.0.0",
		"version: 2.1.0\nlapse_after: {silver: 48h, gold: 48h}", 1), "pass: \"pagerduty.oncall_now >= 1\"",
		"pass: \"pagerduty.oncall_now >= 1 && pagerduty.rotation_people >= 0\"", 1))
	s.write("scheduled.yaml", strings.Replace(stricter, "        level: 2\n", "        level: 2\n        enforce_from: 2999-01-01\n", 1))

	same, errs, code := s.preview("--file", "four.yaml", "--max-regressions", "0")
	if code != exitOK || len(same.Changes) != 0 || same.Services != 3 || len(same.Told) != 0 {
		t.Errorf("the same framework: exit %d, %s%+v", code, errs, same)
	}
	p, errs, code := s.preview("--file", "stricter.yaml", "--max-regressions", "2")
	if code != exitFailure || !strings.Contains(errs, "3 services lose a badge") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if p.Lose != 3 || p.Gain != 0 || p.LoseUnproved != 0 || len(p.Changes) != 3 {
		t.Fatalf("%+v", p)
	}
	if c := p.Changes[0]; c.Service != "checkout" || c.Team != "payments" || c.Present != "gold" || c.Other != "bronze" ||
		!c.Until.IsZero() || c.Why != report.WhyEvidence || len(c.Checks) == 0 || c.Checks[0].Check != "inc.escalates" {
		t.Errorf("%+v", c)
	}
	// cart loses the badge by the present criteria, too, and later.
	if c := p.Changes[1]; c.Service != "cart" || c.Until.IsZero() {
		t.Errorf("%+v", c)
	}
	p, _, _ = s.preview("--file", "stricter.yaml", "--from", time.Now().UTC().AddDate(0, 0, -8).Format(time.DateOnly))
	if p.Lose != 2 {
		t.Errorf("since cart has lost the badge by the present criteria: %+v", p)
	}
	if len(p.Told) != 1 || p.Told[0].Team != "payments" || len(p.Told[0].Notices) != 2 || p.Told[0].Notices[0].Alert != report.AlertBadgeWithdrawn ||
		p.Told[0].Notices[0].Cause != "criteria" {
		t.Errorf("told %+v", p.Told)
	}
	if _, errs, code := s.preview("--file", "stricter.yaml", "--max-regressions", "3"); code != exitOK {
		t.Errorf("as many as may: exit %d: %s", code, errs)
	}
	p, errs, code = s.preview("--file", "unseen.yaml", "--max-regressions", "0")
	if code != exitUnknown || p.Lose == 0 || p.LoseUnproved != p.Lose || p.LoseUnseen != p.Lose ||
		!strings.Contains(errs, "cannot be told") {
		t.Errorf("a fact that did not exist: exit %d, %s%+v", code, errs, p)
	}
	p, _, _ = s.preview("--file", "scheduled.yaml")
	if p.Lose != 0 || !strings.Contains(strings.Join(p.Notes, "\n"), "inc.escalates") {
		t.Errorf("a check that is scheduled: %+v", p)
	}
	if p, _, _ = s.preview("--file", "scheduled.yaml", "--enforced"); p.Lose != 3 {
		t.Errorf("the same enforced: %+v", p)
	}
	text, _, _ := s.run("framework", "preview", "--file", "stricter.yaml")
	markdown, _, _ := s.run("framework", "preview", "--file", "stricter.yaml", "-o", "md")
	for _, out := range []string{text, markdown} {
		for _, want := range []string{"Of 3 services, 3 lose a badge and 0 gain one", "Gold → Bronze", "inc.escalates fail",
			"since 20"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	}
	if !strings.HasPrefix(markdown, "### Preview: four 2.0.0 against four 1.0.0\n") ||
		!strings.Contains(markdown, "| loses |") {
		t.Errorf("markdown\n%s", markdown)
	}
	early, _, code := s.preview("--file", "stricter.yaml", "--from", "2020-01-01", "--to", "2020-02-01",
		"--max-regressions", "0")
	if code != exitUnknown || early.Known {
		t.Errorf("before all history: exit %d, %+v", code, early)
	}
	s.testDropped()
	s.testAsOf()
	for _, wrong := range [][]string{
		{"--file", "none.yaml"}, {"--file", "four.yaml", "--from", "soon"},
		{"--file", "four.yaml", "--from", "2026-02-02", "--to", "2026-01-01"},
		{"--file", "four.yaml", "--max-regressions", "-2"},
	} {
		if _, errs, code := s.preview(wrong...); code != exitConfig || errs == "" {
			t.Errorf("%v: exit %d: %s", wrong, code, errs)
		}
	}
}

// testAsOf: cart has two levels of escalation and is Silver, until the middle of the time.
func (s *site) testAsOf() {
	s.t.Helper()
	ago := func(days int) string { return time.Now().UTC().AddDate(0, 0, -days).Format("2006-01-02T15:04") }
	for _, c := range []struct {
		days          int
		badge, status string
	}{{16, "silver", "pass"}, {2, "bronze", "fail"}} {
		out, errs, code := s.run("score", "cart", "--as-of", ago(c.days), "-o", "json")
		var card report.Scorecard
		if err := json.Unmarshal([]byte(out), &card); err != nil || code != exitOK {
			s.t.Fatalf("exit %d, %v: %s%s", code, err, errs, out)
		}
		status := ""
		for _, check := range card.Checks {
			if check.ID == "inc.escalates" {
				status = check.Status
			}
		}
		if card.Badge.Held != c.badge || status != c.status || !strings.Contains(errs, "History is rounded") {
			s.t.Errorf("%d days ago: %s, inc.escalates %s: %s", c.days, card.Badge.Held, status, errs)
		}
	}
	if out, _, code := s.run("score", "cart", "inc.escalates", "--as-of", ago(2)); code != exitOK || !strings.Contains(out, "FAIL") {
		s.t.Errorf("exit %d: %s", code, out)
	}
	if _, errs, code := s.run("score", "cart", "--as-of", ago(90)); code != exitFailure ||
		!strings.Contains(errs, "does not reach that far: it begins at") {
		s.t.Errorf("exit %d: %s", code, errs)
	}
	for _, wrong := range [][]string{
		{"score", "--as-of", ago(2)}, {"score", "crat", "--as-of", ago(2)}, {"score", "cart", "--as-of", "then"},
		{"score", "cart", "--as-of", "2999-01-01"},
		{"score", "cart", "--as-of", ago(2), "--server", "http://127.0.0.1:1"},
	} {
		if _, errs, code := s.run(wrong...); code != exitConfig || errs == "" {
			s.t.Errorf("%v: exit %d: %s", wrong, code, errs)
		}
	}
}

// testDropped previews a framework without a check that the configuration has an exemption
// from, beside one that stays.
func (s *site) testDropped() {
	s.t.Helper()
	configuration := s.read("collector.yaml")
	s.write("collector.yaml", configuration+"exemptions:\n  - {checks: [inc.escalates, inc.covered], services: [cart], "+
		"reason: r, requested_by: b, approver: a, expires: "+time.Now().AddDate(0, 1, 0).UTC().Format(time.DateOnly)+"}\n")
	defer s.write("collector.yaml", configuration)
	s.write("dropped.yaml", strings.Replace(strings.Replace(fourChecks, "version: 1.0.0", "version: 2.0.0", 1),
		"inc.escalates", "inc.second-level", 1))
	p, errs, code := s.preview("--file", "dropped.yaml")
	if code != exitOK || p.Services != 3 || strings.Contains(errs, "level=") {
		s.t.Errorf("exit %d: %s%+v", code, errs, p)
	}
}
