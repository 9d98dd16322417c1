package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// includeLinks makes an incident's record tell the tickets elsewhere that it is
// linked to, external_references. Public clients ask for it; the vendor's
// reference does not list it, so an account may refuse it. The incidents that
// come with log entries never tell them.
const includeLinks = "external_references"

// incidentIncludes are what listings of incidents ask for beside the records.
func (s *Source) incidentIncludes() []string {
	if s.linksRefused {
		return []string{"first_trigger_log_entries"}
	}
	return []string{"first_trigger_log_entries", includeLinks}
}

// allIncidents walks a listing of incidents as api.list does. Where the account
// refuses to include the tickets, the listing is asked for without them, and so
// are all later ones of this process: incidents count for more than their links.
func (r *round) allIncidents(
	ctx context.Context, query map[string][]string, each func([]json.RawMessage) error,
) (tooFar bool, err error) {
	answered := false
	note := func(records []json.RawMessage) error {
		answered = true
		return each(records)
	}
	tooFar, err = r.api.list(ctx, "incidents", "", query, note)
	var failed *collectors.CallError
	if answered || r.linksRefused || !errors.As(err, &failed) || failed.Status != http.StatusBadRequest {
		return tooFar, err
	}
	query["include[]"] = []string{"first_trigger_log_entries"}
	tooFar, again := r.api.list(ctx, "incidents", "", query, note)
	if answered || again == nil {
		r.linksRefused = true
		r.log.Warn("PagerDuty refuses to list incidents with the tickets they are linked to; they are listed without, until the collector is started anew",
			"include", includeLinks, "error", err)
	}
	return tooFar, again
}

// links are where else the incident is known, and its own address.
func links(record *incidentRecord) []string {
	var all []string
	add := func(link string) {
		if link = evidence.Clean(strings.TrimSpace(link), maxLink); link != "" && len(all) < maxLinks {
			all = append(all, link)
		}
	}
	add(record.URL)
	for _, ref := range record.ExternalReferences {
		if ref != nil {
			add(ref.ID)
			add(ref.URL)
		}
	}
	return all
}

// hasLinks reports whether the record has the tickets that the incident is linked
// to, if only that there are none.
func (i *incidentRecord) hasLinks() bool { return i.ExternalReferences != nil }
