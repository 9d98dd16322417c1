package server

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reloadEvery is the time between the starts of two reloads that are asked for over
// HTTP: each of them reads all files again.
const reloadEvery = 10 * time.Second

// serveReload loads the configuration anew. A reload that has begun is not
// given up when the client is: it would count as failed for no fault of the
// configuration. Its error is not in the answer, since it quotes the configuration.
func (s *Server) serveReload(w http.ResponseWriter, r *http.Request) {
	if !s.reload.TryLock() {
		tooMany(w, reloadEvery, "a reload is running")
		return
	}
	defer s.reload.Unlock()
	now := s.o.Now()
	// A clock that was set back must not keep reloads out.
	if wait := reloadEvery - now.Sub(s.reloaded); wait > 0 && wait <= reloadEvery {
		tooMany(w, wait, "the configuration is reloaded at most once in 10 seconds")
		return
	}
	s.reloaded = now
	if err := s.o.Reload(context.WithoutCancel(r.Context())); err != nil {
		s.o.Logger.Error("reloading the configuration failed, the old one is kept", "error", err)
		plain(w, http.StatusInternalServerError, "reloading failed, the old configuration is kept; the log says why")
		return
	}
	plain(w, http.StatusOK, "reloaded")
}

// tooMany answers with 429 and the time to wait in whole seconds.
func tooMany(w http.ResponseWriter, wait time.Duration, text string) {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	plain(w, http.StatusTooManyRequests, fmt.Sprintf("%s; ask again in %d s", text, seconds))
}

// trusted answers requests under other names than this program's with 421. A page of
// another site can have its name lead to this server (DNS rebinding), and is then of the
// same origin for a browser. It has to use its own name in Host for that, which is one
// of the public DNS.
func (s *Server) trusted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.trustsHost(r.Host) {
			next(w, r)
			return
		}
		plain(w, http.StatusMisdirectedRequest,
			"this cannot be asked for under the name of the Host header: use localhost, an address or the name of a "+
				"Kubernetes Service, or add the name to server.allowed_hosts")
	}
}

// trustsHost reports whether a Host header has a name that no other site can have: an
// IP address, localhost, a name without a dot, that of a Kubernetes Service, or one of
// Options.AllowedHosts.
func (s *Server) trustsHost(host string) bool {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	switch {
	case name == "":
		return false
	case !strings.Contains(name, "."), strings.HasSuffix(name, ".localhost"):
		return true
	case strings.HasSuffix(name, ".svc"), strings.HasSuffix(name, ".svc.cluster.local"):
		return true
	}
	return slices.ContainsFunc(s.o.AllowedHosts, func(allowed string) bool { return strings.EqualFold(allowed, name) })
}
