package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/report"
)

// When bars are drawn.
const (
	// barAfter keeps steps that are soon over off the screen.
	barAfter = time.Second
	// barEvery is how often the time left is counted down.
	barEvery = 500 * time.Millisecond
	// minRedraw is the shortest time between two drawings of a step.
	minRedraw = 100 * time.Millisecond
)

// bars draws the long steps of several sources at the bottom of a terminal, one
// line for each. What is logged is written above them. It is safe for
// concurrent use; a nil one does nothing.
type bars struct {
	out   io.Writer
	width func() int
	now   func() time.Time

	mu    sync.Mutex
	steps []*barStep // by source
	// lines are those on the screen now, drawnAt the time they were drawn.
	lines   []string
	drawnAt time.Time
	stop    chan struct{} // ends the ticking; nil when it does not run
}

type barStep struct {
	source, name string
	since        time.Time
	pace         report.Pace
}

// watched makes the options show progress, as bars where the errors go to a
// terminal; elsewhere it is logged. The bars are to be closed.
func (s *streams) watched(o app.Options) (app.Options, *bars) {
	f, ok := s.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return o, nil
	}
	b := &bars{out: f, now: time.Now, width: func() int { return terminalWidth(f) }}
	o.Progress, o.LogOutput = b.observe, b
	return o, b
}

// observe is an app.Options.Progress.
func (b *bars) observe(source string, p collectors.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	at, there := slices.BinarySearchFunc(b.steps, source, func(s *barStep,
		source string) int {
		return strings.Compare(s.source, source)
	})
	if there && b.steps[at].name != p.Step {
		b.end(b.steps[at], now)
		b.steps = slices.Delete(b.steps, at, at+1)
		there = false
		b.draw(now)
	}
	if p.Step == "" {
		if len(b.steps) == 0 {
			b.rest()
		}
		return
	}
	if !there {
		b.steps = slices.Insert(b.steps, at, &barStep{source: source, name: p.Step, since: now})
	}
	b.steps[at].pace.Observe(now, p.Share, p.Records)
	if now.Sub(b.drawnAt) >= minRedraw {
		b.draw(now)
	}
	b.tick()
}

// end leaves a line about a step that was seen and came to its end.
func (b *bars) end(s *barStep, now time.Time) {
	if s.pace.Share() < 1 || !s.visible(now) {
		return
	}
	b.erase()
	_, _ = fmt.Fprintln(b.out, report.ProgressDone(s.source, s.name, &s.pace))
}

func (s *barStep) visible(now time.Time) bool { return now.Sub(s.since) >= barAfter }

// Write writes above the bars. It is where the program logs.
func (b *bars) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.erase()
	n, err := b.out.Write(text)
	b.draw(b.now())
	return n, err
}

// draw brings the screen up to date.
func (b *bars) draw(now time.Time) {
	var lines []string
	for _, s := range b.steps {
		if s.visible(now) {
			// The last column stays empty, since some terminals wrap there.
			lines = append(lines, report.ProgressLine(s.source, s.name, &s.pace, now, max(b.width()-1, 20)))
		}
	}
	b.drawnAt = now
	if slices.Equal(lines, b.lines) {
		return
	}
	b.erase()
	if len(lines) > 0 {
		_, _ = io.WriteString(b.out, strings.Join(lines, "\n")+"\n")
	}
	b.lines = lines
}

// erase takes the bars off the screen: up to the first, and clear below.
func (b *bars) erase() {
	if len(b.lines) > 0 {
		_, _ = fmt.Fprintf(b.out, "\x1b[%dA\r\x1b[J", len(b.lines))
		b.lines = nil
	}
}

// tick draws every barEvery while there are steps, since time passes when a
// source waits.
func (b *bars) tick() {
	if b.stop != nil {
		return
	}
	stop := make(chan struct{})
	b.stop = stop
	go func() {
		ticker := time.NewTicker(barEvery)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				b.mu.Lock()
				if b.stop == stop {
					b.draw(b.now())
				}
				b.mu.Unlock()
			}
		}
	}()
}

func (b *bars) rest() {
	if b.stop != nil {
		close(b.stop)
		b.stop = nil
	}
}

// close takes the bars off the screen.
func (b *bars) close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest()
	b.erase()
	b.steps = nil
}
