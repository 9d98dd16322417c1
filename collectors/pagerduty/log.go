package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"sort"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// logWindow is how much of the log is read between two commits.
	logWindow = 30 * day
	// logOverlap is read again, as entries may appear late.
	logOverlap = 10 * time.Minute
	// absentFor is how long the log may take to tell of the end of an incident
	// that is not open any more: the account's clock may be ahead of ours.
	absentFor = 2 * time.Hour
	// logDetails is how much of the log before the last complete listing of
	// incidents may bring its incidents along, which that listing has told of.
	logDetails = 2 * day
)

type logEntryRecord struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	CreatedAt instant    `json:"created_at"`
	Agent     *reference `json:"agent"`
	User      *reference `json:"user"`
	Channel   *struct {
		Type *string `json:"type"`
	} `json:"channel"`
	Incident json.RawMessage `json:"incident"`
}

func (e *logEntryRecord) check() error {
	switch {
	case e.ID == "":
		return errors.New("no id")
	case e.Type == "":
		return errors.New("no type")
	case e.CreatedAt.IsZero():
		return errors.New("no created_at")
	case idOf(e.Incident, "id") == "":
		return errors.New("no incident")
	}
	return nil
}

// channel is the type of the entry's channel; empty when it has none.
func (e *logEntryRecord) channel() string {
	if e.Channel == nil || e.Channel.Type == nil {
		return ""
	}
	return evidence.Clean(*e.Channel.Type, 100)
}

// readLog reads what the log says of acknowledgements and resolutions since it
// was last read, or as far back as there are incidents whose acknowledgements
// are not known. It is committed window by window, oldest first, so that an
// interrupted first round is gone on with.
func (r *round) readLog(ctx context.Context) error {
	m := r.memory.incidents
	listed, complete := r.memory.asked[listingIncidents]
	if !complete {
		return nil // it would tell of incidents that are not known
	}
	now := r.now.Truncate(time.Second)
	start := m.followed.Add(-logOverlap)
	if m.followed.IsZero() {
		start = now
	}
	history := r.historyStart()
	for _, k := range m.byID {
		if !k.followed && len(k.Services) > 0 && k.StartedAt.Before(start) && !k.StartedAt.Before(history) {
			start = k.StartedAt
		}
	}
	start = latest(start, history).Truncate(time.Second)
	details := listed.Add(-logOverlap).Truncate(time.Second)
	if details.Sub(start) <= logDetails {
		details = start
	}
	todo := append(windows(window{start, details}, logWindow), windows(window{details, now.Add(time.Second)}, logWindow)...)
	for _, w := range todo {
		_, err := walk("log_entries", []window{w}, func(w window, at func(time.Time)) (bool, error) {
			query := w.query()
			query["is_overview"] = []string{"true"}
			if !w.start.Before(details) {
				query["include[]"] = []string{"incidents"}
			}
			return r.logPages(ctx, query, at, r.apply)
		})
		if err != nil {
			return err
		}
		if err := r.followedTo(start, earlier(w.end, now)); err != nil {
			return err
		}
	}
	r.followed = true
	return r.sendAbsent()
}

// logPages walks a listing of log entries. An entry that cannot be decoded
// leaves a doubt about its incident.
func (r *round) logPages(ctx context.Context, query map[string][]string, at func(time.Time), each func(*logEntryRecord)) (tooFar bool, err error) {
	return r.api.all(ctx, "log_entries", query, func(records []json.RawMessage) error {
		for _, raw := range records {
			e, err := decode[logEntryRecord](raw)
			if err != nil {
				r.skip("log_entry", idOf(raw, "id"), err)
				if k := r.memory.incidents.byID[evidence.Clean(idOf(raw, "incident", "id"), 100)]; k != nil {
					k.doubtful = true
				}
				continue
			}
			at(e.CreatedAt.Time)
			each(&e)
		}
		return nil
	})
}

// apply takes what an entry says into memory. Entries may come in any order and
// more than once.
func (r *round) apply(e *logEntryRecord) {
	k := r.memory.incidents.byID[evidence.Clean(idOf(e.Incident, "id"), 100)]
	if record, err := decode[incidentRecord](e.Incident); err == nil {
		k = r.learn(&record)
	}
	if k == nil {
		return // too old to be of interest, or not decodable when it was listed
	}
	at := e.CreatedAt.Time
	switch e.Type {
	case "trigger_log_entry":
		channel := e.channel()
		if channel != "" && (k.Channel == "" || !k.opened.IsZero() && at.Before(k.opened)) {
			k.Channel, k.MachineDetected, k.opened = channel, !byPerson(channel), at
		}
	case "acknowledge_log_entry":
		if k.AcknowledgedAt.IsZero() || at.Before(k.AcknowledgedAt) {
			k.AcknowledgedAt = latest(at, k.StartedAt)
		}
	case "resolve_log_entry":
		if k.open() && !k.UpdatedAt.IsZero() && at.After(k.UpdatedAt) {
			// It is too old to be listed again.
			k.ResolvedAt, k.UpdatedAt = at, at
		}
		if k.open() || at.Sub(k.ResolvedAt).Abs() > time.Minute {
			return // it was opened again
		}
		k.ended, k.endedAt = r.ender(e, k), k.ResolvedAt
		k.Resolver = k.ended
	}
}

// ender tells who resolved the incident of a resolve entry.
func (r *round) ender(e *logEntryRecord, k *known) evidence.Resolver {
	if e.channel() == "timeout" {
		return evidence.ResolverTimeout
	}
	by := endedBy(e.Agent)
	if by == evidence.ResolverIntegration && r.timedOut(k.service, k.ResolvedAt.Sub(k.StartedAt)) && e.Agent.kind() == "service" {
		return evidence.ResolverTimeout
	}
	if by == evidence.ResolverUnknown {
		return k.Resolver
	}
	return by
}

// followedTo notes that the log has been read from start until end, and stores
// what it told, with the cursor.
func (r *round) followedTo(start, end time.Time) error {
	m := r.memory.incidents
	now := r.now.Truncate(time.Second)
	followed := latest(m.followed, end)
	all := make([]*known, 0, len(m.byID))
	for _, k := range m.byID {
		if !k.StartedAt.Before(start) && (end.Equal(now) || !k.open() && k.ResolvedAt.Before(end)) {
			k.followed = true
		}
		all = append(all, k)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	before := m.followed
	m.followed = followed
	if err := r.sendIncidents(all, map[string]string{logCursor: stamp(followed)}); err != nil {
		m.followed = before
		return err
	}
	return nil
}

// sendAbsent withdraws incidents that only the store has as open: they are not
// among the open ones, twice in a row, and the log has not told of their end for
// as long as clocks may differ.
func (r *round) sendAbsent() error {
	m := r.memory.incidents
	batch := collectors.Batch{}
	var absent []string
	for id, k := range m.byID {
		if k.open() && k.absent > 1 && r.now.Sub(k.absentSince) >= absentFor {
			absent = append(absent, id)
			if k.sent.ID != "" {
				batch.Incidents = append(batch.Incidents, gone(k.sent))
			}
		}
	}
	if len(batch.Incidents) > 0 {
		if err := r.send(batch); err != nil {
			return err
		}
	}
	for _, id := range absent {
		delete(m.byID, id)
	}
	return nil
}
