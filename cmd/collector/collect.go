package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/report"
)

func newCollect(s *streams) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Collect one round from every source, judge, print the fleet",
		Long: `Collect one round from every configured source into the store, judge once and
print the fleet. Nothing is served. It does not run beside a daemon on the same
SQLite file.

A source that fails keeps its earlier evidence; the command then exits 1.
` + exitCodes,
		Example: `  collector collect --once --config collector.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !once {
				return &usageError{errors.New("say --once: rounds on a schedule are `collector run`")}
			}
			daemon, err := app.New(cmd.Context(), s.options(nil))
			if err != nil {
				return err
			}
			collectErr := daemon.CollectOnce(cmd.Context())
			if published := daemon.Snapshot(); published != nil {
				if err := report.NewFleet(published).WriteTable(s.out, s.style()); err != nil {
					collectErr = errors.Join(collectErr, err)
				}
			}
			if err := daemon.Close(); err != nil {
				collectErr = errors.Join(collectErr, err)
			}
			if collectErr != nil {
				return fmt.Errorf("the round is not complete: %w", collectErr)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "one round, then exit")
	return cmd
}
