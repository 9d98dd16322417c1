package app

import (
	"fmt"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/textfile"
)

func jiraKind() kind {
	return kind{
		name: "jira",
		declare: func(c *config.Valid, all declarations) error {
			for _, site := range c.Sources().Jira {
				facts, err := jqlFacts(site)
				if err != nil {
					return err
				}
				if err := all.add("jira/"+site.Name, jira.DefinitionsOf(facts, site.Incidents.JQL)); err != nil {
					return err
				}
			}
			embedded, err := jira.Definitions()
			if err != nil {
				return err
			}
			return all.addEmbedded("jira", embedded)
		},
		instances: func(c *config.Valid, deps sourceDeps) ([]instance, error) {
			sites := c.Sources().Jira
			rounds := func(site config.Jira) (string, config.Duration) { return site.Schedule, site.Timeout }
			return instances(sites, rounds, func(site config.Jira) (collectors.Source, []any, error) {
				credentials, err := site.Client()
				if err != nil {
					return nil, nil, err
				}
				client, err := deps.httpClient(transport.Config{
					Source: "jira/" + site.Name, HTTP: credentials,
					RatePerMinute: site.Rate.PerMinute, BudgetShare: site.Rate.Share,
					Credential: site.CredentialPlace(), MaxResponseBytes: site.MaxResponseBytes,
					Template: jira.Template, OneQuota: true,
				})
				if err != nil {
					return nil, nil, err
				}
				facts, err := jqlFacts(site)
				if err != nil {
					return nil, nil, err
				}
				made, err := jira.New(jira.Options{
					Name: site.Name, Deployment: jira.Deployment(site.Deployment), URL: site.APIURL, BrowseURL: site.BrowseURL,
					HTTPClient: client, Now: deps.options.Now, OnlySite: len(sites) == 1,
					Incidents: site.Incidents, Reviews: site.Reviews, NotDone: site.NotDone,
					AutomationUsers: site.AutomationUsers,
					Facts:           facts, Attestations: attestations(deps.attestations), Opinions: opinions(deps.checks),
					Exemptions: site.Exemptions, Exemptible: exemptible(deps.checks), MaxExemption: deps.maxExemption,
					Logger: deps.options.Logger,
				})
				return made, []any{facts, deps.attestations, deps.checks, deps.maxExemption, len(sites) == 1}, err
			})
		},
	}
}

func jqlFacts(site config.Jira) ([]jira.Fact, error) {
	facts, err := jira.DefaultFacts()
	if err != nil || site.FactsFile == "" {
		return facts, err
	}
	data, err := textfile.Read(site.FactsFile, textfile.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("facts of jira/%s: %w", site.Name, err)
	}
	more, err := jira.ParseFacts(site.FactsFile, data)
	if err == nil {
		facts, err = jira.MergeFacts(facts, more)
	}
	if err != nil {
		return nil, fmt.Errorf("facts of jira/%s: %w", site.Name, err)
	}
	return facts, nil
}

func exemptible(checks []string) []jira.Exemptible {
	out := make([]jira.Exemptible, len(checks))
	for n, check := range checks {
		out[n] = jira.Exemptible{Check: check, Label: framework.ExemptionLabel(check)}
	}
	return out
}

func opinions(checks []string) []jira.Opinion {
	out := make([]jira.Opinion, len(checks))
	for n, check := range checks {
		out[n] = jira.Opinion{Check: check, Label: framework.FeedbackLabel(check)}
	}
	return out
}

func attestations(declared []framework.Attestation) []jira.Attestation {
	out := make([]jira.Attestation, 0, len(declared))
	for _, c := range declared {
		out = append(out, jira.Attestation{Check: c.Check, Level: c.Level, NeedsLink: c.NeedsLink(),
			NeedsSecondPerson: c.NeedsSecondPerson(), ValidFor: c.ValidFor(),
			Label: framework.AttestationLabel(c.Check), Fact: c.Fact})
	}
	return out
}
