package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFilesThatPeopleNameAreRegular: a command that is given a device or a pipe in place of
// a file neither reads without an end nor waits for a writer, whichever key or flag names
// it.
func TestFilesThatPeopleNameAreRegular(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	config, err := os.ReadFile(filepath.Join(s.folder, "collector.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(s.folder, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.write("large", "")
	if err := os.Truncate(filepath.Join(s.folder, "large"), 8<<20+1); err != nil {
		t.Fatal(err)
	}
	const criteria, token, irregular = "file: four.yaml", "token_file: token", "not a regular file"
	for _, c := range []struct {
		what      string
		arguments string
		// old is replaced by its successor in the configuration.
		old, replacement string
		// large is what is said of a file of more than 8 MiB; nothing is tried if it is empty.
		large string
	}{
		{"the framework", "framework lint --framework.file ./FILE", "", "", "too large: more than 8388608 bytes"},
		{"the framework of a command", "framework test --file ./FILE", "", "", "too large: more than 8388608 bytes"},
		{"an earlier framework", "framework lint --against ./FILE", "", "", "too large: more than 8388608 bytes"},
		{
			"an installed framework", "check", criteria, criteria + ", installed: [./FILE]",
			"too large: more than 8388608 bytes",
		},
		{
			"a pinned framework", "check", criteria,
			criteria + ", pins: [{framework: ./FILE, select: {tiers: [1]}, until: 2999-01-01}]",
			"too large: more than 8388608 bytes",
		},
		{"the configuration", "check --config FILE", "", "", "too large: more than 8388608 bytes"},
		{"the web configuration", "check --server.web-config-file FILE", "", "", "too large: more than 8388608 bytes"},
		{"the values of the rules", "rules --out out --values FILE", "", "", "not a regular file of at most 1 MiB"},
		{"a secret", "check", token, "token_file: ./FILE", "too large: more than 65536 bytes"},
		{
			"an authority", "check", token, token + ", http_client: {tls_config: {ca_file: ./FILE}}",
			"too large: more than 8388608 bytes",
		},
		{"the store", "run --store.url FILE", "", "", ""},
	} {
		for file, want := range map[string]string{"/dev/zero": irregular, "pipe": irregular, "large": c.large} {
			if want == "" {
				continue
			}
			named := strings.NewReplacer("./FILE", strings.Replace("./"+file, ".//", "/", 1), "FILE", file).Replace
			arguments := strings.Fields(named(c.arguments))
			if c.old != "" {
				s.write("other.yaml", strings.Replace(string(config), c.old, named(c.replacement), 1))
				arguments = append(arguments, "--config", "other.yaml")
			}
			_, errs, code := s.run(arguments...)
			if code != exitConfig || !strings.Contains(errs, want) || !strings.Contains(errs, filepath.Base(file)) {
				t.Errorf("%s is %s: exit %d: %s", c.what, file, code, errs)
			}
		}
	}
}

// TestLinksToFilesAreRead: Kubernetes mounts each file of a Secret or a ConfigMap as a link
// to a file in a linked folder.
func TestLinksToFilesAreRead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := func(name string) string { return filepath.Join(s.folder, name) }
	if err := os.Mkdir(in("..2026_11_30"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..2026_11_30", in("..data")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"collector.yaml", "token", "four.yaml"} {
		if err := os.Rename(in(name), in("..data/"+name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("..data/"+name, in(name)); err != nil {
			t.Fatal(err)
		}
	}
	if out, errs, code := s.run("check"); code != exitOK {
		t.Errorf("exit %d:\n%s%s", code, out, errs)
	}
}

// TestLintNamesTheFaultOfAFramework: a retired id that is still used has its line, and
// for a folder without a framework the message names the file that is missing.
func TestLintNamesTheFaultOfAFramework(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("four.yaml", "retired: [inc.old, inc.registered]\n"+fourChecks)
	_, errs, code := s.run("framework", "lint")
	if want := "four.yaml:1: retired: there still is the check inc.registered, at four.yaml:"; code != exitConfig ||
		!strings.Contains(errs, want) {
		t.Errorf("exit %d, want %q in %s", code, want, errs)
	}
	_, errs, code = s.run("framework", "lint", "--framework.file", ".")
	if want := "the folder has no framework.yaml"; code != exitConfig || !strings.Contains(errs, want) {
		t.Errorf("exit %d, want %q in %s", code, want, errs)
	}
}
