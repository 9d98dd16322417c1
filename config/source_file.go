package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/prodready/collector/evidence"
)

// File is one set of files with facts that a pipeline writes.
type File struct {
	// Name is unique among the sets; records call the source file/Name.
	Name string `yaml:"name"`
	// Files are names and patterns of YAML and JSON files.
	Files []string `yaml:"files"`
	// Facts are the facts that the files may hold.
	Facts []FileFact `yaml:"facts"`
	// Schedule says when the files are read; see ParseSchedule.
	Schedule string `yaml:"schedule"`
	// Timeout bounds one round.
	Timeout Duration `yaml:"timeout"`
	// MaxFileBytes bounds one file.
	MaxFileBytes int64 `yaml:"max_file_bytes"`
}

// FileFact defines a fact that files hold.
type FileFact struct {
	// Name is unique and dotted: ci.coverage_ratio.
	Name string `yaml:"name"`
	// Type is bool, int or double.
	Type string `yaml:"type"`
	// Unit is what a number counts: ratio, days, bytes.
	Unit string `yaml:"unit"`
	// Help says in one sentence what the value means.
	Help string `yaml:"help"`
	// Clock is elapsed for the age of an event, remaining for the time left to a
	// deadline, else empty.
	Clock evidence.Clock `yaml:"clock"`
	// Merge is sum, min, max, any or all; empty means the type's own.
	Merge evidence.Merge `yaml:"merge"`
	// FreshFor and ValidFor are how long an entry is fresh, and how long it
	// counts at all, from its observed_at.
	FreshFor Duration `yaml:"fresh_for"`
	ValidFor Duration `yaml:"valid_for"`
	// Outcome marks facts that are derived from incidents or alerts.
	Outcome bool `yaml:"outcome"`
}

// DefaultFile is a set without any key.
func DefaultFile() File {
	return File{Schedule: "@every 5m", Timeout: Duration(time.Minute), MaxFileBytes: DefaultMaxResponseBytes}
}

// SetDefaults is how a set begins that is decoded.
func (f *File) SetDefaults() { *f = DefaultFile() }

// DefaultFileFact is a fact without any key.
func DefaultFileFact() FileFact {
	return FileFact{FreshFor: Duration(36 * time.Hour), ValidFor: Duration(7 * 24 * time.Hour)}
}

// SetDefaults is how a fact begins that is decoded.
func (f *FileFact) SetDefaults() { *f = DefaultFileFact() }

// Definition is the fact as sources declare it. An unknown type gives an
// invalid one.
func (f FileFact) Definition() evidence.Definition {
	kind, _ := evidence.ParseKind(f.Type)
	return evidence.Definition{
		Name: f.Name, Kind: kind, Unit: f.Unit, Help: f.Help, Clock: f.Clock, Merge: f.Merge, Outcome: f.Outcome,
		FreshFor: time.Duration(f.FreshFor), ValidFor: time.Duration(f.ValidFor),
	}
}

// Definitions are those of all facts.
func (f File) Definitions() []evidence.Definition {
	definitions := make([]evidence.Definition, len(f.Facts))
	for i, fact := range f.Facts {
		definitions[i] = fact.Definition()
	}
	return definitions
}

func (v *validator) fileSource(path string, f *File, names map[string]string) {
	v.name(path, f.Name, names)
	if len(f.Files) == 0 {
		v.add(path+".files", "the files are missing; name at least one, or a pattern such as facts/*.yaml")
	}
	for i := range f.Files {
		at := fmt.Sprintf("%s.files[%d]", path, i)
		if !v.required(at, "the file name", f.Files[i]) {
			continue
		}
		if _, err := filepath.Match(f.Files[i], ""); err != nil {
			v.add(at, "%q is no pattern of file names: %v", f.Files[i], err)
		}
		v.resolve(at, &f.Files[i])
	}
	if len(f.Facts) == 0 {
		v.add(path+".facts", "the facts are missing; define at least one")
	}
	defined := map[string]string{}
	for i, fact := range f.Facts {
		at := fmt.Sprintf("%s.facts[%d]", path, i)
		if first, twice := defined[fact.Name]; twice {
			v.add(at+".name", "the fact %q is already defined at %s; remove one of them", fact.Name, v.place(first))
		}
		defined[fact.Name] = at + ".name"
		v.duration(at+".fresh_for", fact.FreshFor, time.Minute, maxDuration)
		v.duration(at+".valid_for", fact.ValidFor, time.Minute, maxDuration)
		for _, err := range unjoin(fact.Definition().Validate()) {
			v.add(at, "%v", err)
		}
	}
	if _, err := ParseSchedule(f.Schedule); err != nil {
		v.add(path+".schedule", "%v", err)
	}
	v.duration(path+".timeout", f.Timeout, time.Second, 24*time.Hour)
	v.bytes(path+".max_file_bytes", f.MaxFileBytes)
}

// unjoin lists the errors that errors.Join has joined.
func unjoin(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
