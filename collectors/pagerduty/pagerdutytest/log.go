package pagerdutytest

import (
	"cmp"
	"fmt"
	"sort"
	"strings"
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

// Note is a note of an incident.
type Note struct {
	At time.Time
	// Text is what it says; Looking into it. when empty.
	Text string
	// By is the type of reference of who wrote it: user_reference when empty.
	By string
}

// timeoutSlack is how late after its time an automatic resolution may come.
const timeoutSlack = 2 * time.Minute

// logEntry is one thing that happened to an incident.
type logEntry struct {
	at       time.Time
	incident *Incident
	// kind is the type of the entry without _log_entry.
	kind string
	// nth is which of its kind it is: of Notifications, Notes, AssignedTo, or
	// Moves and, in to, whom the move assigned it to.
	nth, to int
}

// assigned is the kind of an entry about the first assignment, which is an
// assignment as others are.
const assigned = "assign first"

// machineAcknowledged is the kind of an acknowledgement by automation.
const machineAcknowledged = "acknowledge by machine"

// Move is an escalation or an assignment of an incident.
type Move struct {
	At time.Time
	// Kind is escalate, assign or delegate; assign when empty.
	Kind string
	// By is the id of the user who did it; empty for PagerDuty itself.
	By string
	// To are the ids of the users it went to. Each has a log entry.
	To []string
}

// overview reports whether the entry is one of the most important changes. The
// vendor does not say which those are; the fake leaves out as much as it may.
func (e *logEntry) overview() bool {
	return e.kind == "trigger" || e.kind == machineAcknowledged || e.kind == "acknowledge" || e.kind == "resolve"
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
		add := func(at time.Time, kind string, nth, to int) {
			log = append(log, logEntry{at: at, incident: in, kind: kind, nth: nth, to: to})
		}
		add(in.CreatedAt, "trigger", 0, 0)
		for n := range in.AssignedTo {
			add(in.CreatedAt, assigned, n, 0)
		}
		for n, to := range in.Notifications {
			add(to.At, "notify", n, 0)
		}
		for n, note := range in.Notes {
			add(note.At, "annotate", n, 0)
		}
		for n, move := range in.Moves {
			kind := move.Kind
			if kind == "" {
				kind = "assign"
			}
			for to := range max(len(move.To), 1) {
				add(move.At, kind, n, to)
			}
		}
		if !in.MachineAcknowledgedAt.IsZero() {
			add(in.MachineAcknowledgedAt, machineAcknowledged, 0, 0)
		}
		if !in.AcknowledgedAt.IsZero() {
			add(in.AcknowledgedAt, "acknowledge", 0, 0)
		}
		if !in.ResolvedAt.IsZero() {
			add(in.ResolvedAt, "resolve", 0, 0)
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
	service := reference(in.Service, "service", x.services[in.Service].Name)
	id, kind, agent := in.ID+"L", e.kind, service
	var channel, content string
	if kind != "trigger" {
		id = fmt.Sprintf("%sL%s%d", in.ID, strings.ReplaceAll(kind, " ", ""), e.nth)
	}
	if e.to > 0 {
		id += fmt.Sprintf(".%d", e.to)
	}
	o := object{
		"id": id, "summary": kind, "created_at": timeOrNull(e.at), "service": service,
		"incident": reference(in.ID, "incident", in.Title),
		"teams":    []object{}, "contexts": []object{}, "event_details": object{"severity": 3},
	}
	assignee := func(list []string, i int) {
		o["assignees"] = []object{}
		if i < len(list) {
			o["assignees"] = []object{reference(list[i], "user", "Somebody "+list[i])}
		}
	}
	switch kind {
	case "trigger":
		channel = in.Channel
		o["agent"] = in.opener()
	case assigned:
		kind, channel = "assign", "auto"
		assignee(in.AssignedTo, e.nth)
	case "notify":
		to := in.Notifications[e.nth]
		if channel = to.Channel; channel == "" {
			channel = "push_notification"
		}
		o["user"] = reference(to.User, "user", "Somebody "+to.User)
	case "annotate":
		note := in.Notes[e.nth]
		agent, channel, content = in.acknowledger(), "note", cmp.Or(note.Text, "Looking into it.")
		if note.By != "" {
			agent = object{"id": "PWRITER", "type": note.By, "summary": "Somebody"}
		}
	case "acknowledge":
		agent, channel = in.acknowledger(), "website"
	case machineAcknowledged:
		kind, channel = "acknowledge", "api"
	case "resolve":
		agent, channel = object{"id": in.ResolvedByID, "type": in.ResolvedBy, "summary": "Somebody"}, x.resolvedThrough(in)
	default: // a move
		move := in.Moves[e.nth]
		channel = map[string]string{"escalate": "timeout"}[kind]
		channel = cmp.Or(channel, "auto")
		if move.By != "" {
			agent, channel = reference(move.By, "user", "Somebody "+move.By), "website"
		}
		assignee(move.To, e.to)
	}
	o["type"], o["channel"] = kind+"_log_entry", object{"type": nullable(channel)}
	if content != "" {
		o["channel"] = object{"type": channel, "summary": content}
	}
	if kind != "trigger" {
		o["agent"] = agent
	}
	if include["incidents"] {
		o["incident"] = x.incident(in, nil, now)
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
	for i := start; i < len(log) && !log[i].at.Before(from) && len(list) <= q.offset+q.limit; i++ {
		if !overview || log[i].overview() {
			list = append(list, &log[i])
		}
	}
	return list, nil
}
