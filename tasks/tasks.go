// Package tasks does what is done on a schedule: rounds of sources, discovery, and the
// pruning of the past. In one process InProcess does it; processes that share a
// PostgreSQL database share the work out with Shared.
package tasks

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/robfig/cron/v3"
)

// Task is something that is done on a schedule.
type Task struct {
	// Name identifies the task among the others, and in logs.
	Name string
	// Version changes with everything that Run depends on: a task that has the name and
	// version of one that runs already is the same task.
	Version string
	// Subjects identifies what it is done about. A task that goes on with other subjects
	// is done again as soon as it is due by Last.
	Subjects string
	// Schedule says when it is done next, by the injected clock.
	Schedule cron.Schedule
	// Timeout bounds one run.
	Timeout time.Duration
	// Run does it once. It returns when ctx ends, and logs its errors itself.
	Run func(ctx context.Context)
	// Last is when it was last begun by any process, and not cut off; zero if it has to
	// be done at once. nil does it at each start.
	Last func(ctx context.Context) (time.Time, error)
}

// Runner does tasks: each as soon as it is due and then on its schedule, never twice at
// once. A panic ends one run, and the schedule continues. A task whose time was missed
// several times is done once.
type Runner interface {
	// Keep ends the tasks that are not among these, or have another version there, and
	// waits for them, at most until ctx ends. The error says what did not end in time.
	Keep(ctx context.Context, tasks []Task) error
	// Start begins to do these tasks, of which those that Keep has kept go on.
	Start(ctx context.Context, tasks []Task) error
}

// worker does single runs of tasks.
type worker struct {
	now func() time.Time
	log *slog.Logger
}

// once does the task if it is due, and returns when it was last begun.
func (w worker) once(ctx context.Context, t Task) (last time.Time) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("a fault of this program: a task panicked; it runs again on its schedule", "task", t.Name, "panic", p,
				"stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	if t.Last != nil {
		var err error
		if last, err = t.Last(ctx); err != nil {
			// It is done, since the store may be the only thing that fails.
			w.log.Warn("when a task was last done is unknown; it is done now", "task", t.Name, "err", err)
			last = time.Time{}
		}
	}
	now := w.now()
	if ctx.Err() != nil || !due(t.Schedule, last, now) {
		return last
	}
	t.Run(ctx)
	return now
}

// due reports whether a task that was last begun at a time has to be done now. A task
// that was last begun in the future is due, because that time is of a wrong clock.
func due(s cron.Schedule, last, now time.Time) bool {
	if last.IsZero() || last.After(now) {
		return true
	}
	next := s.Next(last)
	return !next.IsZero() && !next.After(now.Add(slack(s, now)))
}

// slack is how much earlier than its schedule says a task may be done: a tenth of the
// gap, at most a minute. Runs begin some seconds after their time, and two processes do
// not begin equally late.
func slack(s cron.Schedule, now time.Time) time.Duration { return min(gap(s, now)/10, time.Minute) }

// gap is the time between the next two runs.
func gap(s cron.Schedule, now time.Time) time.Duration {
	next := s.Next(now)
	return s.Next(next).Sub(next)
}
