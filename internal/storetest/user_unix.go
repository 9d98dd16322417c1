//go:build unix

package storetest

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// serverUser gives the folder to a user that the server may run as, and makes
// its commands run as that user.
func serverUser(t testing.TB, dir string) func(*exec.Cmd) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		return func(cmd *exec.Cmd) *exec.Cmd { return cmd }
	}
	who, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	uid, errUser := strconv.ParseUint(who.Uid, 10, 32)
	gid, errGroup := strconv.ParseUint(who.Gid, 10, 32)
	if errUser != nil || errGroup != nil {
		t.Fatalf("user %s has no numeric ids", who.Username)
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	return func(cmd *exec.Cmd) *exec.Cmd {
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		return cmd
	}
}
