package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// TestBuildInfoHasTheRevision that the program was linked with.
func TestBuildInfoHasTheRevision(t *testing.T) {
	s := newSite(t)
	for _, command := range []string{"version", "--version"} {
		if out, _, _ := s.run(command); !strings.Contains(out, "0123abcd") {
			t.Errorf("%s: no revision in %s", command, out)
		}
	}
	if _, ok := s.start().value("readiness_build_info", "revision", "0123abcd"); !ok {
		t.Error("readiness_build_info has no revision")
	}
}

// TestTheStoreIsMeasured at the start.
func TestTheStoreIsMeasured(t *testing.T) {
	t.Parallel()
	if size, ok := newSite(t).start().value("readiness_collector_store_bytes"); !ok || size < 100_000 || size > 1e8 {
		t.Errorf("the store has %v bytes (%t)", size, ok)
	}
}

// TestLastSuccessOutlivesARestart restarts the program while its source fails.
func TestLastSuccessOutlivesARestart(t *testing.T) {
	s := newSite(t)
	before := time.Now()
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatal(errs)
	}
	s.vendor.Inject(pagerdutytest.Fault{Status: 403})
	at, ok := s.start().value("readiness_collector_last_success_timestamp_seconds", "source", "pagerduty/main")
	if !ok || at < float64(before.Unix()) || at > float64(time.Now().Unix()+1) {
		t.Errorf("the last success is %v (%v), want since %d", at, ok, before.Unix())
	}
}

// TestADryRunLeavesNoFile looks at the folder of temporary files after a dry run,
// and after one that is interrupted in the middle of a request.
func TestADryRunLeavesNoFile(t *testing.T) {
	s := newSite(t)
	temporary := t.TempDir()
	s.environ = append(s.environ, "TMPDIR="+temporary)
	left := func() (names []string) {
		entries, err := os.ReadDir(temporary)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if _, errs, code := s.run("collect", "--dry-run"); code != exitOK || len(left()) > 0 {
		t.Errorf("exit %d, %v is left\n%s", code, left(), errs)
	}
	waiting := make(chan struct{})
	s.vendor.Inject(pagerdutytest.Fault{Call: "GET /oncalls", Times: 1, Hang: true, Then: func() { close(waiting) }})
	cmd := s.command("collect", "--dry-run")
	var log lockedBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-waiting:
	case <-time.After(30 * time.Second):
		t.Fatalf("the request did not come\n%s", log.String())
	}
	if len(left()) == 0 {
		t.Error("there is no copy while the round is made")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted dry run exits 0")
	}
	if names := left(); len(names) > 0 {
		t.Errorf("%v is left\n%s", names, log.String())
	}
}
