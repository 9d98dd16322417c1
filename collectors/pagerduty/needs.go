package pagerduty

import (
	"fmt"
	"slices"
	"strings"
)

// needs are the paths of the listings without which the facts of a group are
// not known, that of services first, in the order they are asked for.
func (g group) needs() []string {
	paths := []string{"services"}
	switch g {
	case groupEscalation:
		paths = append(paths, "escalation_policies")
	case groupOnCall:
		paths = append(paths, "oncalls")
	case groupGrouping:
		paths = append(paths, "alert_grouping_settings")
	case groupWorkflows:
		paths = append(paths, "incident_workflows/triggers")
	case groupAutomation:
		paths = append(paths, "automation_actions/actions")
	case groupIncidents:
		paths = append(paths, "incidents")
	case groupUrgency:
		paths = append(paths, "maintenance_windows", "incidents")
	case groupResponse:
		paths = append(paths, "maintenance_windows", "incidents", "log_entries")
	case groupChanges:
		paths = append(paths, "change_events")
	case groupChangeFailure:
		paths = append(paths, "incidents", "log_entries", "change_events")
	case groupSleep:
		paths = append(paths, "incidents", "log_entries", "users")
	}
	return paths
}

// dependents are the facts, in name order, that need the listing at the path.
func dependents(path string) []string {
	var names []string
	for _, f := range facts() {
		if slices.Contains(f.group.needs(), path) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// forbidden says what a credential lacks for the listing at the path, and what
// is not known without it. scope is empty for a call that documents none.
func forbidden(path string) string {
	var words []string
	if scope := scopeOf(path); scope != "" {
		words = append(words, "the call needs the scope "+scope)
	}
	switch lost := dependents(path); len(lost) {
	case 0:
	case len(facts()):
		words = append(words, "without it no fact of this source is known")
	default:
		words = append(words, fmt.Sprintf("without it these facts are not known: %s", strings.Join(lost, ", ")))
	}
	return strings.Join(words, "; ")
}
