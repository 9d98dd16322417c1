// Package app wires the program together: configuration into sources, sources
// into the store, evidence into judgements, judgements into what is served. It
// owns the lifecycle and the one clock.
package app

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/store"
)

// Options say how the program is started. Only ConfigPath is required.
type Options struct {
	// ConfigPath is the configuration file.
	ConfigPath string
	// Environ is the environment, as os.Environ gives it.
	Environ []string
	// Flags are the command line's overrides of configuration keys, or nil.
	Flags *pflag.FlagSet
	// Logger is where the program logs. Nil makes one as the configuration's
	// log section says, on LogOutput.
	Logger *slog.Logger
	// LogOutput is used when Logger is nil; nil means standard error.
	LogOutput io.Writer
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// AcceptCatalogLoss starts with a catalog that lacks more than a fifth of the
	// services that were judged last. It holds for the start and for the first answer
	// of discovery.
	AcceptCatalogLoss bool
	// WaitForStore tries to reach a PostgreSQL server again, with growing pauses, until
	// it answers or the context ends.
	WaitForStore bool
	// Only names the sources that CollectOnce and a Trial collect from, such as
	// pagerduty/main. Empty means all.
	Only []string
	// Progress is called with how far long steps of a round have come, in the
	// goroutine of the source; an empty step means that the round is over. Nil logs
	// a line every 15 seconds.
	Progress func(source string, p collectors.Progress)
	// noRequests is set by what makes no request to a source; see config.Options.
	noRequests bool
	// framework, if not empty, is used instead of the framework of the configuration.
	framework string
	// Version of the program, and Revision of the source that it was built from.
	Version, Revision string
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LogOutput == nil {
		o.LogOutput = os.Stderr
	}
	o.Version = cmp.Or(o.Version, "unknown")
	o.Revision = cmp.Or(o.Revision, "unknown")
	return o
}

func (o Options) load() (*config.Valid, error) {
	presets, err := prometheus.Presets()
	if err != nil {
		return nil, err
	}
	valid, err := config.Load(config.Options{
		Path: o.ConfigPath, Environ: o.Environ, Flags: o.Flags, Presets: presets, NoRequests: o.noRequests,
	})
	if err != nil {
		return nil, &InvalidError{err}
	}
	return valid, nil
}

// InvalidError is something a person has to correct before the program can start:
// configuration, catalog, framework, or a store that is not usable. Nothing was
// started.
type InvalidError struct{ Err error }

// Error is the cause, one line for each fault.
func (e *InvalidError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InvalidError) Unwrap() error { return e.Err }

// storeError makes an InvalidError of what a person has to correct.
func storeError(err error) error {
	if err == nil {
		return nil
	}
	for _, correctable := range []error{store.ErrAddress, store.ErrForeign, store.ErrLocked, store.ErrUnwritable,
		store.ErrDamaged, store.ErrAbsent, store.ErrDatabase} {
		if errors.Is(err, correctable) {
			return &InvalidError{fmt.Errorf("store: %w", err)}
		}
	}
	return fmt.Errorf("store: %w", err)
}

func newLogger(o Options, c config.Log) *slog.Logger {
	if o.Logger != nil {
		return o.Logger
	}
	level := slog.LevelInfo
	// The configuration has been checked; info is right for anything else.
	_ = level.UnmarshalText([]byte(c.Level))
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(o.LogOutput, options))
	}
	return slog.New(slog.NewTextHandler(o.LogOutput, options))
}
