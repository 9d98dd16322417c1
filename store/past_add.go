package store

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

// AddPast adds evidence from before what is stored: records of services, of which it reads
// nothing else. From since on all groups that are covered now count as answered, and
// judging as having run. Names that are not known are made known. A collector stores
// evidence when it sees it, so this is for simulations.
func (s *Store) AddPast(ctx context.Context, since time.Time, services []PastService) error {
	return s.inTx(ctx, "adding evidence of the past", func(t *tx) error {
		var points []historyRow
		for _, service := range services {
			for _, r := range service.Records {
				p := point{from: micros(r.From), value: r.Value, withdrawn: r.Withdrawn, since: begun(micros(r.Since))}
				if p.withdrawn == "" && p.value.Kind() == evidence.KindInvalid {
					return fmt.Errorf("the record of %s for %s has no value: withdraw it, or leave it out", r.Fact, service.Service)
				}
				points = append(points, historyRow{r.Fact, service.Service, r.Source, p})
			}
		}
		if err := put(ctx, t, points...); err != nil {
			return err
		}
		if err := t.exec(ctx, `UPDATE coverage SET since_at = ? WHERE since_at > ?`, since, since); err != nil {
			return err
		}
		if err := t.exec(ctx, `DELETE FROM judging_spans WHERE until_at >= ?`, since); err != nil {
			return err
		}
		return t.exec(ctx, `UPDATE judgement SET judging_since = ? WHERE judging_since > ?`, since, since)
	})
}
