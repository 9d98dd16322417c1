package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/prodready/collector/store"
)

// personKey names the store's key that people are hashed with.
const personKey = "people"

// personBytes is how much of a hash is kept: enough that two of a hundred
// thousand people are never taken for one.
const personBytes = 10

// hashPeople returns the function that makes keyed hashes of people's ids: enough
// to count distinct people, and not reversible without the store's key.
func hashPeople(ctx context.Context, s *store.Store) (func(id string) string, error) {
	key, err := s.Key(ctx, personKey)
	if err != nil {
		return nil, err
	}
	return func(id string) string {
		if id == "" {
			return ""
		}
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(id))
		return hex.EncodeToString(mac.Sum(nil)[:personBytes])
	}, nil
}
