package report

import (
	"maps"
	"slices"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Summary counts services.
type Summary struct {
	Services int `json:"services"`
	// Targets is how many have a target, OnTarget how many of these hold its badge, and Late
	// how many do not although its date is past.
	Targets  int `json:"targets"`
	OnTarget int `json:"on_target"`
	Late     int `json:"late"`
	OnHold   int `json:"on_hold"`
	// Unjudged is how many lack the evidence that decides about the first badge.
	Unjudged int `json:"unjudged"`
	// Badges count those that are judged, the highest first.
	Badges []BadgeCount `json:"badges"`
}

// BadgeCount is the number of services that hold a badge.
type BadgeCount struct {
	Badge string `json:"badge"`
	Count int    `json:"count"`
}

// Summarise counts services.
func Summarise(rows []*FleetRow) Summary {
	out := Summary{Services: len(rows), Badges: []BadgeCount{}}
	counts := map[string]int{}
	for _, row := range rows {
		if row.Unjudged() {
			out.Unjudged++
		} else {
			counts[row.Badge]++
		}
		if row.OnHold {
			out.OnHold++
		}
		if row.Late() {
			out.Late++
		}
		if row.HasTarget() {
			out.Targets++
			if !row.BelowTarget() {
				out.OnTarget++
			}
		}
	}
	for _, b := range slices.Backward(framework.Badges()) {
		out.Badges = append(out.Badges, BadgeCount{b.String(), counts[b.String()]})
	}
	return out
}

// ServicesPage is a part of the services that a query selects: the answer of
// /api/v1/services.
type ServicesPage struct {
	Fleet
	// Total is how many services the query selects.
	Total int `json:"total"`
	// NextCursor is the parameter cursor of the next part, absent at the end.
	NextCursor string `json:"next_cursor,omitempty"`
}

// Teams are all teams with services: the answer of /api/v1/teams.
type Teams struct {
	Teams []TeamSummary `json:"teams"`
}

// TeamSummary is one team.
type TeamSummary struct {
	Team string `json:"team"`
	// Orgs are those of its services.
	Orgs []string `json:"orgs"`
	Summary
}

// NewTeams are the teams of services, by name. Services without a team are left out.
func NewTeams(fleet Fleet) Teams {
	rows, orgs := map[string][]*FleetRow{}, map[string]map[string]bool{}
	for i := range fleet.Services {
		row := &fleet.Services[i]
		if row.Team == "" {
			continue
		}
		rows[row.Team] = append(rows[row.Team], row)
		if orgs[row.Team] == nil {
			orgs[row.Team] = map[string]bool{}
		}
		if row.Org != "" {
			orgs[row.Team][row.Org] = true
		}
	}
	out := Teams{Teams: []TeamSummary{}}
	for _, team := range slices.Sorted(maps.Keys(rows)) {
		names := slices.AppendSeq([]string{}, maps.Keys(orgs[team]))
		slices.Sort(names)
		out.Teams = append(out.Teams, TeamSummary{team, names, Summarise(rows[team])})
	}
	return out
}

// Checks are all checks with how services stand: the answer of /api/v1/checks.
type Checks struct {
	Framework Framework      `json:"framework"`
	Checks    []CheckSummary `json:"checks"`
}

// CheckSummary is a check, and how many services have which status.
type CheckSummary struct {
	ID        string  `json:"id"`
	Module    string  `json:"module"`
	Title     string  `json:"title"`
	Objective string  `json:"objective"`
	Level     int     `json:"level"`
	NeededFor string  `json:"needed_for"`
	Weight    float64 `json:"weight"`
	Effort    string  `json:"effort"`
	// Blind is true when no configured source can decide the check.
	Blind bool `json:"blind"`
	// Services are numbers by status.
	Services map[string]int `json:"services"`
	// Feedback is what issues say about the check, by kind.
	Feedback []Feedback `json:"feedback"`
	// Worth says what to do about the check.
	Worth Worth `json:"worth"`
}

// NewChecks are the checks of the framework, in its order.
func NewChecks(s *snapshot.Snapshot) Checks {
	counts := s.CountChecks()
	out := Checks{Framework: frameworkOf(s.Framework), Checks: make([]CheckSummary, len(counts))}
	for i := range counts {
		c := counts[i].Check
		out.Checks[i] = CheckSummary{ID: c.ID, Module: c.Module.ID, Title: c.Title, Objective: c.Objective, Level: c.Level,
			NeededFor: c.NeededFor().String(), Weight: c.Weight, Effort: c.Effort, Blind: !s.IsMeasurable(c),
			Services: map[string]int{}, Feedback: FeedbackOn(s, c.ID), Worth: WorthOf(s, c)}
		for _, status := range scoring.Statuses() {
			if n := counts[i].Services[status]; n > 0 {
				out.Checks[i].Services[status.String()] = n
			}
		}
	}
	return out
}
