package nearest_test

import (
	"slices"
	"testing"

	"github.com/prodready/collector/nearest"
)

// TestIsSlip: a name with one slip is probably the other one, and names that people
// number, or tell apart by a short part, are two.
func TestIsSlip(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"chekout", "checkout", true},
		{"checkoutt", "checkout", true},
		{"checkaut", "checkout", true},
		{"chekcout", "checkout", true},
		{"heckout", "checkout", true},
		{"checkou", "checkout", true},
		{"hceckout", "checkout", true},
		{"checkotu", "checkout", true},
		{"payment-api", "payments-api", true},
		{"paymentsapi", "payments-api", true},
		{"chekcout-v2", "checkout-v2", true},
		{"checkout", "checkout", false},
		{"chkout", "checkout", false},
		{"chakaut", "checkout", false},
		{"cart", "card", false},
		{"api-server-1", "api-server-2", false},
		{"server", "server1", false},
		{"server1", "server11", false},
		{"checkout-v1", "checkout-v2", false},
		{"shop-us1", "shop-eu1", false},
		{"shop-us", "shop-uk", false},
		{"worker-a", "worker-b", false},
		{"order-api", "order-app", false},
		{"a-worker", "b-worker", false},
		{"", "", false},
	} {
		if nearest.IsSlip(c.a, c.b) != c.want || nearest.IsSlip(c.b, c.a) != c.want {
			t.Errorf("IsSlip(%q, %q) is not %v", c.a, c.b, c.want)
		}
		var names nearest.Names
		names.Add(c.b)
		if found := names.SlipOf(c.a); slices.Contains(found, c.b) != c.want || len(found) > 1 {
			t.Errorf("%q of the names is %q", c.a, found)
		}
	}
}

// TestANameThatIsKnownIsNoSlip: both services exist.
func TestANameThatIsKnownIsNoSlip(t *testing.T) {
	var names nearest.Names
	if got := names.SlipOf("payment-api"); got != nil {
		t.Errorf("of no names %q", got)
	}
	for _, name := range []string{"payment-api", "payments-api", "payments-api", "payment-apis"} {
		names.Add(name)
	}
	if got := names.SlipOf("payment-api"); got != nil {
		t.Errorf("a known name is a slip of %q", got)
	}
	got := names.SlipOf("paymets-api")
	if want := []string{"payments-api"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
