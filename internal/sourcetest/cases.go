package sourcetest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/fault"
)

// badAnswer is one way in which an answer can be wrong.
type badAnswer struct {
	name   string
	fault  fault.Fault
	reason evidence.Reason
	// passes says that the request is retried, so that a round succeeds in spite
	// of a fault that happens once.
	passes bool
	// paged says that pages after the first have the fault, too. wide says that
	// every call has it, and in later rounds, too; a fault that is not wide looks
	// the same to a source as another one, so that calls take turns.
	paged, wide bool
	// whole says that the answer is complete, so that a source that accepts it
	// must store all of it.
	whole bool
	// retryAfter is the wait that the server asks for.
	retryAfter time.Duration
	// nextRound is the time until the next round; zero means Later.
	nextRound time.Duration
}

const (
	// The client waits for shortWait, and gives up a request that must wait for
	// longWait.
	shortWait = 90 * time.Second
	longWait  = time.Hour
)

// badAnswers are all ways in which an answer can be wrong. now is the time of the servers
// that say when to come back.
func (s *suite) badAnswers(now time.Time) []badAnswer {
	list := badFiles()
	if s.Files == nil {
		list = badAnswersOverHTTP(now)
	}
	for _, name := range sorted(s.BadBodies) {
		bad := s.BadBodies[name]
		list = append(list, badAnswer{name: name, fault: fault.Fault{Body: bad.Body}, reason: bad.Reason, wide: true})
	}
	return list
}

// badFiles are all ways in which a file can be damaged.
func badFiles() []badAnswer {
	return []badAnswer{
		{
			name: "a folder in its place", fault: fault.Fault{Status: http.StatusForbidden}, reason: evidence.ReasonUnreachable,
			wide: true,
		},
		{name: "truncated", fault: fault.Fault{Truncate: true}, reason: evidence.ReasonUndecodable, wide: true},
		{name: "not an answer", fault: fault.Fault{Body: `"ok"`}, reason: evidence.ReasonUndecodable},
		{name: "no bytes", fault: fault.Fault{Empty: true}, reason: evidence.ReasonUndecodable, wide: true},
		{name: "null", fault: fault.Fault{Body: "null"}, reason: evidence.ReasonUndecodable},
		{name: "empty object", fault: fault.Fault{Body: "{}"}, reason: evidence.ReasonUndecodable},
	}
}

// badAnswersOverHTTP are all ways in which an answer over HTTP can be wrong.
func badAnswersOverHTTP(now time.Time) []badAnswer {
	status := func(status int, reason evidence.Reason, passes, wide bool) badAnswer {
		return badAnswer{
			name: strconv.Itoa(status), fault: fault.Fault{Status: status}, reason: reason, passes: passes, paged: wide,
			wide: wide,
		}
	}
	limited := func(form string, header http.Header, retryAfter time.Duration) badAnswer {
		return badAnswer{
			name: "429 " + form, fault: fault.Fault{Status: http.StatusTooManyRequests, Header: header},
			reason: evidence.ReasonRateLimited, passes: true, retryAfter: retryAfter,
		}
	}
	list := []badAnswer{
		status(401, evidence.ReasonUnauthorized, false, true),
		status(403, evidence.ReasonForbidden, false, true),
		status(404, evidence.ReasonNotFound, false, false),
		status(410, evidence.ReasonGone, false, false),
		limited("without a header", nil, 0),
		limited("Retry-After seconds", fault.RetryAfter(shortWait), shortWait),
		limited("Retry-After date", fault.RetryAfterDate(now, shortWait), shortWait-time.Second),
		limited("ratelimit-reset", fault.RateLimitReset(shortWait), shortWait),
		limited("X-RateLimit-Reset", fault.RateLimitResetMinute(now, shortWait+time.Minute), shortWait),
		{
			name: "429 for an hour", fault: fault.Fault{Status: http.StatusTooManyRequests, Header: fault.RetryAfter(longWait)},
			reason: evidence.ReasonRateLimited, nextRound: 2 * longWait,
		},
		status(500, evidence.ReasonServerError, true, true),
		status(502, evidence.ReasonServerError, true, false),
		status(503, evidence.ReasonServerError, true, false),
		{
			name: "reset in mid-body", fault: fault.Fault{Reset: true}, reason: evidence.ReasonUnreachable, passes: true,
			paged: true,
		},
		{name: "slow body", fault: fault.Fault{Hang: true}, reason: evidence.ReasonTimeout, passes: true},
		{name: "truncated", fault: fault.Fault{Truncate: true}, reason: evidence.ReasonUndecodable, paged: true, wide: true},
		{
			name: "login page", reason: evidence.ReasonUndecodable,
			fault: fault.Fault{
				Body: "<!DOCTYPE html><html><title>Log in</title></html>", ContentType: "text/html; charset=utf-8",
			},
		},
		{name: "not an answer", fault: fault.Fault{Body: `"ok"`}, reason: evidence.ReasonUndecodable},
		{name: "no bytes", fault: fault.Fault{Empty: true}, reason: evidence.ReasonUndecodable, wide: true},
		{
			name: WrongType, fault: fault.Fault{ContentType: "text/html; charset=utf-8"},
			reason: evidence.ReasonUndecodable, wide: true, whole: true,
		},
		{name: "null", fault: fault.Fault{Body: "null"}, reason: evidence.ReasonUndecodable},
		{name: "empty object", fault: fault.Fault{Body: "{}"}, reason: evidence.ReasonUndecodable},
	}
	return list
}

// cases are all cases of the contract, beside that of a healthy upstream.
func (s *suite) cases() []testCase {
	var list []testCase
	for _, p := range phases() {
		ref, err := s.runWithoutFaults(p.steps...)
		if err != nil {
			return []testCase{{p.name, nil, func(*check) error { return err }}}
		}
		for n, call := range s.Calls {
			times := ref.last.calls[call.Name]
			if times == 0 {
				continue // it is not made in such a round
			}
			list = append(list, s.faulty(p, n, call, times)...)
			list = append(list, s.canceled(p, call, times)...)
			list = append(list, s.paged(p, call, times)...)
		}
		list = append(list, s.interrupted(p, ref.last.batches)...)
	}
	list = append(list, s.skewed()...)
	list = append(list, s.clockAhead()...)
	list = append(list, s.emptied())
	list = append(list, s.wrongNames()...)
	for _, large := range s.Large {
		list = append(list, s.large(large)...)
	}
	return list
}

// faulty are the cases of one call that is answered wrongly: always, once, from
// the second page on, and on the last page.
func (s *suite) faulty(p phase, n int, call Call, times int) []testCase {
	var list []testCase
	add := func(k badAnswer, when string, skip, often int) {
		name := fmt.Sprintf("%s/%s/%s/%s", p.name, k.name, call.Name, when)
		shows := []string{string(k.reason), p.name, when}
		list = append(list, testCase{name, shows, func(c *check) error {
			// The servers that name a time do so by their clock.
			for _, at := range s.badAnswers(s.Start.Add(p.last().at)) {
				if at.name == k.name {
					k = at
				}
			}
			k.fault.Call, k.fault.Skip, k.fault.Times = call.Name, skip, often
			return s.disturbed(c, p, func(d *disturbance) error { return d.fault(call, k) })
		}})
	}
	first := p.name == "first"
	for i, k := range s.badAnswers(s.Start) {
		turn := (i+n)%4 == 0
		if k.wide || first && (turn || !k.passes) {
			add(k, "always", 0, 0)
		}
		if k.passes && turn {
			add(k, "once", 0, 1)
		}
		if k.paged && times > 1 && (first || turn) {
			add(k, "from the second", 1, 0)
		}
		if k.paged && times > 2 && turn {
			add(k, "the last", times-1, 0)
		}
	}
	return list
}

// fault plays the last round with a call that goes wrong.
func (d *disturbance) fault(call Call, k badAnswer) error {
	w := d.world
	if k.fault.Hang {
		w.hanging.Store(&hangingCall{call.Name, k.fault.Times == 1})
	}
	if k.reason == evidence.ReasonUnauthorized {
		k.fault.Then = w.upstream.Forget // what is counted then comes after it
	}
	w.upstream.Inject(k.fault)
	r, now, err := d.collect(context.Background(), -1)
	if err != nil {
		return err
	}
	w.hanging.Store(nil)
	if k.passes && k.fault.Times == 1 {
		if r.err != nil {
			w.check.errorf("a fault that passes fails the round: %v", r.err)
		}
		if waited := w.ourClock().Sub(r.at); waited < k.retryAfter {
			w.check.errorf("the request was repeated after %s, and the server asked for %s", waited, k.retryAfter)
		}
		w.check.all("after a fault that passes", now.differences(nil, d.healthy...))
		return nil
	}
	want, means := call.Reasons[k.name]
	if !means {
		want = k.reason
	}
	w.failed(r, call, want)
	if want == "" && k.whole {
		w.check.all("read in spite of it", now.differences(nil, d.healthy...))
	}
	if want != "" {
		d.checkAfterFailure(r, now)
		needed := d.phase.name == "first" && k.fault.Skip == 0 && call.Optional == ""
		if needed && len(r.covered) >= len(d.healthy[1].covered) {
			w.check.errorf("all groups are covered without the call")
		}
	}
	// Requests that were already sent may follow.
	if after := requests(r); want == evidence.ReasonUnauthorized && after > 3 {
		w.check.errorf("%d requests after the credential was refused", after)
	}
	d.wait = max(k.nextRound, Later)
	return nil
}

func requests(r *round) int {
	n := 0
	for _, times := range r.calls {
		n += times
	}
	return n
}

// failed checks the error of a round in which a call has failed.
func (w *world) failed(r *round, call Call, want evidence.Reason) {
	if want == "" {
		if r.err != nil {
			w.check.errorf("the round fails: %v", r.err)
		}
		return
	}
	list, ok := callErrors(r.err)
	if !ok || len(list) == 0 {
		w.check.errorf("the error of the round is %v, want a CallError of %s", r.err, want)
		return
	}
	found := false
	for _, e := range list {
		found = found || e.Call == call.errorCall() && e.Reason == want
		// Once one call has failed too often, the chain may not send others.
		if e.Reason != want && e.Reason != evidence.ReasonCircuitOpen || e.Call != call.errorCall() && e.Reason == want {
			w.check.errorf("the round fails with %s of %q, want %s of %q", e.Reason, e.Call, want, call.errorCall())
		}
	}
	if !found {
		w.check.errorf("the round fails with %v, want %s of %q", r.err, want, call.errorCall())
	}
	text := r.err.Error()
	if w.suite.Secret != "" && strings.Contains(text, w.suite.Secret) {
		w.check.errorf("the credential is in the error %q", text)
	}
}

// canceled are the cases in which the caller cancels the round during a call.
func (s *suite) canceled(p phase, call Call, times int) []testCase {
	var list []testCase
	for _, skip := range []int{0, times - 1} {
		if skip == 0 && len(list) > 0 {
			continue
		}
		name := fmt.Sprintf("%s/canceled/%s/%d", p.name, call.Name, skip+1)
		list = append(list, testCase{name, []string{p.name + " canceled"}, func(c *check) error {
			return s.disturbed(c, p, func(d *disturbance) error { return d.cancel(call, skip) })
		}})
	}
	return list
}

// cancel plays the last round and cancels it during a call, after skip of them.
func (d *disturbance) cancel(call Call, skip int) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if d.world.suite.Files != nil {
		cancel() // no file can hang
	} else {
		d.world.upstream.Inject(fault.Fault{Call: call.Name, Skip: skip, Hang: true, Then: cancel})
	}
	r, now, err := d.collect(ctx, -1)
	if err != nil {
		return err
	}
	for _, e := range d.world.mustFail(r) {
		if e.Reason != evidence.ReasonCanceled {
			d.world.check.errorf("the round fails with %s of %q, want %s", e.Reason, e.Call, evidence.ReasonCanceled)
		}
	}
	d.checkAfterFailure(r, now)
	return nil
}

// mustFail returns the errors of a round that must have some.
func (w *world) mustFail(r *round) []*collectors.CallError {
	list, ok := callErrors(r.err)
	if !ok || len(list) == 0 {
		w.check.errorf("the round ends with %v, want a CallError", r.err)
	}
	return list
}

// paged are the cases in which pages come twice or in another order.
func (s *suite) paged(p phase, call Call, times int) []testCase {
	if s.Form.List == nil || s.Form.List(call.Name) == "" {
		return nil
	}
	pages := []struct {
		name string
		how  fault.Pages
		// complete says that it happens to healthy upstreams, so that the round
		// must not fail.
		complete bool
		times    int
	}{
		{"records in another order", fault.PagesBackward, false, 0},
		{"pages overlap", fault.PagesOverlapping, true, 0},
		{"pages in another order", fault.PagesSwapped, false, 0},
		{"a page comes twice", fault.PagesStale, false, 2},
		{"always the same page", fault.PagesStale, false, 0},
	}
	var list []testCase
	for _, v := range pages {
		if times < 2 && v.how != fault.PagesBackward {
			continue
		}
		name := fmt.Sprintf("%s/%s/%s", p.name, v.name, call.Name)
		list = append(list, testCase{name, []string{"pages"}, func(c *check) error {
			return s.disturbed(c, p, func(d *disturbance) error {
				d.world.upstream.Inject(fault.Fault{Call: call.Name, Pages: v.how, Times: v.times})
				r, now, err := d.collect(context.Background(), -1)
				if err != nil {
					return err
				}
				if r.err == nil {
					c.all("without an error", now.differences(nil, d.healthy...))
					return nil
				}
				for _, e := range d.world.mustFail(r) {
					if v.complete || e.Reason != evidence.ReasonIncomplete {
						c.errorf("the round fails with %v", e)
					}
				}
				d.checkAfterFailure(r, now)
				return nil
			})
		}})
	}
	return list
}
