package main

import (
	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/report"
)

func newFramework(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "framework",
		Short: "Look at the readiness framework",
		Long: `Look at the readiness framework: which of its facts and checks have data.
` + exitCodes,
		Example: `  collector framework coverage`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCoverage(s))
	return cmd
}

func newCoverage(s *streams) *cobra.Command {
	var format output
	cmd := &cobra.Command{
		Use:   "coverage",
		Short: "Show which facts and checks have data, and what is missing",
		Long: `Show for each fact and check the share of services with data, from the
evidence in the store: what no source gives, which exporter, flag or label is
missing, and which checks are not measurable.
` + exitCodes,
		Example: `  collector framework coverage
  collector framework coverage -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			published, err := app.Inspect(cmd.Context(), s.options(s.quiet()))
			if err != nil {
				return err
			}
			coverage := report.NewCoverage(published)
			if format == "json" {
				return coverage.WriteJSON(s.out)
			}
			return coverage.WriteTable(s.out, s.style())
		},
	}
	format.register(cmd, "table", "json")
	return cmd
}
