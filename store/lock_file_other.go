//go:build !linux

package store

import "os"

// acquireFile does nothing: the lock file is the lock. Where locks of a file belong to
// the process, they end when SQLite closes the file.
func acquireFile(string, *os.File) error { return nil }
