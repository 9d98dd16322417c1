package evaluation

import (
	"context"
	"log/slog"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/store"
)

// correlated has the effects of reviews that are shown. It reads them from the store when
// they are others than before: once a month.
type correlated struct {
	store *store.Store
	log   *slog.Logger
	// key is that of result, which is nil if it could not be decoded.
	key    store.CorrelationKey
	result *correlation.Result
}

// at is what is shown at a time by a configuration, nil if there is nothing.
func (m *correlated) at(ctx context.Context, configuration string, now time.Time) (*correlation.Result, error) {
	keys, err := m.store.Correlations(ctx)
	if err != nil {
		return nil, err
	}
	key, found := store.CurrentCorrelation(keys, configuration, now)
	if !found {
		return nil, nil
	}
	if key == m.key {
		return m.result, nil
	}
	body, err := m.store.CorrelationBody(ctx, key)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return m.result, nil // it was deleted meanwhile; the next evaluation finds another
	}
	if m.result, err = correlation.DecodeResult(body); err != nil {
		m.log.Warn("the effects of reviews cannot be shown", "month", key.Month, "err", err)
	}
	m.key = key
	return m.result, nil
}
