package exporter

import (
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/snapshot"
)

// alertsOfServices is the alerts of one service.
func alertsOfServices() Group {
	return Group{
		Title: "Alerts of services",
		Intro: "How often Prometheus alerts fired that were about a service, from the history of `ALERTS`. " +
			"An alert that was unseen for at most 3 minutes went on firing. Alerts of no service, such as those of the whole fleet, " +
			"are counted in `readiness_uncounted_records` with kind `alert`. " +
			"Where `readiness_alerts_incomplete` is 1, some may be the service's: counts of the window are lower bounds and a count of 0 is " +
			"left out. The same holds for groups. " +
			"What happened while a server was not seen, before its data begins, or before the service was in the catalog is not known: " +
			"while more than 2 hours of the window are missing, there is nothing but the share that is known.",
		Families: alertFamilies("", []string{ServiceLabel, "window"},
			func(collect alertCollect) Collect {
				return perAlertWindow(func(name string, w *correlation.AlertWindow, o Options, emit Emit) {
					collect(w, o, func(value float64, labels ...string) {
						emit(value, append([]string{name, w.Window.String()}, labels...)...)
					})
				})
			}),
	}
}

// alertsOfGroups is the alerts of groups of services.
func alertsOfGroups() Group {
	labels := []string{"scope", "group", "window"}
	perGroup := func(collect alertCollect) Collect {
		return ofSnapshot(func(s *snapshot.Snapshot, o Options, emit Emit) {
			for i := range s.AlertGroups {
				g := &s.AlertGroups[i]
				for j := range g.Windows {
					w := &g.Windows[j]
					collect(w, o, func(value float64, labels ...string) {
						emit(value, append([]string{string(g.Scope), g.Group, w.Window.String()}, labels...)...)
					})
				}
			}
		})
	}
	services := Family{
		Name: "group_alert_services", Stability: Experimental, Labels: labels,
		Help:     "Number of services of the group whose alerts are known over the window; the figures of the group are theirs.",
		Presence: "somebody watches for the alerts of a service of the group",
		Collect:  perGroup(func(w *correlation.AlertWindow, _ Options, emit Emit) { emit(float64(w.Services)) }),
	}
	return Group{
		Title: "Alerts of groups",
		Intro: "An alert that was about several services of a group is one. " +
			"They are about the services whose alerts are known over the window, which `readiness_group_alert_services` counts.",
		Families: append([]Family{services}, alertFamilies("group_", labels, perGroup)...),
	}
}

// alertCollect emits what a family says of one window; emit has the labels of
// the service or group and the window already.
type alertCollect func(w *correlation.AlertWindow, o Options, emit Emit)

// alertFamilies are those that services and groups have in common.
func alertFamilies(
	prefix string, labels []string, each func(alertCollect) Collect,
) []Family {
	const enough = "the alerts of the window are known"
	const counted = enough + "; no 0 if the window is incomplete"
	whose := "the service"
	if prefix != "" {
		whose = "the group"
	}
	// known leaves out windows of which too little is known.
	known := func(collect alertCollect) Collect {
		return each(func(w *correlation.AlertWindow, o Options, emit Emit) {
			if w.Services > 0 {
				collect(w, o, emit)
			}
		})
	}
	// part is for a number of these firings: on a compact page 0 of those of a service have
	// no series.
	part := func(count func(w *correlation.AlertWindow) int) Collect {
		return known(func(w *correlation.AlertWindow, o Options, emit Emit) {
			emitCount(emit, count(w), w.Incomplete || prefix == "" && o.Detail != Full)
		})
	}
	counted0, fullOnly, full := counted, Detail(""), ""
	if prefix == "" {
		counted0, fullOnly, full = counted+"; with `exposition.detail: compact` no 0", Full, "`exposition.detail: full`, and "
	}
	families := []Family{
		{
			Name: prefix + "alert_firings", Stability: Experimental, Labels: labels,
			Help:     "Number of times that alerts of " + whose + " began to fire within the window.",
			Presence: counted,
			Collect:  known(func(w *correlation.AlertWindow, _ Options, emit Emit) { emitCount(emit, w.Firings, w.Incomplete) }),
		},
		{
			Name: prefix + "alert_paging_firings", Stability: Experimental, Labels: labels,
			Help:     "Number of these firings whose severity wakes somebody.",
			Presence: counted0,
			Collect:  part(func(w *correlation.AlertWindow) int { return w.Paging }),
		},
		{
			Name: prefix + "alert_flapping_firings", Stability: Experimental, Labels: labels,
			Help:     "Number of these firings that began within 30 minutes of the end of the last one of the same alert; the first is not counted.",
			Presence: counted0,
			Collect:  part(func(w *correlation.AlertWindow) int { return w.Flapping }),
		},
	}
	families = append(families, Family{
		Name: prefix + "alerts_incomplete", Stability: Experimental, Labels: labels,
		Help: "1 if alerts fired within the window that name no service and may be of " + whose + ", " +
			"so that there may be more firings.",
		Presence: enough + " and there are such alerts",
		Collect: known(func(w *correlation.AlertWindow, _ Options, emit Emit) {
			if w.Incomplete {
				emit(1)
			}
		}),
	})
	for _, e := range estimates()[:2] {
		families = append(families, Family{
			Name: prefix + "alert_firing_duration_" + e.name, Stability: Experimental, Labels: labels,
			Help:     e.words + " of how long these firings lasted, to about a minute; those that go on last at least until now.",
			Presence: enough + " and " + e.presence("the firings", "ended"),
			Collect:  known(func(w *correlation.AlertWindow, _ Options, emit Emit) { e.emit(emit, &w.Duration) }),
		})
	}
	families = append(families,
		Family{
			Name: prefix + "alert_unpaged_ratio", Stability: Experimental, Labels: labels,
			Help: "Share of the firings of paging severity that began at least 15 minutes ago without an incident of the same service " +
				"that was open then or began from 5 minutes before to 15 minutes after, 0 to 1. Silenced and inhibited alerts are among them.",
			Presence: "the alerts of the window and the service's incidents in PagerDuty are known, and there was such a firing",
			Collect: known(func(w *correlation.AlertWindow, _ Options, emit Emit) {
				if ratio, some := w.Unpaged.Ratio(); some {
					emit(ratio)
				}
			}),
		},
		Family{
			Name: prefix + "alert_compared_firings", Stability: Experimental, Labels: labels, Detail: fullOnly,
			Help:     "Number of firings that the share of unpaged ones is of.",
			Presence: full + "as the share",
			Collect: known(func(w *correlation.AlertWindow, _ Options, emit Emit) {
				if _, some := w.Unpaged.Ratio(); some {
					emit(float64(w.Unpaged.Firings))
				}
			}),
		},
	)
	covered, watched := "Share of the window for which it is known whether alerts of the service fired, 0 to 1.", "somebody watches for the alerts of the service"
	if prefix != "" {
		watched = "somebody watches for the alerts of a service of the group"
		covered = "Mean over the services of the group whose alerts somebody watches for of the share of the window for which it is known whether they fired, 0 to 1."
	}
	return append(families, Family{
		Name: prefix + "alert_history_covered_ratio", Stability: Experimental, Labels: labels,
		Help:     covered,
		Presence: watched,
		Collect:  each(func(w *correlation.AlertWindow, _ Options, emit Emit) { emit(w.Covered) }),
	})
}
