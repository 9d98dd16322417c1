package main

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
)

// A line that is redrawn has to fit, because its wrapped part would stay.
func TestAStepFitsTheTerminal(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, live: true, what: "Collecting from PagerDuty, Jira and Prometheus and judging",
		now: time.Now, stop: make(chan struct{}), width: func() int { return 60 }}
	p.draw("1208 requests to PagerDuty and 37 to Jira")
	if line := strings.TrimPrefix(out.String(), clearLine); len([]rune(line)) > 59 || !strings.HasSuffix(line, "…") {
		t.Errorf("%q", line)
	}
	out.Reset()
	p.end("1208 requests to PagerDuty and 37 to Jira")
	text := strings.TrimPrefix(out.String(), clearLine)
	for line := range strings.Lines(text) {
		if len(line) > 61 {
			t.Errorf("%q", line)
		}
	}
	if strings.Contains(text, "…") || !strings.Contains(text, "37 to Jira") {
		t.Errorf("the result is cut: %q", text)
	}
}

// asDemo makes the test's process the demo.
const asDemo = "DEMO_ARGUMENTS"

func TestMain(m *testing.M) {
	if arguments := os.Getenv(asDemo); arguments != "" {
		os.Args = append(os.Args[:1], strings.Fields(arguments)...)
		main()
	}
	os.Exit(m.Run())
}

// The reader of a pipe may end before the demo does.
func TestAClosedOutputLeavesNothingBehind(t *testing.T) {
	left := emptyTemp(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asDemo+"=--once --services "+strconv.Itoa(company.MinServices))
	cmd.Stdout = writer
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	err = cmd.Run()
	_ = writer.Close()
	if err == nil || cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(trouble.String(), "broken pipe") {
		t.Errorf("%v\n%s", err, trouble.String())
	}
	if names := left(); len(names) != 0 {
		t.Errorf("left behind: %q\n%s", names, trouble.String())
	}
}

// TestAClosedOutputEndsTheDemo: what is printed to it returns EPIPE, since SIGPIPE is
// ignored.
func TestAClosedOutputEndsTheDemo(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	var closed int
	d := terminal{out: writer, closed: func() { closed++ }}
	d.say("read")
	if closed != 0 {
		t.Error("it is closed before its reader has ended")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	d.say("not read")
	if closed != 1 {
		t.Errorf("a closed output is noticed %d times", closed)
	}
}
