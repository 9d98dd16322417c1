package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// statusClient turns the answers that the library only half understands into
// errors with a reason. Errors of the query itself (400 and 422) are left to
// the library, which reads them whole.
type statusClient struct {
	promapi.Client
	parameters map[string]string
}

// ownParameters are what requests set themselves.
func ownParameters() []string {
	return []string{"query", "time", "timeout", "start", "end", "step", "match[]", "type", "exclude_alerts"}
}

// partialAnswer is how VictoriaMetrics says that a part of its storage did not
// answer; it stands before the data.
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
		return resp, body, &collectors.CallError{Reason: evidence.ReasonIncomplete,
			Err: errors.New("the server says that a part of its storage did not answer")}
	}
	if err != nil || resp.StatusCode < 400 || resp.StatusCode == http.StatusBadRequest ||
		resp.StatusCode == http.StatusUnprocessableEntity {
		return resp, body, err
	}
	failed := &collectors.CallError{Reason: collectors.ReasonOfStatus(resp.StatusCode), Status: resp.StatusCode,
		Err: errors.New(http.StatusText(resp.StatusCode))}
	var said struct {
		Type  v1.ErrorType `json:"errorType"`
		Error string       `json:"error"`
	}
	if json.Unmarshal(body, &said) == nil && said.Type != "" {
		failed.Err = errors.New(evidence.Clean(string(said.Type)+": "+said.Error, 300))
		if said.Type == v1.ErrTimeout || said.Type == v1.ErrCanceled {
			// The server gave up a query of its own; nobody asked it to.
			failed.Reason = evidence.ReasonTimeout
		}
	}
	return resp, body, failed
}

// query evaluates PromQL at one moment. Its errors are *CallError. Notices are
// what the server remarked about an answer that is complete.
func (a *api) query(ctx context.Context, text string, at time.Time) (v model.Vector, notices []string, err error) {
	value, warnings, infos, err := a.v1.Query(ctx, text, at, v1.WithTimeout(a.timeout))
	if err != nil {
		return nil, nil, callError(ctx, callQuery, err)
	}
	if notices, err = remarks(callQuery, warnings, infos); err != nil {
		return nil, nil, err
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, nil, &collectors.CallError{Reason: evidence.ReasonUndecodable, Call: callQuery,
			Err: fmt.Errorf("the answer is no vector but %T", value)}
	}
	return vector, notices, nil
}

// remarks are what the server says about an answer that is complete. The error
// is of one that is not.
func remarks(call string, warnings, infos []string) ([]string, error) {
	notices := slices.Clone(infos)
	for _, w := range warnings {
		// The engine marks its own remarks. Every other warning is a store that
		// did not answer: what is missing then is not known to be absent.
		if !strings.HasPrefix(w, "PromQL ") {
			return nil, &collectors.CallError{Reason: evidence.ReasonIncomplete, Call: call,
				Err: fmt.Errorf("a part of the stores did not answer: %s", evidence.Clean(w, 300))}
		}
		notices = append(notices, w)
	}
	slices.Sort(notices)
	return notices, nil
}

// queryRange evaluates PromQL at every step of a span, both ends among them. Its
// errors are *CallError.
func (a *api) queryRange(ctx context.Context, text string, span v1.Range) (model.Matrix, error) {
	value, warnings, infos, err := a.v1.QueryRange(ctx, text, span, v1.WithTimeout(a.timeout))
	if err != nil {
		return nil, callError(ctx, callQueryRange, err)
	}
	if _, err := remarks(callQueryRange, warnings, infos); err != nil {
		return nil, err
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, &collectors.CallError{Reason: evidence.ReasonUndecodable, Call: callQueryRange,
			Err: fmt.Errorf("the answer is no matrix but %T", value)}
	}
	return matrix, nil
}

// get asks for a path below the server's address and decodes the data of its
// answer. Warnings say that the answer may be incomplete.
func (a *api) get(ctx context.Context, call, path string, query url.Values, into any) (warnings []string, err error) {
	u := a.client.URL(path, nil)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &collectors.CallError{Reason: evidence.ReasonRejected, Call: call, Err: err}
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
	undecodable := func(err error) error {
		return &collectors.CallError{Reason: evidence.ReasonUndecodable, Call: call, Status: resp.StatusCode, Err: err}
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil && resp.StatusCode >= 400:
		return nil, &collectors.CallError{Reason: collectors.ReasonOfStatus(resp.StatusCode), Call: call,
			Status: resp.StatusCode, Err: errors.New(http.StatusText(resp.StatusCode))}
	case err != nil:
		return nil, undecodable(fmt.Errorf("the answer is not JSON: is the address that of a Prometheus server? %w", err))
	case resp.StatusCode >= 400 || answer.Status == "error":
		return nil, callError(ctx, call, &v1.Error{Type: answer.ErrorType, Msg: answer.Error})
	case answer.Status != "success":
		return nil, undecodable(errors.New("the answer does not say success"))
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return nil, undecodable(fmt.Errorf("decoding the data: %w", err))
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
	var said *v1.Error
	if !errors.As(err, &said) {
		return &collectors.CallError{Reason: collectors.ReasonOf(ctx, err), Call: call, Err: withoutURL(err)}
	}
	failed := &collectors.CallError{Call: call, Reason: evidence.ReasonServerError,
		Err: errors.New(evidence.Clean(string(said.Type)+": "+said.Msg, 300))}
	switch said.Type {
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

// withoutURL drops the address that http.Client puts before its errors.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
