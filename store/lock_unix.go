//go:build unix

package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// acquire locks the lock file beside a SQLite file. The kernel releases the lock
// when the process ends, however it ends; the file stays and has the id of the
// last process. SQLite itself would allow a second process, and both would judge.
func acquire(path string) (release func() error, err error) {
	name := path + ".lock"
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store %s: its lock file cannot be made: %w: %w: choose a folder this user may write", path,
			ErrUnwritable, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(file, 32))
		closing := file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("store %s: locking %s: %w: %w: use a file system with locks", path, name,
				ErrUnwritable, err), closing)
		}
		who := "another process"
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			who = "process " + pid
		}
		return nil, errors.Join(fmt.Errorf("store %s: %w: %s holds it: stop that process, or give this one a store of its "+
			"own", path, ErrLocked, who), closing)
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: writing %s: %w: %w", path, name, ErrUnwritable, err), file.Close())
	}
	return file.Close, nil
}
