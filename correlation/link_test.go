package correlation

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/evidence"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// page is an incident as PagerDuty tells it, ticket one as Jira does.
func page(id string, started, resolved time.Time, links ...string) evidence.Incident {
	in := evidence.Incident{
		Source: "pagerduty/main", ID: id, Services: []string{"checkout"}, StartedAt: started, ResolvedAt: resolved,
		Urgent: true,
		Links:  append([]string{"https://acme.pagerduty.com/incidents/" + id}, links...),
	}
	if !resolved.IsZero() {
		in.Resolver = evidence.ResolverPerson
	}
	return in
}

func ticket(key string, started, resolved time.Time, links ...string) evidence.Incident {
	in := page(key, started, resolved)
	in.Source, in.Urgent = "jira/main", false
	in.Links = append([]string{key, "https://acme.atlassian.net/browse/" + key}, links...)
	return in
}

// shape is which records were joined.
func shape(incidents []Incident) string {
	var out [][]string
	for _, in := range incidents {
		var ids []string
		for _, r := range in.Records {
			ids = append(ids, r.ID)
		}
		out = append(out, ids)
	}
	return fmt.Sprint(out)
}

func TestWhatIsOneIncident(t *testing.T) {
	at, end := ago(3*time.Hour), ago(time.Hour)
	elsewhere := ticket("SHOP-1", at, end)
	elsewhere.Source = "jira/other"
	elsewhere.Links = []string{"https://other.example.com/jira/browse/SHOP-1"}
	gone := page("Q1", at, end, "SHOP-1")
	gone.Gone = true
	older, newer := page("Q1", at, time.Time{}), page("Q1", at, end, "SHOP-1")
	older.UpdatedAt, newer.UpdatedAt = at, end
	for name, c := range map[string]struct {
		records []evidence.Incident
		want    string
	}{
		"nothing": {nil, "[]"},
		"a page that names a ticket's key": {
			[]evidence.Incident{page("Q1", at, end, "SHOP-1"), ticket("SHOP-1", at, end)}, "[[SHOP-1 Q1]]"},
		"a page that names a ticket's address": {
			[]evidence.Incident{
				page("Q1", at, end, "https://ACME.atlassian.net/browse/SHOP-1/?focus=1"), ticket("SHOP-1", at, end),
			}, "[[SHOP-1 Q1]]"},
		"a ticket that names a page": {
			[]evidence.Incident{
				page("Q1", at, end), ticket("SHOP-1", at, end, "https://acme.pagerduty.com/incidents/Q1"),
			}, "[[SHOP-1 Q1]]"},
		"one page and two tickets": {
			[]evidence.Incident{
				page("Q1", at, end, "SHOP-1", "SHOP-2"), ticket("SHOP-1", at, end), ticket("SHOP-2", at, end),
			}, "[[SHOP-1 SHOP-2 Q1]]"},
		"two pages about one ticket": {
			[]evidence.Incident{
				page("Q1", at, end, "SHOP-1"), page("Q2", at, end, "SHOP-1"), ticket("SHOP-1", at, end),
			}, "[[SHOP-1 Q1 Q2]]"},
		"a ticket that nobody lists joins nothing": {
			[]evidence.Incident{page("Q1", at, end, "SHOP-9"), page("Q2", at, end, "SHOP-9")}, "[[Q1] [Q2]]"},
		"a third thing joins nothing": {
			[]evidence.Incident{
				page("Q1", at, end, "https://status.example.com/1"), ticket("SHOP-1", at, end, "https://status.example.com/1"),
			}, "[[SHOP-1] [Q1]]"},
		"an empty address": {
			[]evidence.Incident{
				page("Q1", at, end, "https://", "", "://", "https:///"), ticket("SHOP-1", at, end, "", "https://"),
			}, "[[SHOP-1] [Q1]]"},
		"a key is not part of another": {
			[]evidence.Incident{page("Q1", at, end, "SHOP-1"), ticket("SHOP-12", at, end)}, "[[SHOP-12] [Q1]]"},
		"tickets that name each other": {
			[]evidence.Incident{ticket("SHOP-1", at, end, "SHOP-2"), ticket("SHOP-2", at, end)}, "[[SHOP-1] [SHOP-2]]"},
		"a ticket that stays open for ever": {
			[]evidence.Incident{
				page("Q1", at, end, "SHOP-1"), ticket("SHOP-1", at.Add(-8*24*time.Hour), time.Time{}),
			}, "[[SHOP-1] [Q1]]"},
		"a key that two sites have": {
			[]evidence.Incident{
				page("Q1", at, end, "SHOP-1"), ticket("SHOP-1", at, end), elsewhere,
			}, "[[SHOP-1] [SHOP-1] [Q1]]"},
		"an address tells them apart": {
			[]evidence.Incident{
				page("Q1", at, end, "https://Other.example.com/jira/browse/SHOP-1"), ticket("SHOP-1", at, end), elsewhere,
			}, "[[SHOP-1] [SHOP-1 Q1]]"},
		"what is gone is left out": {
			[]evidence.Incident{gone, ticket("SHOP-1", at, end)}, "[[SHOP-1]]"},
		"the newer version counts": {
			[]evidence.Incident{newer, ticket("SHOP-1", at, end), older}, "[[SHOP-1 Q1]]"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				if got := shape(Link(c.records)); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				slices.Reverse(c.records)
			}
		})
	}
}

func TestWhatIsKnownOfTheWhole(t *testing.T) {
	opened, paged := ago(5*time.Hour), ago(4*time.Hour)
	acked, ended, closed := ago(3*time.Hour+50*time.Minute), ago(2*time.Hour), ago(time.Hour)
	p, j := page("Q1", paged, ended, "SHOP-1"), ticket("SHOP-1", opened, closed)
	p.AcksKnown, p.AcknowledgedAt, p.Severity, p.Template = true, acked, 3, "disk full"
	j.AcksKnown, j.AcknowledgedAt, j.Severity, j.Services = true, closed, 1, []string{"payments", "checkout"}

	with := func(p, j evidence.Incident, change func(p, j *evidence.Incident)) []evidence.Incident {
		change(&p, &j)
		return []evidence.Incident{p, j}
	}
	for name, c := range map[string]struct {
		records  []evidence.Incident
		resolved time.Time
		by       evidence.Resolver
		ack      time.Time
		known    bool
	}{
		"PagerDuty's times win": {[]evidence.Incident{p, j}, ended, evidence.ResolverPerson, acked, true},
		"what it does not know, the ticket does": {
			with(p, j, func(p, _ *evidence.Incident) { p.ResolvedAt, p.Resolver, p.AcksKnown = time.Time{}, "", false }),
			closed, evidence.ResolverPerson, closed, true},
		"a page that nobody acknowledged": {
			with(
				p, j, func(p, _ *evidence.Incident) { p.AcknowledgedAt = time.Time{} },
			), ended, evidence.ResolverPerson, time.Time{}, true},
		"an open ticket does not reopen a page": {
			with(
				p, j, func(_, j *evidence.Incident) { j.ResolvedAt, j.Resolver = time.Time{}, "" },
			), ended, evidence.ResolverPerson, acked, true},
		"a time-out is not a resolution": {
			with(
				p, j, func(p, _ *evidence.Incident) { p.Resolver = evidence.ResolverTimeout },
			), closed, evidence.ResolverPerson, acked, true},
		"a time-out is better than nothing": {
			with(p, j, func(p, j *evidence.Incident) { p.Resolver, j.ResolvedAt = evidence.ResolverTimeout, time.Time{} }),
			ended, evidence.ResolverTimeout, acked, true},
		"an end that PagerDuty does not know, the ticket does": {
			with(p, j, func(p, _ *evidence.Incident) { p.ResolvedAt, p.Resolver, p.EndUnknown = time.Time{}, "", true }),
			closed, evidence.ResolverPerson, acked, true},
		"both are open": {
			with(p, j, func(p, j *evidence.Incident) { p.ResolvedAt, p.Resolver, j.ResolvedAt = time.Time{}, "", time.Time{} }),
			time.Time{}, "", acked, true},
		"two pages end with the last": {
			append(with(p, j, func(*evidence.Incident, *evidence.Incident) {}), page("Q2", paged, closed, "SHOP-1")),
			closed, evidence.ResolverPerson, closed, true}, // Q2's acknowledgements are not known
		"a page that was resolved counts, not one that timed out": {
			append(
				with(p, j, func(p, _ *evidence.Incident) { p.Resolver, p.ResolvedAt = evidence.ResolverTimeout, closed }),
				page("Q2", paged, ended, "SHOP-1"),
			),
			ended, evidence.ResolverPerson, closed, true},
		"in whatever order": {
			append(with(p, j, func(*evidence.Incident, *evidence.Incident) {}), func() evidence.Incident {
				late := page("Q2", paged, closed, "SHOP-1")
				late.Resolver = evidence.ResolverTimeout
				return late
			}()),
			ended, evidence.ResolverPerson, closed, true},
		"a page is open still": {
			append(
				with(p, j, func(_, j *evidence.Incident) { j.ResolvedAt = time.Time{} }), page("Q2", paged, time.Time{}, "SHOP-1"),
			),
			time.Time{}, "", closed, true},
	} {
		t.Run(name, func(t *testing.T) {
			list := Link(c.records)
			if len(list) != 1 {
				t.Fatalf("%d incidents: %s", len(list), shape(list))
			}
			in := list[0]
			if !in.ResolvedAt.Equal(c.resolved) || in.Resolver != c.by {
				t.Errorf("resolved %s by %q, want %s by %q", in.ResolvedAt, in.Resolver, c.resolved, c.by)
			}
			if !in.AcknowledgedAt.Equal(c.ack) || in.AcksKnown != c.known {
				t.Errorf("acknowledged %s (%v), want %s (%v)", in.AcknowledgedAt, in.AcksKnown, c.ack, c.known)
			}
			if !in.StartedAt.Equal(opened) || in.Severity != 1 || !in.Urgent || in.Template != "disk full" ||
				!slices.Equal(in.Services, []string{"checkout", "payments"}) {
				t.Errorf("the whole is %+v", in)
			}
		})
	}
}

// Whether somebody was paged is for the pager to say, where there is one.
func TestWhoSaysThatAnIncidentIsUrgent(t *testing.T) {
	began := ago(10 * time.Hour)
	for name, c := range map[string]struct {
		pages  []bool
		ticket bool
		want   bool
	}{
		"a page, and a ticket that is not": {[]bool{true}, false, true},
		"a grave ticket that paged nobody": {[]bool{false}, true, false},
		"one of two pages":                 {[]bool{false, true}, false, true},
		"a ticket alone":                   {nil, true, true},
		"a ticket alone that is not":       {nil, false, false},
	} {
		whole := ticket("SHOP-1", began, time.Time{})
		whole.Urgent = c.ticket
		records := []evidence.Incident{whole}
		for n, urgent := range c.pages {
			p := page(fmt.Sprintf("Q%d", n), began, time.Time{}, "SHOP-1")
			p.Urgent = urgent
			records = append(records, p)
		}
		if list := Link(records); len(list) != 1 || list[0].Urgent != c.want {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

func TestFlapping(t *testing.T) {
	minute := func(m int) time.Time { return ago(10 * time.Hour).Add(time.Duration(m) * time.Minute) }
	of := func(id string, start, end int, template string) evidence.Incident {
		in := page(id, minute(start), minute(end))
		in.Template = template
		return in
	}
	other := of("other-service", 22, 23, "disk full")
	other.Services = []string{"payments"}
	timeout := of("timeout", 400, 410, "queue")
	timeout.Resolver = evidence.ResolverTimeout
	records := []evidence.Incident{
		of("first", 0, 10, "disk full"),
		of("again", 20, 25, "disk full"),
		other,
		of("other-title", 26, 30, "cpu"),
		of("after-half-an-hour", 55, 60, "disk full"),
		of("long", 100, 200, "cpu"),
		of("during", 120, 130, "cpu"),
		of("after-the-one-during", 140, 150, "cpu"),
		of("later", 300, 310, "disk full"),
		of("later-still", 341, 345, "disk full"),
		timeout,
		of("after-a-time-out", 415, 420, "queue"),
		of("no-title", 500, 501, ""),
		of("no-title-either", 502, 503, ""),
	}
	var got []string
	for _, in := range Link(records) {
		if in.Flapping {
			got = append(got, in.Records[0].ID)
		}
	}
	want := []string{"again", "after-half-an-hour", "after-the-one-during"}
	if !slices.Equal(got, want) {
		t.Errorf("flapping: %v, want %v", got, want)
	}
}

// TestLinkingKeepsEverythingOnce: whatever names whatever, in any order, each
// record is in exactly one incident.
func TestLinkingKeepsEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sources := []string{"pagerduty/main", "jira/main", "jira/other"}
		ids := []string{"A-1", "A-2", "A-3", "A-4", "A-5"}
		var records []evidence.Incident
		for _, source := range sources {
			for _, id := range rapid.SliceOfDistinct(rapid.SampledFrom(ids), rapid.ID).Draw(t, source) {
				in := page(id, ago(time.Duration(rapid.IntRange(0, 400).Draw(t, "age"))*time.Hour), time.Time{})
				in.Source = source
				in.Links = rapid.SliceOfN(
					rapid.SampledFrom(append(ids, "https://x.example.com/A-1", "https://y.example.com/b/A-1")), 0, 3,
				).Draw(t, "links")
				records = append(records, in)
			}
		}
		incidents := Link(records)
		seen := map[Reference]bool{}
		for _, in := range incidents {
			for _, r := range in.Records {
				if seen[r] {
					t.Fatalf("%v is in two incidents", r)
				}
				seen[r] = true
			}
		}
		if len(seen) != len(records) {
			t.Fatalf("%d of %d records are in an incident", len(seen), len(records))
		}
		if again := Link(rapid.Permutation(records).Draw(t, "shuffled")); !reflect.DeepEqual(incidents, again) {
			t.Fatalf("in another order: %s, was %s", shape(again), shape(incidents))
		}
	})
}

// A ticket is named by its key, and identified by an id that no other source knows.
func TestATicketIsLinkedByItsKey(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	ticket := evidence.Incident{Source: "jira/main", ID: "10017", Key: "SHOP-12", StartedAt: at,
		Links: []string{"SHOP-12", "https://jira.example.com/browse/SHOP-12"}}
	for _, link := range []string{"SHOP-12", "https://jira.example.com/browse/SHOP-12"} {
		page := evidence.Incident{Source: "pagerduty/main", ID: "Q1", StartedAt: at, Links: []string{link}}
		if got := Link([]evidence.Incident{ticket, page}); len(got) != 1 {
			t.Errorf("%s: %d incidents, want 1", link, len(got))
		}
	}
}

// A page that names a ticket by a key that it had before, alone or in an address, is of
// the same incident; two sites with one former key are not confused.
func TestFormerKeysAreNames(t *testing.T) {
	at, end := ago(3*time.Hour), ago(time.Hour)
	moved := ticket("OPS-3", at, end)
	moved.ID, moved.Key, moved.FormerKeys = "10412", "OPS-3", []string{"INC-1", "INC-7"}
	other := moved
	other.Source, other.ID, other.Key = "jira/other", "10413", "ELSE-3"
	other.Links = []string{"https://other.example.com/browse/ELSE-3"}
	for link, want := range map[string]string{
		"INC-7": "[[10412 Q1]]", "https://acme.atlassian.net/browse/INC-7?focus=1": "[[10412 Q1]]",
		"https://acme.atlassian.net/browse/OPS-3": "[[10412 Q1]]", "INC-8": "[[10412] [Q1]]",
	} {
		if got := shape(Link([]evidence.Incident{page("Q1", at, end, link), moved})); got != want {
			t.Errorf("%s: %s, want %s", link, got, want)
		}
	}
	for link, want := range map[string]string{
		"INC-7": "[[10412] [10413] [Q1]]", "https://acme.atlassian.net/browse/INC-7": "[[10412 Q1] [10413]]",
		"https://other.example.com/browse/INC-1": "[[10412] [10413 Q1]]",
	} {
		if got := shape(Link([]evidence.Incident{page("Q1", at, end, link), moved, other})); got != want {
			t.Errorf("two sites, %s: %s, want %s", link, got, want)
		}
	}
}
