package sourcetest

import (
	"fmt"
	"os"
)

// Figure prints a figure with the bound that it must not exceed, in the line
// that make bench gathers. The name and the unit have no blanks.
func Figure(name string, value float64, unit string, bound float64) {
	verdict := "ok"
	if value > bound {
		verdict = "FAIL"
	}
	_, _ = fmt.Fprintf(os.Stdout, "\nfigure: %s %.2f %s <=%g %s\n", name, value, unit, bound, verdict)
}
