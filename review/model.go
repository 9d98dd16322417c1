// Package review makes the operational review of a period: what has become better or
// worse, why, and what to do next. It is pure: what is known of the period goes in, a
// Review comes out, and the documents are made of the Review alone, so that all of them
// show the same numbers.
//
// Missing evidence is neither a rise nor a fall. What is not known is nil, or has a
// reason beside it, and is never 0.
package review

import (
	"time"

	"github.com/prodready/collector/report"
)

// Version is that of the Review as JSON. It grows when a field changes its meaning or
// goes away.
const Version = 1

// Review is the operational review of a period.
type Review struct {
	Version int `json:"version"`
	// Period and Previous are what is compared, in UTC.
	Period   Period `json:"period"`
	Previous Period `json:"previous"`
	// MadeAt is the time of the evidence that the review was made from. What lies ahead
	// is counted from it.
	MadeAt time.Time `json:"made_at"`
	// Scope is which services it is about, by the catalog of MadeAt.
	Scope     Scope            `json:"scope"`
	Framework report.Framework `json:"framework"`
	// Known says since when what is known.
	Known   Known   `json:"known"`
	Summary Summary `json:"summary"`
	// Changes are all changes of badges within the period, the oldest first.
	Changes []Change `json:"changes"`
	Kudos   Kudos    `json:"kudos"`
	// Regressions are those of Changes by which a badge fell.
	Regressions []Change `json:"regressions"`
	// Teams are those that lag behind their targets, the furthest first.
	Teams     []TeamLag `json:"teams"`
	Adoption  Adoption  `json:"adoption"`
	Incidents Incidents `json:"incidents"`
	// Noisiest are the problems that paged most without need.
	Noisiest Noisiest `json:"noisiest"`
	OnCall   OnCall   `json:"on_call"`
	// Stale is evidence that no longer is fresh: what lies furthest back first.
	Stale []StaleFact `json:"stale"`
	// StaleMore is how many facts Stale leaves out.
	StaleMore int `json:"stale_more,omitempty"`
	// Exemptions are those that end within the next 30 days.
	Exemptions []Exemption `json:"exemptions"`
	Reviews    Reviews     `json:"reviews"`
	// Late are the services that have missed their target, and Due those that will within 30
	// days unless they reach it.
	Late []BelowTarget `json:"late"`
	Due  []BelowTarget `json:"due"`
	// Feedback is what teams say about checks.
	Feedback []CheckFeedback `json:"feedback"`
	Effect   Effect          `json:"effect"`
}

// Scope is a part of the catalog. Without team and org it is all of it.
type Scope struct {
	Team string `json:"team,omitempty"`
	Org  string `json:"org,omitempty"`
	// Services is the number of services in it.
	Services int `json:"services"`
}

// Known says since when what is known. The texts are for people, and empty where all of
// both periods is known.
type Known struct {
	// BadgesSince is when the store began to know badges; absent if it knows none.
	BadgesSince time.Time `json:"badges_since,omitzero"`
	// Badges says which part of the two periods lies before it.
	Badges string `json:"badges,omitempty"`
	// IncidentsSince and IncidentsUntil bound the time whose incidents are known; absent
	// if none is.
	IncidentsSince time.Time `json:"incidents_since,omitzero"`
	IncidentsUntil time.Time `json:"incidents_until,omitzero"`
	Incidents      string    `json:"incidents,omitempty"`
	// Unfinished is true if the period was not over when the review was made.
	Unfinished bool `json:"unfinished,omitempty"`
}

// Direction is what readiness did. The set is closed.
type Direction string

// The directions.
const (
	Rose      Direction = "rose"
	Fell      Direction = "fell"
	Unchanged Direction = "unchanged"
	Unknown   Direction = "unknown"
)

// Summary is the first screen.
type Summary struct {
	Direction Direction `json:"direction"`
	// Sentence says what readiness did and why.
	Sentence string `json:"sentence"`
	// Numbers are three.
	Numbers []Number `json:"numbers"`
	// Actions are the at most three that are worth most, the best first.
	Actions []Action `json:"actions"`
}

// Number is one figure beside that of the previous period.
type Number struct {
	Name string `json:"name"`
	// Unit is ratio, count or seconds.
	Unit string `json:"unit"`
	// Value and Previous are null if they are not known; Why says why.
	Value    *float64 `json:"value"`
	Previous *float64 `json:"previous"`
	// Lower and Upper are the bounds of the 95 % confidence interval, null if there is
	// none; an upper bound may be missing because too few incidents had ended.
	Lower         *float64 `json:"lower,omitempty"`
	Upper         *float64 `json:"upper,omitempty"`
	PreviousLower *float64 `json:"previous_lower,omitempty"`
	PreviousUpper *float64 `json:"previous_upper,omitempty"`
	// Of and PreviousOf are what they are figures of: services, incidents.
	Of         int `json:"of"`
	PreviousOf int `json:"previous_of"`
	// Change compares them in words.
	Change string `json:"change,omitempty"`
	Why    string `json:"why,omitempty"`
}

// Action is something to do.
type Action struct {
	// Text is what to do, and Why is what it is worth.
	Text string `json:"text"`
	Why  string `json:"why"`
	// Check is the id of the check that it is about; empty if it is about none.
	Check string `json:"check,omitempty"`
	// Effort is S (hours), M (days) or L (weeks); empty if not known.
	Effort string `json:"effort,omitempty"`
	// Services are those concerned, by name.
	Services []string `json:"services"`
	// Unlocks is how many of them would have nothing else in the way of the next badge.
	Unlocks int `json:"unlocks"`
}

// Owner is who is responsible for a service.
type Owner struct {
	Service string `json:"service"`
	Team    string `json:"team"`
	Org     string `json:"org"`
	Tier    int    `json:"tier"`
}

// Change is one change of a badge.
type Change struct {
	Owner
	At time.Time `json:"at"`
	// From and To are badges: none, bronze, silver, gold, platinum or diamond.
	From string `json:"from"`
	To   string `json:"to"`
	// Cause is initial, evidence, criteria, exemption, service or lapse. Only evidence is
	// news about the service.
	Cause        string   `json:"cause"`
	Contributing []string `json:"contributing,omitempty"`
	// Announced is false for a first judgement, and while a service is new.
	Announced bool `json:"announced"`
	// Checks are those whose verdict differs between the two badges.
	Checks []Flip `json:"checks"`
	// Regained is true if the service has a badge at least as high as From again at the
	// end of the period.
	Regained bool `json:"regained,omitempty"`
}

// Rose reports whether the badge rose.
func (c Change) Rose() bool { return levelOf(c.To) > levelOf(c.From) }

// Flip is one check that changed.
type Flip struct {
	Check  string `json:"check"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Kudos are what deserves praise.
type Kudos struct {
	// Promotions are announced changes by evidence by which a badge rose.
	Promotions []Change `json:"promotions"`
	// Streaks are the teams that have gone longest without a regression by evidence.
	Streaks []Streak `json:"streaks"`
	// Improved are the services with the most checks that failed at the begin of the
	// period and pass at its end, less those that did the opposite.
	Improved []Improvement `json:"improved"`
	// Quiet are the teams whose on-call was paged longest ago.
	Quiet []Streak `json:"quiet"`
	// QuietWhy says why there are none; empty if there are.
	QuietWhy string `json:"quiet_why,omitempty"`
}

// Streak is a time in which something did not happen.
type Streak struct {
	Team     string    `json:"team"`
	Services int       `json:"services"`
	Since    time.Time `json:"since"`
	Days     int       `json:"days"`
	// AtLeast is true if nothing is known of the time before Since.
	AtLeast bool `json:"at_least,omitempty"`
}

// Improvement is how many checks of a service have come to pass.
type Improvement struct {
	Owner
	// Mended failed and pass now, Broken passed and fail now. Checks that were unknown
	// then or now are in neither.
	Mended int      `json:"mended"`
	Broken int      `json:"broken"`
	Checks []string `json:"checks"`
}

// TeamLag is how far a team is from its targets.
type TeamLag struct {
	Team string `json:"team"`
	Org  string `json:"org"`
	// Services have a target; OnTarget hold it, Late should hold it by now.
	Services int `json:"services"`
	OnTarget int `json:"on_target"`
	Late     int `json:"late"`
	// Levels is the sum of the badges that are missing to the targets: Bronze instead of
	// Gold is 2.
	Levels int `json:"levels"`
	// Checks is the sum of the checks that are missing to the targets.
	Checks int `json:"checks"`
	// Furthest is the service with the most missing badges.
	Furthest string `json:"furthest"`
}

// Adoption is the share of services with a badge over time.
type Adoption struct {
	// At are the points, the last of them the end of the period.
	At []time.Time `json:"at"`
	// Groups are the fleet, named all, and the orgs by name.
	Groups []AdoptionOf `json:"groups"`
}

// AdoptionOf is the adoption of one org.
type AdoptionOf struct {
	Org string `json:"org"`
	// Services were judged, Badged of them held any badge. Both are null for a time of
	// which nothing is known.
	Services []*int `json:"services"`
	Badged   []*int `json:"badged"`
	// OnTarget is how many held the badge that is their target today.
	OnTarget []*int `json:"on_target"`
}

// Ratio is the share of services with a badge at a point, 0 to 1.
func (a AdoptionOf) Ratio(i int) (ratio float64, known bool) {
	if a.Services[i] == nil || *a.Services[i] == 0 {
		return 0, false
	}
	return float64(*a.Badged[i]) / float64(*a.Services[i]), true
}

// Incidents are those of the period, outside maintenance, as they were known at its end.
type Incidents struct {
	// Why says why nothing is known; empty if it is.
	Why string `json:"why,omitempty"`
	// Figures has the figures of both periods. Times to resolve are without noisy
	// incidents, which an integration resolved before anyone saw them.
	Figures []Number `json:"figures"`
	// Severities are how many began, by severity: 1 to 5, and 0 for unknown.
	Severities []SeverityCount `json:"severities"`
	// Noise are the classes, which overlap, of those that paged a person.
	Noise []NoiseCount `json:"noise"`
	// NoiseOf and NoisePreviousOf are how many could be classified.
	NoiseOf         int `json:"noise_of"`
	NoisePreviousOf int `json:"noise_previous_of"`
	// Over is their number over time, of both periods.
	Over []Bucket `json:"over"`
	// Teams are the teams that have had any, by number.
	Teams []TeamIncidents `json:"teams"`
	// Incomplete names services that may have had more, which could not be used.
	Incomplete []string `json:"incomplete,omitempty"`
}

// SeverityCount is the number of incidents of one severity.
type SeverityCount struct {
	Severity  int `json:"severity"`
	Incidents int `json:"incidents"`
	Previous  int `json:"previous"`
}

// NoiseCount is the number of incidents of one class of noise: noisy, suspected,
// flapping, confirmed_false or any_noise.
type NoiseCount struct {
	Class string `json:"class"`
	// Now and Before are null if nothing is known of the period.
	Now    *AtLeast `json:"now"`
	Before *AtLeast `json:"before"`
}

// AtLeast is a number that may be larger.
type AtLeast struct {
	Count int `json:"count"`
	// Unknown is by how much it may be larger.
	Unknown int `json:"unknown"`
}

// Bucket is the number of incidents that began within a day or a week.
type Bucket struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Incidents is null for a time of which not all is known.
	Incidents *int `json:"incidents"`
	// Urgent are those of them that paged a person.
	Urgent *int `json:"urgent"`
}

// TeamIncidents are the incidents of a team's services.
type TeamIncidents struct {
	Team      string `json:"team"`
	Incidents int    `json:"incidents"`
	// Previous is null if that period is not known.
	Previous *int `json:"previous"`
	Urgent   int  `json:"urgent"`
	// P50Seconds is the median time to resolve without noisy ones, null if it is not
	// known.
	P50Seconds *float64 `json:"p50_seconds"`
	// Ended is the number of those that were resolved, noisy ones left out.
	Ended int `json:"ended"`
}

// Noisiest are the problems that paged most without need.
type Noisiest struct {
	Templates []Template `json:"templates"`
	// More is how many others had noise.
	More int `json:"more,omitempty"`
}

// Template is a problem by the title of its incidents without variable parts.
type Template struct {
	Title string `json:"title"`
	// Services it happened to, by name.
	Services []string `json:"services"`
	Teams    []string `json:"teams"`
	// Incidents paged a person; Noise of them were in at least one class of noise.
	Incidents int `json:"incidents"`
	Noisy     int `json:"noisy"`
	Suspected int `json:"suspected"`
	Flapping  int `json:"flapping"`
	False     int `json:"confirmed_false"`
	Noise     int `json:"any_noise"`
}

// OnCall are the gaps ahead.
type OnCall struct {
	// Gaps are those of the next 30 days, the first of each service.
	Gaps []Gap `json:"gaps"`
	// Unknown is how many services with a reference to PagerDuty have no answer.
	Unknown int `json:"unknown"`
	// Known is how many services have an answer.
	Known int `json:"known"`
}

// Gap is a time without anyone on call.
type Gap struct {
	Owner
	// Start is when it begins; Now is true if it has begun.
	Start time.Time `json:"start"`
	Now   bool      `json:"now,omitempty"`
}

// StaleFact is a fact that has not been observed lately.
type StaleFact struct {
	Fact   string `json:"fact"`
	Source string `json:"source"`
	// Services have a stale value, by name.
	Services []string `json:"services"`
	// Oldest is when the oldest of them was observed.
	Oldest time.Time `json:"oldest"`
}

// Exemption is one that ends soon.
type Exemption struct {
	Check    string   `json:"check"`
	Services []string `json:"services"`
	Reason   string   `json:"reason"`
	// RequestedBy is empty in reviews that were stored before it was required.
	RequestedBy string `json:"requested_by,omitempty"`
	Approver    string `json:"approver"`
	// Ticket is the one that it was asked for and approved with, if it was.
	Ticket  string    `json:"ticket,omitempty"`
	Expires time.Time `json:"expires"`
}

// Reviews are the production readiness reviews.
type Reviews struct {
	// Completed is how many were completed within the period, and Open how many are not.
	Completed int `json:"completed"`
	Open      int `json:"open"`
	// Never are the services that never had one, by name.
	Never []string `json:"never"`
	// Drifted are services whose review attests what a machine says no to now.
	Drifted []Drift `json:"drifted"`
	// Overdue are services whose next review is late. It is null if nothing says when a
	// review is due; OverdueWhy says so.
	Overdue    []Overdue `json:"overdue"`
	OverdueWhy string    `json:"overdue_why,omitempty"`
}

// Drift is what a review attests and is not so any more.
type Drift struct {
	Owner
	Checks []string `json:"checks"`
	// Reviewed is when the last review was completed; absent if none was.
	Reviewed time.Time `json:"reviewed,omitzero"`
}

// Overdue is a review that is late.
type Overdue struct {
	Owner
	Due      time.Time `json:"due"`
	Reviewed time.Time `json:"reviewed,omitzero"`
}

// BelowTarget is a service that does not hold its target.
type BelowTarget struct {
	Owner
	Badge  string `json:"badge"`
	Target string `json:"target"`
	// Due is the last day of the target, absent for one without.
	Due time.Time `json:"due,omitzero"`
	// From is when the service is late from, and Days is how many days it has been late, or
	// how many it has left.
	From time.Time `json:"late_from"`
	Days int       `json:"days"`
	// Checks is how many are missing to the target. Words are how the service stands to its
	// target, as pages have them.
	Checks int    `json:"checks"`
	Words  string `json:"words"`
}

// CheckFeedback is what teams say about a check, and what it predicts.
type CheckFeedback struct {
	Check string `json:"check"`
	Title string `json:"title"`
	// Kinds are the numbers of issues by kind, in the order of evidence.FeedbackKinds.
	Kinds []KindCount `json:"kinds"`
	// Predicts is null if it is not known.
	Predicts *report.Prediction `json:"predicts"`
	// Advice is keep, clarify or drop, and Why the reason in words.
	Advice report.CheckVerdict `json:"advice"`
	Why    string              `json:"why"`
}

// KindCount is a number of issues.
type KindCount struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

// RateRatio is a ratio with the bounds of its 95 % confidence interval.
type RateRatio struct {
	Ratio float64 `json:"ratio"`
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

// Effect is what readiness reviews do to the time to resolve, of the whole catalog: a
// team or an org is too small for a verdict.
type Effect struct {
	// Verdict is improved, worsened, inconclusive or insufficient_data; empty if no
	// figure is made.
	Verdict string `json:"verdict,omitempty"`
	// Ratio is the time to resolve after a review divided by what was to be expected
	// without one, with the bounds of the published interval; null without a figure.
	Ratio *RateRatio `json:"ratio,omitempty"`
	// Words say it in one paragraph that claims no more than the interval does.
	Words string `json:"words"`
}
