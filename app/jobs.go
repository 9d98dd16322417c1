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

// startJobs starts one job per source instance, the judging and the pruning.
func (a *App) startJobs(ctx context.Context) {
	w := a.world
	var jobs []job
	for _, i := range w.instances {
		jobs = append(jobs, job{
			name: i.source.ID(), schedule: i.schedule, timeout: i.timeout,
			run: func(ctx context.Context) { _ = a.collect.round(ctx, w, i.source) },
		})
	}
	retention := w.config.Store().Retention
	jobs = append(jobs, job{
		name: "retention", schedule: cron.Every(pruneEvery), timeout: pruneTimeout,
		run: func(ctx context.Context) {
			n, err := a.store.Prune(ctx, a.options.Now(), store.Retention{
				History: time.Duration(retention.History), Transitions: time.Duration(retention.History),
				Incidents: time.Duration(retention.Incidents), Alerts: time.Duration(retention.Alerts), Runs: time.Duration(retention.Runs),
			})
			if err != nil && ctx.Err() == nil {
				a.log.Error("the past could not be pruned; it is tried again in an hour", "err", err)
			} else if n > 0 {
				a.log.Debug("pruned", "rows", n)
			}
		},
	})
	a.scheduler = startScheduler(ctx, jobs, a.options.Now, a.log)
	a.scheduler.also(func(ctx context.Context) { a.judgeLoop(ctx, w) })
}

// judgeLoop judges after collections and at least every interval: time alone
// moves badges. Collections that end together are judged together.
func (a *App) judgeLoop(ctx context.Context, w *world) {
	ticker := time.NewTicker(time.Duration(w.config.Evaluation().Interval))
	defer ticker.Stop()
	failing := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.dirty:
		case <-ticker.C:
			if a.current.Load() == nil && !a.evaluator.seen() {
				// Nothing was ever collected: there is nothing to judge.
				continue
			}
		}
		err := a.evaluate(ctx, w)
		switch {
		case err != nil && ctx.Err() == nil && err.Error() != failing:
			a.log.Error("judging failed; the last snapshot is served until it is too old", "err", err)
			failing = err.Error()
		case err == nil && failing != "":
			a.log.Info("judging works again")
			failing = ""
		}
	}
}
