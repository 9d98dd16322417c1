package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is for packages, and not in the help.
func newMan(s *streams) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:    "man --out DIR",
		Short:  "Write the manual pages",
		Hidden: true,
		Long: `Write a manual page for each command.
` + exitCodes,
		Example: `  collector man --out man1`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return &usageError{errors.New("--out is missing: name the folder to write to")}
			}
			if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // manuals are for everybody
				return fmt.Errorf("making a folder for manual pages: %w", err)
			}
			day := time.Unix(0, 0).UTC() // the same bytes whenever they are written
			header := &doc.GenManHeader{
				Title: strings.ToUpper(cmd.Root().Name()), Section: "1", Source: "readiness-collector " + version, Date: &day,
				Manual: "Readiness collector",
			}
			cmd.Root().DisableAutoGenTag = true
			if err := doc.GenManTree(cmd.Root(), header, out); err != nil {
				return fmt.Errorf("writing manual pages: %w", err)
			}
			_, err := fmt.Fprintf(s.err, "manual pages are in %s\n", out)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the folder to write to; it is made if it is missing")
	return cmd
}
