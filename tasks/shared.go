package tasks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

const (
	// queuePrefix begins the names of our queues; what follows is a hash of the tasks.
	queuePrefix = "r_"
	// foreignQueueAge is how long after its last change the jobs in a queue of other
	// tasks are deleted.
	foreignQueueAge = time.Hour
	// sharedConns is how many connections the shared work takes beside the store's.
	sharedConns = 6
	// tasksAtOnce is how many tasks one process does at once.
	tasksAtOnce = 8
	// rescueAfter is how much later than its time-out a task of a process that has died
	// is done by another one.
	rescueAfter = time.Minute
	// pollEvery is how often a process asks for work that it was not notified of.
	pollEvery = time.Second
	// keepJobs is how long the table of jobs keeps what was done.
	keepJobs = 24 * time.Hour
	// migrateLock is the advisory lock under which the tables of the queue are made:
	// processes that start at the same moment take turns.
	migrateLock = 0x52444e54
	// maxClockSet is by how much the clock may be set while the tasks go on.
	maxClockSet = 5 * time.Second
	// endIdleAfter ends a transaction of a process that was frozen or lost in its middle:
	// others would wait for its locks.
	endIdleAfter = 10 * time.Second
	idleTimeout  = "idle_in_transaction_session_timeout"
)

// Shared shares the tasks out among all processes that use the same database, by the
// queue River. The leader, which is one of the processes, puts a task into the queue when
// it is due, and any process may do it. Processes with another configuration have other
// tasks and use another queue. It is a Runner and is safe for concurrent use.
type Shared struct {
	worker
	pool *pgxpool.Pool
	// softStop is how long running tasks may go on when they are replaced or stopped.
	softStop time.Duration
	standsBy func(ctx context.Context) bool

	mu     sync.Mutex
	client *river.Client[pgx.Tx]
	queue  string
	// clock is that of the client.
	clock steadyClock
}

// SharedOptions are what a Shared runner works with. All are required.
type SharedOptions struct {
	// URL is that of the database, whose schema the store has made already.
	URL string
	Now func() time.Time
	Log *slog.Logger
	// SoftStop is how long running tasks may go on when they are replaced or stopped.
	SoftStop time.Duration
	// StandsBy reports whether this process must not do a task now, since its clock is
	// not that of the others. The task is then done when it is due again.
	StandsBy func(ctx context.Context) bool
}

// OpenShared makes the tables of the queue, if they are not there, and returns a runner
// without tasks.
func OpenShared(ctx context.Context, o SharedOptions) (*Shared, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		// The parser quotes what it could not read, and that may be a password.
		return nil, errors.New("sharing the work out: the store's postgres:// url cannot be read")
	}
	config.MaxConns = sharedConns
	config.ConnConfig.RuntimeParams[idleTimeout] = strconv.FormatInt(endIdleAfter.Milliseconds(), 10)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("sharing the work out: connecting: %w", err)
	}
	if err := migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("sharing the work out: making the tables of the queue: %w", err)
	}
	return &Shared{worker: worker{o.Now, o.Log}, pool: pool, softStop: o.SoftStop, standsBy: o.StandsBy}, nil
}

// migrate makes the tables of the queue. River takes no lock.
func migrate(ctx context.Context, pool *pgxpool.Pool) (err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrateLock); err != nil {
		return err
	}
	defer func() {
		_, unlocked := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, migrateLock)
		err = errors.Join(err, unlocked)
	}()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// Close ends the connections, after the tasks.
func (r *Shared) Close() { r.pool.Close() }

// Keep is that of Runner. If any task is another one, or if the clock was set since Start,
// all of them end, and Start begins them anew.
func (r *Shared) Keep(ctx context.Context, tasks []Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	same := len(tasks) > 0 && r.queue == queueOf(tasks) && r.clock.Now().Sub(r.now()).Abs() <= maxClockSet
	if r.client == nil || same {
		return nil
	}
	client := r.client
	r.client, r.queue = nil, ""
	if err := client.Stop(ctx); err != nil {
		// Another process does it again.
		return fmt.Errorf("a task did not end in time: %w", err)
	}
	return nil
}

// Start is that of Runner. It needs the database.
func (r *Shared) Start(ctx context.Context, tasks []Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return nil
	}
	queue := queueOf(tasks)
	r.clock = steadyClock{r.now().Round(0), time.Now()}
	client, err := r.newClient(queue, tasks)
	if err != nil {
		return fmt.Errorf("sharing the work out: %w", err)
	}
	// The client would stop when this context ends. It is stopped by Keep instead.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("sharing the work out: %w", err)
	}
	r.client, r.queue = client, queue
	if err := r.deleteUnused(ctx); err != nil {
		r.log.Warn("jobs of earlier configurations could not be deleted; they do no harm", "err", err)
	}
	return nil
}

// queueOf is the name of the queue of these tasks. Processes with other tasks, as in the
// middle of an upgrade, do not take each other's.
func queueOf(tasks []Task) string {
	h := sha256.New()
	for _, t := range tasks {
		_, _ = fmt.Fprintf(h, "%q %q %q\n", t.Name, t.Version, t.Subjects)
	}
	return queuePrefix + hex.EncodeToString(h.Sum(nil))[:16]
}

func (r *Shared) newClient(queue string, tasks []Task) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	work := &taskWorker{worker: r.worker, tasks: map[string]Task{}, standsBy: r.standsBy}
	river.AddWorker(workers, work)
	var periodic []*river.PeriodicJob
	for _, t := range tasks {
		work.tasks[t.Name] = t
		args := taskArgs{Task: t.Name}
		periodic = append(periodic, river.NewPeriodicJob(t.Schedule,
			func() (river.JobArgs, *river.InsertOpts) { return args, insertOptions(queue) },
			// RunOnStart catches up with what no process has done; due decides whether
			// there is anything.
			&river.PeriodicJobOpts{RunOnStart: true}))
	}
	return river.NewClient(riverpgxv5.New(r.pool), &river.Config{
		Queues: map[string]river.QueueConfig{queue: {MaxWorkers: tasksAtOnce}}, PeriodicJobs: periodic, Workers: workers,
		MaxAttempts: 1, JobTimeout: 30 * time.Second, RescueStuckJobsAfter: rescueAfter, SoftStopTimeout: r.softStop,
		FetchPollInterval: pollEvery, CompletedJobRetentionPeriod: keepJobs, DiscardedJobRetentionPeriod: keepJobs,
		CancelledJobRetentionPeriod: keepJobs, Logger: slog.New(quiet{r.log.Handler()}),
		Middleware: []rivertype.Middleware{river.JobInsertMiddlewareFunc(atOnce)},
		Test:       river.TestConfig{Time: r.clock}, // there is no other place for a clock
	})
}

// atOnce makes every job due as soon as it is in the queue. River gives a job the time at
// which it was due by the leader's clock. If that clock is ahead, the job would wait
// until the database's clock has that time.
func atOnce(
	ctx context.Context, jobs []*rivertype.JobInsertParams,
	insert func(context.Context) ([]*rivertype.JobInsertResult, error),
) ([]*rivertype.JobInsertResult, error) {
	past := time.Unix(0, 0)
	for _, job := range jobs {
		job.ScheduledAt = &past
	}
	return insert(ctx)
}

// steadyClock is the program's clock for River as it has run since Start, however it was
// set meanwhile. River adds one period after the other to the time at which a task was
// last due: by a clock that is ahead for a second the leader would fill the queue with
// what was due until then, and would find nothing due when the clock is right again.
// River takes the times that the database compares from the database.
type steadyClock struct {
	// begun is the program's time at Start, and at the moment of that, which has the
	// monotonic clock.
	begun, at time.Time
}

// Now is the time by which it is decided when a task is due.
func (c steadyClock) Now() time.Time { return c.begun.Add(time.Since(c.at)) }

// NowOrNil is nil: the database's time.
func (steadyClock) NowOrNil() *time.Time { return nil }

// insertOptions allow one job of a task at a time: while it waits or runs, the task is not
// queued again. A job that fails is not tried again, since its schedule queues the next.
func insertOptions(queue string) *river.InsertOpts {
	return &river.InsertOpts{MaxAttempts: 1, Queue: queue, UniqueOpts: river.UniqueOpts{
		ByArgs: true, ByQueue: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateScheduled, rivertype.JobStateRetryable,
		},
	}}
}

// deleteUnused deletes the jobs of queues that no process has used for an hour.
func (r *Shared) deleteUnused(ctx context.Context) error {
	_, err := r.pool.Exec(ctx, `DELETE FROM river_job WHERE left(queue, 2) = $1 AND queue <> $2 AND queue NOT IN
		(SELECT name FROM river_queue WHERE updated_at > now() - make_interval(secs => $3))`,
		queuePrefix, r.queue, foreignQueueAge.Seconds())
	return err
}

// taskArgs are the arguments of a job.
type taskArgs struct {
	Task string `json:"task" river:"unique"`
}

// Kind is the kind of the job.
func (taskArgs) Kind() string { return "readiness_task" }

// taskWorker does a job.
type taskWorker struct {
	river.WorkerDefaults[taskArgs]
	worker
	tasks    map[string]Task
	standsBy func(ctx context.Context) bool
}

// Timeout is a little longer than that of the task, which ends it.
func (w *taskWorker) Timeout(job *river.Job[taskArgs]) time.Duration {
	return w.tasks[job.Args.Task].Timeout + time.Second
}

// Work does a task once.
func (w *taskWorker) Work(ctx context.Context, job *river.Job[taskArgs]) error {
	t, known := w.tasks[job.Args.Task]
	if !known {
		return river.JobCancel(fmt.Errorf("no task is called %q", job.Args.Task))
	}
	if w.standsBy(ctx) {
		return river.JobCancel(errors.New("the clock of this process is not that of the database"))
	}
	w.once(ctx, t)
	return ctx.Err()
}

// quiet logs what River says for information, each few seconds, as details.
type quiet struct{ slog.Handler }

// Handle makes the level of a record lower.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Level <= slog.LevelInfo {
		if r.Level = slog.LevelDebug; !q.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs is that of slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup is that of slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
