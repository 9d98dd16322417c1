package jira

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// kindOfIncidents names incident tickets in logs and counts.
const kindOfIncidents = "incident"

// cursorIncidents is the name of the cursor of incidents.
const cursorIncidents = "incidents"

// incidentCursor says how far incidents have been read.
type incidentCursor struct {
	// Hash is that of the options it was read with. With other options everything
	// is read again.
	Hash string `json:"hash"`
	// Through is the time up to which every change was read.
	Through time.Time `json:"through,omitzero"`
	// Reconciled is when everything was last listed, and Mapping identifies the
	// references that the catalog had then.
	Reconciled time.Time `json:"swept,omitzero"`
	Mapping    string    `json:"mapping,omitempty"`
	// Loss is what the last complete listing lacked and was not confirmed yet.
	Loss loss `json:"loss,omitzero"`
}

// readCursor reads what the last rounds have stored. The cursor of other options,
// or one without the stored incidents, starts from the beginning.
func (r *round) readCursor() incidentCursor {
	var c incidentCursor
	err := json.Unmarshal([]byte(r.request.Cursors[cursorIncidents]), &c)
	if err != nil || c.Hash != r.hash || r.request.Incidents == nil || c.Through.After(r.now) {
		return incidentCursor{Hash: r.hash}
	}
	return c
}

// IncidentsSince is since when all incidents are stored: those that are configured as
// incidents, once all of them were listed. See collectors.IncidentSource.
func (s *Source) IncidentsSince(cursors map[string]string, now time.Time) (since time.Time, reads bool) {
	if s.incidents.JQL == "" {
		return time.Time{}, false
	}
	var c incidentCursor
	err := json.Unmarshal([]byte(cursors[cursorIncidents]), &c)
	if err != nil || c.Hash != s.hash || c.Reconciled.IsZero() {
		return time.Time{}, true
	}
	return now.Add(-s.history), true
}

// cursors is the cursor in the form of Batch.Cursors.
func (c incidentCursor) cursors() map[string]string {
	text, err := json.Marshal(c)
	if err != nil {
		return nil // its times come from the clock, and can be encoded
	}
	return map[string]string{cursorIncidents: string(text)}
}

// changedIncidents lists the incidents that have changed since the last round, or
// the whole history at first.
func (r *round) changedIncidents() listing {
	return listing{kind: kindOfIncidents, read: r.listIncidents, searches: func() []search {
		s := r.incidentSearch(r.changed(r.readCursor()), "updated")
		for _, f := range r.facts {
			if f.Mode == ModeMajorIncidents {
				s.facts = append(s.facts, f.Name)
			}
		}
		return []search{s}
	}}
}

// listIncidents reads changed incidents. A first listing that was interrupted is
// continued, since issues come in the order of their last change.
func (r *round) listIncidents(ctx context.Context, searches []search) error {
	if r.statuses == nil {
		return nil // that they could not be listed is reported already
	}
	if r.request.Incidents == nil {
		r.recent = map[string]evidence.Incident{}
	}
	cursor := r.readCursor()
	first, from := cursor.Through.IsZero(), cursor.Through
	if first {
		from = r.now.Add(-r.history)
	}
	r.loadUnclear(first && cursor.Reconciled.IsZero())
	found := r.marksToUpdate(first)
	progress := r.progress("history of incidents", from)
	// The cursor stays one page behind, and stops when pages are not in their order:
	// everything before it must have been read.
	var before time.Time
	ordered := true
	err := r.incidentPages(ctx, searches[0], found, func(oldest, newest time.Time, batch *evidence.Batch) {
		progress(newest, len(batch.Incidents))
		ordered = ordered && !oldest.Before(before)
		if first && ordered && before.After(cursor.Through) && before.Before(r.now) {
			cursor.Through = before
			batch.Cursors = cursor.cursors()
			batch.Cursors[cursorUnclear], _ = r.unclearCursor()
		}
		before = newest
	})
	if err != nil {
		return err
	}
	progress(r.now, 0)
	cursor.Through = r.now
	r.marks[marksOfIncidents] = found
	if first {
		r.reconciled, found.complete = true, true
		if err := r.withdraw(ctx, &cursor); err != nil {
			return err
		}
	}
	if err := r.endListing(ctx, cursor, found); err != nil {
		return err
	}
	return r.observeMajor(ctx)
}

// endListing emits what follows from a listing of incidents as a whole.
func (r *round) endListing(ctx context.Context, cursor incidentCursor, found *marks) error {
	if err := r.findDuplicates(ctx, found); err != nil {
		return err
	}
	if err := r.keepCursor(cursor); err != nil {
		return err
	}
	return r.reportDoubts()
}

// marksToUpdate are the marks of the incidents that are listed now: those of before,
// unless everything is listed.
func (r *round) marksToUpdate(everything bool) *marks {
	if found := r.marks[marksOfIncidents]; found != nil && !everything {
		return found
	}
	return newMarks()
}

// keepCursor stores the cursor and uses it for the rest of the round.
func (r *round) keepCursor(cursor incidentCursor) error {
	r.request.Cursors = maps.Clone(r.request.Cursors)
	if r.request.Cursors == nil {
		r.request.Cursors = map[string]string{}
	}
	cursors := cursor.cursors()
	if text, changed := r.unclearCursor(); changed {
		cursors[cursorUnclear] = text
	}
	maps.Copy(r.request.Cursors, cursors)
	return r.out.Send(evidence.Batch{Cursors: cursors})
}

// progress reports the progress of a listing in the order of changes, by the time
// of the last change. A listing of less than a day is not reported.
func (r *round) progress(step string, from time.Time) func(updated time.Time, records int) {
	whole := r.now.Sub(from)
	share, sum := 0.0, 0
	return func(updated time.Time, records int) {
		sum += records
		if r.request.Progress == nil || whole < day {
			return
		}
		share = max(share, min(float64(updated.Sub(from))/float64(whole), 1))
		r.request.Progress(collectors.Progress{Step: step, Share: share, Records: sum})
	}
}

// everything is the condition of a complete listing: what was changed within the
// history, as all that began or ended in it was, and what is still open.
func (r *round) everything() string {
	return "updated >= " + ago(r.history) + ` OR statusCategory != "Done"`
}

// changed is the condition for what was changed after the cursor.
func (r *round) changed(cursor incidentCursor) string {
	if cursor.Through.IsZero() {
		return r.everything()
	}
	return "updated >= " + ago(r.now.Sub(cursor.Through)+overlap)
}

// incidentSearch is the search for incidents with a condition.
func (s *Source) incidentSearch(condition, order string) search {
	o := &s.incidents
	jql := "(" + o.JQL + ") AND (" + condition + ") ORDER BY " + order + " ASC"
	return search{jql: jql, fields: incidentFields(*o), changelog: true}
}

// incidentPages lists incidents and emits each page. found gets what could not be used,
// and progress the oldest and the newest change of a page before it is emitted.
func (r *round) incidentPages(
	ctx context.Context, s search, found *marks, progress func(oldest, newest time.Time, batch *evidence.Batch),
) error {
	r.listed, r.relisted, r.ownerless = keySet{}, keySet{}, map[string]evidence.Incident{}
	return r.list(ctx, s, kindOfIncidents, r.needsLog, func(good, bad []*issue) error {
		batch := evidence.Batch{}
		if len(good) > 0 {
			r.parts = nil
		}
		for _, i := range bad {
			r.setUndecodable(i)
		}
		var oldest, newest time.Time
		withdrawn := map[string]string{}
		for _, i := range good {
			in, fault, err := r.incident(i)
			if err != nil {
				r.skip(kindOfIncidents, i.key, err)
				r.setUndecodable(i)
				continue
			}
			r.listed.add(in.ID)
			r.markIncident(i, in, fault, found)
			if oldest.IsZero() || i.updated.Before(oldest) {
				oldest = i.updated
			}
			newest = later(newest, i.updated)
			why, keep, err := r.keeps(ctx, i, in)
			if err != nil {
				return err
			}
			if why != "" {
				withdrawn[in.ID] = why
			}
			if keep {
				r.remember(in)
				batch.Incidents = append(batch.Incidents, in)
			}
			if err := r.withdrawKey(ctx, in, &batch); err != nil {
				return err
			}
		}
		if err := r.withdrawKnown(ctx, withdrawn, &batch); err != nil {
			return err
		}
		progress(oldest, newest, &batch)
		if len(batch.Incidents) == 0 && len(batch.Cursors) == 0 && !r.out.Pending() {
			return nil
		}
		return r.out.Send(batch)
	})
}

// keeps reports whether an incident is to be stored, or why one that is stored is to
// be withdrawn: it names no service any more, or was closed as no incident. A duplicate
// is stored as a part of another, and an original of no service for the services of its
// duplicates. One that ended before the history begins is only updated: it was changed
// long after its end.
func (r *round) keeps(ctx context.Context, i *issue, in evidence.Incident) (withdrawn string, keep bool, err error) {
	// When it ended is not always known; then it is as old as its start.
	isOld := !in.Open() && later(in.ResolvedAt, in.StartedAt).Before(r.now.Add(-r.history))
	hasService := len(in.Services) > 0
	switch as := r.notIncidents.of(i); {
	case in.MergedInto != "" && (hasService || r.isDuplicated(i)):
	case as != "":
		withdrawn = "its ticket was closed as " + as + ", seen " + stamp(r.now)
	case !hasService && !isOld && r.isDuplicated(i):
		r.ownerless[in.ID] = in
		return "", false, nil
	case !hasService:
		withdrawn = "its ticket names no service of the catalog any more, seen " + stamp(r.now)
	}
	if withdrawn == "" && !isOld {
		return "", true, nil
	}
	known, err := r.isStored(ctx, in.ID)
	if err != nil || !known {
		return "", false, err
	}
	return withdrawn, withdrawn == "", nil
}

// remember keeps an incident where there is no store.
func (r *round) remember(in evidence.Incident) {
	if r.recent != nil {
		r.recent[in.ID] = in
	}
}

// withdrawKey adds what is stored of the incident under its key to the batch, as gone.
// Releases before this one stored incidents so, and a key changes when an issue is
// moved. Once everything was listed there are none of these.
func (r *round) withdrawKey(ctx context.Context, in evidence.Incident, batch *evidence.Batch) error {
	if !r.readCursor().Reconciled.IsZero() || in.Key == in.ID {
		return nil
	}
	if r.underKeys == nil {
		found := keySet{}
		err := r.eachStored(ctx, func(in evidence.Incident) error {
			if in.Key == "" {
				found.add(in.ID)
			}
			return nil
		})
		if err != nil {
			return err
		}
		r.underKeys = found
	}
	if !r.underKeys.has(in.Key) {
		return nil
	}
	old := in
	old.ID, old.Key, old.Gone, old.GoneWhy = in.Key, "", true, "it is stored under the id of its ticket, "+in.ID
	batch.Incidents = append(batch.Incidents, old)
	return nil
}

// withdrawKnown adds the stored incidents with the ids to the batch, as gone, with
// why.
func (r *round) withdrawKnown(ctx context.Context, why map[string]string, batch *evidence.Batch) error {
	if len(why) == 0 {
		return nil
	}
	return r.eachStored(ctx, func(in evidence.Incident) error {
		if why[in.ID] != "" {
			in.Gone, in.GoneWhy = true, why[in.ID]
			batch.Incidents = append(batch.Incidents, in)
		}
		return nil
	})
}

// markIncident notes what of an incident ticket could not be used: it belongs to no
// service, its times are not all known, or its severity is not.
func (r *round) markIncident(i *issue, in evidence.Incident, fault evidence.UncountedReason, found *marks) {
	if r.notIncidents.of(i) != "" {
		r.markClosed(i, in, found)
		return
	}
	r.setUnclear(i, in, len(in.Services) > 0)
	where := " (project " + clean(i.project) + ")"
	switch {
	case len(in.Services) == 0:
		found.set(i.id, r.mapping.unmatched(r.incidents.Services, i))
	case fault != "":
		found.set(i.id, mark{fault, "incident tickets" + where})
	case in.Severity == 0:
		found.set(i.id, severityMark(in, where))
	default:
		found.set(i.id, r.mapping.partlyUnknown(r.incidents.Services, i))
	}
}

// severityMark is the mark of an incident of no known severity; without a reason for
// another.
func severityMark(in evidence.Incident, where string) mark {
	switch {
	case in.Severity > 0:
		return mark{}
	case in.Priority == "":
		return mark{evidence.UncountedUnmappedSeverity, "no severity" + where}
	}
	return mark{evidence.UncountedUnmappedSeverity, "severity " + in.Priority + where}
}
