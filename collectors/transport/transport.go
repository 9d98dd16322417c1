// Package transport is the one way out: every request of every source passes
// the same chain, which measures, paces, bounds and repeats it, and leaves a
// source alone that does not answer.
//
// What a caller gets is simple. If the server answered, the answer is returned
// whatever its status, after repeats where they may help, with its body
// complete in memory: a non-2xx status is the caller's to classify with
// collectors.ReasonOfStatus. If there was no whole answer (no connection, a
// reset or an end in mid-body, a time-out, a body beyond the limit, a
// credential file that cannot be read, an open circuit), the error is a *collectors.CallError
// that errors.As finds through the *url.Error of http.Client.
package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Defaults of Config.
const (
	DefaultRatePerMinute    = 600
	DefaultBudgetShare      = 0.5
	DefaultMaxAttempts      = 4
	DefaultMaxResponseBytes = 32 << 20
	DefaultTimeout          = 30 * time.Second
	DefaultMaxWait          = 2 * time.Minute
)

// OutcomeOK is the Observation.Outcome of an attempt that was answered with a
// status below 400. All other outcomes are a evidence.Reason.
const OutcomeOK = "ok"

// Unlimited as Config.RatePerMinute turns the token bucket off; the server's
// own rate limit headers are still honoured.
const Unlimited = -1

// Config says how to reach one upstream.
type Config struct {
	// Source is the instance the requests are for, pagerduty/main. Required.
	Source string
	// HTTP holds credentials, TLS and proxy. It is the only place credentials
	// come from: an Authorization header that a client library sets is removed,
	// because it would win over a credential file that has been rotated. OAuth
	// tokens by client credentials are got and renewed here: their requests are
	// measured as calls of the source, and one that is refused (401) is replaced.
	HTTP config.HTTPClientConfig
	// Authorize gives the value of the Authorization header for one attempt, for
	// credentials that HTTP cannot say. Its errors must not hold the credential.
	// Nil means that HTTP says it.
	Authorize func() (string, error)
	// TokenInBody sends the client's id and secret in the body of requests for
	// an OAuth token, as PagerDuty wants it; otherwise both ways are tried.
	TokenInBody bool
	// RatePerMinute is the upstream's whole budget of requests a minute for
	// this account; 0 means DefaultRatePerMinute, Unlimited means no limit.
	RatePerMinute float64
	// BudgetShare is the share of the budget that may be used, above 0 and at
	// most 1; 0 means DefaultBudgetShare. The rest is left to the account's
	// other users.
	BudgetShare float64
	// MaxAttempts is how often a request is sent at most; 0 means
	// DefaultMaxAttempts, 1 means that nothing is repeated.
	MaxAttempts int
	// MaxResponseBytes bounds one answer; 0 means DefaultMaxResponseBytes.
	MaxResponseBytes int64
	// Timeout bounds one attempt from connecting to the last byte of its
	// body; 0 means DefaultTimeout. The whole call is bounded by the request's
	// context.
	Timeout time.Duration
	// MaxWait is the longest time a call waits for the server's permission to
	// go on; 0 means DefaultMaxWait. A server that asks for more gets none:
	// its answer is returned at once, and calls until then fail unsent.
	MaxWait time.Duration
	// Now is the clock that rates and waits are measured by; it has to move on
	// by itself or by Sleep. Nil means time.Now.
	Now func() time.Time
	// Sleep waits for d or until ctx ends, whose error it returns. Nil means a
	// timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Observe is told about every attempt, in the goroutine of the request. It
	// may be nil.
	Observe func(Observation)
	// Circuit is told when the circuit of the source opens and closes: whether
	// calls fail unsent because the source failed too often. It may be nil.
	Circuit func(open bool)
	// Template names a call without ids or parameters: GET /incidents. Its
	// answers must be few, as they become a metric's label. Nil means
	// DefaultTemplate.
	Template func(*http.Request) string
}

// Observation is what is known about one attempt of a call.
type Observation struct {
	// Source and Call are Config.Source and the template of the call.
	Source, Call string
	// Outcome is OutcomeOK or a evidence.Reason.
	Outcome string
	// Attempt counts from 1.
	Attempt int
	// Unsent is set when the circuit was open and nothing was sent.
	Unsent bool
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Duration is from sending to the last byte, without waiting before it.
	Duration time.Duration
	// RateLimit and RateRemaining are the upstream's budget of requests as its
	// headers tell it, -1 when they do not.
	RateLimit, RateRemaining float64
}

// New makes a client whose requests pass the chain. It is safe for concurrent
// use. CloseIdleConnections of the client releases its connections.
func New(cfg Config) (*http.Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	var tokens *tokens
	settings := cfg.HTTP
	if o := settings.OAuth2; o != nil && (o.GrantType == "" || o.GrantType == grantClientCredentials) {
		if tokens, err = newTokens(cfg); err != nil {
			return nil, fmt.Errorf("HTTP client of %s: OAuth: %w", cfg.Source, err)
		}
		settings.OAuth2 = nil
	}
	client, err := config.NewClientFromConfig(settings, cfg.Source)
	if err != nil {
		return nil, fmt.Errorf("HTTP client of %s: %w", cfg.Source, err)
	}
	out := newChain(cfg, client.Transport)
	out.tokens = tokens
	client.Transport = out
	if settings.FollowRedirects {
		client.CheckRedirect = func(req *http.Request, via []*http.Request) error { return redirect(cfg.Template, req, via) }
	}
	return client, nil
}

// maxRedirects bounds a chain of redirects, as net/http does.
const maxRedirects = 10

// redirect allows redirects within the server only. Elsewhere the credentials
// do not belong, and without them nothing is answered but a login page.
func redirect(template func(*http.Request) string, req *http.Request, via []*http.Request) error {
	first := via[0].URL
	secured := first.Scheme == "http" && req.URL.Scheme == "https" && first.Hostname() == req.URL.Hostname()
	if !secured && (first.Host != req.URL.Host || first.Scheme != req.URL.Scheme) {
		return &collectors.CallError{
			Reason: evidence.ReasonRejected, Call: template(via[0]), Status: req.Response.StatusCode,
			Err: errors.New("the answer sends us to another server, which gets no credentials: correct the address, or the credential if that is a login page"),
		}
	}
	if len(via) >= maxRedirects {
		return &collectors.CallError{Reason: evidence.ReasonRejected, Call: template(via[0]), Status: req.Response.StatusCode,
			Err: fmt.Errorf("no end after %d redirects", maxRedirects)}
	}
	return nil
}

func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Source == "" {
		bad("the source's name is missing")
	}
	switch {
	case c.RatePerMinute == 0:
		c.RatePerMinute = DefaultRatePerMinute
	case c.RatePerMinute < 0 && c.RatePerMinute != Unlimited:
		bad("rate per minute %g: want more than 0, or %d for no limit", c.RatePerMinute, Unlimited)
	}
	if c.BudgetShare == 0 {
		c.BudgetShare = DefaultBudgetShare
	}
	if !(c.BudgetShare > 0 && c.BudgetShare <= 1) {
		bad("budget share %g: want more than 0 and at most 1", c.BudgetShare)
	}
	c.MaxAttempts = orDefault(c.MaxAttempts, DefaultMaxAttempts)
	c.MaxResponseBytes = orDefault(c.MaxResponseBytes, DefaultMaxResponseBytes)
	c.Timeout = orDefault(c.Timeout, DefaultTimeout)
	c.MaxWait = orDefault(c.MaxWait, DefaultMaxWait)
	if c.MaxAttempts < 0 || c.MaxResponseBytes < 0 || c.Timeout < 0 || c.MaxWait < 0 {
		bad("attempts, response bytes, timeout and wait must not be negative")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Observe == nil {
		c.Observe = func(Observation) {}
	}
	if c.Circuit == nil {
		c.Circuit = func(bool) {}
	}
	if c.Template == nil {
		c.Template = DefaultTemplate
	}
	if err := errors.Join(errs...); err != nil {
		return c, fmt.Errorf("HTTP client of %s: %w", c.Source, err)
	}
	return c, nil
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
