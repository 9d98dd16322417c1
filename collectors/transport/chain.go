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
	// tokens is nil when no OAuth token is needed.
	tokens *tokens
	// forTokens is set for requests to a token endpoint: they have a credential, and
	// may be repeated although their method is POST.
	forTokens bool
	// secretHeaders and secrets are removed from all that is shown of an answer.
	secretHeaders, secrets []string
	jitter                 func(time.Duration) time.Duration
}

// RoundTrip sends the request, and repeats it where that is allowed and may help.
func (c *chain) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.repeat(req)
	if err == nil {
		resp.Request = req.WithContext(collectors.WithCredential(req.Context(), c.config.Credential))
		return resp, nil
	}
	if failed, ok := err.(*collectors.CallError); ok { //nolint:errorlint // a wrapped one was made elsewhere
		placed := *failed
		placed.Credential = c.config.Credential
		return nil, &placed
	}
	return nil, err
}

func (c *chain) repeat(req *http.Request) (*http.Response, error) {
	call := c.config.Template(req)
	mayRepeat, attempts := c.forTokens || isRepeatable(req), 1
	if mayRepeat {
		attempts = c.config.MaxAttempts
	}
	if req.Body != nil {
		// A RoundTripper closes the body of its request, sent or not.
		defer func(body io.Closer) { _ = body.Close() }(req.Body)
	}
	renewed := false
	for attempt := 1; ; attempt++ {
		authorization, err := c.prepare(req.Context(), call)
		if err != nil {
			return nil, err
		}
		resp, err := c.attempt(req, call, authorization, attempt)
		if isUnauthorized(resp) && c.tokens != nil && !renewed {
			renewed = true
			if c.tokens.drop(req.Context(), authorization) && mayRepeat {
				continue
			}
		}
		wait, again := c.nextAttempt(req.Context(), resp, err, attempt)
		if attempt >= attempts || !again || c.circuit.isOpen(call) {
			return resp, err
		}
		if sleepErr := c.config.Sleep(req.Context(), wait); sleepErr != nil {
			return nil, c.failure(req.Context(), call, sleepErr)
		}
	}
}

func isUnauthorized(resp *http.Response) bool {
	return resp != nil && resp.StatusCode == http.StatusUnauthorized
}

// prepare waits until an attempt may be sent and returns its authorization. While
// the circuit breaker is open the attempt fails without either.
func (c *chain) prepare(ctx context.Context, call string) (authorization string, err error) {
	if c.circuit.isOpen(call) {
		return "", nil
	}
	if err := c.pace.wait(ctx, call); err != nil {
		return "", c.failure(ctx, call, err)
	}
	return c.authorization(ctx, call)
}

// nextAttempt reports whether another attempt may help, and how long to wait before
// it.
func (c *chain) nextAttempt(ctx context.Context, resp *http.Response, err error, attempt int) (time.Duration, bool) {
	if !mayEndDifferently(ctx, resp, err, attempt) {
		return 0, false
	}
	wait := c.jitter(backoff(attempt))
	if resp != nil {
		asked := askedWait(resp, c.config.Now())
		if asked > c.config.MaxWait {
			return 0, false
		}
		wait += asked
	}
	// The time limit must not end before the next attempt begins.
	deadline, ok := ctx.Deadline()
	return wait, !ok || time.Until(deadline) >= wait
}

// authorization is the value of the header of that name; empty when another layer
// sets it.
func (c *chain) authorization(ctx context.Context, call string) (string, error) {
	switch {
	case c.tokens != nil:
		return c.tokens.authorization(ctx)
	case c.config.Authorize != nil:
		value, err := c.config.Authorize()
		if err != nil {
			return "", collectors.Failed(evidence.ReasonUnauthorized, call, "not sent: %w", err)
		}
		return value, nil
	}
	return "", nil
}

// attempt sends the request once and reads the whole answer, unless the circuit
// breaker is open.
func (c *chain) attempt(req *http.Request, call, authorization string, number int) (*http.Response, error) {
	seen := Observation{
		Source: c.config.Source, Call: call, Outcome: OutcomeOK, Attempt: number, RateLimit: -1, RateRemaining: -1,
	}
	defer func() { c.config.Observe(seen) }()
	done, err := c.circuit.allow(call)
	if err != nil {
		seen.Outcome, seen.Unsent = string(evidence.ReasonCircuitOpen), true
		return nil, err
	}
	result := unknown
	defer func() { done(result) }()
	var connected atomic.Bool
	ctx, cancel := context.WithTimeout(req.Context(), c.config.Timeout)
	defer cancel()
	wire := c.wire()
	trace := wire.trace()
	trace.GotConn = func(httptrace.GotConnInfo) { connected.Store(true) }
	started, sent := c.config.Now(), c.config.Wall()
	resp, err := c.send(httptrace.WithClientTrace(ctx, trace), req, call, authorization, wire)
	seen.Duration = c.config.Now().Sub(started)
	if err != nil {
		failed := c.failure(ctx, call, err)
		failed.Err = wire.failure(failed.Err)
		seen.Outcome, seen.Status = string(failed.Reason), failed.Status
		result = resultOfFailure(req.Context(), failed, connected.Load())
		return nil, failed
	}
	seen.Status = resp.StatusCode
	seen.ClockOffset, seen.Dated = clockOffset(resp.Header, sent, c.config.Wall())
	if err := checkClock(call, seen.ClockOffset); err != nil {
		seen.Outcome, result = string(err.Reason), answered
		return nil, err
	}
	if resp.StatusCode >= 400 {
		seen.Outcome = string(collectors.ReasonOfStatus(resp.StatusCode))
	}
	budget := readBudget(resp.Header, c.config.Now())
	seen.RateLimit, seen.RateRemaining = budget.limit, budget.remaining
	c.pace.update(call, resp, budget)
	// A refusal is an answer: a credential that is not accepted or a request that is
	// wrong does not predict how the next one ends.
	result = answered
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented {
		result = failing
	}
	return resp, nil
}

// resultOfFailure is what an attempt without a whole answer shows about the source.
func resultOfFailure(ctx context.Context, failed *collectors.CallError, connected bool) result {
	noAnswer := failed.Reason == evidence.ReasonTimeout || failed.Reason == evidence.ReasonUnreachable
	switch {
	case failed.Reason == evidence.ReasonTooLarge:
		return answered
	case ctx.Err() != nil || !noAnswer:
		return unknown
	case connected:
		return failing
	}
	return unconnected
}

// send makes one attempt. It reads the answer's body to its end, so that a reset in
// the middle of it is a failed attempt like any other.
func (c *chain) send(
	ctx context.Context, req *http.Request, call, authorization string, wire *wire,
) (*http.Response, error) {
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
	fail := func(reason evidence.Reason, format string, args ...any) (*http.Response, error) {
		failed := collectors.Failed(reason, call, format, args...)
		failed.Status = resp.StatusCode
		return nil, failed
	}
	if resp.ContentLength > limit {
		return fail(evidence.ReasonTooLarge, "the answer is larger than %d bytes", limit)
	}
	var content bytes.Buffer
	if resp.ContentLength > 0 {
		content.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	switch n, err := content.ReadFrom(io.LimitReader(resp.Body, limit+1)); {
	case err != nil:
		return fail(collectors.ReasonOf(ctx, err), "the answer ended after %d bytes: %w", n, err)
	case n > limit:
		return fail(evidence.ReasonTooLarge, "the answer is larger than %d bytes", limit)
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

// failure makes the error of a call that has no whole answer.
func (c *chain) failure(ctx context.Context, call string, err error) *collectors.CallError {
	if known, ok := errors.AsType[*collectors.CallError](err); ok {
		return known
	}
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refusedToken(call, refused)
	}
	reason := collectors.ReasonOf(ctx, err)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		// The only files that are read here are credentials and certificates.
		reason = evidence.ReasonUnauthorized
	}
	return collectors.Failed(reason, call, "%w", err)
}

// isRepeatable reports whether sending the request twice does no harm: by its
// method, or because it is marked as net/http documents it, with a header
// Idempotency-Key or X-Idempotency-Key (present but empty is not sent).
func isRepeatable(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	_, marked := req.Header["Idempotency-Key"]
	_, markedX := req.Header["X-Idempotency-Key"]
	return marked || markedX
}

// maxTimeouts is how often a request is sent that the source does not answer in
// time: each attempt takes the whole time limit.
const maxTimeouts = 2

// mayEndDifferently reports whether another attempt may end differently.
func mayEndDifferently(ctx context.Context, resp *http.Response, err error, attempt int) bool {
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
	reason := collectors.ReasonOf(ctx, err)
	return reason == evidence.ReasonUnreachable || reason == evidence.ReasonTimeout && attempt < maxTimeouts
}

// backoff is the longest wait before the attempt after this one, without what the
// server asks for: 1, 2, 4 seconds and so on, at most 30.
func backoff(attempt int) time.Duration {
	return min(time.Second<<min(attempt-1, 10), 30*time.Second)
}
