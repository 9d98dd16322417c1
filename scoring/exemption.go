package scoring

import "time"

// Exemption waives one check for the services that it selects until it expires. Reason,
// requester, approver and expiry are required.
type Exemption struct {
	Check string
	Selector
	Reason string
	// RequestedBy is empty in what was stored before it was required.
	RequestedBy string `json:",omitempty"`
	Approver    string
	// Ticket is the name of the ticket that it was asked for and approved with. Such an
	// exemption has no RequestedBy and no Approver, since who they are is not kept.
	Ticket string `json:",omitempty"`
	// Expires is the first moment at which it is no longer in force.
	Expires time.Time
}

// Covers reports whether the exemption is in force for the service at the given
// time.
func (e *Exemption) Covers(subject *Subject, now time.Time) bool {
	return now.Before(e.Expires) && e.Selects(subject)
}

// inForce is the exemption of each check of the service, by check id; where
// there are several, that of a file before that of a ticket, then the one that expires
// last.
func inForce(exemptions []Exemption, subject *Subject, now time.Time) map[string]*Exemption {
	var out map[string]*Exemption
	for i := range exemptions {
		e := &exemptions[i]
		if !e.Covers(subject, now) {
			continue
		}
		if known := out[e.Check]; known != nil && !e.precedes(known) {
			continue
		}
		if out == nil {
			out = map[string]*Exemption{}
		}
		out[e.Check] = e
	}
	return out
}

// precedes reports whether the exemption counts and not the other one, which is in force
// for the same check and service.
func (e *Exemption) precedes(other *Exemption) bool {
	if isFile := e.Ticket == ""; isFile != (other.Ticket == "") {
		return isFile
	}
	return e.Expires.After(other.Expires)
}

// Overlaps lists the exemptions of tickets that do not count for a service at the given
// time, since one of a file covers it, each with that of the file.
func Overlaps(exemptions []Exemption, subject *Subject, now time.Time) [][2]*Exemption {
	counting := inForce(exemptions, subject, now)
	var out [][2]*Exemption
	for i := range exemptions {
		e := &exemptions[i]
		if by := counting[e.Check]; e.Ticket != "" && by != nil && by.Ticket == "" && e.Covers(subject, now) {
			out = append(out, [2]*Exemption{e, by})
		}
	}
	return out
}
