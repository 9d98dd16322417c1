package project

import (
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
)

// TestALargeCompanyHasTime: a round of 3,000 services takes longer than a minute.
func TestALargeCompanyHasTime(t *testing.T) {
	for services, want := range map[int]time.Duration{
		24: time.Minute, 400: time.Minute, 1000: 4 * time.Minute, 3000: 12 * time.Minute,
		company.MaxServices: 20 * time.Minute,
	} {
		c := &company.Company{Services: make([]*company.Service, services)}
		if got := Every(c); got != want {
			t.Errorf("%d services are asked about every %s, want %s", services, got, want)
		}
		if got := Timeout(c); got != want-10*time.Second {
			t.Errorf("a round about %d services may take %s, want %s", services, got, want-10*time.Second)
		}
	}
}
