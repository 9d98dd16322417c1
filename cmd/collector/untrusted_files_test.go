package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFilesThatAreNone: what a scanned repository has in the place of a catalog file
// costs itself. Nothing waits for it, nothing reads it without an end, and nothing of
// a file elsewhere is shown.
func TestFilesThatAreNone(t *testing.T) {
	s := newSite(t)
	s.write("secret", "*hunter2: hunter2\n")
	s.write("large", strings.Repeat("# much\n", 2<<20))
	repository := filepath.Join(s.folder, "repositories", "shop")
	if err := os.MkdirAll(repository, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"endless.yaml": "/dev/zero", "secret.yaml": filepath.Join(s.folder, "secret"),
	} {
		if err := os.Symlink(target, filepath.Join(repository, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(repository, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.folder, "large"), filepath.Join(repository, "large.yaml")); err != nil {
		t.Fatal(err)
	}
	s.edit("collector.yaml", "catalog:\n", "catalog:\n  backstage: [repositories/*/*.yaml]\n  entities: {max_refused_ratio: 1}\n")
	out, errs, code := s.run("check")
	for _, want := range []string{
		"endless.yaml: the file is a link that leads out of the folder",
		"secret.yaml: the file is a link that leads out of the folder",
		"pipe.yaml: the file cannot be read: not a regular file",
		"large.yaml: the file cannot be read: too large: more than 8388608 bytes",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, want %q in\n%s%s", code, want, out, errs)
		}
	}
	// Named without a wildcard it is read, and still nothing of it is shown.
	s.edit("collector.yaml", "repositories/*/*.yaml", "repositories/shop/secret.yaml")
	out, errs, code = s.run("check")
	if all := out + errs; code != 0 || strings.Contains(all, "hunter2") || !strings.Contains(all, "secret.yaml") {
		t.Errorf("exit %d:\n%s", code, all)
	}
}

// TestASignalEndsACommandAtOnce: a command that has nothing to finish does not wait
// for an answer when it is to end.
func TestASignalEndsACommandAtOnce(t *testing.T) {
	s := newFolder(t)
	asked, ended := make(chan struct{}), make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done() // the caller has gone
	}))
	t.Cleanup(server.Close)
	cmd := s.command("score", "checkout", "--server", server.URL)
	var log lockedBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(30 * time.Second):
		t.Fatalf("the request did not come\n%s", log.String())
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a command that was ended exits 0")
		}
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill()
		t.Errorf("it does not end\n%s", log.String())
	}
}
