package review

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Half of 80 services fail a check and have four times the incidents; another check fails
// for every second one of each half and predicts nothing.
func TestWhatChecksPredict(t *testing.T) {
	f, _ := smallFramework(t)
	since := now().Add(-PredictOver)
	s := &snapshot.Snapshot{At: now(), Framework: f}
	ofIncidents := *f.Checks[0]
	ofIncidents.ID, ofIncidents.Outcome = "inc.few", true
	var incidents []*correlation.Incident
	var statuses []StatusSpan
	for i := range 80 {
		name := fmt.Sprintf("s%02d", i)
		status := func(fails bool) scoring.Status {
			if fails {
				return scoring.Fail
			}
			return scoring.Pass
		}
		card := &scoring.Scorecard{Service: name, Checks: []scoring.CheckResult{
			{Check: f.Checks[0], Status: status(i < 40)}, {Check: f.Checks[1], Status: status(i%2 == 0)},
			{Check: f.Checks[2], Status: scoring.Unknown}, {Check: &ofIncidents, Status: status(i < 40)},
		}}
		service := snapshot.Service{Entry: &catalog.Service{Name: name, Tier: 2}, Card: card}
		service.Badge.FirstJudged = began().Add(-300 * day)
		s.Services = append(s.Services, service)
		many := 4
		if i < 40 {
			many = 16
		}
		many += count(i%4 == 0) // a little more, which chance explains
		for k := range many {
			start := since.Add(time.Duration(k*9+1)*day + time.Duration(i)*time.Minute)
			incidents = append(incidents, &correlation.Incident{Services: []string{name}, StartedAt: start,
				ResolvedAt: start.Add(time.Hour), Urgent: true, AcksKnown: true,
				Records: []correlation.Reference{{Source: "pagerduty/main", ID: fmt.Sprint(i, "-", k)}}})
		}
	}
	got := Predictions(s, statuses, incidents, since, now())
	if p := got[f.Checks[0].ID]; !p.Related || p.NoRelation || p.Lower > 4 || p.Upper < 4 || p.Lower < 2 {
		t.Errorf("the check that predicts: %+v", p)
	}
	if p, known := got[f.Checks[1].ID]; !known || p.Related || !p.NoRelation || p.Lower > 1 || p.Upper < 1 {
		t.Errorf("the check that does not: %+v (%t)", p, known)
	}
	if p, known := got[f.Checks[2].ID]; known {
		t.Errorf("nothing is known of a check, and it predicts %+v", p)
	}
	if p, known := got[ofIncidents.ID]; known {
		t.Errorf("a check that reads incidents predicts incidents: %+v", p)
	}

	// What was so before counts for that time: all incidents of the first half were while
	// the check still passed there, and it failed only from the last day on.
	for i := range 40 {
		name := fmt.Sprintf("s%02d", i)
		statuses = append(statuses,
			StatusSpan{name, f.Checks[0].ID, scoring.Pass, began().Add(-300 * day), now().Add(-2 * day)},
			StatusSpan{name, f.Checks[0].ID, scoring.Fail, now().Add(-2 * day), time.Time{}})
	}
	if p := Predictions(s, statuses, incidents, since, now())[f.Checks[0].ID]; p.Related {
		t.Errorf("it failed after the incidents, and predicts them: %+v", p)
	}
}

// What changes within a day counts from the end of that day, and nothing counts before the
// first judgement.
func TestStandings(t *testing.T) {
	f, _ := smallFramework(t)
	service := snapshot.Service{Entry: &catalog.Service{Name: "a"}, Card: &scoring.Scorecard{Checks: []scoring.CheckResult{
		{Check: f.Checks[0], Status: scoring.Pass}, {Check: f.Checks[1], Status: scoring.Pass}}}}
	service.Badge.FirstJudged = at(3, 9)
	id, fixed := f.Checks[0].ID, f.Checks[1].ID
	list := standings(&service, map[string][]StatusSpan{id: {
		{"a", id, scoring.Unknown, at(3, 9), at(5, 10)}, {"a", id, scoring.Fail, at(5, 10), at(5, 22)},
		{"a", id, scoring.Pass, at(5, 22), at(7, 1)}, {"a", id, scoring.Fail, at(7, 1), at(9, 2)},
		{"a", id, scoring.Pass, at(9, 2), time.Time{}},
	}}, at(1, 0), at(20, 0))
	want := []correlation.Standing{
		{Service: "a", Since: at(3, 9), Passing: []string{fixed}},
		{Service: "a", Since: at(4, 0), Passing: []string{fixed}},
		{Service: "a", Since: at(6, 0), Passing: []string{fixed, id}},
		{Service: "a", Since: at(8, 0), Passing: []string{fixed}, Failing: []string{id}},
		{Service: "a", Since: at(10, 0), Passing: []string{fixed, id}},
	}
	if !slices.EqualFunc(list, want, func(a, b correlation.Standing) bool {
		return a.Since.Equal(b.Since) && slices.Equal(a.Passing, b.Passing) && slices.Equal(a.Failing, b.Failing)
	}) {
		t.Errorf("%+v\nwant %+v", list, want)
	}
	service.Badge.FirstJudged = time.Time{}
	if list := standings(&service, nil, at(1, 0), at(20, 0)); list != nil {
		t.Errorf("never judged: %+v", list)
	}
}
