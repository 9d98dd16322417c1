package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodready/collector/collectors"
)

// screen understands what bars send to a terminal.
type screen struct {
	mu    sync.Mutex
	lines []string
	raw   bytes.Buffer
}

var upAndClear = regexp.MustCompile("^\x1b\\[(\\d+)A\r\x1b\\[J$")

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(p)
	if m := upAndClear.FindSubmatch(p); m != nil {
		n, _ := strconv.Atoi(string(m[1]))
		s.lines = s.lines[:max(0, len(s.lines)-n)]
		return len(p), nil
	}
	text := string(p)
	if strings.Contains(text, "\x1b") || !strings.HasSuffix(text, "\n") {
		return 0, fmt.Errorf("not a screen's: %q", text)
	}
	s.lines = append(s.lines, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	return len(p), nil
}

func (s *screen) shows(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.lines, want) {
		t.Errorf("the screen shows\n%q, not\n%q", s.lines, want)
	}
}

// TestBarsOfSeveralSources runs two steps side by side, with the log above.
func TestBarsOfSeveralSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		b := &bars{out: s, now: time.Now, width: func() int { return 91 }}
		const step = "history of incidents"
		b.observe("pagerduty/main", collectors.Progress{Step: step, Share: 0, Records: 0})
		b.observe("jira/main", collectors.Progress{Step: "tickets", Share: 0.5, Records: 100})
		s.shows(t)                                        // nothing for what may be over at once
		time.Sleep(10*time.Second + 250*time.Millisecond) // between two ticks
		b.observe("pagerduty/main", collectors.Progress{Step: step, Share: 0.1, Records: 1025})
		s.shows(t,
			"jira/main  tickets  [===================>                  ]   50%  100 records",
			"pagerduty/main  history of incidents   10%  1,025 records, 100/s, 1 minute left",
		)
		_, _ = b.Write([]byte("level=WARN msg=slow\n"))
		time.Sleep(79*time.Second + 500*time.Millisecond)
		synctest.Wait()
		s.shows(t,
			"level=WARN msg=slow",
			"jira/main  tickets  [===================>                  ]   50%  100 records",
			"pagerduty/main  history of incidents   10%  1,025 records, 100/s, 13 seconds left",
		)
		b.observe("jira/main", collectors.Progress{}) // the round ended early
		b.observe("pagerduty/main", collectors.Progress{Step: step, Share: 1, Records: 12345})
		b.observe("pagerduty/main", collectors.Progress{})
		done := []string{"level=WARN msg=slow", "pagerduty/main  history of incidents: 12,345 records in 1 minute"}
		s.shows(t, done...)
		if b.stop != nil {
			t.Error("it still ticks")
		}
		// A step that was over at once leaves nothing.
		b.observe("jira/main", collectors.Progress{Step: "tickets", Share: 1, Records: 3})
		b.observe("jira/main", collectors.Progress{})
		b.observe("jira/main", collectors.Progress{Step: "tickets", Share: 0.1, Records: 3})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		b.close()
		s.shows(t, done...)
		b.close()
	})
}

// TestBarsAreDrawnNowAndThen counts what a step of many pages costs.
func TestBarsAreDrawnNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		b := &bars{out: s, now: time.Now, width: func() int { return 80 }}
		for i := range 10_000 {
			b.observe("pagerduty/main", collectors.Progress{Step: "pages", Share: float64(i) / 10_000, Records: i})
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		b.close()
		if n := strings.Count(s.raw.String(), "pagerduty/main"); n < 20 || n > 120 {
			t.Errorf("drawn %d times in 10 s", n)
		}
	})
}
