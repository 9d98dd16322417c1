package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	gojira "github.com/andygrunwald/go-jira"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

// api makes the calls. The client library builds and sends them. The answers are
// decoded here, issue by issue, because the library's types fail for a whole page
// when one issue is malformed.
type api struct {
	client *gojira.Client
	cloud  bool
	limit  int
}

func newAPI(o Options) (*api, error) {
	// The library gets no credential: the HTTP client brings it.
	client, err := gojira.NewClient(o.HTTPClient, o.URL)
	if err != nil {
		return nil, err
	}
	return &api{client: client, cloud: o.Deployment == Cloud, limit: o.PageLimit}, nil
}

// request is one call. call names it without ids or parameters.
type request struct {
	method, path, call string
	query              url.Values
	body               any
}

// refused is what Jira says about a request that it does not answer.
type refused struct {
	status   int
	messages []string
}

func (e *refused) Error() string {
	if len(e.messages) == 0 {
		return http.StatusText(e.status)
	}
	return evidence.Clean(strings.Join(e.messages, " "), 300)
}

// apiRoot is where the paths of all calls begin, whatever stands before it: a
// context path, or the gateway's /ex/jira/ with the id of the site.
const apiRoot = "/rest/api/"

// Template names the call of a request, as CallErrors and plans do: method and
// path below the site's address, with {id} for the key of an issue.
func Template(req *http.Request) string {
	path := req.URL.Path
	if at := strings.LastIndex(path, apiRoot); at >= 0 {
		path = path[at:]
	}
	// /rest/api/2/issue/KEY/remotelink
	if parts := strings.Split(path, "/"); len(parts) > 5 && parts[4] == "issue" {
		parts[5] = "{id}"
		path = strings.Join(parts, "/")
	}
	return transport.DefaultTemplate(&http.Request{Method: req.Method, URL: &url.URL{Path: path}})
}

// ask makes one call and returns its answer. Its errors are *CallError.
func (a *api) ask(ctx context.Context, q request) (json.RawMessage, error) {
	failed := func(reason evidence.Reason, status int, err error) (json.RawMessage, error) {
		return nil, &collectors.CallError{Reason: reason, Call: q.call, Status: status, Err: err}
	}
	path := q.path
	if len(q.query) > 0 {
		path += "?" + q.query.Encode()
	}
	req, err := a.client.NewRequestWithContext(ctx, q.method, path, q.body)
	if err != nil {
		return failed(evidence.ReasonRejected, 0, err)
	}
	if q.method != http.MethodGet {
		// Every call here only reads. The mark, which is not sent, lets it be
		// repeated.
		req.Header["X-Idempotency-Key"] = nil
	}
	resp, err := a.client.Do(req, nil)
	if resp == nil || resp.Response == nil {
		if known, ok := errors.AsType[*collectors.CallError](err); ok {
			return failed(known.Reason, known.Status, known.Err)
		}
		return failed(collectors.ReasonOf(ctx, err), 0, withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return failed(collectors.ReasonOf(ctx, err), resp.StatusCode, fmt.Errorf("reading the answer: %w", err))
	}
	// With a credential that it does not accept Jira may answer as if to an
	// unknown visitor: 200, and no issues.
	if login := resp.Header.Get("X-Seraph-LoginReason"); strings.Contains(login, "FAILED") ||
		strings.Contains(login, "DENIED") {
		return failed(evidence.ReasonUnauthorized, resp.StatusCode,
			fmt.Errorf("the login was not accepted: %s", evidence.Clean(login, 100)))
	}
	if resp.StatusCode != http.StatusOK {
		return failed(collectors.ReasonOfStatus(resp.StatusCode), resp.StatusCode, refusal(resp.StatusCode, body))
	}
	if kind := resp.Header.Get("Content-Type"); !isJSON(kind) {
		return failed(evidence.ReasonUndecodable, resp.StatusCode,
			fmt.Errorf("the answer is %q and not JSON: is the address that of a Jira site?", evidence.Clean(kind, 100)))
	}
	if !json.Valid(body) {
		return failed(evidence.ReasonUndecodable, resp.StatusCode, errors.New("the answer is no valid JSON"))
	}
	return body, nil
}

// refusal reads Jira's error object, and the one of the gateway before it.
func refusal(status int, body []byte) *refused {
	var answer struct {
		Messages []string          `json:"errorMessages"`
		Errors   map[string]string `json:"errors"`
		Message  string            `json:"message"`
	}
	refused := &refused{status: status}
	if json.Unmarshal(body, &answer) != nil {
		return refused
	}
	refused.messages = answer.Messages
	for field, message := range answer.Errors {
		refused.messages = append(refused.messages, field+": "+message)
	}
	if len(refused.messages) == 0 && answer.Message != "" {
		refused.messages = []string{answer.Message}
	}
	return refused
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// withoutURL drops the address that http.Client puts before its errors; the
// call's name says enough.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// statuses asks for the categories of all statuses, by their ids, and for their
// ids by their names in lower case. Teams may name their statuses alike.
func (a *api) statuses(ctx context.Context) (categories map[string]string, ids map[string][]string, err error) {
	const call = "GET /rest/api/2/status"
	body, err := a.ask(ctx, request{method: http.MethodGet, path: "rest/api/2/status", call: call})
	if err != nil {
		return nil, nil, err
	}
	var list []struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Category struct {
			Key string `json:"key"`
		} `json:"statusCategory"`
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list) == 0 {
		return nil, nil, undecodable(call, errors.New("the answer is no list of statuses"))
	}
	categories, ids = make(map[string]string, len(list)), map[string][]string{}
	for _, s := range list {
		categories[s.ID] = s.Category.Key
		ids[fold(s.Name)] = append(ids[fold(s.Name)], s.ID)
	}
	return categories, ids, nil
}

// remoteLink asks for the first web link of an issue; empty when it has none.
// asked is false when the issue cannot be seen any more, which says nothing of
// its links.
func (a *api) remoteLink(ctx context.Context, key string) (link string, asked bool, err error) {
	const call = "GET /rest/api/2/issue/{id}/remotelink"
	body, err := a.ask(ctx, request{method: http.MethodGet, path: "rest/api/2/issue/" + url.PathEscape(key) +
		"/remotelink", call: call})
	if err != nil {
		var failed *collectors.CallError
		if errors.As(err, &failed) && failed.Reason == evidence.ReasonNotFound {
			return "", false, nil
		}
		return "", false, err
	}
	var links *[]struct {
		Object struct {
			URL string `json:"url"`
		} `json:"object"`
	}
	if err := json.Unmarshal(body, &links); err != nil || links == nil {
		return "", false, undecodable(call, errors.New("the answer is no list of links"))
	}
	for _, l := range *links {
		if l.Object.URL != "" {
			return l.Object.URL, true, nil
		}
	}
	return "", true, nil
}

// whoAmI asks for the account of the credential. An answer that names none is
// none: something before the site may have said it.
func (a *api) whoAmI(ctx context.Context) error {
	const call = "GET /rest/api/2/myself"
	body, err := a.ask(ctx, request{method: http.MethodGet, path: "rest/api/2/myself", call: call})
	if err != nil {
		return err
	}
	var account struct {
		ID   string `json:"accountId"`
		Name string `json:"name"`
	}
	if json.Unmarshal(body, &account) != nil || account.ID == "" && account.Name == "" {
		return undecodable(call, errors.New("the answer names no account"))
	}
	return nil
}
