package prometheus_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// wantStrays compares the alerts of no service with `name count`, the largest first.
func (p *past) wantStrays(total int, largest ...string) {
	p.t.Helper()
	var got []string
	for _, g := range p.uncounted.Largest {
		got = append(got, fmt.Sprintf("%s %d %s", g.Name, g.Count, g.Reason))
	}
	if u := p.uncounted; u.Kind != evidence.UncountedAlert || u.Total != total || !slices.Equal(got, largest) {
		p.t.Errorf("%s: %d, %q, want %d, %q", u.Kind, u.Total, got, total, largest)
	}
}

// TestAlertsOfNoServiceAreCounted for as long as figures look back, although a round reads
// some minutes alone, and by a process that was started since.
func TestAlertsOfNoServiceAreCounted(t *testing.T) {
	p := begin(t, shop())
	const slow, errors, disk = `service="chekout" 2 unknown_service`, `service="chekout" 1 unknown_service`,
		`alertname="DiskFull" 1 no_reference`
	p.fires[`{alertname="Slow", service="chekout", instance="a"}`] = span(-50, -40)
	p.fires[`{alertname="Slow", service="chekout", instance="b"}`] = span(-50, -30)
	p.fires[`{alertname="Errors", service="chekout"}`] = span(1440, 1500)
	p.fires[`{alertname="DiskFull", instance="node-1"}`] = span(-50, -40)
	p.fires[errorsHigh] = span(-50, -40)
	p.mustCollect(0)
	p.wantStrays(2, `alertname="DiskFull" 1 no_reference`, errors)
	p.want("ErrorsHigh -50--40")
	p.mustCollect(30)
	p.wantStrays(2, disk, errors)
	p.mustCollect(1500)
	p.wantStrays(3, slow, disk)
	cursors := p.cursors
	p = begin(t, shop())
	p.cursors = cursors
	p.mustCollect(1501)
	p.wantStrays(3, slow, disk)
	p.mustCollect(32 * 24 * 60)
	p.wantStrays(1, errors)
	p.mustCollect(34 * 24 * 60)
	p.wantStrays(0)
}

// TestAlertsOfNoServiceAreThoseOfTheCatalogOfNow: what belongs to a service by now is
// counted with it.
func TestAlertsOfNoServiceAreThoseOfTheCatalogOfNow(t *testing.T) {
	p := begin(t, shop())
	p.fires[`{alertname="Slow", service="chekout"}`] = span(-50, -40)
	p.mustCollect(0)
	p.wantStrays(1, `service="chekout" 1 unknown_service`)
	p.services[0].Aliases = []string{"chekout"}
	p.mustCollect(5)
	p.wantStrays(0)
}

// TestAPodOfNoServiceIsNamedByItsWorkload: every restart gives it another name.
func TestAPodOfNoServiceIsNamedByItsWorkload(t *testing.T) {
	p := begin(t, []*catalog.Service{runsAs("cart", "shop", "cart")})
	for i := range 5 {
		pod := fmt.Sprintf(`search-indexer-7d9f8c-%d`, i)
		p.fires[`{alertname="Crash", namespace="shop", job="kube-state-metrics", pod="`+pod+`"}`] = span(-50, -40)
	}
	p.fires[`{alertname="Crash", namespace="shop", pod="db-0"}`] = span(-50, -40)
	p.fires[`{alertname="Crash", namespace="system", pod="dns-1"}`] = span(-50, -40)
	p.fires[`{alertname="Crash", namespace="shop", pod="cart-7d9f8c-1"}`] = span(-50, -40)
	p.mustCollect(0)
	p.wantStrays(3, `job="kube-state-metrics", namespace="shop", pod="search-indexer" 1 unknown_service`,
		`namespace="shop", pod="db" 1 unknown_service`, `namespace="system" 1 unknown_service`)
	p.want("Crash -50--40")
}

// TestAlertsOfNoServiceAreBounded: those that fired last are kept.
func TestAlertsOfNoServiceAreBounded(t *testing.T) {
	p := begin(t, shop())
	for i := range 600 {
		p.fires[fmt.Sprintf(`{alertname="Slow", service="s-%03d"}`, i)] = span(-2000, -1990)
	}
	p.fires[`{alertname="Slow", service="z"}`] = span(-50, -40)
	p.mustCollect(0)
	if u := p.uncounted; u.Total != 500 || !strings.Contains(p.cursors["alerts-of-no-service"], `"service":"z"`) {
		t.Errorf("%d are counted: %s", u.Total, p.cursors)
	}
}

// TestAnAlertOfNoServiceMayBeOfOne that has a name like it: its figures may lack it.
func TestAnAlertOfNoServiceMayBeOfOne(t *testing.T) {
	p := begin(t, []*catalog.Service{matched("checkout", "checkout"), matched("cart", "cart")})
	want := func(services ...string) {
		t.Helper()
		got := slices.Sorted(maps.Keys(p.doubts))
		if !slices.Equal(got, services) || p.doubts == nil {
			t.Errorf("doubts %v, want %v", p.doubts, services)
		}
	}
	p.mustCollect(0)
	want()
	p.fires[`{alertname="Slow", service="Checkout-api"}`] = span(5, 10)
	p.fires[`{alertname="Slow", service="search"}`] = span(5, 10)
	p.fires[`{alertname="Watchdog"}`] = span(5, 10)
	p.mustCollect(20)
	want("checkout")
	if newest := p.doubts["checkout"]; newest.Before(atMinute(9)) || newest.After(atMinute(10).Add(day)) {
		t.Errorf("the newest at %s", newest)
	}
	p.mustCollect(30)
	want("checkout")
	p.mustCollect(33 * 24 * 60)
	want()
}

// TestAnAlertWithASlipMayBeOfTheServiceThatIsMeant: its figures may lack the alert. A name
// that the catalog has is no slip, and neither is another number.
func TestAnAlertWithASlipMayBeOfTheServiceThatIsMeant(t *testing.T) {
	p := begin(t, []*catalog.Service{matched("checkout", "checkout"), matched("payments-api", "payments-api"),
		{Name: "payment-api"}, matched("worker-1", "worker-1")})
	p.fires[`{alertname="Slow", service="chekout"}`] = span(-50, -40)
	p.fires[`{alertname="Slow", service="payment-api"}`] = span(-50, -40)
	p.fires[`{alertname="Slow", service="worker-2"}`] = span(-50, -40)
	p.mustCollect(0)
	p.wantStrays(3, `service="chekout" 1 unknown_service`, `service="payment-api" 1 unknown_service`,
		`service="worker-2" 1 unknown_service`)
	if got := slices.Sorted(maps.Keys(p.doubts)); !slices.Equal(got, []string{"checkout"}) {
		t.Errorf("doubts %v, want checkout alone", got)
	}
}
