package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxFailures is how many wrong passwords an address may send within failureWindow.
	maxFailures   = 10
	failureWindow = time.Minute
	// maxAddresses and maxKnown bound the memory: an attacker has many addresses.
	maxAddresses = 4096
	maxKnown     = 1024
)

// passwords limits wrong passwords by address. Checking one takes long on purpose, so
// that many of them take all processors, and guessing must not be for free.
//
// Behind a proxy all clients have its address. A password that was right before is
// therefore let through always: those who know one are not kept out by those who guess. What
// X-Forwarded-For says is not read, because the client can write it.
type passwords struct {
	now func() time.Time
	log *slog.Logger
	// key makes of an Authorization header what is kept of it.
	key [32]byte

	mu       sync.Mutex
	failures map[netip.Addr]*failures
	known    map[[sha256.Size]byte]bool
}

// failures are the wrong passwords of one address since a time.
type failures struct {
	since time.Time
	count int
}

func newPasswords(now func() time.Time, log *slog.Logger) *passwords {
	p := &passwords{
		now: now, log: log, failures: map[netip.Addr]*failures{}, known: map[[sha256.Size]byte]bool{},
	}
	_, _ = rand.Read(p.key[:]) // it never fails
	return p
}

// limit stands before the handler that checks passwords and answers wrong ones with 401.
func (p *passwords) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Authorization")
		if header == "" {
			next.ServeHTTP(w, r)
			return
		}
		address, credential := addressOf(r.RemoteAddr), p.digest(header)
		wait := p.begin(address, credential)
		if wait > 0 {
			secure(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tooMany(w, wait, "too many wrong passwords from this address")
			})).ServeHTTP(w, r)
			return
		}
		answer := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		p.answered(address, credential, answer.status)
	})
}

func (p *passwords) digest(header string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write([]byte(header))
	copy(sum[:], mac.Sum(nil))
	return sum
}

// begin counts the password as a wrong one until it is answered, so that many at once
// are limited, too. It returns how long the address has to wait with it: not at all with
// one that was right before.
func (p *passwords) begin(address netip.Addr, credential [sha256.Size]byte) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[credential] {
		return 0
	}
	now := p.now()
	f := p.failures[address]
	if f == nil || f.left(now) == 0 {
		if f == nil {
			p.makeRoom(now)
		}
		f = &failures{since: now}
		p.failures[address] = f
	}
	if f.count >= maxFailures {
		return f.left(now)
	}
	if f.count++; f.count == maxFailures {
		p.log.Warn("many wrong passwords: for a minute the address is answered only with one that was right before",
			"address", address)
	}
	return 0
}

// left is how much of the window is left; none after the clock was set back.
func (f *failures) left(now time.Time) time.Duration {
	if ran := now.Sub(f.since); ran >= 0 && ran < failureWindow {
		return failureWindow - ran
	}
	return 0
}

// answered keeps a password that was right, and forgives that it was counted.
func (p *passwords) answered(address netip.Addr, credential [sha256.Size]byte, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case status == http.StatusUnauthorized:
		delete(p.known, credential) // it may have been changed
		return
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests, p.known[credential]:
		return // it was not checked, or was known
	case len(p.known) >= maxKnown:
		clear(p.known)
	}
	p.known[credential] = true
	if f := p.failures[address]; f != nil && f.count > 0 {
		f.count--
	}
}

// makeRoom leaves out the addresses whose window is over; if that is not enough, the one
// whose window began first.
func (p *passwords) makeRoom(now time.Time) {
	if len(p.failures) < maxAddresses {
		return
	}
	var oldest netip.Addr
	for address, f := range p.failures {
		if f.left(now) == 0 {
			delete(p.failures, address)
		} else if first := p.failures[oldest]; first == nil || f.since.Before(first.since) {
			oldest = address
		}
	}
	if len(p.failures) >= maxAddresses {
		delete(p.failures, oldest)
	}
}

// addressOf is the address of a client. Of IPv6 it is the network of 64 bits, since one
// client has all addresses of it. Clients without an address share the zero one.
func addressOf(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	address := at.Addr().Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return address
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
