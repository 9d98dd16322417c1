//go:build !unix

package store

import (
	"errors"
	"fmt"
)

// acquire refuses: without advisory locks two processes could judge one file.
func acquire(path string) (release func() error, err error) {
	return nil, fmt.Errorf("store %s: %w: this system has no file locks: use postgres://", path, errors.ErrUnsupported)
}
