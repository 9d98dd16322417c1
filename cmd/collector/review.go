package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/review"
)

func newReview(s *streams) *cobra.Command {
	var of app.ReviewOf
	var file string
	var format output
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Make the operational review of a week, month or quarter",
		Long: `Make the operational review of a period: whether readiness rose or fell and
why, what is worth doing next, kudos, regressions, lagging teams, incidents, and
what comes up. What is not known is said to be unknown, and is never 0.

The period is the last complete week, month or quarter, one by its name, such as
2026-W47, 2026-11 or 2026-Q4, or two days as in 2026-11-03..2026-11-09, both of
them included. Days are those of UTC; weeks begin on Monday.

It is made of what is in the store of the configuration, and may run beside a
daemon.
` + exitCodes,
		Example: `  collector review
  collector review --period month --team payments
  collector review --period 2026-Q3 --format html --output review.html`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			made, err := app.Review(cmd.Context(), s.options(s.quiet()), of)
			if err != nil {
				return err
			}
			return s.writeReview(made, format, file)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&of.Period, "period", string(review.Week), "week, month, quarter, the name of one, or FROM..TO")
	flags.StringVar(&of.Team, "team", "", "the services of this team alone")
	flags.StringVar(&of.Org, "org", "", "the services of this org alone")
	flags.StringVar(&file, "output", "", "write to this file, and not to standard output")
	format.registerAs(cmd, "format", "", "md", "html", "json", "short")
	return cmd
}

// writeReview writes a review to a file, or to the output without one.
func (s *streams) writeReview(r *review.Review, format output, file string) error {
	var text bytes.Buffer
	if err := r.Write(&text, review.Format(format)); err != nil {
		return err
	}
	if file != "" {
		if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
			return fmt.Errorf("writing the review: %w", err)
		}
		return nil
	}
	if _, err := s.out.Write(text.Bytes()); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}
