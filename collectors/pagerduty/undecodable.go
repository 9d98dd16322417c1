package pagerduty

import (
	"encoding/json"
	"maps"

	"github.com/prodready/collector/evidence"
)

// undecodable are the records of a listing that could not be decoded, by the
// services that they name.
type undecodable struct {
	services map[string]bool
	// any counts the records that may be about any service, because they say so
	// or because their services cannot be read either.
	any int
}

// add adds a record that could not be decoded.
func (u *undecodable) add(_ string, raw json.RawMessage) {
	var fields struct {
		Services []reference `json:"services"`
		Trigger  bool        `json:"is_subscribed_to_all_services"`
		Action   bool        `json:"map_to_all_services"`
	}
	if json.Unmarshal(raw, &fields) != nil || fields.Services == nil || fields.Trigger || fields.Action {
		u.any++
		return
	}
	for _, s := range fields.Services {
		u.merge(undecodable{services: map[string]bool{s.ID: true}})
	}
}

// merge adds the services of others.
func (u *undecodable) merge(others undecodable) {
	if u.services == nil {
		u.services = map[string]bool{}
	}
	maps.Copy(u.services, others.services)
}

// about says why a fact of the service is not known, or "". decided says that
// the fact has the same value whatever the undecodable records contain.
func (u *undecodable) about(s *serviceRecord, decided bool) evidence.Missing {
	if !decided && (u.any > 0 || u.services[s.ID]) {
		return evidence.MissingUndecodable
	}
	return ""
}

// idSet are ids of a listing, those of records that cannot be decoded among them.
// nameless counts the records without even an id.
type idSet struct {
	ids      map[string]bool
	nameless int
}

func newIDSet() *idSet { return &idSet{ids: map[string]bool{}} }

func (s *idSet) addUndecodable(id string, _ json.RawMessage) {
	if id == "" {
		s.nameless++
	}
	s.ids[incidentID(id)] = true
}
