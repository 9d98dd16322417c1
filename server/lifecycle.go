package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/exporter-toolkit/web"
)

// Listen binds the addresses, so that Addrs has the real ones before Serve is
// called. It does nothing when they are bound already; when one of them cannot
// be, none is.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.listeners) > 0 {
		return nil
	}
	var bound []net.Listener
	for _, address := range s.o.ListenAddresses {
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		if err != nil {
			closeAll(bound)
			return fmt.Errorf("listening on %s: %w; choose another listen address or stop what uses it", address, err)
		}
		bound = append(bound, listener)
	}
	s.listeners = bound
	return nil
}

// Addrs are the bound addresses, in the order of Options.ListenAddresses; none
// before Listen.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Serve listens, if Listen was not called before, and answers until ctx ends.
// Open requests are then waited for, at most ShutdownTimeout. It returns nil
// after such an end, and an error when serving was not possible. It may be
// called again afterwards.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	s.mu.Lock()
	listeners := s.listeners
	s.mu.Unlock()

	errs := make(chan error, len(listeners))
	servers := make([]*http.Server, len(listeners))
	for i, listener := range listeners {
		// One http.Server for each: the toolkit changes the one it is given.
		servers[i] = s.httpServer()
		guarded := s.guard(listener, servers[i])
		go func() { errs <- web.Serve(guarded, servers[i], s.flags(), s.o.Logger) }()
	}
	var failed error
	running := len(servers)
	select {
	case <-ctx.Done():
	case failed = <-errs:
		running--
	}
	s.shutdown(ctx, servers)
	// A listener that failed before it was served is not closed elsewhere.
	closeAll(listeners)
	for range running {
		if err := <-errs; failed == nil {
			failed = err
		}
	}
	s.mu.Lock()
	s.listeners = nil
	s.mu.Unlock()
	if failed != nil && !errors.Is(failed, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", failed)
	}
	return nil
}

// shutdown ends all servers at once: gracefully within the bound, then by force.
func (s *Server) shutdown(ctx context.Context, servers []*http.Server) {
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.ShutdownTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, server := range servers {
		wg.Go(func() {
			if err := server.Shutdown(bound); err != nil {
				s.o.Logger.Warn("requests were still open at the end and were cut", "error", err)
				_ = server.Close()
			}
		})
	}
	wg.Wait()
}

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: s.o.ReadHeaderTimeout,
		ReadTimeout:       s.o.ReadTimeout,
		WriteTimeout:      s.o.WriteTimeout,
		IdleTimeout:       s.o.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// What goes wrong with a connection is the client's affair.
		ErrorLog: slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug),
	}
}

func (s *Server) flags() *web.FlagConfig {
	return &web.FlagConfig{
		WebListenAddresses: &s.o.ListenAddresses,
		WebSystemdSocket:   new(bool),
		WebConfigFile:      &s.o.WebConfigFile,
	}
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
