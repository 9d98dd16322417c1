package pagerduty

import (
	"fmt"
	"net/url"
	"time"
)

// newestIncidentsListing declares the daily listing of the incidents that facts
// look back over.
func newestIncidentsListing() listing {
	return listing{
		path: "incidents", name: listingIncidents, scope: "incidents.read", records: "incidents", every: incidentsEvery,
		queries: func(r *round) []url.Values {
			var queries []url.Values
			for _, w := range r.incidentListing().rest {
				queries = append(queries, r.incidentQuery(w.query(), oldestFirst))
			}
			return queries
		},
		collect: []step{(*round).listIncidents},
	}
}

// openIncidentsListing declares the listing of open incidents of any age, which
// every round asks for.
func openIncidentsListing() listing {
	return listing{
		path: "incidents", name: "open incidents", scope: "incidents.read", records: "open incidents",
		queries: func(r *round) []url.Values { return []url.Values{r.incidentQuery(openIncidents(), oldestFirst)} },
		collect: []step{(*round).listOpenIncidents},
		groups: []group{
			{
				name: groupIncidents, common: aboutIncidents(),
				facts:   []fact{machineDetectedRatio90d(), repeatManualTemplates90d()},
				unknown: (*round).incidentsUnknown,
			},
			{
				name: groupPages, common: aboutIncidents(),
				facts: []fact{pageLoadPerWeek()}, unknown: (*round).pagesUnknown,
			},
			{
				name: groupUrgency, also: []string{"maintenance_windows"}, common: aboutIncidents(),
				facts: []fact{highUrgency90d()}, unknown: (*round).urgencyUnknown,
			},
		},
	}
}

// openIncidents selects open incidents of any age.
func openIncidents() url.Values {
	return url.Values{"date_range": {"all"}, "statuses[]": {"triggered", "acknowledged"}}
}

const (
	// includeTrigger asks for the channel that opened an incident.
	includeTrigger = "first_trigger_log_entries"
	// includeLinks asks for the tickets elsewhere that an incident is linked to.
	// Public clients ask for it; the vendor's reference does not list it, so an
	// account may refuse it. The incidents that come with log entries are without.
	includeLinks = "external_references"
	// includeFields asks for the values of the account's own fields. The vendor's
	// reference lists it for one incident, so an account may refuse it in a listing.
	includeFields = "custom_fields"
	// The orders of incidents.
	oldestFirst = "created_at:asc"
	newestFirst = "created_at:desc"
)

// incidentQuery completes a query for incidents.
func (s *Source) incidentQuery(query url.Values, order string) url.Values {
	query["include[]"], query["sort_by"] = s.included(), []string{order}
	return query
}

// included are the parts of incidents that a listing asks for.
func (s *Source) included() []string {
	parts := []string{includeTrigger}
	if !s.refused[includeLinks] {
		parts = append(parts, includeLinks)
	}
	if len(s.alarms.fields) > 0 && !s.refused[includeFields] {
		parts = append(parts, includeFields)
	}
	return parts
}

// logListing declares what every round reads of the log: everything since the
// last round, or as far back as facts look.
func logListing() listing {
	return listing{
		path: "log_entries", scope: "incidents.read", records: entriesOfWindows(),
		queries: func(r *round) []url.Values { return []url.Values{{"since": {stamp(r.logStart())}}} },
		collect: []step{(*round).readLog, (*round).observeIncidents},
		groups: []group{{
			name: groupResponse, also: []string{"maintenance_windows", "incidents"}, common: aboutIncidents(),
			facts:   []fact{mttaP90Seconds90d(), unacknowledgedRatio90d(), machineAcknowledgedRatio90d(), noiseRatio30d()},
			unknown: (*round).urgencyUnknown,
		}},
	}
}

func entriesOfWindows() string { return fmt.Sprintf("entries, in windows of %d days", logWindow/day) }

// logStart is the time since which the log is read.
func (r *round) logStart() time.Time {
	if m := r.memory.incidents; !m.followed.IsZero() {
		return m.next()
	}
	return r.factStart()
}

// historyListing declares the next part of the history of incidents that are
// older than facts look back.
func historyListing() listing {
	return listing{
		path: "incidents", name: "history", scope: "incidents.read", records: "incidents of the history",
		about: func(r *round) string {
			return fmt.Sprintf(", and so on back to %s, in all about %d requests a round", stamp(r.historyStart()), historySlice)
		},
		queries: func(r *round) []url.Values {
			w, due := r.nextOfHistory()
			if !due {
				return nil
			}
			return []url.Values{r.incidentQuery(w.query(), newestFirst)}
		},
		collect: []step{(*round).readHistory},
	}
}

// historyLogListing declares the log of the same time, unless it is stored. The
// steps of historyListing read it.
func historyLogListing() listing {
	return listing{
		path: "log_entries", name: "log of the history", scope: "incidents.read", records: "entries of their time",
		queries: func(r *round) []url.Values {
			w, due := r.nextOfHistory()
			if m := r.memory.incidents; !due || !m.LogFrom.IsZero() && !m.LogFrom.After(w.start) {
				return nil
			}
			return []url.Values{w.query()}
		},
		collect: []step{},
	}
}
