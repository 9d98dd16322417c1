package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prodready/collector/config"
)

// The examples of the page about the catalog load, and show every key.
func TestCatalogPageShowsEveryKey(t *testing.T) {
	text, err := os.ReadFile("../docs/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	shown := ""
	const sources = `
sources:
  pagerduty: [{name: main, token_file: t}]
  jira: [{name: main, url: https://a.example.com, email: a@example.com, token_file: t}]
  prometheus: [{name: main, url: http://p.example.com}]
`
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		shown += block
		_, err := config.Load(config.Options{Path: "page.yaml", ReadFile: func(name string) ([]byte, error) {
			if filepath.Base(name) == "page.yaml" {
				return []byte(block + sources), nil
			}
			return []byte("token"), nil
		}})
		if err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
	}
	keys := map[string]reflect.Type{}
	keysOf(reflect.TypeFor[config.Catalog](), "", keys)
	if len(keys) < 60 {
		t.Fatalf("found %d keys only", len(keys))
	}
	for key := range keys {
		if leaf := key[strings.LastIndex(key, ".")+1:]; !strings.Contains(shown, leaf+":") {
			t.Errorf("catalog.%s is not shown", key)
		}
	}
}
