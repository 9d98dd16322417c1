package app

import (
	"context"
	"hash/fnv"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// job is something that is done on a schedule. It does not know its scheduler, so
// that another one can run it.
type job struct {
	// name identifies the job in logs.
	name string
	// schedule says when it is done next, by the injected clock.
	schedule cron.Schedule
	// timeout bounds one run.
	timeout time.Duration
	// run does it once. It returns when ctx ends.
	run func(ctx context.Context)
}

// scheduler runs jobs until it is stopped: each at the start and then on its
// schedule, never twice at once, and a run that panics costs that run.
type scheduler struct {
	now    func() time.Time
	log    *slog.Logger
	ctx    context.Context //nolint:containedctx // it is the life of the scheduler: its end ends all jobs
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startScheduler starts one goroutine per job. They end with ctx or stop.
func startScheduler(ctx context.Context, jobs []job, now func() time.Time, log *slog.Logger) *scheduler {
	ctx, cancel := context.WithCancel(ctx)
	s := &scheduler{now: now, log: log, ctx: ctx, cancel: cancel}
	for _, j := range jobs {
		s.done.Go(func() {
			s.loop(ctx, j)
		})
	}
	return s
}

// also runs something beside the jobs until they are stopped.
func (s *scheduler) also(run func(ctx context.Context)) {
	s.done.Go(func() { run(s.ctx) })
}

// stop ends all jobs and waits for them, at most until ctx ends. It may be
// called again.
func (s *scheduler) stop(ctx context.Context) error {
	s.cancel()
	ended := make(chan struct{})
	go func() {
		s.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *scheduler) loop(ctx context.Context, j job) {
	for {
		s.once(ctx, j)
		// Taken after the run: a run that outlasts its schedule skips what it
		// has missed instead of piling up.
		now := s.now()
		next := j.schedule.Next(now)
		if next.IsZero() {
			s.log.Error("the schedule never comes again; the job has ended", "job", j.name)
			return
		}
		timer := time.NewTimer(next.Sub(now) + jitter(j.name, j.schedule.Next(next).Sub(next)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (s *scheduler) once(ctx context.Context, j job) {
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, j.timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a job panicked; it runs again on its schedule", "job", j.name, "panic", p,
				"stack", string(debug.Stack()))
		}
	}()
	j.run(ctx)
}

// jitter spreads jobs with the same schedule over up to a fiftieth of its gap,
// at most ten seconds. It depends on the name alone, so a job keeps its place.
func jitter(name string, gap time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	maxJitter := min(gap/50, 10*time.Second)
	if maxJitter <= 0 {
		return 0
	}
	return time.Duration(h.Sum32()) % maxJitter
}
