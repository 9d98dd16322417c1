// Package textfile reads files that other people or programs write, such as the
// entries of a catalog in a repository, without trusting what they are.
package textfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// MaxBytes is how large a file may be that has no limit of its own.
const MaxBytes = 8 << 20

// Errors of Read, beside those of the file system.
var (
	// ErrNotRegular is something else than a file with a content of its own: a
	// folder, a device, a pipe, a socket.
	ErrNotRegular = errors.New("not a regular file")
	// ErrTooLarge is a file that is larger than the limit.
	ErrTooLarge = errors.New("too large")
)

// Read reads a regular file of at most max bytes. It neither waits for the writer of
// a pipe nor reads from a device without an end.
func Read(name string, maxBytes int64) (text []byte, err error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	about, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !about.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	text, err = io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && int64(len(text)) > maxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxBytes)
	}
	return text, err
}
