package store

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// lockedByte is a byte of the database file, far behind its end and behind the bytes
// that SQLite locks, at 1 GiB.
const lockedByte = 1<<62 - 1

// acquireFile locks the SQLite file itself, so that a second name of it, or a lock file
// that was removed, does not admit a second process. The lock belongs to the open file
// and not to the process: SQLite closes the file now and then, which ends the locks of
// a process.
func acquireFile(path string, file *os.File) error {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: lockedByte, Len: 1}
	err := unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &lock)
	switch {
	case err == nil, errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return nil // a file system without such locks has the lock file
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		return fmt.Errorf("store %s: %w: another process holds it under another name, or its lock file was removed: stop "+
			"that process, or give this one a store of its own", path, ErrLocked)
	}
	return fmt.Errorf("store %s: locking it: %w: %w: use a file system with locks", path, ErrUnwritable, err)
}
