package app

import (
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/config"
)

func pagerdutyKind() kind {
	return kind{
		name: "pagerduty",
		declare: func(_ *config.Valid, all declarations) error {
			return all.addEmbedded("pagerduty", pagerduty.Definitions())
		},
		instances: func(c *config.Valid, deps sourceDeps) ([]instance, error) {
			accounts := c.Sources().PagerDuty
			rounds := func(account config.PagerDuty) (string, config.Duration) { return account.Schedule, account.Timeout }
			return instances(accounts, rounds, func(account config.PagerDuty) (collectors.Source, []any, error) {
				credentials, err := account.Client()
				if err != nil {
					return nil, nil, err
				}
				client, err := deps.httpClient(transport.Config{
					Source: "pagerduty/" + account.Name, HTTP: credentials,
					RatePerMinute: account.Rate.PerMinute, BudgetShare: account.Rate.Share,
					Credential: account.CredentialPlace(), MaxResponseBytes: account.MaxResponseBytes, Authorize: account.Authorize(),
					TokenInBody: !account.OAuth.IsZero(), Template: pagerduty.Template, OneQuota: true,
				})
				if err != nil {
					return nil, nil, err
				}
				made, err := pagerduty.New(pagerduty.Options{
					Name: account.Name, Endpoint: account.Endpoint, HTTPClient: client, Now: deps.options.Now,
					OnlyAccount: len(accounts) == 1, History: time.Duration(account.History), Logger: deps.options.Logger,
					Severities: account.Severities, IncidentTypes: account.IncidentTypes,
					FalseAlarmNotes: account.FalseAlarms.Notes, FalseAlarmFields: account.FalseAlarms.Fields,
				})
				return made, []any{len(accounts) == 1}, err
			})
		},
	}
}
