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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], terminal{out: os.Stdout, err: os.Stderr, now: time.Now})
	stop()
	os.Exit(code)
}
