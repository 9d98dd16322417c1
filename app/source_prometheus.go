package app

import (
	"fmt"
	"os"
	"time"

	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/config"
)

func prometheusKind() kind {
	return kind{
		declare: func(c *config.Valid, all declarations) error {
			for _, server := range c.Sources().Prometheus {
				facts, err := promqlFacts(server)
				if err != nil {
					return err
				}
				if err := all.add("prometheus/"+server.Name, facts.Definitions()); err != nil {
					return err
				}
			}
			embedded, err := prometheus.Definitions()
			if err != nil {
				return err
			}
			return all.addEmbedded("prometheus", embedded)
		},
		instances: func(c *config.Valid, deps sourceDeps) ([]instance, error) {
			var out []instance
			for _, server := range c.Sources().Prometheus {
				facts, err := promqlFacts(server)
				if err != nil {
					return nil, err
				}
				client, err := deps.httpClient(upstream{
					id: "prometheus/" + server.Name, client: server.HTTPClient, rate: server.Rate,
					maxResponseBytes: server.MaxResponseBytes, template: prometheus.Template,
				})
				if err != nil {
					return nil, err
				}
				source, err := prometheus.New(prometheus.Options{
					Name: server.Name, URL: server.URL, RulesURL: server.RulesURL, Parameters: server.QueryParams, HTTPClient: client,
					Facts: facts, PagingSeverities: server.PagingSeverities, Relabel: relabelRules(server.Relabel),
					Memory:       time.Duration(server.Memory),
					AlertHistory: time.Duration(server.AlertHistory),
					Now:          deps.options.Now, Logger: deps.options.Logger,
				})
				if err != nil {
					return nil, err
				}
				when, err := schedule(server.Schedule)
				if err != nil {
					return nil, err
				}
				out = append(out, instance{source: source, schedule: when, timeout: time.Duration(server.Timeout)})
			}
			return out, nil
		},
	}
}

func relabelRules(rules []config.Relabel) []prometheus.Relabel {
	var out []prometheus.Relabel
	for _, r := range rules {
		out = append(out, prometheus.Relabel(r))
	}
	return out
}

func promqlFacts(server config.Prometheus) (*prometheus.Facts, error) {
	var files []prometheus.File
	for _, name := range server.FactsFiles {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("facts of prometheus/%s: %w", server.Name, err)
		}
		files = append(files, prometheus.File{Name: name, Data: data})
	}
	facts, err := prometheus.Load(server.Presets, files)
	if err != nil {
		return nil, fmt.Errorf("facts of prometheus/%s: %w", server.Name, err)
	}
	return facts, nil
}
