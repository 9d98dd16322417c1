package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
)

// buildExemptions resolves the exemptions of the configuration, each into one for every
// check that it names. An expired one is accepted: a daemon must start again on the day
// after.
//
// With another framework than that of the configuration, which instead names, an exemption
// from a check that it does not have says nothing.
func (rc *runtimeConfig) buildExemptions(c *config.Valid, instead string) error {
	var errs []error
	names := rc.selectable(c)
	for entry, e := range c.Exemptions() {
		fail := func(err error) { errs = append(errs, fmt.Errorf("%s: exemptions: %w", e.Origin, err)) }
		checks, err := rc.exemptChecks(&e)
		switch {
		case err == nil:
		case instead == "":
			fail(err)
		default:
			checks = slices.DeleteFunc(slices.Clone(checks), func(id string) bool {
				return rc.hasCheck(id) != nil
			})
		}
		selector, faults := names.selector(e.Selector)
		for _, err := range faults {
			fail(fmt.Errorf("%s: %w", e.What(), err))
		}
		for _, check := range checks {
			rc.Exemptions = append(rc.Exemptions, scoring.Exemption{
				Check: check, Selector: selector,
				Reason: e.Reason, RequestedBy: e.RequestedBy, Approver: e.Approver, Expires: e.Until(),
			})
			rc.exemptionEntries = append(rc.exemptionEntries, entry)
		}
	}
	return errors.Join(errs...)
}

// exemptChecks are the ids of the checks that an entry names, of any framework that is in
// use.
func (rc *runtimeConfig) exemptChecks(e *config.Exemption) ([]string, error) {
	if e.Module == "" {
		ids := e.Checks
		if e.Check != "" {
			ids = []string{e.Check}
		}
		var errs []error
		for _, id := range ids {
			errs = append(errs, rc.hasCheck(id))
		}
		return ids, errors.Join(errs...)
	}
	var ids, known []string
	for _, f := range rc.frameworksInUse() {
		for _, m := range f.Modules {
			known = append(known, m.ID)
			if m.ID != e.Module {
				continue
			}
			for _, c := range m.Checks {
				if !slices.Contains(ids, c.ID) {
					ids = append(ids, c.ID)
				}
			}
		}
	}
	if !slices.Contains(known, e.Module) {
		return nil, fmt.Errorf("unknown module %q%s", e.Module, nearest.Suggest(e.Module, known))
	}
	return ids, nil
}

// checkExemptions counts the exemptions, and finds those that are over, that last
// longer than the framework allows, that cover no service, and that overlap.
func (rc *runtimeConfig) checkExemptions(now time.Time) []Finding {
	const subject = "exemptions"
	var wrong []Finding
	entries := rc.config.Exemptions()
	covers := rc.exemptedBy(now)
	for i, e := range entries {
		left, most := e.Until().Sub(now), rc.Framework.MaxExemption
		where := fmt.Sprintf("%s: %s", e.Origin, e.What())
		switch {
		case left <= 0:
			wrong = append(wrong, failed(subject, fmt.Errorf("%s: it ended on %s and does nothing; remove it, or have it "+
				"approved anew", where, e.Expires.Format(time.DateOnly))))
		case most > 0 && left > most+24*time.Hour:
			wrong = append(wrong, failed(subject, fmt.Errorf("%s: it lasts until %s, and the framework allows %s at a time: "+
				"the last possible day is %s", where, e.Expires.Format(time.DateOnly), report.Plural(int(most/(24*time.Hour)), "day"),
				now.Add(most).UTC().Format(time.DateOnly))))
		case !covers.any[i]:
			wrong = append(wrong, Finding{Subject: subject, Warning: true,
				Text: where + ": it covers no service of the catalog"})
		}
	}
	for _, o := range covers.overlaps {
		first, second := entries[o.first], entries[o.second]
		wrong = append(wrong, failed(subject, fmt.Errorf("%s: %s is already exempt for %s by %s, until %s; keep one of them "+
			"for that service, so that it is clear whose reason and end count", second.Origin, o.check, o.service, first.Origin,
			first.Expires.Format(time.DateOnly))))
	}
	if len(wrong) > 0 {
		return wrong
	}
	return []Finding{{Subject: subject, Text: strconv.Itoa(len(entries))}}
}

// exempted says of the entries of the configuration which cover a service at all, and
// which overlap.
type exempted struct {
	// any is by entry.
	any      []bool
	overlaps []exemptionOverlap
}

// exemptionOverlap is the first check and service that two entries both exempt.
type exemptionOverlap struct {
	first, second  int
	check, service string
}

// exemptedBy looks through the services of the catalog. Two entries overlap once, however
// many checks and services they share.
func (rc *runtimeConfig) exemptedBy(now time.Time) exempted {
	out := exempted{any: make([]bool, len(rc.config.Exemptions()))}
	seen := map[[2]int]bool{}
	for _, s := range rc.Catalog.Services() {
		subject := scoring.NewSubject(s, rc.Facts, nil)
		first := map[string]int{}
		for i := range rc.Exemptions {
			e, entry := &rc.Exemptions[i], rc.exemptionEntries[i]
			if !e.Selects(&subject) {
				continue
			}
			out.any[entry] = true
			before, exempt := first[e.Check]
			switch {
			case !e.Covers(&subject, now): // one that has ended leaves the place to another
			case !exempt:
				first[e.Check] = entry
			case !seen[[2]int{before, entry}]:
				seen[[2]int{before, entry}] = true
				out.overlaps = append(out.overlaps, exemptionOverlap{before, entry, e.Check, s.Name})
			}
		}
	}
	slices.SortFunc(out.overlaps, func(x, y exemptionOverlap) int {
		return cmp.Or(cmp.Compare(x.second, y.second), cmp.Compare(x.first, y.first))
	})
	return out
}
