package pagerduty_test

import (
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// A reference to a service that the account does not have is named, with the service
// that was meant, in one listing however many references there are.
func TestVerifyLooksServicesUp(t *testing.T) {
	account, _ := shop()
	refers := func(name, id string) *catalog.Service {
		return &catalog.Service{Name: name, PagerDuty: []catalog.PagerDutyRef{{ServiceID: id}}}
	}
	w := start(t, account, []*catalog.Service{
		refers("checkout", "PGOOD"), refers("till", "https://shop.pagerduty.com/service-directory/PGOOD"),
		refers("reports", "P0000ZZ"), refers("cart", "PGOOX"), refers("nothing", "QQQQQQQ"),
		{Name: "plain"},
	})
	got := w.source.Verify(t.Context(), w.services)
	if len(got) != 2 || got[0].Found != 1 || got[0].Err != nil {
		t.Fatalf("got %+v", got)
	}
	want := []string{
		`"P0000ZZ" of reports: the account has no service with this id, or the credential cannot see it, ` +
			`did you mean PBAD (Reports)?`,
		`"PGOOX" of cart: the account has no service with this id, or the credential cannot see it, ` +
			`did you mean PGOOD (Checkout)?`,
		`"QQQQQQQ" of nothing: the account has no service with this id, or the credential cannot see it`,
		`"https://shop.pagerduty.com/service-directory/PGOOD" of till: the account has no service with this id, or ` +
			`the credential cannot see it, did you mean PGOOD (Checkout)?`,
	}
	var faults []string
	for _, err := range got[0].Faults() {
		faults = append(faults, err.Error())
	}
	if g, w := strings.Join(faults, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if n := w.fake.Count("GET /services"); n != 1 {
		t.Errorf("%d requests for services, want 1", n)
	}
}

// An account that does not answer has not lost a service.
func TestVerifyTakesNoAnswerForNoAnswer(t *testing.T) {
	account, services := shop()
	w := start(t, account, services)
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /services", Status: 503})
	for _, v := range w.source.Verify(t.Context(), w.services)[:1] {
		if v.Err == nil || len(v.Absent) > 0 {
			t.Errorf("got %+v", v)
		}
	}
}
