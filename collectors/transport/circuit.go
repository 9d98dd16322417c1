package transport

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// sourceFailures is how many attempts in a row must have failed before the
	// whole source is left alone. They also have to be at two endpoints, or to
	// have found no connection: an endpoint that never answers must not cost the
	// facts of the others.
	sourceFailures = 4
	// callFailures is the same for one endpoint. It takes three calls with all
	// their attempts: an endpoint such as a query takes many questions, and two
	// bad ones must not cost the answers to the rest.
	callFailures = 10
	// circuitPause is how long nothing is sent before one attempt tries again:
	// longer than it takes to leave the rest of a round unsent, and shorter than
	// the time to the next.
	circuitPause = 10 * time.Second
)

// verdict is what an attempt says about the source.
type verdict int

const (
	// alive: it was answered, if only with a refusal.
	alive verdict = iota
	// failing: connected, and not answered, or answered that it cannot.
	failing
	// absent: there was no connection.
	absent
	// silent: nothing can be learned, as we ended the attempt or never sent it.
	silent
)

// The errors that gobreaker is told; nobody else sees them.
var (
	errFailing = errors.New("failing")
	errSilent  = errors.New("silent")
)

// circuit keeps a source that does not answer from being asked for everything
// that a round wants of it. It has one breaker for the source and one for each
// endpoint. gobreaker counts and lets a single attempt through after a pause;
// the pause itself is measured here, by the chain's clock.
type circuit struct {
	now     func() time.Time
	changed func(open bool)

	mu     sync.Mutex
	source *breaker
	calls  map[string]*breaker
	// failed are the endpoints that failed since the source last answered, and
	// absences how many attempts in a row found no connection.
	failed   map[string]bool
	absences int
}

type breaker struct {
	*gobreaker.TwoStepCircuitBreaker[struct{}]
	// until is when the next attempt may be sent; it counts only while open.
	until time.Time
}

func newCircuit(now func() time.Time, changed func(open bool)) *circuit {
	c := &circuit{now: now, changed: changed, calls: map[string]*breaker{}, failed: map[string]bool{}}
	c.source = c.breaker(func(n gobreaker.Counts) bool {
		return n.ConsecutiveFailures >= sourceFailures && (len(c.failed) > 1 || c.absences >= sourceFailures)
	}, changed)
	return c
}

// breaker makes a breaker. Its functions are called with c.mu held.
func (c *circuit) breaker(trips func(gobreaker.Counts) bool, changed func(open bool)) *breaker {
	b := &breaker{}
	b.TwoStepCircuitBreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1, Timeout: time.Nanosecond, ReadyToTrip: trips,
		IsExcluded: func(err error) bool { return errors.Is(err, errSilent) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.until = c.now().Add(circuitPause)
			}
			// A half-open circuit lets one attempt through; the others fail as
			// before.
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
		if len(c.calls) >= mostCalls {
			clear(c.calls)
		}
		b = c.breaker(func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= callFailures }, func(bool) {})
		c.calls[call] = b
	}
	return b
}

// allow asks whether an attempt may be sent. The caller tells done how it went,
// once. The error is a *CallError.
func (c *circuit) allow(call string) (done func(verdict), err error) {
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
		ofSource(errSilent)
		return nil, c.open(call, "this endpoint", c.now())
	}
	return func(v verdict) {
		c.mu.Lock()
		defer c.mu.Unlock()
		var err error
		switch v {
		case alive:
			clear(c.failed)
			c.absences = 0
		case failing:
			c.failed[call] = true
			c.absences = 0
			err = errFailing
		case absent:
			c.failed[call] = true
			c.absences++
			err = errFailing
		case silent:
			err = errSilent
		}
		ofSource(err)
		ofCall(err)
	}, nil
}

// refuses reports whether an attempt would be refused right now.
func (c *circuit) refuses(call string) bool {
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
	return &collectors.CallError{
		Reason: evidence.ReasonCircuitOpen, Call: call,
		Err: fmt.Errorf("not sent: %s failed too often in a row; the next attempt is made after %s", what,
			until.UTC().Format(time.RFC3339)),
	}
}
