package pagerduty

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// A round that ends early may be the last of its process: collect --once ends when its
// time is over. What it has listed of the incidents that facts look back over is then
// stored as cursors, for incidents of services outside the catalog, too, so that the
// next process goes on where this one ended. On a slow link the listing would begin anew
// in each process and never end.

const (
	// listedCursor names the cursor that says how far an early end has left the listing,
	// and with a number behind it those that have its incidents.
	listedCursor = "listed_incidents"
	// savedAtOnce is how many incidents one of these cursors has.
	savedAtOnce = 500
	// slowLogWindow is how much of the log is read between two commits by a process that
	// went on with the listing of another: its link is slow.
	slowLogWindow = day
)

// savedListing is how far a listing has come. Nothing is left of a complete one.
type savedListing struct {
	Began      time.Time         `json:"began"`
	Span       savedWindow       `json:"span"`
	Rest       []savedWindow     `json:"rest,omitempty"`
	Nameless   int               `json:"nameless,omitempty"`
	Unreadable []savedUnreadable `json:"unreadable,omitempty"`
	// Parts is how many cursors have the incidents.
	Parts int `json:"parts"`
}

type savedWindow struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

func (w savedWindow) window() window { return window{w.Start, w.End} }

// savedUnreadable is an incident that could not be decoded. Unreferenced says that it is
// of no service.
type savedUnreadable struct {
	ID           string `json:"id,omitempty"`
	Service      string `json:"service,omitempty"`
	Policy       string `json:"policy,omitempty"`
	Unreferenced bool   `json:"unreferenced,omitempty"`
}

// savedIncident is what the store has not of a tracked incident; of one that it does not
// have at all, everything that a record says.
type savedIncident struct {
	ID            string                   `json:"id"`
	Incident      *evidence.Incident       `json:"incident,omitempty"`
	Service       string                   `json:"service"`
	PriorityID    string                   `json:"priority,omitempty"`
	Type          string                   `json:"type,omitempty"`
	EndFault      evidence.UncountedReason `json:"end_fault,omitempty"`
	FutureEnd     time.Time                `json:"future_end,omitzero"`
	Linked        bool                     `json:"linked,omitempty"`
	LoggedChannel bool                     `json:"logged_channel,omitempty"`
}

func partCursor(n int) string { return listedCursor + "_" + strconv.Itoa(n) }

// saveListing stores what is listed when a round has ended early, unless all of the
// history has been read, because then one process can read all of it.
func (r *round) saveListing() error {
	m := r.memory.incidents
	began, complete := r.memory.asked[listingIncidents]
	switch {
	case !m.loaded, m.history != nil && !m.history.Done.IsZero():
		return nil
	case m.listing == nil && (!complete || began.Equal(m.saved)):
		return nil
	}
	saved := savedListing{Began: began, Span: savedWindow{r.factStart(), began}}
	if l := m.listing; l != nil {
		saved.Began, saved.Span, saved.Nameless = l.began, savedWindow{l.span.start, l.span.end}, l.seen.nameless
		for _, w := range l.rest {
			saved.Rest = append(saved.Rest, savedWindow{w.start, w.end})
		}
	}
	saved.Unreadable = m.unreadable.saved()
	cursors := map[string]string{}
	var known []savedIncident
	for _, k := range sorted(m.byID) {
		if k.service != "" {
			known = append(known, k.saved())
		}
	}
	for part := range slices.Chunk(known, savedAtOnce) {
		cursors[partCursor(saved.Parts)] = cursorText(part)
		saved.Parts++
	}
	cursors[listedCursor] = cursorText(saved)
	err := r.out.Send(evidence.Batch{Cursors: cursors})
	if err == nil && m.listing == nil {
		m.saved = began
	}
	return err
}

func (k *trackedIncident) saved() savedIncident {
	s := savedIncident{
		ID: k.ID, Service: k.service, PriorityID: k.priorityID, Type: k.incidentType, EndFault: k.endFault,
		FutureEnd: k.futureEnd, Linked: k.linked, LoggedChannel: k.loggedChannel,
	}
	if k.sent == 0 {
		in := k.Incident
		s.Incident = &in
	}
	return s
}

func (u *unreadableIncidents) saved() []savedUnreadable {
	var list []savedUnreadable
	for id, of := range u.byID {
		list = append(list, savedUnreadable{ID: id, Service: of.service, Policy: of.policy})
	}
	for of := range u.nameless {
		list = append(list, savedUnreadable{Service: of.service, Policy: of.policy})
	}
	for id := range u.unreferenced {
		list = append(list, savedUnreadable{ID: id, Unreferenced: true})
	}
	return list
}

func (u *unreadableIncidents) restore(list []savedUnreadable) {
	for _, s := range list {
		of := unreadableIncident{s.Service, s.Policy}
		switch {
		case s.Unreferenced:
			u.unreferenced[s.ID] = true
		case s.ID == "":
			u.nameless[of] = true
		default:
			u.byID[s.ID] = of
		}
	}
}

// parseSaved reads the cursor; what is no such cursor is of the year 1, and too old.
func parseSaved(text string) (saved savedListing) {
	if json.Unmarshal([]byte(text), &saved) != nil {
		return savedListing{}
	}
	return saved
}

// restoreListing resumes the listing that an earlier process has saved, unless it
// is too old or cannot be read. The incidents that are stored are in memory.
func (r *round) restoreListing() {
	m := r.memory.incidents
	saved := parseSaved(r.cursors[listedCursor])
	if saved.Parts > maxRecords || r.now.Sub(saved.Began) >= incidentsEvery ||
		r.now.Before(saved.Began) {
		return
	}
	var all []savedIncident
	for n := range saved.Parts {
		var part []savedIncident
		if json.Unmarshal([]byte(r.cursors[partCursor(n)]), &part) != nil {
			return
		}
		all = append(all, part...)
	}
	seen := newIDSet()
	for _, s := range all {
		if m.byID[s.ID] == nil && s.Incident == nil {
			continue // it was stored, and is gone or over
		}
		r.restore(s)
		seen.ids[s.ID] = true
	}
	m.unreadable.restore(saved.Unreadable)
	for id := range m.unreadable.byID {
		seen.ids[id] = true
	}
	for id := range m.unreadable.unreferenced {
		seen.ids[id] = true
	}
	seen.nameless = saved.Nameless
	m.slow = true
	if len(saved.Rest) == 0 {
		r.memory.asked[listingIncidents], m.saved = saved.Began, saved.Began
		return
	}
	m.listing = &incidentListing{began: saved.Began, span: saved.Span.window(), seen: seen}
	for _, w := range saved.Rest {
		m.listing.rest = append(m.listing.rest, w.window())
	}
}

// restore puts a saved incident into memory, with what the store has of it.
func (r *round) restore(s savedIncident) {
	m := r.memory.incidents
	k := m.byID[s.ID]
	if k == nil {
		k = &trackedIncident{Incident: *s.Incident, stale: true}
		m.byID[s.ID] = k
	}
	k.service, k.priorityID, k.incidentType = s.Service, s.PriorityID, s.Type
	k.endFault, k.futureEnd, k.linked, k.loggedChannel = s.EndFault, s.FutureEnd, s.Linked, s.LoggedChannel
	k.autoResolve, k.stale = r.autoResolve(k.service), true
	k.Services = r.servicesOf(k.service, k.StartedAt, k.incidentType)
}

// forgetListing removes what a process has saved, once it is of no more use: the history
// has been read, or a newer listing is complete.
func (r *round) forgetListing() error {
	m := r.memory.incidents
	began := r.memory.asked[listingIncidents]
	read := m.history != nil && !m.history.Done.IsZero()
	if r.cursors[listedCursor] == "" || !read && began.Equal(m.saved) {
		return nil
	}
	cursors := map[string]string{}
	for name := range maps.Keys(r.cursors) {
		if strings.HasPrefix(name, listedCursor) {
			cursors[name] = ""
		}
	}
	if err := r.out.Send(evidence.Batch{Cursors: cursors}); err != nil {
		return err
	}
	m.saved = time.Time{}
	return nil
}
