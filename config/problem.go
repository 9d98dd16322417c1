package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
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

// report collects problems while a configuration is read. It knows where every
// value was given, so that later rules can say it.
type report struct {
	problems Problems
	places   map[string]Place
	// spoilt holds keys whose value was refused. What is said about them later
	// would only follow from that.
	spoilt map[string]bool
	root   Place
}

func newReport(file string) *report {
	return &report{places: map[string]Place{}, spoilt: map[string]bool{}, root: Place{File: file}}
}

// add reports a problem at a key, unless the key was already found faulty.
func (r *report) add(path, format string, args ...any) {
	if r.spoilt[path] {
		return
	}
	r.addAt(r.place(path), path, format, args...)
}

// addAt reports a problem at a place of its own.
func (r *report) addAt(place Place, path, format string, args ...any) {
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	r.problems = append(r.problems, Problem{Place: place, Path: path, Text: text})
}

// place is where the key was given, or else the nearest key above it.
func (r *report) place(path string) Place {
	for {
		if p, ok := r.places[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return r.root
		}
		path = path[:i]
	}
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
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
