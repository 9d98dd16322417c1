package collector_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/prodready/collector/"

// floors is the table of docs/architecture.md: a package may import packages
// of lower floors only.
var floors = map[string]int{
	"nearest":  0,
	"evidence": 1, "catalog": 1,
	"framework": 2, "collectors": 2, "config": 2,
	"scoring": 3, "correlation": 3, "collectors/transport": 3,
	"store": 4, "snapshot": 4, "collectors/pagerduty": 4, "collectors/jira": 4, "collectors/prometheus": 4,
	"exporter": 5, "report": 5,
	"server":        6,
	"app":           7,
	"cmd/collector": 8,
}

// beside are arrows within a floor that are allowed.
var beside = map[string]bool{
	"catalog -> evidence": true,
}

// testOnly are packages that nothing but tests and the demo may import.
var testOnly = map[string]bool{
	"collectors/pagerduty/pagerdutytest": true,
	"collectors/jira/jiratest":           true,
	"collectors/sourcetest":              true,
	"collectors/sourcetest/fault":        true,
	"store/storetest":                    true,
	"rules":                              true,
}

func TestImportsGoDownTheFloors(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
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
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			if testOnly[to] {
				t.Errorf("%s imports %s, which is for tests", from, to)
				continue
			}
			if floors[to] >= floor && !beside[from+" -> "+to] {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down", from, floor, to, floors[to])
			}
		}
	}
	for name := range floors {
		if !seen[name] {
			t.Errorf("%s has a floor and does not exist", name)
		}
	}
}
