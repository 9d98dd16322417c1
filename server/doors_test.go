package server

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are in memory, so that the time-outs of the
// server run on the clock of synctest.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { close(p.closed); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial is the client's end of a new connection.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.accepted <- server
	return client
}

// slowly serves what body says within the time of synctest, with the time-outs that the
// program has.
func slowly(t *testing.T, page []byte, visit func(t *testing.T, p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := options(fleet("checkout"))
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
		s := newServer(t, o)
		p := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
		server := s.httpServer()
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(p) }()
		visit(t, p)
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		time.Sleep(2 * time.Second) // the clients notice it
	})
}

// cutAfter reads until the server ends the connection, and returns the time that it took.
func cutAfter(t *testing.T, conn net.Conn) (time.Duration, string) {
	t.Helper()
	began := time.Now()
	said, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	return time.Since(began), string(said)
}

// TestSlowClientsAreCut: who sends nothing, or slowly, or reads nothing, keeps his
// connection for a bounded time.
func TestSlowClientsAreCut(t *testing.T) {
	page := []byte(strings.Repeat("x", 1<<20))
	t.Run("headers that never end", func(t *testing.T) {
		slowly(t, page, func(t *testing.T, p *pipes) {
			conn := p.dial()
			go func() {
				_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\n")
				for {
					time.Sleep(time.Second) // on the clock of synctest
					if _, err := io.WriteString(conn, "X-More: 1\r\n"); err != nil {
						return
					}
				}
			}()
			if after, _ := cutAfter(t, conn); after != DefaultReadHeaderTimeout {
				t.Errorf("cut after %v, want %v", after, DefaultReadHeaderTimeout)
			}
		})
	})
	t.Run("a body that never ends", func(t *testing.T) {
		slowly(t, page, func(t *testing.T, p *pipes) {
			conn := p.dial()
			go func() {
				_, _ = io.WriteString(conn, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
				for {
					time.Sleep(time.Second) // on the clock of synctest
					if _, err := io.WriteString(conn, "x"); err != nil {
						return
					}
				}
			}()
			after, said := cutAfter(t, conn)
			if after > DefaultReadTimeout || !strings.HasPrefix(said, "HTTP/1.1 405 ") {
				t.Errorf("cut after %v with %q", after, said)
			}
		})
	})
	t.Run("nothing after the first answer", func(t *testing.T) {
		slowly(t, page, func(t *testing.T, p *pipes) {
			conn := p.dial()
			go func() { _, _ = io.WriteString(conn, "GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n") }()
			if after, said := cutAfter(t, conn); after != DefaultIdleTimeout || !strings.Contains(said, "200 OK") {
				t.Errorf("cut after %v with %q", after, said)
			}
		})
	})
	t.Run("an answer that is not read", func(t *testing.T) {
		slowly(t, page, func(t *testing.T, p *pipes) {
			conn := p.dial()
			_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
			time.Sleep(DefaultWriteTimeout + time.Second) // on the clock of synctest
			if _, said := cutAfter(t, conn); len(said) >= len(page) {
				t.Error("the whole answer is still there to be read")
			}
		})
	})
	t.Run("a slow scrape that is honest", func(t *testing.T) {
		slowly(t, page, func(t *testing.T, p *pipes) {
			conn := p.dial()
			_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			began := time.Now()
			answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
			if err != nil {
				t.Fatal(err)
			}
			read := 0
			for part := make([]byte, 16<<10); ; {
				n, err := io.ReadFull(answer.Body, part)
				read += n
				if err != nil {
					break
				}
				time.Sleep(1500 * time.Millisecond) // on the clock of synctest
			}
			if took := time.Since(began); read != len(page) || took < time.Minute {
				t.Errorf("%d bytes of %d in %v", read, len(page), took)
			}
		})
	})
}

// TestRequestsAreBounded: a request that is too large is refused before it is in memory.
func TestRequestsAreBounded(t *testing.T) {
	addresses, _ := start(t, newServer(t, options(fleet("checkout"))))
	ask := func(request string) (status int, header http.Header) {
		t.Helper()
		conn, err := net.Dial("tcp", addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// The server may refuse it before the end.
		go func() { _, _ = io.WriteString(conn, request) }()
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%.40q: %v", request, err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode, answer.Header
	}
	large := strings.Repeat("x", maxHeaderBytes+8<<10)
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"a long path":    {"GET /" + large + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
		"a large header": {"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Large: " + large + "\r\n\r\n", 431},
		"many headers": {
			"GET /metrics HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: 1\r\n", maxHeaderBytes/8) + "\r\n", 431},
		"what a proxy adds":    {"GET /metrics HTTP/1.1\r\nHost: x\r\nCookie: " + large[:16<<10] + "\r\n\r\n", 200},
		"a body of a terabyte": {"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\nx", 200},
		"two lengths":          {"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400},
		"no host":              {"GET /metrics HTTP/1.1\r\n\r\n", 400},
		"two hosts":            {"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		"no method":            {"G(T /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"TRACE":                {"TRACE /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: y\r\n\r\n", 405},
		"CONNECT":              {"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", 404},
		"another host":         {"GET http://example.com/metrics HTTP/1.1\r\nHost: example.com\r\n\r\n", 200},
		"path upwards":         {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 307},
		"two slashes":          {"GET //example.com/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n", 307},
		"an upgrade":           {"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200},
		"a hidden path":        {"GET /api/v1/services/..%2f..%2f-%2freload HTTP/1.1\r\nHost: x\r\n\r\n", 404},
	} {
		status, header := ask(c.request)
		if status != c.want {
			t.Errorf("%s: %d, want %d", name, status, c.want)
		}
		if location := header.Get("Location"); location != "" && (location[0] != '/' || strings.HasPrefix(location, "//")) {
			t.Errorf("%s: leads to %q", name, location)
		}
	}
}

// TestConnectionsAreBounded: whoever opens all that he can leaves some to others, and
// those that he closes can be used again.
func TestConnectionsAreBounded(t *testing.T) {
	addresses, _ := start(t, newServer(t, options(fleet("checkout"))))
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	// A connection counts when it is accepted, which the answer shows.
	answered := func() bool {
		t.Helper()
		conn, err := net.Dial("tcp", addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		_, _ = io.WriteString(conn, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}
	for n := range maxOfAddress {
		if !answered() {
			t.Fatalf("connection %d is refused", n)
		}
	}
	if answered() {
		t.Error("one address has all connections that it wants")
	}
	_ = open[0].Close()
	for end := time.Now().Add(20 * time.Second); !answered(); {
		if time.Now().After(end) {
			t.Fatal("a connection that was closed counts for good")
		}
	}
}

// TestAllConnectionsAreBounded: many addresses have no more than the listener has.
func TestAllConnectionsAreBounded(t *testing.T) {
	g := newServer(t, options(fleet())).guard(nil, nil)
	for range maxOfAddress {
		g.take(addressOf("10.1.0.1:1"))
	}
	took := maxOfAddress
	for n := range 3 * maxConnections {
		if g.take(addressOf(fmt.Sprintf("10.0.%d.%d:1", n/200, n%200))) {
			took++
		}
	}
	if took != maxConnections {
		t.Errorf("%d connections at once", took)
	}
	for range maxOfAddress {
		g.release(addressOf("10.1.0.1:1"))
	}
	for n := range maxConnections - maxOfAddress {
		g.release(addressOf(fmt.Sprintf("10.0.%d.%d:1", n/200, n%200)))
	}
	if g.open != 0 || len(g.of) != 0 {
		t.Errorf("%d connections of %d addresses count after their end", g.open, len(g.of))
	}
}

// TestOldTLSIsRefused: 1.2 is the oldest version, unless the web configuration says so.
func TestOldTLSIsRefused(t *testing.T) {
	folder := t.TempDir()
	pool := certificate(t, folder)
	serve := func(more string) string {
		file := filepath.Join(folder, "web.yml")
		text := "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n" + more
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := options(fleet("checkout"))
		o.WebConfigFile = file
		addresses, _ := start(t, newServer(t, o))
		return addresses[0]
	}
	handshake := func(address string, version uint16, suites ...uint16) error {
		conn, err := tls.Dial("tcp", address, &tls.Config{
			RootCAs: pool, MinVersion: version, MaxVersion: version, CipherSuites: suites,
		})
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	address := serve("")
	for _, c := range []struct {
		what    string
		version uint16
		suites  []uint16
		works   bool
	}{
		{"TLS 1.0", tls.VersionTLS10, nil, false},
		{"TLS 1.1", tls.VersionTLS11, nil, false},
		{"TLS 1.2", tls.VersionTLS12, nil, true},
		{"TLS 1.3", tls.VersionTLS13, nil, true},
		{"TLS 1.2 with RC4", tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}, false},
	} {
		if err := handshake(address, c.version, c.suites...); (err == nil) != c.works {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	address = serve("  min_version: TLS13\n")
	if handshake(address, tls.VersionTLS12) == nil || handshake(address, tls.VersionTLS13) != nil {
		t.Error("min_version of the web configuration is not kept")
	}
}

// TestNoSharedCacheKeepsAnAnswer: it would show an old badge, or a badge to those who have
// no password. A browser may keep a page, and asks for it again.
func TestNoSharedCacheKeepsAnAnswer(t *testing.T) {
	h := newServer(t, options(fleet("checkout"))).Handler()
	for path, want := range map[string]string{
		"/": "private, no-cache", "/services/checkout": "private, no-cache", "/services/none": "no-store",
		"/-/ready": "no-store", "/-/healthy": "no-store", "/api/v1/services": "no-store", "/api/v1/services/none": "no-store",
		"/none": "no-store",
	} {
		if got := ask(t, h, "GET", path).header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control is %q, want %q", path, got, want)
		}
	}
}
