package transport

import (
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// sourceFailures is how many attempts in a row must have failed before the
	// breaker of the source opens. They also have to be at two endpoints, or to have
	// found no connection: an endpoint that never answers must not cost the facts of
	// the others.
	sourceFailures = 4
	// callFailures is the same for one endpoint: three calls with all their attempts.
	// An endpoint such as a query gets many different requests, and two bad ones must
	// not cost the answers to the rest.
	callFailures = 10
	// circuitPause is how long nothing is sent before one attempt tries again: longer
	// than the rest of a round takes without sending, and shorter than the time to the
	// next round.
	circuitPause = 10 * time.Second
)

// result is what an attempt shows about the source.
type result int

const (
	// answered: it was answered, if only with a refusal.
	answered result = iota
	// failing: connected, and without an answer, or with a server error.
	failing
	// unconnected: there was no connection.
	unconnected
	// unknown: the attempt was stopped or never sent.
	unknown
)

// The errors that gobreaker counts by.
var (
	errFailing = errors.New("failing")
	errUnknown = errors.New("unknown")
)

// circuit is the circuit breaker of a source: while it is open, a source that does
// not answer gets no more of the requests of a round. It has one breaker for the
// source and one for each endpoint. gobreaker counts, and lets a single attempt
// through after a pause, which is measured here by the chain's clock.
type circuit struct {
	now     func() time.Time
	changed func(open bool)

	mu     sync.Mutex
	source *breaker
	calls  map[string]*breaker
	// failed are the endpoints that failed since the source last answered, and
	// unconnected how many attempts in a row found no connection.
	failed      map[string]bool
	unconnected int
}

type breaker struct {
	*gobreaker.TwoStepCircuitBreaker[struct{}]
	// until is when the next attempt may be sent; it counts only while open.
	until time.Time
}

func newCircuit(now func() time.Time, changed func(open bool)) *circuit {
	c := &circuit{now: now, changed: changed, calls: map[string]*breaker{}, failed: map[string]bool{}}
	c.source = c.breaker(func(n gobreaker.Counts) bool {
		return n.ConsecutiveFailures >= sourceFailures && (len(c.failed) > 1 || c.unconnected >= sourceFailures)
	}, changed)
	return c
}

// breaker makes a breaker. Its functions are called with c.mu held.
func (c *circuit) breaker(trips func(gobreaker.Counts) bool, changed func(open bool)) *breaker {
	b := &breaker{}
	b.TwoStepCircuitBreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1, Timeout: time.Nanosecond, ReadyToTrip: trips,
		IsExcluded: func(err error) bool { return errors.Is(err, errUnknown) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.until = c.now().Add(circuitPause)
			}
			// A half-open breaker lets one attempt through; the others fail as before.
			if open := to != gobreaker.StateClosed; open != (from != gobreaker.StateClosed) {
				changed(open)
			}
		},
	})
	return b
}

// of is the breaker of an endpoint.
func (c *circuit) of(call string) *breaker {
	b, known := c.calls[call]
	if !known {
		if len(c.calls) >= maxCalls {
			clear(c.calls)
		}
		b = c.breaker(func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= callFailures }, func(bool) {})
		c.calls[call] = b
	}
	return b
}

// allow reports whether an attempt may be sent; the error is a *CallError. The
// caller has to call done once, with the result of the attempt.
func (c *circuit) allow(call string) (done func(result), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	endpoint := c.of(call)
	if err := c.refusal(call); err != nil {
		return nil, err
	}
	ofSource, err := c.source.Allow()
	if err != nil {
		return nil, c.open(call, "the source", c.now())
	}
	ofCall, err := endpoint.Allow()
	if err != nil {
		ofSource(errUnknown)
		return nil, c.open(call, "this endpoint", c.now())
	}
	return func(r result) {
		c.mu.Lock()
		defer c.mu.Unlock()
		err := c.count(call, r)
		ofSource(err)
		ofCall(err)
	}, nil
}

// count counts a result and returns the error for gobreaker. The caller holds c.mu.
func (c *circuit) count(call string, r result) error {
	switch r {
	case unknown:
		return errUnknown
	case answered:
		clear(c.failed)
		c.unconnected = 0
		return nil
	case unconnected:
		c.unconnected++
	default:
		c.unconnected = 0
	}
	c.failed[call] = true
	return errFailing
}

// isOpen reports whether an attempt would not be sent now.
func (c *circuit) isOpen(call string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusal(call) != nil
}

func (c *circuit) refusal(call string) error {
	now := c.now()
	if now.Before(c.source.until) {
		return c.open(call, "the source", c.source.until)
	}
	if endpoint := c.of(call); now.Before(endpoint.until) {
		return c.open(call, "this endpoint", endpoint.until)
	}
	return nil
}

func (c *circuit) open(call, what string, until time.Time) error {
	return collectors.Failed(evidence.ReasonCircuitOpen, call,
		"not sent: %s failed too often in a row; no request is sent before %s", what, until.UTC().Format(time.RFC3339))
}
