package collectors_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

func TestUncounted(t *testing.T) {
	var all, part collectors.Uncounted
	for i := range 12 {
		part.Add(evidence.UncountedUnknownService, fmt.Sprintf("workload w-%02d", i), i)
	}
	all.Add(evidence.UncountedUnknownService, "workload w-11", 1)
	all.Add(evidence.UncountedInFuture, "workload w-11", 2)
	all.Merge(part)
	all.Merge(collectors.Uncounted{})
	got := all.Report(evidence.UncountedSeries)
	if got.Kind != evidence.UncountedSeries || got.Total != 69 ||
		fmt.Sprint(got.Reasons) != "map[in_future:2 unknown_service:67]" {
		t.Errorf("%+v", got)
	}
	want := "[{workload w-11 unknown_service 12} {workload w-10 unknown_service 10} {workload w-09 unknown_service 9} " +
		"{workload w-08 unknown_service 8} {workload w-07 unknown_service 7} {workload w-06 unknown_service 6} " +
		"{workload w-05 unknown_service 5} {workload w-04 unknown_service 4} {workload w-03 unknown_service 3} " +
		"{workload w-02 unknown_service 2}]"
	if fmt.Sprint(got.Largest) != want {
		t.Errorf("largest %v\nwant    %s", got.Largest, want)
	}
	var none collectors.Uncounted
	if empty := none.Report(evidence.UncountedTicket); empty.Total != 0 || len(empty.Largest) != 0 {
		t.Errorf("%+v, want none", empty)
	}
}

// TestUncountedGroupsAreBounded: records beyond the bound are counted and not named,
// in an accumulator that is merged, too.
func TestUncountedGroupsAreBounded(t *testing.T) {
	var all, part collectors.Uncounted
	for i := range 60_000 {
		part.Add(evidence.UncountedNoReference, strconv.Itoa(i), 1)
	}
	all.Merge(part)
	if got := all.Report(evidence.UncountedSeries); got.Total != 60_000 || len(got.Largest) != 10 {
		t.Errorf("%d counted, %d named", got.Total, len(got.Largest))
	}
}
