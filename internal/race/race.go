// Package race lets tests choose what they run under the race detector, which
// makes SQLite more than ten times slower. The detector looks for data races and
// not for wrong results, so it needs one run of each piece of concurrent code.
// Every test also runs without it.
package race

import (
	"os"
	"testing"
)

// wholeVariable names the environment variable that, when it is set, makes all
// tests run whole under the race detector, too.
const wholeVariable = "READINESS_TEST_WHOLE"

// Sampled reports whether tests shall run a sample of their cases only: under the
// race detector, unless everything was asked for.
func Sampled() bool { return Enabled && os.Getenv(wholeVariable) == "" }

// Skip skips a test in a sample. The reason says why the race detector finds no
// more in it than in other tests.
func Skip(tb testing.TB, reason string) {
	tb.Helper()
	if Sampled() {
		tb.Skipf("not in the race detector's sample: %s", reason)
	}
}
