package exporter

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
)

// TestAShareThatIsNotKnownHasNoSeries: nothing was observed for four hours yet.
func TestAShareThatIsNotKnownHasNoSeries(t *testing.T) {
	s := &correlation.Summary{Within: []correlation.ShareWithin{
		{Within: 30 * time.Minute, Share: correlation.Share{Value: 0.25, Known: true}}, {Within: 4 * time.Hour},
	}}
	var emitted []string
	emitWithin(func(value float64, labels ...string) {
		emitted = append(emitted, labels...)
		if value != 0.25 {
			t.Errorf("%g, want 0.25", value)
		}
	}, s, func(s correlation.Share) float64 { return s.Value })
	if len(emitted) != 1 || emitted[0] != "30" {
		t.Errorf("%v, want one series of 30 minutes", emitted)
	}
}

// TestACompactPageHasOneWindow: the first of those that are measured; a full one has all.
func TestACompactPageHasOneWindow(t *testing.T) {
	s := largeSnapshot(1)
	at := now.Add(-10 * 24 * time.Hour)
	in := &correlation.Incident{
		Services: []string{s.Services[0].Entry.Name}, StartedAt: at, ResolvedAt: at.Add(time.Hour), Paging: 1,
		Resolver: evidence.ResolverPerson, Urgent: true, AcksKnown: true, AcknowledgedAt: at.Add(time.Minute),
		Interruptions: evidence.Interruptions{Known: true, Sleep: 2},
	}
	meter := correlation.NewMeter()
	meter.Change(nil, []*correlation.Incident{in})
	const day = correlation.Window(24 * time.Hour)
	s.Measure(snapshot.History{Incidents: meter}, correlation.Options{Windows: []correlation.Window{30 * day, 7 * day}})
	for detail, want := range map[Detail][]int{Compact: {0, 0}, Full: {1, 1}} {
		text := string(mustRender(t, s, Options{Detail: detail}).Bytes(Text))
		for i, series := range []string{
			`readiness_group_incidents{scope="fleet",group="all",window="7d"} 0`,
			`readiness_incident_resolution_p50_seconds{service_name="` + in.Services[0] + `",window="30d"} 3600`,
		} {
			if i == 1 {
				want[i] = 1
			}
			if got := strings.Count(text, series+"\n"); got != want[i] {
				t.Errorf("%s: %s is there %d times, want %d", detail, series, got, want[i])
			}
		}
		for _, series := range []string{
			`readiness_group_incident_interruptions{scope="fleet",group="all",window="30d",hours="sleep"} 2`,
			`readiness_group_incident_interruptions{scope="fleet",group="all",window="30d",hours="off"} 0`,
		} {
			if !strings.Contains(text, series+"\n") {
				t.Errorf("%s: no %s", detail, series)
			}
		}
	}
}
