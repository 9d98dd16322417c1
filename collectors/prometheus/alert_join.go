package prometheus

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/evidence"
)

// alertReader finds the services that the series of an answer are about.
type alertReader struct {
	round      *round
	identities *identities
	pods       *keyIndex
	// known are the services that alerts can be about, with a digest of what
	// identifies them.
	known map[string]string
}

func newAlertReader(r *round) *alertReader {
	reader := &alertReader{
		round: r, identities: newIdentities(r.scope, r.server), known: map[string]string{},
		pods: newKeyIndex(r.scope, &join{
			name: "alert_pod", needs: [][]string{namespaceLabels, {"pod"}}, entry: joins()["workload"].entry,
			read: func(v []string) []string { return prefixes(v[0], v[1]) },
		}),
	}
	for i, s := range r.scope.services {
		if identifiable(s, r.server) {
			reader.known[s.Name] = reader.identities.of[i].digest(r.relabel)
		}
	}
	return reader
}

// digest is the same for the same identity with the same relabelling.
func (id identity) digest(relabel *relabelling) string {
	var text strings.Builder
	if relabel != nil {
		for _, rule := range relabel.rules {
			fmt.Fprintf(&text, "%q;", fmt.Sprint(rule.Relabel))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(id)) {
		values := slices.Sorted(slices.Values(id[name]))
		fmt.Fprintf(&text, "%q=%q,", name, values)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:8])
}

// read joins the series of an answer to the catalog. Alerts of no service are added to
// the strays. Series of one alert about the same services are one: each replica of a server
// has its own, and a restart gives a pod another name.
func (a *alertReader) read(matrix model.Matrix, strays *strayAlerts) alertsSeen {
	var seen alertsSeen
	byFingerprint := map[string]int{}
	for _, stream := range matrix {
		at := make([]time.Time, 0, len(stream.Values))
		for _, v := range stream.Values {
			at = append(at, v.Timestamp.Time().UTC())
		}
		if stream.Metric[witnessLabel] != "" {
			seen.witness = at
			continue
		}
		if len(at) == 0 {
			continue
		}
		one, ok := a.series(stream.Metric)
		if len(one.services) == 0 {
			if ok {
				strays.add(one.alert, one.labels, at[len(at)-1])
			}
			continue
		}
		n, known := byFingerprint[one.fingerprint]
		if !known {
			n = len(seen.series)
			byFingerprint[one.fingerprint] = n
			seen.series = append(seen.series, one)
		}
		same := &seen.series[n]
		same.at = append(same.at, at...)
		same.paging = same.paging || one.paging
	}
	for i := range seen.series {
		s := &seen.series[i]
		slices.SortFunc(s.at, time.Time.Compare)
		s.at = slices.CompactFunc(s.at, time.Time.Equal)
	}
	return seen
}

// series is what the labels of an alert say, without instants. ok is false for an
// alert that relabelling drops.
func (a *alertReader) series(m model.Metric) (one alertSeries, ok bool) {
	alert := string(m[model.AlertNameLabel])
	labels, keep := a.round.relabel.apply(m)
	if !keep || alert == "" {
		return one, false
	}
	services := a.services(labels)
	severity := string(m["severity"])
	return alertSeries{
		fingerprint: a.fingerprint(alert, services, labels), alert: evidence.Clean(alert, 200), labels: labels,
		severity: evidence.Clean(severity, 50),
		paging:   a.round.pages(severity, string(m["sloth_severity"])), services: services,
	}, true
}

// fingerprint identifies an alert by its name, the services that it is about, and
// the labels that are configured to tell alerts apart. All other labels say which
// instance of the service has the problem, or which server has seen it.
func (a *alertReader) fingerprint(alert string, services []string, m model.Metric) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%q,%q", alert, services)
	for _, name := range a.round.alertLabels {
		if value := label(m, name); value != "" {
			fmt.Fprintf(&text, ",%q=%q", name, value)
		}
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:fingerprintBytes])
}

// fingerprintBytes is the length of a fingerprint. Those of earlier versions, which
// were made of all labels, are shorter.
const fingerprintBytes = 12

// isOfAllLabels reports whether a stored fingerprint was made of all labels of an
// alert, as earlier versions made them.
func isOfAllLabels(fingerprint string) bool {
	return len(fingerprint) < hex.EncodedLen(fingerprintBytes)
}

// services are the names of the services that an alert's labels name, sorted.
//
// A label that identifies a service names it: its job, its name, or what the catalog
// matches on. Without one the namespace does, narrowed by the labels of a workload
// or pod. No label may contradict the catalog. Alerts about the whole fleet have no
// such label and belong to no service.
func (a *alertReader) services(m model.Metric) []string {
	labels := a.labels(m)
	direct, byNamespace := map[int]bool{}, map[int]bool{}
	for name, value := range labels {
		for _, i := range a.identities.byLabel[name][value] {
			if !a.identities.labelsAgree(i, labels) {
				continue
			}
			if name == labelNamespace {
				byNamespace[i] = true
			} else {
				direct[i] = true
			}
		}
	}
	found := direct
	if len(found) == 0 {
		found = a.narrow(byNamespace, m)
	}
	var names []string
	for i := range found {
		names = append(names, a.round.scope.services[i].Name)
	}
	slices.Sort(names)
	return names
}

// labels are those of an alert. Where the scrape has renamed a label of the exporter,
// the exporter's value is used. A job or service that the catalog does not know, or
// whose service the other labels contradict, belongs to the exporter and is left out.
func (a *alertReader) labels(m model.Metric) map[string]string {
	labels := make(map[string]string, len(m))
	for name := range m {
		plain := model.LabelName(strings.TrimPrefix(string(name), exported))
		labels[string(plain)] = label(m, string(plain))
	}
	for _, name := range []string{"job", labelService} {
		agrees := func(i int) bool { return a.identities.labelsAgree(i, labels) }
		if !slices.ContainsFunc(a.identities.byLabel[name][labels[name]], agrees) {
			delete(labels, name)
		}
	}
	return labels
}

// narrow keeps of the services of a namespace those whose pod an alert names. If the
// pod belongs to no workload of the catalog, it may belong to a service whose
// workload the catalog does not have.
func (a *alertReader) narrow(services map[int]bool, m model.Metric) map[int]bool {
	if len(services) == 0 || label(m, "pod") == "" {
		return services
	}
	owners := map[int]bool{}
	for _, part := range a.pods.find(m) {
		if i := a.round.scope.parts[part].service; services[i] {
			owners[i] = true
		}
	}
	if len(owners) > 0 {
		return owners
	}
	for i := range services {
		if a.round.scope.services[i].Kubernetes.Workload == "" {
			owners[i] = true
		}
	}
	return owners
}
