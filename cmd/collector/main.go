// Command collector pulls readiness evidence from PagerDuty, Jira and
// Prometheus, judges every service against a readiness framework, and exports
// scores and badges as metrics.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/report"
)

// version and revision are set by the linker.
var version, revision = "unknown", "unknown"

// The exit codes, as the help of every command documents them.
const (
	exitOK      = 0
	exitFailure = 1
	exitConfig  = 2
	exitUnknown = 3
)

func main() {
	s := &streams{name: programName(os.Args[0]), out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	os.Exit(s.execute(context.Background(), os.Args[1:]))
}

// programName is what a shell calls the program: the name of its file if that is one of the
// two that it has.
func programName(file string) string {
	const long = "readiness-collector"
	if strings.TrimSuffix(filepath.Base(file), ".exe") == long {
		return long
	}
	return "collector"
}

// untilSignal is a context that ends with the first SIGINT or SIGTERM, for commands
// that have something to finish. A second one ends the program at once, as the first
// one does for all other commands.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// execute runs one command and returns its exit code.
func (s *streams) execute(ctx context.Context, args []string) int {
	root := newRoot(s)
	root.SetArgs(args)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		_, _ = fmt.Fprintln(s.err, report.WrapLines(report.Printable("collector: "+text), terminalWidth(s.err)))
	}
	if verdict, ok := errors.AsType[*verdictError](err); ok {
		return verdict.code
	}
	var invalid *app.InvalidError
	var usage *usageError
	if errors.As(err, &invalid) || errors.As(err, &usage) {
		return exitConfig
	}
	return exitFailure
}

// verdictError is an answer that a script reads from the exit code; without a text, what was
// printed says it.
type verdictError struct {
	code int
	text string
}

func (e *verdictError) Error() string { return e.text }

// usageError is a command line that cannot be run.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }
