package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// The names of the calls in errors.
const (
	callQuery       = "query"
	callQueryRange  = "query range"
	callRules       = "rules"
	callLabelValues = "label values"
)

// api makes the calls to one server.
type api struct {
	client  promapi.Client
	v1      v1.API
	timeout time.Duration
}

func newAPI(address string, client *http.Client, timeout time.Duration, parameters map[string]string) (*api, error) {
	inner, err := promapi.NewClient(promapi.Config{Address: address, Client: client})
	if err != nil {
		return nil, err
	}
	statuses := statusClient{inner, parameters}
	return &api{client: statuses, v1: v1.NewAPI(statuses), timeout: timeout}, nil
}

// statusClient adds a reason to error answers that the library does not classify.
// Errors of the query itself (400 and 422) are left to the library.
type statusClient struct {
	promapi.Client
	parameters map[string]string
}

// ownParameters are the parameters that requests set themselves.
func ownParameters() []string {
	return []string{"query", "time", "timeout", "start", "end", "step", "match[]", "type", "exclude_alerts"}
}

// partialAnswer is what VictoriaMetrics writes before the data when a part of its
// storage did not answer.
var partialAnswer = []byte(`"isPartial":true`)

// Do sends a request.
func (c statusClient) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	if len(c.parameters) > 0 {
		query := req.URL.Query()
		for name, value := range c.parameters {
			query.Set(name, value)
		}
		req.URL.RawQuery = query.Encode()
	}
	resp, body, err := c.Client.Do(ctx, req)
	if err == nil && bytes.Contains(body[:min(len(body), 200)], partialAnswer) {
		return resp, body, collectors.Failed(evidence.ReasonIncomplete, "",
			"the server says that a part of its storage did not answer")
	}
	if err != nil || resp.StatusCode < 400 || resp.StatusCode == http.StatusBadRequest ||
		resp.StatusCode == http.StatusUnprocessableEntity {
		return resp, body, err
	}
	failed := refused(resp)
	var serverSaid struct {
		Type  v1.ErrorType `json:"errorType"`
		Error string       `json:"error"`
	}
	if json.Unmarshal(body, &serverSaid) == nil && serverSaid.Type != "" {
		failed.Err = serverError(serverSaid.Type, serverSaid.Error)
		if serverSaid.Type == v1.ErrTimeout || serverSaid.Type == v1.ErrCanceled {
			// The server stopped the query; the client has not asked it to.
			failed.Reason = evidence.ReasonTimeout
		}
	}
	return resp, body, failed
}

// refused is the error of an answer with a status of 400 and above.
func refused(resp *http.Response) *collectors.CallError {
	return collectors.Refusal(collectors.ReasonOfStatus(resp.StatusCode), "", resp,
		errors.New(http.StatusText(resp.StatusCode)))
}

// serverError is what the server says about a failure.
func serverError(kind v1.ErrorType, message string) error {
	return errors.New(evidence.Clean(string(kind)+": "+message, 300))
}

// query evaluates PromQL at one moment. Its errors are *CallError. notices are the
// server's remarks about an answer that is complete.
func (a *api) query(ctx context.Context, text string, at time.Time) (v model.Vector, notices []string, err error) {
	value, warnings, infos, err := a.v1.Query(ctx, text, at, v1.WithTimeout(a.timeout))
	return evaluated[model.Vector](ctx, callQuery, value, warnings, infos, err)
}

// queryRange evaluates PromQL at every step of a span, both ends among them. Its
// errors are *CallError.
func (a *api) queryRange(ctx context.Context, text string, span v1.Range) (model.Matrix, error) {
	value, warnings, infos, err := a.v1.QueryRange(ctx, text, span, v1.WithTimeout(a.timeout))
	matrix, _, err := evaluated[model.Matrix](ctx, callQueryRange, value, warnings, infos, err)
	return matrix, err
}

// evaluated checks an answer, and returns it with the server's remarks.
func evaluated[T model.Value](
	ctx context.Context, call string, value model.Value, warnings, infos []string, err error,
) (typed T, notices []string, _ error) {
	if err != nil {
		return typed, nil, callError(ctx, call, err)
	}
	notices = slices.Clone(infos)
	for _, w := range warnings {
		// The engine marks its own remarks. Any other warning is about a store that did
		// not answer, so missing series may exist.
		if !strings.HasPrefix(w, "PromQL ") {
			return typed, nil, collectors.Failed(evidence.ReasonIncomplete, call,
				"a part of the stores did not answer: %s", evidence.Clean(w, 300))
		}
		notices = append(notices, w)
	}
	slices.Sort(notices)
	typed, ok := value.(T)
	if !ok {
		return typed, nil, collectors.Failed(evidence.ReasonUndecodable, call, "the answer is no %s but %T", typed.Type(),
			value)
	}
	return typed, notices, nil
}

// get asks for a path below the server's address and decodes the data of its
// answer. Warnings mean that the answer may be incomplete.
func (a *api) get(ctx context.Context, call, path string, query url.Values, into any) (warnings []string, err error) {
	u := a.client.URL(path, nil)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, collectors.Failed(evidence.ReasonRejected, call, "%w", err)
	}
	resp, body, err := a.client.Do(ctx, req)
	if err != nil {
		return nil, callError(ctx, call, err)
	}
	var answer struct {
		Status    string          `json:"status"`
		Data      json.RawMessage `json:"data"`
		ErrorType v1.ErrorType    `json:"errorType"`
		Error     string          `json:"error"`
		Warnings  []string        `json:"warnings"`
	}
	undecodable := func(format string, args ...any) error {
		failed := collectors.Failed(evidence.ReasonUndecodable, call, format, args...)
		failed.Status = resp.StatusCode
		return failed
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil && resp.StatusCode >= 400:
		return nil, callError(ctx, call, refused(resp))
	case err != nil:
		return nil, undecodable("the answer is not JSON: is the address that of a Prometheus server? %w", err)
	case resp.StatusCode >= 400 || answer.Status == "error":
		return nil, callError(ctx, call, &v1.Error{Type: answer.ErrorType, Msg: answer.Error})
	case answer.Status != "success":
		return nil, undecodable("the answer does not say success")
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return nil, undecodable("decoding the data: %w", err)
	}
	return answer.Warnings, nil
}

// callError classifies a failure.
func callError(ctx context.Context, call string, err error) error {
	if known, ok := errors.AsType[*collectors.CallError](err); ok {
		named := *known
		named.Call = call
		return &named
	}
	serverSaid, ok := errors.AsType[*v1.Error](err)
	if !ok {
		return collectors.Failed(collectors.ReasonOf(ctx, err), call, "%w", collectors.WithoutURL(err))
	}
	failed := &collectors.CallError{
		Call: call, Reason: evidence.ReasonServerError, Err: serverError(serverSaid.Type, serverSaid.Msg),
	}
	switch serverSaid.Type {
	case v1.ErrBadData, v1.ErrExec, v1.ErrClient, "not_acceptable":
		failed.Reason = evidence.ReasonRejected
	case v1.ErrTimeout, v1.ErrCanceled:
		failed.Reason = evidence.ReasonTimeout
	case v1.ErrBadResponse:
		failed.Reason = evidence.ReasonUndecodable
	case "not_found":
		failed.Reason = evidence.ReasonNotFound
	}
	return failed
}
