package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// chain is the http.RoundTripper that all requests of one source pass.
type chain struct {
	next    http.RoundTripper
	config  Config
	pace    *pace
	circuit *circuit
	// tokens is nil when the credential needs no asking for.
	tokens *tokens
	// forTokens is set for requests to a token endpoint: they bring their own
	// credential, and may be repeated though they are no GET.
	forTokens bool
	// secretHeaders and secrets are what must not come back to be shown.
	secretHeaders, secrets []string
	jitter                 func(time.Duration) time.Duration
}

// RoundTrip sends the request, as often as it may and has to.
func (c *chain) RoundTrip(req *http.Request) (*http.Response, error) {
	call := c.config.Template(req)
	attempts := 1
	again := c.forTokens || repeatable(req)
	if again {
		attempts = c.config.MaxAttempts
	}
	renewed := false
	body := req.Body
	defer func() {
		// A RoundTripper closes the body of its request, sent or not.
		if body != nil {
			_ = body.Close()
		}
	}()
	for attempt := 1; ; attempt++ {
		if c.circuit.refuses(call) {
			// Not a token of the rate is spent on it.
			return c.attempt(req, call, "", attempt)
		}
		if err := c.pace.wait(req.Context(), call); err != nil {
			return nil, c.failure(req.Context(), call, err)
		}
		authorization, err := c.authorization(req.Context(), call)
		if err != nil {
			return nil, err
		}
		resp, err := c.attempt(req, call, authorization, attempt)
		if err == nil && resp.StatusCode == http.StatusUnauthorized && c.tokens != nil && !renewed {
			renewed = true
			if c.tokens.drop(req.Context(), authorization) && again {
				continue
			}
		}
		if attempt >= attempts || !worthRepeating(req.Context(), resp, err, attempt) || c.circuit.refuses(call) {
			return resp, err
		}
		wait := c.jitter(backoff(attempt))
		if resp != nil {
			asked := askedWait(resp, c.config.Now())
			if asked > c.config.MaxWait {
				return resp, nil
			}
			wait += asked
		}
		if deadline, ok := req.Context().Deadline(); ok && time.Until(deadline) < wait {
			return resp, err // it would be over before the next attempt began
		}
		if sleepErr := c.config.Sleep(req.Context(), wait); sleepErr != nil {
			return nil, c.failure(req.Context(), call, sleepErr)
		}
	}
}

// authorization is the header of that name, empty when what is below the chain
// makes it.
func (c *chain) authorization(ctx context.Context, call string) (string, error) {
	switch {
	case c.tokens != nil:
		return c.tokens.authorization(ctx)
	case c.config.Authorize != nil:
		value, err := c.config.Authorize()
		if err != nil {
			return "", &collectors.CallError{Reason: evidence.ReasonUnauthorized, Call: call,
				Err: fmt.Errorf("not sent: %w", err)}
		}
		return value, nil
	}
	return "", nil
}

// attempt sends the request once and reads the whole answer, unless the circuit
// is open.
func (c *chain) attempt(req *http.Request, call, authorization string, number int) (*http.Response, error) {
	done, err := c.circuit.allow(call)
	if err != nil {
		c.config.Observe(Observation{
			Source: c.config.Source, Call: call, Outcome: string(evidence.ReasonCircuitOpen), Attempt: number,
			Unsent: true, RateLimit: -1, RateRemaining: -1,
		})
		return nil, err
	}
	said := silent
	defer func() { done(said) }()
	var connected atomic.Bool
	ctx, cancel := context.WithTimeout(req.Context(), c.config.Timeout)
	defer cancel()
	wire := c.wire()
	watch := wire.trace()
	watch.GotConn = func(httptrace.GotConnInfo) { connected.Store(true) }
	started := c.config.Now()
	resp, err := c.send(httptrace.WithClientTrace(ctx, watch), req, authorization, wire)
	if err != nil {
		failed := c.failure(ctx, call, err)
		failed.Err = wire.failure(failed.Err)
		err = failed
	}
	seen := Observation{
		Source: c.config.Source, Call: call, Outcome: OutcomeOK, Attempt: number,
		Duration: c.config.Now().Sub(started), RateLimit: -1, RateRemaining: -1,
	}
	switch {
	case err != nil:
		var failed *collectors.CallError
		errors.As(err, &failed)
		seen.Outcome, seen.Status = string(failed.Reason), failed.Status
	default:
		seen.Status = resp.StatusCode
		if resp.StatusCode >= 400 {
			seen.Outcome = string(collectors.ReasonOfStatus(resp.StatusCode))
		}
		budget := readBudget(resp.Header, c.config.Now())
		seen.RateLimit, seen.RateRemaining = budget.limit, budget.remaining
		c.pace.learn(call, resp, budget)
	}
	said = judge(req.Context(), resp, err, connected.Load())
	c.config.Observe(seen)
	return resp, err
}

// judge tells what an attempt says about the source. A refusal is an answer:
// a credential that is not accepted or a request that is wrong says nothing
// about the next one, which fails fast and with a reason of its own.
func judge(ctx context.Context, resp *http.Response, err error, connected bool) verdict {
	if err == nil {
		if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented {
			return failing
		}
		return alive
	}
	var failed *collectors.CallError
	errors.As(err, &failed)
	switch {
	case failed.Reason == evidence.ReasonTooLarge:
		return alive
	case ctx.Err() != nil || (failed.Reason != evidence.ReasonTimeout && failed.Reason != evidence.ReasonUnreachable):
		return silent
	case connected:
		return failing
	}
	return absent
}

// send does one attempt and leaves nothing open: the answer's body is read to
// its end, so that a reset in mid-body is a failed attempt like any other.
func (c *chain) send(ctx context.Context, req *http.Request, authorization string, wire *wire) (*http.Response, error) {
	out := req.Clone(ctx)
	if !c.forTokens {
		out.Header.Del("Authorization")
	}
	if authorization != "" {
		out.Header.Set("Authorization", authorization)
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody != nil {
		fresh, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("body of the request: %w", err)
		}
		out.Body = fresh
	}
	resp, err := c.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	limit := c.config.MaxResponseBytes
	if resp.ContentLength > limit {
		return nil, &tooLarge{limit: limit, status: resp.StatusCode}
	}
	var content bytes.Buffer
	if resp.ContentLength > 0 {
		content.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	switch n, err := content.ReadFrom(io.LimitReader(resp.Body, limit+1)); {
	case err != nil:
		return nil, &cutShort{read: n, status: resp.StatusCode, err: err}
	case n > limit:
		return nil, &tooLarge{limit: limit, status: resp.StatusCode}
	}
	clean := wire.answer(resp, content.Bytes())
	resp.Body = io.NopCloser(bytes.NewReader(clean))
	resp.ContentLength = int64(len(clean))
	resp.TransferEncoding = nil
	resp.Request = req
	return resp, nil
}

// CloseIdleConnections releases the connections kept for later requests.
func (c *chain) CloseIdleConnections() {
	if c.tokens != nil {
		c.tokens.client.CloseIdleConnections()
	}
	if closer, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// tooLarge and cutShort are answers that began and cannot be used.
type tooLarge struct {
	limit  int64
	status int
}

func (e *tooLarge) Error() string {
	return fmt.Sprintf("the answer is larger than %d bytes", e.limit)
}

type cutShort struct {
	read   int64
	status int
	err    error
}

func (e *cutShort) Error() string {
	return fmt.Sprintf("the answer ended after %d bytes: %v", e.read, e.err)
}

func (e *cutShort) Unwrap() error { return e.err }

// failure makes the error of a call that has no whole answer.
func (c *chain) failure(ctx context.Context, call string, err error) *collectors.CallError {
	if known, ok := errors.AsType[*collectors.CallError](err); ok {
		return known
	}
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refusedToken(call, refused)
	}
	failed := &collectors.CallError{Call: call, Err: err}
	var large *tooLarge
	var file *fs.PathError
	switch {
	case errors.As(err, &large):
		failed.Reason, failed.Status = evidence.ReasonTooLarge, large.status
	case errors.As(err, &file):
		// The only files read on the way are credentials and certificates.
		failed.Reason = evidence.ReasonUnauthorized
	default:
		failed.Reason = collectors.ReasonOf(ctx, err)
		if cut, ok := errors.AsType[*cutShort](err); ok {
			failed.Status = cut.status
		}
	}
	return failed
}

// repeatable reports whether sending the request twice does no harm: by its
// method, or because it is marked as net/http documents it, with a header
// Idempotency-Key or X-Idempotency-Key (present but empty is not sent).
func repeatable(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	_, marked := req.Header["Idempotency-Key"]
	_, marked2 := req.Header["X-Idempotency-Key"]
	return marked || marked2
}

// timeoutAttempts is how often a request is sent that the source did not answer
// in time: each attempt takes as long as one may.
const timeoutAttempts = 2

// worthRepeating reports whether another attempt may end differently.
func worthRepeating(ctx context.Context, resp *http.Response, err error, attempt int) bool {
	if ctx.Err() != nil {
		return false
	}
	if err == nil {
		switch resp.StatusCode {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	var failed *collectors.CallError
	errors.As(err, &failed)
	return failed.Reason == evidence.ReasonUnreachable ||
		(failed.Reason == evidence.ReasonTimeout && attempt < timeoutAttempts)
}

// backoff is the span that the wait before the attempt after this one is drawn
// from: 1, 2, 4 … seconds, at most 30.
func backoff(attempt int) time.Duration {
	return min(time.Second<<min(attempt-1, 10), 30*time.Second)
}
