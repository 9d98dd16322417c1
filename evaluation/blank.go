package evaluation

import (
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
)

// Blank judges a configuration by what its catalog says alone, without a store: it
// shows what the entries lack before anything was collected. No service has a badge.
func Blank(c *Config, now time.Time) *snapshot.Snapshot {
	j := &judge{ledger: evidence.NewLedger()}
	j.observeCatalog(c, now)
	return &snapshot.Snapshot{At: now, Framework: c.Framework, NotMeasurable: c.NotMeasurable,
		Services: j.services(c, j.look(c, now))}
}
