package evaluation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// ErrOutOfReach is the error of a time that the history does not reach.
var ErrOutOfReach = errors.New("the history does not reach that far")

// Then is a service as it was judged at a time.
type Then struct {
	Card  *scoring.Scorecard
	Badge scoring.BadgeState
	Row   evidence.Row
	// FlippedAt is since when a check has had its status, by its id, where that is known.
	FlippedAt map[string]time.Time
	// CoverageSince and SubjectsSince are as in Comparison.
	CoverageSince, SubjectsSince time.Time
}

// AsOf judges the stored evidence of a service as of a time.
func AsOf(
	ctx context.Context, reader PastReader, c *Config, entry *catalog.Service, at time.Time,
) (*Then, error) {
	var then *Then
	var replay *Replay
	var start time.Time
	out := Then{FlippedAt: map[string]time.Time{}}
	err := reader.EachPast(ctx, entry.Name, at, func(p store.Past) error {
		reach := Reach(p)
		if reach.IsZero() {
			return fmt.Errorf("%w: the store has no history yet", ErrOutOfReach)
		}
		if at.Before(reach) {
			return fmt.Errorf("%w: it begins at %s", ErrOutOfReach, reach.UTC().Format(time.RFC3339))
		}
		out.CoverageSince, out.SubjectsSince = p.CoverageSince, subjectsSince(p)
		replay = NewReplay(c, p, at)
		if start = at.Add(-warmUp(c)); start.Before(reach) {
			start = reach
		}
		return nil
	}, func(s store.PastService) error {
		statuses := map[string]scoring.Status{}
		lane := replay.Lane(entry, &s, start, func(at time.Time, card *scoring.Scorecard) {
			for i := range card.Checks {
				r := &card.Checks[i]
				if before, known := statuses[r.Check.ID]; known && before != r.Status {
					out.FlippedAt[r.Check.ID] = at
				}
				statuses[r.Check.ID] = r.Status
			}
		})
		if out.Card, out.Badge = lane.Finish(); out.Card != nil {
			out.Row, then = lane.Row(), &out
		}
		return nil
	})
	if err == nil && then == nil {
		err = fmt.Errorf("%w: %s had no evidence, or was not judged, yet", ErrOutOfReach, entry.Name)
	}
	return then, err
}

// subjectsSince is since when it is stored what was judged; zero if it is not.
func subjectsSince(p store.Past) time.Time {
	if len(p.Exemptions) > 0 {
		return p.Exemptions[0].From
	}
	return time.Time{}
}
