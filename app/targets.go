package app

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// buildTargets resolves the targets of the configuration. Two that are as specific and ask
// different things of a service are a fault, since it would not be clear what it should
// hold. With discovery a service can come that is in both: the first counts then, and
// `collector check` says so.
func (rc *runtimeConfig) buildTargets(c *config.Valid) error {
	var errs []error
	names := rc.selectable(c)
	for _, t := range c.Targets() {
		fail := func(err error) { errs = append(errs, fmt.Errorf("%s: targets: %w", t.Origin, err)) }
		badge, err := framework.ParseBadge(t.Badge)
		switch {
		case err != nil:
			fail(err)
		case badge == framework.NoBadge && !t.By.IsZero():
			fail(fmt.Errorf("%s: no badge is asked for, so that nothing is due; remove by", t.What()))
		}
		selector, wrong := names.selector(t.Selector)
		for _, err := range wrong {
			fail(fmt.Errorf("%s: %w", t.What(), err))
		}
		rc.Targets = append(rc.Targets, scoring.Target{
			Selector: selector, Badge: badge, Since: t.Since.Time, By: t.By.Time, Reason: t.Reason, From: t.Origin.String(),
		})
	}
	if len(errs) == 0 && names.closed {
		errs = append(errs, rc.ambiguousTargets()...)
	}
	return errors.Join(errs...)
}

// ambiguousTargets are the pairs of targets of which it is not clear which one counts for a
// service, each once, from any time on.
func (rc *runtimeConfig) ambiguousTargets() []error {
	var errs []error
	seen := map[[2]string]bool{}
	for _, s := range rc.Catalog.Services() {
		for _, at := range rc.targetDays(time.Time{}) {
			found, rival := scoring.TargetOf(rc.Targets, s, at)
			if rival == nil || seen[[2]string{found.From, rival.From}] {
				continue
			}
			seen[[2]string{found.From, rival.From}] = true
			errs = append(errs, fmt.Errorf("%s: targets: %s should hold %s by this entry and %s by that of %s, and neither is "+
				"more specific; name the service in one of them, or keep one", rival.From, s.Name, rival.Badge, found.Badge,
				found.From))
		}
	}
	return errs
}

// targetDays are a time, and the days after it on which targets begin to count: between
// them, the same target counts for a service.
func (rc *runtimeConfig) targetDays(from time.Time) []time.Time {
	days := []time.Time{from}
	for _, t := range rc.Targets {
		if t.Since.After(from) {
			days = append(days, t.Since)
		}
	}
	return days
}

// checkTargets counts the targets, and finds those that count for no service and those that
// contradict each other.
func (rc *runtimeConfig) checkTargets(now time.Time) []Finding {
	const subject = "targets"
	var wrong []Finding
	counts := map[*scoring.Target]bool{}
	for _, s := range rc.Catalog.Services() {
		for _, at := range rc.targetDays(now) {
			if found, _ := scoring.TargetOf(rc.Targets, s, at); found != nil {
				counts[found] = true
			}
		}
	}
	for i := range rc.Targets {
		if t := &rc.Targets[i]; !counts[t] {
			wrong = append(wrong, Finding{Subject: subject, Warning: true,
				Text: fmt.Sprintf("%s: %s: it counts for no service of the catalog", t.From, rc.config.Targets()[i].What())})
		}
	}
	for _, err := range rc.ambiguousTargets() {
		wrong = append(wrong, failed(subject, err))
	}
	if len(wrong) > 0 || len(rc.Targets) == 0 {
		return wrong
	}
	return []Finding{{Subject: subject, Text: strconv.Itoa(len(rc.Targets))}}
}
