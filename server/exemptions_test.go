package server

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

const twoChecks = `{apiVersion: readiness/v1, kind: Framework, name: f, version: 1.0.0, modules: [
  {id: m, name: M, checks: [
    {id: m.one, title: One, level: 1, proofs: [{by: machine, pass: f.one}]},
    {id: m.two, title: Two, level: 2, proofs: [{by: machine, pass: f.two}]}]}]}`

// twoCheckCriteria are compiled from twoChecks.
func twoCheckCriteria(t *testing.T) (*framework.Framework, *evidence.Facts) {
	t.Helper()
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "f.one", Kind: evidence.KindBool, Help: "One."}, {Name: "f.two", Kind: evidence.KindBool, Help: "Two."},
	})
	if err != nil {
		t.Fatal(err)
	}
	document, err := framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(twoChecks)}})
	if err != nil {
		t.Fatal(err)
	}
	criteria, err := framework.Compile(document, facts)
	if err != nil {
		t.Fatal(err)
	}
	return criteria, facts
}

// TestExemptionsAreTheSameEverywhere: a check is exempt in the metrics, the
// API, the score and the report of a service exactly while Covers says so.
func TestExemptionsAreTheSameEverywhere(t *testing.T) {
	criteria, facts := twoCheckCriteria(t)
	entries := []*catalog.Service{
		{Name: "cart", Tier: 1, Team: "a", Org: "x"}, {Name: "search", Tier: 2, Team: "b", Org: "x"}, {Name: "shop", Tier: 1},
	}
	rapid.Check(t, func(t *rapid.T) {
		exemptions := rapid.SliceOfN(rapid.Custom(exemption), 0, 4).Draw(t, "exemptions")
		in := scoring.Inputs{Framework: criteria, Exemptions: exemptions, Evidence: evidencetest.Rows(nil).Row}
		for _, entry := range entries {
			in.Subjects = append(in.Subjects, scoring.NewSubject(entry, facts, nil))
		}
		s := &snapshot.Snapshot{At: now, Framework: criteria}
		cards := scoring.Judge(in, now)
		for i := range cards {
			s.Services = append(s.Services, snapshot.Service{Entry: entries[i], Card: &cards[i]})
		}
		page, err := new(exporter.Renderer).Render(s, exporter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		metrics := string(page.Bytes(exporter.Text))
		o := options(s)
		api, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cards {
			subject := &in.Subjects[i]
			answer := httptest.NewRecorder()
			api.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/v1/services/"+subject.Name, nil))
			var served report.Scorecard
			if err := json.Unmarshal(answer.Body.Bytes(), &served); err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			reported, _ := report.NewScorecard(s, subject.Name)
			if err := reported.WriteCSV(&text); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			counted := 0
			for k, check := range criteria.Checks {
				end := lastEnd(exemptions, check.ID, subject)
				want := !end.IsZero()
				if !want {
					counted++
				}
				series := fmt.Sprintf(
					"readiness_exemption_expiry_timestamp_seconds{service_name=%q,check=%q}", subject.Name, check.ID,
				)
				if got := strings.Contains(metrics, series); got != want {
					t.Errorf("metrics: %s exempt from %s: %v, want %v", subject.Name, check.ID, got, want)
				} else if value := fmt.Sprintf("%s %d\n", series, end.Unix()); want && !strings.Contains(metrics, value) {
					t.Errorf("metrics lack %q", value)
				}
				if got := cards[i].Checks[k].Status == scoring.Exempt; got != want {
					t.Errorf("score: %s exempt from %s: %v, want %v", subject.Name, check.ID, got, want)
				}
				if got := served.Checks[k].Exemption != nil; got != want || want &&
					!served.Checks[k].Exemption.Expires.Equal(end.Truncate(time.Second)) {
					t.Errorf("API: %s exempt from %s: %+v, want until %s", subject.Name, check.ID, served.Checks[k].Exemption, end)
				}
				reason := rows[k+1][slices.Index(rows[0], "exempt_reason")]
				if got := reason != ""; got != want {
					t.Errorf("report: %s exempt from %s for %q, want %v", subject.Name, check.ID, reason, want)
				}
			}
			if got := cards[i].Modules[0].Counted; got != counted {
				t.Errorf("score: %d checks of %s are counted, want %d", got, subject.Name, counted)
			}
		}
	})
}

// exemption ends within a second of now, or much later.
func exemption(t *rapid.T) scoring.Exemption {
	away := rapid.SampledFrom([]time.Duration{-time.Second, -1, 0, 1, time.Second, time.Hour, 2 * time.Hour})
	return scoring.Exemption{
		Check: rapid.SampledFrom([]string{"m.one", "m.two"}).Draw(t, "check"),
		Selector: scoring.Selector{
			Services: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"cart", "gone", "search"}), 0, 2, rapid.ID).Draw(
				t, "services",
			),
			Teams: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b"}), 0, 1, rapid.ID).Draw(t, "teams"),
			Orgs:  rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y"}), 0, 1, rapid.ID).Draw(t, "orgs"),
			Tiers: rapid.SliceOfNDistinct(rapid.SampledFrom([]int{1, 2, 3}), 0, 2, rapid.ID).Draw(t, "tiers"),
		},
		Expires: now.Add(away.Draw(t, "ends in")), Reason: "r", Approver: "a",
	}
}

// lastEnd is when the last exemption that covers the service ends; zero when
// none does.
func lastEnd(exemptions []scoring.Exemption, check string, subject *scoring.Subject) time.Time {
	var end time.Time
	for i := range exemptions {
		if e := &exemptions[i]; e.Check == check && e.Covers(subject, now) && e.Expires.After(end) {
			end = e.Expires
		}
	}
	return end
}
