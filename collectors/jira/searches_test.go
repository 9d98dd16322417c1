package jira_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
)

// A new search must be added to the calls that the contract disturbs.
func TestTheContractHasEverySearch(t *testing.T) {
	subject := contract(t, false, 3)
	source, err := subject.Source("https://jira.example.com", &http.Client{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range source.(*jira.Source).Plan(collectors.Request{Services: subject.Services, Now: subject.Start}) {
		matching := 0
		for part := range searches() {
			if strings.Contains(call.Query, part) {
				matching++
			}
		}
		if call.Query != "" && matching != 1 {
			t.Errorf("%d entries of searches() match the query %s", matching, call.Query)
		}
	}
}

func TestAForbiddenSearchNamesThePermissionAndTheFacts(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop()
		w := start(t, dataCenter, site, services)
		w.fake.Inject(jiratest.Fault{Search: true, JQL: "game-day", Status: 403})
		err := w.collect().err
		want := `the account needs the permission "Browse projects"; unknown without it: jira.last_gameday_age_days`
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	})
}
