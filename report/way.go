package report

import (
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// WayToNext are the checks that stand between a service and its next badge, in framework
// order. The service has to be judged.
func WayToNext(s *snapshot.Snapshot, service *snapshot.Service) []*scoring.CheckResult {
	return InTheWay(service, badgeNamed(rowOf(s, service).NextBadge))
}

// InTheWay are the checks of a service that do not pass and that a badge needs, in
// framework order. The service has to be judged.
func InTheWay(service *snapshot.Service, badge framework.Badge) []*scoring.CheckResult {
	var missing []*scoring.CheckResult
	for i := range service.Card.Checks {
		r := &service.Card.Checks[i]
		if r.InTheWayOf(badge) {
			missing = append(missing, r)
		}
	}
	return missing
}
