package main

import (
	"os"
	"syscall"
)

// peak is the most memory that a process had at once, in bytes.
func peak(ended *os.ProcessState) int64 {
	if used, ok := ended.SysUsage().(*syscall.Rusage); ok {
		return used.Maxrss << 10
	}
	return 0
}
