package jira

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// cursorIncidents is the name of the cursor of incidents.
const cursorIncidents = "incidents"

// incidentCursor is how far incidents have been read.
type incidentCursor struct {
	// Hash is that of the options it was read with; another means that all has
	// to be read anew.
	Hash string `json:"hash"`
	// Through is the time up to which every change was seen.
	Through time.Time `json:"through,omitzero"`
	// Swept is when everything was last listed, with Mapping the catalog's
	// references of then.
	Swept   time.Time `json:"swept,omitzero"`
	Mapping string    `json:"mapping,omitempty"`
}

// withDefaults fills in what is not set.
func (o Incidents) withDefaults() Incidents {
	set := func(field *string, standard string) {
		if *field == "" {
			*field = standard
		}
	}
	set(&o.StartedField, "created")
	set(&o.ResolvedField, "resolutiondate")
	set(&o.SeverityField, "priority")
	o.History = max(o.History, LeastHistory)
	words := o.Severities
	if words == nil {
		words = map[string]int{"Highest": 1, "High": 2, "Medium": 3, "Low": 4, "Lowest": 5}
	}
	o.Severities = map[string]int{}
	for word, severity := range words {
		o.Severities[fold(word)] = severity
	}
	return o
}

// readCursor reads what the last rounds have stored. A cursor that is not ours,
// or without a store of incidents to build on, is as good as none.
func (r *round) readCursor() incidentCursor {
	var c incidentCursor
	err := json.Unmarshal([]byte(r.request.Cursors[cursorIncidents]), &c)
	if err != nil || c.Hash != r.hash || r.request.Incidents == nil || c.Through.After(r.now) {
		return incidentCursor{Hash: r.hash}
	}
	return c
}

// cursors is the cursor in the form that a batch takes.
func (c incidentCursor) cursors() map[string]string {
	text, err := json.Marshal(c)
	if err != nil {
		return nil // the times are sound
	}
	return map[string]string{cursorIncidents: string(text)}
}

// listIncidents lists the incidents that have changed since the last round, or
// all of the history. A first listing that was interrupted is gone on with,
// since issues come in the order of their last change.
func (r *round) listIncidents(ctx context.Context) error {
	if r.categories == nil {
		return nil // that they could not be listed is reported already
	}
	r.listed = map[string]evidence.Incident{}
	cursor := r.readCursor()
	first := cursor.Through.IsZero()
	net := r.everything()
	if !first {
		net = "updated >= " + ago(r.now.Sub(cursor.Through)+overlap)
	}
	err := r.incidentPages(ctx, net, "updated", func(updated time.Time, batch *collectors.Batch) {
		if first && updated.After(cursor.Through) && updated.Before(r.now) {
			cursor.Through = updated
			batch.Cursors = cursor.cursors()
		}
	})
	if err != nil {
		return err
	}
	cursor.Through = r.now
	batch := collectors.Batch{}
	if first {
		r.complete = true
		cursor.Swept, cursor.Mapping = r.now, r.mapping.hash
		if batch.Incidents, err = r.vanished(ctx); err != nil {
			return err
		}
	}
	batch.Cursors = cursor.cursors()
	r.request.Cursors = maps.Clone(r.request.Cursors)
	if r.request.Cursors == nil {
		r.request.Cursors = map[string]string{}
	}
	maps.Copy(r.request.Cursors, batch.Cursors)
	if err := r.send(batch); err != nil {
		return err
	}
	return r.observeMajor(ctx)
}

// sweepIncidents lists everything anew from time to time, to find what the
// search for changes cannot: incidents that were deleted or left the query, and
// those of services that are new in the catalog.
func (r *round) sweepIncidents(ctx context.Context) error {
	cursor := r.readCursor()
	fresh := cursor.Mapping == r.mapping.hash && r.now.Sub(cursor.Swept) < r.sweep
	if r.categories == nil || r.complete || cursor.Through.IsZero() || fresh {
		return nil
	}
	r.listed = map[string]evidence.Incident{}
	if err := r.incidentPages(ctx, r.everything(), "created", func(time.Time, *collectors.Batch) {}); err != nil {
		return err
	}
	gone, err := r.vanished(ctx)
	if err != nil {
		return err
	}
	cursor.Swept, cursor.Mapping = r.now, r.mapping.hash
	return r.send(collectors.Batch{Incidents: gone, Cursors: cursor.cursors()})
}

// everything is the net for a complete listing: what was touched within the
// history, which whatever began or ended in it was, and what is still open.
func (r *round) everything() string {
	return "updated >= " + ago(r.incidents.History) + ` OR statusCategory != "Done"`
}

// incidentPages walks a listing of incidents and emits each page. progress is
// told the newest change of a page before it is emitted.
func (r *round) incidentPages(ctx context.Context, net, order string, progress func(updated time.Time, batch *collectors.Batch)) error {
	o := &r.incidents
	fields := []string{
		"project", "components", "labels", "status", "created", "updated", "resolutiondate", "description",
		o.StartedField, o.ResolvedField, o.SeverityField,
	}
	fields = append(fields, o.LinkFields...)
	if o.Services.By == ByField {
		fields = append(fields, o.Services.Field)
	}
	s := search{jql: "(" + o.JQL + ") AND (" + net + ") ORDER BY " + order + " ASC", fields: unique(fields), changelog: true}
	stored, err := r.storedIncidents(ctx)
	if err != nil {
		return err
	}
	needs := func(i *issue) bool {
		end, err := i.time(o.ResolvedField)
		return i.category == categoryDone && err == nil && end.IsZero()
	}
	reach := r.now.Add(-o.History)
	return r.list(ctx, s, "incident", needs, func(good, bad []*issue) error {
		batch := collectors.Batch{}
		for _, i := range bad {
			r.suspect(i)
		}
		var newest time.Time
		for _, i := range good {
			in, err := r.incident(i)
			if err != nil {
				r.skip("incident", i.key, err)
				r.suspect(i)
				continue
			}
			delete(r.badIncidents, in.ID)
			if i.updated.After(newest) {
				newest = i.updated
			}
			before, known := stored[in.ID]
			switch {
			case len(in.Services) == 0 && known && !before.Gone:
				// It is about no service any more.
				before.Gone = true
				batch.Incidents = append(batch.Incidents, before)
			case len(in.Services) == 0:
			case !in.ResolvedAt.IsZero() && in.ResolvedAt.Before(reach) && !known:
				// It was touched long after its end.
			default:
				batch.Incidents = append(batch.Incidents, in)
			}
			r.listed[in.ID] = in
		}
		progress(newest, &batch)
		if len(batch.Incidents) == 0 && len(batch.Cursors) == 0 && len(r.skipped) == 0 {
			return nil
		}
		return r.send(batch)
	})
}

// suspect remembers an incident that cannot be decoded, since the facts of the
// services that it may be of are not known without it.
func (r *round) suspect(i *issue) {
	services, any := r.mapping.suspects(r.incidents.Services, i)
	r.badIncidents[clean(i.key)] = suspicion{services, any}
}

// storedIncidents are those of the history, by key; none without a store.
func (r *round) storedIncidents(ctx context.Context) (map[string]evidence.Incident, error) {
	stored := map[string]evidence.Incident{}
	if r.request.Incidents == nil {
		return stored, nil
	}
	span := collectors.IncidentSpan{Since: r.now.Add(-r.incidents.History), Lasting: true}
	err := r.request.Incidents(ctx, span, func(in evidence.Incident) error {
		stored[in.ID] = in
		return nil
	})
	if err != nil {
		return nil, &collectors.CallError{Reason: collectors.ReasonStore, Call: "read incidents of " + r.id, Err: err}
	}
	return stored, nil
}

// vanished are the stored incidents that a complete listing does not have.
func (r *round) vanished(ctx context.Context) ([]evidence.Incident, error) {
	stored, err := r.storedIncidents(ctx)
	if err != nil {
		return nil, err
	}
	for key := range r.badIncidents {
		_, again := r.logging["incident "+key]
		if !again {
			delete(r.badIncidents, key)
		}
	}
	if _, nameless := r.badIncidents[""]; nameless {
		// It may be any of those that are not listed.
		return nil, nil
	}
	// What ended at the edge of the history may be outside of the listing.
	edge := r.now.Add(-r.incidents.History + 7*day)
	var gone []evidence.Incident
	for _, key := range slices.Sorted(maps.Keys(stored)) {
		in := stored[key]
		_, listed := r.listed[key]
		_, bad := r.badIncidents[key]
		inside := in.ResolvedAt.IsZero() || in.StartedAt.After(edge)
		if !listed && !bad && inside && !in.Gone {
			in.Gone = true
			gone = append(gone, in)
		}
	}
	return gone, nil
}

// incident makes evidence of an issue.
func (r *round) incident(i *issue) (evidence.Incident, error) {
	o := &r.incidents
	started, err1 := i.time(o.StartedField)
	resolved, err2 := i.time(o.ResolvedField)
	if err := errors.Join(err1, err2); err != nil {
		return evidence.Incident{}, err
	}
	if started.IsZero() {
		started = i.created
	}
	if started.IsZero() {
		return evidence.Incident{}, errors.New("no time of creation")
	}
	in := evidence.Incident{
		Source: r.id, ID: clean(i.key), Services: r.mapping.services(o.Services, i),
		StartedAt: started, UpdatedAt: i.updated, Severity: r.severity(i), Links: r.links(i),
	}
	done, isDone := r.finished(i)
	if isDone && !i.cut {
		in.Resolver = resolver(done)
		if resolved.IsZero() {
			resolved = done.at
		}
	}
	if !resolved.IsZero() {
		in.ResolvedAt = later(resolved, started)
	}
	return in, nil
}

// resolver tells who made the change.
func resolver(done change) evidence.Resolver {
	switch {
	case done.by == "":
		return evidence.ResolverUnknown
	case done.byApp:
		return evidence.ResolverIntegration
	}
	return evidence.ResolverPerson
}

// severity is 1 to 5 by the words of the configured field, 0 when there is none
// of them.
func (r *round) severity(i *issue) int {
	for _, word := range words(i.fields[r.incidents.SeverityField]) {
		if severity, ok := r.incidents.Severities[fold(word)]; ok {
			return severity
		}
	}
	return 0
}

// links are where the incident is known: its key and address, what the
// configured fields hold, and the PagerDuty incidents that it names.
func (r *round) links(i *issue) []string {
	const most, longest = 20, 500
	var all []string
	add := func(link string) {
		if link = evidence.Clean(strings.TrimSpace(link), longest); link != "" && len(all) < most && !slices.Contains(all, link) {
			all = append(all, link)
		}
	}
	addPaged := func(url string) bool {
		found := paged.FindStringSubmatch(url)
		if found != nil {
			add(found[0])
			add(found[1])
		}
		return found != nil
	}
	add(i.key)
	add(r.browse + "/browse/" + i.key)
	for _, field := range r.incidents.LinkFields {
		raw := i.fields[field]
		found := urls(raw)
		for _, url := range found {
			if !addPaged(url) {
				add(url)
			}
		}
		if len(found) == 0 {
			for _, word := range words(raw) {
				if !strings.ContainsAny(word, " \t\n") {
					add(word)
				}
			}
		}
	}
	for _, url := range urls(i.fields["description"]) {
		addPaged(url)
	}
	return all
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
