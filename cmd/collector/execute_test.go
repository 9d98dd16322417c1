package main

import (
	"context"
	"io"
)

// execute runs one command as main does, with streams of a test.
func execute(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	return (&streams{out: stdout, err: stderr, environ: environ}).execute(ctx, args)
}
