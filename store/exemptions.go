package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/prodready/collector/evidence"
)

// exemptionRow is an exemption that a ticket asks for.
type exemptionRow struct{ evidence.TicketExemption }

func (r *exemptionRow) table() table {
	return table{
		name: "ticket_exemptions",
		key: columns{
			{"source_id", sourceID(&r.Source)}, {"ticket", &r.ID}, {"service_id", serviceID(&r.Service)},
			{"check_id", checkID(&r.Check)},
		},
		data: columns{
			{"issue_key", &r.Key}, {"reason", &r.Reason}, {"approved", timeOf(&r.Approved)},
			{"expires", timeOf(&r.Expires)},
		},
	}
}

// exemptions replaces what the tickets of the source ask for. Nil leaves it.
func (c *commit) exemptions(ctx context.Context, approved []evidence.TicketExemption) error {
	if approved == nil {
		return nil
	}
	var wanted []exemptionRow
	for _, e := range approved {
		if c.isOther(e.Source) {
			return fmt.Errorf("exemption %s says it is from %s", e.Key, e.Source)
		}
		if e.Approved.IsZero() || e.Expires.IsZero() {
			return fmt.Errorf("exemption %s has no time of its approval or of its end", e.Key)
		}
		e.Source = c.source
		wanted = append(wanted, exemptionRow{e})
	}
	_, _, err := replace(ctx, c.tx, c.ofSource(), wanted, nil)
	return err
}

// Exemptions are those that tickets of all sources ask for, by source, ticket, service
// and check. Those that have ended may be among them.
func (s *Store) Exemptions(ctx context.Context) ([]evidence.TicketExemption, error) {
	var found []evidence.TicketExemption
	err := s.view(ctx, "reading exemptions of tickets", func(v *view) (err error) {
		found, err = v.exemptions(ctx)
		return err
	})
	return found, err
}

func (v *view) exemptions(ctx context.Context) ([]evidence.TicketExemption, error) {
	var found []evidence.TicketExemption
	err := read(ctx, v, condition{}, func(r exemptionRow) error {
		found = append(found, r.TicketExemption)
		return nil
	})
	slices.SortFunc(found, evidence.TicketExemption.Compare)
	return found, err
}
