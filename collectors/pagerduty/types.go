package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Accounts may have types of incidents of their own, such as requests for service,
// which are no outages. The option IncidentTypes says which count.

var _ collectors.Noter = (*Source)(nil)

// maxVerified is how many incidents, the newest ones, Verify reads for their types,
// give or take a page.
const maxVerified = 1000

// counted reports whether incidents of the type count. One whose type PagerDuty does
// not say does.
func (s *Source) counted(incidentType string) bool {
	_, named := s.types[folded(incidentType)]
	return named || len(s.types) == 0 || incidentType == ""
}

// typeName is the name of the incident's type; empty for none.
func (i *incidentRecord) typeName() string {
	return evidence.Clean(strings.TrimSpace(i.Type.Name), 100)
}

// typeCounts says how many incidents there are of each type, and which do not count:
// Base Incident 12, Service request 3 (do not count), without a type 1. It is empty if
// none has a type and the configuration names none.
func (s *Source) typeCounts(seen map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if name == "" {
			continue
		}
		text := fmt.Sprintf("%s %d", name, seen[name])
		if !s.counted(name) {
			text += " (do not count)"
		}
		words = append(words, text)
	}
	if n := seen[""]; n > 0 && len(words)+len(s.types) > 0 {
		words = append(words, fmt.Sprintf("without a type %d", n))
	}
	return strings.Join(words, ", ")
}

// unseenTypes says which types the configuration names and no incident has, each with
// the nearest one that an incident has; empty for none.
func (s *Source) unseenTypes(seen map[string]int) string {
	known := map[string]bool{}
	for name := range seen {
		known[folded(name)] = true
	}
	names := slices.Sorted(maps.Keys(seen))
	var words []string
	for _, name := range slices.Sorted(maps.Values(s.types)) {
		if !known[folded(name)] {
			words = append(words, fmt.Sprintf("%q%s", name, collectors.Nearest(names)(name)))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "; incident_types names what none of them is: " + strings.Join(words, "; ")
}

// noteTypes notes which types of incidents there are, and logs them where the types
// have changed.
func (r *round) noteTypes() {
	seen := map[string]int{}
	for _, k := range r.memory.incidents.byID {
		if k.service != "" {
			seen[k.incidentType]++
		}
	}
	types := r.typeCounts(seen)
	if types == "" {
		r.memory.note = ""
		return
	}
	types += r.unseenTypes(seen)
	const about = "incidents of the last 90 days and open ones by type"
	r.memory.note = about + ": " + types + "; incident_types of the account selects which count"
	names := strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
	if names != r.memory.types {
		r.memory.types = names
		r.log.Info(about+"; incident_types of the account selects which count", "types", types)
	}
}

// Notes are the types of incidents that the last round has seen. See collectors.Noter.
func (s *Source) Notes() []string {
	if s.memory.note == "" {
		return nil
	}
	return []string{s.memory.note}
}

// verifyTypes says which types the newest incidents have, and how many of each.
func (s *Source) verifyTypes(ctx context.Context) collectors.Verified {
	v := collectors.Verified{What: "incident types"}
	now := s.now().UTC().Truncate(time.Second)
	query := window{now.Add(-incidentSpan), now.Add(time.Second)}.query()
	query["sort_by"] = []string{newestFirst}
	read, unreadable, seen := 0, 0, map[string]int{}
	v.Err = s.eachTyped(ctx, query, func(record *incidentRecord) {
		if read++; record == nil {
			unreadable++
			return
		}
		seen[record.typeName()]++
	})
	if v.Err != nil {
		return v
	}
	types := s.typeCounts(seen)
	switch {
	case read == 0:
		v.Note = "there are no incidents of the last 90 days"
	case types == "":
		v.Note = fmt.Sprintf("none of the %d newest incidents of the last 90 days says its type: all count", read)
	default:
		v.Note = fmt.Sprintf("of the %d newest incidents of the last 90 days: %s%s", read, types, s.unseenTypes(seen))
	}
	if unreadable > 0 {
		v.Note += fmt.Sprintf("; %d could not be read", unreadable)
	}
	return v
}

// eachTyped calls each with the first incidents of a listing, with nil for one that
// cannot be decoded.
func (s *Source) eachTyped(ctx context.Context, query url.Values, each func(*incidentRecord)) error {
	read := 0
	_, err := s.api.list(ctx, "incidents", "", query, func(records []json.RawMessage) error {
		for _, raw := range records {
			record, err := decode[incidentRecord](raw)
			if err != nil {
				record = nil
			}
			each(record)
		}
		if read += len(records); read >= maxVerified {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
