package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/jira.md shows is what the program takes.
func TestTheJiraPageShowsWhatLoads(t *testing.T) {
	page, err := os.ReadFile("../docs/jira.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) == 0 {
		t.Fatal("there is no example")
	}
	for _, block := range blocks {
		text := "sources:\n  jira:\n    - name: main\n      url: https://jira.example.com\n      deployment: datacenter\n"
		for line := range strings.Lines(block[1]) {
			text += "      " + line
		}
		incidents := load(t, text).Sources().Jira[0].Incidents
		if incidents.Started.Field != "customfield_10050" || len(incidents.Acknowledged.Statuses) != 2 ||
			incidents.Severity.Prefix != "sev-" || incidents.Resolved.Field == "resolutiondate" {
			t.Errorf("read %+v", incidents)
		}
	}
}
