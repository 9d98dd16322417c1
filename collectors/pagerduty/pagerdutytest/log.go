package pagerdutytest

import (
	"fmt"
	"sort"
	"time"
)

// Notification is one message to one person about an incident.
type Notification struct {
	At time.Time
	// User is the id of the person.
	User string
	// Channel is sms, phone, push_notification or email; push_notification when
	// empty.
	Channel string
}

// timeoutSlack is how late after its time an automatic resolution may come.
const timeoutSlack = 2 * time.Minute

// logEntry is one thing that happened to an incident.
type logEntry struct {
	at       time.Time
	incident *Incident
	// kind is the type of the entry without _log_entry.
	kind    string
	nth     int
	agent   object
	channel string
	// user is who was notified.
	user string
}

// overview reports whether the entry is one of the most important changes.
// Notifications and notes are not.
func (e *logEntry) overview() bool {
	return e.kind == "trigger" || e.kind == "acknowledge" || e.kind == "resolve"
}

func (in *Incident) acknowledger() object {
	if in.AcknowledgedBy == "" {
		return reference("PUSER", "user", "Somebody")
	}
	return reference(in.AcknowledgedBy, "user", "Somebody")
}

// newLog is the log of all incidents, newest first, whether it has happened yet
// or not.
func (x *index) newLog() []logEntry {
	var log []logEntry
	for i := range x.Incidents {
		in := &x.Incidents[i]
		service := reference(in.Service, "service", x.services[in.Service].Name)
		log = append(log, logEntry{at: in.CreatedAt, incident: in, kind: "trigger", agent: service, channel: in.Channel})
		for n, to := range in.Notifications {
			channel := to.Channel
			if channel == "" {
				channel = "push_notification"
			}
			log = append(log, logEntry{at: to.At, incident: in, kind: "notify", nth: n, agent: service, channel: channel, user: to.User})
		}
		for n, at := range in.Notes {
			log = append(log, logEntry{at: at, incident: in, kind: "annotate", nth: n, agent: in.acknowledger(), channel: "note"})
		}
		if !in.AcknowledgedAt.IsZero() {
			log = append(log, logEntry{at: in.AcknowledgedAt, incident: in, kind: "acknowledge", agent: in.acknowledger(), channel: "website"})
		}
		if !in.ResolvedAt.IsZero() {
			log = append(log, logEntry{
				at: in.ResolvedAt, incident: in, kind: "resolve", channel: x.resolvedThrough(in),
				agent: object{"id": in.ResolvedByID, "type": in.ResolvedBy, "summary": "Somebody"},
			})
		}
	}
	sort.SliceStable(log, func(i, j int) bool { return log[i].at.After(log[j].at) })
	return log
}

func (x *index) resolvedThrough(in *Incident) string {
	after, limit := in.ResolvedAt.Sub(in.CreatedAt), x.services[in.Service].AutoResolve
	switch {
	case in.ResolvedBy == "user_reference":
		return "website"
	case in.ResolvedBy == "service_reference" && limit > 0 && after >= limit && after <= limit+timeoutSlack:
		return "timeout"
	}
	return "api"
}

func (x *index) logEntry(e *logEntry, include map[string]bool, now time.Time) object {
	in := e.incident
	id := fmt.Sprintf("%sL", in.ID)
	if e.kind != "trigger" {
		id = fmt.Sprintf("%sL%s%d", in.ID, e.kind, e.nth)
	}
	o := object{
		"id": id, "type": e.kind + "_log_entry", "summary": e.kind, "created_at": timeOrNull(e.at),
		"agent": e.agent, "channel": object{"type": nullable(e.channel)},
		"incident": reference(in.ID, "incident", in.Title),
		"service":  reference(in.Service, "service", x.services[in.Service].Name),
		"teams":    []object{}, "contexts": []object{}, "event_details": object{"severity": 3},
	}
	if include["incidents"] {
		o["incident"] = x.incident(in, nil, now)
	}
	if e.user != "" {
		o["user"] = reference(e.user, "user", "Somebody "+e.user)
	}
	return o
}

// listLog is the log of a window, newest first.
func (s *Server) listLog(q query, account *index, now time.Time) ([]*logEntry, *refusal) {
	from, to, refused := s.window(q, now)
	if refused != nil {
		return nil, refused
	}
	overview := q.values.Get("is_overview") == "true"
	log := account.log
	// The log is newest first, so that the window begins at its end.
	start := sort.Search(len(log), func(i int) bool { return log[i].at.Before(to) && !log[i].at.After(now) })
	var list []*logEntry
	for i := start; i < len(log) && !log[i].at.Before(from); i++ {
		if !overview || log[i].overview() {
			list = append(list, &log[i])
		}
	}
	return list, nil
}
