package pagerduty

import (
	"encoding/json"

	"github.com/prodready/collector/evidence"
)

// doubt is what objects may be about that could not be decoded: the services
// they name, or any when not even those can be read.
type doubt struct {
	services map[string]bool
	nameless int
}

// add takes an object that could not be decoded.
func (d *doubt) add(raw json.RawMessage) {
	var fields struct {
		Services []*reference `json:"services"`
		Trigger  *bool        `json:"is_subscribed_to_all_services"`
		Action   *bool        `json:"map_to_all_services"`
	}
	every := func(all *bool) bool { return all != nil && *all }
	if json.Unmarshal(raw, &fields) != nil || fields.Services == nil || every(fields.Trigger) || every(fields.Action) {
		d.nameless++
		return
	}
	if d.services == nil {
		d.services = map[string]bool{}
	}
	for _, s := range fields.Services {
		if s != nil {
			d.services[s.ID] = true
		}
	}
}

// about says why a service cannot be answered for; decided reports whether its
// answer holds whatever the objects say.
func (d *doubt) about(s *serviceRecord, decided bool) evidence.Missing {
	if !decided && (d.nameless > 0 || d.services[s.ID]) {
		return evidence.MissingUndecodable
	}
	return ""
}
