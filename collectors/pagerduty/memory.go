package pagerduty

import "time"

const (
	// formatCursor names the cursor that says in which format the others are. A
	// store without it, or with another, is a new one to us.
	formatCursor = "format"
	format       = "2"
)

// How often listings are asked for that change slowly. Their facts stay fresh for
// three times as long at least. On-calls and set-up, the longest of them, are due
// together, so that all other rounds of the hour make few requests.
const (
	slowEvery = time.Hour
	// incidentsEvery is how often the incidents that facts look back over are
	// listed, so that deletions, and changes that the log does not have, are noticed.
	incidentsEvery = day
	slowFresh      = 3 * time.Hour
)

// listingIncidents names the listing of the incidents that facts look back over.
const listingIncidents = "newest incidents"

// memory is what a source keeps from round to round, so that it need not ask
// again. It is lost with the process, which then asks for everything once. Only
// the log and the history of incidents, the longest listings, are resumed, and the
// listing of the newest incidents after a round that has ended early.
type memory struct {
	// asked is when each listing was last complete and stored.
	asked map[string]time.Time
	// references is the hash of the catalog's references.
	references uint64

	services  *listedServices
	incidents *incidentMemory
	// maintenance is nil until the windows have been listed.
	maintenance *maintenanceMemory
	progress    historyProgress
	// priorities is nil until they have been listed.
	priorities *priorities
	// types are the types of incidents that were last logged, and note says of the last
	// round how many there are of each.
	types, note string
	changes     changeMemory
	// notices are the notifications that were read from the log, by id. They have ids
	// of people, which are never stored.
	notices map[string]notice
	// zones are the time zones of users by id; nil for one that is not known.
	zones map[string]*time.Location
}

func newMemory() *memory {
	return &memory{
		asked:     map[string]time.Time{},
		incidents: newIncidentMemory(),
		changes:   changeMemory{byID: map[string]*changeRecord{}, undecodable: map[string]undecodableChange{}},
		notices:   map[string]notice{},
	}
}

// remember prepares the memory for the round. With a store that is empty, nothing is
// remembered.
func (r *round) remember() {
	if r.first {
		r.cursors, r.memory = nil, newMemory()
	}
	if r.memory.incidents.followed.After(r.now) {
		r.memory = newMemory() // the clock was set back: what is remembered was read by a wrong one
	}
	m := r.memory
	if !m.incidents.loaded {
		r.loadCursors()
	}
	r.refer()
}

// refer makes the memory that of what the catalog refers to. When it refers to other
// services than before, everything but incidents is listed again.
func (r *round) refer() {
	m := r.memory
	if m.references == r.catalog.hash {
		return
	}
	m.references = r.catalog.hash
	listed, ok := m.asked[listingIncidents]
	m.asked = map[string]time.Time{}
	if ok {
		m.asked[listingIncidents] = listed
	}
	for _, k := range m.incidents.byID {
		if k.service != "" {
			k.Services, k.stale = r.servicesOf(k.service, k.StartedAt, k.incidentType), true
		}
	}
}

// due reports whether a listing is to be asked for in this round.
func (r *round) due(name string, every time.Duration) bool {
	last, ok := r.memory.asked[name]
	return !ok || r.now.Before(last) || r.now.Sub(last) >= every
}

// done notes that a listing is complete and its facts are stored, unless err
// says otherwise. It returns err.
func (r *round) done(name string, err error) error {
	if err == nil {
		r.memory.asked[name] = r.now
	}
	return err
}
