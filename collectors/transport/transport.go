// Package transport sends the requests of all sources. Each passes the same chain,
// which measures, throttles, bounds and repeats it, and has a circuit breaker for a
// source that does not answer.
//
// If the server answered, the answer is returned whatever its status, after repeats
// where they may help, with its body complete in memory: the caller classifies a
// status other than 2xx with collectors.ReasonOfStatus. If there was no whole answer
// (no connection, a reset or an end in the middle of the body, a time-out, a body
// beyond the limit, a credential file that cannot be read, an open circuit breaker),
// the error is a *collectors.CallError that errors.As finds through the *url.Error of
// http.Client.
package transport

import (
	"cmp"
	"context"
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
// status below 400. All other outcomes are an evidence.Reason.
const OutcomeOK = "ok"

// Unlimited as Config.RatePerMinute turns the token bucket off; the server's
// own rate limit headers are still honoured.
const Unlimited = -1

// Config says how to reach one upstream.
type Config struct {
	// Source is the instance the requests are for, pagerduty/main. Required.
	Source string
	// HTTP holds credentials, TLS and proxy. Credentials come from nowhere else: an
	// Authorization header that a client library sets is removed, because it would
	// replace that of a credential file that was rotated. OAuth tokens by client
	// credentials are fetched and renewed here: their requests are measured as calls
	// of the source, and a token that is refused (401) is replaced.
	HTTP config.HTTPClientConfig
	// Authorize gives the value of the Authorization header for one attempt, for
	// credentials that HTTP cannot say. Its errors must not hold the credential.
	// Nil means that HTTP says it.
	Authorize func() (string, error)
	// Credential says where the credential is configured; see collectors.CallError. Errors
	// about a credential that is refused say it.
	Credential string
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
	// OneQuota says that the calls of the account share a quota, so that a refusal with
	// status 429 pauses all of them. Otherwise it pauses the call that was refused.
	OneQuota bool
	// MaxAttempts is how often a request is sent at most; 0 means
	// DefaultMaxAttempts, 1 means that nothing is repeated.
	MaxAttempts int
	// MaxResponseBytes bounds one answer; 0 means DefaultMaxResponseBytes.
	MaxResponseBytes int64
	// Timeout bounds one attempt from connecting to the last byte of its
	// body; 0 means DefaultTimeout. The whole call is bounded by the request's
	// context.
	Timeout time.Duration
	// MaxWait is the longest pause that a call waits when the server asks for one; 0
	// means DefaultMaxWait. When it asks for more, its answer is returned at once, and
	// calls until then fail unsent.
	MaxWait time.Duration
	// Now is the clock that rates and waits are measured by; time has to pass on it, at
	// least with Sleep. Nil means time.Now.
	Now func() time.Time
	// Sleep waits for d or until ctx ends, whose error it returns. Nil means a
	// timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Wall is the clock of this machine, which is compared with the Date of answers;
	// nil means time.Now. Unlike Now it is never simulated.
	Wall func() time.Time
	// Observe is called with every attempt, in the goroutine of the request. It may be
	// nil.
	Observe func(Observation)
	// Circuit is called when the circuit breaker of the source opens and closes: while
	// it is open, calls fail unsent because the source failed too often. It may be nil.
	Circuit func(open bool)
	// Template names a call without ids or parameters: GET /incidents. It must give few
	// different names, because they are values of a metric's label. Nil means
	// DefaultTemplate.
	Template func(*http.Request) string
}

// Observation is what is known about one attempt of a call.
type Observation struct {
	// Source and Call are Config.Source and the template of the call.
	Source, Call string
	// Outcome is OutcomeOK or an evidence.Reason.
	Outcome string
	// Attempt counts from 1.
	Attempt int
	// Unsent is set when the circuit breaker was open and nothing was sent.
	Unsent bool
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Duration is from sending to the last byte, without waiting before it.
	Duration time.Duration
	// RateLimit and RateRemaining are the upstream's budget of requests by its headers,
	// -1 when they do not have it.
	RateLimit, RateRemaining float64
	// ClockOffset is by how much this machine's clock is ahead of the server's, below
	// zero behind it, by the Date of the answer and to the second. Dated is false, and
	// ClockOffset zero, if the answer has none.
	ClockOffset time.Duration
	Dated       bool
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

// redirect allows redirects within the server only. Another server must not get the
// credentials, and without them it answers only with a login page.
func redirect(template func(*http.Request) string, req *http.Request, via []*http.Request) error {
	first := via[0].URL
	secured := first.Scheme == "http" && req.URL.Scheme == "https" && first.Hostname() == req.URL.Hostname()
	var problem string
	switch {
	case !secured && (first.Host != req.URL.Host || first.Scheme != req.URL.Scheme):
		problem = "the answer redirects to another server, which gets no credentials: correct the address, " +
			"or the credential if that is a login page"
	case len(via) >= maxRedirects:
		problem = fmt.Sprintf("no end after %d redirects", maxRedirects)
	default:
		return nil
	}
	failed := collectors.Failed(evidence.ReasonRejected, template(via[0]), "%s", problem)
	failed.Status = req.Response.StatusCode
	return failed
}

func (c Config) withDefaults() (Config, error) {
	c.RatePerMinute = cmp.Or(c.RatePerMinute, DefaultRatePerMinute)
	c.BudgetShare = cmp.Or(c.BudgetShare, DefaultBudgetShare)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, DefaultMaxAttempts)
	c.MaxResponseBytes = cmp.Or(c.MaxResponseBytes, DefaultMaxResponseBytes)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.MaxWait = cmp.Or(c.MaxWait, DefaultMaxWait)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wall == nil {
		c.Wall = time.Now
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
	if err := c.check(); err != nil {
		return c, fmt.Errorf("HTTP client of %s: %w", c.Source, err)
	}
	return c, nil
}

// check reports all that is wrong with the configuration.
func (c Config) check() error {
	var faults collectors.OptionFaults
	faults.If(c.Source == "", "the source's name is missing")
	faults.If(c.RatePerMinute < 0 && c.RatePerMinute != Unlimited,
		"rate per minute %g: want more than 0, or %d for no limit", c.RatePerMinute, Unlimited)
	faults.If(!(c.BudgetShare > 0 && c.BudgetShare <= 1), "budget share %g: want more than 0 and at most 1", c.BudgetShare)
	faults.If(c.MaxAttempts < 0 || c.MaxResponseBytes < 0 || c.Timeout < 0 || c.MaxWait < 0,
		"attempts, response bytes, timeout and wait must not be negative")
	return faults.Err()
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
