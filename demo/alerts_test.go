package main

import (
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/project"
)

// alertsAreThoseOfTheCompany: what the collector reads in the history of ALERTS
// is what has fired, and the pages that nobody got are those without an
// incident.
func alertsAreThoseOfTheCompany(t *testing.T, d *demo) {
	found := d.collector.Snapshot()
	type counts struct{ fired, paging, compared, unpaged int }
	want, fleet := map[string]counts{}, counts{}
	for _, f := range project.Firings(d.company) {
		s, _ := d.company.Service(f.Service)
		// Its first minute, and the last one that was asked for.
		began := f.Start.Add(time.Minute - 1).Truncate(time.Minute)
		if !began.After(found.At.Add(-30*24*time.Hour)) ||
			began.After(d.company.Now.Add(-time.Minute).Truncate(time.Minute)) {
			continue
		}
		w := want[f.Service]
		w.fired++
		if f.Severity == "critical" {
			w.paging++
			if s.Registration != company.NotInPagerDuty && s.Registration != company.DanglingID &&
				found.At.Sub(began) >= 15*time.Minute {
				w.compared++
				if f.Incident == "" {
					w.unpaged++
				}
			}
		}
		want[f.Service] = w
	}
	flapping, quiet := 0, 0
	for i := range found.Services {
		service := &found.Services[i]
		if service.Alerts == nil || service.Alerts.Windows[0].Services != 1 || service.Alerts.Windows[0].Covered < 0.999 {
			t.Errorf("what is known of the alerts of %s: %+v", service.Entry.Name, service.Alerts)
			continue
		}
		w := service.Alerts.Windows[0]
		got := counts{w.Firings, w.Paging, w.Unpaged.Firings, w.Unpaged.Unpaged}
		if got != want[service.Entry.Name] {
			t.Errorf("alerts of %s: %+v, want %+v", service.Entry.Name, got, want[service.Entry.Name])
		}
		if got.fired == 0 {
			quiet++
		}
		flapping += w.Flapping
		fleet.fired, fleet.paging = fleet.fired+got.fired, fleet.paging+got.paging
		fleet.compared, fleet.unpaged = fleet.compared+got.compared, fleet.unpaged+got.unpaged
	}
	if fleet.unpaged < 5 || fleet.compared < 5*fleet.unpaged || flapping == 0 || quiet == 0 {
		t.Errorf("nothing to look at: %+v, %d flapping, %d services without", fleet, flapping, quiet)
	}
	all := found.AlertGroups[0]
	w := all.Windows[0]
	if got := (counts{w.Firings, w.Paging, w.Unpaged.Firings, w.Unpaged.Unpaged}); all.Scope != "fleet" || got != fleet ||
		w.Services != len(found.Services) {
		t.Errorf("of the fleet: %+v, want %+v", w, fleet)
	}
	t.Logf(
		"30 days: %d firings, %d of them paging, %d flapping; %d of %d pages without an incident", fleet.fired, fleet.paging,
		flapping, fleet.unpaged, fleet.compared,
	)
}
