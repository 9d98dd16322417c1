package report

import (
	"fmt"
	"strings"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/snapshot"
)

// NewFleetRow is the line of one service of a snapshot that has judged it.
func NewFleetRow(s *snapshot.Snapshot, service *snapshot.Service) FleetRow { return rowOf(s, service) }

// BadgeName is the name of a badge for people: Gold.
func BadgeName(badge string) string { return titled(badge) }

// BadgeWords say which badge is held, and what it is always shown with: Gold, 2 exempt,
// on hold.
func (row *FleetRow) BadgeWords() string {
	words := []string{titled(row.Badge)}
	if row.Badge == framework.NoBadge.String() {
		words[0] = "no badge"
		if row.NoBadge == noBadgeNotJudged {
			words[0] = "not judged"
		}
	}
	if n := row.Qualifiers.Exempt; n > 0 {
		words = append(words, fmt.Sprintf("%d exempt", n))
	}
	if row.OnHold {
		words = append(words, "on hold")
	}
	return strings.Join(words, ", ")
}
