package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
)

// playbookFlags are the flags of the command.
type playbookFlags struct {
	module, badge string
	launch, jira  bool
	entry         catalog.Service
	tickets       report.ReviewTicketFields
}

func newPlaybook(s *streams) *cobra.Command {
	var flags playbookFlags
	var format output
	cmd := &cobra.Command{
		Use:   "playbook SERVICE",
		Short: "Print a self-assessment for the team of a service",
		Long: `Print a self-assessment that a team works through without a meeting: every check
on the way to its target or next badge, whichever is higher, with what is known,
the steps, and how it is attested. Checks that are proved are ticked.

With --launch: for a service that is in no catalog yet. --tier is needed, the
other flags say what kind of service it is. The team answers in the file, and
collector gate --launch reads it. Without a configuration file the default
framework asks.

With --jira: the tickets to create for it. First the review,

  collector playbook checkout --jira --project PRR > review.json
  curl -u EMAIL:TOKEN -H 'Content-Type: application/json' \
    -d "$(jq .review review.json)" https://SITE/rest/api/2/issue

then, with the key of the new ticket, a sub-task for each open check that people
attest, for https://SITE/rest/api/2/issue/bulk. -o csv is both in one file, for
Jira's CSV importer. Once a sub-task is done, the next round counts its check as
attested.
` + exitCodes,
		Example: `  collector playbook checkout > checkout.md
  collector playbook checkout --module inc --badge gold
  collector playbook wallet --launch --tier 1 --data-class personal
  collector playbook checkout --jira --parent PRR-12 > sub-tasks.json
  collector playbook checkout --jira -o csv > tickets.csv`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("want the name of one service, not %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := flags.query(cmd, args[0], format)
			if err != nil {
				return &usageError{err}
			}
			playbook, err := app.Playbook(cmd.Context(), s.options(s.quiet()), query)
			if _, unknown := errors.AsType[*app.UnknownNameError](err); unknown {
				return &usageError{err}
			}
			switch {
			case err != nil:
				return err
			case query.Tickets == nil && format == "json":
				return playbook.WriteJSON(s.out)
			case query.Tickets == nil:
				return playbook.WriteMarkdown(s.out)
			case format == "csv":
				return playbook.WriteTicketsCSV(s.out, *query.Tickets)
			}
			tickets := report.NewReviewTickets(playbook, *query.Tickets)
			if n := len(tickets.IssueUpdates); n > report.MaxBulkIssues {
				return fmt.Errorf("%d sub-tasks, and Jira takes %d at once: choose one with --module", n, report.MaxBulkIssues)
			}
			return tickets.WriteJSON(s.out)
		},
	}
	flags.register(cmd)
	format.register(cmd, "md", "json", "csv")
	return cmd
}

func (f *playbookFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.module, "module", "", "the checks of this module alone, such as inc")
	flags.StringVar(&f.badge, "badge", "", "the badge it leads to: bronze, silver, gold, platinum or diamond")
	flags.BoolVar(&f.launch, "launch", false, "for a service that is in no catalog yet")
	launchEntry(flags, &f.entry)
	flags.BoolVar(&f.jira, "jira", false, "the tickets to create, as JSON or CSV")
	flags.StringVar(&f.tickets.Project, "project", "", "with --jira: the project of the review")
	flags.StringVar(&f.tickets.IssueType, "issue-type", "Task", "with --jira: the type of the review")
	flags.StringVar(&f.tickets.SubTaskType, "sub-task-type", "Sub-task", "with --jira: the type of its sub-tasks")
	flags.StringVar(&f.tickets.Parent, "parent", "", "with --jira: the key of the review, for the sub-tasks")
}

// launchEntry registers the flags that say what a service is that is in no catalog yet.
func launchEntry(flags *pflag.FlagSet, entry *catalog.Service) {
	flags.IntVar(&entry.Tier, "tier", 0, "with --launch: 1 (most critical) to 4")
	flags.StringVar(&entry.DataClass, "data-class", "", "with --launch: "+strings.Join(catalog.DataClasses[:], ", "))
	flags.BoolVar(&entry.Stateful, "stateful", false, "with --launch: it keeps data")
	flags.StringVar(&entry.Exposure, "exposure", "", "with --launch: "+strings.Join(catalog.Exposures[:], ", "))
	flags.StringVar(&entry.Runtime, "runtime", "", "with --launch: "+strings.Join(catalog.Runtimes[:], ", "))
}

// launchFlags are the flags of launchEntry.
func launchFlags() []string { return []string{"tier", "data-class", "stateful", "exposure", "runtime"} }

// query is what the flags ask for. The error says which of them do not go together.
func (f *playbookFlags) query(cmd *cobra.Command, service string, format output) (app.PlaybookQuery, error) {
	query := app.PlaybookQuery{Service: service, Module: f.module, OrDefault: !cmd.Flags().Changed("config")}
	if f.badge != "" {
		badge, err := framework.ParseBadge(f.badge)
		if err != nil || badge == framework.NoBadge {
			return query, fmt.Errorf("--badge %q: want bronze, silver, gold, platinum or diamond", f.badge)
		}
		query.Badge = badge
	}
	if err := f.alone(cmd); err != nil {
		return query, err
	}
	switch {
	case f.launch && f.entry.Tier == 0:
		return query, errors.New("--launch needs --tier, 1 to 4")
	case f.launch:
		query.Launch = &f.entry
	}
	if f.launch && f.jira && f.tickets.Project == "" {
		return query, errors.New("--launch with --jira needs --project")
	}
	switch {
	case f.jira:
		query.Tickets = &f.tickets
	case format == "csv":
		return query, errors.New("-o csv is for tickets: give --jira, too")
	}
	return query, nil
}

// alone refuses flags that belong to a flag which is not given.
func (f *playbookFlags) alone(cmd *cobra.Command) error {
	for _, belongs := range []struct {
		to    string
		given bool
		names []string
	}{
		{"launch", f.launch, launchFlags()},
		{"jira", f.jira, []string{"project", "issue-type", "sub-task-type", "parent"}},
	} {
		for _, name := range belongs.names {
			if !belongs.given && cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s is of no use without --%s", name, belongs.to)
			}
		}
	}
	return nil
}
