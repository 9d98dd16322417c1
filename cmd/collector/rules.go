package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/rules"
)

func newRules(s *streams) *cobra.Command {
	var out string
	var values rules.Values
	cmd := &cobra.Command{
		Use:   "rules --out DIR",
		Short: "Write the recording and alert rules for Prometheus",
		Long: `Write the recording and alert rules for Prometheus 2.40 or later, or 3. The
dashboards read the series that they make. Files of the same names are replaced.

A service without a team or an organisation has the name of --without for it in
the recorded series, so that its alerts have a label to route by.
` + exitCodes,
		Example: `  collector rules --out rules
  collector rules --out rules --without nobody`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return &usageError{errors.New("--out is missing: a folder, such as rules")}
			}
			if values.Without == "" {
				return &usageError{errors.New("--without is empty: give services without a team a name, such as none")}
			}
			values.Runbooks = cmp.Or(values.Runbooks, rules.DefaultRunbooks)
			if err := baseAddress(values.Runbooks); err != nil {
				return &usageError{fmt.Errorf("--runbooks-url is %q: %w", values.Runbooks, err)}
			}
			texts, err := rules.All(values)
			if err != nil {
				return err
			}
			return s.writeAll(out, texts, "rule file")
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "the folder to write to; it is made if it is missing")
	flags.StringVar(&values.Without, "without", rules.DefaultWithout, "the team of services without one")
	flags.StringVar(&values.Runbooks, "runbooks-url", "", "where the runbooks are; those of the project if it is not given")
	return cmd
}
