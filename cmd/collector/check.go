package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
)

func newCheck(s *streams) *cobra.Command {
	var online bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check configuration, framework and expressions",
		Long: `Check the configuration, the catalog, the framework and every CEL and PromQL
expression. Nothing is contacted and nothing is written, unless --online asks
every source whether it accepts its credentials.
` + exitCodes,
		Example: `  collector check --config collector.yaml
  collector check --config collector.yaml --online`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings, err := app.Check(cmd.Context(), s.options(s.quiet()), online)
			for _, f := range findings {
				mark := "ok   "
				if f.Err != nil {
					mark = "FAIL "
				}
				_, _ = fmt.Fprintf(s.out, "%s %s: %s\n", mark, f.Subject, f.Text)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "also try the credentials of every source")
	return cmd
}
