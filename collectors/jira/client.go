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
	// automation are the accounts that are programs although their type does not say so.
	automation accounts
}

func newAPI(o Options) (*api, error) {
	// The library gets no credential: the HTTP client adds it.
	client, err := gojira.NewClient(o.HTTPClient, o.URL)
	if err != nil {
		return nil, err
	}
	return &api{client: client, cloud: o.Deployment == Cloud, limit: o.PageLimit,
		automation: foldedSet(o.AutomationUsers)}, nil
}

// apiRoot is where the paths of all calls begin. A context path, or the gateway's
// /ex/jira/ with the id of the site, may come before it.
const apiRoot = "/rest/api/"

// The paths of the calls below the site's address.
const (
	pathMyself           = "rest/api/2/myself"
	pathStatus           = "rest/api/2/status"
	pathSearchCloud      = "rest/api/2/search/jql"
	pathSearchDataCenter = "rest/api/2/search"
	pathBulkFetch        = "rest/api/2/changelog/bulkfetch"
	pathIssue            = "rest/api/2/issue/"
	pathProjectsCloud    = "rest/api/2/project/search"
	pathProjects         = "rest/api/2/project"
	pathIssueTypes       = "rest/api/2/issuetype"
	pathFields           = "rest/api/2/field"
	pathResolutions      = "rest/api/2/resolution"
	pathLinkTypes        = "rest/api/2/issueLinkType"
)

// request is one call: the path below the site's address, and the query. One with
// a body is sent by POST.
type request struct {
	path  string
	query url.Values
	body  any
}

func (q request) method() string {
	if q.body != nil {
		return http.MethodPost
	}
	return http.MethodGet
}

// call names the request without ids or parameters.
func (q request) call() string {
	return Template(&http.Request{Method: q.method(), URL: &url.URL{Path: "/" + q.path}})
}

// Template names the call of a request, as CallErrors and plans do: method and
// path below the site's address, with {id} for the key of an issue or a project.
func Template(req *http.Request) string {
	if strings.HasSuffix(req.URL.Path, "/components") {
		return req.Method + " /" + pathProjects + "/{id}/components"
	}
	return transport.TemplateBelow(req, apiRoot, "issue", "{id}")
}

// refusal is what Jira says about a request that it refuses.
type refusal struct {
	status   int
	messages []string
}

func (e *refusal) Error() string {
	if len(e.messages) == 0 {
		return http.StatusText(e.status)
	}
	return evidence.Clean(strings.Join(e.messages, " "), 300)
}

// ask makes one call and returns the body of its answer. Its errors are
// *CallError.
func (a *api) ask(ctx context.Context, q request) ([]byte, error) {
	path := q.path
	if len(q.query) > 0 {
		path += "?" + q.query.Encode()
	}
	req, err := a.client.NewRequestWithContext(ctx, q.method(), path, q.body)
	if err != nil {
		return nil, collectors.Failed(evidence.ReasonRejected, q.call(), "%w", err)
	}
	if q.body != nil {
		// Every call here only reads. This mark, which is not sent, allows the
		// transport to repeat it.
		req.Header["X-Idempotency-Key"] = nil
	}
	resp, err := a.client.Do(req, nil)
	if resp == nil || resp.Response == nil {
		if known, ok := errors.AsType[*collectors.CallError](err); ok {
			named := *known
			named.Call = q.call()
			return nil, &named
		}
		return nil, collectors.Failed(collectors.ReasonOf(ctx, err), q.call(), "%w", collectors.WithoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	reason, err := checkAnswer(ctx, resp.Response, body, err)
	if err != nil {
		return nil, collectors.Refusal(reason, q.call(), resp.Response, err)
	}
	return body, nil
}

// checkAnswer reports why an answer cannot be used; err is that of reading it.
func checkAnswer(ctx context.Context, resp *http.Response, body []byte, err error) (evidence.Reason, error) {
	if err != nil {
		return collectors.ReasonOf(ctx, err), fmt.Errorf("reading the answer: %w", err)
	}
	// To a credential that it does not accept Jira may answer as to a visitor
	// without an account: 200, and no issues.
	login := resp.Header.Get("X-Seraph-LoginReason")
	kind := resp.Header.Get("Content-Type")
	switch {
	case strings.Contains(login, "FAILED") || strings.Contains(login, "DENIED"):
		return evidence.ReasonUnauthorized, fmt.Errorf("the login was not accepted: %s", evidence.Clean(login, 100))
	case resp.StatusCode != http.StatusOK:
		return collectors.ReasonOfStatus(resp.StatusCode), readRefusal(resp.StatusCode, body)
	case !isJSON(kind):
		return evidence.ReasonUndecodable,
			fmt.Errorf("the answer is %q and not JSON: is the address that of a Jira site?", evidence.Clean(kind, 100))
	case !json.Valid(body):
		return evidence.ReasonUndecodable, errors.New("the answer is no valid JSON")
	}
	return "", nil
}

// readRefusal reads Jira's error object, or that of the gateway before it.
func readRefusal(status int, body []byte) *refusal {
	var answer struct {
		Messages []string          `json:"errorMessages"`
		Errors   map[string]string `json:"errors"`
		Message  string            `json:"message"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return &refusal{status: status}
	}
	messages := answer.Messages
	for field, message := range answer.Errors {
		messages = append(messages, field+": "+message)
	}
	if len(messages) == 0 && answer.Message != "" {
		messages = []string{answer.Message}
	}
	return &refusal{status, messages}
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// get makes a request and decodes the answer. valid reports whether the answer is
// what the path gives; want says what that is.
func get[T any](ctx context.Context, a *api, q request, want string, valid func(T) bool) (answer T, err error) {
	body, err := a.ask(ctx, q)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(body, &answer); err != nil || !valid(answer) {
		return answer, collectors.Failed(evidence.ReasonUndecodable, q.call(), "the answer has no %s", want)
	}
	return answer, nil
}

// statuses are the workflow statuses of a site.
type statuses struct {
	// categories are the categories by the ids of the statuses.
	categories map[string]string
	// ids are the ids by the names, folded. Several teams may use one name.
	ids map[string][]string
	// names are as the site writes them.
	names []string
}

func (a *api) statuses(ctx context.Context) (*statuses, error) {
	type status struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Category keyed  `json:"statusCategory"`
	}
	list, err := get(ctx, a, request{path: pathStatus}, "list of statuses", func(list []status) bool { return len(list) > 0 })
	if err != nil {
		return nil, err
	}
	found := &statuses{categories: make(map[string]string, len(list)), ids: map[string][]string{}}
	for _, s := range list {
		found.categories[s.ID] = s.Category.Key
		found.ids[fold(s.Name)] = append(found.ids[fold(s.Name)], s.ID)
		found.names = append(found.names, s.Name)
	}
	return found, nil
}

// remoteLink is the first web link of an issue; empty when it has none. known is
// false when the account cannot see the issue any more, so that its links are
// unknown.
func (a *api) remoteLink(ctx context.Context, key string) (link string, known bool, err error) {
	type webLink struct {
		Object struct {
			URL string `json:"url"`
		} `json:"object"`
	}
	path := pathIssue + url.PathEscape(key) + "/remotelink"
	links, err := get(ctx, a, request{path: path}, "list of links", func(links *[]webLink) bool { return links != nil })
	if failed, ok := errors.AsType[*collectors.CallError](err); ok && failed.Reason == evidence.ReasonNotFound {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	for _, l := range *links {
		if l.Object.URL != "" {
			return l.Object.URL, true, nil
		}
	}
	return "", true, nil
}

// whoAmI asks for the account of the credential. It is an error when the answer
// names none: a proxy may have answered instead of the site.
func (a *api) whoAmI(ctx context.Context) error {
	type account struct {
		ID   string `json:"accountId"`
		Name string `json:"name"`
	}
	_, err := get(ctx, a, request{path: pathMyself}, "account", func(a account) bool { return a.ID != "" || a.Name != "" })
	return err
}

func incomplete(call, format string, args ...any) error {
	return collectors.Failed(evidence.ReasonIncomplete, call, format, args...)
}
