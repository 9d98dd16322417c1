package pagerduty

import "time"

// planIncidents plans incidents and their log.
func (p *plan) planIncidents() {
	p.answered[groupIncidents], p.answered[groupResponse] = true, true
	now := p.now.Truncate(time.Second)
	if p.due(listingIncidents, incidentsEvery) {
		for _, w := range windows(window{p.historyStart(), now.Add(time.Second)}, widestWindow) {
			query := w.query()
			query["include[]"], query["sort_by"] = []string{"first_trigger_log_entries"}, []string{"created_at:asc"}
			p.add("incidents", query, "incidents")
		}
	}
	p.add("incidents", map[string][]string{
		"date_range": {"all"}, "statuses[]": {"triggered", "acknowledged"}, "include[]": {"first_trigger_log_entries"}, "sort_by": {"created_at:asc"},
	}, "open incidents")
	p.add("log_entries", map[string][]string{"since": {stamp(p.logStart())}, "is_overview": {"true"}}, "entries, in windows of 30 days")
}

// logStart is since when the log is read: since it was last read, or as far
// back as incidents are.
func (p *plan) logStart() time.Time {
	followed := p.memory.incidents.followed
	if at, err := time.Parse(time.RFC3339, p.cursors[logCursor]); err == nil && followed.IsZero() {
		followed = earlier(at, p.now)
	}
	if followed.IsZero() {
		return p.historyStart()
	}
	return latest(followed.Add(-logOverlap), p.historyStart()).Truncate(time.Second)
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
	since := latest(p.memory.notices.read.Add(-logOverlap), p.now.Truncate(time.Second).Add(-interruptionsSpan))
	p.add("log_entries", map[string][]string{"since": {stamp(since)}}, "entries, in windows of 16 days")
}
