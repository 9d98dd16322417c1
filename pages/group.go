package pages

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// maxFixes is how many checks are named that would bring a team or org furthest.
const maxFixes = 8

// groupPage is what the page of a team or an org shows.
type groupPage struct {
	// Kind is team or org.
	Kind, Name string
	Summary    report.Summary
	// Fleet is the same of all services, to compare with.
	Fleet report.Summary
	Rows  []serviceRow
	// Teams are those of an org.
	Teams []groupRow
	// Rose are the changes by evidence for which the team deserves praise; Moves are all.
	Rose, Moves moved
	Fixes       []fix
	// Badge is the path of the picture that sums it up, below the root.
	Badge     string
	Dashboard string
	// Incidents are those of the group beside those of all services.
	Incidents incidentComparison
	// Readiness are its readiness reviews, Reviews the names of operational ones, the newest
	// first.
	Readiness groupReviews
	Reviews   []string
}

// fix is a check that services of a group fail or cannot prove and that their next badge
// needs.
type fix struct {
	ID, Title, Effort string
	Services          []string
	// Unlocks is how many of them lack nothing else for their next badge.
	Unlocks int
}

// Team is the page of a team.
func (s *Site) Team(ctx context.Context, name string) Answer { return s.group(ctx, "team", name) }

// Org is the page of an org.
func (s *Site) Org(ctx context.Context, name string) Answer { return s.group(ctx, "org", name) }

func (s *Site) group(ctx context.Context, kind, name string) Answer {
	const depth = 1
	current := s.o.Current()
	if current == nil {
		return s.waiting(http.StatusServiceUnavailable, depth)
	}
	all, err := s.index(ctx, current)
	if err != nil {
		return s.failed(current, depth, "reading changes of badges", err)
	}
	q, names, folder := report.FleetQuery{Team: name}, all.teams, "teams/"
	if kind == "org" {
		q, names, folder = report.FleetQuery{Org: name}, all.orgs, "orgs/"
	}
	rows := q.Select(all.fleet.Services)
	if len(rows) == 0 || name == "" {
		return s.notFound(current, depth, kind, name, near(name, names, below(folder)))
	}
	reviews, err := s.o.Past.Reviews(ctx)
	if err != nil {
		return s.failed(current, depth, "listing operational reviews", err)
	}
	member := map[string]bool{}
	for _, row := range rows {
		member[row.Service] = true
	}
	selects := func(service string) bool { return member[service] }
	p := groupPage{
		Kind: kind, Name: name, Summary: report.Summarise(rows), Fleet: all.summary, Rows: serviceRows(rows, all.fleet.At),
		Moves: movesOf(all.moves, selects), Fixes: fixesOf(current, member), Reviews: reviews,
		Badge: "badge/" + kind + "/" + url.PathEscape(name) + ".svg",
	}
	scope := correlation.ScopeTeam
	if kind == "org" {
		scope = correlation.ScopeOrg
	}
	p.Incidents, p.Readiness = incidentsBeside(current, scope, name, len(rows)), s.reviewsOf(all, rows)
	rose := slices.DeleteFunc(slices.Clone(all.moves), func(t scoring.Transition) bool {
		return t.To <= t.From || t.Cause != scoring.CauseEvidence || !t.Announced
	})
	p.Rose = movesOf(rose, selects)
	if kind == "org" {
		p.Teams = teamsOf(rows)
	}
	if links := s.links(); links.Dashboard != "" {
		fleet := map[string]string{"team": "", "org": ""}
		fleet[kind] = name
		p.Dashboard = fill(links.Dashboard, "{service}", "", "{team}", fleet["team"], "{org}", fleet["org"])
	}
	return s.render(http.StatusOK, "group", name, depth, current, p)
}

// teamsOf are the teams of services, with how many of them are on target.
func teamsOf(rows []*report.FleetRow) []groupRow {
	by := map[string][]*report.FleetRow{}
	for _, row := range rows {
		by[row.Team] = append(by[row.Team], row)
	}
	delete(by, "")
	var out []groupRow
	for name, rows := range by {
		out = append(out, groupRow{Name: name, Href: "teams/" + url.PathEscape(name), Summary: report.Summarise(rows)})
	}
	slices.SortFunc(out, func(a, b groupRow) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// fixesOf are the checks that stand in the way of most of the services, those first that
// alone would bring a badge.
func fixesOf(s *snapshot.Snapshot, member map[string]bool) []fix {
	byCheck := map[string]*fix{}
	for i := range s.Services {
		service := &s.Services[i]
		if !member[service.Entry.Name] || service.Card == nil {
			continue
		}
		missing := report.WayToNext(s, service)
		for _, r := range missing {
			f := byCheck[r.Check.ID]
			if f == nil {
				f = &fix{ID: r.Check.ID, Title: r.Check.Title, Effort: report.EffortWords(r.Check.Effort)}
				byCheck[r.Check.ID] = f
			}
			f.Services = append(f.Services, service.Entry.Name)
			if len(missing) == 1 {
				f.Unlocks++
			}
		}
	}
	var out []fix
	for _, f := range byCheck {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b fix) int {
		return cmp.Or(cmp.Compare(b.Unlocks, a.Unlocks), cmp.Compare(len(b.Services), len(a.Services)),
			cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), maxFixes)]
}
