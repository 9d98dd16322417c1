package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

const threeServices = `catalog:
  teams: [{name: payments, org: shop}]
  services:
    - {name: checkout, tier: 1, team: payments, aliases: [checkout-api]}
    - {name: cart, tier: 1, team: payments}
    - {name: search, tier: 2}
`

// configured builds the configuration of a file. The error is that of build.
func configured(t *testing.T, text string) (*runtimeConfig, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	valid, err := config.Load(config.Options{Path: path, Environ: []string{"TOKEN=secret"}})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }
	rc, err := build(valid, nil, sourceDeps{options: Options{Now: now}.withDefaults()})
	if err != nil {
		return nil, &InvalidError{shortened{err, filepath.Dir(path) + string(filepath.Separator)}}
	}
	return rc, nil
}

// shortened is an error without the folder of a test.
type shortened struct {
	error
	folder string
}

func (s shortened) Error() string { return strings.ReplaceAll(s.error.Error(), s.folder, "") }

func TestTargetsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	rc, err := configured(t, threeServices+`targets:
  - {badge: gold, tiers: [1, 2], by: 2026-12-31}
  - {badge: diamond, services: [checkout-api], reason: the auditors come}
  - {badge: none, services: ["sea*"]}
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]framework.Badge{
		"checkout": framework.Diamond, "cart": framework.Gold, "search": framework.NoBadge,
	} {
		service, _ := rc.Catalog.Service(name)
		if found, _ := scoring.TargetOf(rc.Targets, service, time.Now()); found == nil || found.Badge != want {
			t.Errorf("%s: %+v, want %s", name, found, want)
		}
	}
	if f := rc.checkTargets(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)); len(f) != 1 || f[0].Text != "3" {
		t.Errorf("findings %+v", f)
	}
}

func TestTargetsThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"  - {badge: golden, tiers: [1]}\n": `config.yaml:8: targets: unknown badge "golden", did you mean "gold"?: want none, ` +
			`bronze, silver, gold, platinum or diamond`,
		"  - {badge: none, tiers: [1], by: 2026-12-31}\n": "config.yaml:8: targets: none for tiers 1: no badge is asked for, so " +
			"that nothing is due; remove by",
		"  - {badge: gold, teams: [payment]}\n": `config.yaml:8: targets: gold for teams payment: no service of the catalog has ` +
			`the team "payment", did you mean "payments"?`,
		"  - {badge: gold, services: [check*]}\n  - {badge: silver, services: [\"*out\"]}\n": "config.yaml:9: targets: checkout " +
			"should hold silver by this entry and gold by that of config.yaml:8, and neither is more specific; name the service " +
			"in one of them, or keep one",
		"  - {badge: gold, tiers: [1], by: 2026-12-31}\n  - {badge: gold, tiers: [1, 2]}\n": "config.yaml:9: targets: cart should " +
			"hold gold by this entry and gold by that of config.yaml:8, and neither is more specific; name the service in one of " +
			"them, or keep one",
		"  - {badge: gold, tiers: [1], since: 2027-01-01}\n  - {badge: silver, teams: [payments], tiers: [1]}\n" +
			"  - {badge: bronze, tiers: [1, 2], since: 2027-01-01}\n": "",
		// One that begins later is no contradiction, two that begin on one day are.
		"  - {badge: silver, tiers: [1]}\n  - {badge: gold, tiers: [1], since: 2027-01-01}\n": "",
		"  - {badge: silver, tiers: [1]}\n  - {badge: gold, tiers: [1], since: 2027-01-01}\n" +
			"  - {badge: bronze, tiers: [1, 2], since: 2027-01-01}\n": "config.yaml:10: targets: cart should hold bronze by this " +
			"entry and gold by that of config.yaml:9, and neither is more specific; name the service in one of them, or keep one",
	} {
		_, err := configured(t, threeServices+"targets:\n"+text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// With discovery a service may come that two targets select: the first counts, so that a
// discovery does not stop the collector, and the check says it.
func TestTargetsWithDiscovery(t *testing.T) {
	t.Parallel()
	rc, err := configured(t, threeServices+`  pagerduty: [{account: main, name: ".*", entry: {tier: 4}}]
sources:
  pagerduty: [{name: main, token_env: TOKEN}]
targets:
  - {badge: gold, tiers: [1]}
  - {badge: silver, tiers: [1, 2]}
  - {badge: silver, teams: [yet-to-come]}
`)
	if err != nil {
		t.Fatal(err)
	}
	findings := rc.checkTargets(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	if len(findings) != 2 || !findings[0].Warning || !strings.Contains(findings[0].Text, "counts for no service") ||
		findings[1].Err == nil {
		t.Errorf("findings %+v", findings)
	}
}

// Replicas with the same targets judge alike, wherever their file is; others do not.
func TestTargetsArePartOfTheConfigurationThatReplicasCompare(t *testing.T) {
	t.Parallel()
	hash := func(targets string) string {
		rc, err := configured(t, threeServices+targets)
		if err != nil {
			t.Fatal(err)
		}
		return rc.Version.Hash
	}
	one := hash("targets: [{badge: gold, tiers: [1], by: 2026-12-31}]\n")
	if again := hash("targets:\n\n  - {badge: gold, tiers: [1], by: 2026-12-31}\n"); again != one {
		t.Error("the place of a target is part of what is compared")
	}
	if other := hash("targets: [{badge: gold, tiers: [1], by: 2027-01-31}]\n"); other == one {
		t.Error("another day makes no other configuration")
	}
}

// Of several targets that follow each other `check` warns of none: the one in the middle counts
// for a time, too.
func TestAStepOnTheWayToATargetCounts(t *testing.T) {
	t.Parallel()
	rc, err := configured(t, threeServices+`targets:
  - {badge: bronze, tiers: [1], since: 2026-01-01}
  - {badge: silver, tiers: [1], since: 2027-01-01}
  - {badge: gold, tiers: [1], since: 2027-07-01}
`)
	if err != nil {
		t.Fatal(err)
	}
	if f := rc.checkTargets(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)); len(f) != 1 || f[0].Warning {
		t.Errorf("in 2026: %+v", f)
	}
	if f := rc.checkTargets(time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)); len(f) != 1 || !f[0].Warning {
		t.Errorf("bronze is over in 2027: %+v", f)
	}
}
