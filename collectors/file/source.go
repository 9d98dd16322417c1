// Package file reads facts that a company has elsewhere (test coverage, licence
// scans, cost) from YAML and JSON files that a pipeline writes.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/textfile"
)

// DefaultMaxBytes bounds one file.
const DefaultMaxBytes = 32 << 20

// call names every failure of this source, as an endpoint does for other sources.
const call = "read files"

// Options configure a source. Name, Patterns and Definitions are required.
type Options struct {
	// Name is the instance's name; records call the source file/Name.
	Name string
	// Patterns are the files to read, as filepath.Match has them.
	Patterns []string
	// Definitions are the facts that the files may hold.
	Definitions []evidence.Definition
	// MaxBytes bounds one file; 0 means DefaultMaxBytes.
	MaxBytes int64
	// Logger gets a line for each file with entries that were refused; nil means
	// none.
	Logger *slog.Logger
}

// Source reads the files of one instance. Each entry has the time of its
// observation and ages from then on, so that a file that is no longer written
// becomes stale, and an entry that was removed expires. An entry with the value null
// withdraws the fact of its service.
type Source struct {
	options Options
	facts   *evidence.Facts
	notices collectors.Notices
}

// New makes a source. The error names definitions that are not valid.
func New(o Options) (*Source, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	facts, err := evidence.NewFacts(o.Definitions)
	if err != nil {
		return nil, fmt.Errorf("file/%s: %w", o.Name, err)
	}
	return &Source{options: o, facts: facts}, nil
}

// ID is file/NAME.
func (s *Source) ID() string { return "file/" + s.options.Name }

// Facts are those of Options.Definitions.
func (s *Source) Facts() []evidence.Definition {
	definitions := make([]evidence.Definition, s.facts.Len())
	for i := range definitions {
		definitions[i] = s.facts.At(i)
	}
	return definitions
}

// Answers is true for every service: any of them may be in a file.
func (s *Source) Answers(*catalog.Service, string) bool { return true }

// Check reports whether there are files and all of them can be read.
func (s *Source) Check(ctx context.Context) error {
	names, err := s.files(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if _, err := s.read(ctx, name); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Plan names the patterns.
func (s *Source) Plan(collectors.Request) []collectors.PlannedCall {
	return []collectors.PlannedCall{{
		Call: call, Query: strings.Join(s.options.Patterns, " "), Requests: "no request: files are read",
		Facts: s.facts.Names(),
	}}
}

// Collect reads all files. A file that cannot be read leaves every fact
// uncovered, since it may have any of them; the entries of the others count.
func (s *Source) Collect(ctx context.Context, req collectors.Request, emit func(evidence.Batch) error) error {
	names, err := s.files(ctx)
	if err != nil {
		return err
	}
	s.notices.Begin()
	defer s.notices.End()
	out := collectors.NewBatches(s.ID(), req, emit)
	round := newRound(s, req, out)
	var errs []error
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return failed(ctx, name, err)
		}
		entries, err := s.read(ctx, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.report(name, round.add(name, entries))
	}
	return errors.Join(append(errs, out.Send(round.batch(len(errs) == 0)))...)
}

// files lists what the patterns match, each file once, in name order. A file
// that is named without a pattern must be there, and at least one file must.
func (s *Source) files(ctx context.Context) ([]string, error) {
	missing := func(pattern string) error {
		return failed(ctx, "no file matches "+pattern, fs.ErrNotExist)
	}
	var names []string
	for _, pattern := range s.options.Patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return nil, collectors.Failed(evidence.ReasonRejected, call, "pattern %s: %w", pattern, err)
		}
		if len(matches) == 0 && !strings.ContainsAny(pattern, `*?[\`) {
			return nil, missing(pattern)
		}
		names = append(names, matches...)
	}
	if len(names) == 0 {
		return nil, missing(strings.Join(s.options.Patterns, " "))
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// read decodes one file. Every error is a *collectors.CallError.
func (s *Source) read(ctx context.Context, name string) ([]entry, error) {
	data, err := textfile.Read(name, s.options.MaxBytes)
	if errors.Is(err, textfile.ErrTooLarge) {
		return nil, collectors.Failed(evidence.ReasonTooLarge, call, "%s: %w", name, err)
	}
	if err != nil {
		return nil, failed(ctx, name, err)
	}
	entries, err := decode(name, data)
	if err != nil {
		return nil, collectors.Failed(evidence.ReasonUndecodable, call, "%s: %w", name, err)
	}
	return entries, nil
}

// failed classifies an error of the file system.
func failed(ctx context.Context, name string, err error) error {
	reason, remedy := evidence.ReasonUnreachable, ""
	switch {
	case ctx.Err() != nil:
		reason = collectors.ReasonOf(ctx, err)
	case errors.Is(err, fs.ErrNotExist):
		reason, remedy = evidence.ReasonNotFound, "check the name of the file in the configuration"
	case errors.Is(err, fs.ErrPermission):
		reason, remedy = evidence.ReasonForbidden, "let the account of this program read the file"
	}
	failed := collectors.Failed(reason, call, "%s: %w", name, err)
	failed.Remedy = remedy
	return failed
}

// maxReported bounds the refused entries that one log line names.
const maxReported = 10

// report logs the entries of a file that were refused, once while they stay the
// same.
func (s *Source) report(name string, refused []string) {
	text := strings.Join(refused, "; ")
	if n := len(refused) - maxReported; n > 0 {
		text = fmt.Sprintf("%s; and %d more", strings.Join(refused[:maxReported], "; "), n)
	}
	if s.notices.Add(name, text) && text != "" {
		s.options.Logger.Warn("entries were refused", "source", s.ID(), "file", name, "entries", text)
	}
}

// since is the age of an observation, for messages.
func since(now, at time.Time) time.Duration { return now.Sub(at).Round(time.Second) }
