package collectors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

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
}

// Error says what failed, why, and what to do about it.
func (e *CallError) Error() string {
	status := ""
	if e.Status != 0 {
		status = fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	return fmt.Sprintf("%s: %s%s: %v; %s", e.Call, e.Reason, status, e.Err, e.Reason.Remedy())
}

// Unwrap returns the cause.
func (e *CallError) Unwrap() error { return e.Err }

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

// ReasonOf classifies a failure that is not an HTTP status. ctx is asked first,
// since clients wrap its error in ways errors.Is cannot see.
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
	case errors.As(err, &network):
		return evidence.ReasonUnreachable
	}
	return evidence.ReasonUnreachable
}
