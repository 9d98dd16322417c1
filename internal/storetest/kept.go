package storetest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// Kept is a real store for the tests of a source, which stands below the store
// and cannot import it.
type Kept struct {
	t     *testing.T
	store *store.Store
}

// Keep opens an empty SQLite store that is closed at the end of the test.
func Keep(t *testing.T, definitions ...evidence.Definition) *Kept {
	t.Helper()
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "kept.db"), Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Kept{t: t, store: s}
}

// Commit stores a batch of the source.
func (k *Kept) Commit(source string, at time.Time, b evidence.Batch) error {
	_, err := k.store.Commit(k.t.Context(), source, 0, at, b)
	return err
}

// OpenAlerts are the stored firings of the source that have not ended.
func (k *Kept) OpenAlerts(source string) ([]evidence.AlertFiring, error) {
	return k.store.OpenAlerts(k.t.Context(), source)
}

// Alerts are all stored firings.
func (k *Kept) Alerts() []evidence.AlertFiring {
	k.t.Helper()
	var all []evidence.AlertFiring
	err := k.store.EachAlert(k.t.Context(), store.AlertFilter{}, func(f evidence.AlertFiring) error {
		all = append(all, f)
		return nil
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

// AlertSights says, by source, when alerts were watched for.
func (k *Kept) AlertSights() map[string]store.AlertSight {
	k.t.Helper()
	sights, err := k.store.AlertSights(k.t.Context(), time.Time{})
	if err != nil {
		k.t.Fatal(err)
	}
	return sights
}
