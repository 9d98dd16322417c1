package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/report"
)

// failedFixtures says that fixtures failed, which were named already.
type failedFixtures int

func (n failedFixtures) Error() string { return report.Plural(int(n), "fixture") + " failed" }

func newFixtureTest(s *streams) *cobra.Command {
	var format output
	var file string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Judge the fixtures of the checks",
		Long: `Judge each fixture: facts of a service go in, and the status of a check has to
come out. Fixtures are in files beside the checks whose names end in
.fixtures.yaml; docs/framework-of-your-own.md shows them. What fails is listed
with file and line.

Exit codes:
  0  all fixtures are as they want
  1  a fixture fails
  2  the command line, the framework or a fixture is not valid
`,
		Example: `  collector framework test
  collector framework test --file mine.yaml
  collector framework test --file mine -o junit > fixtures.xml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file != "" {
				if err := s.flags.Set("framework.file", file); err != nil {
					return err
				}
			}
			document, criteria, err := s.criteria(cmd)
			if err != nil {
				return err
			}
			tried, err := app.TryFixtures(document, criteria)
			if err != nil {
				return err
			}
			trials := report.NewTrials(criteria, tried)
			switch format {
			case "json":
				err = trials.WriteJSON(s.out)
			case "junit":
				err = trials.WriteJUnit(s.out)
			default:
				err = trials.WriteTable(s.out, s.style())
			}
			if err != nil {
				return fmt.Errorf("writing what fixtures say: %w", err)
			}
			if trials.Failed > 0 {
				return failedFixtures(trials.Failed)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "framework: a file, a folder or a name; instead of framework.file")
	format.register(cmd, "table", "json", "junit")
	return cmd
}
