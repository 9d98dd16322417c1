package transport

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// maxPause bounds the pause that a server can ask for: a Retry-After of a year
	// must not make a restart necessary.
	maxPause = time.Hour
	// maxCalls bounds the memory of pauses and breakers, for a template with many
	// names.
	maxCalls = 256
	// resetForm is how Jira Cloud writes X-RateLimit-Reset, without seconds.
	resetForm = "2006-01-02T15:04Z07:00"
)

// pace decides when the next request may be sent: by our share of the account's
// budget, and by the rest of it that the server reports. Servers have a budget for
// each endpoint, so the rest is kept by call. Where the calls of an account share a
// quota, a refusal with status 429 holds for all of them: calls that are sent into it
// are refused too, and make the pause longer.
type pace struct {
	share    float64
	oneQuota bool
	maxWait  time.Duration
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	bucket   *rate.Limiter

	mu sync.Mutex
	// notBefore is when each call may be sent again; under allCalls, every call.
	notBefore map[string]time.Time
}

// allCalls is the name under which a pause of every call is kept.
const allCalls = ""

func newPace(cfg Config) *pace {
	limit, burst := rate.Inf, 1
	if cfg.RatePerMinute != Unlimited {
		perSecond := cfg.RatePerMinute * cfg.BudgetShare / 60
		limit = rate.Limit(perSecond)
		burst = max(1, int(perSecond*5))
	}
	return &pace{
		share: cfg.BudgetShare, oneQuota: cfg.OneQuota, maxWait: cfg.MaxWait, now: cfg.Now, sleep: cfg.Sleep,
		bucket: rate.NewLimiter(limit, burst), notBefore: map[string]time.Time{},
	}
}

// wait returns when the call may be sent. It fails at once when the server asks for
// a pause that is longer than a call may wait.
func (p *pace) wait(ctx context.Context, call string) error {
	now := p.now()
	pause := max(p.pauseOf(call, now), p.pauseOf(allCalls, now))
	if pause > p.maxWait {
		failed := collectors.Failed(evidence.ReasonRateLimited, call,
			"not sent: the server asked to wait until %s", now.Add(pause).UTC().Format(time.RFC3339))
		failed.Status = http.StatusTooManyRequests
		return failed
	}
	turn := p.bucket.ReserveN(now, 1)
	delay := max(turn.DelayFrom(now), pause)
	if delay <= 0 {
		return ctx.Err()
	}
	if err := p.sleep(ctx, delay); err != nil {
		turn.CancelAt(p.now())
		return err
	}
	return nil
}

// pauseOf is how long the call has to wait from now on.
func (p *pace) pauseOf(call string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	pause := p.notBefore[call].Sub(now)
	if pause <= 0 {
		delete(p.notBefore, call)
	}
	return max(pause, 0)
}

// update keeps what an answer says about the time of the next request.
func (p *pace) update(call string, resp *http.Response, b budget) {
	now := p.now()
	var pause time.Duration
	if isThrottled(resp.StatusCode) {
		pause = askedWait(resp, now)
		if p.oneQuota && resp.StatusCode == http.StatusTooManyRequests && !isOfOneCall(resp.Header) {
			call = allCalls
		}
	} else if b.limit > 0 && b.remaining >= 0 && b.reset > 0 {
		// ours is how many of the remaining requests we may send: the others are left
		// to other programs. If ours is small, we spread it over the time to the reset;
		// if it is 0, we wait for the reset.
		ours := b.remaining - b.limit*(1-p.share)
		switch {
		case ours < 1:
			pause = b.reset
		case ours < b.limit*p.share/4:
			pause = time.Duration(float64(b.reset) / ours)
		}
	}
	if pause <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.notBefore[call]; !known && len(p.notBefore) >= maxCalls {
		whole := p.notBefore[allCalls]
		clear(p.notBefore)
		p.notBefore[allCalls] = whole
	}
	p.notBefore[call] = now.Add(min(pause, maxPause))
}

// isOfOneCall reports whether a refusal is about the endpoint that was asked and no
// other. Jira Cloud says so of its limits for each second (jira-burst-based), which
// hold for one endpoint; its quotas of points hold for all.
func isOfOneCall(h http.Header) bool {
	return strings.Contains(strings.ToLower(h.Get("RateLimit-Reason")), "burst")
}

func isThrottled(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// budget is what the headers of an answer say about the account's budget.
type budget struct {
	limit, remaining float64 // requests; -1 when not said
	reset            time.Duration
}

func readBudget(h http.Header, now time.Time) budget {
	b := budget{limit: number(h, "RateLimit-Limit"), remaining: number(h, "RateLimit-Remaining")}
	b.reset = resetIn(h, now)
	return b
}

// number reads a header in its plain or its X- form.
func number(h http.Header, name string) float64 {
	for _, name := range [...]string{name, "X-" + name} {
		if v, err := strconv.ParseFloat(h.Get(name), 64); err == nil && v >= 0 && v < 1e12 {
			return v
		}
	}
	return -1
}

// askedWait is the pause that the server asks for: Retry-After in seconds or as a
// date, or else, when it throttles, the time to the reset of its budget. It is 0
// when the server does not say.
func askedWait(resp *http.Response, now time.Time) time.Duration {
	if v := strings.TrimSpace(resp.Header.Get("Retry-After")); v != "" {
		if d, ok := seconds(v); ok {
			return d
		}
		if at, err := http.ParseTime(v); err == nil {
			return max(at.Sub(now), 0)
		}
	}
	if isThrottled(resp.StatusCode) {
		return resetIn(resp.Header, now)
	}
	return 0
}

// resetIn is the time until the budget is full again, 0 when not said. PagerDuty
// gives seconds, Jira a point in time, others a Unix time.
func resetIn(h http.Header, now time.Time) time.Duration {
	for _, name := range [...]string{"RateLimit-Reset", "X-RateLimit-Reset"} {
		v := strings.TrimSpace(h.Get(name))
		if v == "" {
			continue
		}
		if d, ok := seconds(v); ok {
			if d >= unixTimes {
				d = time.Unix(int64(d/time.Second), 0).Sub(now)
			}
			return max(d, 0)
		}
		for _, form := range [...]string{resetForm, time.RFC3339} {
			if at, err := time.Parse(form, v); err == nil {
				return max(at.Sub(now), 0)
			}
		}
	}
	return 0
}

// unixTimes is from where on a number of seconds is a Unix time and not a span.
const unixTimes = 1e9 * time.Second

// seconds reads a number of seconds that fits a Duration.
func seconds(v string) (time.Duration, bool) {
	s, err := strconv.ParseFloat(v, 64)
	if err != nil || !(s >= 0 && s <= 9e9) {
		return 0, false
	}
	return time.Duration(s * float64(time.Second)), true
}
