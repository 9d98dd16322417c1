package correlation

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

// merged is an incident that the person who merged it resolved.
func merged(id, into string, started, resolved time.Time) evidence.Incident {
	in := page(id, started, resolved)
	in.MergedInto, in.AcksKnown = into, true
	return in
}

// TestAnOutageAndWhatWasMergedIntoIt: six incidents were merged into one outage of two
// hours, which a person acknowledged after 4 minutes.
func TestAnOutageAndWhatWasMergedIntoIt(t *testing.T) {
	began := ago(5 * time.Hour)
	outage := page("Q0", began, began.Add(2*time.Hour))
	outage.AcknowledgedAt, outage.AcksKnown, outage.Severity = began.Add(4*time.Minute), true, 1
	records := []evidence.Incident{outage}
	for i := range 6 {
		in := merged(fmt.Sprint("Q", i+1), "Q0", began.Add(time.Duration(i+1)*time.Minute), began.Add(9*time.Minute))
		in.Template = "disk full"
		records = append(records, in)
	}
	f := PerService(Link(records), nil, fleet(), Options{}, noon)["checkout"].Windows[0]
	if f.Incidents != 1 || f.Resolution.P50.Value != 2*time.Hour || f.Resolution.Geomean.Value != 2*time.Hour {
		t.Errorf("%d incidents, resolution %+v, want 1 of 7200 s", f.Incidents, f.Resolution)
	}
	if ratio, known := f.Within[0].Ratio(); !known || ratio != 1 {
		t.Errorf("acknowledged in time: %v (%t), want 1", ratio, known)
	}
	if f.Noise.All != 1 || f.Noise.Counts[AnyNoise] != 0 {
		t.Errorf("noise %+v, want none of one", *f.Noise)
	}
}

func TestAMergedIncidentIsAPartOfTheWhole(t *testing.T) {
	at := func(minutes int) time.Time { return ago(5 * time.Hour).Add(time.Duration(minutes) * time.Minute) }
	of := func(service string, in evidence.Incident) evidence.Incident {
		in.Services = []string{service}
		return in
	}
	low := page("Q0", at(0), at(60))
	low.Urgent = false
	inMaintenance := merged("Q1", "Q0", at(-10), at(5))
	inMaintenance.Maintenance = true
	elsewhere := merged("Q1", "Q0", at(1), at(5))
	elsewhere.Source = "pagerduty/other"
	for name, tc := range map[string]struct {
		records []evidence.Incident
		want    string
	}{
		"earliest start, services joined, urgent": {
			[]evidence.Incident{low, of("payments", merged("Q1", "Q0", at(-10), at(5)))},
			"[Q0 Q1] [checkout payments] -10 60 true false",
		},
		"a chain": {
			[]evidence.Incident{
				page("Q0", at(0), at(60)), merged("Q1", "Q2", at(1), at(5)), of("payments", merged("Q2", "Q0", at(2), at(9))),
			},
			"[Q0 Q1 Q2] [checkout payments] 0 60 true false",
		},
		"the maintenance of a part is not that of the whole": {
			[]evidence.Incident{page("Q0", at(0), at(60)), inMaintenance}, "[Q0 Q1] [checkout] -10 60 true false",
		},
		"far apart": {
			[]evidence.Incident{page("Q0", ago(20*day), at(60)), merged("Q1", "Q0", at(1), at(5))},
			"[Q0 Q1] [checkout] -28500 60 true false",
		},
		"an unknown target": {[]evidence.Incident{merged("Q1", "Q0", at(1), at(5))}, ""},
		"the same id elsewhere": {
			[]evidence.Incident{page("Q0", at(0), at(60)), elsewhere}, "[Q0] [checkout] 0 60 true false",
		},
		"a circle": {
			[]evidence.Incident{merged("Q1", "Q2", at(1), at(5)), merged("Q2", "Q1", at(1), at(5))}, "",
		},
		"into itself": {[]evidence.Incident{merged("Q1", "Q1", at(1), at(5))}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, in := range Link(tc.records) {
				got += fmt.Sprint(shape([]Incident{in})[1:len(shape([]Incident{in}))-1], " ", in.Services, " ",
					int(in.StartedAt.Sub(at(0)).Minutes()), " ", int(in.ResolvedAt.Sub(at(0)).Minutes()), " ", in.Urgent, " ",
					in.Maintenance)
			}
			if got != tc.want {
				t.Errorf("%s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestAMachineAcknowledges(t *testing.T) {
	automation := page("Q1", ago(5*time.Hour), ago(4*time.Hour))
	automation.MachineAcknowledgedAt, automation.AcksKnown = ago(5*time.Hour).Add(2*time.Second), true
	person := page("Q2", ago(3*time.Hour), ago(2*time.Hour))
	person.AcknowledgedAt, person.AcksKnown = ago(3*time.Hour).Add(time.Minute), true
	f := PerService(Link([]evidence.Incident{automation, person}), nil, fleet(), Options{}, noon)["checkout"].Windows[0]
	if ratio, _ := f.Within[0].Ratio(); ratio != 0.5 {
		t.Errorf("acknowledged in time by people: %v, want half", ratio)
	}
	if ratio, known := f.ByMachine.Ratio(); !known || ratio != 0.5 {
		t.Errorf("by machines: %v (%t), want half", ratio, known)
	}
	if f.Acknowledgement.Ended != 1 || f.Acknowledgement.Censored != 1 {
		t.Errorf("acknowledgement %+v", f.Acknowledgement)
	}
}
