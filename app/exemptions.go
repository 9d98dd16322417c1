package app

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
)

// buildExemptions resolves the exemptions of the configuration. An expired one is
// accepted: a daemon must start again on the day after.
func (rc *runtimeConfig) buildExemptions(c *config.Valid) error {
	var errs []error
	for _, e := range c.Exemptions() {
		if _, err := rc.Framework.Check(e.Check); err != nil {
			errs = append(errs, fmt.Errorf("%s: exemptions: %w", e.Origin, err))
		}
		// An alias covers the service that has it.
		services := slices.Clone(e.Services)
		for i, name := range services {
			if rc.Catalog == nil {
				break // the catalog has faults, which are said
			}
			entry, err := rc.Catalog.Lookup(name)
			switch {
			case err == nil:
				services[i] = entry.Name
			case len(c.Catalog().PagerDuty) == 0:
				// With discovery, an unknown service may be discovered later.
				errs = append(errs, fmt.Errorf("%s: exemptions: %s: %w", e.Origin, e.Check, err))
			}
		}
		rc.Exemptions = append(rc.Exemptions, scoring.Exemption{
			Check: e.Check, Services: services, Tiers: e.Tiers, Reason: e.Reason, Approver: e.Approver, Expires: e.Until(),
		})
	}
	return errors.Join(errs...)
}

// checkExemptions counts the exemptions, and finds those that are over, that last
// longer than the framework allows, and that cover no service.
func (rc *runtimeConfig) checkExemptions(now time.Time) []Finding {
	const subject = "exemptions"
	var wrong []Finding
	for i, e := range rc.config.Exemptions() {
		left, most := e.Until().Sub(now), rc.Framework.MaxExemption
		where := fmt.Sprintf("%s: %s", e.Origin, e.Check)
		switch {
		case left <= 0:
			wrong = append(wrong, failed(subject, fmt.Errorf("%s: it ended on %s and does nothing; remove it, or have it "+
				"approved anew", where, e.Expires.Format(time.DateOnly))))
		case most > 0 && left > most+24*time.Hour:
			wrong = append(wrong, failed(subject, fmt.Errorf("%s: it lasts until %s, and the framework allows %s at a time: "+
				"the last possible day is %s", where, e.Expires.Format(time.DateOnly), report.Plural(int(most/(24*time.Hour)), "day"),
				now.Add(most).UTC().Format(time.DateOnly))))
		case !rc.coversAny(rc.Exemptions[i]):
			wrong = append(wrong, Finding{Subject: subject, Warning: true,
				Text: where + ": it covers no service of the catalog"})
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return []Finding{{Subject: subject, Text: strconv.Itoa(len(rc.Exemptions))}}
}

func (rc *runtimeConfig) coversAny(e scoring.Exemption) bool {
	return slices.ContainsFunc(rc.Catalog.Services(), func(s *catalog.Service) bool {
		return (len(e.Services) == 0 || slices.Contains(e.Services, s.Name)) &&
			(len(e.Tiers) == 0 || slices.Contains(e.Tiers, s.Tier))
	})
}
