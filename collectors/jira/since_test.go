package jira

import (
	"testing"
	"time"
)

func TestSinceWhenAllIncidentsAreStored(t *testing.T) {
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	s := &Source{history: 760 * day, hash: "h"}
	if since, reads := s.IncidentsSince(nil, now); reads || !since.IsZero() {
		t.Errorf("a site without incidents: since %s (%t)", since, reads)
	}
	s.incidents.JQL = "type = Incident"
	for name, c := range map[string]struct {
		cursor incidentCursor
		want   time.Time
	}{
		"nothing":            {incidentCursor{Hash: "h"}, time.Time{}},
		"a part":             {incidentCursor{Hash: "h", Through: now.Add(-400 * day)}, time.Time{}},
		"all":                {incidentCursor{Hash: "h", Through: now, Reconciled: now.Add(-time.Hour)}, now.Add(-760 * day)},
		"with other options": {incidentCursor{Hash: "o", Through: now, Reconciled: now.Add(-time.Hour)}, time.Time{}},
	} {
		if got, reads := s.IncidentsSince(c.cursor.cursors(), now); !reads || !got.Equal(c.want) {
			t.Errorf("%s: since %s (%t), want %s", name, got, reads, c.want)
		}
	}
}
