package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// cardOf is the scorecard of a tier-1 service with the given evidence, after
// change has had its way with the judged card.
func cardOf(t *testing.T, known observations, badge scoring.BadgeState, change func(*scoring.Scorecard)) Scorecard {
	t.Helper()
	f := newFixture(t)
	f.add(catalog.Service{Name: "a", Tier: 1, Stateful: true}, badge, known)
	s := f.snapshot()
	if change != nil {
		change(s.Services[0].Card)
	}
	card, ok := NewScorecard(s, "a")
	if !ok {
		t.Fatal("no scorecard")
	}
	return card
}

func checkNamed(t *testing.T, c Scorecard, id string) Check {
	t.Helper()
	for _, check := range c.Checks {
		if check.ID == id {
			return check
		}
	}
	t.Fatalf("no check %s", id)
	return Check{}
}

func textOf(t *testing.T, c Scorecard, style Style) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.WriteText(&out, style); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("wants %q in\n%s", part, text)
		}
	}
}

func TestAgesAreReadAtTheTimeOfTheSnapshot(t *testing.T) {
	c := cardOf(t, complete(), held(framework.Gold), nil)
	fact := checkNamed(t, c, "inc.restored").Observed[0]
	if got := fact.Value.Text(fact.Unit); got != "100 days" {
		t.Errorf("got %s, want 100 days", got)
	}
	if fact.AgeSeconds != 240 || !fact.ObservedAt.Equal(now().Add(-4*time.Minute)) {
		t.Errorf("observed %d s ago at %s", fact.AgeSeconds, fact.ObservedAt)
	}
}

func TestAPassRestsOnTheProofThatDecided(t *testing.T) {
	c := cardOf(t, complete().with(observations{
		"deploy.synced_ratio_7d": missing(evidence.MissingNoData),
		"attest.cicd_no_drift":   seen(evidence.Bool(true), "jira/main", "PRR-12"),
	}), held(framework.Gold), nil)
	check := checkNamed(t, c, "cicd.no-drift")
	if check.Status != "pass" || check.Proof != "attested" || !check.Open || check.Wanted != (Wanted{"attested",
		"attest.cicd_no_drift"}) {
		t.Errorf("got %+v", check)
	}
	if check.Observed[0].Asked || !check.Observed[1].Asked || check.Proofs[0].Asked || !check.Proofs[1].Asked {
		t.Errorf("the verdict rests on the attestation alone: %+v", check.Observed)
	}
	text := textOf(t, c, Style{All: true})
	wantText(t, text, "cicd.no-drift   PASS   attested, observed 4 minutes ago by jira/main\n")
	if strings.Contains(text, "missing   deploy.synced_ratio_7d") {
		t.Errorf("a fact the verdict does not rest on:\n%s", text)
	}
}

func TestAVerdictIsAsOldAsItsOldestPart(t *testing.T) {
	c := cardOf(t, complete().with(observations{
		"deploy.last_abort_age_days": aged(evidence.Never(), "prometheus/b", 26*time.Hour),
	}), held(framework.Gold), nil)
	wantText(
		t, textOf(t, c, Style{All: true}), "attested, observed 26 h ago by prometheus/b, jira/main, a source does not answer\n",
		"never (deploy.last_abort_age_days), stale: 26 h ago\n",
	)
}

func TestTheSoonestLossOfABadgeIsTold(t *testing.T) {
	badge := held(framework.Gold)
	badge.Contradictions = []scoring.ContradictionClock{
		{Badge: framework.Gold, Dwell: 72 * time.Hour, Ran: scoring.Stopped(20 * time.Hour)},
		{Badge: framework.Gold, Dwell: 24 * time.Hour, Ran: scoring.Stopped(4 * time.Hour)},
		{Badge: framework.Silver, Dwell: 24 * time.Hour},
		{Badge: framework.Platinum, Dwell: 24 * time.Hour, Ran: scoring.Stopped(4 * time.Hour)},
	}
	c := cardOf(t, complete(), badge, nil)
	if len(c.Badge.Contradicted) != 2 {
		t.Errorf("clocks that stand still, or speak of badges not held: %+v", c.Badge.Contradicted)
	}
	text := textOf(t, c, Style{All: true})
	wantText(t, text, "losing    Gold is contradicted for 4 h; it is lost in 20 h if that stays\n")
	if strings.Count(text, "losing") != 1 {
		t.Errorf("one line for each badge:\n%s", text)
	}
}

func TestErrorsVoidsAndCausesAreTold(t *testing.T) {
	badge := held(framework.Silver)
	badge.LastTransition = &scoring.Transition{
		At: now().Add(-time.Hour), From: framework.Gold, To: framework.Silver, Cause: scoring.CauseCriteria,
		Contributing: []scoring.Cause{scoring.CauseExemption},
	}
	c := cardOf(t, complete().with(observations{
		"deploy.synced_ratio_7d": seen(double(0.5), "prometheus/a", ""),
		"attest.cicd_no_drift":   seen(evidence.Bool(true), "jira/main", ""),
	}), badge, func(card *scoring.Scorecard) {
		for i := range card.Checks {
			if card.Checks[i].Check.ID == "cicd.no-drift" {
				card.Checks[i].Err = errors.New("division by zero")
			}
		}
	})
	wantText(t, textOf(t, c, Style{All: true}),
		"changed   Gold to Silver on 2026-08-22 08:30 UTC, cause: criteria (also exemption)\n",
		"error     division by zero\n",
		"drift     a machine contradicts an attestation; it does not count until it is made again\n")
}

// Whoever reads of review drift is to know the ticket of the attestation, and of
// no other.
func TestReviewDriftNamesTheTicket(t *testing.T) {
	known := complete().with(observations{
		"deploy.synced_ratio_7d": seen(double(0.5), "prometheus/a", "Argo CD app checkout"),
		"attest.cicd_no_drift":   seen(evidence.Bool(true), "jira/main", "attestation PRR-12 on PRR-1"),
		"attest.cicd_rollback":   seen(evidence.Bool(true), "jira/main", "attestation PRR-13 on PRR-1"),
	})
	drift := func(observed observations) string {
		card := cardOf(t, observed, held(framework.Silver), nil)
		for line := range strings.SplitSeq(textOf(t, card, Style{All: true}), "\n") {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "drift ") {
				return line
			}
		}
		return ""
	}
	if got, want := drift(known), "drift     a machine contradicts attestation PRR-12 on PRR-1; it does not count until it is made"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// An attestation that was withdrawn is not contradicted.
	if got := drift(known.with(observations{"attest.cicd_no_drift": seen(evidence.Bool(false), "jira/main",
		"attestation PRR-12 on PRR-1: nobody")})); got != "" {
		t.Errorf("%q without an attestation", got)
	}
}

func TestAProofThatAMachineHasRefused(t *testing.T) {
	card := cardOf(t, complete().with(observations{
		"deploy.synced_ratio_7d": missing(evidence.MissingNoData),
		"attest.cicd_no_drift":   seen(evidence.Bool(true), "jira/main", ""),
	}), held(framework.Silver), func(card *scoring.Scorecard) {
		for i := range card.Checks {
			if r := &card.Checks[i]; r.Check.ID == "cicd.no-drift" {
				r.Status, r.Verdict, r.By, r.RefusedAt = scoring.Unknown, scoring.Unknown, "", now().AddDate(0, 0, -3)
			}
		}
	})
	wantText(t, textOf(t, card, Style{All: true}),
		"refused   a machine said no until 2026-08-19 09:30 UTC; what says yes is older, and counts when it")
}

func TestWhatATargetMakesOfAFailure(t *testing.T) {
	failing := complete().with(observations{"pagerduty.coverage_ratio_14d": seen(double(0.9), "pagerduty/main", "")})
	for name, c := range map[string]struct {
		badge framework.Badge
		at    time.Time
		want  string
		text  string
	}{
		"late": {framework.Bronze, time.Date(2026, 9, 3, 0, 0, 0, 0, time.UTC), dueLate,
			"for Silver; late for your target Gold"},
		"due":     {framework.Bronze, now(), dueYes, "for Silver; due for your target Gold by 2026-09-01"},
		"at risk": {framework.Gold, now(), dueAtRisk, "for Silver; your target Gold rests on it"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.add(catalog.Service{Name: "a", Tier: 1}, held(c.badge), failing)
			s := f.snapshot()
			s.At = c.at
			card, _ := NewScorecard(s, "a")
			if got := checkNamed(t, card, "inc.covered").Due; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			wantText(t, textOf(t, card, Style{All: true}), c.text)
			if c.want == dueLate {
				wantText(t, textOf(t, card, Style{All: true}), "target    Gold by 2026-09-01: late since 2026-09-02 (24 h); 1 check to go\n")
			}
		})
	}
	// Tier 2 is to reach Silver; a check of Gold is not due.
	f := newFixture(t)
	f.add(catalog.Service{Name: "a", Tier: 2}, held(framework.Silver),
		complete().with(observations{"pagerduty.ack_p50_minutes": seen(double(9), "pagerduty/main", "")}))
	card, _ := NewScorecard(f.snapshot(), "a")
	wantText(t, textOf(t, card, Style{All: true}), "for Gold; your target is Silver, so nothing is due\n")
}

func TestABlindCheckWantsWhatNobodyHas(t *testing.T) {
	f := newFixture(t)
	f.blind["inc.restored"] = true
	// Not stateful: the check applies to nobody, and is blind all the same.
	f.add(catalog.Service{Name: "a", Tier: 1}, scoring.BadgeState{},
		complete().with(observations{"backup.restore_age_days": missing(evidence.MissingNoSource)}))
	for _, check := range NewCoverage(f.snapshot()).Checks {
		if check.ID != "inc.restored" {
			continue
		}
		if !check.Blind || check.Share != nil || len(check.Wants) != 1 || check.Wants[0] != (Want{"backup.restore_age_days",
			0, "Velero with --metrics-address"}) {
			t.Errorf("got %+v", check)
		}
		return
	}
	t.Error("no such check")
}

func TestAMissingCatalogKeyIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		observation evidence.Observation
		want        string
	}{
		"one key": {evidence.Observation{CatalogKeys: []string{"kubernetes.workload"}},
			"needs catalog key kubernetes.workload"},
		"either": {evidence.Observation{CatalogKeys: []string{"argocd", "prometheus.matchers"}},
			"needs catalog key argocd or prometheus.matchers"},
		"no key":      {evidence.Observation{Source: "prometheus/eu"}, "needs a catalog entry for prometheus/eu"},
		"not a thing": {evidence.Observation{}, "the catalog entry has no key for this source"},
	} {
		c.observation.Missing = evidence.MissingNoReference
		c.observation.HealthyUntil = now().Add(time.Hour)
		card := cardOf(t, complete().with(observations{"pagerduty.oncall_now": &c.observation}), held(framework.Gold), nil)
		got := textOf(t, card, Style{All: true})
		if !strings.Contains(got, "  missing   pagerduty.oncall_now: "+c.want+"\n") {
			t.Errorf("%s: no %q in\n%s", name, c.want, got)
		}
	}
}

// TestASourceThatFailsIsTheReason for a value that is missing or too old, and what was
// found and could not be used has a name.
func TestASourceThatFailsIsTheReason(t *testing.T) {
	f := newFixture(t)
	uncounted := missing(evidence.MissingUncounted)
	uncounted.Source = "jira/main"
	asked := missing(evidence.MissingNotCollected)
	asked.Source = "pagerduty/main"
	f.add(catalog.Service{Name: "a", Tier: 1}, held(framework.Silver), complete().with(observations{
		"pagerduty.oncall_now":   asked,
		"attest.cicd_no_drift":   uncounted,
		"deploy.synced_ratio_7d": missing(evidence.MissingNoData),
	}))
	s := f.snapshot()
	s.Sources = append(s.Sources, snapshot.SourceStatus{
		ID: "pagerduty/main", Error: "GET /services: unauthorized (HTTP 401); check that the credential is valid",
	})
	card, _ := NewScorecard(s, "a")
	wantText(t, strings.Join(strings.Fields(textOf(t, card, Style{All: true})), " "),
		"pagerduty.oncall_now: the source has failed: GET /services: unauthorized (HTTP 401)",
		"could not be used, such as component Checkout Service (project SHOP)")
}
