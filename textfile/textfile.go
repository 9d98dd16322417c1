// Package textfile reads files that people name or other programs write, such as the
// configuration or the entries of a catalog in a repository, without trusting what they
// are.
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
	// folder, a device, a pipe, a socket. The error of a folder is syscall.EISDIR, too.
	ErrNotRegular = errors.New("not a regular file")
	// ErrTooLarge is a file that is larger than the limit.
	ErrTooLarge = errors.New("too large")
)

// Open opens a regular file, or what a link to one leads to, for reading. It does not
// wait for the writer of a pipe.
func Open(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	about, err := file.Stat()
	switch {
	case err != nil:
	case about.IsDir():
		err = fmt.Errorf("%w: %w", ErrNotRegular, syscall.EISDIR)
	case !about.Mode().IsRegular():
		err = ErrNotRegular
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Read reads a regular file of at most max bytes. It neither waits for the writer of
// a pipe nor reads from a device without an end.
func Read(name string, maxBytes int64) (text []byte, err error) {
	file, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && int64(len(text)) > maxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxBytes)
	}
	return text, err
}
