package scoring

import (
	"slices"
	"time"
)

// Exemption waives one check for some services until it expires. Reason, requester,
// approver and expiry are required, and at least one of Services, Tiers, Teams and
// Orgs; it is for services that all given ones select.
type Exemption struct {
	Check    string
	Services []string
	Tiers    []int
	Teams    []string `json:",omitempty"`
	Orgs     []string `json:",omitempty"`
	Reason   string
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

// Selects reports whether the exemption is for the service, whether or not it has ended.
func (e *Exemption) Selects(subject *Subject) bool {
	return len(e.Services)+len(e.Tiers)+len(e.Teams)+len(e.Orgs) > 0 &&
		allows(e.Services, subject.Name) && allows(e.Tiers, int(subject.Tier)) &&
		allows(e.Teams, subject.Team) && allows(e.Orgs, subject.Org)
}

// allows reports whether the value is wanted; a list that is empty wants every value.
func allows[T comparable](wanted []T, value T) bool {
	return len(wanted) == 0 || slices.Contains(wanted, value)
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
