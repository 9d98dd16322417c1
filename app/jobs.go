package app

import (
	"context"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/prodready/collector/store"
)

// pruneEvery and pruneTimeout say how often and how long the past is pruned.
const (
	pruneEvery   = time.Hour
	pruneTimeout = 10 * time.Minute
)

// startJobs starts one job per source instance, the evaluation and the pruning.
// They end with stop, not with ctx.
func (r *reloader) startJobs(ctx context.Context) {
	rc := r.active
	var jobs []job
	for _, i := range rc.instances {
		jobs = append(jobs, job{
			name: i.source.ID(), schedule: i.schedule, timeout: i.timeout,
			run: func(ctx context.Context) { _ = r.collection.round(ctx, rc.Catalog.Services(), i.source) },
		})
	}
	retention := rc.config.Store().Retention
	jobs = append(jobs, job{
		name: "retention", schedule: cron.Every(pruneEvery), timeout: pruneTimeout,
		run: func(ctx context.Context) {
			n, err := r.store.Prune(ctx, r.options.Now(), store.Retention{
				History: time.Duration(retention.History), Transitions: time.Duration(retention.History),
				Incidents: time.Duration(retention.Incidents), Alerts: time.Duration(retention.Alerts),
				Runs: time.Duration(retention.Runs),
			})
			if err != nil && ctx.Err() == nil {
				r.log.Error("the past could not be pruned; it is tried again in an hour", "err", err)
			} else if n > 0 {
				r.log.Debug("pruned", "rows", n)
			}
		},
	})
	r.jobs = startScheduler(context.WithoutCancel(ctx), jobs, r.options.Now, r.log)
	r.jobs.also(func(ctx context.Context) { r.evaluator.Run(ctx, &rc.Config) })
}
