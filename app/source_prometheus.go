package app

import (
	"fmt"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/textfile"
)

func prometheusKind() kind {
	return kind{
		name: "prometheus",
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
			rounds := func(server config.Prometheus) (string, config.Duration) { return server.Schedule, server.Timeout }
			return instances(c.Sources().Prometheus, rounds, func(server config.Prometheus) (collectors.Source, []any, error) {
				facts, err := promqlFacts(server)
				if err != nil {
					return nil, nil, err
				}
				client, err := deps.httpClient(transport.Config{
					Source: "prometheus/" + server.Name, HTTP: server.HTTPClient,
					RatePerMinute: server.Rate.PerMinute, BudgetShare: server.Rate.Share,
					Credential: server.CredentialPlace(), MaxResponseBytes: server.MaxResponseBytes, Template: prometheus.Template,
				})
				if err != nil {
					return nil, nil, err
				}
				made, err := prometheus.New(prometheus.Options{
					Name: server.Name, ReplicaOf: server.ReplicaOf, URL: server.URL, RulesURL: server.RulesURL,
					Parameters: server.QueryParams, HTTPClient: client, Facts: facts, PagingSeverities: server.PagingSeverities,
					Relabel: server.Relabel, Memory: time.Duration(server.Memory),
					RunbookAnnotations: server.RunbookAnnotations, SummaryAnnotations: server.SummaryAnnotations,
					AlertLabels:   append([]string{}, server.AlertLabels...),
					ReplicaLabels: append([]string{}, server.ReplicaLabels...),
					AlertHistory:  time.Duration(server.AlertHistory), Now: deps.options.Now, Logger: deps.options.Logger,
				})
				return made, []any{facts}, err
			})
		},
	}
}

func promqlFacts(server config.Prometheus) (*prometheus.Facts, error) {
	var files []prometheus.File
	for _, name := range server.FactsFiles {
		data, err := textfile.Read(name, textfile.MaxBytes)
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
