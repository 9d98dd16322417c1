package pagerduty

import (
	"time"

	"github.com/prodready/collector/collectors"
)

// historyProgress is how far the first walk through the history had come when it
// was last reported.
type historyProgress struct {
	share   float64
	records int
}

// listedTo reports how far the listing of the newest incidents has come, which
// comes oldest first.
func (r *round) listedTo(created time.Time, records int) {
	newest := float64(incidentSpan) / float64(r.history)
	r.come(newest*float64(created.Sub(r.factStart()))/float64(incidentSpan), records)
}

// historyTo reports how far the walk through the history has come, which goes
// backwards.
func (r *round) historyTo(oldest time.Time, records int) {
	r.come(float64(r.now.Sub(oldest))/float64(r.history), records)
}

// come reports the share of the first walk that is done. It never decreases.
func (r *round) come(share float64, records int) {
	h := r.memory.incidents.history
	if h != nil && (!h.First || !h.Done.IsZero()) {
		return
	}
	p := &r.memory.progress
	p.records += records
	p.share = min(max(p.share, share), 1)
	if r.progress != nil {
		r.progress(collectors.Progress{Step: stepName, Share: p.share, Records: p.records})
	}
}
