package report

import (
	"fmt"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Way is what stands between a service and its next badge, in words for a table.
type Way struct {
	// Gap is how much is missing: "5 to Silver, 2 unknown", or "nothing".
	Gap string
	// Checks names the first checks that are missing, in framework order.
	Checks string
}

// NewWay is the way of a service of the snapshot; the service has to be judged. It is
// pure.
func NewWay(s *snapshot.Snapshot, service *snapshot.Service) Way {
	row := rowOf(s, service)
	var missing []string
	unknown := 0
	for _, r := range InTheWay(service, badgeNamed(row.NextBadge)) {
		missing = append(missing, r.Check.ID)
		if r.Status == scoring.Unknown {
			unknown++
		}
	}
	way := Way{Gap: row.gapText(), Checks: checksText(missing)}
	if way.Gap == none {
		way.Gap = "nothing"
	}
	if unknown > 0 {
		way.Gap += fmt.Sprintf(", %d unknown", unknown)
	}
	return way
}

// InTheWay are the checks of a service that do not pass and that a badge needs, in
// framework order. The service has to be judged.
func InTheWay(service *snapshot.Service, badge framework.Badge) []*scoring.CheckResult {
	var missing []*scoring.CheckResult
	for i := range service.Card.Checks {
		r := &service.Card.Checks[i]
		if (r.Status == scoring.Fail || r.Status == scoring.Unknown) && neededFor(r.Check) <= badge {
			missing = append(missing, r)
		}
	}
	return missing
}
