package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/prodready/collector/collectors/jira/jiratest"
)

// openTerminal makes a pseudo-terminal of 100 columns.
func openTerminal(t *testing.T) (control, terminal *os.File) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = control.Close() })
	fd := int(control.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	return control, terminal
}

// slowSite is a site whose one source answers a long history slowly.
func slowSite(t *testing.T) *site {
	t.Helper()
	s := newFolder(t)
	now := time.Now()
	var issues []jiratest.Issue
	for i := range 36 {
		issues = append(
			issues,
			jiratest.Issue{
				Key: fmt.Sprintf("SHOP-%d", i+1), Type: "Incident", Components: []string{"checkout"},
				Created: now.Add(-time.Duration(700-10*i) * 24 * time.Hour),
			},
		)
	}
	fake := jiratest.New(jiratest.Options{
		Email: "me@example.com", Token: "the-secret-token", Fail: func(msg string) { t.Error(msg) }, MaxPage: 3,
		Site: jiratest.Site{Issues: issues},
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Query().Get("jql"), "Incident") {
			select {
			case <-time.After(250 * time.Millisecond): // it is a slow server
			case <-r.Context().Done():
			}
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.write("token", "the-secret-token\n")
	s.write("collector.yaml", `store: {url: readiness.db}
server: {listen_address: "127.0.0.1:0"}
catalog: {services: [{name: checkout, tier: 1, jira: [{project: SHOP, component: checkout}]}]}
sources:
  jira:
    - {name: main, url: "`+server.URL+`", email: me@example.com, token_file: token, rate: {per_minute: 100000}, incidents: {jql: 'issuetype = "Incident"'}}
`)
	return s
}

// onTerminal runs a command with its errors on a terminal until it ends, or
// until enough says so, and returns what the terminal got.
func (s *site) onTerminal(enough func(string) bool, args ...string) (stdout, screen string) {
	s.t.Helper()
	control, terminal := openTerminal(s.t)
	cmd := s.command(args...)
	cmd.Env = append(cmd.Env, "TERM=xterm")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, terminal
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	_ = terminal.Close()
	var got lockedBuffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&got, control) // ends with EIO when the terminal is closed
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline := time.After(5 * time.Minute)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for asked := false; ; {
		select {
		case err := <-ended:
			<-read
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				s.t.Error(err)
			}
			return out.String(), got.String()
		case <-look.C:
			if !asked && enough != nil && enough(got.String()) {
				asked = true
				_ = cmd.Process.Signal(syscall.SIGTERM)
			}
		case <-deadline:
			_ = cmd.Process.Kill()
			s.t.Fatalf("%v did not end\n%q", args, got.String())
		}
	}
}

var barLine = regexp.MustCompile(`jira/main  \S[^\r\n]* \[=*> *\] +\d+%  \d+ records, [\d.]+/s, [^\r\n]* left`)

func TestALongFirstSyncShowsABar(t *testing.T) {
	s := slowSite(t)
	out, screen := s.onTerminal(nil, "collect", "--once", "--dry-run", "-o", "json")
	if !barLine.MatchString(screen) {
		t.Errorf("no bar in\n%q", screen)
	}
	if !json.Valid([]byte(out)) || strings.Contains(out, "left") {
		t.Errorf("the standard output is not the result alone:\n%s", out)
	}
	for line := range strings.SplitSeq(screen, "\n") {
		if n := len(regexp.MustCompile("\x1b\\[[0-9]*[A-Z]").ReplaceAllString(strings.TrimRight(line, "\r"), "")); n > 120 &&
			strings.Contains(line, "%") {
			t.Errorf("a bar of %d columns on a terminal of 100: %q", n, line)
		}
	}
	// The daemon shows it at its first start, and its log above it.
	_, screen = s.onTerminal(func(screen string) bool { return barLine.MatchString(screen) }, "run")
	if !barLine.MatchString(screen) || !strings.Contains(screen, "msg=serving") ||
		!strings.Contains(screen, "msg=stopping") {
		t.Errorf("no bar, or no log, in\n%q", screen)
	}
}

// TestWithoutATerminalThereIsNoBar runs the same with pipes.
func TestWithoutATerminalThereIsNoBar(t *testing.T) {
	s := slowSite(t)
	out, errs, code := s.run("collect", "--once", "--dry-run", "--source", "jira/main")
	if code != exitOK || strings.Contains(out+errs, "\x1b") || strings.Contains(errs, "[=") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
}
