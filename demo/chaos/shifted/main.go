// Command shifted is the collector with a clock that can be set: each line of its
// standard input, such as 3h or -20s, sets by how much it is ahead.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prodready/collector/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config := flag.String("config", "collector.yaml", "the configuration file")
	flag.Parse()
	var ahead atomic.Int64
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			d, err := time.ParseDuration(lines.Text())
			if err != nil {
				_, _ = fmt.Fprintln(os.Stderr, err)
				continue
			}
			ahead.Store(int64(d))
		}
	}()
	// A clock that is set moves without the monotonic one.
	now := func() time.Time {
		if d := time.Duration(ahead.Load()); d != 0 {
			return time.Now().Round(0).Add(d)
		}
		return time.Now()
	}
	a, err := app.New(ctx, app.Options{
		ConfigPath: *config, Environ: os.Environ(), Now: now, WaitForStore: true, Version: "shifted",
	})
	if err != nil {
		return fmt.Errorf("making the collector: %w", err)
	}
	return a.Run(ctx) //nolint:wrapcheck // it says what it was doing
}
