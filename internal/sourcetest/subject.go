// Package sourcetest is the contract that every source of evidence keeps,
// whatever its upstream does: a suite of cases that a source passes against
// the fake of its vendor and through a real store.
//
// What stays, in every case: no value is invented, no record is lost once the
// upstream answers again, what was not answered keeps its age, no cursor is
// past what was stored, every error is a *collectors.CallError with the right
// reason, and no goroutine is left.
package sourcetest

import (
	"net/http"
	"time"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/fault"
)

// Data names what the upstream holds. Names beside those below are of
// Subject.Large.
type Data string

// The data sets that every subject has.
const (
	// Normal is a small world that has something in every listing, and more
	// pages than one in those that are paged.
	Normal Data = "normal"
	// Changed is Normal later on: some records are new, some have changed, and
	// some are gone.
	Changed Data = "changed"
	// Empty is an upstream without any record.
	Empty Data = "empty"
)

// Later and MuchLater are when, after the first round, the data has become
// Changed: soon, so that a source only asks for what is new, or so late that
// it lists everything anew. Nothing in the data may happen of itself in the
// hour after Start, Later and MuchLater but what Changed tells.
const (
	Later     = 10 * time.Minute
	MuchLater = 25 * time.Hour
)

// Subject is a source under test, with its upstream.
type Subject struct {
	// Start is when the first round takes place. Data is told relative to it,
	// and what Changed adds happened before Start plus Later.
	Start time.Time
	// Services is the catalog.
	Services []*catalog.Service
	// Upstream makes the fake with the data, which never changes. It keeps no
	// state: the requests of one listing may meet different fakes with the same
	// data. now is its clock. It calls fail for requests that the vendor does not
	// know.
	Upstream Upstream
	// Files is the upstream of a source without HTTP, in place of Upstream: the
	// contents of a folder by file name. Each file is one of Calls. The client
	// that Source gets is nil then, and HTTP, Secret and Form are not used.
	Files func(data Data) map[string]string
	// Source makes a source that asks the upstream at the address, or reads the
	// folder there.
	Source NewSource
	// HTTP is the credential that the client bears. Secret is a part of it that
	// must be in no error and no record.
	HTTP   config.HTTPClientConfig
	Secret string

	// Form says how the vendor's requests and answers look.
	Form fault.Form
	// Calls are all calls that the source makes, under the names of Form.
	Calls []Call
	// BadBodies are bodies that the vendor's API, or what stands before it, sends
	// with status 200 in place of an answer, by name, with the reason that the
	// source must give for them.
	BadBodies map[string]BadBody
	// WrongNames are names that Verify must find; none for a source that cannot look names
	// up.
	WrongNames []WrongName
	// Large are data sets beyond the vendor's bounds.
	Large []Large
	// Dated says that records have a time of observation of their own.
	Dated bool
	// ClockFacts are facts whose values are computed from our clock, so that they
	// differ when it is wrong.
	ClockFacts map[string]bool
	// Impossible are cases that cannot happen to the source, by the beginning of
	// their names, with the reason.
	Impossible map[string]string
}

// Upstream makes the fake of a vendor with the data.
type Upstream func(data Data, now func() time.Time, fail func(string)) http.Handler

// NewSource makes a source that asks the upstream at the address.
type NewSource func(address string, client *http.Client, now func() time.Time) (collectors.Source, error)

// WrongType is the fault of a whole answer that comes as text/html. It is
// undecodable where answers do not say of themselves whose they are: a list of
// PagerDuty or Jira is bare JSON, both always name its type, and JSON of another
// type is from something before them. It is read where they do, as with the
// envelope of Prometheus, whose servers and proxies are of many makes: the Reasons
// of its calls say so, and then nothing of the answer may be lost.
const WrongType = "JSON as text/html"

// Call is one call of a source.
type Call struct {
	// Name is what Form.Call says of its requests.
	Name string
	// Error is the Call of its *collectors.CallError, by default Name.
	Error string
	// Optional says why the source does well without an answer; empty when some
	// facts depend on it.
	Optional string
	// Reasons are the reasons that differ from those of other calls, by the name of
	// the fault; empty if the call accepts the answer.
	Reasons map[string]evidence.Reason
}

// BadBody is a body that is no answer.
type BadBody struct {
	Body string
	// Reason is what the error must say.
	Reason evidence.Reason
}

// Large is a data set with many records in one listing.
type Large struct {
	// Data names it for Subject.Upstream.
	Data Data
	// Incidents, Reviews and Alerts, which are firings, are how many the store
	// must have in the end.
	Incidents, Reviews, Alerts int
	// Records are how many services the store must have a value for in the end,
	// by fact; other facts are not counted.
	Records map[string]int
	// Fails is the reason for which a round fails whose listing the vendor does
	// not let one read to its end; empty when it must succeed.
	Fails evidence.Reason
}

func (c Call) errorCall() string {
	if c.Error == "" {
		return c.Name
	}
	return c.Error
}
