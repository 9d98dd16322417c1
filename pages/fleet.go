package pages

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

const (
	// pageSize is the number of services on a page of the fleet.
	pageSize = 50
	// movedFor is how far back changes of badges are shown, maxMoves how many at once, and
	// maxMoreMoves how many behind a fold.
	movedFor     = 30 * 24 * time.Hour
	maxMoves     = 8
	maxMoreMoves = 200
)

// fleetIndex is what pages show of all services of one snapshot. It is made once.
type fleetIndex struct {
	of    *snapshot.Snapshot
	fleet report.Fleet
	// summary counts all services, tierRows and orgRows those of each tier and org.
	summary           report.Summary
	tierRows, orgRows []groupRow
	// services are those of the snapshot by name.
	services map[string]*snapshot.Service
	// teams and orgs are their names, in order.
	teams, orgs []string
	// moves are the changes of badges within movedFor, the newest first.
	moves []scoring.Transition
}

// index returns what is made of the snapshot, and makes it if it was not.
func (s *Site) index(ctx context.Context, current *snapshot.Snapshot) (*fleetIndex, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fleet != nil && s.fleet.of == current {
		return s.fleet, nil
	}
	moves, err := s.o.Past.Moves(ctx, current.At.Add(-movedFor))
	if err != nil {
		return nil, err
	}
	slices.Reverse(moves)
	i := &fleetIndex{of: current, fleet: report.NewFleet(current), moves: moves,
		services: make(map[string]*snapshot.Service, len(current.Services))}
	for n := range current.Services {
		i.services[current.Services[n].Entry.Name] = &current.Services[n]
	}
	teams, orgs := map[string]bool{}, map[string]bool{}
	for n := range i.fleet.Services {
		row := &i.fleet.Services[n]
		teams[row.Team], orgs[row.Org] = true, true
	}
	delete(teams, "")
	delete(orgs, "")
	i.teams, i.orgs = slices.Sorted(maps.Keys(teams)), slices.Sorted(maps.Keys(orgs))
	i.summary = report.Summarise(i.rows())
	i.tierRows = i.groups(func(r *report.FleetRow) string { return strconv.Itoa(r.Tier) },
		func(tier string) string { return "?" + url.Values{"tier": {tier}}.Encode() })
	i.orgRows = i.groups(func(r *report.FleetRow) string { return r.Org },
		func(org string) string { return "orgs/" + url.PathEscape(org) })
	s.fleet = i
	return i, nil
}

// fleetPage is what the first page shows.
type fleetPage struct {
	Summary report.Summary
	Tiers   []groupRow
	Orgs    []groupRow
	Moves   moved
	// Query is what the form was filled in with; Wrong says what of it cannot be used.
	Query                       report.FleetQuery
	Wrong                       string
	Teams, OrgNames, BadgeNames []string
	TargetNames                 []string
	Sorts                       []report.FleetSort
	// Heads are those of the table, each a link that sorts by it.
	Heads []head
	Rows  []serviceRow
	// Found is the number of services that the query selects, From and To the rows shown.
	Found, From, To int
	// Previous and Next are the links to the pages before and behind; empty without one.
	Previous, Next string
	Filtered       bool
	Criteria       criteriaView
	Sources        []sourceRow
	Uncounted      []uncountedRow
}

// groupRow is a tier, an org or a team beside others.
type groupRow struct {
	Name string
	// Href is its page or the filter for it, below Root.
	Href string
	report.Summary
}

type head struct {
	Text, Href string
	// Sorted is ascending or descending for the column that the table is sorted by, else
	// none.
	Sorted string
	Number bool
}

// serviceRow is a service in a table.
type serviceRow struct {
	*report.FleetRow
	// Words are the badge and what it is shown with, and Gap what is missing to the next.
	Words, Gap string
	Score      string
	// Stands says how it stands to its target, and Far what is missing to it.
	Stands, Far string
}

// moved are changes of badges.
type moved struct {
	// Rose and Fell count all; List are the first, More those behind a fold, and Left is how
	// many are not shown.
	Rose, Fell int
	List, More []move
	Left       int
}

// move is a change of a badge.
type move struct {
	At                time.Time
	Service, From, To string
	Text              string
	Rose, News        bool
}

// criteriaView is what services are judged by.
type criteriaView struct {
	// Title is the name with the version, Since when it came into force.
	Title string
	Since time.Time
	// Changes are the notes of the version.
	Changes []string
}

type sourceRow struct {
	ID, Error string
	// Age is how long ago the last success was, empty if it never had one.
	Age string
}

type uncountedRow struct {
	Title   string
	Largest []evidence.UncountedGroup
}

// Fleet is the first page.
func (s *Site) Fleet(ctx context.Context, values url.Values) Answer {
	current := s.o.Current()
	if current == nil {
		return s.waiting(http.StatusOK, 0)
	}
	all, err := s.index(ctx, current)
	if err != nil {
		return s.failed(current, 0, "reading changes of badges", err)
	}
	p := fleetPage{Summary: all.summary, Tiers: all.tierRows, Orgs: all.orgRows, Teams: all.teams, OrgNames: all.orgs,
		Sorts: report.FleetSorts(), TargetNames: report.TargetFilters()}
	for _, b := range framework.Badges() {
		p.BadgeNames = append(p.BadgeNames, b.String())
	}
	p.Moves = movesOf(all.moves, nil)
	status := http.StatusOK
	if p.Query, err = report.ParseFleetQuery(values, "page"); err != nil {
		p.Wrong, status = err.Error(), http.StatusBadRequest
		p.Query = report.FleetQuery{}
	}
	p.Filtered = p.Query != report.FleetQuery{Sort: p.Query.Sort}
	p.Heads = heads(p.Query)
	p.list(p.Query.Select(all.fleet.Services), values.Get("page"), current.At)
	p.Criteria = criteriaOf(current)
	p.Sources, p.Uncounted = sourcesOf(current), uncountedOf(current)
	return s.render(status, "fleet", "Production readiness", 0, current, p)
}

// rows are all services.
func (i *fleetIndex) rows() []*report.FleetRow {
	rows := make([]*report.FleetRow, len(i.fleet.Services))
	for n := range rows {
		rows[n] = &i.fleet.Services[n]
	}
	return rows
}

// list shows one page of the rows.
func (p *fleetPage) list(rows []*report.FleetRow, page string, at time.Time) {
	number, err := strconv.Atoi(page)
	last := max(1, (len(rows)+pageSize-1)/pageSize)
	if err != nil || number < 1 {
		number = 1
	}
	number = min(number, last)
	from, to := (number-1)*pageSize, min(number*pageSize, len(rows))
	p.Found, p.From, p.To = len(rows), from+1, to
	p.Rows = serviceRows(rows[from:to], at)
	address := func(page int) string {
		values := p.Query.Values()
		values.Set("page", strconv.Itoa(page))
		return "?" + values.Encode() + "#services"
	}
	if number > 1 {
		p.Previous = address(number - 1)
	}
	if number < last {
		p.Next = address(number + 1)
	}
}

func serviceRows(rows []*report.FleetRow, at time.Time) []serviceRow {
	out := make([]serviceRow, len(rows))
	for i, row := range rows {
		out[i] = serviceRow{FleetRow: row, Words: row.BadgeWords(), Gap: row.GapWords(), Score: row.ScoreWords()}
		out[i].Stands, out[i].Far = row.TargetWords(at)
	}
	return out
}

// column is a column of the table of services; sort is empty where it orders nothing.
type column struct {
	text   string
	sort   report.FleetSort
	number bool
}

func columns() []column {
	return []column{
		{"Service", report.SortName, false}, {"Team", report.SortTeam, false}, {"Tier", report.SortTier, true},
		{"Badge", report.SortBadge, false}, {"Target", "", false}, {"Score", report.SortScore, true},
		{"To the next badge", report.SortGap, false},
	}
}

// plainHeads are the heads of a table that cannot be sorted.
func plainHeads() []head {
	var out []head
	for _, c := range columns() {
		out = append(out, head{Text: c.text, Sorted: "none", Number: c.number})
	}
	return out
}

// heads are the heads of the table of services. The one that it is sorted by turns it round.
func heads(q report.FleetQuery) []head {
	out := plainHeads()
	for i, c := range columns() {
		if c.sort == "" {
			continue
		}
		next := q
		next.Sort = c.sort
		switch q.Sort {
		case c.sort:
			out[i].Sorted, next.Sort = "ascending", "-"+c.sort
		case "-" + c.sort:
			out[i].Sorted = "descending"
		}
		out[i].Href = "?" + next.Values().Encode() + "#services"
	}
	return out
}

// groups are the services by what name says, in the order of the names.
func (i *fleetIndex) groups(name func(*report.FleetRow) string, href func(string) string) []groupRow {
	by := map[string][]*report.FleetRow{}
	for _, row := range i.rows() {
		if n := name(row); n != "" {
			by[n] = append(by[n], row)
		}
	}
	var out []groupRow
	for _, n := range slices.Sorted(maps.Keys(by)) {
		out = append(out, groupRow{Name: n, Href: href(n), Summary: report.Summarise(by[n])})
	}
	return out
}

// movesOf are the changes of the services that are selected; nil selects all. First
// judgements are left out: they are no changes of the service.
func movesOf(moves []scoring.Transition, selects func(service string) bool) moved {
	var out moved
	for i := range moves {
		t := &moves[i]
		if t.Cause == scoring.CauseInitial || selects != nil && !selects(t.Service) {
			continue
		}
		if t.To > t.From {
			out.Rose++
		} else {
			out.Fell++
		}
		if shown := len(out.List) + len(out.More); shown >= maxMoves+maxMoreMoves {
			out.Left++
			continue
		}
		m := move{At: t.At, Service: t.Service, From: t.From.String(), To: t.To.String(), Text: report.MoveWords(t),
			Rose: t.To > t.From, News: t.Cause == scoring.CauseEvidence}
		if len(out.List) < maxMoves {
			out.List = append(out.List, m)
		} else {
			out.More = append(out.More, m)
		}
	}
	return out
}

func criteriaOf(s *snapshot.Snapshot) criteriaView {
	v := criteriaView{Title: s.Framework.Title(), Since: s.ActivatedAt}
	for _, c := range s.Framework.Changelog {
		if c.Version == s.Framework.Version {
			v.Changes = c.Notes
		}
	}
	return v
}

func sourcesOf(s *snapshot.Snapshot) []sourceRow {
	var out []sourceRow
	for _, source := range s.Sources {
		row := sourceRow{ID: source.ID, Error: source.Error}
		if !source.LastSuccess.IsZero() {
			row.Age = report.Ago(s.At.Sub(source.LastSuccess))
		}
		out = append(out, row)
	}
	return out
}

func uncountedOf(s *snapshot.Snapshot) []uncountedRow {
	var out []uncountedRow
	for _, u := range report.Uncounted(s) {
		out = append(out, uncountedRow{u.Title(), u.Largest})
	}
	slices.SortStableFunc(out, func(a, b uncountedRow) int { return cmp.Compare(a.Title, b.Title) })
	return out
}
