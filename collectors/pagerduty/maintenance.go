package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// maintenanceRecord is a maintenance window: a time in which services notify no
// one.
type maintenanceRecord struct {
	ID       string       `json:"id"`
	Start    instant      `json:"start_time"`
	End      instant      `json:"end_time"`
	Services []*reference `json:"services"`
}

func (m *maintenanceRecord) check() error {
	return cmp.Or(
		lacks("id", m.ID),
		wrong(m.Start.IsZero() || m.End.IsZero(), "no start_time or no end_time"),
		wrong(m.End.Before(m.Start.Time), "it ends before it starts"),
	)
}

// maintenanceMemory are the maintenance windows that have been listed.
type maintenanceMemory struct {
	byID map[string]maintenanceWindow
	// byService are the windows of each service, and bad the services of windows
	// that could not be decoded.
	byService map[string][]window
	bad       map[string]bool
	// at is when the windows that have not ended were last listed.
	at time.Time
}

type maintenanceWindow struct {
	window
	services []string
}

// Names of the two listings of maintenance windows.
const (
	listingOpenMaintenance = "maintenance windows"
	listingAllMaintenance  = "past maintenance windows"
	// maintenanceEvery is how often the windows are listed that have not ended;
	// all of them are listed every day.
	maintenanceEvery = 30 * time.Minute
)

// maintenanceListing declares the list of maintenance windows.
func maintenanceListing() listing {
	return listing{
		path: "maintenance_windows", scope: "services.read", records: "windows",
		queries: func(r *round) []url.Values {
			switch {
			case r.memory.maintenance == nil || r.due(listingAllMaintenance, day):
				return []url.Values{allMaintenance()}
			case r.due(listingOpenMaintenance, maintenanceEvery):
				return []url.Values{openMaintenance()}
			}
			return nil
		},
		collect: []step{(*round).listMaintenance},
	}
}

func allMaintenance() url.Values  { return url.Values{"filter": {"all"}} }
func openMaintenance() url.Values { return url.Values{"filter": {"open"}} }

// listMaintenance lists maintenance windows: all of them once a day, those that
// have not ended in between. They mark the incidents that began inside one; a
// mark stays, so that it does not matter how long PagerDuty lists past windows.
func (r *round) listMaintenance(ctx context.Context) error {
	known := r.memory.maintenance
	all := known == nil || r.due(listingAllMaintenance, day)
	if !all && !r.due(listingOpenMaintenance, maintenanceEvery) {
		return nil
	}
	if !all {
		open, err := r.listWindows(ctx, openMaintenance())
		if err != nil {
			return err
		}
		for id, w := range known.byID {
			_, still := open.byID[id]
			all = all || !still && w.end.After(r.now) // it was ended or deleted
		}
		if !all {
			maps.Copy(known.byID, open.byID)
			for id := range open.bad {
				known.bad[id] = true
			}
			r.mark(known)
			return r.done(listingOpenMaintenance, nil)
		}
	}
	listed, err := r.listWindows(ctx, allMaintenance())
	if err != nil {
		return err
	}
	r.memory.maintenance = listed
	r.mark(listed)
	return r.done(listingOpenMaintenance, r.done(listingAllMaintenance, nil))
}

// listWindows lists the maintenance windows that the query selects.
func (r *round) listWindows(ctx context.Context, query url.Values) (*maintenanceMemory, error) {
	listed := &maintenanceMemory{byID: map[string]maintenanceWindow{}, bad: map[string]bool{}}
	read := decoded("maintenance_window", func(m *maintenanceRecord) {
		w := maintenanceWindow{window: window{m.Start.Time, m.End.Time}}
		for _, s := range m.Services {
			if s != nil && s.ID != "" {
				w.services = append(w.services, s.ID)
			}
		}
		listed.byID[m.ID] = w
	}, func(_ string, raw json.RawMessage) {
		for _, id := range servicesOf(raw) {
			listed.bad[id] = true
		}
	})
	err := r.api.complete(ctx, "maintenance_windows", "", query, func(records []json.RawMessage) error {
		for _, raw := range records {
			read(r, raw)
		}
		return nil
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

// mark sorts the windows by service and marks the incidents in memory that began
// inside one.
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

// holds reports whether the time is inside a window of the service. A nil memory
// has no windows.
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

// current reports whether the windows were listed within slowFresh.
func (m *maintenanceMemory) current(now time.Time) bool {
	return m != nil && now.Sub(m.at) <= slowFresh
}

// blocks says why facts that leave out maintenance are unknown for a service, or
// "".
func (m *maintenanceMemory) blocks(s *serviceRecord) evidence.Missing {
	if m.bad[s.ID] {
		return evidence.MissingUndecodable
	}
	return ""
}
