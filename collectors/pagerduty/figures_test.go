package pagerduty_test

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/internal/sourcetest"
)

const (
	// mostGrowth bounds how much more memory 100,000 incidents may take than
	// 20,000 of which as many are of the last 90 days.
	mostGrowth = 1.5
	// mostHeld bounds what they take, in bytes: the newest 4,000 and a chunk.
	mostHeld = 8e6
	// recent is how many those are.
	recent = 4000
)

// fleet is an account with n incidents over two years, of which recent are of
// the last 90 days, and services of which one in a hundred is asked for.
func fleet(n int) (pagerdutytest.Account, []*catalog.Service) {
	var account pagerdutytest.Account
	var services []*catalog.Service
	for i := range 100 {
		id := fmt.Sprintf("P%d", i)
		account.Services = append(account.Services, pagerdutytest.Service{ID: id})
		services = append(services, refers("service-"+id, id))
	}
	account.Incidents = make([]pagerdutytest.Incident, n)
	first := []string{"U1"}
	for i := range account.Incidents {
		age := time.Duration(i) * (89 * day / recent)
		if i >= recent {
			age = 90*day + time.Duration(i-recent)*(665*day/time.Duration(n-recent))
		}
		created := noon.Add(-time.Hour - age).Truncate(time.Second)
		account.Incidents[i] = pagerdutytest.Incident{
			ID: fmt.Sprintf("Q%06d", i), Title: fmt.Sprintf("Disk of host-%d full", i%50), Service: account.Services[i%100].ID,
			Channel:   "api",
			CreatedAt: created, AssignedTo: first, AcknowledgedAt: created.Add(time.Minute),
			ResolvedAt: created.Add(time.Hour), ResolvedBy: "user_reference", ResolvedByID: "U1",
		}
	}
	return account, services
}

// peak makes a first sync of n incidents, round after round, and returns the
// most live memory that it took beyond what there was before, in bytes.
func peak(tb testing.TB, n int) uint64 {
	tb.Helper()
	account, services := fleet(n)
	now := noon
	fake := pagerdutytest.New(pagerdutytest.Options{Account: account, Now: func() time.Time { return now }, Token: "t"})
	server := httptest.NewServer(fake)
	defer server.Close()
	client, err := transport.New(transport.Config{
		Source: "pagerduty/main", RatePerMinute: transport.Unlimited,
		HTTP: config.HTTPClientConfig{Authorization: &config.Authorization{Type: "Token", Credentials: "token=t"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	defer client.CloseIdleConnections()
	source, err := pagerduty.New(pagerduty.Options{
		Name: "main", OnlyAccount: true, HTTPClient: client, Endpoint: server.URL,
	})
	if err != nil {
		tb.Fatal(err)
	}
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	most, batches, stored := before, 0, 0
	cursors := map[string]string{}
	for range 100 {
		err := source.Collect(tb.Context(), collectors.Request{
			Services: services, Now: now, Cursors: maps.Clone(cursors),
			// The store is not this test's: it keeps what it is given elsewhere.
			Incidents: func(context.Context, evidence.IncidentSpan, func(evidence.Incident) error) error { return nil },
			Person:    func(id string) string { return "hash of " + id },
		}, func(b evidence.Batch) error {
			maps.Copy(cursors, b.Cursors)
			stored += len(b.Incidents)
			if batches++; batches%10 == 0 {
				fake.Forget()
				most = max(most, live())
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
		if stored >= n {
			return most - before
		}
		now = now.Add(5 * time.Minute)
	}
	tb.Fatalf("%d of %d incidents after 100 rounds", stored, n)
	return 0
}

func TestMemoryIsBoundedByPagesAndNotByHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("long histories take their time")
	}
	race.Skip(t, "one goroutine reads a long history")
	// The benchmark does the same with 20,000 and 100,000.
	few, many := peak(t, 8000), peak(t, 32000)
	t.Logf("at most %.1f MB with 8,000 incidents, %.1f MB with 32,000", float64(few)/1e6, float64(many)/1e6)
	if float64(many) > mostGrowth*float64(few) || many > mostHeld {
		t.Errorf("32,000 incidents take %d bytes at most, 8,000 take %d", many, few)
	}
}

// BenchmarkSteadyRound measures a round with 20 changed incidents, and prints
// what rounds ask and what a first sync holds.
func BenchmarkSteadyRound(b *testing.B) {
	few, many := peak(b, 20000), peak(b, 100000)
	sourcetest.Figure("pagerduty_memory_100000", float64(many)/1e6, "MB", mostHeld/1e6)
	sourcetest.Figure("pagerduty_memory_growth", float64(many)/float64(few), "x", mostGrowth)

	account, services := large()
	w := start(b, account, services, history(twoYears))
	w.keep()
	if r := w.collect(); r.err != nil {
		b.Fatal(r.err)
	}
	log := w.fake.Count("GET /log_entries")
	sourcetest.Figure("pagerduty_first_round", float64(len(w.fake.Requests())-log), "requests", 90)
	sourcetest.Figure("pagerduty_first_log", float64(log), "requests", float64(pages(5*5000)+20))
	w.later(day)
	w.fake.Forget()
	if r := w.collect(); r.err != nil {
		b.Fatal(r.err)
	}
	sourcetest.Figure("pagerduty_full_round", float64(len(w.fake.Requests())), "requests", 90)
	steady := 0
	for n := 0; b.Loop(); n++ {
		for i := range 20 {
			account.Incidents = append(account.Incidents, pagerdutytest.Incident{
				ID: fmt.Sprintf("QNEW%d.%d", n, i), Title: "Disk full", Service: "P7", Channel: "api", AssignedTo: []string{"U1"},
				CreatedAt: w.now.Add(time.Duration(i) * time.Second), AcknowledgedAt: w.now.Add(2 * time.Minute),
				Notifications: []pagerdutytest.Notification{{At: w.now.Add(time.Minute), User: "U1"}},
				ResolvedAt:    w.now.Add(4 * time.Minute), ResolvedBy: "user_reference", ResolvedByID: "U1",
			})
		}
		w.fake.SetAccount(account)
		w.later(5 * time.Minute)
		w.fake.Forget()
		if r := w.collect(); r.err != nil {
			b.Fatal(r.err)
		}
		// Once an hour on-calls and set-up are listed again: such a round is no
		// steady one, and has a figure of its own.
		if w.fake.Count("GET /oncalls") == 0 {
			steady = max(steady, len(w.fake.Requests()))
		}
	}
	w.later(time.Hour)
	w.fake.Forget()
	if r := w.collect(); r.err != nil {
		b.Fatal(r.err)
	}
	sourcetest.Figure("pagerduty_hourly_round", float64(len(w.fake.Requests())), "requests", 45)
	sourcetest.Figure("pagerduty_steady_round", float64(steady), "requests", 10)
}
