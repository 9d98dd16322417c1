package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/review"
)

// storyDay is a day of which the answers below are known.
func storyDay() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

// asked are the options of commands that read the store of a demo.
func (d *demo) asked() app.Options {
	return app.Options{
		ConfigPath: filepath.Join(d.folder, "config.yaml"), Logger: logger(io.Discard, false), Now: d.now, Version: version,
	}
}

// correlated is what `collector correlate` says of a demo.
func correlated(t *testing.T, d *demo) report.Correlation {
	t.Helper()
	found, err := app.Correlate(t.Context(), d.asked(), app.CorrelationQuery{Scope: correlation.ScopeFleet})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// effectOn is the effect of reviews on an outcome of the fleet.
func effectOn(t *testing.T, c report.Correlation, outcome correlation.Outcome) report.ReviewEffect {
	t.Helper()
	for _, e := range c.Effects {
		if e.Outcome == string(outcome) && e.Ratio != nil && e.Ratio.Lower != nil && e.Ratio.Upper != nil {
			return e
		}
	}
	t.Fatalf("there is no effect on %s with bounds: %+v", outcome, c.Effects)
	return report.ReviewEffect{}
}

// has reports whether an interval has a value in it.
func has(r *report.Ratio, value float64) bool { return *r.Lower <= value && value <= *r.Upper }

// TestTheStoryIsFound runs the collector on the company and asks it for what was planted.
func TestTheStoryIsFound(t *testing.T) {
	d := collected(t, options{seed: 1, services: company.DefaultServices, listen: "127.0.0.1:0"}, storyDay)
	found := correlated(t, d)
	t.Run("reviews cut the time to resolve", func(t *testing.T) {
		e := effectOn(t, found, correlation.ResolutionTime)
		if e.Verdict != string(effect.Improved) || !has(e.Ratio, company.TimeAfterReview) || has(e.Ratio, 1) {
			t.Errorf("%s, %.2f to %.2f", e.Verdict, *e.Ratio.Lower, *e.Ratio.Upper)
		}
		if !strings.HasPrefix(found.Words, "Incidents are resolved faster after a review:") {
			t.Error(found.Words)
		}
	})
	t.Run("reviews change nothing else", func(t *testing.T) {
		for _, o := range []correlation.Outcome{
			correlation.IncidentRate, correlation.NoiseShare, correlation.AcknowledgementTime,
		} {
			if e := effectOn(t, found, o); e.Verdict != string(effect.Inconclusive) || !has(e.Ratio, 1) {
				t.Errorf("%s: %s, %.2f to %.2f", o, e.Verdict, *e.Ratio.Lower, *e.Ratio.Upper)
			}
		}
	})
	t.Run("one check predicts incidents and one does not", func(t *testing.T) { checksPredict(t, found.Compared.Checks) })
	t.Run("the review names the organisation that lags", func(t *testing.T) { reviewNamesWhoLags(t, d) })
	t.Run("the metrics show it", func(t *testing.T) { metricsShow(t, d, found) })
}

// metricsShow starts the daemon, which estimates the effects of the month at once, and
// compares its metrics with what the command says.
func metricsShow(t *testing.T, d *demo, found report.Correlation) {
	if err := d.collector.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	metrics := until(t, "http://"+d.collector.Addr()+"/metrics", "readiness_review_effect_verdict{")
	e := effectOn(t, found, correlation.ResolutionTime)
	for _, want := range []string{
		`readiness_review_effect_verdict{outcome="resolution_time",scope="fleet",verdict="improved"} 1`,
		`readiness_review_effect_verdict{outcome="incident_rate",scope="fleet",verdict="inconclusive"} 1`,
		fmt.Sprintf(`readiness_review_effect_upper_ratio{outcome="resolution_time",scope="fleet"} %v`, *e.Ratio.Upper),
		`readiness_check_incident_rate_lower_ratio{check="` + company.PredictingCheck + `"} `,
		`readiness_check_incident_rate_ratio{check="` + company.UnrelatedCheck + `"} `,
		`readiness_correlation_spearman{outcome="resolution_time"} -0.`,
	} {
		if !strings.Contains(metrics, "\n"+want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
}

// until reads an address until its answer has all of the texts, for some minutes at most.
func until(t *testing.T, address string, texts ...string) (answer string) {
	t.Helper()
	soon := time.NewTicker(50 * time.Millisecond)
	defer soon.Stop()
	for range 3600 {
		answer = page(t, address)
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(answer, text) }) {
			break
		}
		<-soon.C
	}
	return answer
}

// checksPredict is about the two checks whose relation with incidents is known.
func checksPredict(t *testing.T, checks []report.CheckCompared) {
	seen := 0
	for _, c := range checks {
		known := c.Ratio != nil && c.Ratio.Lower != nil && c.Ratio.Upper != nil
		switch c.Check {
		case company.PredictingCheck:
			seen++
			if !known || *c.Ratio.Lower <= 1 || c.Drop {
				t.Errorf("%s does not predict incidents: %+v", c.Check, c)
			}
		case company.UnrelatedCheck:
			seen++
			if !known || !has(c.Ratio, 1) || !c.Drop {
				t.Errorf("%s is no candidate to drop: %+v", c.Check, c)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d of the two checks are compared", seen)
	}
}

// reviewNamesWhoLags is about the operational review of the last month.
func reviewNamesWhoLags(t *testing.T, d *demo) {
	made, err := app.Review(t.Context(), d.asked(), app.ReviewOf{Period: "month"})
	if err != nil {
		t.Fatal(err)
	}
	for i, team := range made.Teams[:min(3, len(made.Teams))] {
		if team.Org != company.LaggingOrg {
			t.Errorf("the team %d of those that lag is %s of %s, want one of %s", i+1, team.Team, team.Org, company.LaggingOrg)
		}
	}
	onTarget := map[string]float64{}
	for _, of := range made.Adoption.Groups {
		if last := len(of.Services) - 1; of.Services[last] != nil && *of.Services[last] > 0 {
			onTarget[of.Org] = float64(*of.OnTarget[last]) / float64(*of.Services[last])
		}
	}
	for _, org := range d.company.Orgs() {
		if share, known := onTarget[org]; !known || org != company.LaggingOrg && share <= onTarget[company.LaggingOrg] {
			t.Errorf("%.2f of the services of %s are on target, of %s %.2f", share, org, company.LaggingOrg,
				onTarget[company.LaggingOrg])
		}
	}
	if made.Effect.Verdict != string(effect.Improved) {
		t.Errorf("the review says of reviews: %+v", made.Effect)
	}
	var page strings.Builder
	if err := made.Write(&page, review.Markdown); err != nil || !strings.Contains(page.String(), company.LaggingOrg) {
		t.Errorf("%v\n%s", err, page.String())
	}
}

// TestReviewsAreShown: the operational reviews of the last week and the last month are
// there as soon as the demo serves.
func TestReviewsAreShown(t *testing.T) {
	d := collected(t, options{seed: 1, services: 6, listen: "127.0.0.1:0"}, storyDay)
	if err := d.collector.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := "http://" + d.collector.Addr() + "/reviews/"
	index := until(t, at, "2026-W09.html", "2026-02.html")
	for _, name := range []string{"2026-W09", "2026-02"} {
		if !strings.Contains(index, name+".html") {
			t.Errorf("%s is not listed:\n%s", name, index)
			continue
		}
		text := page(t, at+name+".html")
		named := func(s *company.Service) bool { return strings.Contains(text, s.Name) }
		if !slices.ContainsFunc(d.company.Services, named) {
			t.Errorf("%s names no service:\n%s", name, text)
		}
	}
}

// page is what an address answers.
func page(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, response.Status, err)
	}
	return string(body)
}

// TestUselessReviewsHaveNoVerdict: where nothing was planted there is nothing to find.
func TestUselessReviewsHaveNoVerdict(t *testing.T) {
	d := collected(t, options{seed: 2, services: company.DefaultServices, useless: true, listen: "127.0.0.1:0"}, storyDay)
	found := correlated(t, d)
	for _, o := range correlation.Outcomes() {
		if e := effectOn(t, found, o); e.Verdict != string(effect.Inconclusive) || !has(e.Ratio, 1) {
			t.Errorf("%s: %s, %.2f to %.2f", o, e.Verdict, *e.Ratio.Lower, *e.Ratio.Upper)
		}
	}
	if strings.HasPrefix(found.Words, "Incidents are resolved") {
		t.Error(found.Words)
	}
}
