package collectors

import (
	"errors"
	"fmt"
)

// OptionFaults lists all that is wrong with the options of a source or of its HTTP
// client, so that a person sees every fault at once.
type OptionFaults []error

// If adds a fault when wrong is true. The format is that of fmt.Errorf.
func (f *OptionFaults) If(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// Err joins the faults. It is nil when the options are right.
func (f *OptionFaults) Err() error { return errors.Join(*f...) }
