package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// steering is a text that colours a terminal, gives its window a name, moves its cursor
// and reverses what follows, if it is printed as it is.
const steering = "before\x1b[31mred\x1b]0;title\x07\u009b2J\x1b[1Aok\b\b\u202eafter"

// TestTextsCannotSteerTheTerminal: what a source answers, and what a scanned repository
// has in its names and files, is printed without what a terminal obeys.
func TestTextsCannotSteerTheTerminal(t *testing.T) {
	s := newSite(t)
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": 2010, "message": steering}})
	}))
	t.Cleanup(vendor.Close)
	s.edit("collector.yaml", `endpoint: "`, `endpoint: "`+vendor.URL+`", token_file: token}
    # "`)
	repository := filepath.Join(s.folder, "repositories", "shop")
	if err := os.MkdirAll(repository, 0o755); err != nil {
		t.Fatal(err)
	}
	quoted := strconv.QuoteToASCII(steering)
	for name, text := range map[string]string{
		steering + ".yaml": "[broken", "unknown.yaml": "{" + quoted + ": 1}\n",
		"entity.yaml": `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: ` + quoted + `, title: ` + quoted + `}
spec: {type: service, owner: ` + quoted + `, lifecycle: production}
`,
	} {
		s.write(filepath.Join("repositories", "shop", name), text)
	}
	s.edit("collector.yaml", "catalog:\n", "catalog:\n  backstage: [repositories/*/*.yaml]\n  entities: {max_refused_ratio: 1}\n")
	shown := ""
	run := func(arguments ...string) {
		out, errs, _ := s.run(arguments...)
		shown += out + errs
		for _, r := range out + errs {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Errorf("%v prints %q:\n%q", arguments, r, out+errs)
				return
			}
		}
	}
	run("check")
	run("check", "--online")
	run("collect", "--once")
	run("collect", "--once", "--dry-run")
	run("score")
	run("score", "checkout", "--all")
	run("score", steering)
	run("score", "checkout", steering)
	run("framework", "coverage")
	run("check", "--config", steering)
	run(steering)
	for _, seen := range []string{"after.yaml", "unknown.yaml", "403"} {
		if !strings.Contains(shown, seen) {
			t.Errorf("%q is not shown, so that the test shows little:\n%s", seen, shown)
		}
	}
}
