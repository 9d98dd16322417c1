package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
)

func newRun(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: collect on schedules, judge, serve metrics",
		Long: `Run the daemon. Each source is collected at the start and then on its
schedule; services are judged after each collection and at least every
evaluation.interval; metrics, API and landing page are served on
server.listen_address.

SIGHUP or POST /-/reload reads the configuration again: it is checked as a
whole and swapped as a whole, and an invalid one changes nothing. SIGTERM or
Ctrl-C stops within server.shutdown_timeout.
` + exitCodes,
		Example: `  collector run
  collector run --config /etc/readiness/collector.yaml --log.format json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, bars := s.watched(s.options(nil))
			defer bars.close()
			daemon, err := app.New(cmd.Context(), options)
			if err != nil {
				return err
			}
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			done := make(chan struct{})
			defer close(done)
			go func() {
				for {
					select {
					case <-hangups:
						// The outcome is logged and exported.
						_ = daemon.Reload(cmd.Context())
					case <-done:
						return
					}
				}
			}()
			return daemon.Run(cmd.Context())
		},
	}
}
