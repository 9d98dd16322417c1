package main

import (
	"context"
	"fmt"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

// storedCards reads from the evidence in the store.
type storedCards struct{ published *snapshot.Snapshot }

func (c *storedCards) fleet(context.Context) (report.Fleet, error) {
	return report.NewFleet(c.published), nil
}

func (c *storedCards) scorecard(_ context.Context, service string) (report.Scorecard, error) {
	card, ok := report.NewScorecard(c.published, service)
	if !ok {
		var names []string
		for _, s := range c.published.Services {
			names = append(names, s.Entry.Name)
		}
		return card, &usageError{fmt.Errorf("no service %q in the catalog%s", service, nearest.Suggest(service, names))}
	}
	return card, nil
}
