package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// Inspect judges what is in the store right now and returns the snapshot. It
// collects nothing and writes nothing, so it may run beside a daemon. Badges
// are those the daemon has stored.
func Inspect(ctx context.Context, o Options) (*snapshot.Snapshot, error) {
	o, rc, err := plan(o)
	if err != nil {
		return nil, err
	}
	s, err := store.OpenReadOnly(ctx, store.Options{URL: rc.config.Store().URL.Reveal(), Now: o.Now, Facts: rc.Facts})
	if err != nil {
		return nil, storeError(err)
	}
	defer func() { _ = s.Close() }()
	if rc, err = rc.withFound(ctx, s, sourceDeps{options: o}); err != nil {
		return nil, err
	}
	return evaluation.Inspect(ctx, s, &rc.Config, o.Logger, o.Now())
}

// plan builds a configuration without a program around it.
func plan(o Options) (Options, *runtimeConfig, error) {
	o = o.withDefaults()
	valid, err := o.load()
	if err != nil {
		return o, nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	rc, err := build(valid, nil, sourceDeps{options: o})
	return o, rc, err
}

// Finding is one thing that Check looked at.
type Finding struct {
	// Subject is what was looked at, Text what was found.
	Subject, Text string
	// Err is set when it is not good.
	Err error
}

// frameworkText counts what the framework asks, and what cannot be measured.
func (rc *runtimeConfig) frameworkText() string {
	f := rc.Framework
	text := fmt.Sprintf("%s %s, %s, %s, all expressions compile", f.Name, f.Version,
		report.Plural(len(f.Modules), "module"), report.Plural(len(f.Checks), "check"))
	if n := len(rc.NotMeasurable); n > 0 {
		text += fmt.Sprintf("; %s not measurable with these sources", report.Plural(n, "check"))
	}
	return text
}

// Check looks at everything the configuration names, and with online asks
// every source whether it accepts its credentials. The error is an
// *InvalidError when something is not valid, or joins the sources that refuse.
func Check(ctx context.Context, o Options, online bool) ([]Finding, error) {
	o, rc, err := plan(o)
	if err != nil {
		return nil, err
	}
	findings := []Finding{
		{Subject: "configuration", Text: o.ConfigPath + " is valid"},
		{Subject: "catalog", Text: report.Plural(len(rc.Catalog.Services()), "service") + ", " +
			report.Plural(len(rc.Catalog.Teams()), "team")},
		{Subject: "framework", Text: rc.frameworkText()},
		{Subject: "exemptions", Text: strconv.Itoa(len(rc.Exemptions))},
	}
	var errs []error
	switch rules := len(rc.config.Catalog().PagerDuty); {
	case rules == 0:
	case !online:
		findings = append(findings, Finding{Subject: "discovery",
			Text: fmt.Sprintf("rules: %d; --online says what they find", rules)})
	default:
		for _, found := range rc.accounts.Try(ctx) {
			f := Finding{Subject: "discovery in pagerduty/" + found.Account, Text: found.Text, Err: found.Err}
			if f.Err != nil {
				f.Text = f.Err.Error()
				errs = append(errs, fmt.Errorf("%s failed", f.Subject))
			}
			findings = append(findings, f)
		}
	}
	ends := rc.expiries()
	for _, i := range rc.instances {
		f := Finding{Subject: i.source.ID(), Text: report.Plural(len(i.source.Facts()), "fact")}
		if checker, ok := i.source.(collectors.Checker); ok && online {
			bounded, cancel := context.WithTimeout(ctx, i.timeout)
			if f.Err = checker.Check(bounded); f.Err != nil {
				f.Text = f.Err.Error()
				errs = append(errs, fmt.Errorf("%s did not answer as it should", i.source.ID()))
			} else {
				f.Text += ", credentials accepted"
			}
			cancel()
		}
		findings = append(findings, f)
		if end, known := ends[i.source.ID()]; known {
			f := expiry(i.source.ID(), end, o.Now())
			if f.Err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", i.source.ID(), f.Err))
			}
			findings = append(findings, f)
		}
	}
	return findings, errors.Join(errs...)
}
