package app

import (
	"errors"
	"io/fs"
	"os"

	"github.com/prodready/collector/framework"
)

// Criteria are the framework that the configuration names, as it is written and compiled.
// Without a configuration file they are the default, if orDefault is set. Nothing else of
// the configuration is used. The error is an *InvalidError when it is not valid.
func Criteria(o Options, orDefault bool) (*framework.Document, *framework.Framework, error) {
	if _, err := os.Stat(o.ConfigPath); orDefault && errors.Is(err, fs.ErrNotExist) {
		o.ConfigPath = ""
	}
	o = o.withDefaults()
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

// Lint is an error with the texts that the framework lacks, each with its place. It is an
// *InvalidError.
func Lint(d *framework.Document) error {
	if err := d.Lint(); err != nil {
		return &InvalidError{err}
	}
	return nil
}
