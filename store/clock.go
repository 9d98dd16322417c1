package store

import (
	"context"
	"fmt"
	"time"
)

// ClockOffset is by how much the clock of this process is ahead of the database's;
// negative if it is behind. It is 0 for SQLite, which has no clock. It is exact to half
// of the time that the database takes to answer.
func (s *Store) ClockOffset(ctx context.Context) (time.Duration, error) {
	if !s.Shared() {
		return 0, nil
	}
	before, began := s.now(), time.Now()
	var at time.Time
	if err := s.read.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan(&at); err != nil {
		return 0, fmt.Errorf("asking the database for the time: %w", err)
	}
	return before.Add(time.Since(began) / 2).Sub(at), nil
}

// Shared reports whether other processes can use the store at the same time: whether it
// is a PostgreSQL database.
func (s *Store) Shared() bool { return s.numbersPlaceholders }
