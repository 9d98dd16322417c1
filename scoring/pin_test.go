package scoring_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// The most specific pin that has not ended decides, and of equal ones the first.
func TestWhichPinDecides(t *testing.T) {
	t.Parallel()
	subject := scoring.Subject{
		Name: "shop", Attributes: framework.Attributes{Tier: 1}, Owner: scoring.Owner{Team: "web", Org: "acme"},
	}
	pins := []scoring.Pin{
		{Selector: scoring.Selector{Tiers: []int{1}}, Until: noon.Add(4 * time.Hour)},
		{Selector: scoring.Selector{Orgs: []string{"acme"}}, Until: noon.Add(3 * time.Hour)},
		{Selector: scoring.Selector{Services: []string{"shop"}}, Until: noon.Add(time.Hour)},
		{Selector: scoring.Selector{Services: []string{"shop"}}, Until: noon.Add(2 * time.Hour)},
		{Selector: scoring.Selector{Teams: []string{"data"}}, Until: noon.Add(9 * time.Hour)},
		{Until: noon.Add(9 * time.Hour)},
	}
	for hours, want := range []int{2, 3, 1, 0} {
		if got := scoring.PinOf(pins, &subject, noon.Add(time.Duration(hours)*time.Hour)); got != &pins[want] {
			t.Errorf("after %d hours: %+v, want pin %d", hours, got, want)
		}
	}
	if got := scoring.PinOf(pins, &subject, noon.Add(4*time.Hour)); got != nil {
		t.Errorf("after all have ended: %+v", got)
	}
}
