package exporter

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/snapshot"
)

// incidentsOfServices declares the families about the incidents of one service.
func incidentsOfServices() Group {
	families := []Family{
		{
			Name: "incidents", Labels: []string{ServiceLabel, "window", "severity"},
			Help: "Number of incidents that began within the window, by severity: 1 (worst) to 5, or unknown.",
			Presence: "an incident of the service with that severity is stored, whenever it was; then 0 without one in the window, " +
				"unless the window is incomplete, or, with `exposition.detail: compact`, has incidents of other severities",
			Collect: perServiceWindow(func(name string, f *correlation.WindowFigures, o Options, emit Emit) {
				some := slices.ContainsFunc(f.Severities, func(s correlation.SeverityCount) bool { return s.Incidents > 0 })
				for _, s := range f.Severities {
					if s.Incidents > 0 || o.Detail == Full || !some {
						emit(float64(s.Incidents), name, f.Window.String(), severityLabel(s.Severity))
					}
				}
			}),
		},
		{
			Name: "incidents_incomplete", Labels: []string{ServiceLabel, "window"},
			Help: "1 if incidents were found that may be the service's, began within the window, and could not be used: " +
				"they name no service, or cannot be read.",
			Presence: "there are such incidents",
			Collect: perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
				if f.Incomplete {
					emit(1, name, f.Window.String())
				}
			}),
		},
		{
			Name: "incidents_open", Labels: []string{ServiceLabel},
			Help: "Number of incidents that are open, however old.",
			Presence: "an incident of the service is stored, whenever it was; no 0 if one that may be the service's is open " +
				"and could not be used",
			Collect: perIncidents(func(name string, f *correlation.Figures, emit Emit) {
				emitCount(emit, f.Open, f.OpenIncomplete, name)
			}),
		},
	}
	families = append(families, estimateFamilies("incident_resolution", []string{ServiceLabel, "window"},
		"of the resolution time of incidents that began within the window", "the incidents of the window", "been resolved",
		func(e estimate) Collect {
			return perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
				e.emit(emit, &f.Resolution, name, f.Window.String())
			})
		})...)
	families = append(families, Family{
		Name: "incident_resolution_timed_out_ratio", Labels: []string{ServiceLabel, "window"}, Detail: Full,
		Help:     "Share of the incidents that began within the window that a time-out closed, 0 to 1; these are censored.",
		Presence: "an incident of the window has a known duration",
		Collect: perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
			if ratio, known := f.Resolution.TimedOutRatio(); known {
				emit(ratio, name, f.Window.String())
			}
		}),
	})
	families = append(families, resolvedWithinFamilies("incident_resolved_within", []string{ServiceLabel, "window"},
		"incidents that began within the window",
		func(read func(correlation.Share) float64) Collect {
			return perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
				emitWithin(emit, &f.Resolution, read, name, f.Window.String())
			})
		})...)
	families = append(families, estimateFamilies("incident_acknowledgement", []string{ServiceLabel, "window"},
		"of the time to the first acknowledgement by a person of high-urgency incidents that began within the window",
		"those whose acknowledgements are known", "been acknowledged",
		func(e estimate) Collect {
			return perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
				e.emit(emit, &f.Acknowledgement, name, f.Window.String())
			})
		})...)
	for i := range families {
		name := families[i].Name
		if strings.HasPrefix(name, "incident_resolved_within") || strings.HasPrefix(name, "incident_acknowledgement") ||
			strings.HasSuffix(name, "_geomean_seconds") || strings.HasSuffix(name, "_censored_ratio") {
			families[i].Detail = Full
		}
	}
	return Group{
		Title: "Incidents of services",
		Intro: "An incident that PagerDuty and Jira both know is one. Those within announced maintenance are left out. " +
			"Open incidents count as lasting at least until now and those that a time-out closed at least until then. " +
			"A quantile is absent when too few of the incidents are resolved; the geometric mean, which is that of the resolved ones, " +
			"when more than a tenth are not. An incident that ended at an unknown time has no duration. " +
			"Read the time to acknowledge beside the share that was acknowledged in time, which counts the never acknowledged. " +
			"Where `readiness_incidents_incomplete` is 1, counts of the window are lower bounds and a count of 0 is left out; " +
			"durations and shares are of the incidents that are known. The same holds for groups and badges.",
		Families: append(families,
			Family{
				Name: "incident_acknowledged_within_ratio", Labels: []string{ServiceLabel, "window", "minutes"},
				Help:     "Share of the high-urgency incidents of the window that a person acknowledged within so many minutes, the never acknowledged included, 0 to 1.",
				Presence: "acknowledgements are known of an incident that is older than that",
				Collect:  perServiceWindow(collectAcknowledgedWithin),
			},
			Family{
				Name: "incident_machine_acknowledged_ratio", Labels: []string{ServiceLabel, "window"}, Detail: Full,
				Help: "Share of the high-urgency incidents of the window that an integration or a service acknowledged, " +
					"whether or not a person did, too, 0 to 1.",
				Presence: "acknowledgements are known of such an incident",
				Collect: perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
					if ratio, known := f.ByMachine.Ratio(); known {
						emit(ratio, name, f.Window.String())
					}
				}),
			},
			Family{
				Name: "incident_noise", Labels: []string{ServiceLabel, "window", "class"},
				Help: "Number of high-urgency incidents of the window in each class of noise: all, any_noise, noisy, suspected, " +
					"flapping, confirmed_false; the classes overlap.",
				Presence: "acknowledgements are known of such an incident, and no 0 if it is not known of one whether it is in the class; " +
					"classes but all and any_noise with `exposition.detail: full`",
				Collect: perServiceWindow(func(name string, f *correlation.WindowFigures, o Options, emit Emit) {
					emitNoise(emit, f.Noise, f.Incomplete, o.Detail == Full, name, f.Window.String())
				}),
			},
			Family{
				Name: "incident_interruptions", Labels: []string{ServiceLabel, "window", "hours"}, Detail: Full,
				Help: "Number of times that high-urgency PagerDuty incidents of the window notified a person, by the hour of that " +
					"person: business (Monday to Friday, 8 to 18), sleep (22 to 8) or off (all other); several notifications of one " +
					"person about one incident within the same hours of a day are one.",
				Presence: "it is known of an incident of the window; no 0 if it is not known of all",
				Collect: perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
					emitInterruptions(emit, &f.Interruptions, f.Incomplete, name, f.Window.String())
				}),
			},
			Family{
				Name: "incident_interruptions_unknown", Labels: []string{ServiceLabel, "window"}, Detail: Full,
				Help:     "Number of these incidents of which it is not known whom they notified, and when.",
				Presence: "there are such incidents",
				Collect: perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
					if n := f.Interruptions.Unknown; n > 0 {
						emit(float64(n), name, f.Window.String())
					}
				}),
			},
			Family{
				Name: "incident_noise_unknown", Labels: []string{ServiceLabel, "window", "class"}, Detail: Full,
				Help: "Number of these incidents of which it is not known whether they are in the class; for all, of those " +
					"that are not counted there because their acknowledgements are not known.",
				Presence: "there are such incidents",
				Collect: perServiceWindow(func(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
					emitUnknownNoise(emit, f.Noise, name, f.Window.String())
				}),
			},
		),
	}
}

// incidentsOfGroups declares the families about the incidents of groups of services.
func incidentsOfGroups() Group {
	labels := []string{"scope", "group", "window"}
	families := []Family{{
		Name: "group_incidents", Labels: labels,
		Help:     "Number of incidents of the group that began within the window.",
		Presence: "an incident of the group is stored, whenever it was; no 0 if the window is incomplete",
		Collect: perGroupWindow(func(g *correlation.GroupFigures, f *correlation.WindowFigures, emit Emit) {
			emitCount(emit, f.Incidents, f.Incomplete, string(g.Scope), g.Group, f.Window.String())
		}),
	}, {
		Name: "group_incidents_incomplete", Labels: labels,
		Help: "1 if incidents were found that may be of the group, began within the window, and could not be used: " +
			"they name no service, or cannot be read.",
		Presence: "there are such incidents",
		Collect: perGroupWindow(func(g *correlation.GroupFigures, f *correlation.WindowFigures, emit Emit) {
			if f.Incomplete {
				emit(1, string(g.Scope), g.Group, f.Window.String())
			}
		}),
	}}
	families = append(families, estimateFamilies("group_incident_resolution", labels,
		"of the resolution time of the incidents of the group that began within the window",
		"the incidents of the window", "been resolved",
		func(e estimate) Collect {
			return perGroupWindow(func(g *correlation.GroupFigures, f *correlation.WindowFigures, emit Emit) {
				e.emit(emit, &f.Resolution, string(g.Scope), g.Group, f.Window.String())
			})
		})...)
	families = append(families, resolvedWithinFamilies("group_incident_resolved_within", labels,
		"incidents of the group that began within the window",
		func(read func(correlation.Share) float64) Collect {
			return perGroupWindow(func(g *correlation.GroupFigures, f *correlation.WindowFigures, emit Emit) {
				emitWithin(emit, &f.Resolution, read, string(g.Scope), g.Group, f.Window.String())
			})
		})...)
	return Group{
		Title: "Incidents of groups",
		Intro: "The scopes are `fleet`, with the one group `all`, `org`, `team` and `tier`. " +
			"An incident that happened to several services of a group is one, and quantiles do not aggregate in PromQL: " +
			"read these and not a sum or mean of those of services.",
		Families: append(families, Family{
			Name: "group_incident_noise", Labels: append(slices.Clip(labels), "class"),
			Help: "Number of high-urgency incidents of the group within the window in each class of noise: all, any_noise, noisy, " +
				"suspected, flapping, confirmed_false; the classes overlap.",
			Presence: "acknowledgements are known of such an incident; no 0 if it is not known of one whether it is in the class",
			Collect: perGroupWindow(func(g *correlation.GroupFigures, f *correlation.WindowFigures, emit Emit) {
				emitNoise(emit, f.Noise, f.Incomplete, true, string(g.Scope), g.Group, f.Window.String())
			}),
		}, Family{
			Name: "group_incident_interruptions", Labels: append(slices.Clip(labels), "hours"),
			Help: "Number of times that high-urgency PagerDuty incidents of the group within the window notified a person, by the " +
				"hour of that person: business (Monday to Friday, 8 to 18), sleep (22 to 8) or off (all other).",
			Presence: "it is known of an incident of the window; no 0 if it is not known of all",
			Collect: perGroupWindow(func(g *correlation.GroupFigures, f *correlation.WindowFigures, emit Emit) {
				emitInterruptions(emit, &f.Interruptions, f.Incomplete, string(g.Scope), g.Group, f.Window.String())
			}),
		}, Family{
			Name: "group_incident_interruptions_unknown", Labels: labels,
			Help:     "Number of these incidents of which it is not known whom they notified, and when.",
			Presence: "there are such incidents",
			Collect: perGroupWindow(func(g *correlation.GroupFigures, f *correlation.WindowFigures, emit Emit) {
				if n := f.Interruptions.Unknown; n > 0 {
					emit(float64(n), string(g.Scope), g.Group, f.Window.String())
				}
			}),
		}, Family{
			Name: "group_incident_noise_unknown", Labels: append(slices.Clip(labels), "class"),
			Help: "Number of these incidents of which it is not known whether they are in the class; for all, of those " +
				"that are not counted there because their acknowledgements are not known.",
			Presence: "there are such incidents",
			Collect: perGroupWindow(func(g *correlation.GroupFigures, f *correlation.WindowFigures, emit Emit) {
				emitUnknownNoise(emit, f.Noise, string(g.Scope), g.Group, f.Window.String())
			}),
		}),
	}
}

// incidentsByBadge declares the families about incidents by badge.
func incidentsByBadge() Group {
	labels := []string{"badge", "tier", "window"}
	return Group{
		Title: "Incidents by badge",
		Intro: "By the badge that a service held right before the incident; incidents before a service was first judged are left out. " +
			"The label tier is 1 to 4, or `all` for services of all tiers: do not sum over it. Important services may both hold higher " +
			"badges and have more incidents, so compare badges within a tier; a difference is not yet an effect of readiness.",
		Families: []Family{
			{
				Name: "badge_incidents", Stability: Experimental, Labels: labels,
				Help:     "Number of incidents within the window of services that held the badge, counted once for each such service.",
				Presence: "the badge was held within the window and an incident was ever seen; no 0 if the window is incomplete",
				Collect: perBadgeFigures(func(b *correlation.BadgeFigures, emit Emit) {
					emitCount(emit, b.Incidents, b.Incomplete, badgeLabels(b)...)
				}),
			},
			{
				Name: "badge_incidents_incomplete", Stability: Experimental, Labels: labels,
				Help: "1 if incidents were found that may be of a service that held the badge, began within the window, and " +
					"could not be used.",
				Presence: "there are such incidents",
				Collect: perBadgeFigures(func(b *correlation.BadgeFigures, emit Emit) {
					if b.Incomplete {
						emit(1, badgeLabels(b)...)
					}
				}),
			},
			{
				Name: "badge_incident_rate_per_service_day", Stability: Experimental, Labels: labels,
				Help:     "Number of these incidents for each day that a service held the badge within the window.",
				Presence: "the badge was held for at least a day by all services together; no 0 if the window is incomplete",
				Collect: perBadgeFigures(func(b *correlation.BadgeFigures, emit Emit) {
					if rate, known := b.Rate(); known && (rate > 0 || !b.Incomplete) {
						emit(rate, badgeLabels(b)...)
					}
				}),
			},
			{
				Name: "badge_incident_resolution_p50_seconds", Stability: Experimental, Labels: labels,
				Help:     "Median of the resolution time of these incidents.",
				Presence: "at least half of them are estimated to have been resolved",
				Collect: perBadgeFigures(func(b *correlation.BadgeFigures, emit Emit) {
					emitEstimate(emit, b.Resolution.P50, badgeLabels(b)...)
				}),
			},
		},
	}
}

// estimate is one figure of a summary of durations.
type estimate struct {
	// name is the end of family names, words begin the help.
	name, words string
	// presence is when there is a figure, for what has been done: been resolved.
	presence func(of, done string) string
	emit     func(emit Emit, s *correlation.Summary, labels ...string)
}

func estimates() []estimate {
	quantile := func(share string) func(of, done string) string {
		return func(of, done string) string {
			return "at least " + share + " of " + of + " are estimated to have " + done
		}
	}
	return []estimate{
		{"p50_seconds", "Median", quantile("half"), func(emit Emit, s *correlation.Summary, labels ...string) {
			emitEstimate(emit, s.P50, labels...)
		}},
		{"p90_seconds", "90th percentile", quantile("90 %"), func(emit Emit, s *correlation.Summary, labels ...string) {
			emitEstimate(emit, s.P90, labels...)
		}},
		{
			"geomean_seconds", "Geometric mean",
			func(of, done string) string { return "at least 90 % of " + of + " have " + done },
			func(emit Emit, s *correlation.Summary, labels ...string) { emitEstimate(emit, s.Geomean, labels...) },
		},
		{
			"censored_ratio", "Censored share (no end was seen, or only a time-out), 0 to 1,",
			func(of, _ string) string { return "there is one of " + of },
			func(emit Emit, s *correlation.Summary, labels ...string) {
				if ratio, known := s.CensoredRatio(); known {
					emit(ratio, labels...)
				}
			},
		},
	}
}

// estimateFamilies declares one family for each estimate of a duration. of ends the
// help text; all and done make the presence text.
func estimateFamilies(
	name string, labels []string, of, all, done string,
	collect func(estimate) Collect,
) []Family {
	var families []Family
	for _, e := range estimates() {
		families = append(families, Family{
			Name: name + "_" + e.name, Labels: labels,
			Help: e.words + " " + of + ".", Presence: e.presence(all, done), Collect: collect(e),
		})
	}
	return families
}

// resolvedWithinFamilies declares the share that was resolved in time, and its
// bounds. of names the incidents.
func resolvedWithinFamilies(
	name string, labels []string, of string,
	collect func(read func(correlation.Share) float64) Collect,
) []Family {
	var families []Family
	for _, bound := range []struct {
		end, words string
		read       func(correlation.Share) float64
	}{
		{"_ratio", "Estimated share", func(s correlation.Share) float64 { return s.Value }},
		{"_lower_ratio", "Lower bound (95 %, Wilson) of the estimated share", func(s correlation.Share) float64 {
			return s.Lower
		}},
		{"_upper_ratio", "Upper bound (95 %, Wilson) of the estimated share", func(s correlation.Share) float64 {
			return s.Upper
		}},
	} {
		families = append(families, Family{
			Name: name + bound.end, Labels: append(slices.Clip(labels), "minutes"),
			Help:     bound.words + " of the " + of + " that were resolved within so many minutes, 0 to 1.",
			Presence: "one of them lasted that long, or all were resolved before",
			Collect:  collect(bound.read),
		})
	}
	return families
}

// emitWithin writes a figure of each share that was resolved in time.
func emitWithin(emit Emit, s *correlation.Summary, read func(correlation.Share) float64, labels ...string) {
	for _, w := range s.Within {
		if w.Known {
			emit(read(w.Share), append(slices.Clip(labels), minutesLabel(w.Within))...)
		}
	}
}

func minutesLabel(d time.Duration) string { return strconv.FormatFloat(d.Minutes(), 'f', -1, 64) }

func perGroupWindow(collect func(*correlation.GroupFigures, *correlation.WindowFigures, Emit)) Collect {
	return ofSnapshot(func(s *snapshot.Snapshot, o Options, emit Emit) {
		for i := range s.Groups {
			for j := range shown(s.Groups[i].Windows, o) {
				collect(&s.Groups[i], &s.Groups[i].Windows[j], emit)
			}
		}
	})
}

func perBadgeFigures(collect func(*correlation.BadgeFigures, Emit)) Collect {
	return ofSnapshot(func(s *snapshot.Snapshot, _ Options, emit Emit) {
		for _, list := range [][]correlation.BadgeFigures{s.BadgeFigures, s.TierBadgeFigures} {
			for i := range list {
				collect(&list[i], emit)
			}
		}
	})
}

// badgeLabels are those of the families by badge.
func badgeLabels(b *correlation.BadgeFigures) []string {
	tier := "all"
	if b.Tier > 0 {
		tier = strconv.Itoa(b.Tier)
	}
	return []string{b.Badge.String(), tier, b.Window.String()}
}

func collectAcknowledgedWithin(name string, f *correlation.WindowFigures, _ Options, emit Emit) {
	for _, w := range f.Within {
		if ratio, known := w.Ratio(); known {
			emit(ratio, name, f.Window.String(), minutesLabel(w.Within))
		}
	}
}

// emitEstimate writes a duration in seconds; one without a value is no data.
func emitEstimate(emit Emit, e correlation.Estimate, labels ...string) {
	if e.Known {
		emit(e.Value.Round(time.Millisecond).Seconds(), labels...)
	}
}

// emitCount writes a number of incidents. There may be more if it is incomplete: then 0
// is not known, and left out.
func emitCount(emit Emit, count int, incomplete bool, labels ...string) {
	if count > 0 || !incomplete {
		emit(float64(count), labels...)
	}
}

// emitNoise writes the number of incidents and of those in any class of noise, and of
// those in each class if classes is true. One that may be larger is a lower bound, and
// left out if it is 0.
func emitNoise(emit Emit, n *correlation.Noise, incomplete, classes bool, labels ...string) {
	if n == nil || n.All == 0 {
		return
	}
	emitCount(emit, n.All, incomplete, append(slices.Clip(labels), "all")...)
	for _, class := range correlation.NoiseClasses() {
		if classes || class == correlation.AnyNoise {
			count, unknown := n.Of(class)
			emitCount(emit, count, incomplete || unknown > 0, append(slices.Clip(labels), class.String())...)
		}
	}
}

// emitUnknownNoise writes how many incidents may be in each class that are not known to
// be; of all, those that could not be classified.
func emitUnknownNoise(emit Emit, n *correlation.Noise, labels ...string) {
	if n == nil {
		return
	}
	write := func(unknown int, class string) {
		if unknown > 0 {
			emit(float64(unknown), append(slices.Clip(labels), class)...)
		}
	}
	write(n.Unclassified, "all")
	for _, class := range correlation.NoiseClasses() {
		_, unknown := n.Of(class)
		write(unknown, class.String())
	}
}

// emitInterruptions writes the numbers by hours. They are lower bounds if that of an
// incident is not known.
func emitInterruptions(emit Emit, i *correlation.Interruptions, incomplete bool, labels ...string) {
	if i.Incidents == 0 {
		return
	}
	for _, hours := range [...]struct {
		name  string
		count int
	}{{"business", i.Business}, {"off", i.Off}, {"sleep", i.Sleep}} {
		emitCount(emit, hours.count, incomplete || i.Unknown > 0, append(slices.Clip(labels), hours.name)...)
	}
}

func severityLabel(severity int) string {
	if severity == 0 {
		return "unknown"
	}
	return strconv.Itoa(severity)
}
