package server

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxConnections is how many connections a listener has at once, and maxOfAddress how
	// many of them one address may have. Each takes a file descriptor, which the store and
	// the requests to the sources need, too.
	maxConnections = 512
	maxOfAddress   = 256
	// maxHeaderBytes bounds the request line with the headers: net/http reads that much
	// into memory for each connection.
	maxHeaderBytes = 64 << 10
	// warnEvery is the time between two warnings of refused connections.
	warnEvery = time.Minute
)

// guarded is a listener with a bounded number of connections: one too many is closed at
// once. It also puts the limit of passwords before the handler of its server when it first
// accepts: the toolkit gives the server a handler that checks passwords before that.
type guarded struct {
	net.Listener
	once   sync.Once
	server *http.Server
	limit  func(http.Handler) http.Handler
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex
	open   int
	of     map[netip.Addr]int
	warned time.Time
}

func (s *Server) guard(listener net.Listener, server *http.Server) *guarded {
	return &guarded{
		Listener: listener, server: server, limit: s.passwords.limit, now: s.o.Now, log: s.o.Logger, of: map[netip.Addr]int{},
	}
}

// Accept waits for a connection that may be served.
func (g *guarded) Accept() (net.Conn, error) {
	g.once.Do(func() { g.server.Handler = g.limit(g.server.Handler) })
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // net/http compares it
		}
		address := addressOf(conn.RemoteAddr().String())
		if g.take(address) {
			return &countedConn{Conn: conn, release: sync.OnceFunc(func() { g.release(address) })}, nil
		}
		_ = conn.Close()
	}
}

// take counts a connection, unless it is one too many.
func (g *guarded) take(address netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= maxConnections || g.of[address] >= maxOfAddress {
		// A clock that was set back only warns once more.
		if now := g.now(); now.Sub(g.warned).Abs() >= warnEvery {
			g.warned = now
			g.log.Warn("connections are refused: too many are open", "address", address, "of_address", g.of[address],
				"open", g.open)
		}
		return false
	}
	g.open++
	g.of[address]++
	return true
}

func (g *guarded) release(address netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.of[address]--; g.of[address] == 0 {
		delete(g.of, address)
	}
}

// countedConn is a connection that counts until it is closed.
type countedConn struct {
	net.Conn
	release func()
}

// Close ends the connection.
func (c *countedConn) Close() error {
	c.release()
	return c.Conn.Close() //nolint:wrapcheck // net/http compares it
}
