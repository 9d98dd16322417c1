package prometheus_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

func shop() []*catalog.Service { return []*catalog.Service{matched("checkout", "checkout")} }

const errorsHigh = `{alertname="ErrorsHigh", job="checkout", severity="critical"}`

// lookBack is where the first round at noon begins.
const lookBack = -31*24*60 - 1

func TestAlertsAreReadOnceAndThenMinuteByMinute(t *testing.T) {
	p := begin(t, shop())
	p.fires[errorsHigh] = append(span(-3000, -2990), append(span(-40, -30), span(-5, 100)...)...)
	planned := func(minute, requests int) {
		t.Helper()
		plan := p.source.Plan(collectors.Request{Now: atMinute(minute), Cursors: p.cursors})
		if len(plan) != 1 || plan[0].Call != "POST /api/v1/query_range" || plan[0].Requests != strconv.Itoa(requests) {
			t.Errorf("planned %+v, want %d requests", plan, requests)
		}
	}
	planned(0, 31)
	p.mustCollect(0)
	planned(5, 1)
	p.want("ErrorsHigh -3000--2990", "ErrorsHigh -40--30", "ErrorsHigh -5-")
	p.wantSpans(lookBack, -1)
	if p.since["checkout"] != lookBack {
		t.Errorf("looked for since %d", p.since["checkout"])
	}
	if len(p.requests) != 31 {
		t.Errorf("%d requests for 31 days: %v", len(p.requests), p.requests)
	}
	shares := 0.0
	for _, progress := range p.progress {
		if progress.Share < shares || progress.Step == "" {
			t.Errorf("progress %+v after %v", progress, shares)
		}
		shares = progress.Share
	}
	if shares != 1 {
		t.Errorf("progress ends at %v", shares)
	}
	for minute := 5; minute <= 110; minute += 5 {
		p.requests = nil
		p.mustCollect(minute)
		if want := []string{fmt.Sprintf("%d..%d", minute-9, minute-1)}; !slices.Equal(p.requests, want) {
			t.Fatalf("asked %v at minute %d, want %v", p.requests, minute, want)
		}
	}
	p.want("ErrorsHigh -3000--2990", "ErrorsHigh -40--30", "ErrorsHigh -5-100")
	p.wantSpans(lookBack, 109)
	p.requests = nil
	p.mustCollect(110)
	if len(p.requests) != 0 {
		t.Errorf("asked again within the minute: %v", p.requests)
	}
}

func TestAFiringSaysWhatItIs(t *testing.T) {
	p := begin(t, shop(), func(o *prometheus.Options) { o.PagingSeverities = []string{"wake"} })
	p.fires[`{alertname="Wakes", job="checkout", severity="wake"}`] = span(-40, -30)
	p.fires[`{alertname="Budget", job="checkout", sloth_severity="page"}`] = span(-40, -30)
	p.fires[`{alertname="Ticket", job="checkout", severity="critical"}`] = span(-40, -30)
	p.mustCollect(0)
	got := map[string]evidence.AlertFiring{}
	for _, f := range p.firings {
		got[f.Alert] = f
		if !reflect.DeepEqual(f.Services, []string{"checkout"}) {
			t.Errorf("services of %s: %v", f.Alert, f.Services)
		}
	}
	if !got["Wakes"].Paging || !got["Budget"].Paging || got["Ticket"].Paging || got["Ticket"].Severity != "critical" ||
		got["Budget"].Severity != "" {
		t.Errorf("got %+v", got)
	}
}

func TestAnAlertIsItsNameAndItsServices(t *testing.T) {
	slow := func(labels string) string { return `{alertname="Slow", job="checkout"` + labels + `}` }
	for _, c := range []struct {
		why      string
		fires    map[string][]int
		want     []string
		settings func(*prometheus.Options)
	}{
		{why: "its instance changes half-way", want: []string{"Slow -40--20"}, fires: map[string][]int{
			slow(`, instance="10.0.0.1:80"`): span(-40, -30), slow(`, instance="10.0.0.2:80"`): span(-30, -20)}},
		{why: "its pods take turns", want: []string{"Slow -40--10"}, fires: map[string][]int{
			slow(`, pod="a"`): append(span(-40, -35), span(-20, -10)...), slow(`, pod="b"`): span(-36, -18)}},
		{why: "two replicas have it", want: []string{"Slow -40--19"}, fires: map[string][]int{
			slow(`, prometheus_replica="0"`): span(-40, -20), slow(`, prometheus_replica="1"`): span(-39, -19)}},
		{why: "one replica was down for an hour", want: []string{"Slow -100-0"}, fires: map[string][]int{
			slow(`, replica="a"`): append(span(-100, -90), span(-30, 0)...), slow(`, replica="b"`): span(-100, 0)}},
		{why: "it is another one in another cluster", want: []string{"Slow -40--20", "Slow -30--10"},
			fires: map[string][]int{slow(`, cluster="eu"`): span(-40, -20), slow(`, cluster="us"`): span(-30, -10)}},
		{why: "a rule of each severity", want: []string{"Slow -40--20", "Slow -30--10"}, fires: map[string][]int{
			slow(`, severity="warning"`): span(-40, -20), slow(`, severity="critical"`): span(-30, -10)}},
		{why: "the label is configured", want: []string{"Slow -40--20", "Slow -30--10"}, fires: map[string][]int{
			slow(`, handler="/pay"`): span(-40, -20), slow(`, handler="/buy"`): span(-30, -10)},
			settings: func(o *prometheus.Options) { o.AlertLabels = []string{"handler"} }},
		{why: "no label is", want: []string{"Slow -40--10"}, fires: map[string][]int{
			slow(`, cluster="eu"`): span(-40, -20), slow(`, cluster="us"`): span(-30, -10)},
			settings: func(o *prometheus.Options) { o.AlertLabels = []string{} }},
		{why: "relabelling drops the label", want: []string{"Slow -40--10"}, fires: map[string][]int{
			slow(`, cluster="eu-a"`): span(-40, -20), slow(`, cluster="eu-b"`): span(-30, -10)},
			settings: func(o *prometheus.Options) {
				o.Relabel = []prometheus.Relabel{{Regex: "cluster|.*replica", Action: "labeldrop"}}
			}},
	} {
		t.Run(c.why, func(t *testing.T) {
			p := begin(t, shop(), func(o *prometheus.Options) {
				if c.settings != nil {
					c.settings(o)
				}
			})
			p.fires = c.fires
			p.mustCollect(0)
			p.mustCollect(7)
			p.want(c.want...)
		})
	}
}

// TestAnOpenFiringOfAnEarlierVersionGoesOn: its fingerprint was made of all labels.
func TestAnOpenFiringOfAnEarlierVersionGoesOn(t *testing.T) {
	p := begin(t, shop())
	old := evidence.AlertFiring{
		Source: "prometheus/main", Fingerprint: "00ff00ff00ff00ff", Alert: "ErrorsHigh", Severity: "critical",
		Services: []string{"checkout"}, Paging: true, StartedAt: atMinute(-60),
	}
	p.firings[old.Fingerprint+old.StartedAt.String()] = old
	p.cursors["alerts"] = atMinute(-10).Format("2006-01-02T15:04:05Z07:00")
	p.fires[errorsHigh] = span(-60, 20)
	p.mustCollect(0)
	p.mustCollect(10)
	p.want("ErrorsHigh -60-")
	p.mustCollect(30)
	p.want("ErrorsHigh -60-20")
}

// TestACursorInTheFutureSaysNothing: a clock that was ahead would leave alerts unread
// for as long as it was.
func TestACursorInTheFutureSaysNothing(t *testing.T) {
	for _, ahead := range []int{5, 100, 365 * 24 * 60} {
		p := begin(t, shop())
		p.cursors["alerts"] = atMinute(ahead).Format("2006-01-02T15:04:05Z07:00")
		p.fires[errorsHigh] = span(-60, -20)
		p.mustCollect(0)
		p.want("ErrorsHigh -60--20")
	}
}

// TestAnAlertOfNoServiceInTheFutureIsLeftOut: a clock that was ahead would keep it until
// then.
func TestAnAlertOfNoServiceInTheFutureIsLeftOut(t *testing.T) {
	p := begin(t, shop())
	days := atMinute(365*24*60).Unix() / (24 * 60 * 60)
	p.cursors["alerts-of-no-service"] = fmt.Sprintf(`[{"labels":{"service":"z"},"alerts":{"Slow":%d}}]`, days)
	p.mustCollect(0)
	if p.uncounted.Total != 0 || p.cursors["alerts-of-no-service"] != "" {
		t.Errorf("%+v, %s", p.uncounted, p.cursors)
	}
}

func TestShortGapsAreNoEnd(t *testing.T) {
	p := begin(t, shop())
	// Unseen for two minutes, and for three: the first is one firing.
	p.fires[errorsHigh] = append(append(span(-60, -50), span(-48, -40)...), span(-36, -30)...)
	p.mustCollect(0)
	p.want("ErrorsHigh -60--40", "ErrorsHigh -36--30")
}

// TestRestartsLoseAndDoubleNothing compares rounds at odd times, some of which
// are killed, with what one reading of everything must find.
func TestRestartsLoseAndDoubleNothing(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	for seed := range uint64(20) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 1))
			p := begin(t, shop())
			p.mostPoints = 100 + dice.IntN(2000)
			if seed < 3 {
				p.keep()
			}
			var want []string
			const end = 3000
			for i := range 6 {
				alert := fmt.Sprintf("A%d", i)
				var minutes []int
				for m := -2000; m < end; m += 1 + dice.IntN(40) {
					length := 1 + dice.IntN(30)
					minutes = append(minutes, span(m, min(m+length, end))...)
					m += length
				}
				p.fires[fmt.Sprintf(`{alertname=%q, job="checkout"}`, alert)] = minutes
				want = append(want, joined(alert, minutes, end-1)...)
			}
			for minute := 0; minute < end; minute += 1 + dice.IntN(400) {
				left := 1 + dice.IntN(20)
				killed := dice.IntN(3) == 0
				err := p.collect(minute, func(evidence.Batch) error {
					if left--; killed && left == 0 {
						return errors.New("killed")
					}
					return nil
				})
				if err != nil && !killed {
					t.Fatal(err)
				}
			}
			p.mustCollect(end)
			got := p.stored()
			sort.Strings(got)
			sort.Strings(want)
			if !slices.Equal(got, want) {
				t.Errorf("stored\n%v\nwant\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if p.store != nil {
				p.wantKept()
			}
			if len(p.spans) != 1 || minuteOf(p.spans[0].Until) != end-1 {
				t.Errorf("watched %v", p.spans)
			}
		})
	}
}

// joined makes firings of minutes as the documentation says.
func joined(alert string, minutes []int, now int) (words []string) {
	for i := 0; i < len(minutes); {
		first := i
		for i++; i < len(minutes) && minutes[i]-minutes[i-1] <= 3; i++ {
		}
		word := fmt.Sprintf("%s %d-", alert, minutes[first])
		if now-minutes[i-1] > 3 {
			word += strconv.Itoa(minutes[i-1] + 1)
		}
		words = append(words, word)
	}
	return words
}

func TestAnOutageIsAHole(t *testing.T) {
	p := begin(t, shop())
	p.fires[errorsHigh] = span(-90, -10)
	p.away = func(m int) bool { return m >= -60 && m < -30 || m < -10000 }
	p.mustCollect(0)
	p.want("ErrorsHigh -90--60", "ErrorsHigh -30--10")
	p.wantSpans(-10001, -61, -31, -1)

	// A server that does not answer leaves no hole: it is asked again.
	p.broken = true
	if err := p.collect(30, nil); calls(err) != "query range server_error" {
		t.Errorf("a broken server: %v", err)
	}
	p.broken = false
	p.mustCollect(60)
	p.wantSpans(-10001, -61, -31, 59)
}

func TestLateSamplesAreWaitedFor(t *testing.T) {
	p := begin(t, shop())
	p.fires[errorsHigh] = span(5, 15)
	p.mustCollect(0)
	// What remote storage has not got yet looks like an outage.
	p.away = func(m int) bool { return m > 2 }
	p.mustCollect(20)
	p.want()
	p.wantSpans(lookBack, 2)
	p.away = func(int) bool { return false }
	p.mustCollect(25)
	p.want("ErrorsHigh 5-15")
	p.wantSpans(lookBack, 24)
	// What has not come within the hour is a hole.
	p.away = func(m int) bool { return m > 30 && m < 150 }
	p.mustCollect(100)
	p.mustCollect(200)
	p.wantSpans(lookBack, 30, 149, 199)
}

func TestAServerThatScrapesNothing(t *testing.T) {
	p := begin(t, shop())
	p.away = func(int) bool { return true }
	p.mustCollect(0)
	p.wantSpans()
	p.requests = nil
	p.mustCollect(5)
	if len(p.requests) != 1 {
		t.Errorf("asked %v", p.requests)
	}
	p.wantSpans()
}

func TestAPieceThatIsTooMuchIsHalved(t *testing.T) {
	p := begin(t, shop())
	p.mostPoints = 500
	p.fires[errorsHigh] = append(span(-4000, -2500), span(-40, -30)...)
	p.mustCollect(0)
	p.want("ErrorsHigh -4000--2500", "ErrorsHigh -40--30")
	p.wantSpans(lookBack, -1)
	if n := len(p.requests); n > 31*4+2 {
		t.Errorf("%d requests", n)
	}
	// There is an end to it.
	q := begin(t, shop())
	q.mostPoints = 3
	if err := q.collect(0, nil); calls(err) != "query range rejected" {
		t.Errorf("a server that refuses everything: %v", err)
	}
	if n := len(q.requests); n > 8 {
		t.Errorf("asked %d times: %v", n, q.requests)
	}
}

func TestAfterALongAbsence(t *testing.T) {
	p := begin(t, shop())
	p.fires[errorsHigh] = span(-10, 60*24*60)
	p.mustCollect(0)
	p.mustCollect(50 * 24 * 60)
	p.wantSpans(lookBack, -1, 50*24*60+lookBack, 50*24*60-1)
	if got := p.stored(); len(got) != 2 {
		t.Errorf("stored %q: what fired before the absence has ended as far as is known", got)
	}
}

func TestANewServiceIsLookedForFromThenOn(t *testing.T) {
	p := begin(t, shop())
	p.mustCollect(0)
	p.services = append(p.services, matched("cart", "cart"))
	p.mustCollect(10)
	if p.since["cart"] != -1 || p.since["checkout"] != lookBack {
		t.Errorf("looked for since %v", p.since)
	}
}
