package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// start serves until the test ends, and returns the addresses, a stop that
// waits, and what Serve returned.
func start(t *testing.T, s *Server) (addresses []string, stop func() error) {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.Addrs() {
		addresses = append(addresses, a.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stopped := false
	stop = func() error {
		cancel()
		if stopped {
			return nil
		}
		stopped = true
		return <-done
	}
	t.Cleanup(func() { _ = stop() })
	return addresses, stop
}

func get(t *testing.T, client *http.Client, url string, user, password string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestServeStopAndAgain(t *testing.T) {
	defer goleak.VerifyNone(t)
	o := options(fleet("checkout"))
	o.ListenAddresses = []string{"127.0.0.1:0", "127.0.0.1:0"}
	s := newServer(t, o)
	for range 2 {
		addresses, stop := start(t, s)
		if len(addresses) != 2 {
			t.Fatalf("addresses %v", addresses)
		}
		client := &http.Client{Transport: &http.Transport{}}
		for _, a := range addresses {
			if status, body := get(t, client, "http://"+a+"/-/ready", "", ""); status != 200 {
				t.Errorf("%s: %d %s", a, status, body)
			}
		}
		client.CloseIdleConnections()
		if err := stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		for _, a := range addresses {
			if c, err := net.Dial("tcp", a); err == nil {
				c.Close()
				t.Errorf("%s still listens", a)
			}
		}
		if len(s.Addrs()) != 0 {
			t.Errorf("addresses after the end: %v", s.Addrs())
		}
	}
}

func TestListenRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	o := options(fleet())
	o.ListenAddresses = []string{free.Addr().String(), taken.Addr().String()}
	s := newServer(t, o)
	if err := s.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("listening on a taken port: %v", err)
	}
	if c, err := net.Dial("tcp", free.Addr().String()); err == nil || len(s.Addrs()) != 0 {
		if err == nil {
			c.Close()
		}
		t.Errorf("one of two addresses stayed bound: %v", free.Addr())
	}
}

func TestStopWaitsForOpenRequests(t *testing.T) {
	entered, release := make(chan bool), make(chan bool)
	o := options(fleet())
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		metrics(w, nil)
	})
	s := newServer(t, o)
	addresses, stop := start(t, s)
	body := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + addresses[0] + "/metrics")
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		body <- string(b)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	// The listener closes first, then open requests are waited for.
	for {
		c, err := net.Dial("tcp", addresses[0])
		if err != nil {
			break
		}
		c.Close()
	}
	close(release)
	if got := <-body; got != "metric 1\n" {
		t.Errorf("an open request was cut: %s", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStopIsBounded(t *testing.T) {
	entered, release := make(chan bool), make(chan bool)
	defer close(release)
	o := options(fleet())
	o.ShutdownTimeout = time.Millisecond
	o.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	})
	addresses, stop := start(t, newServer(t, o))
	failed := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + addresses[0] + "/metrics")
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	<-entered
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("a request that never ends was not cut")
	}
}

// certificate writes a self-signed certificate for 127.0.0.1 and returns who
// trusts it.
func certificate(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return pool
}

// webConfig asks for TLS and for a user whose password is "correct horse".
const webConfig = `tls_server_config:
  cert_file: cert.pem
  key_file: key.pem
basic_auth_users:
  prometheus: $2a$04$8PI.rLJTZz0GTxcJ2RPaweSXduex6hkqTQFpyGdukP/V1T.hxmAbq
`

func TestTLSAndBasicAuth(t *testing.T) {
	folder := t.TempDir()
	pool := certificate(t, folder)
	file := filepath.Join(folder, "web.yml")
	if err := os.WriteFile(file, []byte(webConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(fleet("checkout"))
	o.WebConfigFile = file
	// Two listeners, as the toolkit would change a server that they shared.
	o.ListenAddresses = []string{"127.0.0.1:0", "127.0.0.1:0"}
	addresses, _ := start(t, newServer(t, o))
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
	}}
	defer client.CloseIdleConnections()
	for _, a := range addresses {
		for _, path := range []string{"/metrics", "/-/ready", "/", "/api/v1/services"} {
			if status, body := get(t, client, "https://"+a+path, "", ""); status != 401 || strings.Contains(body, "checkout") {
				t.Errorf("%s without a password: %d %s", path, status, body)
			}
		}
		if status, _ := get(t, client, "https://"+a+"/metrics", "prometheus", "wrong"); status != 401 {
			t.Errorf("wrong password: %d", status)
		}
		if status, body := get(t, client, "https://"+a+"/metrics", "prometheus", "correct horse"); status != 200 ||
			body != "metric 1\n" {
			t.Errorf("right password: %d %s", status, body)
		}
		if status, _ := get(t, &http.Client{}, "http://"+a+"/metrics", "prometheus", "correct horse"); status != 400 {
			t.Errorf("plain HTTP on the TLS port: %d", status)
		}
	}
	url := "https://" + addresses[0] + "/metrics"
	for n := range maxFailures {
		get(t, client, url, "prometheus", fmt.Sprint("guess ", n))
	}
	if status, body := get(t, client, url, "prometheus", "next guess"); status != 429 ||
		!strings.Contains(body, "too many wrong passwords") {
		t.Errorf("one guess too many: %d %s", status, body)
	}
	if status, _ := get(t, client, url, "prometheus", "correct horse"); status != 200 {
		t.Errorf("the right password beside those who guess: %d", status)
	}
}

func TestBadWebConfig(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key":         "tls_server_confg: {}\n",
		"certificate missing": "tls_server_config:\n  cert_file: absent.pem\n  key_file: absent.pem\n",
		"password not hashed": "basic_auth_users:\n  prometheus: plain-secret\n",
	} {
		file := filepath.Join(t.TempDir(), "web.yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := options(fleet())
		o.WebConfigFile = file
		_, err := New(o)
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names %s", name, err, file)
		}
		if err != nil && strings.Contains(err.Error(), "plain-secret") {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}
