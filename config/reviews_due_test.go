package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/config"
)

// TestWhenReviewsAreDue: the first entry for the tier decides, and what can mean nothing is
// refused.
func TestWhenReviewsAreDue(t *testing.T) {
	load := func(due, reviews string) (*config.Valid, error) {
		text := "reviews: {due_after: [" + due + "]}\nsources: {jira: [{name: main, url: 'https://a.example', email: a@b.example, " +
			"token_file: token" + reviews + "}]}\n"
		return config.Load(config.Options{Path: "collector.yaml", ReadFile: func(name string) ([]byte, error) {
			if strings.HasSuffix(name, "token") {
				return []byte("x"), nil
			}
			return []byte(text), nil
		}})
	}
	const reads = ", reviews: {jql: project = PRR}"
	valid, err := load("{tiers: [1, 2], after: 180d}, {tiers: [2, 3], after: 365d}", reads)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for tier, want := range map[int]time.Duration{1: 180 * day, 2: 180 * day, 3: 365 * day, 4: 0} {
		if got, known := valid.Reviews().DueIn(tier); got != want || known != (want > 0) {
			t.Errorf("tier %d: %s, %t, want %s", tier, got, known, want)
		}
	}
	if valid, err = load("{after: 365d}", reads); err != nil {
		t.Fatal(err)
	}
	if got, known := valid.Reviews().DueIn(4); got != 365*day || !known {
		t.Errorf("all tiers: %s, %t", got, known)
	}
	for due, want := range map[string]string{
		"{tiers: [1]}":                               "reviews.due_after[0].after: 0s is too short",
		"{tiers: [5], after: 30d}":                   "reviews.due_after[0].tiers[0]: tier 5 does not exist",
		"{after: 30d}, {tiers: [1], after: 30d}":     "reviews.due_after[1]: the entry before is for all tiers",
		"{tiers: [1], after: 30d, befor: 1d}":        "befor",
		"{tiers: [1], after: 12h}, {after: 30d}":     "12h is too short",
		"{tiers: [1, 0], after: 30d}, {after: 100d}": "tier 0 does not exist",
	} {
		if _, err := load(due, reads); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", due, err, want)
		}
	}
	_, err = load("{after: 365d}", "")
	if err == nil || !strings.Contains(err.Error(), "no source reads readiness reviews") {
		t.Errorf("without a query for reviews: %v", err)
	}
}
