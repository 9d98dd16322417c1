package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// daemon is a running `collector run`.
type daemon struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	log *lockedBuffer
	// ended is closed when the process has ended, with err.
	ended chan struct{}
	err   error
}

var servingLine = regexp.MustCompile(`msg=serving address=(\S+)`)

func (s *site) start(args ...string) *daemon {
	s.t.Helper()
	d := s.launch(args...)
	d.eventually("the daemon serves", func() bool {
		if m := servingLine.FindStringSubmatch(d.log.String()); m != nil {
			d.url = "http://" + m[1]
		}
		return d.url != ""
	})
	return d
}

// launch starts a daemon that need not serve yet.
func (s *site) launch(args ...string) *daemon {
	s.t.Helper()
	d := &daemon{
		t: s.t, cmd: s.command(append([]string{"run"}, args...)...), log: &lockedBuffer{}, ended: make(chan struct{}),
	}
	d.cmd.Stderr = d.log
	if err := d.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.ended)
	}()
	s.t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	return d
}

// eventually polls a running program until ok is true. The test fails if the program ends
// before. The program uses the real clock, so that the test cannot advance it.
func (d *daemon) eventually(what string, ok func() bool) {
	d.t.Helper()
	if err := d.wait(ok); err != nil {
		d.t.Fatalf("%s: %v\n%s", what, err, d.log.String())
	}
}

func (d *daemon) wait(ok func() bool) error {
	const limit = 3 * time.Minute // long enough for a busy machine
	deadline := time.Now().Add(limit)
	for {
		// What it has written before its end counts, so that ok is asked after it.
		ended := false
		select {
		case <-d.ended:
			ended = true
		default:
		}
		switch {
		case ok():
			return nil
		case ended:
			return fmt.Errorf("the daemon has ended: %v", d.cmd.ProcessState)
		case time.Now().After(deadline):
			return fmt.Errorf("not within %s", limit)
		}
		time.Sleep(20 * time.Millisecond) // the daemon is another process, with the real clock
	}
}

// A test does not wait for a daemon that has ended.
func TestWaitingEndsWithTheDaemon(t *testing.T) {
	d := newFolder(t).launch("--config", "none.yaml")
	if err := d.wait(func() bool { return false }); err == nil || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("%v\n%s", err, d.log.String())
	}
}

func (d *daemon) get(path string) (int, string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (d *daemon) ready() {
	d.t.Helper()
	d.eventually("the daemon is ready", func() bool { code, _ := d.get("/-/ready"); return code == http.StatusOK })
}

// value reads from /metrics the sum of the series that have the labels; ok is false if no
// series has them.
func (d *daemon) value(name string, labels ...string) (sum float64, ok bool) {
	d.t.Helper()
	_, body := d.get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, m := range families[name].GetMetric() {
		matches := 0
		for _, l := range m.GetLabel() {
			for i := 0; i < len(labels); i += 2 {
				if l.GetName() == labels[i] && l.GetValue() == labels[i+1] {
					matches++
				}
			}
		}
		if matches == len(labels)/2 {
			sum, ok = sum+m.GetGauge().GetValue()+m.GetCounter().GetValue()+m.GetUntyped().GetValue(), true
		}
	}
	return sum, ok
}

func (d *daemon) stop(how os.Signal) error {
	d.t.Helper()
	if err := d.cmd.Process.Signal(how); err != nil {
		d.t.Fatal(err)
	}
	select {
	case <-d.ended:
		return d.err
	case <-time.After(2 * time.Minute):
		d.t.Fatalf("the daemon did not stop on %s\n%s", how, d.log.String())
		return nil
	}
}
