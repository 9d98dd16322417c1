package report

import (
	"fmt"
	"strings"
	"testing"
)

// The way to the next badge counts as the fleet does, and names the checks.
func TestWay(t *testing.T) {
	s := company(t)
	ways := map[string]Way{}
	for i := range s.Services {
		service := &s.Services[i]
		way, row := NewWay(s, service), rowOf(s, service)
		ways[row.Service] = way
		if row.GapChecks > 0 && !strings.HasPrefix(way.Gap, fmt.Sprintf("%d to ", row.GapChecks)) {
			t.Errorf("%s: %q of %d checks", row.Service, way.Gap, row.GapChecks)
		}
	}
	for service, want := range map[string]Way{
		"checkout": {Gap: "2 to Gold", Checks: "cicd.no-drift, cicd.rollback"},
		"gateway":  {Gap: "1 to Bronze, 1 unknown", Checks: "inc.on-call"},
	} {
		if ways[service] != want {
			t.Errorf("%s: %+v, want %+v", service, ways[service], want)
		}
	}
}
