package pagerduty

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// The fields of records that facts need. Of people only the id is decoded. What is
// null or absent is zero.

type reference struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// kind is the type of the referenced object.
func (r reference) kind() string {
	return strings.TrimSuffix(r.Type, "_reference")
}

// channel is what an incident was opened or changed through. That of a note has its
// text, in one field or the other.
type channel struct {
	Type    string `json:"type"`
	Summary text   `json:"summary"`
	Content text   `json:"content"`
}

// text is a text; anything else is empty.
type text string

// UnmarshalJSON reads a text.
func (t *text) UnmarshalJSON(data []byte) error {
	var read string
	if json.Unmarshal(data, &read) != nil {
		read = ""
	}
	*t = text(read)
	return nil
}

func (c channel) name() string { return evidence.Clean(c.Type, 100) }

type serviceRecord struct {
	ID                 string        `json:"id"`
	Name               string        `json:"name"`
	Status             string        `json:"status"`
	AckTimeout         *float64      `json:"acknowledgement_timeout"`
	AutoResolveTimeout *float64      `json:"auto_resolve_timeout"`
	Policy             policy        `json:"escalation_policy"`
	Integrations       []integration `json:"integrations"`
	Teams              []reference   `json:"teams"`
	Urgency            urgencyRule   `json:"incident_urgency_rule"`
	Grouping           struct {
		Type string `json:"type"`
	} `json:"alert_grouping_parameters"`
	AutoPause struct {
		Enabled bool `json:"enabled"`
	} `json:"auto_pause_notifications_parameters"`
}

func (s *serviceRecord) check() error { return cmp.Or(lacks("id", s.ID), lacks("status", s.Status)) }

// policyID is empty for a service without an escalation policy.
func (s *serviceRecord) policyID() string { return s.Policy.ID }

// integration is one of a service's.
type integration struct {
	reference
	// key is empty for one without a key, or whose key cannot be read.
	key catalog.IntegrationKey
}

// UnmarshalJSON reads a reference, and the key if it is a text.
func (i *integration) UnmarshalJSON(data []byte) error {
	*i = integration{}
	if err := json.Unmarshal(data, &i.reference); err != nil {
		return err
	}
	var keyed struct {
		Key catalog.IntegrationKey `json:"integration_key"`
	}
	if json.Unmarshal(data, &keyed) == nil {
		i.key = keyed.Key
	}
	return nil
}

// urgencyRule says how urgent the incidents of a service are: always the same, or
// different inside and outside its support hours.
type urgencyRule struct {
	Type    string `json:"type"`
	Urgency string `json:"urgency"`
	During  struct {
		Urgency string `json:"urgency"`
	} `json:"during_support_hours"`
	Outside struct {
		Urgency string `json:"urgency"`
	} `json:"outside_support_hours"`
}

// urgencies are those that the rule can give, one, or one within and one outside
// support hours: high, low, or severity_based for either. They are empty for a rule
// of an unknown type.
func (u *urgencyRule) urgencies() []string {
	list := []string{u.Urgency}
	if u.Type == "use_support_hours" {
		list = []string{u.During.Urgency, u.Outside.Urgency}
	}
	known := func(urgency string) bool { return urgency == "high" || urgency == "low" || urgency == "severity_based" }
	if u.Type != "constant" && len(list) == 1 || !known(list[0]) || !known(list[len(list)-1]) {
		return nil
	}
	return list
}

type policy struct {
	ID string `json:"id"`
	// Rules are the levels; nil in a record without them.
	Rules []escalationRule `json:"escalation_rules"`
}

type escalationRule struct {
	Targets []target `json:"targets"`
}

// target is whom a level notifies: a person or a schedule.
type target struct {
	reference
	// name is that of a schedule; the names of people are not kept.
	name string
}

// UnmarshalJSON reads a reference, of a schedule with its name.
func (t *target) UnmarshalJSON(data []byte) error {
	*t = target{}
	if err := json.Unmarshal(data, &t.reference); err != nil {
		return err
	}
	if !strings.HasPrefix(t.Type, "schedule") {
		return nil
	}
	var named struct {
		Name    string `json:"name"`
		Summary string `json:"summary"`
	}
	if json.Unmarshal(data, &named) == nil {
		t.name = evidence.Clean(strings.TrimSpace(cmp.Or(named.Summary, named.Name)), maxName)
	}
	return nil
}

// hasTarget reports whether the level notifies a person or a schedule.
func (e escalationRule) hasTarget() bool {
	return slices.ContainsFunc(e.Targets, func(to target) bool { return to.ID != "" })
}

// schedules names the schedules of the levels, each once, with its id where it has no
// name.
func schedules(rules []escalationRule) []string {
	var names []string
	for _, rule := range rules {
		for _, to := range rule.Targets {
			name := cmp.Or(to.name, to.ID)
			if strings.HasPrefix(to.Type, "schedule") && name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func (p *policy) check() error {
	return cmp.Or(lacks("id", p.ID), wrong(p.Rules == nil, "no escalation rules"))
}

type onCallRecord struct {
	Policy reference `json:"escalation_policy"`
	User   reference `json:"user"`
	// Schedule may be of any kind, and null for a user who is named by the
	// policy itself.
	Schedule reference `json:"schedule"`
	Level    int       `json:"escalation_level"`
	Start    instant   `json:"start"`
	End      instant   `json:"end"`
}

func (o *onCallRecord) shift() shift {
	return shift{
		user: o.User.ID, level: o.Level, start: o.Start.Time, end: o.End.Time,
		permanent: o.Schedule.ID == "" && o.Start.IsZero() && o.End.IsZero(),
	}
}

func (o *onCallRecord) check() error {
	return cmp.Or(
		lacks("escalation policy", o.Policy.ID),
		lacks("user", o.User.ID),
		wrong(o.Level < 1, "no escalation level"),
		wrong(!o.Start.IsZero() && !o.End.IsZero() && o.End.Before(o.Start.Time), "it ends before it starts"),
	)
}

type incidentRecord struct {
	ID                 string    `json:"id"`
	Title              string    `json:"title"`
	URL                string    `json:"html_url"`
	Status             string    `json:"status"`
	Urgency            string    `json:"urgency"`
	CreatedAt          instant   `json:"created_at"`
	UpdatedAt          instant   `json:"updated_at"`
	ResolvedAt         instant   `json:"resolved_at"`
	LastStatusChangeAt instant   `json:"last_status_change_at"`
	LastStatusChangeBy reference `json:"last_status_change_by"`
	Service            reference `json:"service"`
	Policy             reference `json:"escalation_policy"`
	// Type has no name in accounts that have no types of incidents.
	Type struct {
		Name string `json:"name"`
	} `json:"incident_type"`
	Priority struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Summary string `json:"summary"`
	} `json:"priority"`
	FirstTrigger struct {
		Channel channel   `json:"channel"`
		Agent   reference `json:"agent"`
	} `json:"first_trigger_log_entry"`
	// ResolveReason is empty where the record does not have it; see mergedInto.
	ResolveReason      json.RawMessage `json:"resolve_reason"`
	ExternalReferences []struct {
		ID  string `json:"external_id"`
		URL string `json:"external_url"`
	} `json:"external_references"`
	// CustomFields is empty where the record does not have them.
	CustomFields json.RawMessage `json:"custom_fields"`
}

func (i *incidentRecord) check() error {
	return cmp.Or(
		lacks("id", i.ID),
		wrong(i.CreatedAt.IsZero(), "no created_at"),
		lacks("status", i.Status),
		lacks("service", i.Service.ID),
	)
}

// instant is a time that may be null or empty.
type instant struct{ time.Time }

// UnmarshalJSON reads RFC 3339; null and "" are the zero time.
func (t *instant) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	if text == nil || *text == "" {
		t.Time = time.Time{}
		return nil
	}
	at, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return fmt.Errorf("a time is not RFC 3339: %w", err)
	}
	t.Time = at.UTC()
	return nil
}

// lacks is an error for a text that is empty, and wrong for a condition that is
// true. Several are tested with cmp.Or, which returns the first error.
func lacks(name, text string) error { return wrong(text == "", "no "+name) }

func wrong(condition bool, text string) error {
	if !condition {
		return nil
	}
	return errors.New(text)
}

// checked is a record whose check says what makes it useless.
type checked[T any] interface {
	*T
	check() error
}

// decode decodes and checks one record.
func decode[T any, P checked[T]](raw json.RawMessage) (*T, error) {
	record := new(T)
	if err := json.Unmarshal(raw, record); err != nil {
		return nil, err
	}
	return record, P(record).check()
}

// decodeOr decodes one record of a page. For a record that cannot be decoded the
// result is nil; it is counted as of the kind, and bad is called with its id as far
// as it can be read.
func decodeOr[T any, P checked[T]](
	r *round, kind string, raw json.RawMessage, bad func(id string, raw json.RawMessage),
) *T {
	record, err := decode[T, P](raw)
	if err == nil {
		return record
	}
	id := idOf(raw, "id")
	r.skip(kind, id, err)
	bad(id, raw)
	return nil
}

// timeOf reads the time in a field of a record that could not be decoded; otherwise if
// there is none.
func timeOf(raw json.RawMessage, field string, otherwise time.Time) time.Time {
	var fields map[string]json.RawMessage
	var at instant
	if json.Unmarshal(raw, &fields) != nil || json.Unmarshal(orNull(fields[field]), &at) != nil || at.IsZero() {
		return otherwise
	}
	return at.Time
}

// idOf reads the id at the path of fields in a record that could not be decoded;
// empty when there is none.
func idOf(raw json.RawMessage, path ...string) string {
	for _, field := range path {
		var fields map[string]json.RawMessage
		if json.Unmarshal(raw, &fields) != nil {
			return ""
		}
		raw = fields[field]
	}
	var id string
	if len(raw) == 0 || json.Unmarshal(raw, &id) != nil {
		return ""
	}
	return strings.TrimSpace(id)
}
