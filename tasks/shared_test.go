package tasks_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"go.uber.org/goleak"

	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/tasks"
)

// process is one of the processes that share the work.
type process struct {
	*tasks.Shared
	name string
}

// board is what the processes have done, as the store would have it.
type board struct {
	mu     sync.Mutex
	began  []run
	inside int
	most   int
	more   chan struct{}
}

type run struct {
	by, task string
	at       time.Time
}

func (b *board) do(by, task string) {
	b.mu.Lock()
	b.began = append(b.began, run{by, task, time.Now()})
	b.inside++
	b.most = max(b.most, b.inside)
	b.inside--
	b.mu.Unlock()
	b.more <- struct{}{}
}

func (b *board) last(task string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	var last time.Time
	for _, r := range b.began {
		if r.task == task {
			last = r.at
		}
	}
	return last
}

// count is how often a task was done by the named processes, or by all.
func (b *board) count(task string, by ...string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.began {
		if r.task == task && (len(by) == 0 || by[0] == r.by) {
			n++
		}
	}
	return n
}

// await waits until something is true of the board, a minute at most.
func (b *board) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-b.more:
		case <-late:
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// each is a task of a process with a schedule.
func (b *board) each(p process, name, version string, period time.Duration) tasks.Task {
	return tasks.Task{
		Name: name, Version: version, Schedule: cron.Every(period), Timeout: 10 * time.Second,
		Run:  func(context.Context) { b.do(p.name, name) },
		Last: func(context.Context) (time.Time, error) { return b.last(name), nil },
	}
}

// TestTheWorkIsShared: three processes that start at the same moment on an empty
// database make its tables once, and do each task once in a period. When one stops
// another goes on. A process with other tasks does not do theirs, and they not its.
func TestTheWorkIsShared(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	url := storetest.StartPostgres(t).Database(t)
	b := &board{more: make(chan struct{}, 1000)}
	const period = 3 * time.Second
	processes := make([]process, 3)
	var group sync.WaitGroup
	for i := range processes {
		group.Go(func() {
			shared, err := tasks.OpenShared(t.Context(), tasks.SharedOptions{
				URL: url, Now: time.Now, Log: slog.New(slog.DiscardHandler), SoftStop: time.Second,
				StandsBy: func(context.Context) bool { return false },
			})
			if err != nil {
				t.Error(err)
				return
			}
			p := process{shared, string(rune('a' + i))}
			processes[i] = p
			if err := p.Start(t.Context(), []tasks.Task{b.each(p, "jira/main", "1", period)}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	stop := func(p process) {
		t.Helper()
		if err := p.Keep(t.Context(), nil); err != nil {
			t.Error(err)
		}
		p.Close()
	}
	b.await(t, "the first four rounds", func() bool { return b.count("jira/main") >= 4 })

	// The last process gets another version, as in an upgrade.
	upgraded := processes[2]
	next := []tasks.Task{b.each(upgraded, "jira/main", "2", period), b.each(upgraded, "new", "1", period)}
	if err := upgraded.Keep(t.Context(), next); err != nil {
		t.Error(err)
	}
	if err := upgraded.Start(t.Context(), next); err != nil {
		t.Error(err)
	}
	stop(processes[0])
	stop(processes[1])
	before := b.count("jira/main")
	b.await(t, "rounds of the process that is left", func() bool {
		return b.count("jira/main") >= before+2 && b.count("new") >= 2
	})
	stop(upgraded)
	if got := b.count("new"); got != b.count("new", upgraded.name) {
		t.Error("a process has done a task that it does not know")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := 1; i < len(b.began); i++ {
		for k := i - 1; k >= 0; k-- {
			if b.began[k].task == b.began[i].task {
				// Schedules have whole seconds.
				if gap := b.began[i].at.Sub(b.began[k].at); gap < period-1400*time.Millisecond {
					t.Errorf("%s was done again after %s: by %s, then by %s", b.began[i].task, gap, b.began[k].by, b.began[i].by)
				}
				break
			}
		}
	}
}

// TestALeaderWithAWrongClock: the clock of the process that says when tasks are due is
// set ahead. Its jobs wait for nothing, so that the other process goes on with the task,
// and it does none itself.
func TestALeaderWithAWrongClock(t *testing.T) {
	url := storetest.StartPostgres(t).Database(t)
	b := &board{more: make(chan struct{}, 100_000)}
	var ahead atomic.Int64
	start := func(name string, ahead *atomic.Int64) process {
		shared, err := tasks.OpenShared(t.Context(), tasks.SharedOptions{
			URL: url, Log: slog.New(slog.DiscardHandler), SoftStop: time.Second,
			Now:      func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
			StandsBy: func(context.Context) bool { return ahead.Load() != 0 },
		})
		if err != nil {
			t.Fatal(err)
		}
		p := process{shared, name}
		if err := p.Start(t.Context(), []tasks.Task{b.each(p, "jira/main", "1", time.Second)}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Keep(context.Background(), nil); err != nil {
				t.Error(err)
			}
			p.Close()
		})
		return p
	}
	leader := start("leader", &ahead)
	b.await(t, "the leader does the task", func() bool { return b.count("jira/main", leader.name) >= 2 })
	other := start("other", &atomic.Int64{})
	ahead.Store(int64(time.Hour))
	// What it does at this moment was begun before.
	b.await(t, "the other one does the task", func() bool { return b.count("jira/main", other.name) >= 1 })
	before := b.count("jira/main", leader.name)
	b.await(t, "the other one goes on", func() bool { return b.count("jira/main", other.name) >= 4 })
	if after := b.count("jira/main", leader.name); after > before+1 {
		t.Errorf("the process with the wrong clock has done the task %d times", after-before)
	}
	ahead.Store(0)
	before = b.count("jira/main")
	b.await(t, "the task is done on when the clock is set right", func() bool {
		return b.count("jira/main") >= before+3
	})
}

// once is a schedule that comes at one time only.
type once time.Time

func (o once) Next(t time.Time) time.Time {
	if at := time.Time(o); at.After(t) {
		return at
	}
	return time.Time{}
}

// TestAClockThatIsSet: what is due at a time of day is due by the clock as it was set,
// once the tasks were kept again.
func TestAClockThatIsSet(t *testing.T) {
	b := &board{more: make(chan struct{}, 100_000)}
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	shared, err := tasks.OpenShared(t.Context(), tasks.SharedOptions{
		URL: storetest.StartPostgres(t).Database(t), Log: slog.New(slog.DiscardHandler), SoftStop: time.Second, Now: now,
		StandsBy: func(context.Context) bool { return false },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shared.Close)
	p := process{shared, "set"}
	task := b.each(p, "retention", "1", time.Second)
	begun := now()
	task.Schedule = once(begun.Add(time.Hour))
	asked := make(chan struct{}, 100)
	task.Last = func(context.Context) (time.Time, error) {
		asked <- struct{}{}
		return begun, nil
	}
	list := []tasks.Task{task}
	keep := func() {
		if err := errors.Join(p.Keep(t.Context(), list), p.Start(t.Context(), list)); err != nil {
			t.Fatal(err)
		}
	}
	keep()
	<-asked // each start asks whether it is due
	ahead.Store(int64(time.Hour - time.Second))
	keep()
	b.await(t, "the task is done at its time", func() bool { return b.count("retention", p.name) == 1 })
	if err := p.Keep(context.Background(), nil); err != nil {
		t.Error(err)
	}
}
