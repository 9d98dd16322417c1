package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/project"
	"github.com/prodready/collector/demo/prometheus"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

// version is what the collector calls itself in the demo.
const version = "demo"

// closeWithin bounds the stop of the simulated servers.
const closeWithin = 5 * time.Second

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, t terminal) int {
	o, err := parse(args, t.out)
	if errors.Is(err, errHelp) {
		return exitOK
	}
	if err == nil {
		err = show(ctx, o, t)
	} else {
		err = &invalid{err}
	}
	// Being stopped is how a demo ends, unless it was to print something first.
	if err == nil || !o.once && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitOK
	}
	_, _ = fmt.Fprintf(t.err, "demo: %v\n", err)
	var flag *invalid
	var config *app.InvalidError
	if errors.As(err, &flag) || errors.As(err, &config) {
		return exitInvalid
	}
	return exitFailed
}

// invalid is something that a person has to change about the command.
type invalid struct{ error }

// Unwrap returns the cause.
func (i *invalid) Unwrap() error { return i.error }

// demo is what is running.
type demo struct {
	options
	terminal
	log        *slog.Logger
	company    *company.Company
	folder     string
	pagerDuty  *upstream
	jira       *upstream
	prometheus *prometheus.Server
	// config is the file of the collector's configuration.
	config    string
	collector *app.App
}

// show makes everything, runs it, and takes it away again.
func show(ctx context.Context, o options, t terminal) (err error) {
	d := &demo{options: o, terminal: t, log: logger(t.err, o.verbose)}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.build(ctx); err != nil {
		return err
	}
	if o.once {
		return d.once(ctx)
	}
	return d.serve(ctx)
}

func logger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelError
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// build makes the company, its servers and the collector's configuration.
func (d *demo) build(ctx context.Context) (err error) {
	step := d.begin("Simulating a company", nil)
	if d.company, err = company.New(company.Plan{
		Seed: d.seed, Services: d.services, Now: d.now(), UselessReviews: d.useless,
	}); err != nil {
		step.end("failed")
		return err
	}
	c := d.company
	step.end("%d services, %d teams, %d orgs, %d incidents, %d reviews (seed %d)",
		len(c.Services), len(c.Teams), len(c.Orgs()), len(c.Incidents), len(c.Reviews), c.Seed)
	if d.folder, err = os.MkdirTemp("", "readiness-demo-"); err != nil {
		return fmt.Errorf("making the demo's folder: %w", err)
	}
	if d.pagerDuty, err = servePagerDuty(c, d.now, d.log); err != nil {
		return err
	}
	if d.jira, err = serveJira(c, d.now, d.log); err != nil {
		return err
	}
	step = d.begin("Starting its Prometheus", nil)
	// What its parts say of themselves is no news of the collector's.
	if d.prometheus, err = servePrometheus(ctx, c, d.folder, d.prometheusListen, d.now, logger(d.err, false)); err != nil {
		step.end("failed")
		return err
	}
	step.end("%d series, up to %d days back", d.prometheus.Series(), project.Retention/(24*time.Hour))
	if d.config, err = d.configure(); err != nil {
		return err
	}
	step = d.begin("Remembering half a year of judgements", nil)
	if err := project.Remember(ctx, d.storeFile(), c); err != nil {
		step.end("failed")
		return err
	}
	step.end("badges and how they changed")
	return d.start(ctx)
}

// start makes the collector.
func (d *demo) start(ctx context.Context) (err error) {
	d.collector, err = app.New(ctx, app.Options{ConfigPath: d.config, Logger: d.log, Now: d.now, Version: version})
	if err != nil {
		return fmt.Errorf("making the collector: %w", err)
	}
	return nil
}

// rememberEvidence gives the store the evidence of the past, for previews of other criteria.
// It is made of that of now, and the store has one writer: the collector starts anew.
func (d *demo) rememberEvidence(ctx context.Context, now *snapshot.Snapshot) error {
	step := d.begin("Remembering the evidence of three months", nil)
	if err := d.collector.Close(); err != nil {
		step.end("failed")
		return fmt.Errorf("closing the collector: %w", err)
	}
	d.collector = nil
	without, err := project.RememberEvidence(ctx, d.storeFile(), d.company, now)
	if err != nil {
		step.end("failed")
		return err
	}
	step.end("of %d services, as their badges changed", len(now.Services)-len(without))
	return d.start(ctx)
}

// storeFile is the collector's database.
func (d *demo) storeFile() string { return filepath.Join(d.folder, "readiness.db") }

// configure writes the files that the collector reads.
func (d *demo) configure() (path string, err error) {
	place := project.Place{
		Store: d.storeFile(), Listen: d.listen,
		PagerDutyURL: d.pagerDuty.url, PagerDutyTokenFile: filepath.Join(d.folder, "pagerduty.token"),
		JiraURL: d.jira.url, JiraEmail: jiraEmail, JiraTokenFile: filepath.Join(d.folder, "jira.token"),
		PrometheusURL: d.prometheus.URL(), Framework: filepath.Join(d.folder, "framework.yaml"),
	}
	criteria, err := project.Framework(d.company)
	if err != nil {
		return "", err
	}
	text, err := project.Configuration(d.company, place)
	if err != nil {
		return "", err
	}
	path = filepath.Join(d.folder, "config.yaml")
	for name, content := range map[string][]byte{
		path: text, place.Framework: criteria.Data,
		place.PagerDutyTokenFile: []byte(d.pagerDuty.token + "\n"),
		place.JiraTokenFile:      []byte(d.jira.token + "\n"),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return "", fmt.Errorf("writing the demo's files: %w", err)
		}
	}
	return path, nil
}

// collecting tells how far a round is.
func (d *demo) collecting() string {
	return fmt.Sprintf("%d requests to PagerDuty and %d to Jira", d.pagerDuty.asked(), d.jira.asked())
}

// collect does one full round of all sources and judges.
func (d *demo) collect(ctx context.Context) (*snapshot.Snapshot, error) {
	step := d.begin("Collecting from PagerDuty, Jira and Prometheus and judging", d.collecting)
	err := d.collector.CollectOnce(ctx)
	if ctx.Err() != nil {
		step.end("stopped")
		return nil, ctx.Err()
	}
	step.end("%s", d.collecting())
	if err != nil {
		return nil, fmt.Errorf("collecting: %w", err)
	}
	return d.collector.Snapshot(), nil
}

// once does one full round and prints the fleet.
func (d *demo) once(ctx context.Context) error {
	found, err := d.collect(ctx)
	if err != nil {
		return err
	}
	if d.keep {
		if err := d.rememberEvidence(ctx, found); err != nil {
			return err
		}
	}
	return report.NewFleet(found).WriteTable(d.out, d.style())
}

// serve runs the collector on its schedules until ctx ends. The first round is
// done before, because a collector with a past and without evidence would say
// for a moment that it doubts every badge.
func (d *demo) serve(ctx context.Context) error {
	if err := listenable(d.listen); err != nil {
		return err
	}
	found, err := d.collect(ctx)
	if err != nil {
		return err
	}
	if err := d.rememberEvidence(ctx, found); err != nil {
		return err
	}
	if err := d.collector.Start(ctx); err != nil {
		return err
	}
	if err := watch(ctx, d.prometheus, d.collector.Addr(), d.folder); err != nil {
		return err
	}
	d.look(found)
	return d.wait(ctx)
}

// listenable finds out early whether the address can be had.
func listenable(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return &invalid{fmt.Errorf(
			"the collector cannot listen: %w; choose another address with --listen, such as 127.0.0.1:0", err,
		)}
	}
	return listener.Close()
}

// look says what was found and where to see it.
func (d *demo) look(found *snapshot.Snapshot) {
	at := "http://" + d.collector.Addr()
	d.say("")
	d.say("%s", report.NewFleet(found).Summary(d.style()))
	d.say("")
	d.place("the fleet", at+"/", "")
	d.place("one service", at+"/services/"+d.company.Services[0].Name, "")
	d.place("metrics", at+"/metrics", "")
	d.place("fleet as JSON", at+"/api/v1/services", "")
	d.place("operational reviews", at+"/reviews/", "(of the last week and the last month, after some seconds)")
	d.place("simulated PagerDuty", d.pagerDuty.url, "(Authorization: Token token="+d.pagerDuty.token+")")
	d.place("simulated Jira", d.jira.url, fmt.Sprintf("(basic authentication, %s and %s)", jiraEmail, d.jira.token))
	d.place("its Prometheus", d.prometheus.URL()+"/api/v1/query?query=readiness_service_info",
		"(engine, rules and API are Prometheus's own)")
	d.place("alerts", d.prometheus.URL()+"/api/v1/alerts", "(a badge lost within a day fires after some seconds)")
	if d.keep {
		d.place("configuration", filepath.Join(d.folder, "config.yaml"), "")
	}
	d.say("")
	d.try()
	d.say("")
	every := "minute"
	if minutes := project.Every(d.company) / time.Minute; minutes > 1 {
		every = fmt.Sprintf("%d minutes", minutes)
	}
	d.say("It goes on collecting every %s. Stop it with Ctrl-C.", every)
}

// try prints commands that can be copied: they point the collector that a person has
// built at the simulated company, with a store and an address of its own.
func (d *demo) try() {
	d.say("To try `init` on this company, after `make build`, in another terminal:")
	d.say("")
	d.say("  export PAGERDUTY_TOKEN=%s JIRA_TOKEN=%s", d.pagerDuty.token, d.jira.token)
	d.say("  export READINESS__STORE__URL=try.db")
	d.say("  bin/collector init --pagerduty-endpoint %s \\", d.pagerDuty.url)
	d.say("    --jira-url %s \\", d.jira.url)
	d.say("    --jira-email %s \\", jiraEmail)
	d.say("    --prometheus-url %s try.yaml", d.prometheus.URL())
	d.say("  bin/collector collect --once --config try.yaml")
	d.say("")
	d.say("What would criteria of your own have done to its badges? With acme.yaml of the README:")
	d.say("  bin/collector framework preview --file acme.yaml \\")
	d.say("    --config %s", d.config)
	d.say("")
	d.say("The daemon needs an address that the demo does not have:")
	d.say("  bin/collector run --config try.yaml --server.listen-address 127.0.0.1:9848")
}

// wait waits for the end, and keeps the simulated servers small meanwhile.
func (d *demo) wait(ctx context.Context) error {
	ticker := time.NewTicker(10 * time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			d.say("Stopping.")
			return nil
		case <-ticker.C:
			d.pagerDuty.forget()
			d.jira.forget()
		}
	}
}

// close takes everything away, the collector first, in spite of errors.
func (d *demo) close() error {
	var errs []error
	if d.collector != nil {
		errs = append(errs, d.collector.Close())
	}
	for _, u := range []*upstream{d.pagerDuty, d.jira} {
		if u != nil {
			ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
			errs = append(errs, u.close(ctx))
			cancel()
		}
	}
	if d.prometheus != nil {
		errs = append(errs, d.prometheus.Close())
	}
	switch {
	case d.folder == "":
	case d.keep:
		d.say("The demo's files are kept in %s", d.folder)
	default:
		if err := os.RemoveAll(d.folder); err != nil {
			errs = append(errs, fmt.Errorf("removing the demo's folder: %w", err))
		}
	}
	return errors.Join(errs...)
}
