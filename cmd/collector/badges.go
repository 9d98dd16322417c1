package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/badges"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
)

func newBadges(s *streams) *cobra.Command {
	var out, style string
	cmd := &cobra.Command{
		Use:   "badges --out DIR",
		Short: "Write the badges of all services, teams and orgs as pictures",
		Long: `Write the badges of all services as pictures, for pages that cannot ask the
collector: SERVICE.svg, and team/NAME.svg, org/NAME.svg, tier/N.svg and
fleet/all.svg, which say how many services are on target. Beside each is the
JSON that a shields.io endpoint reads. The daemon answers the same at /badge/.

Pictures in the folder that are of no service any more are named and stay. It
reads the store of the configuration alone, and may run beside a daemon.
` + exitCodes,
		Example: `  collector badges --out public/badges
  collector badges --out public/badges --style flat-square`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return &usageError{errors.New("--out is missing: a folder, such as public/badges")}
			}
			chosen, err := parseStyle(style)
			if err != nil {
				return &usageError{err}
			}
			judged, err := app.Inspect(cmd.Context(), s.options(s.quiet()))
			if err != nil {
				return err
			}
			written, others, err := badges.Write(out, judged, chosen)
			if err != nil {
				return err
			}
			for _, other := range others {
				_, _ = fmt.Fprintln(s.err, report.Printable("no longer made: "+other))
			}
			_, err = fmt.Fprintf(s.out, "%s in %s\n", report.Plural(written, "badge"), report.Printable(out))
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the folder to write to; it is made if it is missing")
	cmd.Flags().StringVar(&style, "style", string(badges.Flat), "flat or flat-square")
	return cmd
}

func parseStyle(name string) (badges.Style, error) {
	var names []string
	for _, style := range badges.Styles() {
		if string(style) == name {
			return style, nil
		}
		names = append(names, string(style))
	}
	return "", fmt.Errorf("--style %q: want %s%s", name, strings.Join(names, " or "), nearest.Suggest(name, names))
}
