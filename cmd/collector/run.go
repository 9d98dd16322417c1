package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
)

func newRun(s *streams) *cobra.Command {
	acceptLoss := false
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: collect on schedules, judge, serve metrics",
		Long: `Run the daemon. Each source is collected at the start and then on its
schedule; services are judged after each collection and at least every
evaluation.interval; metrics, API and pages are served on
server.listen_address.

SIGHUP reads the configuration again, and so does POST /-/reload with
server.enable_lifecycle: it is checked as a whole and swapped as a whole, and an
invalid one changes nothing. SIGTERM or Ctrl-C stops within
server.shutdown_timeout.
` + exitCodes,
		Example: `  collector run
  collector run --config /etc/readiness/collector.yaml --log.format json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			options, bars := s.watched(s.options(nil))
			defer bars.close()
			options.AcceptCatalogLoss, options.WaitForStore = acceptLoss, true
			daemon, err := app.New(ctx, options)
			if err != nil && ctx.Err() != nil {
				return nil // it was stopped while it waited for the store
			}
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
						_ = daemon.Reload(ctx)
					case <-done:
						return
					}
				}
			}()
			return daemon.Run(ctx)
		},
	}
	acceptCatalogLoss(cmd, &acceptLoss)
	return cmd
}

// acceptCatalogLoss adds the flag of that name.
func acceptCatalogLoss(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "accept-catalog-loss", false,
		"start although the catalog lacks more than a fifth of the services judged last")
}
