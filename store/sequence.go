package store

import (
	"context"
	"fmt"
)

// HistorySequence numbers the transaction that last changed an incident or a
// review, so that a reader knows when to read them again. It is 0 when there
// are none.
func (s *Store) HistorySequence(ctx context.Context) (int64, error) {
	seq, err := greatest(ctx, s.read, "seq", `(SELECT MAX(seq) AS seq FROM incidents UNION ALL SELECT MAX(seq)
		FROM reviews) AS newest`)
	if err != nil {
		return 0, fmt.Errorf("reading when incidents and reviews last changed: %w", err)
	}
	return seq, nil
}
