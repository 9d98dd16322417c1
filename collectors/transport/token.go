package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/config"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// grantClientCredentials is the grant that is implemented here; others are left
	// to prometheus/common.
	grantClientCredentials = "client_credentials"
	// tokenMargin is how long before its end a token is replaced, at most: a
	// request takes time.
	tokenMargin = time.Minute
	// tokenPause is how long a refusal is valid, so that not every call of a round
	// asks again.
	tokenPause = 30 * time.Second
	// maxTokenBytes bounds the answer of a token endpoint.
	maxTokenBytes = 1 << 20
)

// tokens gets OAuth tokens by client credentials and keeps the current one. Its
// requests pass a chain that is only for them, so that they are bounded, repeated
// and measured like all others.
type tokens struct {
	client *http.Client
	config clientcredentials.Config
	secret config.SecretReader
	call   string
	now    func() time.Time

	// turn guards the fields below. It is a channel, so that waiting for it can be
	// stopped.
	turn    chan struct{}
	header  string
	since   time.Time
	expires time.Time // zero when the endpoint does not say
	refused error
	again   time.Time // when to ask again after a refusal
}

// newTokens makes the source of tokens for a client with OAuth settings.
func newTokens(cfg Config) (*tokens, error) {
	o := cfg.HTTP.OAuth2
	address, err := url.Parse(o.TokenURL)
	if err != nil || address.Host == "" {
		return nil, errors.New("the token URL is no web address")
	}
	client, err := config.NewClientFromConfig(config.HTTPClientConfig{
		TLSConfig: o.TLSConfig, ProxyConfig: o.ProxyConfig, EnableHTTP2: true,
	}, cfg.Source)
	if err != nil {
		return nil, err
	}
	t := &tokens{
		call: "POST " + address.Path, now: cfg.Now, turn: make(chan struct{}, 1),
		secret: config.NewInlineSecret(string(o.ClientSecret)),
		config: clientcredentials.Config{
			ClientID: o.ClientID, TokenURL: o.TokenURL, Scopes: o.Scopes, EndpointParams: url.Values{},
		},
	}
	if o.ClientSecretFile != "" {
		t.secret = config.NewFileSecret(o.ClientSecretFile)
	}
	for name, value := range o.EndpointParams {
		t.config.EndpointParams.Set(name, value)
	}
	if cfg.TokenInBody {
		t.config.AuthStyle = oauth2.AuthStyleInParams
	}
	own := cfg
	own.Authorize = nil
	own.RatePerMinute, own.MaxResponseBytes = Unlimited, maxTokenBytes
	own.Template = func(*http.Request) string { return t.call }
	own.Observe = func(o Observation) {
		// The budget is that of the token endpoint.
		o.RateLimit, o.RateRemaining = -1, -1
		cfg.Observe(o)
	}
	out := newChain(own, client.Transport)
	out.circuit = newCircuit(cfg.Now, func(bool) {})
	out.forTokens = true
	client.Transport = out
	t.client = client
	return t, nil
}

// authorization is the value of the header of that name for a request. It asks
// for a token when there is none that lasts. The error is a *CallError.
func (t *tokens) authorization(ctx context.Context) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", collectors.Failed(collectors.ReasonOf(ctx, ctx.Err()), t.call, "%w", ctx.Err())
	}
	now := t.now()
	if t.header != "" && (t.expires.IsZero() || now.Before(t.expires)) {
		return t.header, nil
	}
	if t.refused != nil && now.Before(t.again) {
		return "", t.refused
	}
	header, lifetime, err := t.fetch(ctx)
	if err != nil {
		if ctx.Err() == nil {
			t.refused, t.again = err, t.now().Add(tokenPause)
		}
		return "", err
	}
	now = t.now()
	t.header, t.since, t.expires, t.refused = header, now, time.Time{}, nil
	if lifetime > 0 {
		t.expires = now.Add(lifetime - min(tokenMargin, lifetime/10))
	}
	return t.header, nil
}

// drop removes the token that was refused, and reports whether to ask for another:
// not after a new one, because the next would be refused, too.
func (t *tokens) drop(ctx context.Context, header string) bool {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return false
	}
	if t.header != header {
		return true // another call has replaced it
	}
	if t.now().Sub(t.since) < tokenPause {
		return false
	}
	t.header = ""
	return true
}

// fetch asks for a token. The secret is read each time, so that its file can be
// rotated.
func (t *tokens) fetch(ctx context.Context) (header string, lifetime time.Duration, err error) {
	secret, err := t.secret.Fetch(ctx)
	if err != nil {
		return "", 0, collectors.Failed(evidence.ReasonUnauthorized, t.call, "no OAuth token: %w", err)
	}
	t.config.ClientSecret = secret
	token, err := t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return "", 0, t.failure(ctx, err)
	}
	if token.Expiry.IsZero() {
		lifetime = 0
	} else if lifetime = time.Until(token.Expiry); lifetime <= 0 {
		return "", 0, t.unusable()
	}
	header = token.Type() + " " + token.AccessToken
	if len(header) > 1<<14 || strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", 0, t.unusable()
	}
	return header, lifetime, nil
}

func (t *tokens) unusable() error {
	return collectors.Failed(evidence.ReasonUndecodable, t.call,
		"no OAuth token: the answer of the token endpoint has none that can be used")
}

// The error codes of RFC 6749, the only words of the answer that are shown.
var (
	refusesClient  = []string{"invalid_client", "unauthorized_client", "invalid_grant", "access_denied"}
	refusesRequest = []string{"invalid_request", "unsupported_grant_type", "unsupported_response_type"}
)

// failure classifies why there is no token.
func (t *tokens) failure(ctx context.Context, err error) error {
	var known *collectors.CallError
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &known):
		named := *known
		named.Err = fmt.Errorf("no OAuth token: %w", known.Err)
		return &named
	case errors.As(err, &refused):
		return refusedToken(t.call, refused)
	case ctx.Err() != nil:
		return collectors.Failed(collectors.ReasonOf(ctx, ctx.Err()), t.call, "no OAuth token: %w", ctx.Err())
	}
	// Any other error quotes the answer.
	return t.unusable()
}

// refusedToken is the error of a token endpoint that refuses, without its text.
func refusedToken(call string, refused *oauth2.RetrieveError) *collectors.CallError {
	failed := &collectors.CallError{Call: call, Reason: evidence.ReasonUndecodable}
	if refused.Response != nil {
		failed.Status = refused.Response.StatusCode
	}
	if failed.Status >= 400 {
		failed.Reason = collectors.ReasonOfStatus(failed.Status)
	}
	code := refused.ErrorCode
	switch {
	case slices.Contains(refusesClient, code):
		failed.Reason = evidence.ReasonUnauthorized
	case code == "invalid_scope":
		failed.Reason = evidence.ReasonForbidden
	case slices.Contains(refusesRequest, code):
		failed.Reason = evidence.ReasonRejected
	default:
		code = "no reason that OAuth knows"
	}
	failed.Err = fmt.Errorf("no OAuth token: the token endpoint refused: %s", code)
	return failed
}

// newChain makes a chain before the RoundTripper that sends the requests.
func newChain(cfg Config, next http.RoundTripper) *chain {
	return &chain{
		next:          next,
		config:        cfg,
		pace:          newPace(cfg),
		circuit:       newCircuit(cfg.Now, cfg.Circuit),
		jitter:        func(d time.Duration) time.Duration { return time.Duration(rand.Float64() * float64(d)) },
		secretHeaders: headersOf(cfg.HTTP),
		secrets:       proxySecrets(cfg.HTTP),
	}
}
