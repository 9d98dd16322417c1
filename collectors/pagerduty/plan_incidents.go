package pagerduty

import (
	"fmt"
	"time"
)

// planIncidents plans maintenance windows, the newest incidents and their log.
func (p *plan) planIncidents() {
	p.answered[groupIncidents], p.answered[groupUrgency], p.answered[groupResponse] = true, true, true
	switch {
	case p.memory.maintenance == nil || p.due(listingPastMaintenance, day):
		p.add("maintenance_windows", map[string][]string{"filter": {"all"}}, "windows")
	case p.due(listingMaintenance, maintenanceEvery):
		p.add("maintenance_windows", map[string][]string{"filter": {"open"}}, "windows")
	}
	now := p.now.Truncate(time.Second)
	if p.due(listingIncidents, incidentsEvery) {
		todo := windows(window{p.factStart(), now.Add(time.Second)}, widestWindow)
		if l := p.memory.incidents.listing; l != nil {
			todo = l.rest
		}
		for _, w := range todo {
			p.add("incidents", p.newest(w.query(), "created_at:asc"), "incidents")
		}
	}
	open := map[string][]string{"date_range": {"all"}, "statuses[]": {"triggered", "acknowledged"}}
	p.add("incidents", p.newest(open, "created_at:asc"), "open incidents")
	p.add("log_entries", map[string][]string{"since": {stamp(p.logStart())}}, fmt.Sprintf("entries, in windows of %d days", logWindow/day))
}

// newest completes a query for incidents.
func (p *plan) newest(query map[string][]string, order string) map[string][]string {
	query["include[]"], query["sort_by"] = p.incidentIncludes(), []string{order}
	return query
}

// logStart is since when the log is read: since what was last read of it, or as
// far back as facts look.
func (p *plan) logStart() time.Time {
	if m := p.memory.incidents; !m.followed.IsZero() {
		return m.next()
	}
	at, err := time.Parse(time.RFC3339, p.cursors[logCursor])
	if err != nil || at.Before(p.factStart()) {
		return p.factStart()
	}
	return earlier(at, p.now.Truncate(time.Second)).Add(-logOverlap)
}

// planInterruptions plans whom incidents woke.
func (p *plan) planInterruptions() {
	if !p.due(listingInterruptions, interruptionsEvery) {
		return
	}
	p.answered[groupSleep] = true
	if p.due(listingUsers, usersEvery) {
		p.add("users", nil, "users")
	}
	read := p.memory.incidents.logFrom
	if p.memory.incidents.followed.IsZero() {
		read = p.logStart()
	}
	if read.After(p.noticesStart()) {
		query := map[string][]string{"since": {stamp(p.noticesStart())}, "until": {stamp(read)}}
		p.add("log_entries", query, fmt.Sprintf("entries, in windows of %d days", logWindow/day))
	}
}

// planHistory plans how the walk through the history goes on.
func (p *plan) planHistory() {
	h := p.memory.incidents.history
	if h == nil {
		h, _ = parseHistory(p.cursors[historyCursor])
	}
	to := p.factStart()
	if h != nil {
		age := p.now.Sub(h.Began)
		again := age >= historyEvery || age >= day && h.References != p.references()
		if !h.Done.IsZero() && !again {
			return
		}
		if h.Done.IsZero() {
			to = h.To
		}
	}
	oldest := p.historyStart()
	if !to.After(oldest) {
		return
	}
	w := window{latest(to.Add(-widestWindow), oldest), to}
	p.add("incidents", p.newest(w.query(), "created_at:desc"), fmt.Sprintf("incidents of the history, and so on back to %s, in all about %d requests a round", stamp(oldest), historySlice))
	p.add("log_entries", w.query(), "entries of their time")
}
