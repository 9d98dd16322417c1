// Package server is the daemon's HTTP side: metrics, health, reload, the JSON API,
// badges, pages and operational reviews. Metrics and the API are answered from the current
// snapshot alone; what pages and reviews show of the past is read by those who make them.
// No request touches a source.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/prodready/collector/pages"
	"github.com/prodready/collector/snapshot"
)

// Defaults of Options.
const (
	DefaultListenAddress     = ":9847"
	DefaultReadHeaderTimeout = 10 * time.Second
	DefaultReadTimeout       = 30 * time.Second
	DefaultWriteTimeout      = 2 * time.Minute
	DefaultIdleTimeout       = 2 * time.Minute
	DefaultShutdownTimeout   = 10 * time.Second
)

// Options configure a Server. Current, Metrics and Past are required.
type Options struct {
	// Current returns the snapshot to answer from, nil before the first.
	Current func() *snapshot.Snapshot
	// Waiting says why there is no snapshot yet; nil or an empty text is that the first
	// evaluation has not finished.
	Waiting func() string
	// Overdue reports whether the snapshot is too old for its metrics to be served; nil
	// is never.
	Overdue func() bool
	// Metrics answers /metrics.
	Metrics http.Handler
	// Past is what the API answers of the past.
	Past pages.Past
	// Pages makes the pages that people read; nil makes none.
	Pages *pages.Site
	// Reviews gives the operational reviews; nil gives none.
	Reviews Reviews
	// Reload loads the configuration anew and keeps the old one when it returns
	// an error. When it is nil there is no /-/reload. It is never run twice at
	// once, at most once in 10 seconds, and not cut short when the client goes away.
	Reload func(ctx context.Context) error
	// AllowedHosts are names, without a port, under which a reload can be asked for
	// besides those that no other site can have.
	AllowedHosts []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger is where failures go; nil discards them.
	Logger *slog.Logger
	// ListenAddresses are host:port pairs; empty means DefaultListenAddress.
	ListenAddresses []string
	// WebConfigFile is an exporter-toolkit web configuration with TLS and basic
	// authentication; empty means neither. The file is read again for each
	// connection, so certificates and users change without a restart.
	WebConfigFile string

	// The time-outs of connections; 0 means the default.
	ReadHeaderTimeout, ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	// ShutdownTimeout bounds how long open requests may go on after the end; 0
	// means DefaultShutdownTimeout.
	ShutdownTimeout time.Duration
}

// Server serves HTTP. Its Handler can be used without listening.
type Server struct {
	o       Options
	handler http.Handler
	// paths are the known ones, for those who guess.
	paths []string
	// reload keeps reloads apart and guards reloaded, when the last one began.
	reload   sync.Mutex
	reloaded time.Time
	// services is the last answer of /api/v1/services.
	services servicesAnswer
	// passwords limits wrong ones.
	passwords *passwords

	mu        sync.Mutex
	listeners []net.Listener
}

// New makes a server. It fails when a required option is missing or when the
// web configuration file is not valid. It does not listen yet.
func New(o Options) (*Server, error) {
	if o.Current == nil || o.Metrics == nil || o.Past == nil {
		return nil, errors.New("making the HTTP server: Current, Metrics and Past are required")
	}
	if err := web.Validate(o.WebConfigFile); err != nil {
		return nil, fmt.Errorf("reading the web configuration %s: %w", o.WebConfigFile, err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.ListenAddresses) == 0 {
		o.ListenAddresses = []string{DefaultListenAddress}
	}
	for value, standard := range map[*time.Duration]time.Duration{
		&o.ReadHeaderTimeout: DefaultReadHeaderTimeout,
		&o.ReadTimeout:       DefaultReadTimeout,
		&o.WriteTimeout:      DefaultWriteTimeout,
		&o.IdleTimeout:       DefaultIdleTimeout,
		&o.ShutdownTimeout:   DefaultShutdownTimeout,
	} {
		if *value <= 0 {
			*value = standard
		}
	}
	s := &Server{o: o, passwords: newPasswords(o.Now, o.Logger)}
	s.handler = s.routes()
	return s, nil
}

// Handler answers all paths, without TLS and authentication, which belong to
// the listener.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	// The mux's own method patterns are not used: with a handler for unknown
	// paths they would answer a wrong method with 404.
	route := func(method, pattern string, handler http.HandlerFunc) {
		mux.Handle(pattern, allow(method, handler))
		s.paths = append(s.paths, method+" "+strings.TrimSuffix(pattern, "{$}"))
	}
	s.pageRoutes(route)
	route(http.MethodGet, "/metrics", s.o.Metrics.ServeHTTP)
	route(http.MethodGet, "/-/healthy", s.serveHealthy)
	route(http.MethodGet, "/-/ready", s.serveReady)
	if s.o.Reload != nil {
		route(http.MethodPost, "/-/reload", s.trusted(s.serveReload))
	}
	route(http.MethodGet, "/api/v1/services", s.serveServices)
	route(http.MethodGet, "/api/v1/services/{name}", s.serveService)
	route(http.MethodGet, "/api/v1/services/{name}/gate", s.serveGate)
	route(http.MethodGet, "/api/v1/services/{name}/history", s.serveHistory)
	route(http.MethodGet, "/api/v1/incidents", s.serveIncidents)
	route(http.MethodGet, "/api/v1/teams", s.serveTeams)
	route(http.MethodGet, "/api/v1/checks", s.serveChecks)
	route(http.MethodGet, "/api/v1/framework", s.serveFramework)
	route(http.MethodGet, "/api/v1/effect", s.serveEffect)
	route(http.MethodGet, "/api/openapi.yaml", s.serveOpenAPI)
	route(http.MethodGet, badgePath+"{file}", s.serveBadge)
	route(http.MethodGet, badgePath+"{scope}/{file}", s.serveGroupBadge)
	mux.Handle(reviewsPath+"{$}", s.ifReviews(s.serveReviews))
	mux.Handle(reviewsPath+"{file}", s.ifReviews(s.serveReviewFile))
	mux.HandleFunc("/", s.serveNotFound)
	// A page on another site must not be able to make a visitor's browser
	// reload the configuration.
	return secure(http.NewCrossOriginProtection().Handler(mux))
}

// secure sets the headers that every answer has.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

// allow answers other methods with 405. GET includes HEAD.
func allow(method string, next http.HandlerFunc) http.Handler {
	allowed := []string{method}
	if method == http.MethodGet {
		allowed = append(allowed, http.MethodHead)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(allowed, r.Method) {
			next(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		fail(w, r, http.StatusMethodNotAllowed, fmt.Sprintf("%s is not allowed here, use %s", r.Method, allowed[0]))
	})
}

// serveNotFound names the paths there are.
func (s *Server) serveNotFound(w http.ResponseWriter, r *http.Request) {
	known := s.paths
	if s.reviewsEnabled() {
		known = append(slices.Clone(known), http.MethodGet+" "+reviewsPath)
	}
	fail(w, r, http.StatusNotFound, "there is nothing at this path; known are "+strings.Join(known, ", "))
}
