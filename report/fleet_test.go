package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

func tableOf(t *testing.T, fleet Fleet, style Style) string {
	t.Helper()
	var out bytes.Buffer
	if err := fleet.WriteTable(&out, style); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnEmptyFleetIsStillAnswered(t *testing.T) {
	s := newFixture(t).snapshot()
	fleet := NewFleet(s)
	got := tableOf(t, fleet, Style{})
	want := "0 services: 0 diamond, 0 platinum, 0 gold, 0 silver, 0 bronze, 0 none\nframework small 1.2.0, evaluated 2026-08-22 09:30 UTC\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var out bytes.Buffer
	if err := fleet.WriteJSON(&out); err != nil || !strings.Contains(out.String(), `"services": []`) {
		t.Errorf("an empty fleet is an empty list, not null: %v\n%s", err, out.String())
	}
	if _, ok := NewScorecard(s, "nobody"); ok {
		t.Error("a scorecard of a service that is not there")
	}
	for _, fact := range NewCoverage(s).Facts {
		if fact.Share != nil {
			t.Errorf("%s: share %v of no services", fact.Name, *fact.Share)
		}
	}
}

func TestAServiceWithNothingCountedHasNoScore(t *testing.T) {
	f := newFixture(t)
	for _, check := range f.framework.Checks {
		f.blind[check.ID] = true
	}
	f.add(catalog.Service{Name: "quiet", Tier: 2}, scoring.BadgeState{}, nil)
	s := f.snapshot()
	row := NewFleet(s).Services[0]
	if row.Score != nil || row.Coverage != nil || row.NoBadge != noBadgeNotJudged || row.NextBadge != "none" ||
		row.Title != "quiet" {
		t.Errorf("got %+v", row)
	}
	line := strings.Split(tableOf(t, NewFleet(s), Style{}), "\n")[1]
	if got, want := strings.Fields(line), []string{"quiet", "-", "2", "not", "judged", "-", "-", "-", "-", "-",
		"-"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	card, _ := NewScorecard(s, "quiet")
	var out bytes.Buffer
	if err := card.WriteText(&out, Style{}); err != nil || !strings.Contains(out.String(),
		"no check counts") || !strings.Contains(out.String(), "9 not measurable") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestTablesStayAligned finds every column of every line at the same cell,
// whatever the names, the width and the colours.
func TestTablesStayAligned(t *testing.T) {
	s := company(t)
	long := *s.Services[1].Entry
	long.Name = "checkout-with-a-name-that-somebody-thought-was-a-good-idea-é́-한국어-서비스"
	s.Services[1].Entry = &long
	fleet := NewFleet(s)
	for limit := range 141 {
		for _, colour := range []bool{false, true} {
			out := tableOf(t, fleet, Style{Width: limit, Colour: colour})
			if colour {
				out = uncoloured(out)
			}
			lines := strings.Split(out, "\n")
			badges := cellOf(lines[0], "BADGE")
			if limit > 40 && badges < 0 {
				t.Fatalf("width %d: no badge column in %q", limit, lines[0])
			}
			for _, line := range lines[:7] {
				if limit >= 8 && textWidth(line) > limit {
					t.Errorf("width %d: %d cells: %q", limit, textWidth(line), line)
				}
				if strings.HasSuffix(line, " ") {
					t.Errorf("width %d: trailing space: %q", limit, line)
				}
				if badges > 0 && !boundary(line, badges) {
					t.Errorf("width %d: no column starts at cell %d: %q", limit, badges, line)
				}
			}
		}
	}
}

// cellOf is the cell at which a heading starts, -1 without it.
func cellOf(line, head string) int {
	before, _, ok := strings.Cut(line, head)
	if !ok {
		return -1
	}
	return textWidth(before)
}

// boundary reports whether a word starts at the cell after a gap.
func boundary(line string, at int) bool {
	used := 0
	gap := false
	for _, r := range line {
		if used == at {
			return gap && r != ' '
		}
		gap = r == ' '
		used += textWidth(string(r))
	}
	return false
}

func uncoloured(s string) string {
	for _, p := range []string{"0", "1", "2", "31", "32", "33", "37", "93", "95", "96"} {
		s = strings.ReplaceAll(s, "\x1b["+p+"m", "")
	}
	return s
}

func TestColoursChangeNothingElse(t *testing.T) {
	fleet := NewFleet(company(t))
	plain, coloured := tableOf(t, fleet, Style{}), tableOf(t, fleet, Style{Colour: true})
	if strings.Contains(plain, "\x1b") {
		t.Error("colours without being asked")
	}
	// The footer is broken by its visible length, so both read the same.
	if got := uncoloured(coloured); got != plain {
		t.Errorf("got\n%s\nwant\n%s", got, plain)
	}
}

func TestNamesCannotSteerTheTerminal(t *testing.T) {
	f := newFixture(t)
	f.add(catalog.Service{Name: "a\x1b[31mb\u202ec\nd", Tier: 1, Team: "\x07ops\x00"}, held(framework.Gold),
		complete().with(observations{
			"deploy.synced_ratio_7d": seen(double(0.5), "prom\x1b]0;x\x07", "detail\x1b[2J\r\nmore"),
		}))
	s := f.snapshot()
	var out bytes.Buffer
	card, _ := NewScorecard(s, s.Services[0].Entry.Name)
	for _, write := range []error{NewFleet(s).WriteTable(&out, Style{}), card.WriteText(&out, Style{All: true}),
		NewCoverage(s).WriteTable(&out, Style{})} {
		if write != nil {
			t.Fatal(write)
		}
	}
	if bad := strings.IndexFunc(out.String(),
		func(r rune) bool { return r < ' ' && r != '\n' || r == '\u202e' }); bad >= 0 {
		t.Errorf("%q", out.String()[bad:min(bad+40, out.Len())])
	}
	if !strings.Contains(out.String(), "a[31mbc d") {
		t.Errorf("the name is gone:\n%s", out.String())
	}
}

func TestSpreadsheetsGetNoFormulas(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"+1", "-1", "=cmd|'/c calc'!A1", "@SUM(A1)", "\t=1", "plain, with \"quotes\""} {
		f.add(catalog.Service{Name: name, Tier: 1}, scoring.BadgeState{}, nil)
	}
	s := f.snapshot()
	var out bytes.Buffer
	if err := NewFleet(s).WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows[1:] {
		want := s.Services[i].Entry.Name
		if i < 5 {
			want = "'" + want
		}
		if row[0] != want || row[1] != want {
			t.Errorf("got %q, want %q", row[:2], want)
		}
	}
}

// TestViewsSurviveJSON is what a client of a running daemon relies on.
func TestViewsSurviveJSON(t *testing.T) {
	s := company(t)
	s.At = s.At.Add(1234 * time.Microsecond)
	decode := func(view any, write func(*bytes.Buffer) error, into any) {
		t.Helper()
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(&out)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			t.Fatal(err)
		}
		if got := reflect.ValueOf(into).Elem().Interface(); !reflect.DeepEqual(got, view) {
			t.Errorf("got\n%+v\nwant\n%+v", got, view)
		}
	}
	fleet := NewFleet(s)
	decode(fleet, func(b *bytes.Buffer) error { return fleet.WriteJSON(b) }, &Fleet{})
	coverage := NewCoverage(s)
	decode(coverage, func(b *bytes.Buffer) error { return coverage.WriteJSON(b) }, &Coverage{})
	for _, service := range s.Services {
		card, ok := NewScorecard(s, service.Entry.Name)
		if !ok {
			t.Fatal(service.Entry.Name)
		}
		decode(card, func(b *bytes.Buffer) error { return card.WriteJSON(b) }, &Scorecard{})
	}
}

func TestValuesSurviveJSON(t *testing.T) {
	for text, v := range map[string]Value{
		"null": {}, "true": {evidence.KindBool, 1}, "false": {evidence.KindBool, 0}, "3": {evidence.KindInt, 3},
		"3.0":  {evidence.KindDouble, 3},
		"0.95": {evidence.KindDouble, 0.95}, "1e+30": {evidence.KindDouble, 1e30},
		`"+Inf"`: {evidence.KindDouble, math.Inf(1)}, `"-Inf"`: {evidence.KindDouble, math.Inf(-1)},
	} {
		data, err := json.Marshal(v)
		if err != nil || string(data) != text {
			t.Errorf("%+v: %s, %v, want %s", v, data, err, text)
		}
		var back Value
		if err := json.Unmarshal(data, &back); err != nil || back != v {
			t.Errorf("%s: %+v, %v", text, back, err)
		}
	}
	var v Value
	if err := json.Unmarshal([]byte(`"never"`), &v); err == nil {
		t.Error("a word is not a value")
	}
}

func TestTargets(t *testing.T) {
	due := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		tier  int
		badge framework.Badge
		at    time.Time
		want  string
	}{
		"reached":         {1, framework.Gold, due.Add(time.Hour), onTarget},
		"more than asked": {1, framework.Diamond, due, onTarget},
		"still time":      {1, framework.Silver, due.Add(-time.Second), targetDue},
		"the last day":    {1, framework.Silver, due.Add(24*time.Hour - time.Second), targetDue},
		"the day is over": {1, framework.Silver, due.Add(24 * time.Hour), targetLate},
		"no date":         {3, framework.NoBadge, due.AddDate(5, 0, 0), targetDue},
		"no target":       {4, framework.NoBadge, due, targetNone},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.add(catalog.Service{Name: "a", Tier: c.tier}, held(c.badge), complete())
			s := f.snapshot()
			s.At = c.at
			if got := NewFleet(s).Services[0].OnTarget; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatBlocksTheNextBadge(t *testing.T) {
	// Not stateful: nothing is asked at level 4 by any module.
	f := newFixture(t)
	f.add(catalog.Service{Name: "a", Tier: 1}, held(framework.Gold), complete())
	row := NewFleet(f.snapshot()).Services[0]
	if row.Blocked != blockedCeiling || row.NextBadge != "none" || row.gapText() != "at its ceiling" {
		t.Errorf("got %+v", row)
	}

	// All checks up to Gold pass or are exempt, but fewer exemptions are allowed.
	f = newFixture(t)
	f.framework.Requirements[framework.Gold] = framework.Requirement{MaxExempt: 0, MaxAttestedPerModule: -1,
		MaxAttested: -1}
	f.exemptions = []scoring.Exemption{{Check: "cicd.source",
		Selector: scoring.Selector{Services: []string{"a"}}, Reason: "r",
		RequestedBy: "q", Approver: "p",
		Expires: now().Add(time.Hour)}}
	f.add(catalog.Service{Name: "a", Tier: 1}, held(framework.Silver), complete())
	row = NewFleet(f.snapshot()).Services[0]
	if row.Blocked != blockedLimits || row.NextBadge != "gold" || row.gapText() != "Gold: limits" {
		t.Errorf("got %+v", row)
	}
}

// TestExemptIsShownBesideTheBadge: ledger holds Gold with one exempt check, however little
// room there is, and that check is never shown as passed.
func TestExemptIsShownBesideTheBadge(t *testing.T) {
	s := company(t)
	fleet := NewFleet(s)
	for _, width := range []int{40, 60, 80, 200} {
		var table strings.Builder
		if err := fleet.WriteTable(&table, Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)^SERVICE.* EXEMPT`).MatchString(table.String()) ||
			!regexp.MustCompile(`(?m)^ledger .*Gold +(\d+ +)?1( |$)`).MatchString(table.String()) {
			t.Errorf("%d columns: exempt is not shown\n%s", width, table.String())
		}
	}
	card, _ := NewScorecard(s, "ledger")
	if card.Summary.Qualifiers.Exempt != 1 {
		t.Errorf("got %+v", card.Summary.Qualifiers)
	}
	for _, check := range card.Checks {
		if exempt := check.ID == "inc.acknowledged"; (check.Status == "exempt") != exempt ||
			(check.Exemption != nil) != exempt {
			t.Errorf("%s is %s", check.ID, check.Status)
		}
	}
	for _, all := range []bool{false, true} {
		wantText(t, textOf(t, card, Style{All: all}), "Gold (1 exempt, 2 attested)", "EXEMPT\n\ninc.acknowledged")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorsAreToldApart(t *testing.T) {
	s := company(t)
	fleet, coverage := NewFleet(s), NewCoverage(s)
	card, _ := NewScorecard(s, "checkout")
	for want, err := range map[string]error{
		"writing the fleet table: disk full":       fleet.WriteTable(full{}, Style{}),
		"writing the fleet as CSV: disk full":      fleet.WriteCSV(full{}),
		"writing the fleet as JSON: disk full":     fleet.WriteJSON(full{}),
		"writing the scorecard: disk full":         card.WriteText(full{}, Style{}),
		"writing the scorecard as CSV: disk full":  card.WriteCSV(full{}),
		"writing the coverage table: disk full":    coverage.WriteTable(full{}, Style{}),
		"writing the coverage as JSON: disk full":  coverage.WriteJSON(full{}),
		"writing the scorecard as JSON: disk full": card.WriteJSON(full{}),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestTheCountsOfBadgesAddUp has a fleet with every state: each service is in
// one count.
func TestTheCountsOfBadgesAddUp(t *testing.T) {
	summary := NewFleet(company(t)).Summary(Style{})
	want := "6 services: 0 diamond, 0 platinum, 2 gold, 1 silver, 0 bronze, 2 none, 1 not judged;\n  1 of them on hold"
	if summary != want {
		t.Errorf("got\n%s\nwant\n%s", summary, want)
	}
	f := newFixture(t)
	f.add(catalog.Service{Name: "a", Tier: 1}, held(framework.Gold), complete())
	if got := NewFleet(f.snapshot()).Summary(Style{}); !strings.HasPrefix(got, "1 service: ") {
		t.Errorf("got %s", got)
	}
}

// TestALevelBelowTheBadgeEndsInNA has a Diamond whose modules have checks at
// the lower levels alone.
func TestALevelBelowTheBadgeEndsInNA(t *testing.T) {
	for _, c := range []struct {
		level ModuleLevel
		badge string
		want  string
	}{
		{ModuleLevel{Applies: true, Level: 1, LevelUpper: 1, HighestLevel: 1}, "diamond", "1, n/a"},
		{ModuleLevel{Applies: true, Level: 1, LevelUpper: 1, HighestLevel: 1}, "bronze", "1"},
		{ModuleLevel{Applies: true, Level: 1, LevelUpper: 1, HighestLevel: 3}, "gold", "1"},
		{ModuleLevel{Applies: true, Level: 1, LevelUpper: 2, HighestLevel: 2}, "gold", "1-2"},
		{ModuleLevel{Applies: true, Level: 5, LevelUpper: 5, HighestLevel: 5}, "diamond", "5"},
		{ModuleLevel{Applies: true, Level: 1, LevelUpper: 1}, "diamond", "1"}, // of a daemon that does not say
	} {
		if got := levelText("maturity", c.level, c.badge); got != c.want {
			t.Errorf("%+v of %s: %q, want %q", c.level, c.badge, got, c.want)
		}
	}
	f := newFixture(t)
	f.add(catalog.Service{Name: "a", Tier: 1}, held(framework.Diamond), complete())
	s := f.snapshot()
	card, _ := NewScorecard(s, "a")
	wantText(t, textOf(t, card, Style{All: true}), "CI/CD Readiness        3, n/a beyond")
	wantText(t, tableOf(t, NewFleet(s), Style{}), "3, n/a", "\nn/a: no check of the module counts beyond this level\n")
}

func TestAServiceWithoutABadgeSaysHowFarItIs(t *testing.T) {
	for name, c := range map[string]struct {
		row  FleetRow
		want string
	}{
		"checks": {FleetRow{NoBadge: noBadgeNotYetBronze, NextBadge: "bronze", GapChecks: 8},
			"no badge: 8 checks short of Bronze"},
		"one": {FleetRow{NoBadge: noBadgeNotYetBronze, NextBadge: "bronze", GapChecks: 1},
			"no badge: 1 check short of Bronze"},
		"ceiling": {FleetRow{NoBadge: noBadgeNotYetBronze, Blocked: blockedCeiling},
			"no badge: too few modules have checks for this service"},
		"limits": {FleetRow{NoBadge: noBadgeNotYetBronze, Blocked: blockedLimits},
			"no badge: more checks are exempt or attested than Bronze allows"},
	} {
		if got := (Scorecard{Summary: c.row}).badgeLine(Style{}); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
