package collectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/prodready/collector/evidence"
)

// CallError is one failed call of a source.
type CallError struct {
	// Reason classifies the failure.
	Reason evidence.Reason
	// Call is the endpoint template, without ids or parameters: GET /incidents.
	Call string
	// Status is the HTTP status code, 0 when there was no answer.
	Status int
	// Err is what happened. It never holds a credential.
	Err error
	// Credential says where the credential of the call is configured, as the end of a
	// sentence: it comes from KEY (the secret file "NAME"). It is empty where that is not
	// known.
	Credential string
	// Remedy is what a person can do about it; empty means that of the reason.
	Remedy string
}

// Refusal makes the error of an answer that cannot be used.
func Refusal(reason evidence.Reason, call string, resp *http.Response, err error) *CallError {
	failed := &CallError{Reason: reason, Call: call, Status: resp.StatusCode, Err: err}
	if resp.Request != nil {
		failed.Credential, _ = resp.Request.Context().Value(credentialPlace{}).(string)
	}
	return failed
}

// credentialPlace is the key of a context for CallError.Credential.
type credentialPlace struct{}

// WithCredential adds to a context where the credential of its request is configured, as
// CallError.Credential says it.
func WithCredential(ctx context.Context, place string) context.Context {
	return context.WithValue(ctx, credentialPlace{}, place)
}

// Failed makes the error of a call without an HTTP status. format and args are
// those of fmt.Errorf.
func Failed(reason evidence.Reason, call, format string, args ...any) *CallError {
	return &CallError{Reason: reason, Call: call, Err: fmt.Errorf(format, args...)}
}

// Error says what failed, why, and what to do about it.
func (e *CallError) Error() string {
	status := ""
	if e.Status != 0 {
		status = fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	remedy := cmp.Or(e.Remedy, e.Reason.Remedy())
	if e.Credential != "" && (e.Reason == evidence.ReasonUnauthorized || e.Reason == evidence.ReasonForbidden) {
		remedy += "; " + e.Credential
	}
	return fmt.Sprintf("%s: %s%s: %v; %s", e.Call, e.Reason, status, e.Err, remedy)
}

// Unwrap returns the cause.
func (e *CallError) Unwrap() error { return e.Err }

// About adds what the call was made for to the first CallError in err, and
// returns any other error unchanged.
func About(err error, what string) error {
	failed, ok := errors.AsType[*CallError](err)
	if !ok {
		return err
	}
	named := *failed
	named.Err = fmt.Errorf("%s: %w", evidence.Clean(what, 200), failed.Err)
	return &named
}

// EndsRound reports whether the rest of a round must not be asked for: ctx has
// ended, the credential was not accepted, the store failed, or the clocks differ. A
// source may add reasons after which its other calls would fail, too. Every part of a
// joined error counts.
func EndsRound(ctx context.Context, err error, reasons ...evidence.Reason) bool {
	if ctx.Err() != nil {
		return true
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return EndsRound(ctx, err, reasons...) })
	}
	reasons = append(reasons, evidence.ReasonUnauthorized, evidence.ReasonStore, evidence.ReasonClock)
	if failed, ok := errors.AsType[*CallError](err); ok && slices.Contains(reasons, failed.Reason) {
		return true
	}
	inner := errors.Unwrap(err)
	return inner != nil && EndsRound(ctx, inner, reasons...)
}

// WithoutURL removes the address that http.Client puts before its errors: the
// name of the call is enough, and an address may hold a credential.
func WithoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// ReasonOfStatus classifies an HTTP status code of 400 and above.
func ReasonOfStatus(status int) evidence.Reason {
	switch {
	case status == http.StatusUnauthorized:
		return evidence.ReasonUnauthorized
	case status == http.StatusForbidden:
		return evidence.ReasonForbidden
	case status == http.StatusNotFound:
		return evidence.ReasonNotFound
	case status == http.StatusGone:
		return evidence.ReasonGone
	case status == http.StatusTooManyRequests:
		return evidence.ReasonRateLimited
	case status >= 500:
		return evidence.ReasonServerError
	}
	return evidence.ReasonRejected
}

// ReasonOf classifies a failure that is not an HTTP status. The state of ctx
// comes first, because clients wrap its error so that errors.Is does not see it.
func ReasonOf(ctx context.Context, err error) evidence.Reason {
	var call *CallError
	var network net.Error
	switch {
	case errors.As(err, &call):
		return call.Reason
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return evidence.ReasonTimeout
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		return evidence.ReasonCanceled
	case errors.As(err, &network) && network.Timeout():
		return evidence.ReasonTimeout
	}
	return evidence.ReasonUnreachable
}
