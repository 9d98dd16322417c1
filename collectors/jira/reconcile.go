package jira

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// maxLost is how many may be missing at once from a complete listing without
	// a second one being needed.
	maxLost = 10
	// confirmAfter is how much later than the first that second one has to be.
	confirmAfter = 5 * time.Minute
	// maxWithdrawals is how many withdrawals one batch holds.
	maxWithdrawals = 500
)

// loss is what a complete listing lacked, until another one confirms it. A site
// whose index is rebuilt, or an account that has lost a permission, answers 200
// with less than there is. So when more than a fifth and more than a few are
// missing at once, a second complete listing has to confirm it later.
type loss struct {
	Missing int       `json:"missing,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

// confirm reports whether that many of all may be withdrawn, and what to keep
// until the next listing.
func (l loss) confirm(missing, all int, now time.Time) (next loss, confirmed bool) {
	switch {
	case missing <= maxLost || missing*5 <= all:
		return loss{}, true
	case l.Since.IsZero() || l.Since.After(now) || missing > l.Missing+maxLost:
		return loss{missing, now}, false
	case now.Sub(l.Since) < confirmAfter:
		return l, false
	}
	return loss{}, true
}

// confirm is loss.confirm for what is stored under a cursor, with the cursor to
// store; nil when it stays as it is.
func (r *round) confirm(cursor, what string, missing, all int) (confirmed bool, cursors map[string]string) {
	var before loss
	held := r.request.Cursors[cursor]
	_ = json.Unmarshal([]byte(held), &before) // no text is no loss
	next, confirmed := before.confirm(missing, all, r.now)
	if !confirmed {
		r.log.Warn("a complete listing misses many; they stay until another one confirms it",
			"of_the", what, "missing", missing, "of", all)
	}
	text := []byte{}
	if next != (loss{}) {
		text, _ = json.Marshal(next) // its time comes from the clock, and can be encoded
	}
	if string(text) != held {
		cursors = map[string]string{cursor: string(text)}
	}
	return confirmed, cursors
}

// allIncidents lists everything again from time to time, to find what the search
// for changes cannot: incidents that were deleted or left the query, and those of
// services that are new in the catalog.
func (r *round) allIncidents() listing {
	return listing{kind: kindOfIncidents, read: r.reconcileIncidents, searches: func() []search {
		cursor := r.readCursor()
		isDue := cursor.Mapping != r.mapping.hash || r.now.Sub(cursor.Reconciled) >= r.reconcileEvery
		if r.reconciled || cursor.Through.IsZero() || !isDue {
			return nil
		}
		return []search{r.incidentSearch(r.everything(), "created")}
	}}
}

func (r *round) reconcileIncidents(ctx context.Context, searches []search) error {
	if r.statuses == nil {
		return nil // that they could not be listed is reported already
	}
	found := newMarks()
	if err := r.incidentPages(ctx, searches[0], found, func(_, _ time.Time, _ *evidence.Batch) {}); err != nil {
		return err
	}
	found.complete = true
	r.marks[marksOfIncidents] = found
	cursor := r.readCursor()
	if err := r.withdraw(ctx, &cursor); err != nil {
		return err
	}
	return r.endListing(ctx, cursor, found)
}

// withdraw emits the stored incidents that a complete listing does not have,
// with a note. When too many are missing, the cursor stays as it is, so that the
// next round lists everything again.
func (r *round) withdraw(ctx context.Context, cursor *incidentCursor) error {
	r.parts = nil
	maps.DeleteFunc(r.unclear, func(id string, _ unclear) bool { return !r.relisted.has(id) })
	if _, withoutKey := r.unclear[""]; withoutKey {
		// It may be any of those that are not listed.
		cursor.Reconciled, cursor.Mapping = r.now, r.mapping.hash
		return nil
	}
	// What ended at the edge of the history may be outside of the listing.
	edge := r.now.Add(-r.history + 7*day)
	bad := map[string]bool{}
	for id, u := range r.unclear {
		if u.Undecodable {
			bad[id], bad[u.Key] = true, true
		}
	}
	isMissing := func(in evidence.Incident) bool {
		bad := bad[in.ID] || bad[in.Name()]
		return !r.listed.has(in.ID) && !bad && (in.Open() || in.StartedAt.After(edge))
	}
	all, missing := 0, 0
	projects := map[string]bool{}
	err := r.eachStored(ctx, func(in evidence.Incident) error {
		if all++; isMissing(in) {
			missing++
			projects[projectOf(in.Name())] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	var confirmed bool
	if cursor.Loss, confirmed = cursor.Loss.confirm(missing, all, r.now); !confirmed {
		r.log.Warn("a complete listing misses many of the incidents; they stay until another one confirms it",
			"missing", missing, "of", all)
		return nil
	}
	if err := r.findHidden(ctx, slices.Sorted(maps.Keys(projects))); err != nil {
		return err
	}
	cursor.Reconciled, cursor.Mapping = r.now, r.mapping.hash
	return r.withdrawAll(ctx, func(in evidence.Incident) bool { return isMissing(in) && !r.isHidden(in.Name()) })
}

// findHidden finds out which of the projects the account cannot see any more.
// Their issues are withheld, and may still be there.
func (r *round) findHidden(ctx context.Context, projects []string) error {
	for _, part := range portions(projects) {
		err := r.overProjects(ctx, part, func(known []string) error {
			s := search{jql: in("project", known) + ` AND created >= "-1m"`, fields: []string{"project"}}
			return r.list(ctx, s, "issue", noLog, func(_, _ []*issue) error { return nil })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// isHidden reports whether the account cannot see the project of an issue.
func (r *round) isHidden(key string) bool { return r.absent[fold(projectOf(key))] }

// withdrawAll emits the chosen incidents as gone.
func (r *round) withdrawAll(ctx context.Context, chosen func(evidence.Incident) bool) error {
	why := "not in the complete listing of " + stamp(r.now) + ": deleted, moved, or out of the query"
	batch := evidence.Batch{}
	var keys []string
	err := r.eachStored(ctx, func(in evidence.Incident) error {
		if !chosen(in) {
			return nil
		}
		in.Gone, in.GoneWhy = true, why
		batch.Incidents = append(batch.Incidents, in)
		keys = append(keys, clean(in.Name()))
		if len(batch.Incidents) < maxWithdrawals {
			return nil
		}
		err := r.out.Send(batch)
		batch = evidence.Batch{}
		return err
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	r.logWithdrawn("incidents are withdrawn that are not listed any more", keys)
	return r.out.Send(batch)
}

func (r *round) logWithdrawn(message string, keys []string) {
	r.log.Info(message, "count", len(keys), "among_them", keys[:min(len(keys), 5)])
}
