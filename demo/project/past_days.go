package project

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/evidence"
	ledger "github.com/prodready/collector/store"
)

const (
	// factExposed is made by the store of one observation a day.
	factExposed = "vuln.critical_exposed_ratio_90d"
	// daysOfExposure are a little more than the fact asks for.
	daysOfExposure = 93
	// prometheusName is the demo's server in the collector's configuration.
	prometheusName = "main"
)

// exposure is the share of the day before a time in which a service had a
// critical finding, by service: those that a scanner looks at.
func exposure(c *company.Company) map[string]func(time.Time) float64 {
	services := map[string]string{}
	for _, s := range c.Services {
		if ns := namespace(s); ns != "" {
			services[ns] = s.Name
		}
	}
	found := map[string]func(time.Time) float64{}
	for s := range Series(c) {
		if s.Name != "trivy_image_vulnerabilities" || s.Labels["severity"] != "Critical" {
			continue
		}
		found[services[s.Labels["namespace"]]] = func(t time.Time) float64 {
			open, points := 0.0, 0.0
			for at := t.Truncate(6 * time.Hour); at.After(t.Add(-day)); at = at.Add(-6 * time.Hour) {
				points++
				if v, _ := s.At(at); v > 0 {
					open++
				}
			}
			return open / points
		}
	}
	return found
}

// rememberDays gives the store the daily observations that it would have made.
func rememberDays(ctx context.Context, s *ledger.Store, c *company.Company) error {
	source := "prometheus/" + prometheusName
	shares := exposure(c)
	for n := daysOfExposure; n > 0; n-- {
		at := c.Now.Add(-time.Duration(n) * day)
		var batch evidence.Batch
		for service, share := range shares {
			v, ok := evidence.Double(share(at))
			if !ok {
				return fmt.Errorf("the exposure of %s on %s is no number", service, at.Format(time.DateOnly))
			}
			batch.Records = append(batch.Records, evidence.Record{
				Service: service, Fact: factExposed, Value: v, Source: source, Detail: "trivy-operator", ObservedAt: at,
			})
		}
		slices.SortFunc(batch.Records, func(a, b evidence.Record) int { return strings.Compare(a.Service, b.Service) })
		if _, err := s.Commit(ctx, source, 0, at, batch); err != nil {
			return fmt.Errorf("writing the demo's daily observations: %w", err)
		}
	}
	return nil
}
