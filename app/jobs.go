package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/prodready/collector/store"
	"github.com/prodready/collector/tasks"
)

const (
	// pruneEvery and pruneTimeout say how often and how long the past is pruned.
	pruneEvery   = time.Hour
	pruneTimeout = 10 * time.Minute
	// discoverEvery is how often PagerDuty is asked which services there are.
	discoverEvery   = 30 * time.Minute
	discoverTimeout = 10 * time.Minute
)

// tasks are what is done on a schedule by a configuration: a round of each source,
// discovery, the pruning, and what is made of the past. While no services are known because discovery has not
// answered yet, there are no rounds.
func (r *reloader) tasks(rc *runtimeConfig) []tasks.Task {
	list := []tasks.Task{{
		Name: "retention", Schedule: cron.Every(pruneEvery), Timeout: pruneTimeout,
		Run: func(ctx context.Context) { r.prune(ctx, r.config()) },
	}, {
		Name: "correlation", Schedule: cron.Every(correlationEvery), Timeout: correlationTimeout, Run: r.correlationTask,
	}}
	if rc.config.Reviews().Wanted() {
		list = append(list, tasks.Task{
			Name: "reviews", Schedule: cron.Every(reviewEvery), Timeout: reviewTimeout, Run: r.reviewTask,
			Version: fmt.Sprint(rc.config.Reviews()),
		})
	}
	if rc.accounts.Wanted() {
		list = append(list, tasks.Task{
			Name: "discovery", Schedule: cron.Every(discoverEvery), Timeout: discoverTimeout,
			Version: rc.rules, Run: r.discoverTask,
		})
	}
	if rc.accounts.Wanted() && len(rc.found) == 0 && !r.discovery.wasAsked() {
		return list
	}
	for _, i := range rc.instances {
		id := i.source.ID()
		list = append(list, tasks.Task{
			Name: id, Schedule: i.schedule, Timeout: i.timeout, Version: i.version, Subjects: rc.catalogVersion,
			Run: func(ctx context.Context) { r.round(ctx, id) },
			Last: func(ctx context.Context) (time.Time, error) {
				rc := r.config()
				i, _ := rc.instance(id)
				return r.store.LastRound(ctx, id, rc.roundVersion(i))
			},
		})
	}
	return list
}

// round does a round of a source by the configuration in force.
func (r *reloader) round(ctx context.Context, id string) {
	rc := r.config()
	if i, ok := rc.instance(id); ok {
		_ = r.collection.round(ctx, rc.Catalog.Services(), i.source, rc.roundVersion(i)) // it has logged it
	}
}

func (r *reloader) prune(ctx context.Context, rc *runtimeConfig) {
	if !r.clock.believed() {
		return
	}
	retention := rc.config.Store().Retention
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
}

// measureStore publishes how large the database is. Every replica does, so that no figure of
// one that has stopped to measure stays.
func (r *reloader) measureStore(ctx context.Context) {
	size, err := r.store.Size(ctx)
	if err != nil {
		r.log.Debug("the store was not measured", "err", err)
		return
	}
	r.metrics.StoreSize(size)
}

// startJobs makes the tasks and the judging those of the configuration in force. Tasks
// that are the same go on. They end with stop, not with ctx. While the clock is not that
// of the database, this process only shows what others judge.
func (r *reloader) startJobs(ctx context.Context) error {
	rc := r.config()
	if r.judging == nil {
		r.judging = begin(func(ctx context.Context) { r.evaluator.Run(ctx, &rc.Config) })
	}
	list := r.tasks(rc)
	if r.clock.standsBy() {
		list = nil
	}
	bounded, cancel := context.WithTimeout(ctx, time.Duration(rc.config.Server().ShutdownTimeout))
	defer cancel()
	err := r.runner.Keep(bounded, list)
	if len(list) > 0 {
		err = errors.Join(err, r.runner.Start(ctx, list))
	}
	return err
}

// stopJudging ends the judging, and waits for it at most until ctx ends.
func (r *reloader) stopJudging(ctx context.Context) error {
	if r.judging == nil {
		return nil
	}
	judging := r.judging
	r.judging = nil
	return judging.stop(ctx)
}

// loop is something that goes on until it is stopped.
type loop struct {
	cancel context.CancelFunc
	ended  chan error
}

// begin runs something in a goroutine until it is stopped.
func begin(run func(ctx context.Context)) *loop {
	ctx, cancel := context.WithCancel(context.Background())
	l := &loop{cancel: cancel, ended: make(chan error, 1)}
	go func() {
		run(ctx)
		l.ended <- nil
	}()
	return l
}

// stop ends it and waits, at most until ctx ends.
func (l *loop) stop(ctx context.Context) error {
	l.cancel()
	return waitFor(ctx, l.ended)
}
