package pagerdutytest

import (
	"slices"
	"time"
)

// MaintenanceWindow is a time in which services notify no one.
type MaintenanceWindow struct {
	ID string
	Span
	// Services are the ids of the services.
	Services []string
}

// listMaintenance lists the windows in a state, by the server's clock.
func listMaintenance(q query, account *index, now time.Time) ([]MaintenanceWindow, *refusal) {
	state := q.values.Get("filter")
	if state != "" && !slices.Contains([]string{"past", "future", "ongoing", "open", "all"}, state) {
		return nil, invalid("filter %q is unknown", state)
	}
	var list []MaintenanceWindow
	for _, w := range account.MaintenanceWindows {
		past, future := !w.End.After(now), w.Start.After(now)
		is := map[string]bool{
			"": true, "all": true, "past": past, "future": future, "ongoing": !past && !future, "open": !past,
		}
		if is[state] && (len(q.values["service_ids[]"]) == 0 ||
			slices.ContainsFunc(w.Services, func(id string) bool { return allows(q, "service_ids[]", id) })) {
			list = append(list, w)
		}
	}
	return list, nil
}

func (x *index) maintenance(w MaintenanceWindow) object {
	return object{
		"id": w.ID, "type": "maintenance_window", "summary": "Maintenance", "description": "Maintenance",
		"sequence_number": 1,
		"start_time":      timeOrNull(w.Start), "end_time": timeOrNull(w.End),
		"services": x.references(w.Services), "teams": []object{}, "created_by": reference("PUSER", "user", "Somebody"),
	}
}
