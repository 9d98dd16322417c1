package report

import (
	"strings"
	"time"

	"github.com/prodready/collector/scoring"
)

// Minute is a moment for people, in UTC.
func Minute(t time.Time) string { return minute(t) }

// Day is a date for people.
func Day(t time.Time) string { return day(t) }

// Ago is a distance into the past: 4 minutes ago.
func Ago(d time.Duration) string { return ago(d) }

// Lasting is a span of time with the precision people think in: 35 minutes.
func Lasting(d time.Duration) string { return lasting(d) }

// EffortWords say how much work a step is: S: hours.
func EffortWords(effort string) string { return effortWords(effort) }

// ScoreWords are the score, or both bounds where missing evidence makes them differ.
func (row *FleetRow) ScoreWords() string { return scoreText(row.Score) }

// GapWords say how much is missing to the next badge; nothing at the top.
func (row *FleetRow) GapWords() string {
	if text := row.gapText(); text != none {
		return text
	}
	return "nothing"
}

// Unjudged reports whether evidence is missing that decides about the first badge.
func (row *FleetRow) Unjudged() bool { return row.NoBadge == noBadgeNotJudged }

// NextWords say what is left to the next badge; empty at the top.
func (c Scorecard) NextWords() string { return c.nextText() }

// MoveWords say a change of a badge, its cause and the checks that made it.
func MoveWords(t *scoring.Transition) string {
	text := transitionText(transitionOf(t))
	const shown = 3
	var checks []string
	for _, flip := range t.Flips {
		checks = append(checks, flip.Check+" "+words(flip.Before)+" → "+words(flip.After))
	}
	if more := len(checks) - shown; more > 0 {
		checks = append(checks[:shown], Plural(more, "other"))
	}
	if len(checks) > 0 {
		text += ": " + strings.Join(checks, ", ")
	}
	return text
}

// words writes the word of a status for people.
func words(status string) string { return strings.ReplaceAll(status, "_", " ") }

// Seen says how old the evidence of a verdict is, and where it is from: observed 5 minutes
// ago by pagerduty/main. It is empty where nothing was observed.
func (check Check) Seen() string {
	seen := check.seen()
	if seen.at.IsZero() {
		return ""
	}
	text := "observed " + ago(time.Duration(seen.age)*time.Second)
	if seen.sources != "" {
		text += " by " + seen.sources
	}
	return text
}

// IncidentWords say an incident in one line.
func IncidentWords(in *Incident) string { return incidentText(in) }

// ExemptionWords say until when a check is exempt, and who agreed.
func (c Scorecard) ExemptionWords(e *Exemption) string {
	until := day(e.Expires) + " (" + upTo(e.Expires.Sub(c.At)) + ")"
	return until + ", " + agreed(e.RequestedBy, e.Approver, e.Ticket) + ": " + e.Reason
}
