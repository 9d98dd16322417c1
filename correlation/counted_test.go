package correlation

import (
	"reflect"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

// TestWhatIsCountedIsTheIncident: each field that figures read is as it was.
func TestWhatIsCountedIsTheIncident(t *testing.T) {
	full := Incident{
		Services: []string{"a", "b"}, StartedAt: noon, AcknowledgedAt: noon.Add(time.Minute),
		MachineAcknowledgedAt: noon.Add(time.Second), ResolvedAt: noon.Add(time.Hour + 1), AcksKnown: true,
		Resolver: evidence.ResolverTimeout, Urgent: true, Severity: 3, Notes: 1,
		HasTicket: evidence.Yes, FalseAlarm: evidence.No,
		Interruptions: evidence.Interruptions{Known: true, Business: 1, Off: 2, Sleep: 3}, Paging: 2, Flapping: true,
	}
	for _, want := range []Incident{
		full, {Services: []string{}, StartedAt: noon, EndUnknown: true, Maintenance: true}, {Services: []string{"a"}},
	} {
		m := NewMeter()
		m.Change(nil, []*Incident{&want})
		if got := m.incident(m.incidents.at(1)); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}
