package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/report"
)

func newIncidents(s *streams) *cobra.Command {
	var query report.IncidentQuery
	var window string
	var format output
	cmd := &cobra.Command{
		Use:   "incidents",
		Short: "List the incidents that figures are made of",
		Long: `List the incidents of a service, team, org or tier, or of all services, with the
figures that are made of them, the same as in the metrics. It reads the store of
the configuration alone, and may run beside the daemon.

Of each incident it says when it began and how long it lasted, how severe it
was, who ended it, and which noise it was. -o json and -o csv add the links to
PagerDuty and Jira, which of them says each time, why a duration is a lower
bound (open, timeout), or none (end_unknown), and why an incident does not count
(maintenance).

Classes of noise, which overlap (docs/incidents.md):
  noisy            an integration resolved it within 5 minutes, no person
                   acknowledged it
  suspected        acknowledged, then resolved by an integration, without note,
                   reassignment or ticket
  flapping         the same again within 30 minutes
  confirmed_false  a person said that nothing was wrong
  any_noise        at least one of these
  all              every incident of which noise is counted: those of high
                   urgency whose acknowledgements are known
With --class, incidents of which it is not known are listed, too, with a "?".
` + exitCodes,
		Example: `  collector incidents --service checkout
  collector incidents --team payments --window 7d
  collector incidents --class any_noise
  collector incidents --tier 1 -o csv`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := query.Complete(window, "--"); err != nil {
				return &usageError{err}
			}
			list, err := app.Incidents(cmd.Context(), s.options(s.quiet()), query)
			if _, unknown := errors.AsType[*app.UnknownNameError](err); unknown {
				return &usageError{err}
			}
			if err != nil {
				return err
			}
			return write(format, s.out, list.WriteJSON, list.WriteCSV, func(w io.Writer) error {
				return list.WriteTable(w, s.style())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&query.Service, "service", "", "of this service")
	flags.StringVar(&query.Team, "team", "", "of the services of this team")
	flags.StringVar(&query.Org, "org", "", "of the services of this org")
	flags.IntVar(&query.Tier, "tier", 0, "of the services of this tier, 1 to 4")
	flags.StringVar(&window, "window", "30d", "how far back incidents began, such as 7d, 30d or 90d")
	flags.StringVar(&query.Class, "class", "", "of this class of noise alone")
	format.register(cmd, "table", "json", "csv")
	return cmd
}
