package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// Criteria are the framework that the configuration names, as it is written and compiled.
// Without a configuration file they are the default, if orDefault is set. Nothing else of
// the configuration is used. The error is an *InvalidError when it is not valid.
func Criteria(o Options, orDefault bool) (*framework.Document, *framework.Framework, error) {
	o = withoutFile(o, orDefault).withDefaults()
	valid, err := o.load()
	if err != nil {
		return nil, nil, err
	}
	rc := &runtimeConfig{config: valid}
	if err := rc.buildFramework(valid, o.framework); err != nil {
		return nil, nil, &InvalidError{err}
	}
	return rc.Document, rc.Framework, nil
}

// withoutFile are the options of what reads the criteria alone: without the secrets of the
// sources, and without the configuration file if orDefault is set and the file does not
// exist: the defaults then count.
func withoutFile(o Options, orDefault bool) Options {
	o.noRequests = true
	if _, err := os.Stat(o.ConfigPath); orDefault && errors.Is(err, fs.ErrNotExist) {
		o.ConfigPath = ""
	}
	return o
}

// TryFixtures judges the fixtures of a framework. A fixture that cannot be judged, or none at
// all, is an *InvalidError.
func TryFixtures(d *framework.Document, f *framework.Framework) ([]scoring.Trial, error) {
	fixtures, err := d.Fixtures(f)
	if err == nil && len(fixtures) == 0 {
		err = fmt.Errorf("%s has no fixtures: add facts and the status that follows from them to a file whose name ends in "+
			".fixtures.yaml, beside the framework", f.Title())
	}
	if err != nil {
		return nil, &InvalidError{err}
	}
	return scoring.Try(f, fixtures), nil
}

// CriteriaOf is Criteria of the framework with a name, as framework.file has it.
func CriteriaOf(o Options, name string, orDefault bool) (*framework.Document, *framework.Framework, error) {
	o.framework = name
	return Criteria(o, orDefault)
}

// Lint is an error with the texts and fixtures that the framework lacks, each with its place.
// With an earlier version of it, also with what its version, changelog and retired ids do not say. It
// is an *InvalidError.
func Lint(d *framework.Document, f, earlier *framework.Framework) error {
	faults := []error{d.Lint(), d.LintFixtures()}
	if earlier != nil {
		faults = append(faults, framework.Compare(earlier, f).Versions()...)
	}
	if err := errors.Join(faults...); err != nil {
		return &InvalidError{err}
	}
	return nil
}
