package jiratest

import (
	"net/http"

	"github.com/prodready/collector/internal/fault"
)

// Fault is something that goes wrong with the answers to a call, in the words
// of Jira. What each does fault.Fault says.
type Fault struct {
	// Call is the one affected, GET /rest/api/2/search/jql; all when empty.
	// Search affects the search of the server's deployment instead.
	Call   string
	Search bool
	// JQL affects only searches whose query holds it.
	JQL string
	// Skip and Times choose among the matching requests.
	Skip, Times int

	// Status refuses the request, with Header and Messages.
	Status   int
	Header   http.Header
	Messages []string
	// Body and ContentType replace those of the answer.
	Body, ContentType string
	// Truncate, Reset and Hang end the answer in its middle.
	Truncate, Reset, Hang bool
	// PageLimit grants fewer issues than asked, and NoResults none.
	PageLimit int
	NoResults bool
	// AlwaysMore promises a next page.
	AlwaysMore bool
	// Issues are added in front of those of the page: bad ones among good.
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
