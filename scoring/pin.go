package scoring

import (
	"time"

	"github.com/prodready/collector/framework"
)

// Pin keeps the services that it selects on other criteria than Inputs.Framework until a
// day, so that they move to those later than the fleet.
type Pin struct {
	Selector
	// Framework has the facts of Inputs.Framework.
	Framework *framework.Framework
	// NotMeasurable is as in Inputs, for the checks of Framework.
	NotMeasurable map[string]bool
	// Until is the first moment at which the services are judged by Inputs.Framework.
	Until time.Time
	// Reason says to people why; it may be empty.
	Reason string
}

// PinOf is the pin that is in force for a service: the first in the order of the list that
// selects it and has not ended; nil without one.
func PinOf(pins []Pin, subject *Subject, now time.Time) *Pin {
	for i := range pins {
		if pins[i].Covers(subject, now) {
			return &pins[i]
		}
	}
	return nil
}

// Covers reports whether the pin is in force for the service at the given time, if no
// earlier one of a list is.
func (p *Pin) Covers(subject *Subject, now time.Time) bool {
	return now.Before(p.Until) && p.Selects(subject)
}
