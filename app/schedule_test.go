package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"
)

func every(d time.Duration) cron.Schedule { return cron.Every(d) }

func TestAJobRunsAtTheStartAndThenOnItsSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		s := startScheduler(
			t.Context(),
			[]job{{name: "a", schedule: every(time.Minute), timeout: time.Second, run: func(context.Context) { runs.Add(1) }}},
			time.Now, slog.New(slog.DiscardHandler),
		)
		synctest.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d runs at the start, want 1", runs.Load())
		}
		time.Sleep(10*time.Minute + 10*time.Second)
		if got := runs.Load(); got != 11 {
			t.Errorf("%d runs in ten minutes, want 11", got)
		}
		if err := s.stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.stop(t.Context()); err != nil {
			t.Errorf("the second stop: %v", err)
		}
	})
}

func TestAJobNeverRunsTwiceAtOnceAndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, most, runs atomic.Int32
		s := startScheduler(t.Context(),
			[]job{{name: "slow", schedule: every(time.Minute), timeout: 150 * time.Second, run: func(ctx context.Context) {
				most.Store(max(most.Load(), inside.Add(1)))
				runs.Add(1)
				<-ctx.Done()
				inside.Add(-1)
			}}}, time.Now, slog.New(slog.DiscardHandler))
		time.Sleep(20 * time.Minute)
		if most.Load() != 1 {
			t.Errorf("%d runs at once", most.Load())
		}
		if got := runs.Load(); got < 5 || got > 8 {
			t.Errorf("%d runs in twenty minutes of 150 s each", got)
		}
		if err := s.stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAPanicCostsOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		s := startScheduler(t.Context(),
			[]job{{name: "a", schedule: every(time.Minute), timeout: time.Second, run: func(context.Context) {
				if runs.Add(1) == 1 {
					panic("bug")
				}
			}}}, time.Now, slog.New(slog.DiscardHandler))
		time.Sleep(3*time.Minute + 5*time.Second)
		if got := runs.Load(); got != 4 {
			t.Errorf("%d runs, want 4", got)
		}
		_ = s.stop(t.Context())
	})
}

func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := startScheduler(
			t.Context(),
			[]job{{name: "deaf", schedule: every(time.Minute), timeout: time.Hour, run: func(context.Context) { <-release }}},
			time.Now, slog.New(slog.DiscardHandler),
		)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := s.stop(ctx); err == nil {
			t.Error("stop waited for a job that does not end")
		}
		close(release)
	})
}
