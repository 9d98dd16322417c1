package exporter

import (
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Collect emits the series of a family in one of three ways: of each service in turn from one
// part of what is known of it, of the whole snapshot, or of the number of services that each
// check has in each status.
type Collect struct {
	part  part
	one   func(s *service, o Options, emit Emit)
	whole func(s *snapshot.Snapshot, o Options, emit Emit)
	// counts is for the family that counts services by the statuses of checks.
	counts func(counts []snapshot.CheckCount, emit Emit)
}

// service is a service of a snapshot, with values that also depend on the targets and on the
// time of the snapshot.
type service struct {
	*snapshot.Service
	target shownTarget
	// graceEnd is when its grace period ends, zero if it is over.
	graceEnd time.Time
}

// ofSnapshot is for families that need more than one service at a time, or the time.
func ofSnapshot(collect func(s *snapshot.Snapshot, o Options, emit Emit)) Collect {
	return Collect{whole: collect}
}

// ofCheckCounts is for families that count services by the statuses of checks.
func ofCheckCounts(collect func(counts []snapshot.CheckCount, emit Emit)) Collect {
	return Collect{counts: collect}
}

// part is what of a service a family is made from, besides its name. The series of a
// service whose part is as before are as before: a collecting function gets the part
// alone, so that it cannot read more.
type part int

// The parts of a service.
const (
	entryPart part = iota
	cardPart
	badgePart
	incidentsPart
	alertsPart
	reviewsPart
	targetPart
	gracePart
	numberOfParts
)

// same reports whether a part of a service is as it was before. A snapshot is never
// changed, so what has the same address is the same.
func (p part) same(before, after *service) bool {
	if before.Entry != after.Entry {
		return false
	}
	switch p {
	case entryPart:
		return true
	case cardPart:
		return before.Card == after.Card
	case badgePart:
		return shownOf(before.Service) == shownOf(after.Service)
	case incidentsPart:
		return before.Incidents == after.Incidents
	case alertsPart:
		return before.Alerts == after.Alerts
	case reviewsPart:
		same := before.Reviews == after.Reviews ||
			before.Reviews != nil && after.Reviews != nil && *before.Reviews == *after.Reviews
		return same && before.ReviewDue.Equal(after.ReviewDue)
	case targetPart:
		return before.target == after.target
	case gracePart:
		return before.graceEnd.Equal(after.graceEnd)
	}
	return false
}

// perEntry is for families about what the catalog says.
func perEntry(collect func(entry *catalog.Service, emit Emit)) Collect {
	return Collect{part: entryPart, one: func(s *service, _ Options, emit Emit) { collect(s.Entry, emit) }}
}

// perCard is for families about the scorecards of services that were judged.
func perCard(collect func(name string, card *scoring.Scorecard, o Options, emit Emit)) Collect {
	return Collect{part: cardPart, one: func(s *service, o Options, emit Emit) {
		if s.Card != nil {
			collect(s.Entry.Name, s.Card, o, emit)
		}
	}}
}

// perModule is perCard for families about modules.
func perModule(collect func(name string, m *scoring.ModuleResult, o Options, emit Emit)) Collect {
	return perCard(func(name string, card *scoring.Scorecard, o Options, emit Emit) {
		for i := range card.Modules {
			collect(name, &card.Modules[i], o, emit)
		}
	})
}

// shownBadge is what families say of the state of a badge.
type shownBadge struct {
	judged         bool
	held           int
	name           string
	since, lapse   time.Time
	onHold         bool
	lastTransition *scoring.Transition
}

func shownOf(s *snapshot.Service) shownBadge {
	b := &s.Badge
	shown := shownBadge{
		judged: !b.At.IsZero() || !b.FirstJudged.IsZero(), held: int(b.Badge), name: b.Badge.String(), since: b.Since,
		onHold: b.OnHold(), lastTransition: b.LastTransition,
	}
	if shown.onHold {
		shown.lapse = b.LapseAt()
	}
	return shown
}

// perBadge is for families about the badges of services that were judged.
func perBadge(collect func(name string, b shownBadge, o Options, emit Emit)) Collect {
	return Collect{part: badgePart, one: func(s *service, o Options, emit Emit) {
		if b := shownOf(s.Service); b.judged {
			collect(s.Entry.Name, b, o, emit)
		}
	}}
}

// shownTarget is what families say of how a service stands to its target.
type shownTarget struct {
	has           bool
	level         int
	by, lateSince time.Time
	below         bool
	missing       int
}

// shownTargetOf is what is shown of the target of a service. last is the service as it was
// in the last page, nil if it is not known: the checks are not counted again if it had the
// same scorecard and target.
func shownTargetOf(s *snapshot.Snapshot, of *snapshot.Service, last *service) shownTarget {
	t, has := s.StatusOfTarget(of)
	if !has {
		return shownTarget{}
	}
	shown := shownTarget{
		has: true, level: int(t.Badge), by: t.By, lateSince: t.LateSince, below: t.Status != snapshot.OnTarget,
	}
	switch {
	case !shown.below:
	case last != nil && last.Card == of.Card && last.target.below && last.target.level == shown.level:
		shown.missing = last.target.missing
	default:
		t.Count(of.Card)
		shown.missing = t.Missing
	}
	return shown
}

// perTarget is for families about the targets of services that have one.
func perTarget(collect func(name string, t shownTarget, emit Emit)) Collect {
	return Collect{part: targetPart, one: func(s *service, _ Options, emit Emit) {
		if s.target.has {
			collect(s.Entry.Name, s.target, emit)
		}
	}}
}

// perGrace is for families about the grace periods of new services.
func perGrace(collect func(name string, end time.Time, emit Emit)) Collect {
	return Collect{part: gracePart, one: func(s *service, _ Options, emit Emit) {
		if !s.graceEnd.IsZero() {
			collect(s.Entry.Name, s.graceEnd, emit)
		}
	}}
}

// perIncidents is for families about the incidents of services that ever had any.
func perIncidents(collect func(name string, f *correlation.Figures, emit Emit)) Collect {
	return Collect{part: incidentsPart, one: func(s *service, _ Options, emit Emit) {
		if s.Incidents != nil {
			collect(s.Entry.Name, s.Incidents, emit)
		}
	}}
}

// perServiceWindow is for families about the incidents of services within windows.
func perServiceWindow(collect func(name string, f *correlation.WindowFigures, o Options, emit Emit)) Collect {
	return Collect{part: incidentsPart, one: func(s *service, o Options, emit Emit) {
		if s.Incidents == nil {
			return
		}
		for i := range shown(s.Incidents.Windows, o) {
			collect(s.Entry.Name, &s.Incidents.Windows[i], o, emit)
		}
	}}
}

// perAlertWindow is for families about the alerts of services within windows.
func perAlertWindow(collect func(name string, w *correlation.AlertWindow, o Options, emit Emit)) Collect {
	return Collect{part: alertsPart, one: func(s *service, o Options, emit Emit) {
		if s.Alerts == nil {
			return
		}
		for i := range s.Alerts.Windows {
			collect(s.Entry.Name, &s.Alerts.Windows[i], o, emit)
		}
	}}
}

// perReviews is for families about the reviews of services that ever had one.
func perReviews(collect func(name string, r *correlation.Reviews, emit Emit)) Collect {
	return Collect{part: reviewsPart, one: func(s *service, _ Options, emit Emit) {
		if s.Reviews != nil {
			collect(s.Entry.Name, s.Reviews, emit)
		}
	}}
}

// shown are the windows of a page: a compact one has the first alone.
func shown(windows []correlation.WindowFigures, o Options) []correlation.WindowFigures {
	if o.Detail == Full || len(windows) == 0 {
		return windows
	}
	return windows[:1]
}
