package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/report"
)

func newCheck(s *streams) *cobra.Command {
	var online bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check configuration, framework and expressions",
		Long: `Check the configuration, the catalog, the framework and every CEL and PromQL
expression, and that no exemption is over or longer than the framework allows.
Nothing is contacted and nothing is written.

With --online every source is asked whether it accepts its credentials, and
whether it has what configuration and catalog name there: PagerDuty services,
Jira projects, components, fields, statuses and searches, and a series for each
matcher and each key by which series are found. What is not there is named, with
the nearest name that is, and the command exits 1. It ends with what the entries
of the catalog lack, and which checks and badge that blocks.
` + exitCodes,
		Example: `  collector check --config collector.yaml
  collector check --config collector.yaml --online`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checked, err := app.Check(cmd.Context(), s.options(s.quiet()), online)
			for _, f := range checked.Findings {
				mark := "ok   "
				switch {
				case f.Err != nil:
					mark = "FAIL "
				case f.Warning:
					mark = "warn "
				}
				text := report.Printable(f.Subject + ": " + f.Text)
				_, _ = fmt.Fprintln(s.out, report.Wrap(mark+" ", text, len(mark)+1, s.width()))
			}
			if len(checked.Gaps) > 0 {
				_, _ = fmt.Fprintln(s.out)
				if err := report.WriteGaps(s.out, checked.Gaps, s.style()); err != nil {
					return err
				}
				if checked.Discovers {
					_, _ = fmt.Fprintln(s.out, report.Wrap("", "SERVICES counts the services that the configuration and its files "+
						"declare. `collector framework coverage` counts the discovered ones, too.", 0, s.width()))
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "also try credentials, and look up every name at its source")
	return cmd
}
