package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
)

// keyLength is the length of a key in bytes.
const keyLength = 32

// Key is the random key of the name, made on first use and the same from then
// on, whichever process asks. It never leaves the program.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	key, err := readKey(ctx, s.read, name)
	if err != nil || key != nil {
		return key, err
	}
	fresh := make([]byte, keyLength)
	_, _ = rand.Read(fresh) // it never fails
	err = s.inTx(ctx, "making a key", func(t *tx) error {
		// Another process may have been faster.
		return t.exec(ctx, `INSERT INTO keys (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, fresh)
	})
	if err != nil {
		return nil, err
	}
	return readKey(ctx, s.read, name)
}

// readKey is nil without an error when there is no such key.
func readKey(ctx context.Context, q queryer, name string) ([]byte, error) {
	var key []byte
	err := each(ctx, q, `SELECT value FROM keys WHERE name = $1`, []any{name}, func(rows *sql.Rows) error {
		return rows.Scan(&key)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", name, err)
	}
	return key, nil
}
