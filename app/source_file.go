package app

import (
	"time"

	"github.com/prodready/collector/collectors/file"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

func fileKind() kind {
	return kind{
		definitions: func(c *config.Valid) ([]evidence.Definition, error) {
			var definitions []evidence.Definition
			var err error
			for _, set := range c.Sources().File {
				if definitions, err = addDefinitions(definitions, set.Definitions(), "file/"+set.Name); err != nil {
					return nil, err
				}
			}
			return definitions, nil
		},
		instances: func(c *config.Valid, deps sourceDeps) ([]instance, error) {
			var out []instance
			for _, set := range c.Sources().File {
				source, err := file.New(file.Options{
					Name: set.Name, Patterns: set.Files, Definitions: set.Definitions(), MaxBytes: set.MaxFileBytes, Logger: deps.options.Logger,
				})
				if err != nil {
					return nil, err
				}
				when, err := schedule(set.Schedule)
				if err != nil {
					return nil, err
				}
				out = append(out, instance{source: source, schedule: when, timeout: time.Duration(set.Timeout)})
			}
			return out, nil
		},
	}
}
