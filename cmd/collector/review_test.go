package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/review"
	"github.com/prodready/collector/statistics"
	"github.com/prodready/collector/store"
)

// A store that has just begun knows nothing of last week, and says so.
func TestReview(t *testing.T) {
	s := newSite(t)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	out, errs, code := s.run("review", "--format", "json")
	var r review.Review
	if err := json.Unmarshal([]byte(out), &r); code != exitOK || err != nil {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
	}
	if r.Period.Kind != review.Week || r.Summary.Direction != review.Unknown || r.Scope.Services == 0 {
		t.Errorf("%+v of %+v: %s", r.Period, r.Scope, r.Summary.Sentence)
	}
	for format, want := range map[string]string{"md": "# Operational review: week ", "short": "*Operational review: week ",
		"html": "<!DOCTYPE html>"} {
		out, errs, code := s.run("review", "--format", format)
		if code != exitOK || !strings.HasPrefix(out, want) || !strings.Contains(out, "is not known: the store knows badges") {
			t.Errorf("%s: exit %d: %s%s", format, code, out, errs)
		}
	}
	file := filepath.Join(t.TempDir(), "review.json")
	out, errs, code = s.run("review", "--period", "month", "--format", "json", "--output", file)
	if code != exitOK || out != "" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), `"kind": "month"`) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestReviewRefuses(t *testing.T) {
	s := newSite(t)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"--period", "wek"}, `did you mean "week"?`},
		{[]string{"--period", "2999-01"}, "in the future"},
		{[]string{"--format", "htm"}, "want"},
		{[]string{"--team", "paymets"}, `no service of the catalog has the team "paymets"`},
		{[]string{"--org", "nobody"}, `no service of the catalog has the org "nobody"`},
		{[]string{"now"}, "takes no arguments"},
	} {
		out, errs, code := s.run(append([]string{"review"}, c.arguments...)...)
		errs = strings.Join(strings.Fields(errs), " ")
		if code != exitConfig || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit %d: %s%s, want %q", c.arguments, code, out, errs, c.want)
		}
	}
	if _, _, code := s.run("review", "--output", filepath.Join(t.TempDir(), "none", "review.md")); code != exitFailure {
		t.Errorf("a file in a folder that is not there: exit %d", code)
	}
}

// TestReviewSaysWhatWasEstimatedOnce: of the month in which its period ends, a review takes
// the effect of reviews, and what checks predict, as the daemon has stored them. Without
// these it estimates them.
func TestReviewSaysWhatWasEstimatedOnce(t *testing.T) {
	s := withFleet(t, 12, 0.5)
	made := func() (r review.Review) {
		t.Helper()
		out, errs, code := s.run("review", "--period", "month", "--format", "json")
		if err := json.Unmarshal([]byte(out), &r); code != exitOK || err != nil {
			t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
		}
		return r
	}
	first := made()
	if first.Effect.Verdict != string(effect.Improved) || first.Effect.Ratio == nil || len(first.Feedback) > 0 {
		t.Errorf("estimated anew: %+v, feedback %+v", first.Effect, first.Feedback)
	}
	stored := correlation.Effect{
		Outcome: correlation.ResolutionTime, Scope: correlation.ScopeFleet, Group: correlation.FleetGroup,
		Estimate: effect.Estimate{
			Known: true, Verdict: effect.Inconclusive, Ratio: statistics.Interval{Value: 1.1, Lower: 0.9, Upper: 1.3},
		},
	}
	result := correlation.Result{
		At:      first.Period.To,
		Effects: correlation.Effects{Verdicts: []correlation.Effect{stored}},
		Compared: correlation.CrossSection{Checks: []correlation.CheckAssociation{{
			Check: "inc.registered", Known: true, NoRelation: true, P: 0.9, Adjusted: 0.9,
			Ratio: statistics.Interval{Value: 1, Lower: 0.8, Upper: 1.2},
		}}},
	}
	body, err := result.Encode()
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{URL: filepath.Join(s.folder, "readiness.db")})
	if err != nil {
		t.Fatal(err)
	}
	for month, body := range map[string][]byte{store.MonthOf(first.Period.From): []byte("of another month"),
		store.MonthOf(first.Period.To): body} {
		key := store.CorrelationKey{Month: month, Configuration: "a", MadeAt: first.Period.To.Add(time.Minute)}
		if err := db.SaveCorrelation(t.Context(), key, body, 9); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	second := made()
	if r := second.Effect.Ratio; second.Effect.Verdict != string(effect.Inconclusive) || r == nil || r.Upper != 1.3 {
		t.Errorf("the effect is %+v, and another one is stored", second.Effect)
	}
	if f := second.Feedback; len(f) != 1 || f[0].Check != "inc.registered" || f[0].Advice != report.Drop {
		t.Errorf("a check that is stored as one without relation: %+v", f)
	}
}
