package storetest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy forwards connections to a PostgreSQL server and can lose the answers to
// commits, as a network can.
type Proxy struct {
	listener net.Listener
	network  string
	upstream string
	cuts     atomic.Int64
	holds    atomic.Int64
	ended    chan struct{}

	mu sync.Mutex
	// open are the connections of clients.
	open map[net.Conn]bool
}

// Proxy starts a proxy of the server, which ends with the test.
func (p *Postgres) Proxy(t testing.TB) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &Proxy{listener: listener, network: "tcp", upstream: p.address.Host, open: map[net.Conn]bool{}, ended: make(chan struct{})}
	if socket := p.address.Query().Get("host"); socket != "" {
		proxy.network, proxy.upstream = "unix", socket+"/.s.PGSQL.5432"
	} else if p.address.Port() == "" {
		proxy.upstream += ":5432"
	}
	go func() {
		defer close(proxy.ended)
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go proxy.forward(client)
		}
	}()
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Errorf("stopping the proxy: %v", err)
		}
		<-proxy.ended
	})
	return proxy
}

// URL is the address of a database of the server through the proxy.
func (p *Proxy) URL(t testing.TB, database string) string {
	t.Helper()
	address, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Del("host")
	query.Set("sslmode", "disable")
	address.Host, address.RawQuery = p.listener.Addr().String(), query.Encode()
	return address.String()
}

// LoseCommits makes the proxy lose the answers to the next n commits: it forwards
// the commit, waits until the server has answered and closes the connection.
func (p *Proxy) LoseCommits(n int) { p.cuts.Store(int64(n)) }

// HoldCommits makes the proxy keep the next n commits back until its end, and the
// connections open: as if the client were frozen or lost in the middle of a transaction.
func (p *Proxy) HoldCommits(n int) { p.holds.Store(int64(n)) }

// Held reports whether all of them are kept back.
func (p *Proxy) Held() bool { return p.holds.Load() <= 0 }

// Cut closes all connections that there are.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client := range p.open {
		_ = client.Close()
	}
}

// keep remembers a connection until it is forgotten.
func (p *Proxy) keep(client net.Conn) (forget func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[client] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, client)
	}
}

// Left is how many answers are still to be lost.
func (p *Proxy) Left() int { return int(max(0, p.cuts.Load())) }

func (p *Proxy) forward(client net.Conn) {
	server, err := net.Dial(p.network, p.upstream)
	if err != nil {
		_ = client.Close()
		return
	}
	defer p.keep(client)()
	// Both directions end together, whichever ends first.
	end := func() { _ = errors.Join(client.Close(), server.Close()) }
	var lose atomic.Bool
	go func() {
		defer end()
		buffer := make([]byte, 64<<10)
		for {
			n, err := client.Read(buffer)
			if bytes.Contains(bytes.ToLower(buffer[:n]), []byte("commit\x00")) {
				if p.holds.Add(-1) >= 0 {
					<-p.ended
					return
				}
				if p.cuts.Add(-1) >= 0 {
					lose.Store(true)
				}
			}
			if _, failed := server.Write(buffer[:n]); failed != nil || err != nil {
				return
			}
		}
	}()
	defer end()
	_, _ = io.Copy(writer(func(answer []byte) (int, error) {
		if lose.Load() {
			return 0, errors.New("the answer is lost")
		}
		return client.Write(answer)
	}), server)
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
