package evidence

import "time"

// LogEntry is one thing that happened to an incident, from the log of its
// source. Only what facts read is kept. An entry never changes: it may be
// stored any number of times.
type LogEntry struct {
	// ID identifies the entry at its source.
	ID string
	// Incident is the id of the incident that it happened to. The incident itself
	// may be stored later, or never.
	Incident string
	// Kind says what happened.
	Kind LogEntryKind
	// At is when it happened; always set.
	At time.Time
	// AgentKind is the source's own word for the kind of agent: user, service; empty
	// when the source does not say.
	AgentKind string
	// Person is the keyed hash of the person who did it, or who was notified; empty for
	// other agents, and without a key for hashes.
	Person string
	// Assignees are the keyed hashes of the people that the incident was assigned
	// to.
	Assignees []string
	// Channel is how the change was made, in the source's own word: api, website,
	// timeout; empty when the source does not say.
	Channel string
	// Words identifies the words that were looked for in the text of a note, which is
	// not kept; empty for a text that was not read. FalseAlarm is true if one of them
	// was there: the note says that nothing was wrong.
	Words      string
	FalseAlarm bool
	// Summary is set for LogSummary alone.
	Summary *IncidentSummary
}

// LogEntryKind says what happened to an incident.
type LogEntryKind string

// The kinds of log entries.
const (
	LogTrigger     LogEntryKind = "trigger"
	LogAcknowledge LogEntryKind = "acknowledge"
	LogResolve     LogEntryKind = "resolve"
	LogEscalate    LogEntryKind = "escalate"
	LogAssign      LogEntryKind = "assign"
	LogReassign    LogEntryKind = "reassign"
	LogDelegate    LogEntryKind = "delegate"
	LogAnnotate    LogEntryKind = "annotate"
	LogNotify      LogEntryKind = "notify"
	// LogUndecodable is an entry that could not be decoded, so that it is unknown what
	// happened. A later version of the entry replaces it.
	LogUndecodable LogEntryKind = "undecodable"
	// LogSummary is what was stored of an incident before its entries were stored: it
	// replaces all entries up to its time.
	LogSummary LogEntryKind = "summary"
)

// IncidentSummary is the result of all entries of an incident up to a time. Its
// fields are those of Incident.
type IncidentSummary struct {
	AcknowledgedAt time.Time `json:"acknowledged,omitzero"`
	ResolvedAt     time.Time `json:"resolved,omitzero"`
	Resolver       Resolver  `json:"resolver,omitempty"`
	Escalations    int       `json:"escalations,omitempty"`
	Reassignments  int       `json:"reassignments,omitempty"`
	Notes          int       `json:"notes,omitempty"`
	Responders     []string  `json:"responders,omitempty"`
	FalseAlarm     Answer    `json:"false_alarm,omitempty"`
}
