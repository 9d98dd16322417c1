package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
)

func newHistory(s *streams) *cobra.Command {
	var since string
	var format output
	cmd := &cobra.Command{
		Use:   "history SERVICE",
		Short: "Print how the badge of a service came to be",
		Long: `Print how the badge of a service came to be, as one time line, the newest first:
changes of the badge with their cause, times on hold, every check that has
changed with the evidence before and after, other criteria, exemptions that
ended, reviews and incidents.

Checks that changed alike at one time, as when a source fails, are one line;
-o json has each of them. Values that change all the time are kept about once an
hour, and whenever they flip a check. It reads the store of the configuration
alone, and may run beside a daemon.
` + exitCodes,
		Example: `  collector history checkout
  collector history checkout --since 30d
  collector history checkout -o md > checkout.md`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("want the name of one service, not %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			span, err := model.ParseDuration(since)
			if err != nil || span <= 0 {
				return &usageError{fmt.Errorf("--since %q: want a duration such as 30d or 90d", since)}
			}
			history, err := app.History(cmd.Context(), s.options(s.quiet()), args[0], time.Duration(span))
			if _, unknown := errors.AsType[*app.UnknownNameError](err); unknown {
				return &usageError{err}
			}
			if err != nil {
				return err
			}
			if format == "md" {
				return history.WriteMarkdown(s.out)
			}
			return write(format, s.out, history.WriteJSON, nil, func(w io.Writer) error {
				return history.WriteText(w, s.style())
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "90d", "how far back, such as 30d or 90d")
	format.register(cmd, "text", "json", "md")
	return cmd
}
