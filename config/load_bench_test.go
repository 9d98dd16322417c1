package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodready/collector/config"
)

// A catalog of ten thousand services must not make a reload slow.
func BenchmarkLoadTenThousandServices(b *testing.B) {
	var text strings.Builder
	text.WriteString("catalog:\n  teams: [{name: payments}]\n  services:\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "    - name: service-%05d\n      team: payments\n      tier: %d\n      labels: {a: b, c: d}\n"+
			"      pagerduty: [{service_id: P%05d}]\n      prometheus: [{matchers: {job: service-%05d, namespace: shop}}]\n", i, i%4+1, i, i)
	}
	o := options(text.String())
	for b.Loop() {
		if _, err := config.Load(o); err != nil {
			b.Fatal(err)
		}
	}
}
