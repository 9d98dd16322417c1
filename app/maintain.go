package app

import (
	"context"

	"github.com/prodready/collector/store"
)

// VerifyStore reads the whole store of the configuration and changes nothing.
func VerifyStore(ctx context.Context, o Options) error {
	url, err := storeURL(o)
	if err != nil {
		return err
	}
	return storeError(store.Verify(ctx, url))
}

// BackupStore writes a copy of the store to a new file, while the daemon may run.
func BackupStore(ctx context.Context, o Options, to string) error {
	url, err := storeURL(o)
	if err != nil {
		return err
	}
	return storeError(store.Backup(ctx, url, to))
}

// RestoreStore puts a backup in the place of the store. It returns the name of what was
// there before, empty for nothing.
func RestoreStore(ctx context.Context, o Options, from string) (kept string, err error) {
	url, err := storeURL(o)
	if err != nil {
		return "", err
	}
	kept, err = store.Restore(ctx, url, from, o.withDefaults().Now())
	return kept, storeError(err)
}

// CompactStore gives the free space of the store back, while no daemon runs. It returns
// the sizes of the file in bytes.
func CompactStore(ctx context.Context, o Options) (before, after int64, err error) {
	url, err := storeURL(o)
	if err != nil {
		return 0, 0, err
	}
	before, after, err = store.Compact(ctx, url)
	return before, after, storeError(err)
}

func storeURL(o Options) (string, error) {
	o.noRequests = true
	valid, err := o.withDefaults().load()
	if err != nil {
		return "", err
	}
	return valid.Store().URL.Reveal(), nil
}
