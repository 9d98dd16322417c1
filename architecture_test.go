package collector_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/prodready/collector/"

// floors is the table of docs/architecture.md: a package may import packages
// of lower floors only.
var floors = map[string]int{
	"grafana": 0, "rules": 0, "nearest": 0, "statistics": 0, "strictyaml": 0, "textfile": 0, "tasks": 0,
	"evidence": 1, "catalog": 1, "effect": 1,
	"framework": 2, "collectors": 2, "config": 2, "answers": 2,
	"scoring": 3, "correlation": 3, "collectors/transport": 3,
	"store": 4, "snapshot": 4, "collectors/pagerduty": 4, "collectors/jira": 4, "collectors/prometheus": 4,
	"collectors/file": 4,
	"exporter":        5, "report": 5,
	"evaluation": 6, "discovery": 6, "review": 6, "handbook": 6, "badges": 6,
	"pages":         7,
	"server":        8,
	"app":           9,
	"scaffold":      10,
	"cmd/collector": 11,
}

// beside are arrows within a floor that are allowed.
var beside = map[string]bool{
	"catalog -> evidence":   true,
	"strictyaml -> nearest": true,
}

// testOnly are packages that nothing but tests, the demo and each other may
// import. They stand beside the floors, so that a test of a low floor may use
// a suite that needs a higher one.
var testOnly = map[string]bool{
	"collectors/pagerduty/pagerdutytest": true,
	"collectors/jira/jiratest":           true,
	"internal/badinput":                  true,
	"internal/browsertest":               true,
	"internal/evidencetest":              true,
	"internal/fault":                     true,
	"internal/race":                      true,
	"internal/sourcetest":                true,
	"internal/storetest":                 true,
}

// goPackage is what `go list -json` prints of one package.
type goPackage struct {
	ImportPath, Dir                    string
	TestGoFiles, XTestGoFiles          []string
	Imports, TestImports, XTestImports []string
}

func TestImportsGoDownTheFloors(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		from, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours || testOnly[from] {
			continue
		}
		seen[from] = true
		floor, known := floors[from]
		if !known {
			t.Errorf("%s has no floor: add it here and to docs/architecture.md", from)
			continue
		}
		for _, to := range own(p.Imports) {
			if testOnly[to] {
				t.Errorf("%s imports %s, which is for tests", from, to)
			} else if floors[to] >= floor && !beside[from+" -> "+to] {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down", from, floor, to, floors[to])
			}
		}
		for _, to := range own(slices.Concat(p.TestImports, p.XTestImports)) {
			if to != from && !testOnly[to] && floors[to] >= floor && !beside[from+" -> "+to] {
				t.Errorf(
					"a test of %s (floor %d) imports %s (floor %d): imports go down in tests, too", from, floor, to, floors[to],
				)
			}
		}
	}
	for name := range floors {
		if !seen[name] {
			t.Errorf("%s has a floor and does not exist", name)
		}
	}
}

// TestEverySourceKeepsTheContract holds each package of a source to the suite.
func TestEverySourceKeepsTheContract(t *testing.T) {
	sources := 0
	for _, p := range packages(t) {
		name, ours := strings.CutPrefix(p.ImportPath, module+"collectors/")
		if !ours || name == "transport" || testOnly["collectors/"+name] {
			continue
		}
		sources++
		tests := ""
		for _, file := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			tests += string(text)
		}
		if !strings.Contains(tests, "sourcetest.Run(") {
			t.Errorf("the tests of collectors/%s do not run sourcetest.Run: every source keeps the contract", name)
		}
		if !strings.Contains(tests, "sourcetest.RunKinds(") {
			t.Errorf("the tests of collectors/%s do not run sourcetest.RunKinds: every source plays the kinds of input on "+
				"which evidence is easily wrong", name)
		}
	}
	if sources < 4 {
		t.Errorf("%d sources", sources)
	}
}

// own are the imports that are packages of this module, without its path.
func own(imports []string) []string {
	var names []string
	for _, path := range imports {
		if name, ours := strings.CutPrefix(path, module); ours {
			names = append(names, name)
		}
	}
	return names
}

// packages lists the packages of this module.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(
		t.Context(), "go", "list", "-json=ImportPath,Dir,Imports,TestGoFiles,XTestGoFiles,TestImports,XTestImports", "./...",
	).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
