package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// Inspect judges what is in the store right now and returns the snapshot. It
// collects nothing and writes nothing, so it may run beside a daemon. Badges
// are those the daemon has stored. The secrets of the sources need not be there.
func Inspect(ctx context.Context, o Options) (*snapshot.Snapshot, error) {
	r, err := openForReading(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	return r.judged(ctx)
}

// reading is a configuration, with the services that discovery has stored, and its store.
type reading struct {
	*runtimeConfig
	options Options
	store   *store.Store
}

// openForReading opens the store of a configuration for a command that collects nothing
// and writes nothing. The secrets of the sources need not be there.
func openForReading(ctx context.Context, o Options) (*reading, error) {
	o.noRequests = true
	o, rc, err := plan(o)
	if err != nil {
		return nil, err
	}
	s, err := store.OpenReadOnly(ctx, store.Options{URL: rc.config.Store().URL.Reveal(), Now: o.Now, Facts: rc.Facts})
	if err != nil {
		return nil, storeError(err)
	}
	if rc, err = rc.withFound(ctx, s, sourceDeps{options: o}); err != nil {
		_ = s.Close()
		return nil, err
	}
	return &reading{rc, o, s}, nil
}

func (r *reading) close() { _ = r.store.Close() }

// judged is the snapshot of what is stored now.
func (r *reading) judged(ctx context.Context) (*snapshot.Snapshot, error) {
	return evaluation.Inspect(ctx, r.store, &r.Config, r.options.Logger, r.options.Now())
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
	// Warning marks what is no fault and surely not meant.
	Warning bool
}

func failed(subject string, err error) Finding {
	return Finding{Subject: subject, Text: err.Error(), Err: err}
}

// catalogFindings say what is in the catalog, and what was read and is not.
func (rc *runtimeConfig) catalogFindings() []Finding {
	const subject = "catalog"
	c := rc.Catalog
	first := Finding{Subject: subject, Text: report.Plural(len(c.Services()), "service") + ", " +
		report.Plural(len(c.Teams()), "team")}
	left := c.LeftOut()
	for _, why := range slices.Sorted(maps.Keys(left)) {
		first.Text += fmt.Sprintf("; left out: %d of %s", left[why], why)
	}
	switch {
	case rc.accounts.Wanted():
		first.Text += "; discovery adds the services that the rules of catalog.pagerduty find"
	case len(c.Services()) == 0:
		first.Warning = true
		first.Text += "; nothing is judged: write services under catalog.services, name files under catalog.backstage, " +
			"or add rules under catalog.pagerduty"
	}
	findings := []Finding{first}
	if n := len(c.Refused()); n > 0 {
		findings = append(findings, Finding{Subject: subject, Warning: true, Text: fmt.Sprintf(
			"%d of %d entries that were read are refused:", n, n+len(c.Services()))})
	}
	for _, refused := range c.Refused() {
		for _, line := range refused.Lines() {
			findings = append(findings, Finding{Subject: subject, Warning: true, Text: line})
		}
	}
	for _, note := range c.Notes() {
		findings = append(findings, Finding{Subject: subject, Warning: true, Text: note.Line()})
	}
	return findings
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

// Checked is what Check found.
type Checked struct {
	Findings []Finding
	// Gaps are what the entries of the catalog lack; only with online, since the
	// account that was asked has the names to fill in.
	Gaps []report.Gap
	// Discovers is set when discovery adds services, which Gaps does not count.
	Discovers bool
}

// Check looks at everything the configuration names. With online it asks every
// source whether it accepts its credentials, and whether it has what configuration
// and catalog name there. The error names the subjects of the findings that are not
// good; it is an *InvalidError when the configuration itself is not valid.
func Check(ctx context.Context, o Options, online bool) (Checked, error) {
	o, rc, err := plan(o)
	if err != nil {
		return Checked{}, err
	}
	findings := []Finding{{Subject: "configuration", Text: o.ConfigPath + " is valid"}}
	findings = append(findings, rc.catalogFindings()...)
	findings = append(findings, Finding{Subject: "framework", Text: rc.frameworkText()})
	if rc.Document.Lint() != nil {
		findings = append(findings, Finding{Subject: "framework", Warning: true, Text: "texts that owners read are " +
			"missing, which changes no judgement; `collector framework lint` lists them"})
	}
	findings = slices.Concat(findings, rc.checkPins(o.Now()), rc.checkCatalog(), rc.checkExemptions(o.Now()),
		rc.checkTargets(o.Now()), rc.checkFeedback())
	invalid := slices.ContainsFunc(findings, func(f Finding) bool { return f.Err != nil })
	switch rules := len(rc.config.Catalog().PagerDuty); {
	case rules == 0:
	case !online:
		findings = append(findings, Finding{Subject: "discovery",
			Text: fmt.Sprintf("rules: %d; --online says what they find", rules)})
	default:
		for _, found := range rc.accounts.Try(ctx) {
			f := Finding{Subject: "discovery in pagerduty/" + found.Account, Text: found.Text, Err: found.Err,
				Warning: found.Services == 0}
			if f.Err != nil {
				f.Text = f.Err.Error()
			}
			findings = append(findings, f)
		}
	}
	out := Checked{
		Findings:  append(findings, rc.checkSources(ctx, o.Now(), online)...),
		Discovers: rc.accounts.Wanted(),
	}
	if online {
		out.Gaps = report.NewGaps(evaluation.Blank(&rc.Config, o.Now()))
	}
	err = out.failure()
	if invalid {
		err = &InvalidError{err}
	}
	return out, err
}

// failure is an error with the subjects of the findings that are not good. The findings
// say what is wrong.
func (c Checked) failure() error {
	var subjects []string
	for _, f := range c.Findings {
		if f.Err != nil && !slices.Contains(subjects, f.Subject) {
			subjects = append(subjects, f.Subject)
		}
	}
	if len(subjects) == 0 {
		return nil
	}
	return fmt.Errorf("failed, as said above: %s", strings.Join(subjects, ", "))
}

// checkCatalog warns of services that no source can find anything of.
func (rc *runtimeConfig) checkCatalog() []Finding {
	var lost []string
	for _, s := range rc.Catalog.Services() {
		if len(rc.instances) > 0 && len(s.PagerDuty)+len(s.Jira)+len(s.Prometheus) == 0 && s.Kubernetes.Workload == "" {
			lost = append(lost, s.Name)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return []Finding{{Subject: "catalog", Warning: true, Text: "no key of pagerduty, jira, prometheus or kubernetes says " +
		"where the sources know " + nameSome(lost) + ": nearly all of its checks stay unknown"}}
}

// checkFeedback warns of a form of Jira whose issues are not read as feedback.
func (rc *runtimeConfig) checkFeedback() []Finding {
	address := rc.config.Server().FeedbackURL
	if !strings.Contains(address, "/secure/CreateIssue") {
		return nil
	}
	var lacking []string
	for _, label := range []string{jira.FeedbackLabel, "{label}", "{kind}"} {
		if !strings.Contains(address, "labels="+label) {
			lacking = append(lacking, "labels="+label)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	where := rc.config.Place("server.feedback_url")
	return []Finding{{Subject: "feedback", Warning: true, Text: where + ": the issues that it makes are not read as feedback; add " + strings.Join(lacking, " and ") + " to the address"}}
}

// nameSome lists the first names.
func nameSome(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// checkSources counts the facts of every source and, with online, tries its
// credentials and looks up what configuration and catalog name there.
func (rc *runtimeConfig) checkSources(ctx context.Context, now time.Time, online bool) []Finding {
	credentials := make([]error, len(rc.instances))
	answers := make([][]collectors.Verified, len(rc.instances))
	if online {
		for n, i := range rc.instances {
			if credentials[n] = rc.tryCredentials(ctx, i); credentials[n] == nil {
				answers[n] = rc.verify(ctx, i)
			}
		}
		rc.settle(answers)
	}
	var findings []Finding
	ends := rc.expiries()
	for n, i := range rc.instances {
		f := Finding{Subject: i.source.ID(), Text: report.Plural(len(i.source.Facts()), "fact")}
		switch {
		case credentials[n] != nil:
			f.Text, f.Err = credentials[n].Error(), credentials[n]
		case online:
			f.Text += ", credentials accepted"
		}
		findings = append(findings, f)
		for _, v := range answers[n] {
			findings = append(findings, nameFindings(i.source.ID()+" "+v.What, v)...)
		}
		if end, known := ends[i.source.ID()]; known {
			findings = append(findings, expiry(i.source.ID(), end, now))
		}
	}
	if len(rc.instances) == 0 {
		findings = append(findings, Finding{Subject: "sources", Warning: true, Text: noSource()})
	}
	return findings
}

// settle decides about the names that any source of a kind may have; see
// collectors.Settle.
func (rc *runtimeConfig) settle(answers [][]collectors.Verified) {
	byKind := map[string][][]collectors.Verified{}
	for n, i := range rc.instances {
		kind := kindOf(i.source.ID())
		byKind[kind] = append(byKind[kind], answers[n])
	}
	for _, list := range byKind {
		collectors.Settle(list)
	}
}

// nameFindings are one finding for the names of one kind, and one for each that is
// wrong.
func nameFindings(subject string, v collectors.Verified) []Finding {
	var findings []Finding
	if text := v.Summary(); text != "" {
		isWarning := v.Warning || v.Unsure && len(v.Absent) > 0
		findings = append(findings, Finding{Subject: subject, Text: text, Warning: isWarning})
	}
	for _, fault := range v.Faults() {
		findings = append(findings, Finding{Subject: subject, Text: fault.Error(), Err: fault})
	}
	return findings
}

// tryCredentials asks a source whether it accepts its credentials. It is nil for a
// source that needs none.
func (rc *runtimeConfig) tryCredentials(ctx context.Context, i instance) error {
	checker, ok := i.source.(collectors.Checker)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	return checker.Check(ctx)
}

// verify looks up what configuration and catalog name at a source.
func (rc *runtimeConfig) verify(ctx context.Context, i instance) []collectors.Verified {
	verifier, ok := i.source.(collectors.Verifier)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	return verifier.Verify(ctx, rc.Catalog.Services())
}
