package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAStoreIsVerifiedBackedUpAndRestored beside a daemon and after it.
func TestAStoreIsVerifiedBackedUpAndRestored(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	d := s.start()
	d.eventually("checkout is judged", func() bool {
		v, ok := d.value("readiness_badge_level", "service_name", "checkout")
		return ok && v == 3
	})
	want := func(code int, text string, args ...string) {
		t.Helper()
		out, errs, got := s.run(args...)
		if got != code || !strings.Contains(strings.Join(strings.Fields(out+errs), " "), text) {
			t.Errorf("%v exits %d, want %d and %q\n%s%s", args, got, code, text, out, errs)
		}
	}
	want(0, "the store is sound", "store", "verify")
	want(0, "backed up to copy.db", "store", "backup", "copy.db")
	want(2, "it is there already", "store", "backup", "copy.db")
	want(2, "in use by another process", "store", "restore", "copy.db")
	want(2, `unknown command "bakcup", did you mean "backup"?`, "store", "bakcup")
	want(2, "name one file", "store", "backup")
	want(2, "in use by another process", "store", "compact")

	// A second name and a removed lock file admit no second daemon.
	if err := os.Link(filepath.Join(s.folder, "readiness.db"), filepath.Join(s.folder, "second.db")); err != nil {
		t.Fatal(err)
	}
	want(2, "in use by another process", "run", "--store.url", "second.db")
	if err := os.Remove(filepath.Join(s.folder, "readiness.db.lock")); err != nil {
		t.Fatal(err)
	}
	want(2, "in use by another process", "run")
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatalf("the daemon ended with %v\n%s", err, d.log.String())
	}

	// Zeros in the middle, where the daemon looks seldom: more than the pages of one index,
	// which a backup makes anew.
	data := s.read("readiness.db")
	const page = 4096
	at, end := len(data)/page/3*page, len(data)/page*2/3*page
	s.write("readiness.db", data[:at]+strings.Repeat("\x00", end-at)+data[end:])
	want(2, "`collector store restore FILE`", "store", "verify")
	want(2, "damaged", "store", "backup", "bad.db")
	if _, err := os.Stat(filepath.Join(s.folder, "bad.db")); err == nil {
		t.Error("a damaged store was backed up")
	}
	s.write("readiness.db", "")
	want(2, "it is empty, and it was not before", "collect", "--once")
	s.write("bad.db", data[:at])
	want(2, "the backup cannot be restored", "store", "restore", "bad.db")
	want(0, "what was there is kept as ", "store", "restore", "copy.db")
	want(0, "the store is sound", "store", "verify")
	want(0, "the store has ", "store", "compact")
	want(0, "the store is sound", "store", "verify")
	want(0, "Gold", "score")
	s.environ = []string{"READINESS__STORE__URL=postgres://nowhere.invalid/x"}
	want(2, "pg_dump backs up a database", "store", "backup", "other.db")
}

// TestTheDaemonWaitsForPostgreSQL that is not there yet, and ends at once while it waits.
func TestTheDaemonWaitsForPostgreSQL(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	s.environ = []string{"READINESS__STORE__URL=postgres://readiness:the-password@" + address + "/readiness"}
	d := s.launch()
	d.eventually("it tries again", func() bool {
		return strings.Count(d.log.String(), "the store cannot be reached") >= 2
	})
	before := time.Now()
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Errorf("the daemon ended with %v\n%s", err, d.log.String())
	}
	if took := time.Since(before); took > time.Second {
		t.Errorf("SIGTERM took %s", took)
	}
	if text := d.log.String(); strings.Contains(text, "the-password") || !strings.Contains(text, "try_again_in=2s") {
		t.Errorf("%s", text)
	}
	if _, errs, code := s.run("collect", "--once"); code != 1 || !strings.Contains(errs, "not reachable") {
		t.Errorf("collect --once exits %d\n%s", code, errs)
	}
}
