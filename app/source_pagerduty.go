package app

import (
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/config"
)

func pagerdutyKind() kind {
	return kind{
		declare: func(_ *config.Valid, all declarations) error {
			return all.addEmbedded("pagerduty", pagerduty.Definitions())
		},
		instances: func(c *config.Valid, deps sourceDeps) ([]instance, error) {
			var out []instance
			accounts := c.Sources().PagerDuty
			for _, account := range accounts {
				credentials, err := account.Client()
				if err != nil {
					return nil, err
				}
				client, err := deps.httpClient(upstream{
					id: "pagerduty/" + account.Name, client: credentials, rate: account.Rate,
					maxResponseBytes: account.MaxResponseBytes,
					authorize:        account.Authorize(), tokenInBody: !account.OAuth.IsZero(), template: pagerduty.Template,
				})
				if err != nil {
					return nil, err
				}
				source, err := pagerduty.New(pagerduty.Options{
					Name: account.Name, Endpoint: account.Endpoint, HTTPClient: client, Now: deps.options.Now,
					OnlyAccount: len(accounts) == 1, History: time.Duration(account.History), Logger: deps.options.Logger,
				})
				if err != nil {
					return nil, err
				}
				when, err := schedule(account.Schedule)
				if err != nil {
					return nil, err
				}
				out = append(out, instance{source: source, schedule: when, timeout: time.Duration(account.Timeout)})
			}
			return out, nil
		},
	}
}
