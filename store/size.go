package store

import (
	"context"
	"fmt"
)

// Size is how large the database is, in bytes: of SQLite the file without what is yet to be
// written into it, of PostgreSQL everything in the database, other tables in it too.
func (s *Store) Size(ctx context.Context) (int64, error) {
	ask := `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	if s.Shared() {
		ask = `SELECT pg_database_size(current_database())`
	}
	var size int64
	if err := s.read.QueryRowContext(ctx, ask).Scan(&size); err != nil {
		return 0, fmt.Errorf("asking the database for its size: %w", err)
	}
	return size, nil
}
