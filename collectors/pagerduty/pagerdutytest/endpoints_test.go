package pagerdutytest

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
)

// A call that only package pagerduty declares is answered with Account.Others, in
// pages and with the parameters that the declaration has.
func TestDeclaredEndpoint(t *testing.T) {
	call := pagerduty.Call{
		Name: "GET /plants/trees", Scope: "trees.read", Cursor: "cursor", Include: []string{"leaves"},
	}
	account := newIndex(Account{Others: map[string][]map[string]any{call.Name: {{"id": "T1"}, {"id": "T2"}}}})
	s, e := New(Options{}), declaredEndpoint(call)
	if e.scope != "trees.read" {
		t.Errorf("scope %q", e.scope)
	}
	values := url.Values{"limit": {"1"}, "include[]": {"leaves"}}
	for _, want := range []string{
		`{"limit":1,"next_cursor":"` + toCursor(1) + `","trees":[{"id":"T1"}]}`,
		`{"limit":1,"next_cursor":null,"trees":[{"id":"T2"}]}`,
	} {
		q, refused := s.parse(values, call.Name, e)
		if refused != nil {
			t.Fatalf("refused: %+v", refused)
		}
		page, refused := s.page(q, e, account, time.Time{})
		got, err := json.Marshal(page)
		if refused != nil || err != nil || string(got) != want {
			t.Errorf("%s, refused %v, error %v, want %s", got, refused, err, want)
		}
		values.Set("cursor", toCursor(1))
	}
	if _, refused := s.parse(url.Values{"include[]": {"roots"}}, call.Name, e); refused == nil {
		t.Error("an include that is not declared is accepted")
	}
}
