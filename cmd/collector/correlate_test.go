package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/store"
)

// withFleet is a site of 24 services and their incidents of two years; some of them were
// reviewed, after which an incident lasts a part of the time that it would have.
func withFleet(t *testing.T, reviewed int, part float64) *site {
	t.Helper()
	s := newSite(t)
	s.edit("collector.yaml", "    - {name: ghost, team: payments, org: shop, tier: 3, pagerduty: [{service_id: PGONE}]}\n", "")
	s.edit("collector.yaml", "timeout: 30s,", "timeout: 60s, history: 760d,")
	const day = 24 * time.Hour
	now := time.Now().UTC().Truncate(time.Second)
	account := twoServices(nil)
	var entries strings.Builder
	var reviews []evidence.Review
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		name, id := fmt.Sprint("api-", i), fmt.Sprint("PS", i)
		fmt.Fprintf(&entries, "    - {name: %s, team: team-%d, org: shop, tier: %d, pagerduty: [{service_id: %s}]}\n",
			name, i%4, 1+i%2, id)
		account.Services = append(account.Services, pagerdutytest.Service{ID: id, Name: name, EscalationPolicy: "ELONE"})
		var done time.Time
		if i < reviewed {
			done = now.Add(-time.Duration(200+4*i) * day)
			reviews = append(reviews, evidence.Review{
				Source: "jira/main", ID: fmt.Sprint("PRR-", i), Key: fmt.Sprint("PRR-", i), Service: name,
				Status: evidence.ReviewDone, CreatedAt: done.Add(-10 * day), CompletedAt: done,
			})
		}
		for n := range 30 {
			begun := now.Add(-time.Duration(700-23*n) * day).Add(-time.Duration(random.IntN(22*86400)) * time.Second)
			lasted := 3600 * math.Exp(0.6*random.NormFloat64())
			if !done.IsZero() && begun.After(done) {
				lasted *= part
			}
			account.Incidents = append(account.Incidents, pagerdutytest.Incident{
				ID: fmt.Sprintf("Q%02dN%02d", i, n), Title: fmt.Sprintf("Problem %c of %d", 'a'+n%26, i), Service: id,
				Channel: "api", CreatedAt: begun, AcknowledgedAt: begun.Add(time.Minute),
				ResolvedAt: begun.Add(time.Duration(lasted) * time.Second), ResolvedBy: "user_reference",
			})
		}
	}
	s.edit("collector.yaml", "  services:\n", "  services:\n"+entries.String())
	for i := range 4 {
		s.edit("collector.yaml", "teams: [", fmt.Sprintf("teams: [{name: team-%d, org: shop}, ", i))
	}
	s.vendor.SetAccount(account)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	db, err := store.Open(t.Context(), store.Options{URL: filepath.Join(s.folder, "readiness.db"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Commit(t.Context(), "jira/main", 0, now, evidence.Batch{Reviews: reviews})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCorrelateSaysThatReviewsWork where they halve the time to resolve, in words, tables,
// JSON and CSV, for every scope, and claims of nothing else.
func TestCorrelateSaysThatReviewsWork(t *testing.T) {
	s := withFleet(t, 12, 0.5)
	out, errs, code := s.run("correlate", "-o", "json")
	var found report.Correlation
	if err := json.Unmarshal([]byte(out), &found); code != exitOK || err != nil {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	if len(found.Effects) != 4 {
		t.Fatalf("%d effects: %s", len(found.Effects), out)
	}
	for _, e := range found.Effects {
		improved := e.Outcome == "resolution_time"
		if improved != (e.Verdict == "improved") || e.Verdict == "worsened" {
			t.Errorf("%s is %s: %+v", e.Outcome, e.Verdict, e.Ratio)
		}
	}
	primary := found.Effects[0]
	if r := primary.Ratio; r == nil || r.Lower == nil || r.Upper == nil || *r.Lower > 0.5 || *r.Upper < 0.5 ||
		primary.Services != 12 || primary.Placebo == nil || *primary.Placebo > 0.08 || len(primary.Leads) != 3 {
		t.Errorf("the primary effect: %+v", primary)
	}
	// Services that have just been judged cannot be compared.
	c := found.Compared
	if c == nil || len(c.Correlations) != 0 || len(c.Checks) != 4 || c.Checks[0].Ratio != nil || c.Badges[0].Rate != nil ||
		found.Gold == nil || found.Gold.Missing == "" {
		t.Errorf("compared %+v, Gold %+v", c, found.Gold)
	}
	if !strings.HasPrefix(found.Words, "Incidents are resolved faster after a review: in between ") {
		t.Errorf("the words are %s", found.Words)
	}
	for _, scope := range []string{"fleet", "tier", "team/team-1"} {
		out, errs, code := s.run("correlate", "--scope", scope)
		if code != exitOK || !strings.Contains(out, "RATIO") {
			t.Errorf("%s: exit %d: %s%s", scope, code, out, errs)
		}
		for line := range strings.Lines(out) {
			if len([]rune(strings.TrimRight(line, "\n"))) > 80 {
				t.Errorf("%s: longer than 80 columns: %s", scope, line)
			}
		}
		if strings.HasPrefix(scope, "team") && strings.Contains(out, "improved") {
			t.Errorf("a team has a verdict:\n%s", out)
		}
	}
	out, _, _ = s.run("correlate", "-o", "csv", "--scope", "team/team-1")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 5 || rows[1][0] != "resolution_time" || rows[1][2] != "team-1" {
		t.Errorf("CSV %v: %s", err, out)
	}
}

// TestCorrelateSaysWhatIsMissing and claims nothing where too few services were reviewed,
// or where incidents are not known.
func TestCorrelateSaysWhatIsMissing(t *testing.T) {
	s := withFleet(t, 4, 0.5)
	out, errs, code := s.run("correlate")
	out = strings.Join(strings.Fields(out), " ")
	if code != exitOK || !strings.Contains(out, "there are not enough data. Missing: 6 more reviewed services") ||
		strings.Contains(out, "faster") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	// What the store deletes by age is not known, however far back the source has read.
	s.edit("collector.yaml", "store: {url: readiness.db}", "store: {url: readiness.db, retention: {incidents: 300d}}")
	s.edit("collector.yaml", "history: 760d", "history: 300d")
	out, errs, code = s.run("correlate", "-o", "json")
	var found report.Correlation
	if err := json.Unmarshal([]byte(out), &found); code != exitOK || err != nil || found.IncidentsSince == nil ||
		time.Since(*found.IncidentsSince) > 301*24*time.Hour {
		t.Errorf("exit %d, %v: known since %v\n%s", code, err, found.IncidentsSince, errs)
	}
}

// TestWhichCorrelationsAreRefused: with the nearest name, and with what is wrong.
func TestWhichCorrelationsAreRefused(t *testing.T) {
	s := newSite(t)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatal(errs)
	}
	for arguments, want := range map[string]string{
		"--scope flet":          `did you mean "fleet"?`,
		"--scope team/payment":  `did you mean "payments"?`,
		"--scope tier/9":        `no service of tier "9"`,
		"--scope tier/one":      "want a tier such as tier/1",
		"--scope fleet/all":     "want fleet",
		"--scope team/":         "want fleet, or a team",
		"now":                   "takes no arguments",
		"--scope tier --window": "unknown flag",
	} {
		out, errs, code := s.run(append([]string{"correlate"}, strings.Fields(arguments)...)...)
		if code != exitConfig || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s%s", arguments, code, out, errs)
		}
	}
}

// TestCorrelateSaysWhatWasNeverRead: reviews of a Jira that was not asked yet are not none.
func TestCorrelateSaysWhatWasNeverRead(t *testing.T) {
	s := withFleet(t, 12, 0.5)
	s.edit("collector.yaml", "sources:\n", "sources:\n"+
		"  jira:\n    - {name: main, deployment: datacenter, url: 'http://127.0.0.1:1', token_file: token, "+
		"reviews: {jql: 'issuetype = \"Review\"', services: {by: label, prefix: svc-}}}\n")
	out, errs, code := s.run("correlate")
	out = strings.Join(strings.Fields(out), " ")
	if code != exitUnknown || !strings.Contains(out, "Reviews are not known: jira/main has not read them yet. Run collector") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	out, errs, code = s.run("correlate", "-o", "json")
	var found report.Correlation
	if err := json.Unmarshal([]byte(out), &found); code != exitUnknown || err != nil || len(found.Incomplete) != 1 {
		t.Errorf("exit %d, %v: %v\n%s", code, err, found.Incomplete, errs)
	}
}
