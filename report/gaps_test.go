package report

import (
	"slices"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// What most services lack comes first, and of two that as many lack the one that is
// needed for the lower badge.
func TestWhatMostServicesLackComesFirst(t *testing.T) {
	t.Parallel()
	noOwner := observations{"catalog.data_owner_declared": seen(evidence.Bool(false), "catalog", "")}
	noArgoCD := observations{"deploy.synced_ratio_7d": {Missing: evidence.MissingNoReference,
		CatalogKeys: []string{"argocd"}, HealthyUntil: now()}}
	for name, c := range map[string]struct {
		known []observations
		want  []string
	}{
		"one and two":   {[]observations{noOwner, noArgoCD, noArgoCD}, []string{"argocd", "data_owner"}},
		"two and one":   {[]observations{noOwner, noArgoCD, noOwner}, []string{"data_owner", "argocd"}},
		"as many":       {[]observations{noArgoCD, noOwner}, []string{"data_owner", "argocd"}},
		"nothing lacks": {[]observations{{}}, nil},
	} {
		f := newFixture(t)
		for i, known := range c.known {
			entry := catalog.Service{Name: string(rune('a' + i)), Tier: 1, Stateful: true, Environment: "production"}
			f.add(entry, held(framework.Silver), complete().with(known))
		}
		var got []string
		for _, gap := range NewGaps(f.snapshot()) {
			got = append(got, gap.CatalogKey)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
