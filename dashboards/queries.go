package main

import "fmt"

// selected are the services that the filters choose; chosenOnly keeps their series and
// with brings their attributes along.
const (
	selected   = `readiness:service_info{org=~"$org", team=~"$team", tier=~"$tier", service_name=~"$service"}`
	chosenOnly = ` and on (service_name) ` + selected
)

// ofAll says in a title that the filters do not change the figure.
const ofAll = " (all services)"

// with adds attributes of the service to series that have a service.
func with(attributes, expr string) string {
	return fmt.Sprintf("(%s) * on (service_name) group_left (%s) %s", expr, attributes, selected)
}

// monthAgo is a series of 30 days ago, or of up to 6 hours before that: Prometheus may have
// been down just then, and the past of the demo is coarse.
func monthAgo(series string) string { return `last_over_time(` + series + `[6h] offset 30d)` }

// month is how far the panels about changes look back, in seconds.
const month = "30 * 86400"

// onTarget is 1 for services that hold their target badge, else 0; onTargetBefore is
// whether they held today's target 30 days ago.
const onTarget = `readiness:badge_level >= bool on (service_name) readiness:target_badge_level`

func onTargetBefore() string {
	return monthAgo(`readiness:badge_level`) + ` >= bool on (service_name) readiness:target_badge_level`
}

// belowTarget are the levels of services below their target.
const belowTarget = `readiness:badge_level < on (service_name) readiness:target_badge_level`

// toGo is how many checks a service misses for its next badge.
const toGo = `sum by (service_name) (readiness:badge_gap_checks)`

// oneOf is a figure of the incidents of groups, with the group as the label of that name.
// The filters choose the groups.
func oneOf(scope, matchers, family string) string {
	by := scope
	return fmt.Sprintf(
		`max by (%[1]s) (label_replace(%[3]s{scope="%[1]s", %[2]swindow="30d"}, "%[1]s", "$1", "group", "(.*)")) and on (%[1]s) %[4]s`,
		by, matchers, family, selected,
	)
}

// reachedOrLost adds the label way, which is Reached or Lost by the direction of a change.
func reachedOrLost(expr string) string {
	return `label_replace(label_replace(
  ` + expr + `,
  "way", "Reached", "direction", "award"), "way", "Lost", "direction", "regress")`
}

// moved are the last changes of badges within 30 days.
const moved = `readiness:badge_last_transition_timestamp_seconds > time() - ` + month
