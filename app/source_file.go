package app

import (
	"time"

	"github.com/prodready/collector/collectors/file"
	"github.com/prodready/collector/config"
)

func fileKind() kind {
	return kind{
		declare: func(c *config.Valid, all declarations) error {
			for _, set := range c.Sources().File {
				if err := all.add("file/"+set.Name, set.Definitions()); err != nil {
					return err
				}
			}
			return nil
		},
		instances: func(c *config.Valid, deps sourceDeps) ([]instance, error) {
			var out []instance
			for _, set := range c.Sources().File {
				source, err := file.New(file.Options{
					Name: set.Name, Patterns: set.Files, Definitions: set.Definitions(), MaxBytes: set.MaxFileBytes,
					Logger: deps.options.Logger,
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
