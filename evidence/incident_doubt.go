package evidence

import (
	"cmp"
	"time"
)

// IncidentDoubt says that a source may know more incidents of a service than it has
// emitted: it has found some that may be the service's own and could not be used,
// because they name no service, or cannot be read.
type IncidentDoubt struct {
	// Service is the catalog name of the service.
	Service string
	// Newest is when the newest of them began. Where that is not known it is the day on
	// which it was last found.
	Newest time.Time
	// Open reports that one of them may be open.
	Open bool
}

// Compare orders doubts by service.
func (d IncidentDoubt) Compare(other IncidentDoubt) int { return cmp.Compare(d.Service, other.Service) }

// Doubts are what is not known of the incidents of services, all sources taken
// together, by service.
type Doubts map[string]IncidentDoubt

// Add adds what one source does not know.
func (d Doubts) Add(doubt IncidentDoubt) {
	before, known := d[doubt.Service]
	if known {
		doubt.Open = doubt.Open || before.Open
		if before.Newest.After(doubt.Newest) {
			doubt.Newest = before.Newest
		}
	}
	d[doubt.Service] = doubt
}
