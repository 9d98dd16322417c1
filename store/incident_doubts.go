package store

import (
	"context"
	"slices"

	"github.com/prodready/collector/evidence"
)

// incidentDoubtRow says that a source may know more incidents of a service.
type incidentDoubtRow struct {
	source string
	evidence.IncidentDoubt
}

func (r *incidentDoubtRow) table() table {
	return table{
		name: "incident_doubts",
		key:  columns{{"source_id", sourceID(&r.source)}, {"service_id", serviceID(&r.Service)}},
		data: columns{{"newest_at", timeOf(&r.Newest)}, {"is_open", &r.Open}},
	}
}

// incidentDoubts replaces what the source does not know. Nil leaves it.
func (c *commit) incidentDoubts(ctx context.Context, doubts []evidence.IncidentDoubt) error {
	if doubts == nil {
		return nil
	}
	var wanted []incidentDoubtRow
	for _, d := range doubts {
		d.Newest = storedTime(d.Newest)
		wanted = append(wanted, incidentDoubtRow{c.source, d})
	}
	_, _, err := replace(ctx, c.tx, c.ofSource(), wanted, nil)
	return err
}

// IncidentDoubts are what the sources do not know of the incidents of services.
func (s *Store) IncidentDoubts(ctx context.Context, sources []string) (evidence.Doubts, error) {
	found := evidence.Doubts{}
	err := s.view(ctx, "reading whose incidents are not all known", func(v *view) error {
		return read(ctx, v, condition{}, func(r incidentDoubtRow) error {
			if slices.Contains(sources, r.source) {
				found.Add(r.IncidentDoubt)
			}
			return nil
		})
	})
	return found, err
}
