package textfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prodready/collector/textfile"
)

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain, link, pipe := filepath.Join(dir, "plain"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(plain, []byte(strings.Repeat("a", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		max  int64
		want error
	}{
		"a file":                       {plain, 100, nil},
		"a byte too many":              {plain, 99, textfile.ErrTooLarge},
		"a link to a device":           {link, 100, textfile.ErrNotRegular},
		"a pipe that nothing fills":    {pipe, 100, textfile.ErrNotRegular},
		"a folder":                     {dir, 100, textfile.ErrNotRegular},
		"a file that is not there":     {filepath.Join(dir, "none"), 100, fs.ErrNotExist},
		"a device that is named plain": {"/dev/zero", 100, textfile.ErrNotRegular},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := textfile.Read(c.file, c.max)
			if !errors.Is(err, c.want) || (err == nil) != (len(text) == 100) {
				t.Errorf("%d bytes, %v, want %v", len(text), err, c.want)
			}
		})
	}
}
