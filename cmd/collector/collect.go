package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/report"
)

// collectFlags are the flags of collect.
type collectFlags struct {
	once, dryRun, all bool
	acceptLoss        bool
	sources, services []string
	format            output
}

func newCollect(s *streams) *cobra.Command {
	var flags collectFlags
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Collect one round and judge; with --dry-run, store nothing",
		Long: `Collect one round from every configured source into the store, judge once and
print the fleet. Nothing is served. It does not run beside a daemon on the same
SQLite file.

A source that fails keeps its earlier evidence; the command then exits 1.

--dry-run implies --once. With it nothing is stored, and no store is made. For
each source the planned requests are printed, then the round is made and
everything it found is printed with its provenance. Where the store exists it is
read, so that the round starts where the next real one would and shows what has
changed since; without one it starts as the first round does, history included.
This may run beside a daemon. Its requests count against the account's budget
like any.
` + exitCodes,
		Example: `  collector collect --once --config collector.yaml
  collector collect --once --source pagerduty/main
  collector collect --once --source pagerduty/main --dry-run --service checkout
  collector collect --dry-run -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			switch {
			case !flags.once && !flags.dryRun:
				return &usageError{errors.New("say --once: rounds on a schedule are `collector run`")}
			case flags.dryRun:
				return s.collectDry(ctx, flags)
			case len(flags.services) > 0 || flags.all:
				return &usageError{errors.New("--service and --all select what --dry-run prints; " +
					"`collector score SERVICE` prints one service")}
			}
			return s.collectOnce(ctx, flags)
		},
	}
	cmd.Flags().BoolVar(&flags.once, "once", false, "one round, then exit")
	cmd.Flags().StringSliceVar(&flags.sources, "source", nil,
		"collect from this source only, such as pagerduty/main; may be repeated")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false,
		"print the planned requests and what they find, and store nothing; implies --once")
	cmd.Flags().StringSliceVar(&flags.services, "service", nil,
		"with --dry-run: print what concerns this service only; may be repeated")
	cmd.Flags().BoolVar(&flags.all, "all", false,
		"with --dry-run: list everything, not only the first records and newest incidents")
	acceptCatalogLoss(cmd, &flags.acceptLoss)
	flags.format.register(cmd, "table", "json")
	return cmd
}

// collectOnce makes a round into the store and prints the fleet.
func (s *streams) collectOnce(ctx context.Context, flags collectFlags) error {
	options, bars := s.watched(s.options(nil))
	options.Only, options.AcceptCatalogLoss = flags.sources, flags.acceptLoss
	daemon, err := app.New(ctx, options)
	if err != nil {
		return err
	}
	collectErr := daemon.CollectOnce(ctx)
	bars.close()
	if published := daemon.Snapshot(); published != nil {
		fleet := report.NewFleet(published)
		if flags.format == "json" {
			err = fleet.WriteJSON(s.out)
		} else {
			err = fleet.WriteTable(s.out, s.style())
		}
		collectErr = errors.Join(collectErr, err)
	}
	collectErr = errors.Join(collectErr, s.writeLeft(ctx, daemon), daemon.Close())
	if collectErr != nil {
		return fmt.Errorf("the round is not complete: %w", collectErr)
	}
	return nil
}

// writeLeft prints to stderr what is left for the next round.
func (s *streams) writeLeft(ctx context.Context, daemon *app.App) error {
	lines, err := daemon.Left(ctx)
	for _, line := range lines {
		_, _ = fmt.Fprintln(s.err, report.Printable(line))
	}
	return err
}

// collectDry makes rounds into a copy of the store and prints what they found.
func (s *streams) collectDry(ctx context.Context, flags collectFlags) (err error) {
	options, bars := s.watched(s.options(nil))
	defer bars.close()
	options.Only = flags.sources
	trial, err := app.NewTrial(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trial.Close()) }()
	var failed []string
	discoverErr := trial.Discover(ctx)
	for _, service := range flags.services {
		if err := trial.Service(service); err != nil {
			return err
		}
	}
	if len(trial.Sources()) == 0 {
		_, _ = fmt.Fprintln(s.err, "no source is configured, so there is nothing to ask: "+app.AddSource())
	}
	style := s.style()
	style.All = flags.all
	var rounds report.Rounds
	for _, source := range trial.Sources() {
		if flags.format != "json" {
			plan, err := trial.Plan(ctx, source)
			if err != nil {
				return err
			}
			plan.Of(flags.services...)
			if err := plan.WritePlan(s.out, style); err != nil {
				return err
			}
		}
		round, roundErr := trial.Round(ctx, source)
		if round == nil {
			return roundErr
		}
		if roundErr != nil {
			failed = append(failed, source)
		}
		round.Of(flags.services...)
		rounds.Sources = append(rounds.Sources, round)
		if flags.format != "json" {
			if err := round.WriteTable(s.out, style); err != nil {
				return err
			}
			_, _ = fmt.Fprintln(s.out)
		}
	}
	if flags.format == "json" {
		if err := rounds.WriteJSON(s.out); err != nil {
			return err
		}
	}
	return errors.Join(discoverErr, incomplete(failed))
}

// incomplete names the sources whose rounds have failed. What a round says of its fault
// is not said again.
func incomplete(sources []string) error {
	if len(sources) == 0 {
		return nil
	}
	return fmt.Errorf("not complete, as said above: %s", strings.Join(sources, ", "))
}
