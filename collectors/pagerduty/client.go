package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

const (
	// maxRecords is the vendor's bound of offset + limit.
	maxRecords = 10000
	// maxPages bounds a listing whose pages are smaller than asked.
	maxPages = 1000
	// codeTooFar is the vendor's error code for an offset beyond its bound.
	codeTooFar = 2002
)

// api makes the list calls. The vendor's client sends them. The answers are
// decoded here, record by record, because the vendor's types lose expanded
// fields, read null as zero, and fail or panic for a whole page when one record
// is malformed.
type api struct {
	client   *pd.Client
	endpoint string
	limit    int
}

func newAPI(o Options) *api {
	// The token is empty: the HTTP client brings the credential.
	client := pd.NewClient("", pd.WithAPIEndpoint(o.Endpoint))
	client.HTTPClient = o.HTTPClient
	return &api{client: client, endpoint: o.Endpoint, limit: o.PageLimit}
}

// Template is the name of the call of a request, as in CallErrors and plans:
// method and path, with {id} for the id of a tag, which may have no digit. Other
// requests are named by transport.DefaultTemplate.
func Template(req *http.Request) string {
	parts := strings.Split(req.URL.Path, "/")
	if n := len(parts); n > 2 && parts[n-3] == "tags" {
		parts[n-2] = "{id}"
		return req.Method + " " + strings.Join(parts, "/")
	}
	return transport.DefaultTemplate(req)
}

// callOf is the template of the call for a path: the id in the middle of
// tags/PABC123/teams is {id}.
func callOf(path string) string {
	if parts := strings.Split(path, "/"); len(parts) == 3 {
		path = parts[0] + "/{id}/" + parts[2]
	}
	return "GET /" + path
}

// page is one page of a listing.
type page struct {
	records []json.RawMessage
	// more says whether there are more records; nil when the answer does not say.
	more *bool
	// next is the cursor of the next page; empty on the last page.
	next string
}

// refused is the vendor's error object.
type refused struct {
	code    int
	message string
}

func (e *refused) Error() string {
	if e.code == 0 {
		return e.message
	}
	return fmt.Sprintf("%s (code %d)", e.message, e.code)
}

// page asks for one page of the listing at the path, whose records are in the
// field with the last word of the path. Its errors are *CallError.
func (a *api) page(ctx context.Context, path string, query url.Values) (page, error) {
	call := callOf(path)
	list := path[strings.LastIndex(path, "/")+1:]
	failed := func(reason evidence.Reason, status int, err error) (page, error) {
		return page{}, &collectors.CallError{Reason: reason, Call: call, Status: status, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.endpoint+"/"+path+"?"+query.Encode(), nil)
	if err != nil {
		return failed(evidence.ReasonRejected, 0, err)
	}
	resp, err := a.client.Do(req, true)
	if err != nil {
		if known, ok := errors.AsType[*collectors.CallError](err); ok {
			return page{}, known
		}
		return failed(collectors.ReasonOf(ctx, err), 0, collectors.WithoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return failed(collectors.ReasonOf(ctx, err), resp.StatusCode, fmt.Errorf("reading the answer: %w", err))
	}
	if resp.StatusCode != http.StatusOK {
		err := refusal(resp.StatusCode, body)
		if resp.StatusCode == http.StatusForbidden {
			err = fmt.Errorf("%w: %s", err, forbidden(path))
		}
		return page{}, collectors.Refusal(collectors.ReasonOfStatus(resp.StatusCode), call, resp, err)
	}
	if kind := resp.Header.Get("Content-Type"); !isJSON(kind) {
		return failed(evidence.ReasonUndecodable, resp.StatusCode, fmt.Errorf("the answer is %q and not JSON: is the "+
			"endpoint PagerDuty's API?", evidence.Clean(kind, 100)))
	}
	p, err := decodePage(body, list)
	if err != nil {
		return failed(evidence.ReasonUndecodable, resp.StatusCode, err)
	}
	return p, nil
}

// decodePage decodes an answer. One without the list is an error and not an empty
// listing.
func decodePage(body []byte, list string) (page, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return page{}, fmt.Errorf("decoding a page: %w", err)
	}
	var records *[]json.RawMessage
	if err := json.Unmarshal(orNull(fields[list]), &records); err != nil || records == nil {
		return page{}, fmt.Errorf("the answer has no list %q", list)
	}
	p := page{records: *records}
	if err := json.Unmarshal(orNull(fields["more"]), &p.more); err != nil {
		return page{}, errors.New(`"more" of the answer is neither true nor false`)
	}
	for _, field := range [...]string{"next_cursor", "after"} {
		var next *string
		if err := json.Unmarshal(orNull(fields[field]), &next); err != nil {
			return page{}, fmt.Errorf("%q of the answer is no text", field)
		}
		if next != nil && *next != "" {
			p.next = *next
		}
	}
	return p, nil
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// list calls each with every page of a listing that is not empty. cursor is the
// parameter that asks for the next page, where answers name it; empty for pages by
// offset. tooFar is true, without an error, when the listing is longer than the
// vendor lets clients read, and so incomplete.
func (a *api) list(
	ctx context.Context, path, cursor string, query url.Values, each func([]json.RawMessage) error,
) (tooFar bool, err error) {
	query.Set("limit", strconv.Itoa(a.limit))
	var next func(page) (more bool, err error)
	if cursor == "" {
		next = a.byOffset(callOf(path), query)
	} else {
		next = byCursor(callOf(path), query, cursor)
	}
	for range maxPages {
		p, err := a.page(ctx, path, query)
		if refused, ok := errors.AsType[*refused](err); ok && refused.code == codeTooFar {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		more, err := next(p)
		if err != nil {
			return false, err
		}
		if len(p.records) > 0 {
			if err := each(p.records); err != nil {
				return false, err
			}
		}
		if !more {
			return false, nil
		}
		if query.Get("limit") == "0" {
			return true, nil
		}
	}
	return false, incomplete(callOf(path), "no end after %d pages", maxPages)
}

// byOffset makes the query ask for the page behind the last one, by the number of
// records that came, because a server may send fewer than were asked for.
func (a *api) byOffset(call string, query url.Values) func(page) (more bool, err error) {
	var before []json.RawMessage
	offset := 0
	query.Set("offset", "0")
	return func(p page) (bool, error) {
		same := func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }
		switch {
		case p.more == nil:
			return false, collectors.Failed(evidence.ReasonUndecodable, call,
				`the answer does not say whether there is "more"`)
		case len(p.records) > 0 && slices.EqualFunc(p.records, before, same):
			// The records that are missing would be observed as absent.
			return false, incomplete(call, "the page at offset %d is the one before it once more", offset)
		case len(p.records) == 0 && *p.more:
			return false, incomplete(call, "an empty page at offset %d that promises more", offset)
		}
		before, offset = p.records, offset+len(p.records)
		query.Set("offset", strconv.Itoa(offset))
		query.Set("limit", strconv.Itoa(max(min(a.limit, maxRecords-offset), 0)))
		return *p.more, nil
	}
}

// byCursor makes the query ask with the parameter for the page that the last answer
// names.
func byCursor(call string, query url.Values, parameter string) func(page) (more bool, err error) {
	seen := map[string]bool{}
	return func(p page) (bool, error) {
		switch {
		case p.next == "" && p.more != nil && *p.more:
			return false, incomplete(call, "a page that promises more and does not say where")
		case p.next == "", p.more != nil && !*p.more:
			return false, nil
		case seen[p.next]:
			return false, incomplete(call, "the pages go round in a circle")
		}
		seen[p.next] = true
		query.Set(parameter, p.next)
		return true, nil
	}
}

// complete calls each with every page of a listing. One that is longer than the
// vendor lets clients read is an error.
func (a *api) complete(
	ctx context.Context, path, cursor string, query url.Values, each func([]json.RawMessage) error,
) error {
	tooFar, err := a.list(ctx, path, cursor, query, each)
	if err == nil && tooFar {
		err = incomplete(callOf(path), "there are more than the %d records that PagerDuty lists: use a "+
			"credential that sees fewer of them", maxRecords)
	}
	return err
}

func incomplete(call, format string, args ...any) error {
	return collectors.Failed(evidence.ReasonIncomplete, call, format, args...)
}

// refusal makes an error of the body of an answer with the status.
func refusal(status int, body []byte) error {
	var answer struct {
		Error pd.NullAPIErrorObject `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || !answer.Error.Valid || answer.Error.ErrorObject.Message == "" {
		return &refused{message: http.StatusText(status)}
	}
	e := answer.Error.ErrorObject
	message := strings.Join(append([]string{e.Message}, e.Errors...), ": ")
	return &refused{code: e.Code, message: evidence.Clean(message, 300)}
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
