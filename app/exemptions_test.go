package app

import (
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/scoring"
)

// TestAnExemptionMayNameAnAlias: configuration accepts the alias of a service,
// so the exemption has to cover the service.
func TestAnExemptionMayNameAnAlias(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c := config.Default()
	c.Catalog.Services = []catalog.Service{{Name: "checkout", Tier: 1, Aliases: []string{"checkout-api"}}}
	c.Exemptions = []config.Exemption{{
		Check: "inc.someone-on-call", Selector: config.Selector{Services: []string{"checkout-api"}}, Reason: "r",
		RequestedBy: "b", Approver: "a",
		Expires: config.Date{Time: now.AddDate(0, 1, 0)},
	}}
	valid, err := c.Validate(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Now: func() time.Time { return now }}.withDefaults()
	w, err := build(valid, nil, sourceDeps{options: o})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Exemptions) != 1 || !w.Exemptions[0].Covers(&scoring.Subject{Name: "checkout"}, now) {
		t.Errorf("exemptions %+v do not cover checkout", w.Exemptions)
	}
}
