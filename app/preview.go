package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
)

// PreviewOptions say what is previewed.
type PreviewOptions struct {
	// Framework names the other criteria, as framework.file does. Empty are those of the
	// configuration without its pins, for the services that are pinned.
	Framework string
	// From and To are the time; zero is 90 days before To, and now.
	From, To time.Time
	// Enforced counts the checks of the other criteria that are enforced from a later date.
	Enforced bool
}

// previewed is how long a time is previewed if it is not said.
const previewed = 90 * 24 * time.Hour

// Preview judges stored evidence by the criteria of the configuration and by others. It
// collects nothing and writes nothing, so it may run beside a daemon.
func Preview(ctx context.Context, o Options, p PreviewOptions) (*report.Preview, error) {
	r, err := openForReading(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	now := r.options.Now()
	other, present, err := r.previewed(p, now)
	if err != nil {
		return nil, err
	}
	untilNow := p.To.IsZero() || p.To.After(now)
	if untilNow {
		p.To = now
	}
	if p.From.IsZero() {
		p.From = p.To.Add(-previewed)
	}
	if !p.From.Before(p.To) {
		return nil, &InvalidError{fmt.Errorf("the time to preview begins at %s and ends at %s: it has to begin before it ends",
			p.From.Format(time.RFC3339), p.To.Format(time.RFC3339))}
	}
	progress := r.options.Progress
	if progress == nil {
		progress = newProgressLog(r.options.Logger, r.options.Now).observe
	}
	const what = "preview"
	defer progress(what, collectors.Progress{})
	c, err := evaluation.Compare(ctx, r.store, &r.Config, &other.Config, p.From, p.To, func(share float64, services int) {
		progress(what, collectors.Progress{Step: "services judged again", Share: share, Records: services})
	})
	if err != nil {
		return nil, fmt.Errorf("judging the past again: %w", err)
	}
	out := r.preview(c, other)
	out.Present = present
	if out.AheadKnown = untilNow; untilNow {
		if out.Ahead, err = r.ahead(ctx, other); err != nil {
			return nil, err
		}
	}
	out.Settle()
	out.Notes = append(out.Notes, previewNotes(c, p, r, other)...)
	return out, nil
}

// previewed is the configuration to compare with, and the criteria in force that it is
// compared with.
func (r *reading) previewed(p PreviewOptions, now time.Time) (*runtimeConfig, []report.Framework, error) {
	if p.Framework != "" {
		other, err := r.withFramework(p.Framework, p.Enforced)
		return other, []report.Framework{frameworkName(r.Framework)}, err
	}
	var present []report.Framework
	for i := range r.Pins {
		f := frameworkName(r.Pins[i].Framework)
		if now.Before(r.Pins[i].Until) && !slices.Contains(present, f) {
			present = append(present, f)
		}
	}
	if len(present) == 0 {
		return nil, nil, &InvalidError{errors.New("name the framework to preview with --file: without it, it is previewed " +
			"what comes when the pins of framework.pins end, and none is in force")}
	}
	other := *r.runtimeConfig
	other.Pins = nil
	return &other, present, nil
}

// withFramework is the configuration with other criteria, and the services that discovery
// has found.
func (r *reading) withFramework(name string, enforced bool) (*runtimeConfig, error) {
	o := r.options
	o.framework = name
	valid, err := o.load()
	if err != nil {
		return nil, err
	}
	other, err := build(valid, r.found, sourceDeps{options: o})
	if err != nil {
		return nil, err
	}
	if enforced {
		for _, c := range other.Framework.Checks {
			c.EnforceFrom = time.Time{}
		}
	}
	return other, nil
}

func (r *reading) preview(c *evaluation.Comparison, other *runtimeConfig) *report.Preview {
	out := &report.Preview{
		From: c.From.UTC(), To: c.To.UTC(), Services: len(c.Services), Known: c.From.Before(c.To) && len(c.Services) > 0,
		Other: frameworkName(other.Framework),
	}
	told := map[string][]report.PreviewEvent{}
	for i := range c.Services {
		s := &c.Services[i]
		entry, _ := r.Catalog.Service(s.Service)
		for j := range s.Differences {
			d := &s.Differences[j]
			out.Changes = append(out.Changes, report.PreviewChange{
				Service: s.Service, Team: entry.Team, Org: entry.Org, Tier: entry.Tier, Loses: d.Loss(),
				Present: d.Present.String(), Other: d.Other.String(), At: d.From.UTC(), Until: d.Until, Why: why(d.Checks),
				Checks: previewChecks(d, r.criteriaOf(entry, c.To), other.criteriaOf(entry, c.To)),
			})
		}
		out.OnHold += onHold(s.Other) - onHold(s.Present)
		for _, t := range s.OtherChanges {
			isSame := func(o scoring.Transition) bool { return o.At.Equal(t.At) && o.From == t.From && o.To == t.To }
			if !t.Announced || slices.ContainsFunc(s.PresentChanges, isSame) {
				continue
			}
			told[entry.Team] = append(told[entry.Team], report.PreviewEvent{
				Service: s.Service, At: t.At.UTC(), From: t.From.String(), To: t.To.String(), Cause: string(t.Cause),
				Alert: alertOf(t),
			})
		}
	}
	for team, notices := range told {
		out.Told = append(out.Told, report.PreviewTold{Team: team, Notices: notices})
	}
	return out
}

// alertOf is the name of the alert that fires when a badge changes so; empty if no alert fires.
func alertOf(t scoring.Transition) string {
	switch lost := t.To < t.From; {
	case lost && t.Cause == scoring.CauseEvidence:
		return report.AlertBadgeRegressed
	case lost && t.Cause == scoring.CauseLapse:
		return report.AlertBadgeLapsed
	case lost && t.Cause != scoring.CauseInitial:
		return report.AlertBadgeWithdrawn
	case !lost && t.Cause == scoring.CauseEvidence:
		return report.AlertBadgeReached
	}
	return ""
}

// ahead compares what the evidence of now says by both criteria. A store that is new has
// nothing else to compare.
func (r *reading) ahead(ctx context.Context, other *runtimeConfig) ([]report.PreviewAhead, error) {
	present, err := r.judged(ctx)
	if err != nil {
		return nil, err
	}
	// That the present criteria cannot be compiled with the facts of the other ones is no news.
	quiet := slog.New(slog.DiscardHandler)
	judged, err := evaluation.Inspect(ctx, r.store, &other.Config, quiet, r.options.Now())
	if err != nil {
		return nil, fmt.Errorf("judging the evidence of now by %s: %w", other.Framework.Name, err)
	}
	return report.NewPreviewAhead(present, judged), nil
}

func frameworkName(f *framework.Framework) report.Framework {
	return report.Framework{Name: f.Name, Version: f.Version, Hash: f.Hash}
}

func onHold(h evaluation.Held) int {
	if h.OnHold {
		return 1
	}
	return 0
}

// why says what kind of reason the checks that decide are.
func why(checks []evaluation.DecidingCheck) string {
	if len(checks) == 0 {
		return report.WhyRequirement
	}
	found := report.WhyUnknown
	for _, c := range checks {
		switch {
		case c.Status != scoring.Unknown:
			return report.WhyEvidence
		case len(c.NeverSeen) > 0:
			found = report.WhyNoFact
		}
	}
	return found
}

func previewChecks(d *evaluation.Difference, present, other *framework.Framework) []report.PreviewCheck {
	out := []report.PreviewCheck{}
	for _, c := range d.Checks {
		check := report.PreviewCheck{Check: c.ID, Status: c.Status.String(), Missing: c.Missing, NeverSeen: c.NeverSeen}
		by := other
		if !d.Loss() {
			by = present
		}
		if known, err := by.Check(c.ID); err == nil {
			check.Title = known.Title
		}
		out = append(out, check)
	}
	return out
}

// previewNotes say what the answer rests on.
func previewNotes(c *evaluation.Comparison, p PreviewOptions, r *reading, other *runtimeConfig) []string {
	day := minute
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if c.Reach.IsZero() {
		add("The store has no history yet.")
		return notes
	}
	if c.From.After(p.From) {
		add("History begins at %s; what was before cannot be judged.", day(c.Reach))
	}
	for _, f := range c.Frameworks {
		add("%s %s came into force at %s; before, the present criteria are judged as if they had been.", f.Name, f.Version,
			day(f.At))
	}
	if p.Framework != "" && slices.ContainsFunc(r.Pins, func(pin scoring.Pin) bool { return c.To.Before(pin.Until) }) {
		add("Services that are pinned stay on their criteria; without --file it is previewed what comes when the pins end.")
	}
	notes = append(notes, basisNotes(c.From, c.CoverageSince, c.SubjectsSince)...)
	var scheduled []string
	for _, check := range other.Framework.Checks {
		if check.EnforceFrom.After(c.To) {
			scheduled = append(scheduled, check.ID)
		}
	}
	if n := len(scheduled); n > 0 && p.Framework != "" {
		are, they := "are scheduled and count", "they"
		if n == 1 {
			are, they = "is scheduled and counts", "it"
		}
		add("%s of the previewed framework %s for nothing yet: %s. --enforced shows what %s would do.",
			report.Plural(n, "check"), are, nameSome(scheduled), they)
	}
	if n := len(other.NotMeasurable); n > len(r.NotMeasurable) {
		add("%s of the previewed framework cannot be measured by the configured sources.", report.Plural(n, "check"))
	}
	return notes
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// basisNotes say where judging the past from a time on is not exact.
func basisNotes(from, coverageSince, subjectsSince time.Time) []string {
	var notes []string
	if from.Before(coverageSince) {
		notes = append(notes, "Before "+minute(coverageSince)+" it is not stored for which facts each round answered: "+
			"every successful round counts as complete.")
	}
	if subjectsSince.IsZero() || from.Before(subjectsSince) {
		notes = append(notes, "Attributes of services and exemptions are those of now, where older ones are not stored.")
	}
	return append(notes, "History is rounded: values that change all the time are kept about once an hour, and whenever "+
		"they flip a check of the criteria that were in force. A threshold between two of them may be seen up to an hour late.")
}
