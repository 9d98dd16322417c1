// Package scaffold writes a starting configuration: it asks the sources what
// their credentials can see, and links what is called the same.
package scaffold

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/textfile"
)

// Options say what a starting configuration is made from. At least one
// source is given.
type Options struct {
	// Path is the file that the configuration is to be written to: names of
	// files in it are relative to its folder.
	Path string
	// Environ holds the variables of token_env keys.
	Environ []string
	// PagerDuty, Jira and Prometheus are the sources to ask; nil ones are left
	// out.
	PagerDuty  *config.PagerDuty
	Jira       *config.Jira
	Prometheus *config.Prometheus
	// Tier is that of every service until a person chooses it, 1 to 4.
	Tier int
	// Tiers choose it for some services; the first that fits counts.
	Tiers []TierRule
	// Logger gets the records that cannot be read; nil logs nothing.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// Scaffold is a starting configuration.
type Scaffold struct {
	// Text is the file: valid, with comments on what is missing, and the same
	// for the same answers of the sources. It holds no secret.
	Text []byte
	// Services and Teams count what is in it, NotMeasurable the checks that no
	// source of it can decide.
	Services, Teams, NotMeasurable int
	// Candidates counts the services that jobs or namespaces could be, which are there as
	// comments if Services is 0.
	Candidates int
	// Gaps are what the entries of its catalog lack, and what that blocks.
	Gaps []report.Gap
	// Failed are the sources that did not answer; the rest is in Text.
	Failed []error
}

// surveyTimeout bounds asking one source what there is.
const surveyTimeout = 2 * time.Minute

// findings are what the sources answered; nil for one that was not asked or did
// not answer.
type findings struct {
	pagerDuty  *pagerduty.Survey
	jira       *jira.Survey
	prometheus *prometheus.Recognition
	// names are what series are called, by the key of the catalog entry.
	names map[string][]string
	// failed are the errors by the name of the source.
	failed map[string]error
}

// New asks the sources what their credentials can see, and writes a
// configuration from it. An *InvalidError says what is wrong with the options;
// any other error says that no source has answered.
func New(ctx context.Context, o Options) (*Scaffold, error) {
	options := app.Options{ConfigPath: o.Path, Environ: o.Environ, Logger: o.Logger, Now: o.Now}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Tier < catalog.HighestTier || o.Tier > catalog.LowestTier {
		return nil, &app.InvalidError{Err: fmt.Errorf("tier %d does not exist; use %d (customers and revenue, at any hour) "+
			"to %d (best effort)", o.Tier, catalog.HighestTier, catalog.LowestTier)}
	}
	// The sources are asked with a copy, since a check fills in what the file
	// should not say.
	valid, err := o.sources().Validate(config.Options{Path: o.Path, Environ: o.Environ})
	if err != nil {
		return nil, &app.InvalidError{Err: err}
	}
	w, err := app.Configure(options, valid)
	if err != nil {
		return nil, err
	}
	found, err := survey(ctx, w)
	if err != nil {
		return nil, err
	}
	draft := newDraft(o, found)
	if err := draft.chooseTiers(); err != nil {
		return nil, err
	}
	// What the sources give is only known of a whole configuration.
	text, err := draft.text(nil)
	if err != nil {
		return nil, err
	}
	if w, err = tryOut(options, text); err != nil {
		return nil, err
	}
	draft.lack(report.NewGaps(evaluation.Blank(w, o.now())))
	s := &Scaffold{Services: len(draft.services), Teams: len(draft.teams), NotMeasurable: len(w.NotMeasurable)}
	s.Candidates = len(draft.candidates())
	if s.Text, err = draft.text(missingSources(w, found.prometheus)); err != nil {
		return nil, err
	}
	if w, err = tryOut(options, s.Text); err != nil {
		return nil, err
	}
	s.Gaps = report.NewGaps(evaluation.Blank(w, o.now()))
	for _, i := range w.Sources {
		if err := found.failed[i.ID()]; err != nil {
			s.Failed = append(s.Failed, fmt.Errorf("%s: %w", i.ID(), err))
		}
	}
	return s, nil
}

// sources is a configuration of the sources alone.
func (o Options) sources() config.Config {
	c := config.Default()
	if o.PagerDuty != nil {
		c.Sources.PagerDuty = []config.PagerDuty{*o.PagerDuty}
	}
	if o.Jira != nil {
		c.Sources.Jira = []config.Jira{*o.Jira}
	}
	if o.Prometheus != nil {
		c.Sources.Prometheus = []config.Prometheus{*o.Prometheus}
	}
	return c
}

// survey asks every source what there is. The error joins those of all sources
// when none has answered.
func survey(ctx context.Context, w *evaluation.Config) (findings, error) {
	f := findings{failed: map[string]error{}}
	for _, i := range w.Sources {
		if err := f.ask(ctx, i); err != nil {
			f.failed[i.ID()] = err
		}
	}
	if len(f.failed) < len(w.Sources) {
		return f, nil
	}
	var errs []error
	for _, i := range w.Sources {
		errs = append(errs, fmt.Errorf("%s: %w", i.ID(), f.failed[i.ID()]))
	}
	if len(errs) == 0 {
		return f, &app.InvalidError{Err: errors.New("no source is given: name at least one of PagerDuty, Jira and " +
			"Prometheus")}
	}
	return f, fmt.Errorf("no source has answered, so there is nothing to write: %w", errors.Join(errs...))
}

func (f *findings) ask(ctx context.Context, i collectors.Source) error {
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	switch source := i.(type) {
	case *pagerduty.Source:
		found, err := source.Survey(ctx)
		if err != nil {
			return err
		}
		f.pagerDuty = &found
	case *jira.Source:
		found, err := source.Survey(ctx)
		if err != nil {
			return err
		}
		f.jira = &found
	case *prometheus.Source:
		found, err := source.Recognise(ctx)
		if err != nil {
			return err
		}
		names, remarks, err := source.Names(ctx, found)
		if err != nil {
			return err
		}
		found.Remarks = append(found.Remarks, remarks...)
		f.prometheus, f.names = &found, names
	}
	return nil
}

// tryOut checks a text as `collector check` would.
func tryOut(o app.Options, text []byte) (*evaluation.Config, error) {
	name := filepath.Clean(o.ConfigPath)
	valid, err := config.Load(config.Options{Path: o.ConfigPath, Environ: o.Environ,
		ReadFile: func(file string) ([]byte, error) {
			if filepath.Clean(file) == name {
				return text, nil
			}
			return textfile.Read(file, textfile.MaxBytes)
		}})
	if err != nil {
		return nil, fmt.Errorf("the configuration that came of it is not valid, and was not written: %w", err)
	}
	w, err := app.Configure(o, valid)
	if err != nil {
		return nil, fmt.Errorf("the configuration that came of it is not valid, and was not written: %w", err)
	}
	return w, nil
}
