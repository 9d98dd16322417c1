package store

import (
	"context"
	"crypto/rand"
)

// keyLength is the length of a key in bytes.
const keyLength = 32

// keyRow is a random key. It never changes.
type keyRow struct {
	name  string
	value []byte
}

func (r *keyRow) table() table {
	return table{name: "keys", key: columns{{"name", &r.name}}, fixed: columns{{"value", &r.value}}}
}

// Key is the random key of the name, made on first use and the same from then
// on, whichever process asks. It never leaves the program.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	key, err := s.readKey(ctx, name)
	if err != nil || key != nil {
		return key, err
	}
	fresh := make([]byte, keyLength)
	_, _ = rand.Read(fresh) // it never fails
	err = s.inTx(ctx, "making a key", func(t *tx) error {
		// Another process may have been faster; its key stays.
		return put(ctx, t, keyRow{name, fresh})
	})
	if err != nil {
		return nil, err
	}
	return s.readKey(ctx, name)
}

// readKey is nil without an error when there is no such key.
func (s *Store) readKey(ctx context.Context, name string) (value []byte, err error) {
	err = s.view(ctx, "reading the key "+name, func(v *view) error {
		return read(ctx, v, where(`name = ?`, name), func(r keyRow) error {
			value = r.value
			return nil
		})
	})
	return value, err
}
