package storetest

import (
	"slices"
	"testing"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// exemptions of tickets are replaced whole by each source.
func exemptions(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	say := func(source string, list []evidence.TicketExemption) (store.Changes, error) {
		return s.Commit(t.Context(), source, 0, start(), evidence.Batch{Exemptions: list})
	}
	is := func(want ...evidence.TicketExemption) {
		t.Helper()
		got, err := s.Exemptions(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v, error %v, want %+v", got, err, want)
		}
	}
	of := func(source, id, service, check string) evidence.TicketExemption {
		return evidence.TicketExemption{Source: source, ID: id, Key: "PRR-" + id, Service: service, Check: check,
			Reason: "no support yet", Approved: start(), Expires: start().AddDate(0, 1, 0)}
	}
	one, two := of("jira/one", "1", "cart", "a.x"), of("jira/one", "1", "checkout", "a.x")
	other := of("jira/two", "1", "cart", "a.x")
	for _, c := range []struct {
		source string
		list   []evidence.TicketExemption
		rows   bool
		want   []evidence.TicketExemption
	}{
		{"jira/one", []evidence.TicketExemption{two, one}, true, []evidence.TicketExemption{one, two}},
		{"jira/one", []evidence.TicketExemption{one, two}, false, []evidence.TicketExemption{one, two}},
		{"jira/two", []evidence.TicketExemption{other}, true, []evidence.TicketExemption{one, two, other}},
		{"jira/one", nil, false, []evidence.TicketExemption{one, two, other}},
		{"jira/one", []evidence.TicketExemption{two}, true, []evidence.TicketExemption{two, other}},
		{"jira/one", []evidence.TicketExemption{}, true, []evidence.TicketExemption{other}},
	} {
		changes, err := say(c.source, c.list)
		if err != nil {
			t.Fatal(err)
		}
		// What does not change writes no row.
		if got := changes.Rows > 0; got != c.rows {
			t.Errorf("%d rows are written for %+v", changes.Rows, c.list)
		}
		is(c.want...)
	}
	withoutEnd := one
	withoutEnd.Expires = evidence.TicketExemption{}.Expires
	if _, err := say("jira/one", []evidence.TicketExemption{withoutEnd}); err == nil {
		t.Error("no error for an exemption without an end")
	}
	is(other)
}
