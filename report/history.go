package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// History is how the badge of a service came to be, as one time line: the answer of
// `collector history SERVICE`.
type History struct {
	Service string `json:"service"`
	// At is the end of the time line, Since its begin.
	At    time.Time `json:"at"`
	Since time.Time `json:"since"`
	// KnownSince is since when the store has anything of it; before is not known.
	KnownSince time.Time `json:"known_since"`
	Framework  Framework `json:"framework"`
	// Badge is the badge with its clocks at the end.
	Badge BadgeDetail `json:"badge"`
	// Events are the newest first.
	Events []Event `json:"events"`
}

// EventKind is what an event is about.
type EventKind string

// The kinds of events. Of an event at most one of the fields of that name is set.
const (
	EventBadge     EventKind = "badge"
	EventHold      EventKind = "hold"
	EventCheck     EventKind = "check"
	EventFramework EventKind = "framework"
	EventExemption EventKind = "exemption"
	EventReview    EventKind = "review"
	EventIncident  EventKind = "incident"
)

// Event is one thing that happened to a service.
type Event struct {
	At   time.Time `json:"at"`
	Kind EventKind `json:"kind"`
	// Text says it in one sentence, without the details below.
	Text string `json:"text"`
	// Until is the end of a hold; absent while it lasts.
	Until time.Time `json:"until,omitzero"`
	// Transition is a change of the badge.
	Transition *Transition `json:"transition,omitempty"`
	// Check is a check that has changed its status.
	Check *CheckChange `json:"check,omitempty"`
	// Review is the ticket of a review that was opened or completed.
	Review *ReviewTicket `json:"review,omitempty"`
	// Incident began at that time.
	Incident *Incident `json:"incident,omitempty"`
}

// CheckChange is a check that has changed its status, with what has changed of the facts
// that it reads.
type CheckChange struct {
	Check  string `json:"check"`
	Title  string `json:"title,omitempty"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Facts are those that changed while the check had its earlier status. Without any
	// time alone has changed it, or something of the service or the criteria.
	Facts []FactMoved `json:"facts"`
}

// FactMoved is a fact before and after a change; text in the unit of the fact, empty
// without a value.
type FactMoved struct {
	Fact   string    `json:"fact"`
	Source string    `json:"source"`
	Before string    `json:"before"`
	After  string    `json:"after"`
	At     time.Time `json:"at"`
}

// ReviewTicket is a review as the time line has it.
type ReviewTicket struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	Name   string `json:"name"`
	// What is opened or completed.
	What string `json:"what"`
}

// Held is a time in which the badge was on hold.
type Held struct {
	Since, Until time.Time
	Reason       string
}

// FrameworkChange is when judging by other criteria began.
type FrameworkChange struct {
	At        time.Time
	Framework string
}

// FactChange is what a fact was from a time on, by a source.
type FactChange struct {
	At     time.Time
	Source string
	// Value is invalid where it was withdrawn.
	Value     evidence.Value
	Withdrawn evidence.Missing
}

// HistoryInput is what a time line is made of: what is stored of one service since a time.
type HistoryInput struct {
	Snapshot *snapshot.Snapshot
	Service  string
	Since    time.Time
	// KeptSince is since when the store keeps history.
	KeptSince   time.Time
	Transitions []scoring.Transition
	// Holds have ended; the present one is in the snapshot.
	Holds      []Held
	Frameworks []FrameworkChange
	// Statuses are those of each check that ended since, and the present ones that began
	// since.
	Statuses []snapshot.StatusSpan
	// Facts are the histories of the facts that the checks of Statuses read, by name, the
	// oldest first.
	Facts      map[string][]FactChange
	Exemptions []scoring.Exemption
	Reviews    []evidence.Review
	Incidents  []correlation.Listed
}

// NewHistory makes the time line of a service that the snapshot has. It is pure.
func NewHistory(in HistoryInput) History {
	s := in.Snapshot
	found, _ := s.Find(in.Service)
	h := History{
		Service: in.Service, At: stamp(s.At), Since: stamp(in.Since), KnownSince: stamp(in.KeptSince),
		Framework: frameworkOf(s.CriteriaOf(&found)), Badge: badgeOf(s.CriteriaOf(&found), &found), Events: []Event{},
	}
	if first := stamp(found.Badge.FirstJudged); first.After(h.KnownSince) {
		h.KnownSince = first
	}
	h.addBadge(&in, &found)
	h.addChecks(&in)
	// Of events of one kind and second the later one is above.
	for _, f := range slices.Backward(in.Frameworks) {
		h.add(Event{At: f.At, Kind: EventFramework, Text: "judged by " + f.Framework + " from here on"})
	}
	h.addExemptions(&in)
	h.addReviews(&in)
	for _, l := range in.Incidents {
		row := newIncident(l, s.At)
		h.add(Event{At: row.Started.At, Kind: EventIncident, Text: incidentText(&row), Incident: &row})
	}
	slices.SortStableFunc(h.Events, func(a, b Event) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)))
	})
	return h
}

// kindOrder puts what explains an event of the same second below it: the newest first.
func kindOrder(kind EventKind) int {
	order := []EventKind{
		EventBadge, EventHold, EventCheck, EventExemption, EventFramework, EventReview, EventIncident,
	}
	return slices.Index(order, kind)
}

// add adds an event of the time line.
func (h *History) add(e Event) {
	if e.At = stamp(e.At); e.At.Before(h.Since) && (e.Until.IsZero() || e.Until.Before(h.Since)) || e.At.After(h.At) {
		return
	}
	h.Events = append(h.Events, e)
}

func (h *History) addBadge(in *HistoryInput, found *snapshot.Service) {
	for i := range in.Transitions {
		t := transitionOf(&in.Transitions[i])
		h.add(Event{At: t.At, Kind: EventBadge, Text: transitionText(t), Transition: t})
	}
	for _, hold := range in.Holds {
		until := stamp(hold.Until)
		h.add(Event{At: hold.Since, Until: until, Kind: EventHold,
			Text: fmt.Sprintf("on hold for %s: %s", lasting(hold.Until.Sub(hold.Since)), hold.Reason)})
	}
	if hold := found.Badge.Hold; found.Badge.OnHold() {
		h.Events = append(h.Events, Event{At: stamp(hold.Since), Kind: EventHold,
			Text: "on hold since then: " + hold.Reason})
	}
}

// transitionText says a change of the badge: Silver to Gold, because of evidence.
func transitionText(t *Transition) string {
	name := func(badge string) string {
		if badge == "none" {
			return "no badge"
		}
		return titled(badge)
	}
	text := name(t.From) + " → " + name(t.To)
	switch t.Cause {
	case string(scoring.CauseInitial):
		text += ", the first judgement"
	default:
		text += ", because of " + causeWord(t.Cause)
	}
	for i, cause := range t.Contributing {
		text += map[bool]string{true: "; also ", false: ", "}[i == 0] + causeWord(cause)
	}
	if t.Framework != "" {
		text += " (" + t.Framework + ")"
	}
	if !t.Announced && t.Cause != string(scoring.CauseInitial) {
		text += ", not announced"
	}
	return text
}

// causeWord says a cause in words.
func causeWord(cause string) string {
	switch scoring.Cause(cause) {
	case scoring.CauseEvidence:
		return "evidence"
	case scoring.CauseCriteria:
		return "other criteria"
	case scoring.CauseExemption:
		return "an exemption"
	case scoring.CauseService:
		return "a change of the catalog entry"
	case scoring.CauseLapse:
		return "evidence that was missing for too long"
	}
	return cause
}

// addChecks adds each change of a status. The first status of a check is none.
func (h *History) addChecks(in *HistoryInput) {
	byCheck := map[string][]snapshot.StatusSpan{}
	for _, span := range in.Statuses {
		byCheck[span.Check] = append(byCheck[span.Check], span)
	}
	for _, id := range slices.Sorted(maps.Keys(byCheck)) {
		spans := byCheck[id]
		slices.SortFunc(spans, func(a, b snapshot.StatusSpan) int { return a.Since.Compare(b.Since) })
		for i := 1; i < len(spans); i++ {
			before, after := spans[i-1], spans[i]
			if !before.Until.Equal(after.Since) {
				continue
			}
			change := &CheckChange{Check: id, Before: before.Status.String(), After: after.Status.String(),
				Facts: []FactMoved{}}
			if check, _, err := in.Snapshot.Check(id); err == nil {
				change.Title = check.Title
				for _, index := range check.Facts {
					d := in.Snapshot.Framework.Facts().At(index)
					change.Facts = append(change.Facts, moved(d, in.Facts[d.Name], before.Since, after.Since)...)
				}
			}
			h.add(Event{At: after.Since, Kind: EventCheck, Check: change,
				Text: id + " " + change.words()})
		}
	}
}

// words say the change: pass → not applicable.
func (c *CheckChange) words() string {
	return strings.ReplaceAll(c.Before+" → "+c.After, "_", " ")
}

// moved are the last change of a fact by each source between two times.
func moved(d evidence.Definition, history []FactChange, since, until time.Time) []FactMoved {
	last := map[string]FactChange{}
	changed := map[string]FactMoved{}
	for _, f := range history {
		if f.At.After(until) {
			break
		}
		if before, known := last[f.Source]; known && f.At.After(since) {
			changed[f.Source] = FactMoved{
				Fact: d.Name, Source: f.Source, Before: before.text(d), After: f.text(d), At: stamp(f.At),
			}
		}
		last[f.Source] = f
	}
	var out []FactMoved
	for _, source := range slices.Sorted(maps.Keys(changed)) {
		if m := changed[source]; m.Before != m.After {
			out = append(out, m)
		}
	}
	return out
}

// text is the value in the unit of the fact, as it was at that time.
func (f FactChange) text(d evidence.Definition) string {
	if f.Value.Kind() == evidence.KindInvalid {
		return ""
	}
	return valueOf(d.Read(f.Value, f.At)).Text(d.Unit)
}

// addExemptions adds the end of those in force that have ended. That they began is seen
// at their checks.
func (h *History) addExemptions(in *HistoryInput) {
	found, ok := in.Snapshot.Find(in.Service)
	if !ok || found.Entry == nil {
		return
	}
	subject := scoring.NewSubject(found.Entry, in.Snapshot.Framework.Facts(), found.Evidence)
	for i := range in.Exemptions {
		e := &in.Exemptions[i]
		if !e.Selects(&subject) {
			continue
		}
		h.add(Event{At: e.Expires, Kind: EventExemption, Text: fmt.Sprintf(
			"from %s ended (%s, %s)", e.Check, e.Reason, agreed(e.RequestedBy, e.Approver, e.Ticket))})
	}
}

func (h *History) addReviews(in *HistoryInput) {
	for i := range in.Reviews {
		r := &in.Reviews[i]
		if r.Gone {
			continue
		}
		add := func(at time.Time, what string) {
			if !at.IsZero() {
				h.add(Event{At: at, Kind: EventReview, Text: r.Name() + " " + what,
					Review: &ReviewTicket{Source: r.Source, ID: r.ID, Name: r.Name(), What: what}})
			}
		}
		add(r.CreatedAt, "opened")
		add(r.CompletedAt, "completed")
	}
}

// incidentText says an incident: severity 2, ended after 35 minutes by a person.
func incidentText(in *Incident) string {
	var parts []string
	if names := in.names(); names != "" {
		parts = append(parts, names)
	}
	if in.Severity > 0 {
		parts = append(parts, fmt.Sprintf("severity %d", in.Severity))
	}
	switch {
	case in.Censored == "end_unknown":
		parts = append(parts, "ended at an unknown time")
	case in.LastedSeconds == nil:
	case in.Censored == "open":
		parts = append(parts, "open for "+lasting(time.Duration(*in.LastedSeconds)*time.Second))
	default:
		parts = append(parts, "ended after "+lasting(time.Duration(*in.LastedSeconds)*time.Second))
	}
	if word := in.noiseWord(); word != none {
		parts = append(parts, "noise: "+word)
	}
	if in.Excluded != "" {
		parts = append(parts, "within "+in.Excluded)
	}
	return strings.Join(parts, ", ")
}

// WriteJSON writes the time line.
func (h History) WriteJSON(w io.Writer) error { return writeJSON(w, h, "history") }
