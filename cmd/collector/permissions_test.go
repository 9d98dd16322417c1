//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheStoreIsForItsUserAlone, whatever the umask is: the file, what SQLite has beside
// it, the lock, and backups.
func TestTheStoreIsForItsUserAlone(t *testing.T) {
	s := newSite(t)
	widely := func(arguments ...string) {
		t.Helper()
		command := s.command(arguments...)
		cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `umask 0; exec "$0" "$@"`}, command.Args...)...)
		cmd.Dir, cmd.Env = command.Dir, command.Env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%v: %v\n%s", arguments, err, out) // not all rounds are complete
		}
	}
	before := map[string]bool{}
	files := func() []string {
		names, err := filepath.Glob(filepath.Join(s.folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	for _, name := range files() {
		before[name] = true
	}
	widely("collect", "--once")
	widely("store", "backup", "copy.db")
	widely("store", "restore", "copy.db")
	found := 0
	for _, name := range files() {
		about, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if before[name] || about.IsDir() {
			continue
		}
		found++
		if mode := about.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has the mode %o", filepath.Base(name), mode)
		}
	}
	if found < 3 {
		t.Errorf("%d files were written", found)
	}
}
