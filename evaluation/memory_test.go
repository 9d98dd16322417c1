package evaluation

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/store"
)

// withRepository is the configuration of one service with two proofs of one check: a
// machine's, and that the catalog names the repository of the service.
func withRepository(t *testing.T, repository string) *Config {
	t.Helper()
	c := fleetOfOne(t, strings.Replace(
		criteria, "pass: x.one}", "pass: x.one}, {by: catalog, pass: catalog.source_declared}", 1), "")
	c.Providers = append(c.Providers, evidence.Provider{
		ID: catalog.SourceID, Facts: []string{catalog.FactSourceDeclared}, FreshFor: time.Hour,
	})
	entries := catalog.Entries{Services: []catalog.Service{{Name: "shop", Tier: 1, GitHub: repository}}}
	var err error
	if c.Catalog, err = (catalog.Rules{}).Build(entries); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAnOutageEarnsNoBadge: an exporter says no for three days and falls silent until
// its last value is too old to count. What the catalog says is older than the no, so
// it proves nothing, in the same process or in another. Said anew it counts.
func TestAnOutageEarnsNoBadge(t *testing.T) {
	t.Parallel()
	for name, restartEvery := range map[string]int{"one process": 1000, "a new process each day": 24} {
		t.Run(name, func(t *testing.T) {
			p := &process{t: t, url: filepath.Join(t.TempDir(), "test.db"), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
			declared := withRepository(t, "shop/shop")
			silent := func(*store.Store) {}
			run := func(c *Config, days int, observe func(*store.Store)) framework.Badge {
				var j *judge
				for left := 24 * days; left > 0; left -= restartEvery {
					j, _ = p.run(c, observe, min(left, restartEvery))
				}
				return j.state.Badges["shop"].Badge
			}
			if got := run(declared, 3, p.observing(false)); got != framework.NoBadge {
				t.Fatalf("the machine says no: %s", got)
			}
			if got := run(declared, 9, silent); got != framework.NoBadge {
				t.Errorf("the machine is silent: %s", got)
			}
			run(withRepository(t, ""), 1, silent)
			if got := run(declared, 2, silent); got != framework.Bronze {
				t.Errorf("the catalog says it anew: %s", got)
			}
		})
	}
}
