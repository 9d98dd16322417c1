package tasks

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"
)

// InProcess does all tasks in this process, one goroutine each. It is a Runner and is
// safe for concurrent use.
type InProcess struct {
	worker

	mu      sync.Mutex
	running map[string]running
}

// running is a task that is done on its schedule.
type running struct {
	version, subjects string
	cancel            context.CancelFunc
	ended             chan struct{}
	// again holds a token when it is to be done as soon as it is due.
	again chan struct{}
}

// NewInProcess makes a runner without tasks.
func NewInProcess(now func() time.Time, log *slog.Logger) *InProcess {
	return &InProcess{worker: worker{now, log}, running: map[string]running{}}
}

// Keep is that of Runner.
func (r *InProcess) Keep(ctx context.Context, tasks []Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	same := map[string]string{}
	for _, t := range tasks {
		same[t.Name] = t.Version
	}
	var ending []string
	for name, task := range r.running {
		if version, ok := same[name]; !ok || version != task.version {
			task.cancel()
			ending = append(ending, name)
		}
	}
	var errs []error
	for _, name := range ending {
		select {
		case <-r.running[name].ended:
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("%s did not end in time: %w", name, ctx.Err()))
		}
		delete(r.running, name)
	}
	return errors.Join(errs...)
}

// Start is that of Runner.
func (r *InProcess) Start(_ context.Context, tasks []Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range tasks {
		task, same := r.running[t.Name]
		switch {
		case !same:
			r.start(t)
		case task.subjects != t.Subjects:
			task.subjects = t.Subjects
			r.running[t.Name] = task
			select {
			case task.again <- struct{}{}:
			default:
			}
		}
	}
	return nil
}

// start does a task until it is ended.
func (r *InProcess) start(t Task) {
	ctx, cancel := context.WithCancel(context.Background())
	task := running{
		version: t.Version, subjects: t.Subjects, cancel: cancel, ended: make(chan struct{}), again: make(chan struct{}, 1),
	}
	r.running[t.Name] = task
	go func() {
		defer close(task.ended)
		defer cancel()
		r.loop(ctx, t, task.again)
	}()
}

func (r *InProcess) loop(ctx context.Context, t Task, again <-chan struct{}) {
	for {
		last := r.once(ctx, t)
		// Taken after the run: a run that outlasts its schedule skips what it has
		// missed instead of piling up. A run that was not due yet is due when its
		// schedule comes after the last one, which another process may have done.
		now := r.now()
		next := t.Schedule.Next(now)
		if due := t.Schedule.Next(last); !last.IsZero() && due.After(now) && due.Before(next) {
			next = due
		}
		if next.IsZero() {
			r.log.Error("the schedule of a task never comes again; the task has ended", "task", t.Name)
			return
		}
		timer := time.NewTimer(next.Sub(now) + jitter(t.Name, gap(t.Schedule, now)))
		select {
		case <-timer.C:
		case <-again:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// jitter spreads tasks with the same schedule over up to a fiftieth of its gap, at
// most ten seconds. It depends on the name alone, so it is the same after a restart.
func jitter(name string, gap time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	maxJitter := min(gap/50, 10*time.Second)
	if maxJitter <= 0 {
		return 0
	}
	return time.Duration(h.Sum32()) % maxJitter
}
