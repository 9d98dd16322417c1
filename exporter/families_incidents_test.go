package exporter

import (
	"testing"
	"time"

	"github.com/prodready/collector/correlation"
)

// TestAShareThatIsNotKnownHasNoSeries: nothing was observed for four hours yet.
func TestAShareThatIsNotKnownHasNoSeries(t *testing.T) {
	s := &correlation.Summary{Within: []correlation.ShareWithin{
		{Within: 30 * time.Minute, Share: correlation.Share{Value: 0.25, Known: true}}, {Within: 4 * time.Hour},
	}}
	var emitted []string
	emitWithin(func(value float64, labels ...string) {
		emitted = append(emitted, labels...)
		if value != 0.25 {
			t.Errorf("%g, want 0.25", value)
		}
	}, s, func(s correlation.Share) float64 { return s.Value })
	if len(emitted) != 1 || emitted[0] != "30" {
		t.Errorf("%v, want one series of 30 minutes", emitted)
	}
}
