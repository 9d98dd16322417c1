package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// maintenanceRecord is an announced time in which a service pages nobody.
type maintenanceRecord struct {
	ID       string       `json:"id"`
	Start    instant      `json:"start_time"`
	End      instant      `json:"end_time"`
	Services []*reference `json:"services"`
}

func (m *maintenanceRecord) check() error {
	switch {
	case m.ID == "":
		return errors.New("no id")
	case m.Start.IsZero() || m.End.IsZero():
		return errors.New("no start_time or no end_time")
	case m.End.Before(m.Start.Time):
		return errors.New("it ends before it starts")
	}
	return nil
}

// maintenanceMemory is what has been listed of maintenance windows.
type maintenanceMemory struct {
	byID map[string]maintenanceWindow
	// byService are the windows of each service, and bad the services of windows
	// that could not be decoded.
	byService map[string][]window
	bad       map[string]bool
	// at is when the windows of now and later were last listed.
	at time.Time
}

type maintenanceWindow struct {
	window
	services []string
}

// listMaintenance lists maintenance windows: all of them once a day, those that
// have not ended in between. They mark the incidents that began inside one; a
// mark stays, so that it does not matter how long PagerDuty lists past windows.
func (r *round) listMaintenance(ctx context.Context) error {
	known := r.memory.maintenance
	all := known == nil || r.due(listingPastMaintenance, day)
	if !all && !r.due(listingMaintenance, maintenanceEvery) {
		return nil
	}
	if !all {
		open, err := r.listWindows(ctx, "open")
		if err != nil {
			return err
		}
		for id, w := range known.byID {
			_, still := open.byID[id]
			all = all || !still && w.end.After(r.now) // it was ended or deleted
		}
		if !all {
			for id, w := range open.byID {
				known.byID[id] = w
			}
			for id := range open.bad {
				known.bad[id] = true
			}
			r.mark(known)
			return r.done(listingMaintenance, nil)
		}
	}
	listed, err := r.listWindows(ctx, "all")
	if err != nil {
		return err
	}
	r.memory.maintenance = listed
	r.mark(listed)
	return r.done(listingMaintenance, r.done(listingPastMaintenance, nil))
}

// listWindows lists the maintenance windows in a state.
func (r *round) listWindows(ctx context.Context, state string) (*maintenanceMemory, error) {
	listed := &maintenanceMemory{byID: map[string]maintenanceWindow{}, bad: map[string]bool{}}
	err := r.list(ctx, "maintenance_windows", map[string][]string{"filter": {state}}, func(raw json.RawMessage) {
		m, err := decode[maintenanceRecord](raw)
		if err != nil {
			r.skip("maintenance_window", idOf(raw, "id"), err)
			for _, id := range servicesOf(raw) {
				listed.bad[id] = true
			}
			return
		}
		w := maintenanceWindow{window: window{m.Start.Time, m.End.Time}}
		for _, s := range m.Services {
			if s != nil && s.ID != "" {
				w.services = append(w.services, s.ID)
			}
		}
		listed.byID[m.ID] = w
	})
	var failed *collectors.CallError
	if errors.As(err, &failed) && failed.Reason == evidence.ReasonForbidden {
		r.windowsRefused = true
	}
	return listed, err
}

// servicesOf are the services of a record that cannot be decoded, as far as
// they can be read.
func servicesOf(raw json.RawMessage) []string {
	var fields struct {
		Services []*reference `json:"services"`
	}
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	var ids []string
	for _, s := range fields.Services {
		if s != nil {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// mark makes the windows ready to be asked for, and marks the incidents in
// memory.
func (r *round) mark(m *maintenanceMemory) {
	m.at = r.now
	m.byService = map[string][]window{}
	for _, w := range m.byID {
		for _, id := range w.services {
			m.byService[id] = append(m.byService[id], w.window)
		}
	}
	for _, k := range r.memory.incidents.byID {
		k.Maintenance = k.Maintenance || m.holds(k.service, k.StartedAt)
	}
}

// holds reports whether the moment is inside a window of the service.
func (m *maintenanceMemory) holds(service string, at time.Time) bool {
	if m == nil {
		return false
	}
	for _, w := range m.byService[service] {
		if !at.Before(w.start) && at.Before(w.end) {
			return true
		}
	}
	return false
}

// current reports whether the windows were listed not long ago.
func (m *maintenanceMemory) current(now time.Time) bool {
	return m != nil && now.Sub(m.at) <= slowFresh
}

// blocks says why facts that leave maintenance out are not known of a service.
func (m *maintenanceMemory) blocks(s *serviceRecord) evidence.Missing {
	if m.bad[s.ID] {
		return evidence.MissingUndecodable
	}
	return ""
}
