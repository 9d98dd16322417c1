package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/prodready/collector/strictyaml"
)

// Place is where a value of the configuration was given.
type Place struct {
	// File and Line are set for values of the file. The line counts from 1.
	File string
	Line int
	// Other names an environment variable or a flag.
	Other string
}

// String is file:line, or the name of the variable or flag.
func (p Place) String() string {
	switch {
	case p.Other != "":
		return p.Other
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	// Place is where the faulty value was given, or where a missing one should
	// be.
	Place Place
	// Path is the key: sources.pagerduty[0].schedule. It is empty for faults of
	// the whole file.
	Path string
	// Text is what is wrong and what to do about it, in one line. It never
	// holds a secret.
	Text string
}

// Error is one line: place, key, what is wrong; what to do.
func (p Problem) Error() string {
	var parts []string
	for _, part := range []string{p.Place.String(), p.Path, p.Text} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Problems is everything that is wrong with a configuration: first by place,
// then by key.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// report collects problems while a configuration is read. It has the place of every
// value, for the messages of later rules.
type report struct {
	problems Problems
	places   map[string]Place
	// refused holds keys whose value was not decoded, spoilt those and all others
	// that were found faulty. What is said about them later would only follow from
	// that.
	refused, spoilt map[string]bool
	root            Place
}

func newReport(file string) *report {
	return &report{
		places: map[string]Place{}, refused: map[string]bool{}, spoilt: map[string]bool{}, root: Place{File: file},
	}
}

// add reports a problem at a key, unless the key was already found faulty, or one
// above it has no value that could be decoded.
func (r *report) add(path, format string, args ...any) {
	if r.spoilt[path] {
		return
	}
	for at := path; at != ""; at = above(at) {
		if r.refused[at] {
			return
		}
	}
	r.addAt(r.place(path), path, format, args...)
}

// above is the path of the key or list above a path.
func above(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// signingHint says what to do instead of a key with which a client of Prometheus signs
// what it writes to a managed server.
func signingHint(key string) string {
	switch key {
	case "sigv4", "azuread", "google_iam":
		return "; requests are not signed here: put a signing proxy before the server, see docs/sources.md"
	}
	return ""
}

// addFaults reports what the decoder found. What is said later about the same
// key would only follow from it.
func (r *report) addFaults(faults []strictyaml.Fault) {
	for _, fault := range faults {
		if fault.Refused && r.refused[fault.Path] {
			continue // two variables replace it
		}
		place := r.place(fault.Path)
		if fault.Key != "" {
			place = r.place(strictyaml.Join(fault.Path, fault.Key))
		}
		if place.Other == "" && fault.Position.Line > 0 {
			place.Line = fault.Position.Line
		}
		r.addAt(place, fault.Path, "%s", fault.Text+signingHint(fault.Key))
		if fault.Refused {
			r.spoilt[fault.Path], r.refused[fault.Path] = true, true
		}
		if fault.Meant != "" {
			r.spoilt[fault.Meant] = true
		}
	}
}

// addAt reports a problem at a place that need not be that of the key.
func (r *report) addAt(place Place, path, format string, args ...any) {
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	r.problems = append(r.problems, Problem{Place: place, Path: path, Text: text})
}

// place is where the key was given, or else the nearest key above it.
func (r *report) place(path string) Place {
	for at := path; at != ""; at = above(at) {
		if p, ok := r.places[at]; ok {
			return p
		}
	}
	return r.root
}

// given reports whether the configuration has a value at the key.
func (r *report) given(path string) bool {
	_, ok := r.places[path]
	return ok
}

func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		if c := strings.Compare(a.Place.Other, b.Place.Other); c != 0 {
			return c
		}
		return a.Place.Line - b.Place.Line
	})
	return r.problems
}

// bare is a file error without the file's name, which the message says itself.
func bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
