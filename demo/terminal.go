package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/prodready/collector/report"
)

// terminal is where the demo speaks: results and progress to out, trouble to
// err.
type terminal struct {
	out, err io.Writer
	now      func() time.Time
	// closed is called when the reader of out has ended; it may be nil.
	closed func()
}

// isTerminal reports whether w is one, and how wide.
func isTerminal(w io.Writer) (columns int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 80, true
	}
	return columns, true
}

// style is how tables are drawn: as wide as the terminal and in colour there,
// plain and unlimited elsewhere.
func (t terminal) style() report.Style {
	columns, ok := isTerminal(t.out)
	return report.Style{Colour: ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", Width: columns}
}

// say prints a line of the result.
func (t terminal) say(format string, args ...any) {
	if _, err := fmt.Fprintf(t.out, format+"\n", args...); errors.Is(err, syscall.EPIPE) && t.closed != nil {
		t.closed()
	}
}

// place prints where something is to be found: its name, the address, and below the
// address what a terminal has no room for behind it.
func (t terminal) place(name, address, note string) {
	columns, _ := isTerminal(t.out)
	lead := fmt.Sprintf("  %-*s", placeWidth-2, name)
	t.say("%s", report.Wrap(lead, strings.TrimSpace(address+" "+note), placeWidth, columns))
}

// placeWidth is where the addresses begin.
const placeWidth = 24

// progress tells one step while it goes on: a line that changes on a terminal,
// two plain lines elsewhere. It speaks to err, so that the result can be piped.
type progress struct {
	w     io.Writer
	live  bool
	width func() int // of the terminal, which may change
	what  string
	began time.Time
	now   func() time.Time

	stop chan struct{}
	done sync.WaitGroup
}

// begin starts a step. detail, which may be nil, is asked again and again for
// what to show beside it; it is called from another goroutine.
func (t terminal) begin(what string, detail func() string) *progress {
	_, live := isTerminal(t.err)
	p := &progress{w: t.err, live: live, what: what, began: t.now(), now: t.now, stop: make(chan struct{})}
	p.width = func() int {
		columns, _ := isTerminal(t.err)
		return columns
	}
	if !live {
		_, _ = fmt.Fprintf(p.w, "%s ...\n", what)
		return p
	}
	p.draw("")
	if detail == nil {
		return p
	}
	p.done.Go(func() {
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-ticker.C:
				p.draw(detail())
			}
		}
	})
	return p
}

// clearLine goes to the line's begin and empties it.
const clearLine = "\r\x1b[K"

func (p *progress) draw(detail string) {
	if detail != "" {
		detail = ": " + detail
	}
	// The last column stays empty, since some terminals wrap there.
	_, _ = io.WriteString(p.w, clearLine+report.OneLine(p.what+detail, p.width()-1))
}

// end finishes the step with what came of it.
func (p *progress) end(format string, args ...any) {
	close(p.stop)
	p.done.Wait()
	result, took := fmt.Sprintf(format, args...), p.now().Sub(p.began).Round(100*time.Millisecond)
	if p.live {
		line := fmt.Sprintf("%s: %s (%s)", p.what, result, took)
		_, _ = io.WriteString(p.w, clearLine+report.WrapLines(line, p.width())+"\n")
		return
	}
	_, _ = fmt.Fprintf(p.w, "  %s (%s)\n", result, took)
}
