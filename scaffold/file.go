package scaffold

import (
	"os"
	"path/filepath"
)

// RelativeTo is the name of a file as the configuration at path has to write it:
// relative to the folder of the configuration.
func RelativeTo(path, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return file
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	relative, err := filepath.Rel(folder, absolute)
	if err != nil {
		return absolute
	}
	return relative
}

// WriteFile writes the configuration to a file, whole or not at all. A symbolic
// link stays one: the file it names is replaced.
func (s *Scaffold) WriteFile(name string) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".collector-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(s.Text); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
