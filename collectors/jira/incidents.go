package jira

import (
	"context"
	"encoding/json"
	"maps"
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
	// Loss is what the last complete listing missed, if that was not believed.
	Loss loss `json:"loss,omitzero"`
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

// changedIncidents is the search for incidents of every round.
func (r *round) changedIncidents() step {
	return step{func() []collectors.PlannedCall {
		var facts []string
		for _, f := range r.facts {
			if f.Mode == ModeMajorIncidents {
				facts = append(facts, f.Name)
			}
		}
		return []collectors.PlannedCall{r.planned(r.incidentSearch(r.incidentNet(r.readCursor()), "updated"), "", facts...)}
	}, r.listIncidents}
}

// listIncidents lists the incidents that have changed since the last round, or
// all of the history. A first listing that was interrupted is continued,
// since issues come in the order of their last change.
func (r *round) listIncidents(ctx context.Context) error {
	if r.categories == nil {
		return nil // that they could not be listed is reported already
	}
	if r.request.Incidents == nil {
		r.recent = map[string]evidence.Incident{}
	}
	r.listed = keySet{}
	cursor := r.readCursor()
	first := cursor.Through.IsZero()
	net, from := r.incidentNet(cursor), r.now.Add(-r.incidents.History)
	if !first {
		from = cursor.Through
	}
	far := r.progress("history of incidents", from)
	// The cursor keeps one page behind, and stands still when pages do not come in
	// their order: what is before it must have been seen.
	var before time.Time
	ordered := true
	err := r.incidentPages(ctx, net, "updated", func(oldest, newest time.Time, batch *evidence.Batch) {
		far(newest, len(batch.Incidents))
		ordered = ordered && !oldest.Before(before)
		if first && ordered && before.After(cursor.Through) && before.Before(r.now) {
			cursor.Through = before
			batch.Cursors = cursor.cursors()
		}
		before = newest
	})
	if err != nil {
		return err
	}
	far(r.now, 0)
	cursor.Through = r.now
	if first {
		r.complete = true
		if err := r.withdraw(ctx, &cursor); err != nil {
			return err
		}
	}
	if err := r.keepCursor(cursor); err != nil {
		return err
	}
	return r.observeMajor(ctx)
}

// keepCursor stores the cursor and uses it for the rest of the round.
func (r *round) keepCursor(cursor incidentCursor) error {
	batch := evidence.Batch{Cursors: cursor.cursors()}
	r.request.Cursors = maps.Clone(r.request.Cursors)
	if r.request.Cursors == nil {
		r.request.Cursors = map[string]string{}
	}
	maps.Copy(r.request.Cursors, batch.Cursors)
	return r.send(batch)
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

// everything is the net for a complete listing: what was touched within the
// history, which whatever began or ended in it was, and what is still open.
func (r *round) everything() string {
	return "updated >= " + ago(r.incidents.History) + ` OR statusCategory != "Done"`
}

// incidentNet is the net for what the cursor has not seen yet.
func (r *round) incidentNet(cursor incidentCursor) string {
	if cursor.Through.IsZero() {
		return r.everything()
	}
	return "updated >= " + ago(r.now.Sub(cursor.Through)+overlap)
}

// incidentSearch is the search for incidents in a net.
func (s *Source) incidentSearch(net, order string) search {
	o := &s.incidents
	return search{jql: "(" + o.JQL + ") AND (" + net + ") ORDER BY " + order + " ASC", fields: o.fields(), changelog: true}
}

// incidentPages walks a listing of incidents and emits each page. progress gets
// the oldest and the newest change of a page before it is emitted.
func (r *round) incidentPages(ctx context.Context, net, order string,
	progress func(oldest, newest time.Time, batch *evidence.Batch)) error {
	reach := r.now.Add(-r.incidents.History)
	return r.list(ctx, r.incidentSearch(net, order), "incident", r.needsLog, func(good, bad []*issue) error {
		batch := evidence.Batch{}
		for _, i := range bad {
			r.suspect(i)
		}
		var oldest, newest time.Time
		left := keySet{}
		for _, i := range good {
			in, err := r.incident(i)
			if err != nil {
				r.skip("incident", i.key, err)
				r.suspect(i)
				continue
			}
			delete(r.badIncidents, in.ID)
			if oldest.IsZero() || i.updated.Before(oldest) {
				oldest = i.updated
			}
			if i.updated.After(newest) {
				newest = i.updated
			}
			r.listed.add(in.ID)
			nobody := len(in.Services) == 0
			// What ended before the history was touched long after its end.
			outside := !in.ResolvedAt.IsZero() && in.ResolvedAt.Before(reach)
			if nobody || outside {
				known, err := r.isStored(ctx, in.ID)
				if err != nil {
					return err
				}
				if nobody && known {
					left.add(in.ID)
				}
				if nobody || !known {
					continue
				}
			}
			r.remember(in)
			batch.Incidents = append(batch.Incidents, in)
		}
		gone, err := r.stored(ctx, left)
		if err != nil {
			return err
		}
		for _, in := range gone {
			in.Gone, in.GoneWhy = true, "its ticket names no service of the catalog any more, seen "+stamp(r.now)
			batch.Incidents = append(batch.Incidents, in)
		}
		progress(oldest, newest, &batch)
		if len(batch.Incidents) == 0 && len(batch.Cursors) == 0 && len(r.skipped) == 0 {
			return nil
		}
		return r.send(batch)
	})
}

// suspect remembers an incident that cannot be decoded, since the facts of the
// services that it may be of are not known without it.
func (r *round) suspect(i *issue) {
	r.badIncidents[clean(i.key)] = r.mapping.suspects(r.incidents.Services, i)
}
