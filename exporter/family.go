// Package exporter turns a snapshot into the bytes of a Prometheus scrape.
//
// The readiness families are declared data. They change once an evaluation and
// not once a scrape, so each snapshot is rendered once, as one Page, and every
// scrape serves those bytes followed by the live metrics of the process. The
// live metrics are ordinary client_golang metrics; see ProcessMetrics.
package exporter

import (
	"cmp"
	"strings"
)

// Prefix begins the name of every family of this program.
const Prefix = "readiness_"

// ServiceLabel is the label that carries a service's catalog name. It is not
// called service, because ServiceMonitors add a target label of that name,
// which would rename ours.
const ServiceLabel = "service_name"

// Kind is the type of a family.
type Kind string

// The kinds of a family. An Info is a gauge that is always 1 in the text
// format and has its own type in OpenMetrics.
const (
	Gauge     Kind = "gauge"
	Counter   Kind = "counter"
	Info      Kind = "info"
	Histogram Kind = "histogram"
)

// Stability says how far dashboards may rely on a family.
type Stability string

// The stabilities. A Stable family changes its name, labels or meaning only
// with a major version; an Experimental one with any version.
const (
	Stable       Stability = "stable"
	Experimental Stability = "experimental"
)

// Emit writes one series: its value and its label values in the order of
// Family.Labels. NaN is not a value and writes nothing.
type Emit func(value float64, labels ...string)

// Family declares one metric family.
type Family struct {
	// Name is without Prefix: score_ratio. Kind and Unit follow from it.
	Name string
	// Kind is Counter for names in _total, Info for those in _info, and Gauge for
	// others, unless it is a Histogram.
	Kind Kind
	// Unit is the base unit at the end of the name: seconds, ratio; empty for
	// counts, levels and marks.
	Unit string
	// Help is one sentence that says what a value means.
	Help string
	// Presence says when there are series; empty means always.
	Presence string
	// Labels are the label names, in order.
	Labels []string
	// Detail is Full if a compact page leaves the family out.
	Detail Detail
	// Stability is what readers may rely on; Stable unless it is declared.
	Stability Stability
	// Collect emits the series of a snapshot. It is empty for live families, which
	// client_golang keeps.
	Collect Collect
}

// FullName is the name as in an exposition: Prefix and Name.
func (f Family) FullName() string { return Prefix + f.Name }

// Group is a set of families about one subject. It is a heading of the metrics
// reference.
type Group struct {
	// Title is the heading.
	Title string
	// Intro is a sentence or two for readers of the reference.
	Intro string
	// Families in the order of exposition.
	Families []Family
}

// Groups lists the families that are rendered from a snapshot, in the order of
// exposition. To add a subject, write a file that declares its group and name
// the group here.
func Groups() []Group {
	groups := []Group{
		serviceGroup(),
		checkGroup(),
		badgeGroup(),
		targetGroup(),
		onCallGroup(),
		incidentsOfServices(),
		incidentsOfGroups(),
		incidentsByBadge(),
		alertsOfServices(),
		alertsOfGroups(),
		reviewGroup(),
		effectGroup(),
		correlationGroup(),
		frameworkGroup(),
		uncountedGroup(),
	}
	for i := range groups {
		groups[i].Families = completed(groups[i].Families)
	}
	return groups
}

// completed fills in what declarations leave out because it follows from the name.
func completed(families []Family) []Family {
	for i := range families {
		f := &families[i]
		kind := Gauge
		switch {
		case strings.HasSuffix(f.Name, "_total"):
			kind = Counter
		case strings.HasSuffix(f.Name, "_info"):
			kind = Info
		}
		f.Kind, f.Stability = cmp.Or(f.Kind, kind), cmp.Or(f.Stability, Stable)
		if end := f.Name[strings.LastIndexByte(f.Name, '_')+1:]; end == "seconds" || end == "ratio" {
			f.Unit = end
		}
	}
	return families
}

// Families lists the families of all groups.
func Families() []Family {
	var families []Family
	for _, g := range Groups() {
		families = append(families, g.Families...)
	}
	return families
}
