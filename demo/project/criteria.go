package project

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	catalogfacts "github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/framework"
)

// factNames finds what a proof reads: words joined by a dot.
var factNames = regexp.MustCompile(`\b[a-z][a-z0-9]*\.[a-z][a-z0-9_]*\b`)

// Criteria is the part of the default framework that the catalog and a
// PagerDuty account can decide, as one framework file: the demo judges by what
// its upstreams can show. judged are the ids of its checks.
func Criteria() (text []byte, judged map[string]bool, err error) {
	known := map[string]bool{}
	for _, d := range catalogfacts.Facts() {
		known[d.Name] = true
	}
	for _, d := range pagerduty.Definitions() {
		known[d.Name] = true
	}
	files, err := framework.Default()
	if err != nil {
		return nil, nil, fmt.Errorf("reading the default framework: %w", err)
	}
	var document map[string]any
	var modules []any
	judged = map[string]bool{}
	for i, f := range files {
		var content map[string]any
		if err := yaml.Unmarshal(f.Data, &content); err != nil {
			return nil, nil, fmt.Errorf("reading %s of the default framework: %w", f.Name, err)
		}
		if i == 0 {
			document = content
			continue
		}
		if checks := decidable(content["checks"], known); len(checks) > 0 {
			content["checks"] = checks
			modules = append(modules, content)
			for _, check := range checks {
				id, _ := check["id"].(string)
				judged[id] = true
			}
		}
	}
	document["name"], document["modules"] = "demo", modules
	text, err = yaml.Marshal(document)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the demo's criteria: %w", err)
	}
	return text, judged, nil
}

// decidable keeps the checks with a proof that reads known facts alone, and of
// each those proofs.
func decidable(list any, known map[string]bool) []map[string]any {
	var kept []map[string]any
	checks, _ := list.([]any)
	for _, c := range checks {
		check, _ := c.(map[string]any)
		proofs, _ := check["proofs"].([]any)
		var left []any
		for _, p := range proofs {
			proof, _ := p.(map[string]any)
			pass, _ := proof["pass"].(string)
			if readsOnly(pass, known) {
				left = append(left, p)
			}
		}
		if id, _ := check["id"].(string); id != "" && len(left) > 0 {
			check["proofs"] = left
			kept = append(kept, check)
		}
	}
	return kept
}

func readsOnly(expression string, known map[string]bool) bool {
	for _, name := range factNames.FindAllString(expression, -1) {
		if !known[name] && !strings.HasPrefix(name, "service.") {
			return false
		}
	}
	return true
}
