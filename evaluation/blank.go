package evaluation

import (
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
)

// Blank judges a configuration by what its catalog says alone, without a store: it
// shows what the entries lack before anything was collected. No service has a badge.
func Blank(c *Config, now time.Time) *snapshot.Snapshot {
	return withoutStore(c, now, func(*evidence.Ledger) {})
}

// Launch judges services that are not in production yet, without a store: by what their
// entries say and by what people have answered. source is the id of the provider of the
// answers, which age from the day on that they were made.
func Launch(c *Config, source string, answered []evidence.Record, now time.Time) *snapshot.Snapshot {
	return withoutStore(c, now, func(ledger *evidence.Ledger) {
		said := evidence.Coverage{Group: source, At: now, Dated: true}
		for _, r := range answered {
			ledger.Put(r, time.Time{})
			said.Facts = append(said.Facts, r.Fact)
		}
		ledger.Cover(source, said)
	})
}

// withoutStore judges by what the catalog says, and by what add records.
func withoutStore(c *Config, now time.Time, add func(*evidence.Ledger)) *snapshot.Snapshot {
	j := &judge{ledger: evidence.NewLedger()}
	j.observeCatalog(c, now)
	add(j.ledger)
	return &snapshot.Snapshot{At: now, Framework: c.Framework, Pins: c.Pins, NotMeasurable: c.NotMeasurable,
		Targets: c.Targets, ObserveFor: c.ObserveFor, Services: j.services(c, j.look(c, now))}
}
