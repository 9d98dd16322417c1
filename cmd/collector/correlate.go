package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/nearest"
)

func newCorrelate(s *streams) *cobra.Command {
	var scope string
	var format output
	cmd := &cobra.Command{
		Use:   "correlate",
		Short: "Estimate whether readiness reviews change incidents",
		Long: `Estimate whether readiness reviews change incidents, and what goes together with
readiness. The answer comes first, in words that claim no more than the interval
does. Where the data are not enough there is no verdict, and what is missing is
named.

Outcomes after a review, as a multiple of what was to be expected without: the
time to resolve, the time to acknowledge, the rate of incidents, and the share
of noise. PLACEBO is how often review dates that are shuffled among services
have an effect: above 8 % the verdict is withdrawn. Teams get estimates, and no
verdicts.

Then services are compared with others of their tier: incidents by the badge
held before, by score, and by each check. A check without any relation is a
candidate to drop. docs/statistics.md says how each figure is made.

It is made of what is in the store of the configuration, and may run beside a
daemon. Where a source of reviews or incidents has not read all of them yet,
that comes first, and the exit code is 3.
` + exitCodes + `  3  a source has not read all reviews or incidents yet
`,
		Example: `  collector correlate
  collector correlate --scope tier/1
  collector correlate --scope team/payments
  collector correlate -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := parseScope(scope)
			if err != nil {
				return &usageError{err}
			}
			found, err := app.Correlate(cmd.Context(), s.options(s.quiet()), query)
			if _, unknown := errors.AsType[*app.UnknownNameError](err); unknown {
				return &usageError{err}
			}
			if err != nil {
				return err
			}
			if err := write(format, s.out, found.WriteJSON, found.WriteCSV, func(w io.Writer) error {
				return found.WriteTable(w, s.style())
			}); err != nil {
				return err
			}
			if len(found.Incomplete) > 0 {
				return &verdictError{code: exitUnknown}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&scope, "scope", "fleet", "fleet, tier, tier/N, team or team/NAME")
	format.register(cmd, "table", "json", "csv")
	return cmd
}

// parseScope reads the value of --scope.
func parseScope(text string) (q app.CorrelationQuery, err error) {
	kind, group, one := strings.Cut(text, "/")
	q.Scope = correlation.Scope(kind)
	names := []string{string(correlation.ScopeFleet), string(correlation.ScopeTier), string(correlation.ScopeTeam)}
	switch {
	case q.Scope == correlation.ScopeFleet && !one || q.Scope == correlation.ScopeTier && !one ||
		q.Scope == correlation.ScopeTeam && !one:
		return q, nil
	case q.Scope == correlation.ScopeTeam && group != "":
		q.Team = group
		return q, nil
	case q.Scope == correlation.ScopeTier:
		if q.Tier, err = strconv.Atoi(group); err == nil && q.Tier > 0 {
			return q, nil
		}
		return q, fmt.Errorf("--scope %q: want a tier such as tier/1", text)
	case q.Scope == correlation.ScopeTeam, q.Scope == correlation.ScopeFleet:
		return q, fmt.Errorf("--scope %q: want fleet, or a team such as team/payments", text)
	}
	return q, fmt.Errorf("--scope %q is none%s; the scopes are fleet, tier, tier/N, team and team/NAME", text,
		nearest.Suggest(kind, names))
}
