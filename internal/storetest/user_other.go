//go:build !unix

package storetest

import (
	"os/exec"
	"testing"
)

// serverUser changes nothing: only Unix servers refuse the administrator.
func serverUser(testing.TB, string) func(*exec.Cmd) *exec.Cmd {
	return func(cmd *exec.Cmd) *exec.Cmd { return cmd }
}
