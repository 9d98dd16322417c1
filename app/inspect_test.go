package app

import (
	"testing"

	"github.com/prodready/collector/collectors"
)

// What may be misspelled is no fault, and not in order either.
func TestWhatMayBeMisspelledIsAWarning(t *testing.T) {
	v := collectors.Verified{Unsure: true, Found: 1}
	v.Absent = []collectors.AbsentName{{Name: "job=a", Users: []string{"cart"}}}
	if found := nameFindings("prometheus/main", v); len(found) != 1 || !found[0].Warning || found[0].Err != nil {
		t.Errorf("%+v", found)
	}
	v.Absent = nil
	if found := nameFindings("prometheus/main", v); len(found) != 1 || found[0].Warning {
		t.Errorf("%+v", found)
	}
}
