package app

import (
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/file"
	"github.com/prodready/collector/config"
)

func fileKind() kind {
	return kind{
		name: "file",
		declare: func(c *config.Valid, all declarations) error {
			for _, set := range c.Sources().File {
				if err := all.add("file/"+set.Name, set.Definitions()); err != nil {
					return err
				}
			}
			return nil
		},
		instances: func(c *config.Valid, deps sourceDeps) ([]instance, error) {
			rounds := func(set config.File) (string, config.Duration) { return set.Schedule, set.Timeout }
			return instances(c.Sources().File, rounds, func(set config.File) (collectors.Source, []any, error) {
				made, err := file.New(file.Options{
					Name: set.Name, Patterns: set.Files, Definitions: set.Definitions(), MaxBytes: set.MaxFileBytes,
					Logger: deps.options.Logger,
				})
				return made, nil, err
			})
		},
	}
}
