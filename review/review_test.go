package review

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

func TestTheReviewOfASmallCompany(t *testing.T) {
	golden(t, "review.json", written(t, New(planted(t)), JSON))
}

func written(t *testing.T, r *Review, format Format) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := r.Write(&out, format); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The order in which the store gives things does not matter, and what is written can be
// read.
func TestTheSameInputGivesTheSameReview(t *testing.T) {
	want := written(t, New(planted(t)), JSON)
	in := planted(t)
	slices.Reverse(in.Incidents)
	slices.Reverse(in.Statuses)
	slices.Reverse(in.Reviews)
	got := New(in)
	if !bytes.Equal(written(t, got, JSON), want) {
		t.Error("the review depends on the order of incidents, statuses or reviews")
	}
	read, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written(t, read, JSON), want) {
		t.Error("a review that is read is another one")
	}
	if _, err := Parse(bytes.Replace(want, []byte(`"version": 1`), []byte(`"version": 2`), 1)); err == nil {
		t.Error("a review of another version was read")
	}
}

func TestAReviewOfNothing(t *testing.T) {
	f, _ := smallFramework(t)
	for name, in := range map[string]Input{
		"no services": {Snapshot: &snapshot.Snapshot{At: now(), Framework: f}},
		"never judged": {Snapshot: &snapshot.Snapshot{At: now(), Framework: f, Services: []snapshot.Service{{
			Entry: &catalog.Service{Name: "new", Tier: 1}, Card: &scoring.Scorecard{Service: "new"}}}}},
	} {
		for _, period := range []string{"week", "month", "quarter", "2026-11-01..2026-11-23", "2026-11-23..2026-11-23"} {
			p, err := ParsePeriod(period, now())
			if err != nil {
				t.Fatal(err)
			}
			in.Period = p
			r := New(in)
			if r.Summary.Direction != Unknown || len(r.Summary.Numbers) != 3 {
				t.Errorf("%s, %s: %+v", name, period, r.Summary)
			}
			for _, n := range r.Summary.Numbers {
				if n.Value != nil || n.Why == "" {
					t.Errorf("%s, %s: %s is %v and not unknown with a reason", name, period, n.Name, n.Value)
				}
			}
			for _, format := range []Format{HTML, Markdown, JSON, Short} {
				if len(written(t, r, format)) == 0 {
					t.Errorf("%s as %s is empty", name, format)
				}
			}
		}
	}
}

// only is the planted company with other transitions, all of them within the week.
func only(t *testing.T, changes ...scoring.Transition) Input {
	t.Helper()
	in := planted(t)
	in.Transitions, in.Statuses = changes, nil
	return in
}

func change(service string, from, to framework.Badge, cause scoring.Cause) scoring.Transition {
	return scoring.Transition{Service: service, At: at(18, 9), From: from, To: to, Cause: cause, Announced: true}
}

// Missing evidence is neither a rise nor a fall, and neither are other criteria.
func TestWhatIsARise(t *testing.T) {
	observed := change("checkout", framework.Silver, framework.Gold, scoring.CauseEvidence)
	observed.Announced = false
	for name, c := range map[string]struct {
		in       Input
		want     Direction
		sentence string
	}{
		"a badge more": {only(t, change("checkout", framework.Silver, framework.Gold, scoring.CauseEvidence)), Rose,
			"1 service gained a badge on evidence and none lost one (a small number)"},
		"a badge less": {only(t, change("checkout", framework.Diamond, framework.Gold, scoring.CauseEvidence)), Fell,
			"0 services gained a badge on evidence and 1 lost one"},
		"a lapse": {only(t, change("checkout", framework.Diamond, framework.Gold, scoring.CauseLapse)), Unchanged,
			"Not counted: 1 badge that lapsed because evidence was missing."},
		"criteria": {only(t, change("checkout", framework.Diamond, framework.Gold, scoring.CauseCriteria)), Unchanged,
			"1 badge that moved with criteria"},
		"a new service": {only(t, observed), Unchanged, "no badge moved"},
		"both": {only(t, change("checkout", framework.Silver, framework.Gold, scoring.CauseEvidence),
			change("query", framework.Silver, framework.Bronze, scoring.CauseEvidence)), Unchanged, "on the whole"},
	} {
		if got := New(c.in).Summary; got.Direction != c.want || !strings.Contains(got.Sentence, c.sentence) {
			t.Errorf("%s: %s: %s, want %s with %q", name, got.Direction, got.Sentence, c.want, c.sentence)
		}
	}
	in := planted(t)
	in.Transitions = nil
	if got := New(in).Summary; got.Direction != Rose || !strings.Contains(got.Sentence, "2 checks that failed pass now, "+
		"and 1 that passed fails") {
		t.Errorf("checks alone: %s: %s", got.Direction, got.Sentence)
	}
}

// What was before the store began is unknown, and not a rise from nothing.
func TestWhatWasBeforeTheStoreBegan(t *testing.T) {
	for name, c := range map[string]struct {
		began      time.Time
		direction  Direction
		sentence   string
		value      bool
		previous   bool
		incidents  string
		knownFirst int // the first point of adoption that is known
	}{
		"long ago":           {began(), Rose, "Readiness rose", true, true, "", 0},
		"in the week before": {at(12, 0), Rose, "Readiness rose", true, true, "", 11},
		"before the week":    {at(15, 12), Rose, "Readiness rose", true, true, "", 11},
		"within the week":    {at(17, 0), Rose, "What was before 17 November 2026 is not known.", true, false, "", 12},
		"after it":           {at(23, 1), Unknown, "is not known: the store knows badges from 23 November 2026", false, false, "", 13},
	} {
		in := planted(t)
		for i := range in.Snapshot.Services {
			in.Snapshot.Services[i].Badge.FirstJudged = c.began
		}
		in.Transitions = slices.DeleteFunc(in.Transitions, func(t scoring.Transition) bool { return t.At.Before(c.began) })
		r := New(in)
		n := r.Summary.Numbers[0]
		if r.Summary.Direction != c.direction || !strings.Contains(r.Summary.Sentence, c.sentence) ||
			(n.Value != nil) != c.value || (n.Previous != nil) != c.previous {
			t.Errorf("%s: %s, %s, %v before %v", name, r.Summary.Direction, r.Summary.Sentence, n.Value, n.Previous)
		}
		if (r.Known.Badges == "") != (name == "long ago") {
			t.Errorf("%s: %q", name, r.Known.Badges)
		}
		first := slices.IndexFunc(r.Adoption.Groups[0].Services, func(n *int) bool { return n != nil })
		if first < 0 {
			first = 13
		}
		if first != c.knownFirst {
			t.Errorf("%s: adoption is known from point %d on, want %d", name, first, c.knownFirst)
		}
		for _, s := range r.Kudos.Streaks {
			if s.Since.Before(c.began) {
				t.Errorf("%s: a streak since %s", name, s.Since)
			}
		}
	}
}

// What the retention of the store has deleted is unknown, although the service was judged
// before.
func TestWhatTheStoreHasDeleted(t *testing.T) {
	in := planted(t)
	in.KeptSince = at(17, 0)
	in.Transitions = slices.DeleteFunc(in.Transitions, func(t scoring.Transition) bool { return t.At.Before(at(17, 0)) })
	r := New(in)
	if n := r.Summary.Numbers[0]; n.Value == nil || n.Previous != nil || !r.Known.BadgesSince.Equal(at(17, 0)) {
		t.Errorf("%v before %v, known since %s", n.Value, n.Previous, r.Known.BadgesSince)
	}
}

// A badge that was lost and is held again at the end of the period is regained.
func TestABadgeThatWasRegained(t *testing.T) {
	lost := change("checkout", framework.Gold, framework.Silver, scoring.CauseEvidence)
	back := change("checkout", framework.Silver, framework.Gold, scoring.CauseEvidence)
	back.At = at(20, 9)
	r := New(only(t, lost, back, change("query", framework.Silver, framework.Bronze, scoring.CauseEvidence)))
	if len(r.Regressions) != 2 || !r.Regressions[0].Regained || r.Regressions[1].Regained {
		t.Errorf("%+v", r.Regressions)
	}
}

// Incidents that are not known are not 0, and half a period is not compared with a
// whole one.
func TestIncidentsThatAreNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		since, until    time.Time
		value, previous string
		known           string
	}{
		"all":                 {at(1, 0), now(), "7", "6", ""},
		"up to the last hour": {at(1, 0), at(22, 23).Add(30 * time.Minute), "7", "6", ""},
		"of this period":      {at(16, 0), now(), "7", notKnown, "previous period are not known"},
		"of half of it":       {at(19, 0), now(), "4", notKnown, "known in part: incidents are known from 19 November"},
		"half the previous":   {at(12, 0), now(), "7", notKnown, "previous period are known in part"},
		"not to the end":      {at(1, 0), at(19, 0), "3", "6", "known in part"},
		"of none":             {at(23, 1), now(), notKnown, notKnown, "this period are not known"},
	} {
		in := planted(t)
		in.IncidentsSince, in.IncidentsUntil = c.since, c.until
		r := New(in)
		n := r.Summary.Numbers[1]
		if got := valueText(n.Value, n.Unit); got != c.value {
			t.Errorf("%s: %s incidents, want %s", name, got, c.value)
		}
		if got := valueText(n.Previous, n.Unit); got != c.previous {
			t.Errorf("%s: %s incidents before, want %s", name, got, c.previous)
		}
		if !strings.Contains(r.Known.Incidents, c.known) || (c.known == "") != (r.Known.Incidents == "") {
			t.Errorf("%s: %q, want %q", name, r.Known.Incidents, c.known)
		}
		if whole := c.known == "" || strings.Contains(c.known, "previous"); whole != (len(r.Kudos.Quiet) > 0) {
			t.Errorf("%s: quiet teams %+v", name, r.Kudos.Quiet)
		}
	}
	in := planted(t)
	in.NoIncidents, in.IncidentsSince = "Incidents are not known: no configured source reads them.", time.Time{}
	if r := New(in); r.Incidents.Why != in.NoIncidents || r.Summary.Numbers[1].Value != nil ||
		r.Summary.Numbers[1].Why != in.NoIncidents || len(r.Noisiest.Templates) > 0 {
		t.Errorf("without a source: %+v", r.Incidents)
	}
}

// Fewer noisy alerts must not look as if incidents took longer.
func TestNoisyIncidentsDoNotShortenTheTimeToResolve(t *testing.T) {
	in := planted(t)
	with := New(in).Summary.Numbers[2]
	in.Incidents = slices.DeleteFunc(in.Incidents, func(in *correlation.Incident) bool { return isNoisy(in, now()) })
	without := New(in).Summary.Numbers[2]
	if with.Value == nil || without.Value == nil || *with.Value != *without.Value || with.Of != without.Of {
		t.Errorf("the median is %v with noise and %v without", *with.Value, *without.Value)
	}
}

// The weeks of a chart have 7 days or a few more, never a rest that looks like a fall.
func TestTheWeeksOfAChart(t *testing.T) {
	for _, name := range []string{"2026-10", "2026-Q3", "2026-02", "2026-11-01..2026-11-20", "2026-W46",
		"2026-11-05..2026-11-05"} {
		in := planted(t)
		p, err := ParsePeriod(name, now())
		if err != nil {
			t.Fatal(err)
		}
		in.Period, in.IncidentsSince = p, began().Add(-400*day)
		over := New(in).Incidents.Over
		at := p.Previous().From
		for _, b := range over {
			days := int(b.To.Sub(b.From) / day)
			if !b.From.Equal(at) || p.Days() > 14 && (days < 7 || days > 10) || p.Days() <= 14 && days != 1 {
				t.Errorf("%s: a bucket from %s to %s after %s", name, b.From, b.To, at)
			}
			at = b.To
		}
		if !at.Equal(p.To) {
			t.Errorf("%s: the last bucket ends at %s", name, at)
		}
	}
}

func TestAReviewOfOneTeam(t *testing.T) {
	in := planted(t)
	in.Team = "payments"
	r := New(in)
	if r.Scope.Services != 2 || len(r.Changes) != 2 || *r.Summary.Numbers[1].Value != 6 || len(r.Late) != 0 ||
		len(r.Exemptions) != 0 || r.OnCall.Known != 2 || len(r.Adoption.Groups) != 1 {
		t.Errorf("%+v", r)
	}
	in.Team, in.Org = "", "labs"
	if r := New(in); r.Scope.Services != 2 || len(r.Changes) != 1 || len(r.Late) != 1 || *r.Summary.Numbers[1].Value != 1 {
		t.Errorf("labs: %+v", r)
	}
}

// What is not known of a service does not make its team quiet.
func TestATeamWithDoubtfulIncidentsIsNotQuiet(t *testing.T) {
	in := planted(t)
	in.Doubts = evidence.Doubts{"index": {Service: "index", Newest: at(18, 0)}}
	r := New(in)
	if len(r.Kudos.Quiet) != 0 || r.Kudos.QuietWhy == "" || !slices.Equal(r.Incidents.Incomplete, []string{"index"}) {
		t.Errorf("quiet %+v, incomplete %v", r.Kudos.Quiet, r.Incidents.Incomplete)
	}
}

func TestReviewsThatAreOverdue(t *testing.T) {
	in := planted(t)
	in.Due = map[string]time.Time{"billing": at(20, 0), "checkout": at(27, 0)}
	if r := New(in).Reviews; len(r.Overdue) != 1 || r.Overdue[0].Service != "billing" || r.OverdueWhy != "" {
		t.Errorf("%+v", r)
	}
}

// TestTargetsThatAreLateOrDue: the target of lab-b ends within 30 days; what the
// configuration says is before the framework.
func TestTargetsThatAreLateOrDue(t *testing.T) {
	in := planted(t)
	in.Snapshot.Targets = []scoring.Target{
		{Selector: scoring.Selector{Services: []string{"lab-b"}}, Badge: framework.Silver, By: at(30, 0)},
		{Selector: scoring.Selector{Services: []string{"lab-a"}}, Badge: framework.Bronze},
	}
	for i := range in.Snapshot.Services {
		if s := &in.Snapshot.Services[i]; s.Entry.Name == "lab-a" {
			s.Badge.Lost = map[framework.Badge]time.Time{framework.Bronze: at(18, 9)}
		}
	}
	r := New(in)
	if len(r.Late) != 1 || r.Late[0].Service != "lab-a" || !r.Late[0].Due.IsZero() || !r.Late[0].From.Equal(at(18, 9)) ||
		r.Late[0].Days != 4 || r.Late[0].Words != "late since it was lost on 2026-11-18 (4 days); 1 check to go" {
		t.Errorf("late: %+v", r.Late)
	}
	if len(r.Due) != 1 || r.Due[0].Service != "lab-b" || !r.Due[0].From.Equal(at(31, 0)) || r.Due[0].Days != 7 {
		t.Errorf("due: %+v", r.Due)
	}
	md := string(written(t, r, Markdown))
	for _, want := range []string{
		"| lab-a | research | 1 | no badge | Bronze | no date | late since it was lost on 2026-11-18 (4 days); 1 check to go |",
		"Services below a target that is due within 30 days", "| Silver | 2026-11-30 | due, 7 days left; ",
	} {
		if !strings.Contains(md, want) {
			t.Errorf("the review lacks %q", want)
		}
	}
}

func TestTheReviewForPeople(t *testing.T) {
	r := New(planted(t))
	golden(t, "review.html", written(t, r, HTML))
	golden(t, "review.md", written(t, r, Markdown))
	golden(t, "review.txt", written(t, r, Short))
}

// Whatever there is to say, a post has at most 4,000 characters, no table, and whole lines.
func TestAPostIsShort(t *testing.T) {
	in := planted(t)
	for i := range 300 {
		c := change("checkout", framework.Gold, framework.Silver, scoring.CauseEvidence)
		c.At = c.At.Add(time.Duration(i) * time.Second)
		in.Transitions = append(in.Transitions, c)
	}
	for _, s := range in.Snapshot.Services {
		s.Entry.Team = strings.Repeat("ä long name ", 40)
	}
	text := string(written(t, New(in), Short))
	if n := len([]rune(text)); n > shortLimit || n < shortLimit/4 || strings.Contains(text, "|--") {
		t.Errorf("%d characters:\n%s", n, text)
	}
	if !strings.HasSuffix(text, "The rest is in the full review.\n") {
		t.Errorf("it does not say that it was cut:\n%s", text)
	}
}

// Titles and names come from outside: they are text, and no markup.
func TestHostileNamesAreText(t *testing.T) {
	r := New(planted(t))
	for _, format := range []Format{Markdown, Short} {
		text := string(written(t, r, format))
		if strings.Contains(text, "<script") || strings.Contains(text, "<img") || !strings.Contains(text, "&lt;script&gt;") {
			t.Errorf("%s: markup of a title", format)
		}
	}
	if got := report.Markdown("a|b\n\x00c `d` [e](f) \u202eg"); got != `a\|b c \`+"`d\\`"+` \[e\](f) g` {
		t.Errorf("%q", got)
	}
}
