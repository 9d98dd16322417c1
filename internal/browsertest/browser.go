// Package browsertest shows pages to Chromium, for tests that ask what people will see.
package browsertest

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is far longer than a page takes on a loaded machine.
const patience = 3 * time.Minute

// Dump opens a page and returns it as it is when its scripts have run. flags are further
// ones of Chromium. The test is skipped
// where no Chromium is installed, which is an error in CI: make test installs it.
func Dump(t *testing.T, page []byte, flags ...string) string {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "page.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	return string(run(t, folder, append(flags, "--dump-dom", "file://"+file)...))
}

// Widths are how wide pages become, in pixels, in frames of a width: what is wider than its
// frame does not fit.
func Widths(t *testing.T, frame int, pages []string) []int {
	t.Helper()
	var doc strings.Builder
	doc.WriteString("<!DOCTYPE html><meta charset=utf-8><body>")
	for _, page := range pages {
		fmt.Fprintf(&doc, `<iframe width="%d" height="700" srcdoc="%s"></iframe>`, frame, html.EscapeString(page))
	}
	doc.WriteString(`<pre id="out"></pre><script>onload = () => { document.getElementById("out").textContent =
		[...document.querySelectorAll("iframe")].map(f => f.contentDocument.documentElement.scrollWidth).join(" ") }</script>`)
	_, out, _ := strings.Cut(Dump(t, []byte(doc.String())), `<pre id="out">`)
	out, _, _ = strings.Cut(out, "</pre>")
	var widths []int
	for text := range strings.FieldsSeq(out) {
		width, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		widths = append(widths, width)
	}
	if len(widths) != len(pages) {
		t.Fatalf("%d widths of %d pages: %.200s", len(widths), len(pages), out)
	}
	return widths
}

// run runs Chromium without a window and returns what it prints.
func run(t *testing.T, folder string, arguments ...string) []byte {
	t.Helper()
	path := find()
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium is installed: run .ci/chromium")
		}
		t.Skip("no Chromium is installed: pages are not shown to a browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{
		// A container has neither the rights for a sandbox nor a large /dev/shm. The pages
		// are those of the tests.
		"--headless", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
		"--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--user-data-dir=" + filepath.Join(folder, "profile"),
	}, arguments...)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running %s: %v\n%s", path, err, problems.Bytes())
	}
	return out
}

// find is where Chromium is, empty if it is not installed.
func find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
