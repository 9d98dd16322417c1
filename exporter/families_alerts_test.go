package exporter

import (
	"bytes"
	"testing"

	"github.com/prodready/collector/correlation"
)

// TestNoAlertIsCountedAs0WhereSomeMayBeMissing: 0 is an answer where all are known.
func TestNoAlertIsCountedAs0WhereSomeMayBeMissing(t *testing.T) {
	for _, incomplete := range []bool{false, true} {
		s := smallSnapshot()
		for i := range s.Services {
			if f := s.Services[i].Alerts; f != nil {
				w := f.Windows[0]
				f.Windows[0] = correlation.AlertWindow{
					Window: w.Window, Covered: 1, Services: 1, Incomplete: incomplete,
				}
			}
		}
		page := mustRender(t, s, Options{Detail: Full}).Bytes(Text)
		for _, name := range []string{"firings", "paging_firings", "flapping_firings"} {
			line := []byte("\nreadiness_alert_" + name + `{service_name="checkout",window="30d"} 0`)
			if bytes.Contains(page, line) == incomplete {
				t.Errorf("%s is 0: %t, incomplete: %t", name, !incomplete, incomplete)
			}
		}
	}
}
