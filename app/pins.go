package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
)

// pinKey is the key of a pin in the configuration.
func pinKey(i int) string { return fmt.Sprintf("framework.pins[%d]", i) }

// loadPinned reads the frameworks that pins name, each once, in the order of the pins.
func (rc *runtimeConfig) loadPinned(c *config.Valid) error {
	byName := map[string]*framework.Document{}
	var errs []error
	for i, pin := range c.Framework().Pins {
		if byName[pin.Framework] == nil {
			document, err := framework.Load(pin.Framework, c.Framework().Installed...)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", c.Place(pinKey(i)), pinKey(i), err))
				continue
			}
			byName[pin.Framework] = document
		}
		rc.pinned = append(rc.pinned, byName[pin.Framework])
	}
	return errors.Join(errs...)
}

// documents are the framework and those that pins name.
func (rc *runtimeConfig) documents() []*framework.Document {
	all := []*framework.Document{rc.Document}
	for _, d := range rc.pinned {
		if !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
}

// attestations are those that the proofs of any framework read. Of a check that frameworks
// have at several levels that of the highest one counts, which asks for the most: what is
// good for it is good for the others.
func (rc *runtimeConfig) attestations() []framework.Attestation {
	byCheck := map[string]framework.Attestation{}
	for _, d := range rc.documents() {
		for _, a := range d.Attestations() {
			if known, ok := byCheck[a.Check]; !ok || a.Level > known.Level ||
				a.Level == known.Level && a.ValidFor() < known.ValidFor() {
				byCheck[a.Check] = a
			}
		}
	}
	all := make([]framework.Attestation, 0, len(byCheck))
	for _, check := range slices.Sorted(maps.Keys(byCheck)) {
		all = append(all, byCheck[check])
	}
	return all
}

// attestationsFor are those of attestations that checks of a framework read, by the check.
func (rc *runtimeConfig) attestationsFor(f *framework.Framework) map[string]framework.Attestation {
	byCheck := map[string]framework.Attestation{}
	for _, a := range rc.attestations() {
		fact, _ := rc.Facts.Index(a.Fact.Name)
		if check, err := f.Check(a.Check); err == nil && slices.Contains(check.Facts, fact) {
			byCheck[a.Check] = a
		}
	}
	return byCheck
}

// criteriaOf is what a service is judged by at a time: the framework, or that of its pin.
func (rc *runtimeConfig) criteriaOf(service *catalog.Service, at time.Time) *framework.Framework {
	if pin := rc.PinOf(service, at); pin != nil {
		return pin.Framework
	}
	return rc.Framework
}

// buildPins compiles the frameworks of the pins, and resolves the names that these select
// services by. One that has ended is accepted: a daemon must start again on the day after.
func (rc *runtimeConfig) buildPins(c *config.Valid) error {
	compiled := map[*framework.Document]*framework.Framework{rc.Document: rc.Framework}
	names := rc.selectable(c)
	var errs []error
	for i, pin := range c.Framework().Pins {
		fail := func(err error) { errs = append(errs, fmt.Errorf("%s: %s: %w", c.Place(pinKey(i)), pinKey(i), err)) }
		document := rc.pinned[i]
		if compiled[document] == nil {
			f, err := framework.Compile(document, rc.Facts)
			if err != nil {
				fail(err)
				continue
			}
			compiled[document] = f
		}
		selector, faults := names.selector(pin.Selector)
		for _, err := range faults {
			fail(err)
		}
		rc.Pins = append(rc.Pins, scoring.Pin{
			Selector: selector, Framework: compiled[document], Until: pin.End(), Reason: pin.Reason,
		})
	}
	return errors.Join(errs...)
}

// frameworksInUse are the framework and those that pins name, which may be repeated.
func (rc *runtimeConfig) frameworksInUse() []*framework.Framework {
	all := []*framework.Framework{rc.Framework}
	for i := range rc.Pins {
		all = append(all, rc.Pins[i].Framework)
	}
	return all
}

// hasCheck is an error for a check that neither the framework nor one that a pin names has.
// It suggests the nearest one of the framework.
func (rc *runtimeConfig) hasCheck(id string) error {
	for _, f := range rc.frameworksInUse() {
		if _, err := f.Check(id); err == nil {
			return nil
		}
	}
	_, err := rc.Framework.Check(id)
	return err
}

// pinEndsSoon is how long before its end a pin is warned of.
const pinEndsSoon = 14 * 24 * time.Hour

// checkPins says which services pins keep on other criteria, and finds pins that have ended,
// that end soon, and that select no service, or none that other ones do not.
func (rc *runtimeConfig) checkPins(now time.Time) []Finding {
	const subject = "framework"
	selected, counting := make([]int, len(rc.Pins)), make([]int, len(rc.Pins))
	for _, s := range rc.Catalog.Services() {
		subject := scoring.NewSubject(s, rc.Facts, nil)
		first := rc.PinOf(s, now)
		for i := range rc.Pins {
			if rc.Pins[i].Selects(&subject) {
				selected[i]++
			}
			if first == &rc.Pins[i] {
				counting[i]++
			}
		}
	}
	var found []Finding
	for i := range rc.Pins {
		pin, written := &rc.Pins[i], rc.config.Framework().Pins[i]
		where := fmt.Sprintf("%s: %s to %s", rc.config.Place(pinKey(i)), pinKey(i), pin.Framework.Title())
		last := written.Until.Format(time.DateOnly)
		warn := func(text string) { found = append(found, Finding{Subject: subject, Warning: true, Text: where + text}) }
		switch left := pin.Until.Sub(now); {
		case left <= 0:
			warn(": it ended on " + last + " and does nothing; remove it")
		case selected[i] == 0:
			warn(": it selects no service of the catalog")
		case counting[i] == 0:
			warn(": more specific or earlier pins have all services that it selects; remove it")
		case left <= pinEndsSoon:
			warn(fmt.Sprintf(": it ends after %s; %s then judged by %s", last, report.Plural(counting[i], "service"),
				rc.Framework.Title()))
		default:
			found = append(found, Finding{Subject: subject, Text: fmt.Sprintf("%s: %s, until %s", where,
				report.Plural(counting[i], "service"), last)})
		}
	}
	return found
}
