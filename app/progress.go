package app

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/report"
)

// progressEvery is how often a long step is logged.
const progressEvery = 15 * time.Second

// progressLog logs how far long steps have come, for programs without a terminal:
// a line every progressEvery, and none for a step that is shorter.
type progressLog struct {
	log *slog.Logger
	now func() time.Time

	mu sync.Mutex
	// steps are those under way, by source.
	steps map[string]*loggedStep
}

type loggedStep struct {
	name   string
	pace   report.Pace
	logged time.Time
}

func newProgressLog(log *slog.Logger, now func() time.Time) *progressLog {
	return &progressLog{log: log, now: now, steps: map[string]*loggedStep{}}
}

// observe is an Options.Progress.
func (l *progressLog) observe(source string, p collectors.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.Step == "" {
		delete(l.steps, source)
		return
	}
	now := l.now()
	step := l.steps[source]
	if step == nil || step.name != p.Step {
		step = &loggedStep{name: p.Step, logged: now}
		l.steps[source] = step
	}
	step.pace.Observe(now, p.Share, p.Records)
	if now.Sub(step.logged) < progressEvery {
		return
	}
	step.logged = now
	l.log.Info("a long step is under way", "source", source, "step", p.Step, "done", report.Percent(p.Share),
		"progress", step.pace.Text(now))
}
