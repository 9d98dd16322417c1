package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// leastSevere is the number of the least severe incidents, and of all beyond it.
const leastSevere = 5

// priorityRecord is one of an account's own priorities. PagerDuty lists them from
// most to least severe.
type priorityRecord struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (p *priorityRecord) check() error { return cmp.Or(lacks("id", p.ID), lacks("name", p.Name)) }

// priorities are the severities of the account's priorities, by id and, for one that
// was deleted or is of another version of an incident, by name.
type priorities struct{ byID, byName map[string]int }

// prioritiesListing declares the list of priorities. It is asked for once a day, and
// only where an incident has one that the configuration does not map. A name such as P1
// is not enough: in an account that also has P0 it is the second.
func prioritiesListing() listing {
	return listing{
		path: "priorities", scope: "priorities.read", records: "priorities", every: day, ifNeeded: true,
		queries: func(r *round) []url.Values {
			for _, k := range r.memory.incidents.byID {
				if k.Priority != "" && k.concerned() && r.severities[folded(k.Priority)] == 0 {
					return []url.Values{{}}
				}
			}
			return nil
		},
		collect: []step{(*round).listPriorities},
	}
}

// isStandard reports whether a priority has the name of one of those that PagerDuty
// proposes, P1 to P5, so that its severity can be read from it.
func isStandard(name string) bool {
	name = folded(name)
	return len(name) == 2 && name[0] == 'p' && name[1] >= '1' && name[1] <= '5'
}

// listPriorities lists the account's priorities and gives the incidents in memory
// their severities. Without the permission severities are read from the names.
func (r *round) listPriorities(ctx context.Context) error {
	l := prioritiesListing()
	if !r.due(l.key(), l.every) || len(l.queries(r)) == 0 {
		return nil
	}
	found, rank := priorities{byID: map[string]int{}, byName: map[string]int{}}, 0
	read := decoded("priority", func(p *priorityRecord) {
		severity := min(rank+1, leastSevere)
		found.byID[p.ID], found.byName[folded(p.Name)] = severity, severity
	}, func(string, json.RawMessage) {})
	err := r.api.complete(ctx, l.path, l.cursor, url.Values{}, func(records []json.RawMessage) error {
		for _, raw := range records {
			read(r, raw)
			rank++ // one that cannot be decoded has its place in the order
		}
		return nil
	})
	failed, ok := errors.AsType[*collectors.CallError](err)
	if ok && failed.Reason == evidence.ReasonForbidden {
		r.log.Log(ctx, r.levelOfRefusedPriorities(), "PagerDuty refuses to list priorities: severities are read from their names, and tried again tomorrow; "+
			"give the credential the scope priorities.read, or map the names with severities", "error", err)
		return r.done(l.key(), nil)
	}
	if err != nil {
		return err
	}
	r.memory.priorities = &found
	for _, k := range r.memory.incidents.byID {
		k.Severity = r.severity(k.priorityID, k.Priority)
	}
	return r.done(l.key(), nil)
}

// levelOfRefusedPriorities is a warning only where the names alone may not be enough.
func (r *round) levelOfRefusedPriorities() slog.Level {
	for _, k := range r.memory.incidents.byID {
		if k.Priority != "" && k.concerned() && r.severities[folded(k.Priority)] == 0 && !isStandard(k.Priority) {
			return slog.LevelWarn
		}
	}
	return slog.LevelInfo
}

// severity is that of a priority: as the configuration maps its name, else by its
// place among the account's priorities, else by a digit in its name; 0 for unknown.
func (r *round) severity(id, name string) int {
	if severity, mapped := r.severities[folded(name)]; mapped {
		return severity
	}
	if listed := r.memory.priorities; listed != nil {
		if severity := cmp.Or(listed.byID[id], listed.byName[folded(name)]); severity != 0 {
			return severity
		}
	}
	return digit(name)
}

// digit reads names such as P1, SEV-2 or 3 - Minor; 0 for others. P0 is as severe as
// P1.
func digit(name string) int {
	i := strings.IndexAny(name, "0123456789")
	if i < 0 || i+1 < len(name) && name[i+1] >= '0' && name[i+1] <= '9' {
		return 0
	}
	if n := max(int(name[i]-'0'), 1); n <= leastSevere {
		return n
	}
	return 0
}

// folded is a name as it is compared: without its case and the spaces around it.
func folded(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
