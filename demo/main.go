// Command demo shows the collector at work without any account: it makes a
// simulated company, serves it as PagerDuty would, and runs the real collector
// against it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	// A closed connection of any client raises SIGPIPE, too. Only a closed output ends
	// the demo, and a write to it returns EPIPE.
	signal.Ignore(syscall.SIGPIPE)
	ctx, end := context.WithCancel(ctx)
	code := run(ctx, os.Args[1:], terminal{out: os.Stdout, err: os.Stderr, now: time.Now, closed: end})
	end()
	stop()
	os.Exit(code)
}

// endings are the signals that end the demo. Its folder is removed after each of them,
// after a closed terminal, too.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
