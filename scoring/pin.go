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

// PinOf is the pin that is in force for a service: of those that have not ended and select
// it the most specific, as with targets, and of several of these the first; nil without one.
func PinOf(pins []Pin, subject *Subject, now time.Time) *Pin {
	var found *Pin
	best := -1
	for i := range pins {
		p := &pins[i]
		if !now.Before(p.Until) || !p.Selects(subject) {
			continue
		}
		if rank := p.specificity(subject.Name); rank > best {
			found, best = p, rank
		}
	}
	return found
}
