package scoring

import (
	"slices"
	"time"
)

// Exemption waives one check for some services until it expires. Reason,
// approver and expiry are required, and at least one of Services and Tiers;
// where both are given it is for services that both select.
type Exemption struct {
	Check    string
	Services []string
	Tiers    []int
	Reason   string
	Approver string
	// Expires is the first moment at which it is no longer in force.
	Expires time.Time
}

// Covers reports whether the exemption is in force for the service at the given
// time.
func (e *Exemption) Covers(subject *Subject, now time.Time) bool {
	if !now.Before(e.Expires) || len(e.Services) == 0 && len(e.Tiers) == 0 {
		return false
	}
	return (len(e.Services) == 0 || slices.Contains(e.Services, subject.Name)) &&
		(len(e.Tiers) == 0 || slices.Contains(e.Tiers, int(subject.Tier)))
}

// inForce is the exemption of each check of the service, by check id; where
// there are several, the one that expires last.
func inForce(exemptions []Exemption, subject *Subject, now time.Time) map[string]*Exemption {
	var out map[string]*Exemption
	for i := range exemptions {
		e := &exemptions[i]
		if !e.Covers(subject, now) {
			continue
		}
		if known := out[e.Check]; known != nil && !e.Expires.After(known.Expires) {
			continue
		}
		if out == nil {
			out = map[string]*Exemption{}
		}
		out[e.Check] = e
	}
	return out
}
