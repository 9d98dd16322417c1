package prometheus

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// An alert that fires and is of no service shows a gap in the catalog, or is about the
// whole fleet. A round reads only some minutes of the history, so that such alerts are
// kept in a cursor for as long as figures look back.

const (
	// strayCursor names the cursor that keeps the alerts of no service.
	strayCursor = "alerts-of-no-service"
	// maxStrays bounds the groups that are kept: those that fired last.
	maxStrays = 500
	day       = 24 * time.Hour
)

// strayAlerts are the alerts of no service that fired within the history, by the labels
// that could name one.
type strayAlerts struct {
	reader *alertReader
	groups map[string]*strayGroup
	// isCut reports that there were more than maxStrays.
	isCut bool
}

// strayGroup are the alerts of no service with the same labels.
type strayGroup struct {
	// Labels are those that could name a service, and those that could contradict it.
	Labels model.Metric `json:"labels,omitempty"`
	// Alerts are the days on which each alert last fired, as days since 1970. Whole days
	// keep the cursor the same while an alert goes on.
	Alerts map[string]int64 `json:"alerts"`
}

// newStrayAlerts continues the stored ones. Those that are of a service by now are left
// out.
func newStrayAlerts(reader *alertReader, cursor string, now time.Time) *strayAlerts {
	s := &strayAlerts{reader: reader, groups: map[string]*strayGroup{}}
	var stored []*strayGroup
	_ = json.Unmarshal([]byte(cursor), &stored) // of another version: alerts that fire come again
	for _, group := range stored {
		if group == nil {
			continue
		}
		// A wrong clock has left it: it would be kept until that day.
		maps.DeleteFunc(group.Alerts, func(_ string, days int64) bool { return days > daysOf(now.Add(day)) })
		if len(group.Alerts) > 0 && len(reader.services(group.Labels)) == 0 {
			s.groups[group.Labels.String()] = group
		}
	}
	return s
}

// add notes that an alert of no service fired. m are its labels after relabelling.
func (s *strayAlerts) add(alert string, m model.Metric, at time.Time) {
	labels := s.reader.telling(m)
	key := labels.String()
	group := s.groups[key]
	if group == nil {
		group = &strayGroup{Labels: labels, Alerts: map[string]int64{}}
		s.groups[key] = group
	}
	alert = evidence.Clean(alert, 200)
	group.Alerts[alert] = max(group.Alerts[alert], daysOf(at))
}

func daysOf(at time.Time) int64 { return at.Unix() / int64(day/time.Second) }

// newest is the day on which an alert of the group last fired.
func (g *strayGroup) newest() int64 {
	newest := int64(0)
	for _, days := range g.Alerts {
		newest = max(newest, days)
	}
	return newest
}

// prune leaves out what fired before a time, and the oldest of too many groups.
func (s *strayAlerts) prune(before time.Time) {
	for key, group := range s.groups {
		maps.DeleteFunc(group.Alerts, func(_ string, days int64) bool { return days < daysOf(before) })
		if len(group.Alerts) == 0 {
			delete(s.groups, key)
		}
	}
	if len(s.groups) <= maxStrays {
		return
	}
	s.isCut = true
	keys := slices.SortedFunc(maps.Keys(s.groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.groups[b].newest(), s.groups[a].newest()), cmp.Compare(a, b))
	})
	for _, key := range keys[maxStrays:] {
		delete(s.groups, key)
	}
}

// cursor is what a later round continues from.
func (s *strayAlerts) cursor() (string, error) {
	if len(s.groups) == 0 {
		return "", nil
	}
	var list []*strayGroup
	for _, key := range slices.Sorted(maps.Keys(s.groups)) {
		list = append(list, s.groups[key])
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("encode the alerts of no service: %w", err)
	}
	return string(text), nil
}

// report counts the alerts by reason.
func (s *strayAlerts) report() evidence.Uncounted {
	var found collectors.Uncounted
	for _, group := range s.groups {
		if name := s.reader.named(group.Labels); name != "" {
			found.Add(evidence.UncountedUnknownService, name, len(group.Alerts))
			continue
		}
		for alert := range group.Alerts {
			found.Add(evidence.UncountedNoReference, fmt.Sprintf("%s=%q", model.AlertNameLabel, alert), 1)
		}
	}
	return found.Report(evidence.UncountedAlert)
}

// doubts are the services that the alerts may be about, with the end of the day on which
// the newest of them last fired.
func (s *strayAlerts) doubts() map[string]time.Time {
	found := map[string]time.Time{}
	for _, group := range s.groups {
		newest := time.Unix(0, 0).UTC().Add(time.Duration(group.newest()+1) * day)
		says := map[string]string{}
		for name, value := range group.Labels {
			says[string(name)] = string(value)
		}
		for _, i := range s.reader.identities.mayBelong(says) {
			if service := s.reader.round.scope.services[i].Name; newest.After(found[service]) {
				found[service] = newest
			}
		}
	}
	return found
}

// telling are the labels of an alert that could name a service, or contradict one. A
// pod has the name of its workload there, since a restart gives it another one. Where the
// catalog knows nothing of the namespace, that says enough.
func (a *alertReader) telling(m model.Metric) model.Metric {
	kept := model.Metric{}
	for name := range m {
		plain := strings.TrimPrefix(string(name), exported)
		if a.identities.knows(plain) || slices.Contains(teamLabels, plain) {
			kept[model.LabelName(plain)] = model.LabelValue(label(m, plain))
		}
	}
	if pod := label(m, "pod"); pod != "" && len(a.identities.byLabel[labelNamespace][label(m, labelNamespace)]) > 0 {
		kept["pod"] = model.LabelValue(workloadOfPod(pod))
	}
	return kept
}

// knows reports whether the label can say which service something is about.
func (s *identities) knows(name string) bool {
	return slices.Contains(identityLabels(), name) ||
		slices.ContainsFunc(s.of, func(id identity) bool { return len(id[name]) > 0 })
}

// named are the labels that name a service which the catalog does not have, or "".
func (a *alertReader) named(m model.Metric) string {
	var text []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if plain := string(name); plain == "pod" || a.identities.names(plain) {
			text = append(text, fmt.Sprintf("%s=%q", name, m[name]))
		}
	}
	return strings.Join(text, ", ")
}

// names reports whether the label names a service.
func (s *identities) names(label string) bool {
	return slices.Contains(identityLabels(), label) || len(s.byLabel[label]) > 0
}

// workloadOfPod is the name of a pod without what the platform adds for each copy:
// cart-7d9f8c-x2x7z and cart-0 are pods of cart.
func workloadOfPod(pod string) string {
	name := pod
	if at := strings.LastIndexByte(name, '-'); at > 0 {
		name = name[:at]
	}
	if at := strings.LastIndexByte(name, '-'); at > 0 && strings.ContainsAny(name[at:], "0123456789") {
		name = name[:at]
	}
	return name
}
