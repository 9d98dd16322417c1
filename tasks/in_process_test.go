package tasks

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"
)

// started is a runner of tasks that does these, by the clock of a synctest bubble.
func started(t *testing.T, tasks ...Task) *InProcess {
	t.Helper()
	r := NewInProcess(time.Now, slog.New(slog.DiscardHandler))
	if err := r.Start(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	return r
}

func stop(t *testing.T, r Runner) {
	t.Helper()
	if err := r.Keep(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// minutely is done each minute.
func minutely(name string, run func(ctx context.Context)) Task {
	return Task{Name: name, Schedule: cron.Every(time.Minute), Timeout: time.Second, Run: run}
}

func TestATaskIsDoneAtTheStartAndThenOnItsSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		r := started(t, minutely("a", func(context.Context) { runs.Add(1) }))
		synctest.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d runs at the start, want 1", runs.Load())
		}
		time.Sleep(10*time.Minute + 10*time.Second)
		if got := runs.Load(); got != 11 {
			t.Errorf("%d runs in ten minutes, want 11", got)
		}
		stop(t, r)
		stop(t, r)
	})
}

func TestATaskIsNeverDoneTwiceAtOnceAndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, most, runs atomic.Int32
		slow := minutely("slow", func(ctx context.Context) {
			most.Store(max(most.Load(), inside.Add(1)))
			runs.Add(1)
			<-ctx.Done()
			inside.Add(-1)
		})
		slow.Timeout = 150 * time.Second
		r := started(t, slow)
		time.Sleep(20 * time.Minute)
		if most.Load() != 1 {
			t.Errorf("%d runs at once", most.Load())
		}
		if got := runs.Load(); got < 5 || got > 8 {
			t.Errorf("%d runs in twenty minutes of 150 s each", got)
		}
		stop(t, r)
	})
}

func TestAPanicCostsOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		r := started(t, minutely("a", func(context.Context) {
			if runs.Add(1) == 1 {
				panic("bug")
			}
		}))
		time.Sleep(3*time.Minute + 5*time.Second)
		if got := runs.Load(); got != 4 {
			t.Errorf("%d runs, want 4", got)
		}
		stop(t, r)
	})
}

func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		deaf := minutely("deaf", func(context.Context) { <-release })
		r := started(t, deaf)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := r.Keep(ctx, nil); err == nil {
			t.Error("stop waited for a task that does not end")
		}
		close(release)
	})
}

// TestTheSameTaskGoesOn: a task of the same name and version is not stopped and not
// done anew when the tasks are replaced; one with another version is.
func TestTheSameTaskGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var events []string
		note := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, what)
		}
		long := func(name, version string) Task {
			task := minutely(name, func(ctx context.Context) {
				note("begin " + name + version)
				select {
				case <-ctx.Done():
					note("cut " + name + version)
				case <-time.After(30 * time.Second):
					note("end " + name + version)
				}
			})
			task.Version, task.Timeout = version, time.Minute
			return task
		}
		r := started(t, long("kept", "1"), long("changed", "1"), long("removed", "1"))
		time.Sleep(10 * time.Second)
		next := []Task{long("kept", "1"), long("changed", "2"), long("added", "1")}
		if err := errors.Join(r.Keep(t.Context(), next), r.Start(t.Context(), next)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Second)
		stop(t, r)
		want := []string{
			"begin added1", "begin changed1", "begin changed2", "begin kept1", "begin removed1", "cut added1", "cut changed1",
			"cut changed2", "cut removed1", "end kept1",
		}
		if slices.Sort(events); !slices.Equal(events, want) {
			t.Errorf("%q, want %q", events, want)
		}
	})
}

// TestOtherSubjects: a task that goes on with other subjects is done at once if it is
// due by Last, and not otherwise.
func TestOtherSubjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		due := true
		task := func(subjects string) Task {
			task := minutely("a", func(context.Context) { runs.Add(1) })
			task.Schedule, task.Subjects = cron.Every(time.Hour), subjects
			task.Last = func(context.Context) (time.Time, error) {
				if due {
					return time.Time{}, nil
				}
				return time.Now(), nil
			}
			return task
		}
		r := started(t, task("one"))
		synctest.Wait()
		for _, step := range []struct {
			subjects string
			due      bool
			want     int32
		}{{"one", true, 1}, {"two", true, 2}, {"two", true, 2}, {"three", false, 2}} {
			due = step.due
			next := []Task{task(step.subjects)}
			if err := errors.Join(r.Keep(t.Context(), next), r.Start(t.Context(), next)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := runs.Load(); got != step.want {
				t.Errorf("%+v: %d runs", step, got)
			}
		}
		stop(t, r)
	})
}

// TestWhatWasDoneIsNotDoneAgain: a process that starts does what is due, and what
// another process did a while ago when its time comes.
func TestWhatWasDoneIsNotDoneAgain(t *testing.T) {
	for name, test := range map[string]struct {
		ago   time.Duration
		first time.Duration
	}{
		"never":                    {-1, 0},
		"long ago":                 {time.Hour, 0},
		"a moment ago":             {0, 10 * time.Minute},
		"four minutes ago":         {4 * time.Minute, 6 * time.Minute},
		"by a clock that is ahead": {-time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var mu sync.Mutex
				var first, last time.Time
				if name != "never" {
					last = begin.Add(-test.ago)
				}
				task := minutely("a", func(context.Context) {
					mu.Lock()
					defer mu.Unlock()
					if first.IsZero() {
						first = time.Now()
					}
					last = time.Now()
				})
				task.Schedule = cron.Every(10 * time.Minute)
				task.Last = func(context.Context) (time.Time, error) {
					mu.Lock()
					defer mu.Unlock()
					return last, nil
				}
				r := started(t, task)
				time.Sleep(30 * time.Minute)
				mu.Lock()
				got := first.Sub(begin)
				mu.Unlock()
				if got < test.first-time.Minute || got > test.first+15*time.Second {
					t.Errorf("it is first done after %s, want %s", got, test.first)
				}
				stop(t, r)
			})
		})
	}
}
