package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
)

func newStore(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Verify, back up, restore and compact the SQLite store",
		Long: `Verify, back up, restore and compact the store of the configuration, which is a
SQLite file. PostgreSQL has pg_amcheck, pg_dump and pg_restore for that, and
autovacuum.
` + exitCodes,
		Example: `  collector store backup /backup/readiness-$(date +%F).db
  collector store verify`,
		Args: noUnknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStoreVerify(s), newStoreBackup(s), newStoreRestore(s), newStoreCompact(s))
	return cmd
}

func newStoreVerify(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Read the whole store and say whether it is sound",
		Long: `Read the whole store and say whether it is sound. It may run beside the daemon
and changes nothing. A damaged store is exit code 2.
` + exitCodes,
		Example: `  collector store verify`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.VerifyStore(cmd.Context(), s.options(s.quiet())); err != nil {
				return err
			}
			_, err := fmt.Fprintln(s.out, "the store is sound")
			return err
		},
	}
}

func newStoreBackup(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a copy of the store to a new file, while the daemon runs",
		Long: `Write a copy of the store to a new file. The daemon may run: the copy is of one
moment. It is verified before it gets its name, so that a file of that name is
a good backup.
` + exitCodes,
		Example: `  collector store backup /backup/readiness-$(date +%F).db`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := app.BackupStore(cmd.Context(), s.options(s.quiet()), args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintln(s.out, "the store was backed up to", args[0])
			return err
		},
	}
}

func newStoreRestore(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the store",
		Long: `Put a backup in the place of the store. The daemon must not run. The backup is
verified first, and what was there is kept beside it. Evidence from after the
backup is collected again, as far as the sources still have it; badge changes
from after it are gone.
` + exitCodes,
		Example: `  collector store restore /backup/readiness-2027-03-31.db`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			kept, err := app.RestoreStore(cmd.Context(), s.options(s.quiet()), args[0])
			if err != nil {
				return err
			}
			text := "the store was restored from " + args[0]
			if kept != "" {
				text += "; what was there is kept as " + kept
			}
			_, err = fmt.Fprintln(s.out, text)
			return err
		},
	}
}

func newStoreCompact(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Give the free space of the store back to the disk",
		Long: `Give the free space of the store back to the disk. The daemon must not run. The
store is written anew beside itself, which needs as much disk space as it has in
use, and is verified before it takes its name.

A store that was made by this release gives space back while the daemon runs,
up to 200 MiB an hour. One of an earlier release uses its free space again but
stays as large as it is, until it is compacted once.
` + exitCodes,
		Example: `  collector store compact`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			before, after, err := app.CompactStore(cmd.Context(), s.options(s.quiet()))
			if err != nil {
				return err
			}
			const kib = 1 << 10
			_, err = fmt.Fprintf(s.out, "the store has %d KiB, it had %d KiB\n", after/kib, before/kib)
			return err
		},
	}
}

// oneFile wants the name of one file.
func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{errors.New("name one file")}
	}
	return nil
}
