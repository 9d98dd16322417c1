package evaluation

import (
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// reviewing is a source of reviews.
type reviewing struct {
	collectors.Source
	id string
}

func (r reviewing) ID() string { return r.id }

func (reviewing) ReadsReviews() bool { return true }

// TestWhenAReviewIsDue: after the last one, or after the first judgement; and not known
// where there may have been one that was not read.
func TestWhenAReviewIsDue(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 11, 4, 9, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.Add(-time.Duration(days) * day) }
	c := &Config{
		Sources: []collectors.Source{reviewing{id: "jira/a"}, reviewing{id: "jira/b"}},
		ReviewDueIn: func(tier int) (time.Duration, bool) {
			return 100 * day, tier == 1
		},
	}
	for name, test := range map[string]struct {
		tier             int
		judged, reviewed time.Time
		read             time.Time
		want             time.Time
	}{
		"reviewed":                      {1, ago(500), ago(30), ago(0), ago(-70)},
		"late":                          {1, ago(500), ago(130), ago(0), ago(30)},
		"never reviewed":                {1, ago(20), time.Time{}, ago(0), ago(-80)},
		"never reviewed, and late":      {1, ago(120), time.Time{}, ago(0), ago(20)},
		"never reviewed nor judged":     {1, time.Time{}, time.Time{}, ago(0), time.Time{}},
		"another tier":                  {2, ago(500), ago(30), ago(0), time.Time{}},
		"reviews were never read":       {1, ago(500), ago(30), time.Time{}, time.Time{}},
		"late, and not read since":      {1, ago(500), ago(130), ago(40), time.Time{}},
		"late, and read since then":     {1, ago(500), ago(130), ago(20), ago(30)},
		"reviewed, and not read lately": {1, ago(500), ago(30), ago(20), ago(-70)},
	} {
		service := snapshot.Service{
			Entry: &catalog.Service{Name: "checkout", Tier: test.tier}, Badge: scoring.BadgeState{FirstJudged: test.judged},
			ReviewDue: ago(1),
		}
		if !test.reviewed.IsZero() {
			service.Reviews = &correlation.Reviews{Completed: test.reviewed}
		}
		s := &snapshot.Snapshot{
			At: now, Services: []snapshot.Service{service},
			Sources: []snapshot.SourceStatus{
				{ID: "jira/a", LastSuccess: now}, {ID: "jira/b", LastSuccess: test.read}, {ID: "c"},
			},
		}
		reviewsDue(c, s)
		if got := s.Services[0].ReviewDue; !got.Equal(test.want) {
			t.Errorf("%s: due %s, want %s", name, got, test.want)
		}
	}
	s := &snapshot.Snapshot{At: now, Services: []snapshot.Service{{Entry: &catalog.Service{Tier: 1}}}}
	if reviewsDue(&Config{ReviewDueIn: c.ReviewDueIn}, s); !s.Services[0].ReviewDue.IsZero() {
		t.Error("no source reads reviews, and one is due")
	}
}
