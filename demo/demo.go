package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/project"
	"github.com/prodready/collector/framework"
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
	log       *slog.Logger
	company   *company.Company
	folder    string
	pagerDuty *upstream
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
	if d.company, err = company.New(company.Plan{Seed: d.seed, Services: d.services, Now: d.now()}); err != nil {
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
	config, err := d.configure()
	if err != nil {
		return err
	}
	d.collector, err = app.New(ctx, app.Options{ConfigPath: config, Logger: d.log, Now: d.now, Version: version})
	if err != nil {
		return fmt.Errorf("making the collector: %w", err)
	}
	return nil
}

// configure writes the files that the collector reads.
func (d *demo) configure() (path string, err error) {
	criteria, judged, err := project.Criteria()
	if err != nil {
		return "", err
	}
	place := project.Place{
		Store: filepath.Join(d.folder, "readiness.db"), Listen: d.listen,
		Framework: filepath.Join(d.folder, "framework.yaml"), Judged: judged,
		PagerDutyURL: d.pagerDuty.url, PagerDutyTokenFile: filepath.Join(d.folder, "pagerduty.token"),
	}
	text, err := project.Configuration(d.company, place)
	if err != nil {
		return "", err
	}
	path = filepath.Join(d.folder, "config.yaml")
	for name, content := range map[string][]byte{path: text, place.Framework: criteria, place.PagerDutyTokenFile: []byte(d.pagerDuty.token + "\n")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return "", fmt.Errorf("writing the demo's files: %w", err)
		}
	}
	return path, nil
}

// collecting tells how far a round is.
func (d *demo) collecting() string { return fmt.Sprintf("%d requests", d.pagerDuty.asked()) }

// once does one full round and prints the fleet.
func (d *demo) once(ctx context.Context) error {
	step := d.begin("Collecting from PagerDuty and judging", d.collecting)
	err := d.collector.CollectOnce(ctx)
	step.end("%d requests", d.pagerDuty.asked())
	if err != nil {
		return fmt.Errorf("collecting: %w", err)
	}
	return report.NewFleet(d.collector.Snapshot()).WriteTable(d.out, d.style())
}

// serve runs the collector on its schedules until ctx ends.
func (d *demo) serve(ctx context.Context) error {
	if err := d.collector.Start(ctx); err != nil {
		if strings.Contains(err.Error(), "listen_address") {
			err = &invalid{fmt.Errorf("%w; choose another address with --listen, such as 127.0.0.1:0", err)}
		}
		return err
	}
	step := d.begin("Collecting from PagerDuty and judging", d.collecting)
	found, err := d.first(ctx)
	if err != nil {
		step.end("stopped")
		return err
	}
	step.end("%d requests", d.pagerDuty.asked())
	d.look(found)
	return d.wait(ctx)
}

// first waits for the first judgement.
func (d *demo) first(ctx context.Context) (*snapshot.Snapshot, error) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if found := d.collector.Snapshot(); found != nil {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

// look says what was found and where to see it.
func (d *demo) look(found *snapshot.Snapshot) {
	counts := map[framework.Badge]int{}
	for i := range found.Services {
		counts[found.Services[i].Badge.Badge]++
	}
	var badges []string
	for _, b := range framework.Badges() {
		badges = append(badges, fmt.Sprintf("%d %s", counts[b], b))
	}
	at := "http://" + d.collector.Addr()
	d.say("")
	d.say("%d services are judged: %s", len(found.Services), strings.Join(badges, ", "))
	d.say("")
	d.say("  landing page          %s/", at)
	d.say("  metrics               %s/metrics", at)
	d.say("  fleet as JSON         %s/api/v1/services", at)
	d.say("  one service           %s/api/v1/services/%s", at, d.company.Services[0].Name)
	d.say("  simulated PagerDuty   %s (Authorization: Token token=%s)", d.pagerDuty.url, d.pagerDuty.token)
	if d.keep {
		d.say("  configuration         %s", filepath.Join(d.folder, "config.yaml"))
	}
	d.say("")
	d.say("It goes on collecting every minute. Stop it with Ctrl-C.")
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
		}
	}
}

// close takes everything away, the collector first, in spite of errors.
func (d *demo) close() error {
	var errs []error
	if d.collector != nil {
		errs = append(errs, d.collector.Close())
	}
	if d.pagerDuty != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		errs = append(errs, d.pagerDuty.close(ctx))
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
