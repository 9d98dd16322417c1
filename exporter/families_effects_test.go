package exporter

import (
	"strings"
	"testing"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/snapshot"
)

// TestEffectsThatAreNotKnown: before anything was estimated there is no series, and where
// incidents are not known the fleet has insufficient data and no number.
func TestEffectsThatAreNotKnown(t *testing.T) {
	of := func(r *correlation.Result) (lines []string) {
		t.Helper()
		s := &snapshot.Snapshot{At: now, Framework: smallFramework(), Correlated: r}
		for line := range strings.Lines(string(mustRender(t, s, Options{}).Bytes(Text))) {
			if strings.HasPrefix(line, "readiness_review_effect") || strings.HasPrefix(line, "readiness_check_incident") ||
				strings.HasPrefix(line, "readiness_correlation") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		return lines
	}
	if lines := of(nil); len(lines) > 0 {
		t.Errorf("nothing was estimated, and there is %q", lines)
	}
	lines := of(&correlation.Result{At: now, NoIncidents: "No source reads them."})
	want := `readiness_review_effect_verdict{outcome="resolution_time",scope="fleet",verdict="insufficient_data"} 1`
	if len(lines) != 5 || lines[0] != want || !strings.HasPrefix(lines[4], "readiness_correlation_timestamp_seconds ") {
		t.Errorf("incidents are not known, and there is %q", lines)
	}
}
