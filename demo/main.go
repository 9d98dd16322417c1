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
	code := run(ctx, os.Args[1:], terminal{out: os.Stdout, err: os.Stderr, now: time.Now})
	stop()
	os.Exit(code)
}

// endings are the signals that end the demo. Its folder is removed after each of them,
// after a closed terminal, too, and after a closed output: Ctrl-C ends the reader of a
// pipe as well, and what is printed after that would end a process that does not ask
// for SIGPIPE.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
