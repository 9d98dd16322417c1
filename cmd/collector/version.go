package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and what it was built with",
		Long: `Print the version, the revision, the version of Go and the platform.
` + exitCodes,
		Example: `  collector version`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(s.out, versionText())
			return err
		},
	}
}

// versionText has the form that Prometheus and its exporters have.
func versionText() string {
	return fmt.Sprintf("readiness-collector, version %s (revision: %s)\n  go version:       %s\n  platform:         %s/%s\n",
		version, builtFrom(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// builtFrom is the commit that the program was built from: what the build said,
// else what Go has found out.
func builtFrom() string {
	if info, ok := debug.ReadBuildInfo(); ok && revision == "unknown" {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return revision
}
