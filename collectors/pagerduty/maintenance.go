package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// maintenanceRecord is a maintenance window: a time in which services notify no
// one.
type maintenanceRecord struct {
	ID       string      `json:"id"`
	Start    instant     `json:"start_time"`
	End      instant     `json:"end_time"`
	Services []reference `json:"services"`
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
	byID map[string]*maintenanceRecord
	// byService are the windows of each service.
	byService   map[string][]window
	undecodable undecodable
	// at is when the windows that have not ended were last listed.
	at time.Time
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
				return []url.Values{{"filter": {"all"}}}
			case r.due(listingOpenMaintenance, maintenanceEvery):
				return []url.Values{{"filter": {"open"}}}
			}
			return nil
		},
		collect: []step{(*round).listMaintenance},
	}
}

// listMaintenance lists maintenance windows: all of them once a day, those that
// have not ended in between. They mark the incidents that began inside one; a
// mark stays, so that it does not matter how long PagerDuty lists past windows.
func (r *round) listMaintenance(ctx context.Context) error {
	l := maintenanceListing()
	for _, query := range l.queries(r) {
		open := query.Get("filter") == "open"
		listed, err := r.listWindows(ctx, query)
		if err == nil && open && !listed.addPast(r.memory.maintenance, r.now) {
			open = false
			listed, err = r.listWindows(ctx, url.Values{"filter": {"all"}})
		}
		if err != nil {
			return err
		}
		r.memory.maintenance = listed
		r.mark(listed)
		r.memory.asked[listingOpenMaintenance] = r.now
		if !open {
			r.memory.asked[listingAllMaintenance] = r.now
		}
	}
	return nil
}

// addPast adds the windows that were listed before and are over to those that have
// not ended. It reports whether that is all, because no other was ended or deleted.
func (m *maintenanceMemory) addPast(before *maintenanceMemory, now time.Time) bool {
	for id, w := range before.byID {
		if _, listed := m.byID[id]; listed {
			continue
		}
		if w.End.After(now) {
			return false
		}
		m.byID[id] = w
	}
	m.undecodable.merge(before.undecodable)
	return true
}

// listWindows lists the maintenance windows that the query selects.
func (r *round) listWindows(ctx context.Context, query url.Values) (*maintenanceMemory, error) {
	listed := &maintenanceMemory{byID: map[string]*maintenanceRecord{}}
	read := decoded("maintenance_window", func(m *maintenanceRecord) {
		listed.byID[m.ID] = m
	}, listed.undecodable.add)
	err := r.api.complete(ctx, "maintenance_windows", "", query, func(records []json.RawMessage) error {
		for _, raw := range records {
			read(r, raw)
		}
		return nil
	})
	failed, ok := errors.AsType[*collectors.CallError](err)
	r.windowsRefused = ok && failed.Reason == evidence.ReasonForbidden
	return listed, err
}

// mark sorts the windows by service and marks the incidents in memory that began
// inside one.
func (r *round) mark(m *maintenanceMemory) {
	m.at = r.now
	m.byService = map[string][]window{}
	for _, w := range m.byID {
		for _, service := range w.Services {
			m.byService[service.ID] = append(m.byService[service.ID], window{w.Start.Time, w.End.Time})
		}
	}
	for _, k := range r.memory.incidents.byID {
		k.Maintenance = k.Maintenance || m.holds(k.service, k.StartedAt)
	}
}

// holds reports whether the time is inside a window of the service. A nil memory
// has no windows.
func (m *maintenanceMemory) holds(service string, at time.Time) bool {
	return m != nil && service != "" && slices.ContainsFunc(m.byService[service], func(w window) bool { return w.holds(at) })
}

// current reports whether the windows were listed within slowFresh.
func (m *maintenanceMemory) current(now time.Time) bool {
	return m != nil && now.Sub(m.at) <= slowFresh
}

// urgencyUnknown says why facts about incidents outside maintenance are unknown for a
// service, or "".
func (r *round) urgencyUnknown(s *serviceRecord) evidence.Missing {
	return cmp.Or(r.memory.maintenance.undecodable.about(s, false), r.incidentsUnknown(s))
}
