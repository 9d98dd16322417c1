package evidence

import (
	"cmp"
	"time"
)

// TicketExemption is an exemption that was asked for with a ticket and approved by a
// second person, as it concerns one service and one check. Who they are is not kept.
type TicketExemption struct {
	// Source, ID, Service and Check identify it. ID is the source's immutable id of the
	// ticket, Key its present name.
	Source, ID, Key string
	Service, Check  string
	// Reason is the title of the ticket.
	Reason string
	// Approved is when the ticket was closed as done, Expires the first moment at which
	// the exemption is no longer in force.
	Approved, Expires time.Time
}

// Compare orders exemptions by source, ticket, service and check.
func (e TicketExemption) Compare(o TicketExemption) int {
	return cmp.Or(cmp.Compare(e.Source, o.Source), cmp.Compare(e.Key, o.Key), cmp.Compare(e.ID, o.ID),
		cmp.Compare(e.Service, o.Service), cmp.Compare(e.Check, o.Check))
}
