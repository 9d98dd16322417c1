package jira

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// maxLost is how many may be missing at once from a complete listing without
	// a second one being asked for.
	maxLost = 10
	// confirmAfter is how much later than the first that second one has to be.
	confirmAfter = 5 * time.Minute
	// maxWithdrawals is how many withdrawals one batch holds.
	maxWithdrawals = 500
)

// loss is what a complete listing missed and was not believed. A site whose
// index is rebuilt, or an account that has lost a permission, answers 200 with
// less than there is: when more than a fifth and more than a few are missing at
// once, only a second complete listing of a later time is believed.
type loss struct {
	Missing int       `json:"missing,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

// weigh reports whether it is believed that so many of all are gone, and what to
// remember until the next listing.
func (l loss) weigh(missing, all int, now time.Time) (next loss, believed bool) {
	switch {
	case missing <= maxLost || missing*5 <= all:
		return loss{}, true
	case l.Since.IsZero() || missing > l.Missing+maxLost:
		return loss{missing, now}, false
	case now.Sub(l.Since) < confirmAfter:
		return l, false
	}
	return loss{}, true
}

// cursor is the loss in the form that a cursor takes; empty when there is none.
func (l loss) cursor() string {
	if l == (loss{}) {
		return ""
	}
	text, err := json.Marshal(l)
	if err != nil {
		return "" // the time is sound
	}
	return string(text)
}

// projectsOf are the projects of issues, sorted.
func projectsOf(keys []string) []string {
	projects := make([]string, len(keys))
	for n, key := range keys {
		projects[n] = projectOf(key)
	}
	return unique(projects)
}

// allIncidents is the search for all incidents, from time to time.
func (r *round) allIncidents() step {
	return step{func() []collectors.PlannedCall {
		if cursor := r.readCursor(); cursor.Through.IsZero() || !r.sweeps(cursor) {
			return nil
		}
		return []collectors.PlannedCall{r.planned(r.incidentSearch(r.everything(), "created"), "")}
	}, r.sweepIncidents}
}

// sweepIncidents lists everything anew from time to time, to find what the
// search for changes cannot: incidents that were deleted or left the query, and
// those of services that are new in the catalog.
func (r *round) sweepIncidents(ctx context.Context) error {
	cursor := r.readCursor()
	if r.categories == nil || r.complete || cursor.Through.IsZero() || !r.sweeps(cursor) {
		return nil
	}
	r.listed = keySet{}
	if err := r.incidentPages(ctx, r.everything(), "created", func(_, _ time.Time, _ *evidence.Batch) {}); err != nil {
		return err
	}
	if err := r.withdraw(ctx, &cursor); err != nil {
		return err
	}
	return r.keepCursor(cursor)
}

// sweeps reports whether incidents are to be listed anew.
func (r *round) sweeps(cursor incidentCursor) bool {
	return cursor.Mapping != r.mapping.hash || r.now.Sub(cursor.Swept) >= r.sweep
}

// withdraw emits the stored incidents that a complete listing does not have,
// with a note. When so many are missing that it is not believed, the cursor is
// left as not swept, so that the next round lists again.
func (r *round) withdraw(ctx context.Context, cursor *incidentCursor) error {
	for key := range r.badIncidents {
		_, again := r.logging["incident "+key]
		if !again {
			delete(r.badIncidents, key)
		}
	}
	if _, nameless := r.badIncidents[""]; nameless {
		// It may be any of those that are not listed.
		cursor.Swept, cursor.Mapping = r.now, r.mapping.hash
		return nil
	}
	// What ended at the edge of the history may be outside of the listing.
	edge := r.now.Add(-r.incidents.History + 7*day)
	missing := func(in evidence.Incident) bool {
		_, bad := r.badIncidents[in.ID]
		return !r.listed.has(in.ID) && !bad && (in.ResolvedAt.IsZero() || in.StartedAt.After(edge))
	}
	all, lost := 0, 0
	projects := map[string]bool{}
	err := r.eachStored(ctx, func(in evidence.Incident) error {
		if all++; missing(in) {
			lost++
			projects[projectOf(in.ID)] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	var believed bool
	if cursor.Loss, believed = cursor.Loss.weigh(lost, all, r.now); !believed {
		r.log.Warn("a complete listing misses many of the incidents; they stay until another one confirms it", "missing",
			lost, "of", all)
		return nil
	}
	if err := r.visible(ctx, slices.Sorted(maps.Keys(projects))); err != nil {
		return err
	}
	cursor.Swept, cursor.Mapping = r.now, r.mapping.hash
	return r.withdrawAll(ctx, func(in evidence.Incident) bool { return missing(in) && !r.absent[fold(projectOf(in.ID))] })
}

// visible finds out which of the projects the account cannot see any more. What
// is in them is withheld, which does not say that it is gone.
func (r *round) visible(ctx context.Context, projects []string) error {
	for _, part := range portions(projects) {
		err := r.overProjects(ctx, part, func(known []string) error {
			s := search{jql: in("project", known) + ` AND created >= "-1m"`, fields: []string{"project"}}
			return r.list(ctx, s, "issue", func(*issue) bool { return false }, func(_, _ []*issue) error { return nil })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// withdrawAll emits the chosen incidents as gone.
func (r *round) withdrawAll(ctx context.Context, chosen func(evidence.Incident) bool) error {
	why := "not in the complete listing of " + stamp(r.now) + ": deleted, moved, or out of the query"
	batch, sum := evidence.Batch{}, 0
	var some []string
	err := r.eachStored(ctx, func(in evidence.Incident) error {
		if !chosen(in) {
			return nil
		}
		in.Gone, in.GoneWhy = true, why
		batch.Incidents = append(batch.Incidents, in)
		if sum++; len(some) < 5 {
			some = append(some, clean(in.ID))
		}
		if len(batch.Incidents) < maxWithdrawals {
			return nil
		}
		err := r.send(batch)
		batch = evidence.Batch{}
		return err
	})
	if err != nil {
		return err
	}
	if sum == 0 {
		return nil
	}
	r.log.Info("incidents are withdrawn that are not listed any more", "count", sum, "among_them", some)
	return r.send(batch)
}
