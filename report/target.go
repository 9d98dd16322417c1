package report

import (
	"strings"
	"time"

	"github.com/prodready/collector/snapshot"
)

// setTarget fills in how the service stands to its target.
func (row *FleetRow) setTarget(t *snapshot.Target) {
	row.Target, row.TargetDue, row.OnTarget = t.Badge.String(), stamp(t.By), string(t.Status)
	row.TargetGapChecks, row.TargetBlocked, row.TargetReason = t.Missing, string(t.Blocked), t.Reason
	row.BelowTargetSince, row.TargetLost = stamp(t.BelowSince), t.Lost && !t.BelowSince.IsZero()
	row.LateFrom, row.LateSince, row.GracePeriod = stamp(t.LateFrom), stamp(t.LateSince), t.Grace
}

// HasTarget reports whether there is a badge that the service should hold.
func (row *FleetRow) HasTarget() bool {
	return row.OnTarget != "" && row.OnTarget != targetNone
}

// BelowTarget reports whether the service does not hold the badge that is its target.
func (row *FleetRow) BelowTarget() bool {
	return row.OnTarget == targetDue || row.OnTarget == targetLate
}

// Late reports whether the service should hold its target by now, and does not.
func (row *FleetRow) Late() bool { return row.OnTarget == targetLate }

// short is how many badges are missing to the target.
func (row *FleetRow) short() int {
	if !row.BelowTarget() {
		return 0
	}
	return int(badgeNamed(row.Target) - badgeNamed(row.Badge))
}

// TargetWords say how the service stands to its target at the time of the judgement, as
// late since 2026-11-01 (29 days), and how far it is from it, as 2 checks to go. Both are
// empty without a target, and far is on target.
func (row *FleetRow) TargetWords(at time.Time) (stands, far string) {
	switch row.OnTarget {
	case onTarget:
		return "on target", ""
	case targetDue:
		return row.dueWords(at), row.targetFar()
	case targetLate:
		since := "since "
		if row.TargetLost && row.BelowTargetSince.Equal(row.LateSince) {
			since = "since it was lost on "
		}
		return "late " + since + day(row.LateSince) + " (" + lasting(at.Sub(row.LateSince)) + ")", row.targetFar()
	}
	return "", ""
}

// TargetStatus is both of TargetWords.
func (row *FleetRow) TargetStatus(at time.Time) string {
	stands, far := row.TargetWords(at)
	return joinText(stands, "; ", far)
}

func (row *FleetRow) dueWords(at time.Time) string {
	switch left := row.LateFrom.Sub(at); {
	case row.LateFrom.IsZero() && row.TargetLost:
		return "due, without a date; lost on " + day(row.BelowTargetSince)
	case row.LateFrom.IsZero():
		return "due, without a date"
	case row.GracePeriod:
		return "due, " + upTo(left) + ", since the service is new"
	default:
		return "due, " + upTo(left)
	}
}

// targetFar says what is missing to the target.
func (row *FleetRow) targetFar() string {
	switch {
	case row.TargetBlocked == blockedCeiling:
		return "out of reach: too few modules have checks for this service"
	case row.TargetBlocked == blockedLimits:
		return "every check passes, but more are exempt or attested than " + titled(row.Target) + " allows"
	case row.TargetGapChecks > 0:
		return Plural(row.TargetGapChecks, "check") + " to go"
	case row.NoBadge == noBadgeNotJudged:
		return ""
	}
	return "every check passes, and it is awarded after its dwell"
}

// TargetWords say what the target is and how the service stands to it; empty without one.
func (c Scorecard) TargetWords() string {
	row := &c.Summary
	if !row.HasTarget() {
		return ""
	}
	text := titled(row.Target)
	if !row.TargetDue.IsZero() {
		text += " by " + day(row.TargetDue)
	}
	text += ": " + row.TargetStatus(c.At)
	if row.TargetReason != "" {
		text += ". Why: " + strings.TrimSuffix(row.TargetReason, ".") + "."
	}
	return text
}
