package app

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/config"
)

// The configuration knows how far facts look back as well as the source does.
func TestJiraHistoryReachesAsFarAsItsFacts(t *testing.T) {
	load := func(history string) error {
		_, err := config.Load(config.Options{Path: "c.yaml", ReadFile: func(string) ([]byte, error) {
			return []byte("sources: {jira: [{name: main, deployment: datacenter, url: 'https://jira.example.com', incidents: {history: " + history + "}}]}\n"), nil
		}})
		return err
	}
	days := func(d time.Duration) string { return config.Duration(d).String() }
	if err := load(days(jira.MinHistory)); err != nil {
		t.Error(err)
	}
	if err := load(days(jira.MinHistory - 24*time.Hour)); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("less than the facts need: %v", err)
	}
	if got := time.Duration(config.DefaultJira().Incidents.History); got != jira.DefaultHistory {
		t.Errorf("the default is %s here and %s there", got, jira.DefaultHistory)
	}
}
