package badges

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

const (
	label = "readiness"
	grey  = "#9aa2ab"
	green = "#2da44e"
	amber = "#e3b341"
	red   = "#cf3a2f"
)

// unknownText is what a badge says of what is not there. It is an ordinary badge: the
// proxies of code hosts keep an error for days.
const unknownText = "unknown"

// colorOf is the colour of a badge.
func colorOf(b framework.Badge) string {
	switch b {
	case framework.Bronze:
		return "#9c5a24"
	case framework.Silver:
		return "#b4bdc6"
	case framework.Gold:
		return "#e5b80b"
	case framework.Platinum:
		return "#4fb7c5"
	case framework.Diamond:
		return "#6f4fd8"
	case framework.NoBadge:
	}
	return grey
}

// Unknown is the badge of what is not there, or is not judged yet.
func Unknown(name string) Badge {
	return Badge{Label: label, Message: unknownText, Color: grey,
		Title: "nothing is known of " + name}
}

// OfService is the badge that a service holds, which may be named by an alias, too.
func OfService(s *snapshot.Snapshot, name string) Badge {
	found, ok := find(s, name)
	if !ok || found.Card == nil {
		return Unknown(name)
	}
	row := report.NewFleetRow(s, &found)
	b := Badge{Label: label, Color: colorOf(found.Badge.Badge), Message: row.BadgeWords()}
	b.Title = fmt.Sprintf("%s, %s: %s", found.Entry.Name, b.Label, b.Message)
	if row.OnHold {
		b.Title += ": " + row.HoldReason
	}
	return b
}

// OfCheck is the status of one check of a service.
func OfCheck(s *snapshot.Snapshot, name, check string) Badge {
	unknown := Badge{Label: check, Message: unknownText, Color: grey,
		Title: "nothing is known of " + check + " of " + name}
	found, ok := find(s, name)
	if !ok || found.Card == nil {
		return unknown
	}
	i := slices.IndexFunc(found.Card.Checks, func(r scoring.CheckResult) bool { return r.Check.ID == check })
	if i < 0 {
		return unknown
	}
	r := &found.Card.Checks[i]
	color := grey
	switch r.Status {
	case scoring.Pass:
		color = green
	case scoring.Fail:
		color = red
	case scoring.Unknown, scoring.Exempt, scoring.NotApplicable, scoring.Scheduled:
	}
	message := strings.ReplaceAll(r.Status.String(), "_", " ")
	return Badge{Label: check, Message: message, Color: color,
		Title: fmt.Sprintf("%s, %s (%s): %s", found.Entry.Name, r.Check.Title, check, message)}
}

// Scope is what a badge sums up. The set is closed.
type Scope string

// The scopes.
const (
	Team  Scope = "team"
	Org   Scope = "org"
	Tier  Scope = "tier"
	Fleet Scope = "fleet"
)

// Scopes are all scopes.
func Scopes() []Scope { return []Scope{Team, Org, Tier, Fleet} }

// FleetName is the name of the only group of the scope Fleet.
const FleetName = "all"

// GroupOf is the name of the group of a scope that a service belongs to; empty if it
// belongs to none.
func (scope Scope) GroupOf(s *snapshot.Service) string {
	switch scope {
	case Team:
		return s.Entry.Team
	case Org:
		return s.Entry.Org
	case Tier:
		return strconv.Itoa(s.Entry.Tier)
	case Fleet:
		return FleetName
	}
	return ""
}

// OfGroup sums up the services of a team, an org or a tier, or the whole fleet: how many
// hold the badge that is their target; without targets, how many hold which badge.
func OfGroup(s *snapshot.Snapshot, scope Scope, name string) Badge {
	counts := map[framework.Badge]int{}
	total, targets, reached := 0, 0, 0
	for i := range s.Services {
		service := &s.Services[i]
		if scope.GroupOf(service) != name || service.Card == nil {
			continue
		}
		total++
		counts[service.Badge.Badge]++
		if target, ok := s.TargetOf(service); ok {
			targets++
			if target.Status == snapshot.OnTarget {
				reached++
			}
		}
	}
	b := Badge{Label: label, Color: grey}
	if scope != Fleet {
		b.Label = strings.TrimSpace(name + " " + label)
		if scope == Tier {
			b.Label = "tier " + b.Label
		}
	}
	switch {
	case total == 0 || name == "":
		return Unknown(strings.TrimSpace(string(scope) + " " + name))
	case targets > 0:
		b.Message = fmt.Sprintf("%d of %d on target", reached, targets)
		b.Color = colorOfShare(reached, targets)
	default:
		b.Message = countWords(counts)
	}
	b.Title = fmt.Sprintf("%s: %s (%s: %s)", b.Label, b.Message, report.Plural(total, "service"), countWords(counts))
	return b
}

// colorOfShare is green if all have reached their target, amber if at least half of them
// have.
func colorOfShare(reached, targets int) string {
	switch {
	case reached == targets:
		return green
	case 2*reached >= targets:
		return amber
	}
	return red
}

// countWords count badges, the highest first: 2 Gold, 1 Silver, 1 without.
func countWords(counts map[framework.Badge]int) string {
	var parts []string
	for _, b := range slices.Backward(framework.Badges()) {
		name := report.BadgeName(b.String())
		if b == framework.NoBadge {
			name = "without"
		}
		if n := counts[b]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	return strings.Join(parts, ", ")
}

// find is the service of a name or an alias.
func find(s *snapshot.Snapshot, name string) (snapshot.Service, bool) {
	if found, ok := s.Find(name); ok {
		return found, true
	}
	for i := range s.Services {
		if slices.Contains(s.Services[i].Entry.Aliases, name) {
			return s.Services[i], true
		}
	}
	return snapshot.Service{}, false
}
