package jiratest

import (
	"net/http"

	"github.com/prodready/collector/internal/fault"
)

// Fault is a fault.Fault in Jira's terms.
type Fault struct {
	// Call is the call with the fault, GET /rest/api/2/search/jql; all when empty.
	// Search means the search of the server's deployment instead.
	Call   string
	Search bool
	// JQL selects only searches whose query has it.
	JQL string
	// Skip and Times select some of the matching requests.
	Skip, Times int

	// Status refuses the request, with Header and Messages.
	Status   int
	Header   http.Header
	Messages []string
	// Body and ContentType replace those of the answer.
	Body, ContentType string
	// Truncate, Reset and Hang end the answer in the middle.
	Truncate, Reset, Hang bool
	// PageLimit is how many issues a page has, and NoResults means none.
	PageLimit int
	NoResults bool
	// AlwaysMore announces a next page.
	AlwaysMore bool
	// Issues are added before those of the page.
	Issues []string
	// Then is called when the answer is made and before it is sent.
	Then func()
}

// Inject makes a fault happen until Heal. Of several that match a request the
// first injected wins.
func (s *Server) Inject(f Fault) {
	call := f.Call
	if f.Search && s.options.DataCenter {
		call = "GET /rest/api/2/search"
	} else if f.Search {
		call = "GET /rest/api/2/search/jql"
	}
	s.faults.Inject(fault.Fault{
		Call: call, Query: f.JQL, Skip: f.Skip, Times: f.Times,
		Status: f.Status, Header: f.Header, Messages: f.Messages, Body: f.Body, ContentType: f.ContentType,
		Truncate: f.Truncate, Reset: f.Reset, Hang: f.Hang,
		PageLimit: f.PageLimit, NoRecords: f.NoResults, AlwaysMore: f.AlwaysMore, Records: f.Issues, Then: f.Then,
	})
}

// Heal ends all faults.
func (s *Server) Heal() { s.faults.Heal() }
