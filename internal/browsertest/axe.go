package browsertest

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// axeFile is where .ci/axe puts it, below the root of the repository.
const axeFile = "bin/tools/axe-core/axe.min.js"

const (
	phone = 360  // the width of a small one, in pixels
	desk  = 1200 // that of a window on a desk
)

// fault is what axe finds wrong.
type fault struct {
	ID, Help string
	Nodes    []string
}

// axeAnswer is what the browser says.
type axeAnswer struct {
	// Dark is whether the browser prefers the dark, Error why axe did not run.
	Dark   bool
	Error  string
	Faults [][]fault
	// Passed is how many rules passed on each page.
	Passed []int
}

// minPassed is fewer rules than pass on any whole page: if there are fewer, axe has not
// seen the page.
const minPassed = 10

// Accessible shows pages to axe-core, light and dark on a desk and light on a phone, with all
// details open, and reports each rule that one breaks: names of fields, order of headings,
// landmarks, contrast. pages are whole documents by their names. The test is skipped where
// axe-core is not installed, which is an error in CI: make test installs it.
func Accessible(t *testing.T, pages map[string]string) {
	t.Helper()
	accessible(t, false, desk, pages)
	accessible(t, true, desk, pages)
	accessible(t, false, phone, pages)
}

func accessible(t *testing.T, dark bool, width int, pages map[string]string) {
	t.Helper()
	names := make([]string, 0, len(pages))
	var doc strings.Builder
	doc.WriteString("<!DOCTYPE html><meta charset=utf-8><body>")
	for name, page := range pages {
		names = append(names, name)
		fmt.Fprintf(&doc, `<iframe width="%d" height="900" srcdoc="%s"></iframe>`, width, html.EscapeString(page))
	}
	source, err := json.Marshal(axe(t)) // which writes < as \u003c
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&doc, `<pre id="out"></pre><script id="axe" type="application/json">%s</script><script>%s</script>`,
		source, runAxe)
	scheme, mode := "light", "--blink-settings=preferredColorScheme=1"
	if dark {
		scheme, mode = "dark", "--blink-settings=preferredColorScheme=0"
	}
	// Time stands still for the page while it computes, so that the budget is no matter of
	// how fast the machine is.
	_, out, _ := strings.Cut(Dump(t, []byte(doc.String()), mode, "--virtual-time-budget=600000"), `<pre id="out">`)
	out, _, _ = strings.Cut(out, "</pre>")
	var answer axeAnswer
	if err := json.Unmarshal([]byte(html.UnescapeString(out)), &answer); err != nil {
		t.Fatalf("axe-core has said nothing: %v: %.300q", err, out)
	}
	if answer.Error != "" || len(answer.Faults) != len(names) {
		t.Fatalf("axe-core did not see %d pages but %d: %s", len(names), len(answer.Faults), answer.Error)
	}
	if answer.Dark != dark {
		t.Fatalf("the browser does not show pages in the %s", scheme)
	}
	for i, name := range names {
		if answer.Passed[i] < minPassed {
			t.Errorf("%s: only %d rules pass: has axe-core seen it?", name, answer.Passed[i])
		}
		for _, f := range answer.Faults[i] {
			t.Errorf("%s, %s, %d pixels wide: %s: %s\n\t%s", name, scheme, width, f.ID, f.Help, strings.Join(f.Nodes, "\n\t"))
		}
	}
}

// runAxe runs axe-core in each frame, one after the other.
const runAxe = `
const out = answer => { document.getElementById("out").textContent = JSON.stringify(answer) };
onload = async () => {
  const answer = {dark: matchMedia("(prefers-color-scheme: dark)").matches, faults: [], passed: []};
  try {
    const source = JSON.parse(document.getElementById("axe").textContent);
    for (const frame of document.querySelectorAll("iframe")) {
      const inner = frame.contentDocument;
      inner.querySelectorAll("details").forEach(d => { d.open = true });
      const script = inner.createElement("script");
      script.textContent = source;
      inner.head.append(script);
      const result = await frame.contentWindow.axe.run(inner);
      script.remove();
      answer.passed.push(result.passes.length);
      answer.faults.push(result.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 5).map(
        n => n.target.join(" ") + ": " + n.html.slice(0, 200) + " " + n.failureSummary.replace(/\s+/g, " "))})));
    }
  } catch (problem) { answer.error = String(problem) }
  out(answer);
};`

// axe is the text of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(at, axeFile))
		if err == nil {
			return string(text)
		}
		up := filepath.Dir(at)
		if up == at {
			break
		}
		at = up
	}
	if os.Getenv("CI") != "" {
		t.Fatal("axe-core is not there: run .ci/axe")
	}
	t.Skip("axe-core is not there: run .ci/axe, which fetches it with npm; pages are not shown to it")
	return ""
}
