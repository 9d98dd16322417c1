package scoring_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// All keys that are given have to select the service, and one that selects nothing
// covers nothing.
func TestWhatAnExemptionSelects(t *testing.T) {
	subject := scoring.Subject{Name: "api", Attributes: framework.Attributes{Tier: 2},
		Owner: scoring.Owner{Team: "web", Org: "shop"}}
	for _, tc := range []struct {
		exemption scoring.Exemption
		selects   bool
	}{
		{scoring.Exemption{}, false},
		{scoring.Exemption{Selector: scoring.Selector{Services: []string{"db", "api"}}}, true},
		{scoring.Exemption{Selector: scoring.Selector{Services: []string{"db"}}}, false},
		{scoring.Exemption{Selector: scoring.Selector{Tiers: []int{1, 2}}}, true},
		{scoring.Exemption{Selector: scoring.Selector{Teams: []string{"web"}}}, true},
		{scoring.Exemption{Selector: scoring.Selector{Teams: []string{"data"}}}, false},
		{scoring.Exemption{Selector: scoring.Selector{Orgs: []string{"shop"}}}, true},
		{scoring.Exemption{Selector: scoring.Selector{Orgs: []string{"labs"}}}, false},
		{scoring.Exemption{Selector: scoring.Selector{Services: []string{"api"}, Tiers: []int{2},
			Teams: []string{"web"}, Orgs: []string{"shop"}}}, true},
		{scoring.Exemption{Selector: scoring.Selector{Services: []string{"api"}, Tiers: []int{2},
			Teams: []string{"web"}, Orgs: []string{"labs"}}}, false},
		{scoring.Exemption{Selector: scoring.Selector{Services: []string{"api"}, Tiers: []int{2},
			Teams: []string{"data"}, Orgs: []string{"shop"}}}, false},
		{scoring.Exemption{Selector: scoring.Selector{Services: []string{"api"}, Tiers: []int{3}}}, false},
	} {
		e := tc.exemption
		e.Expires = noon
		if e.Selects(&subject) != tc.selects || e.Covers(&subject, noon.Add(-1)) != tc.selects {
			t.Errorf("%+v: want %t", tc.exemption, tc.selects)
		}
		if e.Covers(&subject, noon) || e.Covers(&subject, noon.Add(time.Hour)) {
			t.Errorf("%+v counts after its end", tc.exemption)
		}
	}
}
