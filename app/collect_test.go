package app

import (
	"errors"
	"fmt"
	"testing"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

func TestFailuresAreToldOnceEach(t *testing.T) {
	call := func(call string, reason evidence.Reason, text string) error {
		return &collectors.CallError{Call: call, Reason: reason, Err: errors.New(text)}
	}
	err := fmt.Errorf("pagerduty/main: %w", errors.Join(
		call("GET /incidents", evidence.ReasonForbidden, "no"),
		fmt.Errorf("open ones: %w", call("GET /incidents", evidence.ReasonForbidden, "no")),
		call("GET /services", evidence.ReasonTimeout, "after 3 s"),
		errors.New("something else"),
	))
	calls, text := failures(err)
	if want := "GET /incidents forbidden; GET /services timeout; something else"; calls != want {
		t.Errorf("calls %q, want %q", calls, want)
	}
	if want := "GET /incidents: forbidden: no; give the credential the scope or permission that docs/sources.md lists; " +
		"GET /services: timeout: after 3 s; raise the timeout or look at the server's load; something else"; text != want {
		t.Errorf("text\n%s\nwant\n%s", text, want)
	}
	if calls, text := failures(nil); calls != "" || text != "" {
		t.Errorf("no failure is %q, %q", calls, text)
	}
}

func TestARoundNeverRunsBesideItself(t *testing.T) {
	c := &collection{running: map[string]bool{}}
	if !c.begin("a") || c.begin("a") {
		t.Error("two rounds of one source run at once")
	}
	if !c.begin("b") {
		t.Error("rounds of two sources exclude each other")
	}
	c.end("a")
	if !c.begin("a") {
		t.Error("a round that has ended keeps the next one out")
	}
}
