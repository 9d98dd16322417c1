package correlation

import (
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

// TestListing: each time comes from the record that says it, and what no figure counts is
// there or counted.
func TestListing(t *testing.T) {
	q := page("Q1", ago(day), ago(day-time.Hour), "SHOP-1")
	q.AcksKnown, q.AcknowledgedAt, q.Resolver = true, ago(day-time.Minute), evidence.ResolverPerson
	shop := ticket("SHOP-1", ago(day+time.Hour), ago(day-5*time.Hour))
	part := page("Q0", ago(day), ago(day-time.Minute))
	part.MergedInto = "Q1"
	lost := page("Q3", ago(day), ago(day-time.Minute))
	lost.MergedInto = "QGONE"
	planned := page("Q4", ago(2*day), ago(2*day-time.Hour))
	planned.Maintenance, planned.Template = true, "disk"
	old, other := page("Q5", ago(40*day), ago(40*day-time.Hour)), page("Q6", ago(day), ago(day-time.Hour))
	other.Services = []string{"elsewhere"}
	again := page("Q7", ago(3*day), ago(3*day-time.Hour))
	again.Template, q.Template = "disk", "disk"
	links := NewLinks()
	links.Update([]evidence.Incident{q, shop, part, lost, planned, old, other, again}, time.Time{})
	list, leftOut := links.Listing(fleet(), DefaultWindow, noon)
	var names []string
	for _, l := range list {
		names = append(names, l.Records[len(l.Records)-1].ID)
	}
	if len(list) != 3 || leftOut != 1 {
		t.Fatalf("%v, %d left out", names, leftOut)
	}
	one := list[0]
	if len(one.Records) != 3 || list[1].Incident.Records[0].ID != "Q4" {
		t.Errorf("%v: the first has %d records", names, len(one.Records))
	}
	for what, m := range map[string]Moment{
		"SHOP-1": one.Started(), "Q1 acknowledged": one.Acknowledged(), "Q1 ended": one.Ended(),
	} {
		if m.Record == nil || m.Record.Name() != what[:len(m.Record.Name())] || m.At.IsZero() {
			t.Errorf("%s: %+v", what, m)
		}
	}
	if m := list[1].Acknowledged(); m.Record != nil || !m.At.IsZero() {
		t.Errorf("nobody acknowledged it: %+v", m)
	}
	for _, in := range one.Records {
		want := map[string]string{
			"Q1": "https://acme.pagerduty.com/incidents/Q1", "Q0": "https://acme.pagerduty.com/incidents/Q0",
			"SHOP-1": "https://acme.atlassian.net/browse/SHOP-1",
		}[in.Name()]
		if got := Address(in); got != want {
			t.Errorf("the address of %s is %q, want %q", in.Name(), got, want)
		}
	}
	if got := Repeated(list); len(got) != 1 || got[0] != (Template{Title: "disk", Incidents: 2, Pages: 2}) {
		t.Errorf("repeated %+v", got)
	}
}
